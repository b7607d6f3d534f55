"""The demo's space: does architecture matter in it, and does the search find a good one?

Three measurements with the demo's own recipe (`asng_torch.demo`), on the embedded Fashion-MNIST:

  random     20 uniformly drawn architectures, each trained from scratch once
  retrain    4 of them (ranked 2nd, 7th, 12th and 17th of the 20) trained with 5 seeds
  search     5 searches of different seeds, each found architecture trained from scratch

    python -m benchmarks.mini_space            about 12 minutes on 2 cores
    python -m benchmarks.mini_space --quick    a check of the whole path, seconds
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from asng_torch import demo, report
from asng_torch.data import fashion_mnist

from . import store

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
    parser.add_argument("--quick", action="store_true", help="1 epoch, 20 search steps: a check of the whole path")
    options = parser.parse_args()
    settings = asdict(demo.Settings(steps=20, epochs=1) if options.quick else demo.Settings())
    path = options.out / f"mini_space{'_quick' if options.quick else ''}.json"
    supernet = demo.build_search(fashion_mnist(), demo.Settings(), 0, _CPU).supernet
    drawn = [dict(architecture) for architecture in demo.random_architectures(supernet, RANDOM, seed=1)]

    random = [{"kind": "random", "seed": 0, "settings": settings, "architecture": architecture}
              for architecture in drawn]
    search = [{"kind": "search", "seed": seed, "settings": settings} for seed in range(SEARCHES)]
    measure: dict[str, Any] = {"packages": ("numpy", "torch"), "jobs": options.jobs}
    records = store.measure(path, run, random + search, restart=options.restart, **measure)
    ranked = sorted(records[:RANDOM], key=lambda record: -float(record["result"]["accuracy"]))
    retrain = [{"kind": "retrain", "seed": seed, "settings": settings,
                "architecture": ranked[rank - 1]["task"]["architecture"]} for rank in RANKS for seed in range(SEEDS)]
    records += store.measure(path, run, retrain, **measure)

    of_kind = {kind: [record["result"]["accuracy"] for record in records if record["task"]["kind"] == kind]
               for kind in ("random", "search", "retrain")}
    report.draw_accuracy(of_kind["search"], of_kind["random"], path.with_suffix(".png"))
    print(summary(of_kind))


def summary(accuracies: dict[str, list[float]]) -> str:
    """The two claims in figures."""
    random, found = np.array(accuracies["random"]), np.array(accuracies["search"])
    by_network = np.array(accuracies["retrain"]).reshape(len(RANKS), SEEDS)
    seed_std = float(np.sqrt(by_network.var(axis=1, ddof=1).mean()))
    q1, median, q3 = np.quantile(random, [0.25, 0.5, 0.75])
    robust = (q3 - q1) / 1.349  # of a normal distribution, this is the standard deviation
    lines = [
        f"{RANDOM} random networks: std {random.std(ddof=1):.4f}, quartiles {q1:.3f} {median:.3f} {q3:.3f}, "
        f"range {random.min():.3f} to {random.max():.3f}",
        f"retraining seeds: pooled std {seed_std:.4f}; of the networks ranked {RANKS}: "
        + " ".join(f"{std:.4f}" for std in by_network.std(axis=1, ddof=1)),
        f"spread of networks / spread of seeds: {random.std(ddof=1) / seed_std:.1f} "
        f"({robust / seed_std:.1f} by the interquartile range)",
        f"found by {SEARCHES} searches: " + " ".join(f"{accuracy:.3f}" for accuracy in found)
        + f"; above the random median: {(found > median).sum()} of {SEARCHES}; "
        f"random networks beaten: {(found[:, None] > random).mean():.0%}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
