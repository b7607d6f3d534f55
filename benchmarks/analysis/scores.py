"""What stored runs say: means per budget, paired comparisons, anytime curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from asng_core.arrays import Floats

from ..problems.runs import GRID
from ..rivals import ENTRIES
from .markdown import table as markdown

Records = list[dict[str, Any]]
Grouped = dict[str, dict[str, list[Any]]]  # method -> table -> by seed
DRAWS = 2000  # of a bootstrap: the ends of a 95% interval rest on 50 each


def place(method: str) -> tuple[int, str]:
    """Where a method stands in lists and pictures; variants that are no more stand last, by their names."""
    names = list(ENTRIES)
    return names.index(method) if method in names else len(names), method


def grouped(records: Records, value: Callable[[dict[str, Any]], Any], **task: Any) -> Grouped:
    """method -> table -> the values of its runs by seed, of the records whose tasks match."""
    found: Grouped = {}
    for record in sorted(records, key=lambda record: (place(record["task"]["method"]), int(record["task"]["seed"]))):
        if all(record["task"][key] == wanted for key, wanted in task.items()):
            method, table = record["task"]["method"], record["task"]["table"]
            found.setdefault(method, {}).setdefault(table, []).append(value(record["result"]))
    return found


def score_at(budget: int) -> Callable[[dict[str, Any]], float]:
    """The score after that many evaluations, NaN if the run was shorter."""
    position = GRID.index(budget)

    def value(result: dict[str, Any]) -> float:
        return float(result["score"][position]) if position < len(result["score"]) else float("nan")
    return value


def log2_to_optimum(result: dict[str, Any]) -> float:
    """log2 of the evaluations until the optimum, of all if it was not found; NaN if the run was shorter."""
    return float(np.log2(result["optimum"] or GRID[-1])) if len(result["score"]) == len(GRID) else float("nan")


def paired_bootstrap(ours: dict[str, list[float]], theirs: dict[str, list[float]], *,
                     seed: int = 0) -> tuple[float, float, float]:
    """The mean difference ours - theirs over the runs both have, and its 95% interval.

    Tables are redrawn, and within each its seeds, a seed of ours together with the same of theirs.
    """
    rng = np.random.default_rng(seed)
    differences = [np.subtract(*map(np.array, zip(*zip(ours[table], theirs[table], strict=False), strict=True)))
                   for table in ours if table in theirs]
    drawn = rng.integers(len(differences), size=(DRAWS, len(differences)))
    means = np.empty(drawn.shape)
    for table, difference in enumerate(differences):
        here = drawn == table
        means[here] = rng.choice(difference, (int(here.sum()), len(difference))).mean(axis=1)
    low, high = np.quantile(means.mean(axis=1), [0.025, 0.975])
    return float(np.mean([difference.mean() for difference in differences])), float(low), float(high)


def mean_band(runs: dict[str, Floats], *, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """The mean over tables and seeds of `(n_seeds, n)` curves, and its 95% band over the seeds."""
    rng = np.random.default_rng(seed)
    mean = np.mean([curves.mean(axis=0) for curves in runs.values()], axis=0)
    redrawn = [np.mean([curves[rng.integers(len(curves), size=len(curves))].mean(axis=0)
                        for curves in runs.values()], axis=0) for _ in range(DRAWS // 4)]
    low, high = np.quantile(redrawn, [0.025, 0.975], axis=0)
    return mean, low, high


def score_table(records: Records, budgets: tuple[int, ...], tables: tuple[str, ...], decimals: int = 2) -> str:
    """Mean score per method and budget, the share of runs at the optimum, tables x seeds of the runs."""
    optimum = grouped(records, lambda result: result.get("optimum"))
    counts = "optimum" in records[0]["result"]
    scores = {budget: grouped(records, score_at(budget)) for budget in budgets}
    rows = []
    for method in optimum:
        kept = [table for table in tables if table in optimum[method]]
        if not kept:
            continue
        cells = []
        for budget in budgets:
            mean = np.mean([np.mean(scores[budget][method][table]) for table in kept])
            cells.append("" if np.isnan(mean) else f"{mean:.{decimals}f}")
        if counts:
            runs = [np.inf if n is None else n for table in kept for n in optimum[method][table]]
            half = median(runs)
            cells += [f"{np.isfinite(runs).mean():.2f}", f"{half:.0f}" if np.isfinite(half) else ""]
        rows.append([method, *cells, f"{len(kept)} x {min(len(optimum[method][table]) for table in kept)}"])
    head = ["method", *map(str, budgets), *(["at the optimum", "median evaluations to it"] if counts else []), "runs"]
    return markdown(head, rows)


def differences(found: Grouped, ours: str) -> dict[str, tuple[float, float, float]]:
    """method -> `ours` minus it, with the 95% interval; those whose runs are too short are left out."""
    each = {method: paired_bootstrap(found[ours], runs) for method, runs in found.items() if method != ours}
    return {method: difference for method, difference in each.items() if not np.isnan(difference[0])}


def comparison(columns: dict[str, Grouped], ours: str, decimals: int = 2) -> str:
    """The paired differences of `ours` from every rival, with 95% intervals."""
    by_column = [differences(found, ours) for found in columns.values()]
    rows = [[method, *(interval(*each[method], decimals) if method in each else "" for each in by_column)]
            for method in next(iter(columns.values())) if method != ours]
    return markdown([f"{ours} minus", *columns], rows)


def interval(value: float, low: float, high: float, decimals: int = 2, sign: str = "+") -> str:
    """A figure and its 95% interval."""
    return f"{value:{sign}.{decimals}f} ({low:{sign}.{decimals}f} to {high:{sign}.{decimals}f})"


def closest(found: Grouped, ours: str, sign: int) -> tuple[str, float, float, float]:
    """The rival that `ours` is ahead of least surely, the difference from it and its 95% interval.

    With sign -1 more is better.
    """
    rivals = differences(found, ours)
    method = max(rivals, key=lambda name: max(sign * bound for bound in rivals[name][1:]))
    return (method, *rivals[method])


def leading(columns: dict[str, Grouped], n: int, sign: int, kept: Sequence[str]) -> list[str]:
    """The `n` methods to be drawn: those `kept`, then by their mean rank over the columns that they have."""
    ranks: dict[str, list[int]] = {}
    for found in columns.values():
        means = {method: sign * mean_of(runs) for method, runs in found.items()}
        for method, mean in means.items():
            if not np.isnan(mean):
                ranks.setdefault(method, []).append(sum(other < mean for other in means.values()))
    best = sorted(ranks, key=lambda method: (method not in kept, np.mean(ranks[method])))[:n]
    return sorted(best, key=place)


def mean_of(runs: dict[str, list[float]]) -> float:
    """The mean over tables of the means over seeds; NaN where a run was shorter."""
    return float(np.mean([np.mean(values) for values in runs.values()]))


def mean_interval(runs: dict[str, list[float]]) -> tuple[float, float, float]:
    """The mean over tables and seeds of a number per run, and its 95% interval over the seeds."""
    mean, low, high = mean_band({table: np.array(values)[:, None] for table, values in runs.items()})
    return float(mean[0]), float(low[0]), float(high[0])


def median(evaluations: Sequence[float]) -> float:
    """The lower one of two: never between a run that arrived and one that did not."""
    return float(np.quantile(evaluations, 0.5, method="lower"))


def count(evaluations: float) -> str:
    """As tables show it; infinitely many were not enough."""
    return f"{evaluations:,.0f}" if np.isfinite(evaluations) else "not reached"
