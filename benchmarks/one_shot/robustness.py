"""How far the found network's true rank moves when one setting of the search is changed at a time.

    python -m benchmarks.one_shot.robustness            after side_by_side, about 55 minutes on one core
    python -m benchmarks.one_shot.robustness --quick    a check of the whole path, seconds

Of ASNG all settings are changed, of the others those that they have. With a batch or a population of another
size there are as many more or fewer steps, so that as many images are seen. The runs at the defaults are those
of `side_by_side`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import store
from ..claims import Claim
from . import side_by_side, strategies, truth
from .strategies import N_THETA, Recipe

NAME, SEEDS, OURS, SPOS = "one_shot_robustness", 3, "ASNG", "uniform, SPOS"
COMMAND = "python -m benchmarks.one_shot.robustness"
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
        return strategies.STEP_SIZES[strategy]
    return getattr(Recipe(), GRID[factor][0])


def run(kind: str, seed: int, recipe: dict[str, Any], **_cell: str) -> dict[str, Any]:
    torch.set_num_threads(1)  # the processes are the parallelism
    return {"found": strategies.RUNS[kind](strategies.Setup(Recipe(**recipe), seed))}


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
    for record in side_by_side.by_seed(records):
        task, words = record["task"], record["result"]["found"]
        ranks.setdefault((task["kind"], task["factor"], task["label"]), []).append(table.rank(words))
    n = max(map(len, ranks.values()))
    for kind, runs in side_by_side.found(defaults).items():
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


def report(ranks: Sweep, n_networks: int) -> str:
    """A table for every factor, and one for the whole sweep."""
    parts = []
    for factor, (_, values) in GRID.items():
        lines = [f"| {factor} | " + " | ".join(values) + " |", "|---" * (len(values) + 1) + "|"]
        for kind, factors in FACTORS.items():
            if factor in factors:
                cells = [_median(cell(ranks, kind, factor, label), value == default(kind, factor))
                         for label, value in values.items()]
                lines.append(f"| {kind} | " + " | ".join(cells) + " |")
        parts.append("\n".join(lines))
    lines = ["| over the sweep of | strategy | median rank | upper quartile | worst |", "|---" * 5 + "|"]
    for title, kind, factors in (*(("learning rate and batch", kind, SHARED) for kind in FACTORS),
                                 ("all settings", OURS, tuple(GRID))):
        median, upper, worst = np.quantile(over(ranks, kind, factors), [0.5, 0.75, 1])
        lines.append(f"| {title} | {kind} | {median:.1f} | {upper:.1f} | {worst:.0f} |")
    n_seeds = {bound(map(len, ranks.values())) for bound in (min, max)}
    return "\n\n".join([f"Median true rank of {n_networks} over {' to '.join(map(str, sorted(n_seeds)))} seeds, "
                        "the defaults in bold.", *parts,
                        "\n".join(lines)])


def _median(ranks: Sequence[int], bold: bool) -> str:
    return "not run" if not ranks else f"**{np.median(ranks):.0f}**" if bold else f"{np.median(ranks):.0f}"


def stored(results: Path, name: str = NAME) -> tuple[Sweep, truth.Table]:
    table = truth.Table.load(results / f"{truth.NAME}.json")
    return sweep(store.records(results / f"{name}.json"), store.records(results / f"{side_by_side.NAME}.json"),
                 table), table


def blocks(results: Path) -> dict[str, str]:
    """The tables and the picture."""
    ranks, table = stored(results)
    draw(ranks, len(table), results / f"{NAME}.png")
    return {"one-shot robustness": f"{report(ranks, len(table))}\n\n![ranks by setting](results/{NAME}.png)"}


def claims(results: Path) -> list[Claim]:
    ranks, table = stored(results)
    every = over(ranks, OURS, tuple(GRID))
    rng, bar = np.random.default_rng(0), 0.15 * len(table)
    median = float(np.median(every))
    low, high = np.quantile(np.median(rng.choice(every, (2000, len(every))), axis=1), [0.025, 0.975])
    return [Claim(f"Over the whole sweep ASNG's median true rank in the best 15% (at most {bar:.1f} of {len(table)})",
                  median <= bar, f"{median:.1f} ({low:.1f} to {high:.1f}), {len(every)} searches", f"{NAME}.json",
                  COMMAND)]


def draw(ranks: Sweep, n_networks: int, path: Path) -> None:
    """A panel for every factor: the median rank of each strategy, with all ranks of ASNG."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 4, figsize=(13, 6), sharey=True, layout="constrained")
    axes[-1, -1].remove()
    for axis, (factor, (_, values)) in zip(axes.flat, GRID.items(), strict=False):
        for (kind, factors), marker, line in zip(FACTORS.items(), "os^vD", ("-", "--", "-.", ":", "--"), strict=True):
            if factor in factors:
                cells = [cell(ranks, kind, factor, label) for label in values]
                axis.plot(range(len(cells)), [np.median(each) if each else np.nan for each in cells], marker=marker,
                          linestyle=line, label=kind, linewidth=2.5 if kind == OURS else 1.2, alpha=0.8)
                if kind == OURS:
                    for x, each in enumerate(cells):
                        axis.scatter([x] * len(each), each, s=10, color="C0", alpha=0.5, linewidths=0)
        axis.axhline(0.15 * n_networks, color="grey", linestyle="--", linewidth=1)
        axis.set(yscale="log", xlabel=factor)
        axis.set_xticks(range(len(values)), list(values))
        axis.grid(alpha=0.3)
    for row in axes:
        row[0].set_ylabel("true rank (dashed: best 15%)")
    axes[0, 0].legend(fontsize=8)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main() -> None:
    parser = store.parser("one_shot.robustness", __doc__)
    parser.add_argument("--quick", action="store_true", help="1 seed, 20 steps: a check of the whole path")
    parser.add_argument("--stored", action="store_true", help="measure nothing, show what is stored")
    options = parser.parse_args()
    path, wanted = options.out / f"{NAME}{'_quick' * options.quick}.json", tasks(quick=options.quick)
    if not options.stored:
        store.measure(path, run, wanted, parts=side_by_side.parts, packages=("numpy", "torch"), jobs=options.jobs,
                      restart=options.restart)
    table = truth.Table.load(store.RESULTS / f"{truth.NAME}.json")
    ranks = sweep(store.stored(path, wanted), store.records(store.RESULTS / f"{side_by_side.NAME}.json"), table)
    draw(ranks, len(table), path.with_suffix(".png"))
    print(report(ranks, len(table)))


if __name__ == "__main__":
    main()
