"""Generated problems under noise: how good is the point that each method recommends?

Forty cells: 6 to 100 categories, integers and booleans, separable or interacting, noise of a deviation of 0.1 to 3
times the function's own; every seed is another problem (`problems/noisy.py`). Scored is the true loss of the
recommended point over the optimum's, relative to that of a random point, so that every problem counts alike.

    python -m benchmarks.noisy_functions               every method, 1 seed; half an hour on one core
    python -m benchmarks.noisy_functions --ablate      with one mechanism taken out, 200 evaluations, d <= 25
    python -m benchmarks.noisy_functions --quick       a check of the whole path, seconds
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import store
from .analysis import markdown, plots, scores
from .analysis.scores import Grouped, Records
from .page import Claim, Page
from .problems.noisy import DEVIATIONS, DIMENSIONS, GRID, KINDS, run
from .rivals import ABLATED, OURS

RUN = (OURS, "ASNG", "random search", "(1+1) EA", "regularized evolution", "regularized evolution, 20", "CatCMAwM",
       "nevergrad optimistic", "Optuna TPE")
BUDGETS, SEEDS = (100, 200, 500, 2000), 1  # those that are judged
CAPS = {"nevergrad optimistic": (100, 1), "Optuna TPE": (100, 1)}  # evaluations and seeds that can be afforded
ABLATED_BUDGET, ABLATED_DIMENSION = 200, 25  # at most


def columns(records: Records) -> dict[str, Grouped]:
    """Heading -> method -> cell -> regrets by seed; NaN where a run was shorter."""
    found: dict[str, Grouped] = {f"{budget:,} evaluations": {} for budget in BUDGETS}
    for record in sorted(records, key=lambda record: (scores.place(record["task"]["method"]), record["task"]["seed"])):
        task, regrets = record["task"], record["result"]["regret"]
        for budget, grouped in zip(BUDGETS, found.values(), strict=True):
            at = GRID.index(budget)
            grouped.setdefault(task["method"], {}).setdefault(cell(task), []).append(
                regrets[at] if at < len(regrets) else float("nan"))
    return found


def cell(task: dict[str, Any]) -> str:
    return f"{task['kind']} d={task['d']}, deviation {task['deviation']:g}"


def tables(records: Records) -> dict[str, str]:
    """Mean regrets; by kind, dimension and deviation; and differences."""
    found = columns(records)
    methods = list(next(iter(found.values())))
    rows = [[method, *(_shown(scores.mean_of(each[method])) for each in found.values()), _runs(records, method)]
            for method in methods]
    shown = {"Mean regret of the recommended point: 0 is the optimum, 1 as good as a random point":
             markdown.table(["method", *found, "runs"], rows)}
    parts = {**{kind: ("kind", kind) for kind in KINDS}, **{f"d={d}": ("d", d) for d in DIMENSIONS},
             **{f"deviation {each:g}": ("deviation", each) for each in DEVIATIONS}}
    for budget in BUDGETS:
        if all(np.isnan(scores.mean_of(each)) for each in found[f"{budget:,} evaluations"].values()):
            continue  # of runs as short as an ablation's
        of_part = {name: columns([record for record in records if record["task"][key] == value])
                   for name, (key, value) in parts.items()}
        here = {name: each[f"{budget:,} evaluations"] for name, each in of_part.items()}
        here = {name: each for name, each in here.items() if each}
        shown[f"By part of the family, {budget:,} evaluations"] = markdown.table(["method", *here], (
            [method, *(_shown(scores.mean_of(each[method])) if method in each else "" for each in here.values())]
            for method in methods))
    if len(methods) > 1:
        shown["Paired differences"] = scores.comparison(found, OURS, 3)
    return shown


def _shown(mean: float) -> str:
    return "" if np.isnan(mean) else f"{mean:.3f}"


def _runs(records: Records, method: str) -> str:
    mine = [cell(record["task"]) for record in records if record["task"]["method"] == method]
    return f"{len(set(mine))} x {len(mine) // len(set(mine))}"


def claims(records: Records) -> list[Claim]:
    """That no mean is better than that of ours, and that this is no chance."""
    heads, better, figures, chance, closest = [], [], [], [], []
    for heading, found in columns(records).items():
        means = {method: scores.mean_of(each) for method, each in found.items()}
        ours = means.pop(OURS)
        means = {method: mean for method, mean in means.items() if not np.isnan(mean)}
        if not means or np.isnan(ours):
            continue
        rival = min(means, key=means.__getitem__)
        method, mean, low, high = scores.closest(found, OURS, 1)
        heads.append(heading.split()[0])
        better += [heads[-1]] if ours > means[rival] else []
        figures.append(f"{ours:.3f} ({rival} {means[rival]:.3f})")
        chance += [heads[-1]] if high >= 0 else []
        closest.append(f"{scores.interval(mean, low, high, 3)} against {method}")
    if not heads:
        return []
    several = f"{' / '.join(heads)} evaluations"
    return [Claim(f"{several}: none recommends better than `{OURS}`, in the mean", not better,
                  f"{', '.join(figures)}, the best other in brackets", (OURS,)),
            Claim(f"{several}: `{OURS}` is ahead of each of them by more than chance", not chance,
                  "; ".join(closest) + (f"; not at {', '.join(chance)}" if chance else ""), (OURS,))]


def draw(records: Records, path: Path) -> None:
    """Mean regret against evaluations, of those runs that reach so far."""
    curves: dict[str, Any] = {}
    for method in dict.fromkeys(record["task"]["method"] for record in records):
        runs = [record["result"]["regret"] for record in records if record["task"]["method"] == method]
        curves[method] = np.mean([each[: min(map(len, runs))] for each in runs], axis=0)
    plots.curves(curves, GRID, ("evaluations", "mean regret of the recommended point"), GRID, path, yscale="log")


def caps() -> str:
    """What is run of the slow methods."""
    return "Capped: " + "; ".join(f"{method} {budget} evaluations and {seeds} seed{'s' * (seeds > 1)}"
                                  for method, (budget, seeds) in CAPS.items()) + "."


def page(records: Records) -> Page:
    return Page("noisy_functions", {"noisy_functions": "python -m benchmarks.noisy_functions"}, claims(records),
                tables(records), partial(draw, records), caps())


def pages(results: Path) -> list[Page]:
    return [page(store.records(results / "noisy_functions"))]


def tasks(methods: tuple[str, ...], seeds: int, budget: int) -> list[dict[str, Any]]:
    """The runs of these methods, within their caps; a seed of all cells after another."""
    return [{"method": method, "kind": kind, "d": d, "deviation": deviation, "seed": seed,
             "budget": min(budget, CAPS.get(method, (budget, seeds))[0])}
            for method in methods for seed in range(min(seeds, CAPS.get(method, (budget, seeds))[1]))
            for kind in KINDS for d in DIMENSIONS for deviation in DEVIATIONS]


def main() -> None:
    parser = store.comparison("noisy_functions", __doc__, RUN, seeds=SEEDS,
                              quick="three methods, 1 seed, 100 evaluations")
    parser.add_argument("--ablate", action="store_true", help="ours, and ours with one mechanism taken out")
    options = parser.parse_args()
    methods, seeds, budget = tuple(options.methods), options.seeds, BUDGETS[-1]
    if options.ablate:
        methods = (OURS, *(name for name, entry in ABLATED.items() if "noisy" in (entry.only or ("noisy",))))
        budget = ABLATED_BUDGET
    wanted = tasks(methods, seeds, budget)
    if options.ablate:
        wanted = [task for task in wanted if task["d"] <= ABLATED_DIMENSION]
    if options.quick:
        wanted = [task for task in tasks(methods[:3], 1, BUDGETS[0]) if task["d"] < DIMENSIONS[2]]
    name = f"noisy_functions{'_ablation' if options.ablate else ''}{'_quick' if options.quick else ''}"
    page(store.compared(options, name, run, wanted)).show(options.out, name)


if __name__ == "__main__":
    main()
