"""Combinatorial classics of Bayesian optimization at small budgets, each shifted: see `problems/classics.py`.

A run's gap is its best loss less the best known of its instance, over what separates that from the median of random
points: 0 is the best known, 1 no better than random. Seven problems, an instance a seed.

    python -m benchmarks.classics                           ten seeds, of the slow methods fewer; hours
    python -m benchmarks.classics --methods Minimizer       some methods
    python -m benchmarks.classics --stored                  what the stored runs say
    python -m benchmarks.classics --quick                   a check of the whole path, seconds
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import store
from .analysis import markdown, plots, scores
from .analysis.scores import Grouped, Records
from .page import Claim, Page
from .problems.classics import GRID, PROBLEMS, reference, run
from .rivals import OURS

SEEDS, BUDGET = 10, 320
METHODS = (OURS, "random search", "(1+1) EA", "local search", "regularized evolution", "regularized evolution, 20",
           "CatCMAwM", "Optuna TPE", "SMAC3")
# evaluations and seeds of those that take a tenth of a second an evaluation and more
CAPS = {"SMAC3": (200, 1), "Optuna TPE": (BUDGET, 3)}
SHOWN = (50, 100, 200, 320)
QUICK = (OURS, "(1+1) EA", "random search")


def tasks(methods: Sequence[str], seeds: int = SEEDS, problems: Sequence[str] = PROBLEMS,
          most: int = BUDGET) -> list[store.Task]:
    """The runs; the first seeds of all methods come first. `table` is the problem."""
    return [{"method": method, "table": problem, "seed": seed, "budget": min(most, CAPS.get(method, (BUDGET,))[0])}
            for seed in range(seeds) for method in methods if seed < CAPS.get(method, (0, SEEDS))[1]
            for problem in problems]


def gaps(records: Records) -> dict[int, Grouped]:
    """Evaluations -> method -> problem -> gaps by seed, of the runs that are as long."""
    best: dict[tuple[str, int], float] = {}  # of an instance, what any run has found
    for record in records:
        instance = record["task"]["table"], record["task"]["seed"]
        best[instance] = min(record["result"]["best"][-1], best.get(instance, np.inf))
    found: dict[int, Grouped] = {}
    for record in sorted(records, key=lambda record: (scores.place(record["task"]["method"]), record["task"]["seed"])):
        task, instance = record["task"], (record["task"]["table"], record["task"]["seed"])
        middle = reference(*instance)
        for n, loss in zip(GRID, record["result"]["best"], strict=False):
            runs = found.setdefault(n, {}).setdefault(task["method"], {}).setdefault(task["table"], [])
            runs.append((loss - best[instance]) / (middle - best[instance]))
    return found


def tables(records: Records) -> dict[str, str]:
    """Gaps over all problems, losses and gaps by problem, and paired differences."""
    every = {str(n): found for n, found in gaps(records).items() if n in SHOWN}
    last = list(every.values())[-1]
    methods = list(next(iter(every.values())))
    rows = [[method, *(f"{scores.mean_of(found[method]):.3f}" if method in found else "" for found in every.values()),
             _runs(next(iter(every.values()))[method])] for method in methods]
    found = {"Mean gap over all problems": markdown.table(["method", *every, "problems x runs"], rows)}
    for n, each in every.items():
        found[f"Mean gap by problem after {n} evaluations"] = markdown.table(
            ["problem", *each], ([problem, *_bold([float(np.mean(runs[problem])) for runs in each.values()])]
                                 for problem in PROBLEMS if all(problem in runs for runs in each.values())))
    if OURS in last and len(last) > 1:
        by_column = [scores.differences(each, OURS) for each in every.values()]
        found["Paired differences of the gap"] = markdown.table([f"{OURS} minus", *every], (
            [method, *(scores.interval(*each[method], 3) if method in each else "" for each in by_column)]
            for method in methods if method != OURS))
    return found


def _runs(each: dict[str, list[float]]) -> str:
    return f"{len(each)} x {min(map(len, each.values()))}"


def _bold(values: list[float]) -> list[str]:
    return [f"**{value:.3f}**" if value == min(values) else f"{value:.3f}" for value in values]


def _lead(found: Grouped, method: str, problem: str) -> float:
    """How much smaller ours' mean gap is than the method's, over the instances that both have."""
    theirs = found[method][problem]
    return float(np.mean(theirs) - np.mean(found[OURS][problem][:len(theirs)]))


def claims(records: Records) -> list[Claim]:
    """The smallest mean gap, beyond chance, and on how many problems."""
    made = []
    for n, found in gaps(records).items():
        if n not in (200, BUDGET) or OURS not in found or len(found) == 1:
            continue
        means = {method: scores.mean_of(runs) for method, runs in found.items()}
        ours, best = means.pop(OURS), min(means, key=means.__getitem__)
        rival, mean, low, high = scores.closest(found, OURS, 1)
        made.append(Claim(f"{n} evaluations: `{OURS}` has the smallest mean gap of {len(found)} methods, by more than "
                          "chance", high < 0, f"{ours:.3f}; the best other {means[best]:.3f} ({best}); "
                          f"{'' if high < 0 else 'not '}ahead of {rival}, the closest, "
                          f"{scores.interval(mean, low, high, 3)}", (OURS,)))
        leads = {problem: {method: _lead(found, method, problem) for method in means} for problem in found[OURS]}
        behind = {problem: min(each, key=each.__getitem__) for problem, each in leads.items() if min(each.values()) < 0}
        first = len(found[OURS]) - len(behind)
        made.append(Claim(f"{n} evaluations: none of them has a smaller mean gap on any problem", not behind,
                          f"first on {first} of {len(found[OURS])}" + ("; else " + ", ".join(
                              f"{method} ({problem})" for problem, method in behind.items()) if behind else ""),
                          (OURS,)))
    return made


def draw(records: Records, path: Path) -> None:
    """The mean gap against evaluations, with ours' band."""
    found = gaps(records)
    curves: dict[str, dict[str, Any]] = {}
    for each in found.values():
        for method, problems in each.items():
            for problem, runs in problems.items():
                curves.setdefault(method, {}).setdefault(problem, []).append(runs)
    bands = {method: scores.mean_band({problem: np.array(columns).T for problem, columns in by_problem.items()})
             for method, by_problem in curves.items()}
    plots.curves({method: mean for method, (mean, *_) in bands.items()}, GRID,
                 ("evaluations", "mean gap to the best known"), (10, 20, 50, 100, 200, 320), path,
                 bands={OURS: bands[OURS][1:]} if OURS in bands else {}, markers=False, ylim=(0, None))


def caps() -> str:
    """How much of the slow ones is run."""
    return "Capped: " + "; ".join(f"{method} to {budget} evaluations, {seeds} seeds"
                                  for method, (budget, seeds) in CAPS.items()) + "."


def page(records: Records) -> Page:
    return Page("classics", {"classics": "python -m benchmarks.classics"}, claims(records), tables(records),
                partial(draw, records), caps())


def pages(results: Path) -> list[Page]:
    return [page(store.records(results / "classics"))]


def main() -> None:
    options = store.comparison("classics", __doc__, METHODS, seeds=SEEDS,
                               quick="3 methods, 2 seeds of 3 problems, 50 evaluations").parse_args()
    name = "classics" + "_quick" * options.quick
    wanted = (tasks(QUICK, 2, PROBLEMS[-3:], SHOWN[0]) if options.quick else
              tasks(options.methods, options.seeds))
    page(store.compared(options, name, run, wanted)).show(options.out, name)


if __name__ == "__main__":
    main()
