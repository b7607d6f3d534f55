"""How the evaluations to the optimum grow with the number of variables d, of their values k, and the population.

Exponents: least squares of the log of the medians on the log of the size, 95% intervals by bootstrap over the
seeds. Over a finite range d ln d has an exponent above 1, so beside each stands that of the theory over the same sizes:

  cGA           O(sqrt(d) ln(dk) / step size) on OneMax (Hamano et al., Evolutionary Computation 33(2), 2025); with the
                best step size O(d ln d k ln k) (Adak and Witt, GECCO 2025), for k = 2 d ln d (Sudholt and Witt,
                Algorithmica 81, 2019). ASNG, which has no such theory of its own, is held against this
  UMDA          O(d^2 ln d) on LeadingOnes (Ben Jedidia, Doerr and Krejca, Theoretical Computer Science, 2024); ASNG
                again
  RLS           (k - 1) d (ln m + 0.577) on OneMax, m = d (k - 1) / k being wrong at the start (coupon collector);
                d^2 / 2 on binary LeadingOnes
  (1+1) EA      of the order of RLS: on OneMax of k values (Doerr, Doerr and Koetzing, Algorithmica 80, 2018), on
                LeadingOnes (Droste, Jansen and Wegener, Theoretical Computer Science 276, 2002)
  population    updates are as many whatever its size, once that no longer limits their length

    python -m benchmarks.scaling            11 seeds, about 15 minutes on one core
    python -m benchmarks.scaling --quick    a check of the whole path, seconds
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import functions, population, store
from .analysis import markdown, plots
from .analysis.scores import DRAWS, Records, count, median
from .page import Claim, Page
from .problems.synthetic import Problem, hidden, leading_ones, onemax
from .rivals import ENTRIES, OURS, Setting

SEEDS = 11
BUDGETS = {OURS: 5_000}  # a millisecond or more each
BUDGET = 1_000_000  # of the others: far above what any needs here
PROBLEMS: dict[str, Callable[[int, int, Any], Problem]] = {"OneMax": onemax, "LeadingOnes": leading_ones}


@dataclass(frozen=True)
class Theory:
    """Evaluations as a function of the size, up to a factor, in words and as such."""

    text: str
    evaluations: Callable[[float], float]


@dataclass(frozen=True)
class Sweep:
    """A problem, whose `axis` ("d", "k" or "population_size") takes these sizes; all else is `fixed`.

    methods: each with its theory, and the largest size that can be afforded.
    """

    problem: str
    fixed: dict[str, int]
    axis: str
    sizes: tuple[int, ...]
    methods: dict[str, tuple[Theory, float]]
    fitted_from: int = 0


_DLND = Theory("d ln d", lambda d: d * math.log(d))
_KLNK = Theory("k ln k", lambda k: k * math.log(k))
_UMDA = Theory("d^2 ln d", lambda d: d**2 * math.log(d))
_SQUARE = Theory("d^2", lambda d: d**2)


def _rls(axis: str, **fixed: int) -> Theory:
    def evaluations(size: float) -> float:
        d, k = ({**fixed, axis: size}[name] for name in ("d", "k"))
        return (k - 1) * d * (math.log(d * (k - 1) / k) + 0.577)
    return Theory("(k - 1) d (ln m + 0.577)", evaluations)


def _against_d(k: int, affordable: int) -> Sweep:
    binary = {"cGA": (_DLND, math.inf)} if k == 2 else {}
    return Sweep("OneMax", {"k": k}, "d", (10, 30, 100, 300, 1000), {
        OURS: (_DLND, affordable), "ASNG": (_DLND, math.inf), **binary, "RLS": (_rls("d", k=k), math.inf),
        "(1+1) EA>0": (_DLND, math.inf)})


SWEEPS = {
    "OneMax, k = 2, against d": _against_d(2, 300),
    "OneMax, k = 5, against d": _against_d(5, 100),
    "OneMax, d = 30, against k": Sweep("OneMax", {"d": 30}, "k", (2, 3, 5, 10, 20, 50), {
        OURS: (_KLNK, 20), "ASNG": (_KLNK, math.inf), "RLS": (_rls("k", d=30), math.inf),
        "(1+1) EA>0": (_rls("k", d=30), math.inf)}),
    "LeadingOnes, k = 2, against d": Sweep("LeadingOnes", {"k": 2}, "d", (10, 20, 30, 50, 100), {
        OURS: (_UMDA, math.inf), "ASNG": (_UMDA, math.inf), "RLS": (_SQUARE, math.inf),
        "(1+1) EA>0": (_SQUARE, math.inf)}),
    "OneMax, d = 100, k = 2, against the population, fitted from 16": Sweep(
        "OneMax", {"d": 100, "k": 2}, "population_size", (2, 4, 8, 16, 32, 64, 128),
        {"ASNG": (Theory("population", lambda size: size), math.inf)}, fitted_from=16),
}


def run(method: str, problem: str, d: int, k: int, seed: int, budget: int,
        population_size: int | None = None) -> dict[str, Any]:
    """The "evaluations" until the optimum was asked, or None; with ASNG's default population if None is given."""
    made = PROBLEMS[problem](d, k, hidden(d, k, seed))
    if population_size is not None:
        return {"evaluations": population.to_optimum(made, population_size, seed, budget)}
    optimizer = ENTRIES[method].load()(Setting(made.space, budget), seed)
    return {"evaluations": functions.to_optimum(optimizer, made, budget)}


