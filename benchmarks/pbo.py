"""IOHprofiler's 25 pseudo-Boolean problems: evaluations until targets, noise-free and under additive noise.

  noise-free   a run ends at the optimum, else after 100 d evaluations; scored by the best point so far
  noisy        Gaussian noise of variance d/4 and d is added; scored by the true value of the recommended point

    python -m benchmarks.pbo noise-free                    every method, dimensions 16, 64 and 100; hours
    python -m benchmarks.pbo noisy --methods UMDA cGA      two methods, dimensions 16 and 64
    python -m benchmarks.pbo all --stored                  what the stored runs say
    python -m benchmarks.pbo noise-free --log FOLDER       with ioh's logs of what is measured, for IOHanalyzer
    python -m benchmarks.pbo all --quick                   a check of the whole path, seconds
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from asng_core import Space

from . import store
from .fixed_target import Goal
from .rivals import ENTRIES, Codes, Method, Setting

PROBLEMS = (
    "OneMax", "LeadingOnes", "Linear", "OneMaxDummy1", "OneMaxDummy2", "OneMaxNeutrality", "OneMaxEpistasis",
    "OneMaxRuggedness1", "OneMaxRuggedness2", "OneMaxRuggedness3", "LeadingOnesDummy1", "LeadingOnesDummy2",
    "LeadingOnesNeutrality", "LeadingOnesEpistasis", "LeadingOnesRuggedness1", "LeadingOnesRuggedness2",
    "LeadingOnesRuggedness3", "LABS", "IsingRing", "IsingTorus", "IsingTriangular", "MIS", "NQueens",
    "ConcatenatedTrap", "NKLandscapes")
# where ioh 0.4.2 knows no optimum, or for the trap a wrong one (its last block overlaps others unless 5 divides d).
# Exact by enumeration, by dynamic programming over the pairs that an NK landscape of K=1 has, and for LABS d=64 by
# Packebusch and Mertens (2016); LABS d=100 is the best known (energy 578; Boskovic et al., 2017).
OPTIMA = {
    ("LABS", 16): 16**2 / 48, ("LABS", 64): 64**2 / 416, ("LABS", 100): 100**2 / 1156,
    ("ConcatenatedTrap", 16): 3.8, ("ConcatenatedTrap", 64): 12.6,
    ("NKLandscapes", 16): -0.248536493, ("NKLandscapes", 64): -0.330636531, ("NKLandscapes", 100): -0.292066494,
}
# random points of these are infeasible, and targets between their penalties would be met by anything
STARTS = {"MIS": 0.0, "NQueens": 0.0}
RUN = ("ASNG", "ASNG, plain", "SNG", "WA-ASNG", "cGA", "PBIL", "UMDA", "RLS", "(1+1) EA>0", "fast GA",
       "regularized evolution", "CatCMAwM", "nevergrad 1+1", "random search")
QUICK = ("ASNG", "RLS", "cGA")
N_CHECKPOINTS = 30


class Problem:
    """An instance, on the scale of the first: the others have variables flipped, a factor and an offset."""

    def __init__(self, name: str, dimension: int, instance: int) -> None:
        self.ioh = _ioh(name, dimension, instance)
        one = _ioh("OneMax", 1, instance)
        self.offset, top = sorted((float(one([0])), float(one([1]))))
        self.factor = top - self.offset

    def __call__(self, codes: Codes) -> float:
        return round((float(self.ioh(codes)) - self.offset) / self.factor, 6)


def _ioh(name: str, dimension: int, instance: int) -> Any:
    import ioh
    return ioh.get_problem(name, instance, dimension, ioh.ProblemClass.PBO)


@cache
def goal(name: str, dimension: int) -> Goal:
    """Targets from the median of random points to the optimum."""
    problem = _ioh(name, dimension, 1)
    points = np.random.default_rng(0).integers(2, size=(1001, dimension))
    start = STARTS.get(name, round(float(np.median([problem(point) for point in points])), 6))
    return Goal(start, OPTIMA.get((name, dimension), float(problem.optimum.y)), 100 * dimension)


def run(method: str, problem: str, dimension: int, instances: int, repeats: int, noise: float,
        log: Path | None = None) -> dict[str, Any]:
    """The goal's start and optimum, and [instance][repeat] step functions of the value, "values" from "evaluations" on.

    noise: variance of the additive noise over the dimension.
    log: folder for what ioh logs, if anything: the true values of all evaluations.
    """
    began, wanted = time.perf_counter(), goal(problem, dimension)
    evaluations, values = [], []
    for instance in range(1, instances + 1):
        objective, runs = Problem(problem, dimension, instance), []
        with _logged(objective, log, method):
            for repeat in range(repeats):
                setting = Setting(Space.binary(dimension), wanted.budget, noisy=noise > 0)
                seed = 10_000 * PROBLEMS.index(problem) + 100 * instance + repeat
                optimizer, rng = ENTRIES[method].load()(setting, seed), np.random.default_rng([seed, 1])
                runs.append(_steps(_noisy(optimizer, objective, wanted, noise * dimension, rng) if noise else
                                   _noise_free(optimizer, objective, wanted), wanted.start))
                objective.ioh.reset()
        evaluations.append([[n for n, _ in steps] for steps in runs])
        values.append([[value for _, value in steps] for steps in runs])
    return {"start": wanted.start, "optimum": wanted.optimum, "evaluations": evaluations, "values": values,
            "seconds": round(time.perf_counter() - began, 2)}


def _steps(run: Iterator[tuple[int, float]], start: float) -> list[tuple[int, float]]:
    """Where the value changes, those below the start counting as the start."""
    found: list[tuple[int, float]] = []
    for n, value in run:
        value = max(value, start)
        if not found or value != found[-1][1]:
            found.append((n, int(value) if value == int(value) else value))
    return found


def _noise_free(optimizer: Method, objective: Problem, wanted: Goal) -> Iterator[tuple[int, float]]:
    """The best value so far, after every evaluation that improves it."""
    best = -np.inf
    for n in range(1, wanted.budget + 1):
        codes = optimizer.ask()
        value = objective(codes)
        if value > best:
            best = value
            yield n, value
            if wanted.reached(value):
                return
        optimizer.tell(codes, -value)


def _noisy(optimizer: Method, objective: Problem, wanted: Goal, variance: float,
           rng: np.random.Generator) -> Iterator[tuple[int, float]]:
    """The true value of the recommended point at logarithmically spaced checkpoints."""
    checkpoints = {int(n) for n in np.geomspace(1, wanted.budget, N_CHECKPOINTS).round()}
    for n in range(1, wanted.budget + 1):
        codes = optimizer.ask()
        optimizer.tell(codes, -objective(codes) - variance**0.5 * rng.standard_normal())
        if n in checkpoints:
            yield n, objective(optimizer.recommend())


@contextmanager
def _logged(objective: Problem, folder: Path | None, method: str) -> Iterator[None]:
    """Have ioh log the problem's evaluations into a folder of their own."""
    if folder is None:
        yield
        return
    import ioh
    data = objective.ioh.meta_data
    logger = ioh.logger.Analyzer(root=folder, folder_name=f"{method} f{data.problem_id} d{data.n_variables} "
                                 f"i{data.instance}", algorithm_name=method)
    objective.ioh.attach_logger(logger)
    yield
    logger.close()


