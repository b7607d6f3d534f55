"""IOHprofiler's 25 pseudo-Boolean problems (package `ioh`; Doerr et al., 2020), and a run of a method on one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from asng_core import Space
from asng_core.arrays import Codes

from ..analysis.fixed_target import Goal
from ..rivals import ENTRIES, Method, Setting

PROBLEMS = (
    "OneMax", "LeadingOnes", "Linear", "OneMaxDummy1", "OneMaxDummy2", "OneMaxNeutrality", "OneMaxEpistasis",
    "OneMaxRuggedness1", "OneMaxRuggedness2", "OneMaxRuggedness3", "LeadingOnesDummy1", "LeadingOnesDummy2",
    "LeadingOnesNeutrality", "LeadingOnesEpistasis", "LeadingOnesRuggedness1", "LeadingOnesRuggedness2",
    "LeadingOnesRuggedness3", "LABS", "IsingRing", "IsingTorus", "IsingTriangular", "MIS", "NQueens",
    "ConcatenatedTrap", "NKLandscapes")
# where ioh 0.4.2 knows no optimum, or for the trap a wrong one (its last block overlaps others unless 5 divides d).
# Exact by enumeration, by dynamic programming over the pairs that an NK landscape of K=1 has, and for LABS d=64 by
# Packebusch and Mertens (2016); LABS d=100 is the best known to us (energy 578).
OPTIMA = {
    ("LABS", 16): 16**2 / 48, ("LABS", 64): 64**2 / 416, ("LABS", 100): 100**2 / 1156,
    ("ConcatenatedTrap", 16): 3.8, ("ConcatenatedTrap", 64): 12.6,
    ("NKLandscapes", 16): -0.248536493, ("NKLandscapes", 64): -0.330636531, ("NKLandscapes", 100): -0.292066494,
}
# random points of these are infeasible, and targets between their penalties would be met by anything
STARTS = {"MIS": 0.0, "NQueens": 0.0}
N_CHECKPOINTS = 30


def load(name: str, dimension: int, instance: int) -> Any:
    """ioh's problem. All its instances are the first with variables flipped, values scaled and shifted."""
    import ioh
    return ioh.get_problem(name, instance, dimension, ioh.ProblemClass.PBO)


def evaluate(problem: Any, codes: Codes) -> float:
    """The value on the first instance's scale, rounded: equal sums taken in another order are equal."""
    problem(codes)
    return round(float(problem.state.current_internal.y), 6)


@cache
def goal(name: str, dimension: int) -> Goal:
    """Targets from the median of random points to the optimum."""
    problem = load(name, dimension, 1)
    points = np.random.default_rng(0).integers(2, size=(1001, dimension))
    start = STARTS.get(name, float(np.median([evaluate(problem, point) for point in points])))
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
        objective, runs = load(problem, dimension, instance), []
        with _logged(objective, log, method):
            for repeat in range(repeats):
                setting = Setting(Space.binary(dimension), wanted.budget, noisy=noise > 0)
                seed = 10_000 * PROBLEMS.index(problem) + 100 * instance + repeat
                optimizer, rng = ENTRIES[method].load()(setting, seed), np.random.default_rng([seed, 1])
                runs.append(_steps(_noisy(optimizer, objective, wanted, noise * dimension, rng) if noise else
                                   _noise_free(optimizer, objective, wanted), wanted.start))
                objective.reset()
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


def _noise_free(optimizer: Method, objective: Any, wanted: Goal) -> Iterator[tuple[int, float]]:
    """The best value so far, after every evaluation that improves it."""
    best = -np.inf
    for n in range(1, wanted.budget + 1):
        codes = optimizer.ask()
        value = evaluate(objective, codes)
        if value > best:
            best = value
            yield n, value
            if wanted.reached(value):
                return
        optimizer.tell(codes, -value)


def _noisy(optimizer: Method, objective: Any, wanted: Goal, variance: float,
           rng: np.random.Generator) -> Iterator[tuple[int, float]]:
    """The true value of the recommended point at logarithmically spaced checkpoints."""
    checkpoints = {int(n) for n in np.geomspace(1, wanted.budget, N_CHECKPOINTS).round()}
    for n in range(1, wanted.budget + 1):
        codes = optimizer.ask()
        optimizer.tell(codes, -evaluate(objective, codes) - variance**0.5 * rng.standard_normal())
        if n in checkpoints:
            yield n, evaluate(objective, optimizer.recommend())


@contextmanager
def _logged(objective: Any, folder: Path | None, method: str) -> Iterator[None]:
    """Have ioh log the problem's evaluations into a folder of their own."""
    if folder is None:
        yield
        return
    import ioh
    data = objective.meta_data
    logger = ioh.logger.Analyzer(root=folder, folder_name=f"{method} f{data.problem_id} d{data.n_variables} "
                                 f"i{data.instance}", algorithm_name=method)
    objective.attach_logger(logger)
    yield
    logger.close()
