"""Seconds of a search step of the published ENAS supernet against the literal loop's, in one run, by turns.

    python -m benchmarks.supernet_step                   on the CPU, about three minutes of one core
    python -m benchmarks.supernet_step --device cuda

8 cells, 16 channels, batch 64 at 32x32, two architectures that train the weights and two that move the distribution, on
random images and on the embedded Fashion-MNIST padded to 32x32. The literal loop is the step as the authors' code
writes it down: an auxiliary head that nothing uses, one backward pass through the graphs of both architectures, every
loss fetched after its forward pass, gradients zeroed in place, PyTorch's default memory format. All compute the same
architectures on the same batches. On the CPU one thread, and its time, which other work on the machine touches least.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from asng_core import ASNG
from asng_torch import Search, Supernet
from asng_torch.data import TensorLoader, images, padded, standardized
from asng_torch.networks.layers import AuxiliaryHead
from asng_torch.spaces import enas_micro

from . import store
from .analysis import markdown, plots
from .page import Claim, Page

LITERAL, DEFAULT, OURS = "the literal loop", "`Search`, default memory format", "`Search`, channels last"
SETTINGS: dict[str, Any] = {"lr": 0.025, "momentum": 0.9, "weight_decay": 3e-4}
CLIP, LOSS = 5.0, nn.functional.cross_entropy
RATIO, GUARD = 0.4, 0.05  # at most, of the literal loop's step; how far that may be from ours in its memory format


def run(device: str, data: str, steps: int, network: dict[str, Any]) -> dict[str, Any]:
    """Seconds of every step of each, the first one left out."""
    clock = time.perf_counter
    if device == "cpu":
        torch.set_num_threads(1)
        clock = time.process_time
    made: dict[str, Callable[[], object]] = {}
    for name, memory_format in ((LITERAL, torch.contiguous_format), (DEFAULT, torch.contiguous_format),
                                (OURS, torch.channels_last)):
        torch.manual_seed(0)
        supernet = Supernet(enas_micro.network(1, 10, **network)).to(device).to(memory_format=memory_format)
        x, y = (each.to(device) for each in batch_source(data))
        loaders = [TensorLoader(x, y, 64, seed=seed) for seed in (0, 1)]
        optimizer = ASNG(supernet.space, population_size=2, seed=0)
        made[name] = partial(next, (literal if name == LITERAL else ours)(supernet, optimizer, loaders))
    times: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(steps + 1):
        for name, step in made.items():
            started = clock()
            step()  # which ends with numbers that have left the device
            times[name].append(clock() - started)
    return {"seconds": {name: each[1:] for name, each in times.items()},
            "on": torch.cuda.get_device_name() if device == "cuda" else "cpu"}


def batch_source(data: str) -> tuple[Tensor, Tensor]:
    """Inputs and classes."""
    if data == "random":
        torch.manual_seed(1)
        return torch.randn(640, 1, 32, 32), torch.randint(10, (640,))
    fashion = images("fashion-mnist")
    return (standardized(padded(fashion.train_images[:640], 32), fashion.mean, fashion.std),
            fashion.train_labels[:640])


def ours(supernet: Supernet, optimizer: ASNG, loaders: list[TensorLoader]) -> Iterator[object]:
    weights = torch.optim.SGD(supernet.parameters(), **SETTINGS)
    return iter(Search(supernet, optimizer, weights, LOSS, *loaders, steps=10_000, clip=CLIP, set_to_none=False))


def literal(supernet: Supernet, optimizer: ASNG, loaders: list[TensorLoader]) -> Iterator[object]:
    """Its steps: what a fast loop leaves out is in it on purpose."""
    cells: Any = supernet.module
    device = next(supernet.parameters()).device
    cells.auxiliary = AuxiliaryHead(cells.classifier.in_features, 10).to(device)
    weights = torch.optim.SGD(supernet.parameters(), **SETTINGS)
    while True:
        for (x, y), (x_valid, y_valid) in zip(*loaders, strict=True):
            supernet.train()
            total, losses = torch.zeros((), device=device), []
            for architecture in optimizer.sample(2):
                with supernet.active(architecture):
                    logits, _ = supernet(x)
                loss = LOSS(logits, y)
                losses.append(loss.item())
                total = total + loss / 2
            weights.zero_grad(set_to_none=False)
            total.backward()
            nn.utils.clip_grad_norm_(supernet.parameters(), CLIP)
            weights.step()
            batch, judged = optimizer.ask(2), []
            with torch.no_grad():
                for architecture in batch:
                    with supernet.active(architecture):
                        logits, _ = supernet(x_valid)
                    judged.append(LOSS(logits, y_valid).item())
            optimizer.tell(batch, judged)
            yield losses, judged


def main() -> None:
    parser = store.parser("supernet_step", __doc__)
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--quick", action="store_true", help="a small supernet, two steps, stored apart")
    options = parser.parse_args()
    steps, network = (2, {"channels": 2, "cells": 3}) if options.quick else (6, {"channels": 16, "cells": 8})
    tasks = [{"device": options.device, "data": data, "steps": steps, "network": network}
             for data in ("random", "fashion-mnist")]
    one_at_a_time = {**store.how(options), "jobs": min(options.jobs, 1)}
    print(table(store.measure(options.out / ("supernet_step_quick" if options.quick else "supernet_step"), run, tasks,
                              parts=lambda _: ("ASNG", "asng_torch"), packages=("numpy", "torch"), **one_at_a_time)))


def ratios(record: dict[str, Any], name: str) -> tuple[float, float]:
    """Of the least seconds, and of the medians, to the literal loop's."""
    mine, theirs = (record["result"]["seconds"][each] for each in (name, LITERAL))
    return min(mine) / min(theirs), median(mine) / median(theirs)


