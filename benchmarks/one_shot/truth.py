"""The ground truth: every network of the space trained from scratch, three seeds each.

    python -m benchmarks.one_shot.truth --data /usr/share/datasets/fashion-mnist    about 90 minutes on one core
    python -m benchmarks.one_shot.truth --quick                                     a check of the whole path, seconds

`--data` is a folder of the full Fashion-MNIST, whose 10,000 test images judge (Debian's package
dataset-fashion-mnist puts it there).
"""

from __future__ import annotations

from functools import cached_property, partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asng_core.arrays import Floats
from asng_core.ranking import midranks

from .. import store
from ..analysis import markdown, plots
from ..page import Claim, Page
from . import space

SEEDS, IMAGES = 3, 10_000
NAME = "one_shot_truth"


class Table:
    """What training from scratch made of each architecture: `accuracies` `(n_architectures, n_seeds)`."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        found: dict[str, dict[int, float]] = {}
        for record in records:
            task = record["task"]
            found.setdefault(task["architecture"], {})[task["seed"]] = record["result"]["accuracy"]
        self.architectures = sorted(found)
        self.accuracies = np.array([[found[words][seed] for seed in sorted(found[words])]
                                    for words in self.architectures])
        self.means: Floats = self.accuracies.mean(axis=1)

    @classmethod
    def load(cls, path: Path) -> Table:
        """That of a stored result."""
        return cls(store.records(path))

    def __len__(self) -> int:
        return len(self.architectures)

    @property
    def seed_std(self) -> float:
        """Standard deviation of one training around its network's mean, pooled over the better half of the networks.

        The worst ones' trainings scatter far more, and would make every regret look small.
        """
        better = np.argsort(-self.means, kind="stable")[: len(self) // 2]
        return float(np.sqrt(self.accuracies[better].var(axis=1, ddof=1).mean()))

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {words: row for row, words in enumerate(self.architectures)}

    def rank(self, words: str) -> int:
        """1 for the best mean over the seeds."""
        return int((self.means > self.means[self._rows[words]]).sum()) + 1

    def regret(self, words: str) -> float:
        """What its mean lacks to the best one's, in standard deviations of a training."""
        return float(self.means.max() - self.means[self._rows[words]]) / self.seed_std

    def accuracy(self, words: str, seed: int) -> float:
        """Of the training with that seed."""
        return float(self.accuracies[self._rows[words], seed])

    def correlations(self) -> tuple[float, float]:
        """Spearman's, between two seeds, mean over their pairs: over all, and over the better half.

        The better half is that of the seeds which are not compared, so that choosing it does not bias.
        """
        every, better = [], []
        for a, b in combinations(range(self.accuracies.shape[1]), 2):
            rest = np.delete(self.accuracies, [a, b], axis=1).mean(axis=1)
            half = np.argsort(-rest, kind="stable")[: len(self) // 2]
            every.append(spearman(self.accuracies[:, a], self.accuracies[:, b]))
            better.append(spearman(self.accuracies[half, a], self.accuracies[half, b]))
        return float(np.mean(every)), float(np.mean(better))

    def best_rank(self, layer: int, operation: str) -> int:
        """The rank of the best network with that operation in that layer."""
        return min(self.rank(words) for words in self.architectures if words.split()[layer] == operation)


def spearman(a: Floats, b: Floats) -> float:
    """Spearman's rank correlation."""
    a, b = (midranks(np.unique(values, return_inverse=True)[1]) for values in (a, b))
    return float(np.corrcoef(a, b)[0, 1])


def run(architecture: str, seed: int, epochs: int, images: int, data: str | None = None) -> dict[str, Any]:
    torch.set_num_threads(1)  # the processes are the parallelism
    if len(space.tensors(data)[2]) != images:
        raise ValueError(f"--data must hold {images} test images. Debian's package dataset-fashion-mnist, or "
                         "torchvision.datasets.FashionMNIST(folder, download=True), brings them.")
    return {"accuracy": space.trained(architecture, seed, data, epochs)}


def tasks(*, quick: bool = False) -> list[dict[str, Any]]:
    """A seed of all networks after the other."""
    architectures = space.architectures()
    if quick:
        architectures, seeds, epochs, images = architectures[::51], 3, 1, 1000  # every operation in every layer
    else:
        seeds, epochs, images = SEEDS, space.EPOCHS, IMAGES
    return [{"architecture": architecture, "seed": seed, "epochs": epochs, "images": images}
            for seed in range(seeds) for architecture in architectures]


def best_ranks(table: Table) -> str:
    """The rank of the best network that has the operation in the layer."""
    n_layers = len(table.architectures[0].split())
    return markdown.table(["layer", *space.OPERATIONS], (
        [str(layer + 1), *(str(table.best_rank(layer, operation)) for operation in space.OPERATIONS)]
        for layer in range(n_layers)))


def note(table: Table) -> str:
    """How far networks and trainings differ."""
    every, better = table.correlations()
    quartiles = " ".join(f"{accuracy:.3f}" for accuracy in np.quantile(table.means, [0.25, 0.5, 0.75]))
    return (f"{len(table)} networks, {table.accuracies.shape[1]} seeds each: mean accuracy {table.means.min():.3f} to "
            f"{table.means.max():.3f}, quartiles {quartiles}, standard deviation {table.means.std(ddof=1):.4f}; of one "
            f"training in the better half of the networks {table.seed_std:.4f}. Rank correlation between seeds: "
            f"{every:.2f} over all networks, {better:.2f} over the better half.")


def pages(results: Path, name: str = NAME) -> list[Page]:
    table = Table.load(results / name)
    every, better = table.correlations()
    claim = Claim("the ground truth ranks networks: rank correlation between training seeds at least 0.5 over the "
                  "better half", better >= 0.5, f"{better:.2f} (over all {every:.2f})")
    return [Page(name, {name: "python -m benchmarks.one_shot.truth --data FOLDER"}, [claim],
                 {"Rank of the best network that has the operation in the layer": best_ranks(table)},
                 partial(draw, table), note(table))]


def draw(table: Table, path: Path) -> None:
    """All networks in order of their means, with each seed's accuracy."""
    figure, axis = plots.figure(7, 3.4)
    order, ranks = np.argsort(-table.means, kind="stable"), np.arange(1, len(table) + 1)
    for seed, marker in enumerate("o^s"[: table.accuracies.shape[1]]):
        axis.scatter(ranks, table.accuracies[order, seed], s=8, marker=marker, alpha=0.5, linewidths=0,
                     label=f"seed {seed}")
    axis.plot(ranks, table.means[order], "k", linewidth=1, label="mean")
    axis.set(xlabel="rank", ylabel="test accuracy")
    axis.grid(alpha=0.3, axis="y")
    axis.legend(fontsize=8)
    plots.save(figure, path)


def main() -> None:
    parser = store.parser("one_shot.truth", __doc__)
    parser.add_argument("--data", help="folder of the full Fashion-MNIST")
    parser.add_argument("--quick", action="store_true", help="6 networks, 1 epoch: a check of the whole path")
    options = parser.parse_args()
    name = f"{NAME}{'_quick' * options.quick}"
    store.measure(options.out / name, partial(run, data=options.data), tasks(quick=options.quick),
                  parts=lambda _: ("asng_torch",), packages=("numpy", "torch"), **store.how(options))
    (page,) = pages(options.out, name)
    page.draw(options.out / f"{name}.png")
    print(page.summary())


if __name__ == "__main__":
    main()
