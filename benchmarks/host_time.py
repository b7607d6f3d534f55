"""What Python does between the operations of a search, which is all that a fast device waits for.

    python -m benchmarks.host_time             a minute or two, on an idle machine
    python -m benchmarks.host_time --quick     a check of the whole path, seconds

On the published ENAS space (3,907 modules, 160 places of 40 variables): `active`, `losses` of an empty closure, the
cost of an architecture that was not seen before, and a whole step of `Search` on images so small that arithmetic is as
little as can be, in turns with a bare loop over the same derived networks. On the README's network: forward and
backward pass of the supernet, `active` included, in turns with those of the derived network. One thread, and its CPU
time; the least of many, as all else can only add to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from asng_core import ASNG
from asng_torch import LayerChoice, Search, Supernet, derive
from asng_torch.data import TensorLoader
from asng_torch.spaces import enas_micro

from . import store
from .analysis import markdown, plots
from .page import Claim, Page

LOSS = nn.functional.cross_entropy
SETTINGS: dict[str, Any] = {"lr": 0.025, "momentum": 0.9, "weight_decay": 3e-4}
CLIP = 5.0
Times = dict[str, dict[str, float]]  # what is measured -> name -> seconds, or ratio


def run(what: str, share: int = 1, **of: Any) -> dict[str, float]:
    """Least seconds of each thing compared; `share` divides the numbers of repetitions."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return _passes(share, **of) if what == "passes" else (_parts if what == "parts" else _step)(share)


