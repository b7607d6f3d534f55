"""How far the found network's true rank moves when one setting of the search is changed at a time.

    python -m benchmarks.one_shot.robustness            after side_by_side, about 55 minutes on one core
    python -m benchmarks.one_shot.robustness --quick    a check of the whole path, seconds

Of ASNG all settings are changed, of the others those that they have. With a batch or a population of another
size there are as many more or fewer steps, so that as many images are seen. The runs at the defaults are those
of `side_by_side`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import store
from ..analysis import markdown, plots
from ..page import Claim, Page
from . import side_by_side, strategies, truth
from .found import OURS, by_seed, found
from .strategies.search import STEP_SIZES
from .strategies.setup import N_THETA, Recipe, Setup

NAME, SEEDS, SPOS = "one_shot_robustness", 3, "uniform, SPOS"
# factor -> its field of the recipe, label -> value
GRID: dict[str, tuple[str, dict[str, Any]]] = {
    "learning rate": ("learning_rate", {f"x {factor}": round(Recipe.learning_rate * factor, 4)
                                        for factor in (0.1, 0.3, 1, 3, 10)}),
    "batch": ("batch", {str(batch): batch for batch in (16, 32, 64, 128, 256)}),
    "step size": ("step_size", {"1": 1.0, "n^-1/2": N_THETA**-0.5, "1/n": 1 / N_THETA}),
    "alpha": ("alpha", {str(alpha): alpha for alpha in (1.1, 1.5, 3.0)}),
    "population": ("population", {str(population): population for population in (2, 4, 8)}),
    "steps": ("steps", {str(steps): steps for steps in (300, 600, 1500)}),
    "normalization": ("batch_norm", {policy: policy for policy in ("batch", "tracked", "recalibrated")}),
}
SHARED = ("learning rate", "batch")
FACTORS = {OURS: tuple(GRID), "SNG": (*SHARED, "step size"), SPOS: SHARED, "REINFORCE": SHARED, "GDAS": SHARED}


def default(strategy: str, factor: str) -> Any:
    """The value that `side_by_side` runs with."""
    if factor == "step size":
        return STEP_SIZES[strategy]
    return getattr(Recipe(), GRID[factor][0])


def run(kind: str, seed: int, recipe: dict[str, Any], **_cell: str) -> dict[str, Any]:
    torch.set_num_threads(1)  # the processes are the parallelism
    return {"found": strategies.RUNS[kind](Setup(Recipe(**recipe), seed))}


def tasks(*, quick: bool = False) -> list[dict[str, Any]]:
    """Seed by seed, all that is not at its default."""
    base, seeds = (side_by_side.QUICK, 1) if quick else ({"steps": Recipe.steps}, SEEDS)
    return [{"kind": kind, "factor": factor, "label": label, "seed": seed, "recipe": {**base, field: value}}
            for seed in range(seeds) for kind, factors in FACTORS.items()
            for factor, (field, values) in GRID.items() if factor in factors and not (quick and field == "steps")
            for label, value in values.items() if value != default(kind, factor)]


Sweep = dict[tuple[str, str, str], list[int]]  # (strategy, factor, label) -> the true ranks by seed
DEFAULT = ""  # in place of factor and label


def sweep(records: Sequence[dict[str, Any]], defaults: Sequence[dict[str, Any]], table: truth.Table) -> Sweep:
    """`defaults` are the records of `side_by_side`."""
    ranks: Sweep = {}
    for record in by_seed(records):
        task, words = record["task"], record["result"]["found"]
        ranks.setdefault((task["kind"], task["factor"], task["label"]), []).append(table.rank(words))
    n = max(map(len, ranks.values()))
    for kind, runs in found(defaults).items():
        ranks[kind, DEFAULT, DEFAULT] = [table.rank(each.words) for each in runs[:n]]
    return ranks


def cell(ranks: Sweep, kind: str, factor: str, label: str) -> list[int]:
    """The ranks at one value; none if it has not been run."""
    at_default = GRID[factor][1][label] == default(kind, factor)
    return ranks.get((kind, DEFAULT, DEFAULT) if at_default else (kind, factor, label), [])


def over(ranks: Sweep, strategy: str, factors: Sequence[str]) -> list[int]:
    """All ranks of a strategy at the defaults and where one of these factors is changed."""
    return [rank for (kind, factor, _), each in ranks.items() if kind == strategy and factor in (*factors, DEFAULT)
            for rank in each]


def tables(ranks: Sweep) -> dict[str, str]:
    """The whole sweep, and every factor; the defaults in bold."""
    rows = []
    for title, kind, factors in (*(("learning rate and batch", kind, SHARED) for kind in FACTORS),
                                 ("all settings", OURS, tuple(GRID))):
        median, upper, worst = np.quantile(over(ranks, kind, factors), [0.5, 0.75, 1])
        rows.append([title, kind, f"{median:.1f}", f"{upper:.1f}", f"{worst:.0f}"])
    found = {"True rank of the network found": markdown.table(
        ["over the sweep of", "strategy", "median", "upper quartile", "worst"], rows)}
    for factor, (_, values) in GRID.items():
        found[f"Median true rank by {factor}"] = markdown.table([factor, *values], (
            [kind, *(_median(cell(ranks, kind, factor, label), value == default(kind, factor))
                     for label, value in values.items())]
            for kind, factors in FACTORS.items() if factor in factors))
    return found


def note(ranks: Sweep, n_networks: int) -> str:
    n_seeds = sorted({bound(map(len, ranks.values())) for bound in (min, max)})
    return f"Among {n_networks} networks, {' to '.join(map(str, n_seeds))} seeds a cell."


def _median(ranks: Sequence[int], bold: bool) -> str:
    return "not run" if not ranks else f"**{np.median(ranks):.0f}**" if bold else f"{np.median(ranks):.0f}"


def pages(results: Path, name: str = NAME) -> list[Page]:
    """`results` must hold the truth and `side_by_side` too."""
    table = truth.Table.load(results / truth.NAME)
    ranks = sweep(store.records(results / name), store.records(results / side_by_side.NAME), table)
    return [Page(name, {name: "python -m benchmarks.one_shot.robustness"}, [claim(ranks, table)], tables(ranks),
                 partial(draw, ranks, len(table)), note(ranks, len(table)))]


def claim(ranks: Sweep, table: truth.Table) -> Claim:
    every = over(ranks, OURS, tuple(GRID))
    rng, bar = np.random.default_rng(0), 0.15 * len(table)
    median = float(np.median(every))
    low, high = np.quantile(np.median(rng.choice(every, (2000, len(every))), axis=1), [0.025, 0.975])
    return Claim(f"over the whole sweep ASNG's median true rank in the best 15% (at most {bar:.1f} of {len(table)})",
                 median <= bar, f"{median:.1f} ({low:.1f} to {high:.1f}), {len(every)} searches")


def draw(ranks: Sweep, n_networks: int, path: Path) -> None:
    """A panel for the factors that every strategy has: its median rank, with all ranks of ASNG."""
    figure, axes = plots.figure(8, 3.6, ncols=len(SHARED), sharey=True)
    for axis, factor in zip(axes, SHARED, strict=True):
        labels = list(GRID[factor][1])
        for kind, marker, line in zip(FACTORS, "os^vD", ("-", "--", "-.", ":", "--"), strict=True):
            cells = [cell(ranks, kind, factor, label) for label in labels]
            axis.plot(range(len(cells)), [np.median(each) if each else np.nan for each in cells], marker=marker,
                      linestyle=line, label=kind, linewidth=2.5 if kind == OURS else 1.2, alpha=0.8)
            if kind == OURS:
                for x, each in enumerate(cells):
                    axis.scatter([x] * len(each), each, s=10, color="C0", alpha=0.5, linewidths=0)
        axis.axhline(0.15 * n_networks, color="grey", linestyle="--", linewidth=1)
        plots.log_axis(axis, (1, 3, 10, 30, 100, 250), "y")
        axis.set(xlabel=factor)
        axis.set_xticks(range(len(labels)), labels)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("true rank (dashed: best 15%)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", fontsize=8, frameon=False)
    plots.save(figure, path)


def main() -> None:
    parser = store.parser("one_shot.robustness", __doc__)
    parser.add_argument("--quick", action="store_true", help="1 seed, 20 steps: a check of the whole path")
    parser.add_argument("--stored", action="store_true", help="measure nothing, show what is stored")
    options = parser.parse_args()
    name, wanted = f"{NAME}{'_quick' * options.quick}", tasks(quick=options.quick)
    if not options.stored:
        store.measure(options.out / name, run, wanted, parts=side_by_side.parts, packages=("numpy", "torch"),
                      **store.how(options))
    table = truth.Table.load(store.RESULTS / truth.NAME)
    ranks = sweep(store.stored(options.out / name, wanted), store.records(store.RESULTS / side_by_side.NAME), table)
    draw(ranks, len(table), options.out / f"{name}.png")
    print("\n\n".join([*tables(ranks).values(), note(ranks, len(table))]))


if __name__ == "__main__":
    main()