def tasks(seeds: int, largest: float = math.inf) -> list[dict[str, Any]]:
    """The runs of all sweeps up to that size, each once, though sweeps cross."""
    found = [{"method": method, "problem": sweep.problem, **sweep.fixed, sweep.axis: size, "seed": seed,
              "budget": BUDGETS.get(method, BUDGET)}
             for sweep in SWEEPS.values() for method, (_, affordable) in sweep.methods.items()
             for size in sweep.sizes if size <= min(affordable, largest) for seed in range(seeds)]
    return list({frozenset(task.items()): task for task in found}.values())


def measured(records: Records, sweep: Sweep, method: str) -> dict[int, list[float]]:
    """size -> evaluations by seed; infinite if the optimum was not reached."""
    wanted, found = {"method": method, "problem": sweep.problem, **sweep.fixed}, dict[int, list[float]]()
    for record in records:
        task, reached = record["task"], record["result"]["evaluations"]
        if task.keys() == {*wanted, sweep.axis, "seed", "budget"} and wanted.items() <= task.items():
            found.setdefault(task[sweep.axis], []).append(reached or math.inf)
    return dict(sorted(found.items()))


def fitted(sweep: Sweep, found: dict[int, list[float]]) -> dict[int, list[float]]:
    """The sizes that exponents are fitted to: those at which the median run arrived."""
    return {size: runs for size, runs in found.items() if size >= sweep.fitted_from and math.isfinite(median(runs))}


def clipped(runs: list[float]) -> Any:
    """`(n,)` evaluations, where a run that did not arrive counts as the slowest that did."""
    return np.minimum(runs, max(n for n in runs if math.isfinite(n)))


def exponent(found: dict[int, list[float]], *, seed: int = 0) -> tuple[float, float, float, float]:
    """Slope of the log of the medians, its 95% interval, and the intercept at size 1."""
    rng = np.random.default_rng(seed)
    logs = np.log(list(found))

    def line(draws: list[Any]) -> Any:  # of (n_sizes, n) medians
        return np.polyfit(logs, np.log(draws), 1)
    slope, intercept = line([median(runs) for runs in found.values()])
    redrawn = [np.quantile(rng.choice(clipped(runs), (DRAWS, len(runs))), 0.5, axis=1, method="lower")
               for runs in found.values()]
    low, high = np.quantile(line(redrawn)[0], [0.025, 0.975])
    return float(slope), float(low), float(high), float(intercept)


def theoretical(sweep: Sweep, method: str, over: list[int]) -> float:
    """The theory's exponent over these sizes."""
    theory = sweep.methods[method][0]
    return float(np.polyfit(np.log(over), np.log([theory.evaluations(size) for size in over]), 1)[0])


