"""COCO's mixed-integer functions (`bbob-mixint`): who is ahead after so many evaluations by variable.

Methods are ranked by their best loss on each function and instance, ties sharing; the mean rank is
compared. Ranks are of the methods that have run as long.

    python -m benchmarks.mixint                              5, 10 and 20 variables; hours of one core
    python -m benchmarks.mixint --methods CMAwM pycma        some methods
    python -m benchmarks.mixint --dimensions 5               some dimensions
    python -m benchmarks.mixint --stored                     what the stored runs say
    python -m benchmarks.mixint --quick                      a check of the whole path, seconds
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from asng_core.ranking import midranks

from . import store
from .analysis import markdown, plots, scores
from .analysis.scores import Grouped
from .page import Claim, Page
from .problems.mixint import FUNCTIONS, GRID, run
from .rivals import OURS

INSTANCES = {5: (1, 2, 3), 10: (1,), 20: (1,)}  # of each dimension
DIMENSIONS = tuple(INSTANCES)
TIMES = 100  # evaluations by variable
# of methods that take milliseconds an evaluation and more
SLOW = {"NGOpt": 10, "Optuna TPE": 10}
METHODS = (OURS, "ASNG", "CMAwM", "CatCMAwM", "pycma", *SLOW, "random search")
SHOWN = (3, 10, 30, 100)  # of `GRID`
PRECISION = 8  # decimals: losses that COCO counts as equal share a rank
QUICK = (OURS, "CMAwM", "random search")
Records = list[dict[str, Any]]


def tasks(methods: Sequence[str], dimensions: Sequence[int], functions: Sequence[int] = FUNCTIONS,
          most: int = TIMES) -> list[store.Task]:
    """The runs, dimension by dimension."""
    return [{"method": method, "function": function, "dimension": dimension, "instance": instance,
             "times": min(most, SLOW.get(method, TIMES))}
            for dimension in dimensions for instance in INSTANCES[dimension] for method in methods
            for function in functions]


def ranked(records: Records, times: int, dimensions: Sequence[int]) -> Grouped:
    """method -> function -> ranks on its dimensions and instances, of the methods that have run so long in all of these
    dimensions."""
    at = GRID.index(times)
    losses: dict[tuple[str, int, int], dict[str, float]] = {}  # (function, dimension, instance) -> method -> best
    for record in records:
        task, best = record["task"], record["result"]["best"]
        if task["dimension"] in dimensions and len(best) > at:
            problem = f"f{task['function']}", task["dimension"], task["instance"]
            losses.setdefault(problem, {})[task["method"]] = best[at]
    everywhere = [method for method in METHODS if losses and all(method in found for found in losses.values())]
    ranks: Grouped = {method: {} for method in everywhere}
    for (function, _, _), found in sorted(losses.items()):
        bests = np.round([found[method] for method in everywhere], PRECISION)
        places = midranks(np.unique(bests, return_inverse=True)[1]) + 1
        for method, place in zip(everywhere, places, strict=True):
            ranks[method].setdefault(function, []).append(float(place))
    return ranks


def dimensions_at(records: Records, times: int) -> tuple[int, ...]:
    """Those in which ours has run so long."""
    return tuple(sorted({record["task"]["dimension"] for record in records
                         if record["task"]["method"] == OURS and times <= record["task"]["times"]}))


def columns(records: Records) -> dict[str, Grouped]:
    """Evaluations by variable -> ranks, over all dimensions run so long."""
    return {f"{times} d": ranked(records, times, found) for times in SHOWN if (found := dimensions_at(records, times))}


def tables(records: Records) -> dict[str, str]:
    """Mean ranks over all dimensions, in each, and the paired differences."""
    every = columns(records)
    found = {"Mean rank, over the dimensions that were run so long": _means(every)}
    for dimension in sorted({record["task"]["dimension"] for record in records}):
        own = {f"{times} d": ranked(records, times, (dimension,)) for times in SHOWN}
        found[f"Mean rank in {dimension} variables"] = _means({name: each for name, each in own.items() if each})
    found["Paired differences of the mean rank"] = _differences(every)
    return found


def _means(every: dict[str, Grouped]) -> str:
    rows = [[method, *(f"{scores.mean_of(found[method]):.2f}" if method in found else "" for found in every.values())]
            for method in METHODS if any(method in found for found in every.values())]
    return markdown.table(["method", *every], rows)


def _differences(every: dict[str, Grouped]) -> str:
    by_column = [scores.differences(found, OURS) for found in every.values()]
    rows = [[method, *(scores.interval(*found[method]) if method in found else "" for found in by_column)]
            for method in METHODS if any(method in found for found in by_column)]
    return markdown.table([f"{OURS} minus", *every], rows)


def claims(records: Records) -> list[Claim]:
    """First while evaluations are few; later none better by more than chance."""
    made = []
    for name, found in columns(records).items():
        means = {method: scores.mean_of(runs) for method, runs in found.items()}
        ours, best = means.pop(OURS), min(means, key=means.__getitem__)
        if name in ("10 d", "30 d"):
            made.append(Claim(f"{name} evaluations: `{OURS}` has the best mean rank of {len(found)} methods",
                              ours < means[best], f"{ours:.2f}; the best other {means[best]:.2f} ({best})", (OURS,)))
        elif name == "100 d":
            better = {method: each for method, each in scores.differences(found, OURS).items() if each[1] > 0}
            made.append(Claim(
                f"{name} evaluations: none of {len(means)} others is better than `{OURS}` by more than chance",
                not better, f"{ours:.2f}; the best other {means[best]:.2f} ({best})"
                + "".join(f"; {method} {scores.interval(*each)}" for method, each in better.items()), (OURS,)))
    return made


def draw(records: Records, path: Path) -> None:
    """The mean rank against evaluations by variable, a panel a dimension."""
    dimensions = sorted({record["task"]["dimension"] for record in records})
    figure, axes = plots.figure(2 + 2.8 * len(dimensions), 3.6, ncols=len(dimensions), sharey=True, squeeze=False)
    for axis, dimension in zip(axes[0], dimensions, strict=True):
        curves: dict[str, list[tuple[int, float]]] = {}
        for times in GRID:
            for method, runs in ranked(records, times, (dimension,)).items():
                curves.setdefault(method, []).append((times, scores.mean_of(runs)))
        for method, points in curves.items():
            axis.plot(*zip(*points, strict=True), label=method, **{**plots.style(method), "marker": None})
        plots.log_axis(axis, (1, 10, 100))
        axis.set(xlabel="evaluations / d", title=f"d = {dimension}")
        axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("mean rank")
    axes[0, 0].invert_yaxis()
    handles = {label: handle for axis in axes[0] for handle, label in zip(*axis.get_legend_handles_labels(),
                                                                          strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside right upper", fontsize=8, frameon=False)
    plots.save(figure, path)


def caps() -> str:
    """How much of the slow ones is run."""
    return "Capped: " + "; ".join(f"{method} to {times} d" for method, times in SLOW.items()) + "."


def page(records: Records) -> Page:
    return Page("mixint", {"mixint": "python -m benchmarks.mixint"}, claims(records), tables(records),
                partial(draw, records), caps())


def pages(results: Path) -> list[Page]:
    return [page(store.records(results / "mixint"))]


def main() -> None:
    parser = store.comparison("mixint", __doc__, METHODS, quick="3 methods, 3 functions of 5 variables, 10 d")
    parser.add_argument("--dimensions", nargs="+", type=int, choices=DIMENSIONS, default=DIMENSIONS)
    options = parser.parse_args()
    name = "mixint" + "_quick" * options.quick
    wanted = (tasks(QUICK, (5,), FUNCTIONS[::10], 10) if options.quick else
              tasks(options.methods, options.dimensions))
    records = store.compared(options, name, run, wanted, packages=("numpy", "coco-experiment"))
    page(records).show(options.out, name)


if __name__ == "__main__":
    main()
