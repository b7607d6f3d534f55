"""Every network of a ground trained from scratch, three seeds each, with its learning curve.

    python -m benchmarks.one_shot.grounds.curves images --data FOLDER    some 25 minutes of one core
    python -m benchmarks.one_shot.grounds.curves text                    the same
    python -m benchmarks.one_shot.grounds.curves operations --data FOLDER    many hours
    python -m benchmarks.one_shot.grounds.curves images --quick          a check of the whole path, seconds

`--data` is a folder of the full Fashion-MNIST, whose 10,000 test images judge (Debian's package
dataset-fashion-mnist puts it in /usr/share/datasets/fashion-mnist). A seed of all networks comes after the other;
stopped at any minute, it loses the trainings that were under way.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asng_core.arrays import Floats

from ... import store
from ...analysis import markdown
from . import GROUNDS
from .ground import TESTED

SEEDS = 3
TESTS = {"text": 4000}  # examples of the test, where they are not the 10,000 images


class Curves:
    """Of a ground: `losses` (n, seeds, epochs) on validation, `accuracies` and `seconds` (n, seeds, tests)."""

    def __init__(self, architectures: list[str], records: list[dict[str, Any]]) -> None:
        self.architectures, rows = architectures, {words: i for i, words in enumerate(architectures)}
        seeds = 1 + max(record["task"]["seed"] for record in records)
        n_epochs = max(len(record["result"]["losses"]) for record in records)
        n_tests = sum(epoch <= n_epochs for epoch in TESTED)
        self.losses = np.full((len(rows), seeds, n_epochs), np.nan)
        self.accuracies, self.seconds = (np.full((len(rows), seeds, n_tests), np.nan) for _ in range(2))
        for record in records:
            at, result = (rows[record["task"]["architecture"]], record["task"]["seed"]), record["result"]
            for array, values in ((self.losses, result["losses"]), (self.accuracies, result["accuracies"]),
                                  (self.seconds, result["seconds"])):
                array[at][: len(values)] = values

    @classmethod
    def load(cls, name: str, results: Path = store.RESULTS) -> Curves:
        """Those of a ground's stored trainings, of the seeds that have been run for all networks."""
        ground, records = GROUNDS[name], store.records(results / f"one_shot_{name}")
        counts = np.bincount([record["task"]["seed"] for record in records])
        whole = [seed for seed, n in enumerate(counts) if n == len(ground.architectures)]
        return cls(ground.architectures, [record for record in records if record["task"]["seed"] in whole])

    def means(self, but: int | None = None) -> Floats:
        """`(n,)` accuracies of full trainings, means over the seeds, or all but one of them."""
        final = self.accuracies[:, :, -1]
        means: Floats = (final if but is None else np.delete(final, but, axis=1)).mean(axis=1)
        return means

    @property
    def seed_std(self) -> float:
        """Standard deviation of one full training around its network's mean, over the better half of the networks."""
        better = np.argsort(-self.means(), kind="stable")[: len(self.architectures) // 2]
        return float(np.sqrt(self.accuracies[better, :, -1].var(axis=1, ddof=1).mean()))


def run(ground: str, architecture: str, seed: int, epochs: int, tested: int, data: str | None = None) -> dict[str, Any]:
    torch.set_num_threads(1)  # the processes are the parallelism
    made = GROUNDS[ground]
    if (n := len(made.data(data).test.y)) != tested:
        raise ValueError(f"--data must hold {tested:,} test images, got {n:,}. Debian's package dataset-fashion-mnist, "
                         "or torchvision.datasets.FashionMNIST(folder, download=True), brings them.")
    return made.trained(architecture, seed, data, epochs)


def tasks(ground: str, *, quick: bool = False) -> list[dict[str, Any]]:
    """A seed of all networks after the other."""
    architectures = GROUNDS[ground].architectures
    if quick:
        return [{"ground": ground, "architecture": words, "seed": seed, "epochs": 1, "tested": TESTS.get(ground, 1000)}
                for seed in range(2) for words in architectures[::122]]
    return [{"ground": ground, "architecture": words, "seed": seed, "epochs": TESTED[-1],
             "tested": TESTS.get(ground, 10_000)} for seed in range(SEEDS) for words in architectures]


def note(curves: Curves) -> str:
    """How far networks and trainings differ."""
    means, std = curves.means(), curves.seed_std
    better = np.sort(means)[len(means) // 2 :]
    return (f"{len(means)} networks, {curves.accuracies.shape[1]} seeds: accuracy {means.min():.3f} to "
            f"{means.max():.3f}, standard deviation {means.std(ddof=1):.4f}, {means.std(ddof=1) / std:.1f} times "
            f"that of one training in the better half ({std:.4f}), of which the better half spans "
            f"{np.ptp(better) / std:.1f}.")


def main() -> None:
    parser = store.parser("one_shot.grounds.curves", __doc__)
    parser.add_argument("ground", choices=list(GROUNDS))
    parser.add_argument("--data", help="folder of the full Fashion-MNIST")
    parser.add_argument("--quick", action="store_true", help="a few networks, 1 epoch: a check of the whole path")
    options = parser.parse_args()
    wanted = tasks(options.ground, quick=options.quick)
    found = store.measure(options.out / f"one_shot_{options.ground}{'_quick' * options.quick}",
                          partial(run, data=options.data), wanted, parts=lambda _: ("asng_torch",),
                          packages=("numpy", "torch"), **store.how(options))
    curves = Curves(sorted({task["architecture"] for task in wanted}), found)
    print(note(curves))
    print(markdown.table(["epochs", *map(str, TESTED[: curves.seconds.shape[2]])], [
        ["mean accuracy", *(f"{each:.4f}" for each in curves.accuracies.mean(axis=(0, 1)))],
        ["processor s", *(f"{each:.2f}" for each in curves.seconds.mean(axis=(0, 1)))]]))


if __name__ == "__main__":
    main()