def in_turns(compared: Mapping[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    """The least seconds of each, called one after the other."""
    times: dict[str, list[float]] = {name: [] for name in compared}
    for _ in range(repetitions):
        for name, call in compared.items():
            started = time.process_time()
            call()
            times[name].append(time.process_time() - started)
    return {name: min(each) for name, each in times.items()}


def _parts(share: int) -> dict[str, float]:
    supernet = Supernet(enas_micro.network(1, 10), example=torch.ones(1, 1, 32, 32))
    optimizer = ASNG(supernet.space, population_size=2, seed=0)
    batch, unseen = optimizer.sample(2), iter(optimizer.sample(1000))

    def active() -> None:
        with supernet.active(batch[0]):
            pass

    def tell() -> None:
        optimizer.tell(optimizer.ask(2), [0.0, 1.0])

    def cost() -> None:
        for architecture in islice(unseen, 20):  # each of which is asked for once, and some cost more than others
            supernet.cost(architecture)

    # apart from each other, as one would drive the other's memory out of the cache
    parts = {name: in_turns({name: call}, max(3, repetitions // share))[name] for name, call, repetitions in (
        ("one traversal of the modules", lambda: list(supernet.modules()), 50),
        ("`losses` of two candidates, empty closure", lambda: supernet.losses(batch, lambda net: 0.0), 200),
        ("`active` of a Candidate", active, 2000), ("`sample(2)`", lambda: optimizer.sample(2), 500),
        ("`ask(2)` and `tell`", tell, 500), ("`cost` of a new architecture", cost, 50))}
    parts["`cost` of a new architecture"] /= 20
    return parts


def _step(share: int) -> dict[str, float]:
    """A step of `Search`, and one of a loop over the networks derived of the same architectures."""
    supernet = Supernet(enas_micro.network(1, 10), example=torch.ones(1, 1, 4, 4))
    x, y = torch.randn(64, 1, 4, 4), torch.randint(10, (64,))
    ours, shadow = (ASNG(supernet.space, population_size=2, seed=0) for _ in range(2))  # the same draws twice
    loaders = [TensorLoader(x, y, 2, seed=seed) for seed in (0, 1)]
    weights = torch.optim.SGD(supernet.parameters(), **SETTINGS)
    steps = iter(Search(supernet, ours, weights, LOSS, *loaders, steps=10_000, clip=CLIP))
    mine, bare = [], []
    for _ in range(max(2, 60 // share)):
        drawn, asked = shadow.sample(2), shadow.ask(2)
        loop = Bare([derive(supernet, each) for each in (*drawn, *asked)], x[:2], y[:2])
        started = time.process_time()
        record = next(steps)
        mine.append(time.process_time() - started)
        started = time.process_time()
        loop.step()
        bare.append(time.process_time() - started)
        shadow.tell(asked, record.valid_losses)
    # the networks differ from step to step: each step is compared with its own
    return {"`Search`": min(mine), "bare loop": min(bare), "ratio": float(np.median(np.array(mine) / np.array(bare)))}


class Bare:
    """A step as one writes it for four networks without choices: two are trained, two judged, one transfer."""

    def __init__(self, networks: list[nn.Module], x: torch.Tensor, y: torch.Tensor) -> None:
        self.trained, self.judged, self.x, self.y = networks[:2], networks[2:], x, y
        self.parameters = [parameter for network in self.trained for parameter in network.parameters()]
        self.weights = torch.optim.SGD(self.parameters, **SETTINGS)

    def step(self) -> list[float]:
        total = torch.zeros(())
        for network in self.trained:
            loss = LOSS(network(self.x), self.y) / 2
            loss.backward()
            total = total + loss.detach()
        nn.utils.clip_grad_norm_(self.parameters, CLIP)
        self.weights.step()
        self.weights.zero_grad()
        with torch.no_grad():
            losses = [LOSS(network(self.x), self.y) for network in self.judged]
        numbers: list[float] = torch.stack([total, *losses]).tolist()
        return numbers


def _passes(share: int, batch: int) -> dict[str, float]:
    """Forward and backward pass of the README's network, of all its architectures together."""
    def conv(inputs: int, kernel: int, stride: int = 1) -> nn.Module:
        return nn.Sequential(nn.Conv2d(inputs, 8, kernel, stride, kernel // 2), nn.BatchNorm2d(8), nn.ReLU())

    def choice() -> nn.Module:
        return LayerChoice({"conv3x3": conv(8, 3), "conv1x1": conv(8, 1), "identity": nn.Identity()})

    net = nn.Sequential(conv(1, 3, 2), choice(), choice(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 10))
    supernet = Supernet(net, example=torch.ones(1, 1, 28, 28))
    optimizer, x, y = ASNG(supernet.space, seed=0), torch.randn(batch, 1, 28, 28), torch.randint(10, (batch,))
    every = {tuple(dict(each).values()): each for each in optimizer.sample(200)}
    totals = {"supernet": 0.0, "derived": 0.0}
    for architecture in every.values():
        network = derive(supernet, architecture)

        def ours(architecture: Any = architecture) -> None:
            with supernet.active(architecture):
                LOSS(supernet(x), y).backward()

        def theirs(network: nn.Module = network) -> None:
            LOSS(network(x), y).backward()

        found = in_turns({"supernet": ours, "derived": theirs}, max(3, (600 if batch == 1 else 150) // share))
        totals = {name: total + found[name] / len(every) for name, total in totals.items()}
    return {**totals, "ratio": totals["supernet"] / totals["derived"]}


def times(records: list[dict[str, Any]]) -> Times:
    """By what was measured, "passes 64" for those of a batch of 64."""
    return {" ".join(map(str, (each for key, each in record["task"].items() if key != "share"))): record["result"]
            for record in records}


def table(found: Times) -> str:
    rows = [[name, f"{1e6 * seconds:,.0f}", "", ""] for name, seconds in found["parts"].items()]
    for title, key, ours, theirs in (
            ("a step, ENAS space, images of 4x4, batch 2; a bare loop", "step", "`Search`", "bare loop"),
            *((f"forward and backward, README network, batch {n}; derived", f"passes {n}", "supernet", "derived")
              for n in (1, 64))):
        each = found[key]
        rows.append([title, *(f"{1e6 * each[name]:,.0f}" for name in (ours, theirs)), f"{each['ratio']:.3f}"])
    return markdown.table(["", "microseconds", "without choices", "ratio"], rows)


def draw(found: Times, path: Path) -> None:
    """A bar for each part."""
    plots.bars({name.replace("`", ""): [1e6 * seconds] for name, seconds in found["parts"].items()}, [""],
               "microseconds", path, log=True)


def claims(found: Times) -> list[Claim]:
    parts = found["parts"]

    def within(name: str, limit: float) -> Claim:
        cost = 1e6 * parts[name]
        return Claim(f"published ENAS space: {name} within {limit:,.0f} us", cost <= limit, f"{cost:,.0f} us",
                     ("asng_torch",))

    def ratio(text: str, key: str, limit: float) -> Claim:
        return Claim(f"{text}: at most {limit:.2f} times", found[key]["ratio"] <= limit, f"{found[key]['ratio']:.3f}",
                     ("asng_torch",))

    return [within("`losses` of two candidates, empty closure", 3000), within("`active` of a Candidate", 30),
            within("`cost` of a new architecture", 2000),
            ratio("a step of `Search` on tiny images against a bare loop over the same derived networks", "step", 1.10),
            *(ratio(f"forward and backward of the README's supernet, `active` included, against the derived network, "
                    f"batch {batch}", f"passes {batch}", limit) for batch, limit in ((1, 1.10), (64, 1.03)))]


def pages(results: Path) -> list[Page]:
    found = times(store.records(results / "host_time"))
    return [Page("host_time", {"host_time": "python -m benchmarks.host_time"}, claims(found),
                 {"Least microseconds": table(found)}, partial(draw, found))]


def main() -> None:
    parser = store.parser("host_time", __doc__)
    parser.add_argument("--quick", action="store_true", help="a thirtieth of the repetitions")
    options = parser.parse_args()
    share = {"share": 30} if options.quick else {}
    tasks: list[dict[str, Any]] = [{"what": "parts"}, {"what": "step"},
                                   *({"what": "passes", "batch": n} for n in (1, 64))]
    one_at_a_time = {**store.how(options), "jobs": min(options.jobs, 1)}
    found = times(store.measure(options.out / f"host_time{'_quick' if options.quick else ''}", run,
                                [{**task, **share} for task in tasks], parts=lambda _: ("ASNG", "asng_torch"),
                                packages=("numpy", "torch"), **one_at_a_time))
    print(table(found))


if __name__ == "__main__":
    main()
