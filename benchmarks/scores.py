"""What stored runs say: means per budget, paired comparisons, anytime curves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def paired_bootstrap(ours: dict[str, list[float]], theirs: dict[str, list[float]], *,
                     seed: int = 0) -> tuple[float, float, float]:
    """The mean difference ours - theirs over the runs both have, and its 95% interval.

    Tables are redrawn, and within each its seeds, a seed of ours together with the same of theirs.
    """
    rng = np.random.default_rng(seed)
    differences = [np.subtract(*map(np.array, zip(*zip(ours[table], theirs[table], strict=False), strict=True)))
                   for table in ours if table in theirs]
    means = np.empty(DRAWS)
    for draw in range(DRAWS):
        tables = rng.integers(len(differences), size=len(differences))
        means[draw] = np.mean([rng.choice(differences[table], len(differences[table])).mean() for table in tables])
    low, high = np.quantile(means, [0.025, 0.975])
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
    head = [*map(str, budgets), *(["at the optimum", "evaluations to it"] if _counts_optima(records) else []), "runs"]
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
        if _counts_optima(records):
            runs = [np.inf if n is None else n for table in kept for n in optimum[method][table]]
            median = np.quantile(runs, 0.5, method="lower")
            cells += [f"{np.isfinite(runs).mean():.2f}", f"{median:.0f}" if np.isfinite(median) else ""]
        cells.append(f"{len(kept)} x {min(len(optimum[method][table]) for table in kept)}")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _counts_optima(records: Records) -> bool:
    return "optimum" in records[0]["result"]


def comparison(records: Records, ours: str, budgets: tuple[int, ...]) -> str:
    """The paired differences of `ours` from every rival, with 95% intervals."""
    lines = [f"| {ours} minus | " + " | ".join(map(str, budgets)) + " |", "|---" * (len(budgets) + 1) + "|"]
    scores = {budget: grouped(records, score_at(budget)) for budget in budgets}
    for method in scores[budgets[0]]:
        cells = []
        for budget in budgets:
            if np.isnan(next(iter(scores[budget][method].values()))[0]):
                cells.append("")
            elif method != ours:
                difference, low, high = paired_bootstrap(scores[budget][ours], scores[budget][method])
                cells.append(f"{difference:+.3f} ({low:+.3f} to {high:+.3f})")
        if method != ours:
            lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(records: Records, label: str, path: Path) -> None:
    """Mean score against evaluations, with 95% bands."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.5, 5), layout="constrained")
    for number, (method, runs) in enumerate(grouped(records, lambda result: result["score"]).items()):
        mean, low, high = mean_band({table: np.array(curves) for table, curves in runs.items()})
        x = GRID[:len(mean)]
        color = f"C{number % 10}"
        axis.plot(x, mean, label=method, linewidth=2.5 if number == 0 else 1.2, color=color,
                  linestyle="-" if number < 10 else "--")
        axis.fill_between(x, low, high, alpha=0.15, linewidth=0, color=color)
    ticks = [n for n in (10, 20, 50, 100, 200, 500, 1000) if n <= GRID[-1]]
    axis.set(xscale="log", xlabel="evaluations", ylabel=label)
    axis.set_xticks(ticks, list(map(str, ticks)))
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    figure.savefig(path, dpi=130)
    plt.close(figure)