def table(records: list[dict[str, Any]]) -> str:
    rows = []
    for record in records:
        result = record["result"]
        for name, seconds in result["seconds"].items():
            least, middle = ratios(record, name)
            rows.append([record["task"]["data"], name, f"{min(seconds):.2f}", f"{median(seconds):.2f}", f"{least:.2f}",
                         f"{middle:.2f}", f"{result['on']}, {len(seconds)} steps"])
    return markdown.table(["images", "", "seconds a step, least", "median", "of the literal, least", "median", "on"],
                          rows)


def draw(records: list[dict[str, Any]], path: Path) -> None:
    """Median seconds a step."""
    plots.bars({f"{name.replace('`', '')}, {record['task']['data']}": [median(seconds)] for record in records
                for name, seconds in record["result"]["seconds"].items()}, [""], "seconds a step", path, unit=" s")


def pages(results: Path) -> list[Page]:
    records = store.records(results / "supernet_step")
    on_cpu = [record for record in records if record["result"]["on"] == "cpu"]
    of_ours = [each for record in on_cpu for each in ratios(record, OURS)]
    of_default = [ratios(record, DEFAULT)[0] for record in on_cpu]
    parts = ("ASNG", "asng_torch")
    claims = [
        Claim(f"a search step of the published ENAS supernet takes at most {RATIO} of the literal loop's, on the CPU, "
              "least and median", max(of_ours) <= RATIO, f"{min(of_ours):.2f} to {max(of_ours):.2f}", parts),
        Claim(f"the literal loop is as fast as `Search` in the same memory format, to {GUARD:.0%}, least: nobody made "
              "it slow", min(of_default) >= 1 - GUARD, f"`Search` takes {min(of_default):.2f} of it", parts)]
    return [Page("supernet_step", {"supernet_step": "python -m benchmarks.supernet_step"}, claims,
                 {"Seconds of a search step": table(records)}, partial(draw, records),
                 headline=f"A search step of the published ENAS supernet takes {max(of_ours):.2f} of the literal "
                          "loop's time, on the CPU")]


if __name__ == "__main__":
    main()
