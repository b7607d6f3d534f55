"""What stored runs say: means per budget, paired comparisons, anytime curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rivals import ENTRIES
from .runs import GRID

Floats = NDArray[np.float64]
Records = list[dict[str, Any]]
DRAWS = 2000


def grouped(records: Records, value: Callable[[dict[str, Any]], Any], **task: Any) -> dict[str, dict[str, list[Any]]]:
    """method -> table -> the values of its runs by seed, of the records whose tasks match."""
    found: dict[str, dict[str, list[Any]]] = {}
    for record in sorted(records, key=lambda record: int(record["task"]["seed"])):
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
    head = [*map(str, budgets), *(["at the optimum", "median evaluations to it"] if counts else []), "runs"]
    lines = ["| method | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    scores = {budget: grouped(records, score_at(budget)) for budget in budgets}
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
            median = np.quantile(runs, 0.5, method="lower")
            cells += [f"{np.isfinite(runs).mean():.2f}", f"{median:.0f}" if np.isfinite(median) else ""]
        cells.append(f"{len(kept)} x {min(len(optimum[method][table]) for table in kept)}")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def comparison(columns: dict[str, dict[str, dict[str, list[float]]]], ours: str, decimals: int = 2) -> str:
    """The paired differences of `ours` from every rival, with 95% intervals; a column is of `grouped`."""
    lines = [f"| {ours} minus | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for method in next(iter(columns.values())):
        cells = []
        for found in columns.values():
            difference, low, high = paired_bootstrap(found[ours], found[method])
            cells.append("" if np.isnan(difference) else interval(difference, low, high, decimals))
        if method != ours:
            lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def interval(value: float, low: float, high: float, decimals: int = 2, sign: str = "+") -> str:
    """A figure and its 95% interval."""
    return f"{value:{sign}.{decimals}f} ({low:{sign}.{decimals}f} to {high:{sign}.{decimals}f})"


def closest(found: dict[str, dict[str, list[float]]], ours: str, sign: int) -> tuple[str, float, float, float]:
    """The rival that `ours` is ahead of least surely, the difference from it and its 95% interval.

    `found` is of `grouped`; with sign -1 more is better. Methods whose runs are shorter hold NaN and are passed over.
    """
    rivals = {method: paired_bootstrap(found[ours], runs) for method, runs in found.items() if method != ours}
    rivals = {method: each for method, each in rivals.items() if not np.isnan(each[0])}
    method = max(rivals, key=lambda name: max(sign * bound for bound in rivals[name][1:]))
    return (method, *rivals[method])


def mean_interval(runs: dict[str, list[float]]) -> tuple[float, float, float]:
    """The mean over tables and seeds of a number per run, and its 95% interval over the seeds."""
    mean, low, high = mean_band({table: np.array(values)[:, None] for table, values in runs.items()})
    return float(mean[0]), float(low[0]), float(high[0])


def draw(panels: dict[str, Records], label: str, path: Path) -> None:
    """Mean score against evaluations, with 95% bands; title -> its records; two panels a row."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    methods = {record["task"]["method"] for records in panels.values() for record in records}
    height = 2.8 * rows + 0.2 * -(-len(methods) // (columns + 1)) + 0.2  # panels above the legend
    figure, axes = plt.subplots(rows, columns, figsize=(3.7 * columns, height), sharex=True, sharey=True,
                                squeeze=False, layout="constrained")
    for axis, (title, records) in zip(axes.flat, panels.items(), strict=False):
        for method, runs in grouped(records, lambda result: result["score"]).items():
            number = list(ENTRIES).index(method)  # a method looks the same throughout
            mean, low, high = mean_band({table: np.array(curves) for table, curves in runs.items()})
            x, color = GRID[:len(mean)], f"C{number % 10}"
            axis.plot(x, mean, label=method, linewidth=2.5 if number == 0 else 1.2, color=color, markersize=4,
                      marker="o^sDv<>Pp*X"[number % 11], linestyle="-" if number < 10 else "--")
            axis.fill_between(x, low, high, alpha=0.12, linewidth=0, color=color)
        ticks = (10, 30, 100, 300, 1000)
        axis.set(xscale="log", title=title)
        axis.set_xticks(ticks, list(map(str, ticks)))
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    for axis in axes[:, 0]:
        axis.set_ylabel(label)
    for axis in axes[-1]:
        axis.set_xlabel("evaluations")
    handles = {text: handle for axis in axes.flat
               for handle, text in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=columns + 1, fontsize=9)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def median(evaluations: Sequence[float]) -> float:
    """The lower one of two: never between a run that arrived and one that did not."""
    return float(np.quantile(evaluations, 0.5, method="lower"))


def count(evaluations: float) -> str:
    """As tables show it; infinitely many were not enough."""
    return f"{evaluations:,.0f}" if np.isfinite(evaluations) else "not reached"