@dataclass(frozen=True)
class Mode:
    """Which runs: dimension -> instances and runs of each, fewer for the slow methods; noise variances over d."""

    noises: tuple[float, ...]
    plan: dict[int, tuple[int, int]]
    capped: dict[str, dict[int, tuple[int, int]]]


MODES = {
    "noise-free": Mode((0.0,), {16: (5, 5), 64: (5, 5), 100: (3, 1)},
                       {"nevergrad 1+1": {16: (5, 1), 64: (2, 1), 100: (1, 1)}}),
    "noisy": Mode((0.25, 1.0), {16: (5, 2), 64: (5, 1)}, {"nevergrad 1+1": {16: (5, 1), 64: (1, 1)}}),
}


def tasks(name: str, methods: Sequence[str]) -> list[dict[str, Any]]:
    """The runs of a mode, those of a method together."""
    mode = MODES[name]
    return [{"method": method, "problem": problem, "dimension": dimension, "instances": instances, "repeats": repeats,
             "noise": noise}
            for method in methods for noise in mode.noises
            for dimension, (instances, repeats) in mode.capped.get(method, mode.plan).items() for problem in PROBLEMS]


def main() -> None:
    parser = store.parser("pbo", __doc__)
    parser.add_argument("mode", choices=[*MODES, "all"])
    parser.add_argument("--methods", nargs="+", choices=RUN, default=RUN, metavar="METHOD", help="of " + ", ".join(RUN))
    parser.add_argument("--log", type=Path, metavar="FOLDER", help="have ioh log what is measured, for IOHanalyzer")
    parser.add_argument("--stored", action="store_true", help="measure nothing, show what is stored")
    options = parser.parse_args()
    for name in MODES if options.mode == "all" else (options.mode,):
        path = options.out / f"pbo_{name}.json"
        wanted = tasks(name, options.methods)
        libraries = dict.fromkeys(library for method in options.methods if (library := ENTRIES[method].library))
        store.measure(path, partial(run, log=options.log), wanted, packages=("numpy", "ioh", *libraries),
                      jobs=options.jobs, restart=options.restart)


if __name__ == "__main__":
    main()
