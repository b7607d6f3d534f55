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
from numpy.typing import NDArray

from asng_core.ranking import midranks

from .. import store
from ..claims import Claim
from . import space

SEEDS, IMAGES = 3, 10_000
NAME = "one_shot_truth"
Floats = NDArray[np.float64]


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


def blocks(results: Path, name: str = NAME) -> dict[str, str]:
    """The table in figures, and its picture."""
    table = Table.load(results / f"{name}.json")
    draw(table, results / f"{name}.png")
    every, better = table.correlations()
    quartiles = " ".join(f"{accuracy:.3f}" for accuracy in np.quantile(table.means, [0.25, 0.5, 0.75]))
    lines = [
        f"{len(table)} networks, {table.accuracies.shape[1]} seeds each: mean accuracy {table.means.min():.3f} to "
        f"{table.means.max():.3f}, quartiles {quartiles}, standard deviation "
        f"{table.means.std(ddof=1):.4f}. Of one training in the better half of the networks: {table.seed_std:.4f}.",
        f"Rank correlation between seeds: {every:.2f} over all networks, {better:.2f} over the better half.", "",
        "Rank of the best network that has the operation in the layer:", "",
        "| layer | " + " | ".join(space.OPERATIONS) + " |", "|---" * (len(space.OPERATIONS) + 1) + "|"]
    lines += [f"| {layer + 1} | " + " | ".join(str(table.best_rank(layer, operation)) for operation in space.OPERATIONS)
              + " |" for layer in range(len(table.architectures[0].split()))]
    return {"one-shot truth": "\n".join([*lines, "", f"![accuracies of all networks](results/{name}.png)"])}


def claims(results: Path) -> list[Claim]:
    table = Table.load(results / f"{NAME}.json")
    every, better = table.correlations()
    return [Claim("The ground truth ranks networks: rank correlation between training seeds at least 0.5 over the "
                  "better half", better >= 0.5, f"{better:.2f} (over all {every:.2f})", f"{NAME}.json",
                  "python -m benchmarks.one_shot.truth --data FOLDER")]


def draw(table: Table, path: Path) -> None:
    """All networks in order of their means, with each seed's accuracy; and those of each operation and layer."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained", width_ratios=(1, 1.3),
                                         sharey=True)
    order = np.argsort(-table.means, kind="stable")
    for seed, marker in enumerate("o^s"[: table.accuracies.shape[1]]):
        left.scatter(np.arange(1, len(table) + 1), table.accuracies[order, seed], s=8, marker=marker, alpha=0.5,
                     linewidths=0, label=f"seed {seed}")
    left.plot(np.arange(1, len(table) + 1), table.means[order], "k", linewidth=1, label="mean")
    left.set(xlabel="rank", ylabel="test accuracy")
    left.legend(fontsize=8)
    groups = [(layer, operation) for layer in range(len(table.architectures[0].split()))
              for operation in space.OPERATIONS]
    values = [[table.means[row] for row, words in enumerate(table.architectures) if words.split()[layer] == operation]
              for layer, operation in groups]
    right.boxplot(values, flierprops={"markersize": 3}, medianprops={"color": "C0"})
    right.set_xticks(range(1, len(groups) + 1), [operation for _, operation in groups], fontsize=8)
    n = len(space.OPERATIONS)
    for start in range(0, len(groups), n):
        right.text(start + (n + 1) / 2, 0.02, f"layer {start // n + 1}", ha="center", fontsize=9,
                   transform=right.get_xaxis_transform())
        if start:
            right.axvline(start + 0.5, color="grey", linewidth=0.8)
    right.set_xlabel("operation")
    for axis in (left, right):
        axis.grid(alpha=0.3, axis="y")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    parser = store.parser("one_shot.truth", __doc__)
    parser.add_argument("--data", help="folder of the full Fashion-MNIST")
    parser.add_argument("--quick", action="store_true", help="6 networks, 1 epoch: a check of the whole path")
    options = parser.parse_args()
    name = f"{NAME}{'_quick' * options.quick}"
    store.measure(options.out / f"{name}.json", partial(run, data=options.data), tasks(quick=options.quick),
                  parts=lambda _: ("asng_torch",), packages=("numpy", "torch"), jobs=options.jobs,
                  restart=options.restart)
    print("\n\n".join(blocks(options.out, name).values()))


if __name__ == "__main__":
    main()
