"""The demo's space: does architecture matter in it, and does the search find a good one?

Three measurements with the space's own recipe (`asng_torch.cli.demo_recipe`), on the embedded Fashion-MNIST:

  random     20 uniformly drawn architectures, each trained from scratch once
  retrain    4 of them (ranked 2nd, 7th, 12th and 17th of the 20) trained with 5 seeds
  search     5 searches of different seeds, each found architecture trained from scratch

    python -m benchmarks.mini_space            about 12 minutes on 2 cores
    python -m benchmarks.mini_space --quick    a check of the whole path, seconds
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asng_torch.cli import demo_recipe as demo
from asng_torch.data import fashion_mnist

from . import store
from .analysis import markdown, plots
from .page import Claim, Page

RANDOM, RANKS, SEEDS, SEARCHES = 20, (2, 7, 12, 17), 5, 5
_CPU = torch.device("cpu")


def run(kind: str, seed: int, settings: dict[str, Any], architecture: dict[str, str] | None = None) -> dict[str, Any]:
    """Train one network from scratch, found by a search first if none is given; its test accuracy."""
    torch.set_num_threads(1)  # the processes are the parallelism
    data, recipe = fashion_mnist(), demo.Settings(**settings)
    search = demo.build_search(data, recipe, seed, _CPU)
    if architecture is None:
        for _ in search:
            pass
        architecture = search.optimizer.mode()
    _, accuracy = demo.retrain(search.supernet, architecture, data, recipe, seed, _CPU)
    return {"accuracy": accuracy, "architecture": architecture}


def main() -> None:
    parser = store.parser("mini_space", __doc__)
    parser.add_argument("--quick", action="store_true", help="4 networks, 1 epoch: a check of the whole path")
    options = parser.parse_args()
    settings = asdict(demo.Settings(steps=20, epochs=1) if options.quick else demo.Settings())
    ranks, seeds, searches = ((1, 4), 2, 1) if options.quick else (RANKS, SEEDS, SEARCHES)
    path = options.out / f"mini_space{'_quick' if options.quick else ''}"
    supernet = demo.build_search(fashion_mnist(), demo.Settings(), 0, _CPU).supernet
    drawn = [dict(architecture) for architecture in demo.random_architectures(
        supernet, 4 if options.quick else RANDOM, seed=1)]

    random = [{"kind": "random", "seed": 0, "settings": settings, "architecture": architecture}
              for architecture in drawn]
    search = [{"kind": "search", "seed": seed, "settings": settings} for seed in range(searches)]
    measure: dict[str, Any] = {"parts": lambda _: ("ASNG", "asng_torch"), "packages": ("numpy", "torch"),
                               **store.how(options)}
    records = store.measure(path, run, random + search, **measure)
    ranked = sorted(records[:len(random)], key=lambda record: -float(record["result"]["accuracy"]))
    retrain = [{"kind": "retrain", "seed": seed, "settings": settings,
                "architecture": ranked[rank - 1]["task"]["architecture"]} for rank in ranks for seed in range(seeds)]
    records += store.measure(path, run, retrain, **measure)

    figures = Figures(records)
    draw(figures, path.with_suffix(".png"))
    print(table(figures))


def table(figures: Figures) -> str:
    random, found, robust = figures.random, figures.found, figures.robust_std / figures.seed_std
    q1, median, q3 = np.quantile(random, [0.25, 0.5, 0.75])
    return markdown.table(["", "test accuracy"], [
        [f"{len(random)} random networks", f"{random.min():.3f} to {random.max():.3f}, quartiles {q1:.3f} {median:.3f} "
         f"{q3:.3f}, standard deviation {random.std(ddof=1):.4f}"],
        [f"seeds of the random networks ranked {', '.join(map(str, figures.ranks))}", "standard deviations "
         + " ".join(f"{std:.4f}" for std in figures.retrained.std(axis=1, ddof=1))
         + f", pooled {figures.seed_std:.4f}"],
        ["spread of networks / spread of seeds", f"{figures.spread:.1f} ({robust:.1f} by the interquartile range)"],
        [f"found by {len(found)} searches", " ".join(f"{accuracy:.3f}" for accuracy in found)
         + f", above {(found[:, None] > random).mean():.0%} of the random networks"]])


def draw(figures: Figures, path: Path) -> None:
    """A dot a training: random networks, the seeds of some of them, those found."""
    rows = {"random networks": figures.random, **{f"seeds of number {rank}": accuracies for rank, accuracies in zip(
        figures.ranks, figures.retrained, strict=True)}, "found by searches": figures.found}
    figure, axis = plots.figure(7, 0.35 * len(rows) + 1)
    for y, (name, accuracies) in enumerate(rows.items()):
        color = {"random networks": "C7", "found by searches": "C0"}.get(name, "C1")
        axis.scatter(accuracies, [y] * len(accuracies), s=28, color=color, alpha=0.6, linewidths=0)
    axis.axvline(np.median(figures.random), color="grey", linestyle=":", linewidth=1)
    axis.set_yticks(range(len(rows)), list(rows))
    axis.set(xlabel="test accuracy (dotted: median of the random networks)")
    axis.invert_yaxis()
    axis.grid(axis="x", alpha=0.3)
    plots.save(figure, path)


def pages(results: Path) -> list[Page]:
    figures = Figures(store.records(results / "mini_space"))
    return [Page("mini_space", {"mini_space": "python -m benchmarks.mini_space"}, claims(figures),
                 {"Test accuracy": table(figures)}, partial(draw, figures))]


class Figures:
    """Test accuracies: `random` and `found` networks, `retrained` `(n_networks, n_seeds)`, the random ones of
    these `ranks`; and their spreads."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        by_seed = sorted(records, key=lambda record: int(record["task"]["seed"]))
        self.random, self.found = (np.array([record["result"]["accuracy"] for record in by_seed
                                             if record["task"]["kind"] == kind]) for kind in ("random", "search"))
        networks: dict[str, list[float]] = {}
        for record in records:
            if record["task"]["kind"] == "retrain":
                networks.setdefault(str(record["task"]["architecture"]), []).append(record["result"]["accuracy"])
        self.retrained = np.array(list(networks.values()))
        first = {str(record["task"]["architecture"]): record["result"]["accuracy"] for record in records
                 if record["task"]["kind"] == "random"}
        self.ranks = [1 + int((self.random > first[network]).sum()) for network in networks]
        self.seed_std = float(np.sqrt(self.retrained.var(axis=1, ddof=1).mean()))
        q1, q3 = np.quantile(self.random, [0.25, 0.75])
        self.robust_std = (q3 - q1) / 1.349  # of a normal distribution, this is the standard deviation
        self.spread = self.random.std(ddof=1) / self.seed_std


def claims(figures: Figures) -> list[Claim]:
    median = np.median(figures.random)
    above = int((figures.found > median).sum())
    return [Claim("in the demo's space networks spread at least 3 times as much as retraining seeds",
                  bool(figures.spread >= 3), f"{figures.spread:.1f} times", ("asng_torch",)),
            Claim("a search of 2,500 steps finds networks above the random median in at least 4 of 5 seeds", above >= 4,
                  f"{above} of {len(figures.found)}: {figures.found.min():.3f} to {figures.found.max():.3f} against "
                  f"{median:.3f}")]


if __name__ == "__main__":
    main()
