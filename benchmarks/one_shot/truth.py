"""The ground truth: every network of the space trained from scratch, three seeds each.

    python -m benchmarks.one_shot.truth --data /usr/share/datasets/fashion-mnist    about two hours on one core
    python -m benchmarks.one_shot.truth --quick                                     a check of the whole path, seconds

`--data` is a folder of the full Fashion-MNIST, whose 10,000 test images judge; it is stored that they did,
not where they were.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from .. import store
from . import space

SEEDS = 3


def run(architecture: str, seed: int, epochs: int, images: int, data: str | None = None) -> dict[str, Any]:
    torch.set_num_threads(1)  # the processes are the parallelism
    return {"accuracy": space.trained(architecture, seed, data, epochs)}


def tasks(seeds: int = SEEDS, epochs: int = space.EPOCHS, images: int = 10_000) -> list[dict[str, Any]]:
    return [{"architecture": architecture, "seed": seed, "epochs": epochs, "images": images}
            for seed in range(seeds) for architecture in space.architectures()]


def main() -> None:
    parser = store.parser("one_shot.truth", __doc__)
    parser.add_argument("--data", help="folder of the full Fashion-MNIST")
    options = parser.parse_args()
    store.measure(options.out / "one_shot_truth.json", partial(run, data=options.data), tasks(),
                  packages=("numpy", "torch"), jobs=options.jobs, restart=options.restart)


if __name__ == "__main__":
    main()
