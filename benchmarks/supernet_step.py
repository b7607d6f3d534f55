"""Seconds of a search step of the published ENAS supernet: 8 cells, 16 channels, batch 64 at 32x32, two architectures.

    python -m benchmarks.supernet_step                   on the CPU, with all its cores
    python -m benchmarks.supernet_step --device cuda

Random images, and the embedded Fashion-MNIST padded to 32x32. The median step after the first, with
the share that trains weights. The authors' loop took 2.8 s a step on two CPU cores, 2.14 for the weights and 0.67 for
the validation.
"""

from __future__ import annotations

import itertools
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from asng_core import ASNG
from asng_torch import Search, Supernet
from asng_torch.data import TensorLoader, images, padded, standardized
from asng_torch.spaces import enas_micro

from . import store
from .analysis import markdown, plots
from .page import Claim, Page

AUTHORS, AUTHORS_WEIGHTS = 2.8, 2.14  # seconds, measured with the authors' code on another machine of two cores


def run(device: str, data: str, steps: int, network: dict[str, Any]) -> dict[str, Any]:
    """Median seconds of a step, and of one without validation."""
    torch.manual_seed(0)
    if data == "random":
        x, y = torch.randn(640, 1, 32, 32), torch.randint(10, (640,))
    else:
        fashion = images("fashion-mnist")
        x = standardized(padded(fashion.train_images[:640], 32), fashion.mean, fashion.std)
        y = fashion.train_labels[:640]
    loaders = [TensorLoader(x.to(device), y.to(device), 64, seed=seed) for seed in (0, 1)]
    found = {}
    for what, warmup in (("step", 0), ("weights", steps)):
        supernet = Supernet(enas_micro.network(1, 10, **network)).to(device)
        weights = torch.optim.SGD(supernet.parameters(), 0.025, momentum=0.9, weight_decay=3e-4)
        search = Search(supernet, ASNG(supernet.space, population_size=2, seed=0), weights,
                        nn.functional.cross_entropy, *loaders, steps=steps, warmup=warmup, clip=5.0, set_to_none=False)
        stamps = [time.perf_counter()]
        for _ in search:  # a record holds losses that have left the device
            stamps.append(time.perf_counter())
        found[what] = median(after - before for before, after in itertools.pairwise(stamps[1:]))
    return {**found, "threads": torch.get_num_threads(),
            "on": torch.cuda.get_device_name() if device == "cuda" else "cpu"}


def main() -> None:
    parser = store.parser("supernet_step", __doc__)
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--quick", action="store_true", help="a small supernet, two steps, stored apart")
    options = parser.parse_args()
    steps, network = (2, {"channels": 2, "cells": 3}) if options.quick else (12, {"channels": 16, "cells": 8})
    tasks = [{"device": options.device, "data": data, "steps": steps, "network": network}
             for data in ("random", "fashion-mnist")]
    one_at_a_time = {**store.how(options), "jobs": min(options.jobs, 1)}
    print(table(store.measure(options.out / ("supernet_step_quick" if options.quick else "supernet_step"), run, tasks,
                              parts=lambda _: ("ASNG", "asng_torch"), packages=("numpy", "torch"), **one_at_a_time)))


def table(records: list[dict[str, Any]]) -> str:
    rows = []
    for record in records:
        result = record["result"]
        rows.append([record["task"]["data"], f"{result['on']}, {result['threads']} threads", f"{result['step']:.2f}",
                     f"{result['weights']:.2f}"])
    return markdown.table(["images", "on", "seconds a step", "of these, weights"],
                          [*rows, ["the authors' loop", "cpu, 2 cores", f"{AUTHORS}", f"{AUTHORS_WEIGHTS}"]])


def draw(records: list[dict[str, Any]], path: Path) -> None:
    """Seconds a step, with the share of the weights."""
    rows = {f"{record['task']['data']}, {record['result']['on']}": (record["result"]["weights"],
            record["result"]["step"] - record["result"]["weights"]) for record in records}
    plots.bars({**rows, "authors' loop, cpu": (AUTHORS_WEIGHTS, AUTHORS - AUTHORS_WEIGHTS)},
               ["training weights", "moving the distribution"], "seconds a step", path, unit=" s")


def pages(results: Path) -> list[Page]:
    records = store.records(results / "supernet_step")
    slowest = max(record["result"]["step"] for record in records if record["result"]["on"] == "cpu")
    claim = Claim(f"a search step of the published ENAS supernet takes at most the {AUTHORS} s of the authors' loop, "
                  "two CPU cores", slowest <= AUTHORS, f"{slowest:.2f} s", ("ASNG", "asng_torch"))
    return [Page("supernet_step", {"supernet_step": "python -m benchmarks.supernet_step"}, [claim],
                 {"Seconds of a search step": table(records)}, partial(draw, records),
                 headline=f"A search step of the published ENAS supernet takes {slowest:.2f} s on two CPU cores, one "
                          f"of the authors' loop {AUTHORS} s")]


if __name__ == "__main__":
    main()