def tables(records: Records) -> dict[str, str]:
    """The exponents of all sweeps beside the theory's over the same sizes, and the medians that they are fitted to."""
    exponents, medians = [], {}
    for title, sweep in SWEEPS.items():
        rows = []
        for method, (theory, _) in sweep.methods.items():
            found = measured(records, sweep, method)
            kept = fitted(sweep, found)
            slope, low, high, _ = exponent(kept)
            exponents.append([title, method, f"{slope:.2f} ({low:.2f} to {high:.2f})", theory.text,
                              f"{theoretical(sweep, method, list(kept)):.2f}"])
            rows.append([method, *(count(median(found[size])) if size in found else "" for size in sweep.sizes),
                         str(min(map(len, found.values())))])
        medians[title] = markdown.table(["method", *map(str, sweep.sizes), "seeds"], rows)
    head = ["sweep", "method", "exponent (95%)", "theory", "its exponent"]
    return {"Growth of the median evaluations to the optimum": markdown.table(head, exponents), **medians}


def draw(records: Records, path: Path) -> None:
    """Medians, quartiles and fitted lines, a panel a sweep but that over the population."""
    sweeps = {title: sweep for title, sweep in SWEEPS.items() if sweep.axis != "population_size"}
    figure, axes = plots.figure(8, 5.6, nrows=2, ncols=2)
    for axis, (title, sweep) in zip(axes.flat, sweeps.items(), strict=True):
        for method in sweep.methods:
            look, found = plots.style(method), measured(records, sweep, method)
            arrived = {size: runs for size, runs in found.items() if math.isfinite(median(runs))}
            q1, q2, q3 = np.array([np.quantile(clipped(runs), [0.25, 0.5, 0.75], method="lower")
                                   for runs in arrived.values()]).T
            axis.errorbar(list(arrived), q2, [q2 - q1, q3 - q2], fmt=look["marker"], color=look["color"], markersize=4,
                          capsize=2, label=method)
            kept = fitted(sweep, found)
            slope, _, _, intercept = exponent(kept)
            ends = np.array([min(kept), max(kept)])
            axis.plot(ends, np.exp(intercept) * ends**slope, color=look["color"], linewidth=1)
        axis.set(yscale="log")
        axis.set_title(title, fontsize=9)
        plots.log_axis(axis, sweep.sizes)
        axis.grid(alpha=0.3)
    for axis in axes[:, 0]:
        axis.set_ylabel("evaluations to the optimum")
    axes[0, 0].legend(fontsize=8)
    plots.save(figure, path)


def pages(results: Path) -> list[Page]:
    records = store.records(results / "scaling")
    return [Page("scaling", {"scaling": "python -m benchmarks.scaling"}, claims(records), tables(records),
                 partial(draw, records))]


def claims(records: Records) -> list[Claim]:
    """ASNG against the theory of the kindred algorithms."""
    made = []
    for title, sweep in SWEEPS.items():
        kept = fitted(sweep, measured(records, sweep, "ASNG"))
        slope, low, high, _ = exponent(kept)
        bound = theoretical(sweep, "ASNG", list(kept))
        made.append(Claim(f"{title}: evaluations of `ASNG` grow no faster than {sweep.methods['ASNG'][0].text} over "
                          "the same sizes, up to the interval", low <= bound,
                          f"exponent {slope:.2f} ({low:.2f} to {high:.2f}) against {bound:.2f}", ("ASNG",)))
    return made


def main() -> None:
    parser = store.parser("scaling", __doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"runs per cell (default {SEEDS})")
    parser.add_argument("--quick", action="store_true", help="2 seeds, small sizes: a check of the whole path")
    options = parser.parse_args()
    wanted = tasks(2, largest=32) if options.quick else tasks(options.seeds)
    name = f"scaling{'_quick' if options.quick else ''}"
    records = store.measure(options.out / name, run, wanted, **store.how(options))
    draw(records, options.out / f"{name}.png")
    print("\n\n".join(f"{title}:\n\n{table}" for title, table in tables(records).items()))


if __name__ == "__main__":
    main()
