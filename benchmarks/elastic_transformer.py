"""A trained transformer encoder made elastic in width, heads and depth, and searched: the loss that a size allows.

PyTorch's own encoder learns to fill in the masked bytes of the standard library's sources. It is made elastic where it
stands (residual width, heads and hidden width of each layer, depth), its channels are sorted, its weights learn to be
shared by the sandwich rule, and one search with a limit for each size finds a front. The sizes are those of the same
network narrowed alike everywhere, to a half and to three quarters, or cut to its first layers. Of each distribution
found, the mode and some draws are compared on the validation bytes with the shared weights. What was found and what is
uniform are fine-tuned alike: from the shared weights and from the trained ones, for as many steps, and the validation
bytes choose of the two. Losses are of other files, in bits a masked byte.

    python -m benchmarks.elastic_transformer            3 seeds, each some minutes of one core
    python -m benchmarks.elastic_transformer --quick    a check of the whole path, seconds
"""

from __future__ import annotations

import copy
import itertools
import math
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from asng_core import ASNG
from asng_torch import Repeat, Search, Supernet, WidthChoice, derive, elastic, sort_channels
from asng_torch.data import TensorLoader
from asng_torch.search.budget import Budget

from . import store
from .analysis import markdown, plots
from .page import Claim, Page

WIDTH, HEADS, HIDDEN, LAYERS, LENGTH = 32, 4, 128, 4, 32
MASK, SYMBOLS = 128, 129  # bytes below 128, the others as one of them
SEEDS = 3
FULL = {"train": 3000, "share": 400, "search": 800, "tune": 200, "sequences": 30_000}
QUICK = {"train": 3, "share": 2, "search": 8, "tune": 2, "sequences": 1300}
DRAWN = 12  # architectures of each final distribution, of which validation chooses
LOSS = partial(nn.functional.cross_entropy, ignore_index=-1)


class Encoder(nn.Module):
    """Bytes `(batch, LENGTH)` -> logits of each, `(batch, SYMBOLS, LENGTH)`."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes, self.positions = nn.Embedding(SYMBOLS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, 0.0, "gelu", batch_first=True, norm_first=True), LAYERS,
            nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, SYMBOLS)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bytes(x) + self.positions(torch.arange(x.shape[1], device=x.device))
        logits: Tensor = self.head(self.encoder(x))
        return logits.transpose(1, 2)


def made_elastic(network: Encoder) -> Encoder:
    """The trained network, whose full width is what it was, with 2 + 2 * LAYERS variables in it."""
    residual = WidthChoice([WIDTH // 2, WIDTH * 3 // 4, WIDTH], label="width")
    elastic.convert(network)
    for table in (network.bytes, network.positions):
        elastic.convert(table, residual)
    for i, layer in enumerate(network.encoder.layers):
        elastic.convert(layer.self_attn, WidthChoice(range(1, HEADS + 1), label=f"heads{i}"))
        elastic.convert(layer.linear1, WidthChoice([HIDDEN * part // 4 for part in range(1, 5)], label=f"hidden{i}"))
        for back in (layer.self_attn.out, layer.linear2):
            elastic.convert(back, residual)
    network.encoder.layers = Repeat(list(network.encoder.layers), label="depth")
    return network


def uniform(layers: int, part: float) -> dict[str, Any]:
    """The architecture of the first layers, each of the same part of its heads and widths."""
    return {"width": int(WIDTH * part), "depth": layers, **{
        name: value for i in range(layers)
        for name, value in ((f"heads{i}", int(HEADS * part)), (f"hidden{i}", int(HIDDEN * part)))}}


UNIFORM = {"half the width": uniform(LAYERS, 0.5), "three quarters of the width": uniform(LAYERS, 0.75),
           **{f"{layers} of {LAYERS} layers": uniform(layers, 1) for layers in range(2, LAYERS)}}


@cache
def sequences(n: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Of each split `(n, LENGTH)` masked bytes and what they were, -1 where nothing is asked; the same each time."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    rng, found = np.random.default_rng(0), {}
    # every tenth file validates, every tenth tests: no text is in two splits
    for split, rest, part in (("train", range(8), n), ("valid", (8,), n // 10), ("test", (9,), n // 10)):
        text = b"".join(path.read_bytes() for i, path in enumerate(files) if i % 10 in rest)
        symbols = np.minimum(np.frombuffer(text, np.uint8), MASK - 1)
        starts = rng.choice(len(symbols) - LENGTH, part, replace=len(symbols) - LENGTH < part)
        x = torch.tensor(symbols[starts[:, None] + np.arange(LENGTH)], dtype=torch.long)
        masked = torch.tensor(rng.random(x.shape) < 0.15)
        found[split] = x.masked_fill(masked, MASK), x.masked_fill(~masked, -1)
    return found


def batches(split: str, n: int, seed: int, size: int = 32) -> TensorLoader:
    return TensorLoader(*sequences(n)[split], size, seed=seed)


def fitted(network: nn.Module, loader: TensorLoader, steps: int, rate: float) -> nn.Module:
    """The network after so many steps of AdamW, its rate rising and then falling to next to nothing."""
    def backward(x: Tensor, y: Tensor) -> None:
        LOSS(network(x), y).backward()

    return _moved(network, backward, loader, steps, rate)


def shared(supernet: Supernet, loader: TensorLoader, steps: int, rate: float, seed: int) -> nn.Module:
    """The supernet, each step trained as its widest and narrowest network and as two that are drawn.

    Source: Yu and Huang, 2019, https://arxiv.org/abs/1903.05134 (the sandwich rule).
    """
    drawn = ASNG(supernet.space, seed=seed)

    def backward(x: Tensor, y: Tensor) -> None:
        for architecture in (uniform(LAYERS, 1), uniform(1, 0.5), *drawn.sample(2)):
            with supernet.active(architecture):
                (LOSS(supernet(x), y) / 4).backward()

    return _moved(supernet, backward, loader, steps, rate)


def _moved(network: nn.Module, backward: Callable[[Tensor, Tensor], None], loader: TensorLoader, steps: int,
           rate: float) -> nn.Module:
    weights = torch.optim.AdamW(network.parameters(), rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(weights, rate, steps, pct_start=0.1, cycle_momentum=False)
    network.train()
    for x, y in itertools.islice(_endless(loader), steps):
        weights.zero_grad()
        backward(x, y)
        weights.step()
        schedule.step()
    return network


def _endless(loader: TensorLoader) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from loader


@torch.no_grad()
def bits(network: nn.Module, split: str, n: int) -> float:
    """A masked byte, over all of a split."""
    network.eval()
    x, y = sequences(n)[split]
    total = sum(float(LOSS(network(part), answers, reduction="sum")) for part, answers in
                zip(x.split(500), y.split(500), strict=True))
    return total / int((y >= 0).sum()) / math.log(2)


def run(seed: int, train: int, share: int, search: int, tune: int, sequences: int) -> dict[str, Any]:
    """Bits of the whole network, and of every way to make it smaller, by its size."""
    torch.manual_seed(seed)
    trained = fitted(Encoder(), batches("train", sequences, seed), train, 3e-3)
    whole = bits(trained, "test", sequences)
    plain = sorted_supernet(trained, sequences)
    supernet = copy.deepcopy(plain)
    shared(supernet, batches("train", sequences, seed + 100), share, 1e-3, seed)
    limits = {name: supernet.cost(architecture).parameters for name, architecture in UNIFORM.items()}
    weights = torch.optim.AdamW(supernet.parameters(), 5e-4)
    made = Search(supernet, [ASNG(supernet.space, population_size=4, seed=seed * len(limits) + i)
                             for i in range(len(limits))], weights, LOSS, batches("train", sequences, seed + 200),
                  batches("valid", sequences, seed, 128), steps=search, cost="parameters", limit=list(limits.values()),
                  scheduler=torch.optim.lr_scheduler.CosineAnnealingLR(weights, search, 1e-4))
    for _ in made:
        pass
    points = []
    for (name, limit), budget in zip(limits.items(), made.budgets, strict=True):
        for method, architecture in (("searched", chosen(supernet, budget, sequences)), (name, UNIFORM[name])):
            tuned = [fitted(derive(start, architecture), batches("train", sequences, seed + 300), tune, 1e-3)
                     for start in (supernet, plain)]
            best = min(tuned, key=lambda network: bits(network, "valid", sequences))
            points.append({"method": method, "limit": name, "within": limit, "architecture": dict(architecture),
                           "parameters": sum(each.numel() for each in best.parameters()),
                           "bits": bits(best, "test", sequences)})
    return {"whole": whole, "parameters": sum(each.numel() for each in trained.parameters()), "points": points}


def chosen(supernet: Supernet, budget: Budget, n: int) -> Mapping[str, Any]:
    """Of what the distribution recommends, and draws, within its limit: the best on validation bytes."""
    within = (each for each in budget.optimizer.sample(5 * DRAWN) if supernet.cost(each).parameters <= budget.limit)
    candidates = [budget.recommend(), *map(dict, itertools.islice(within, DRAWN - 1))]
    x, y = sequences(n)["valid"]
    return candidates[int(np.argmin(supernet.losses(candidates, lambda net: LOSS(net(x), y))))]


def sorted_supernet(trained: nn.Module, n: int) -> Supernet:
    """The trained network made elastic, the channels first of which the loss needs most."""
    x, y = sequences(n)["train"]
    supernet = Supernet(made_elastic(copy.deepcopy(trained)), example=x[:1])  # type: ignore[arg-type]
    sort_channels(supernet, lambda net: LOSS(net(x[:256]), y[:256]), importance="gradient")
    return supernet


def main() -> None:
    parser = store.parser("elastic_transformer", __doc__)
    parser.add_argument("--quick", action="store_true", help="one seed of a few steps, stored apart")
    options = parser.parse_args()
    torch.set_num_threads(1)
    name = "elastic_transformer_quick" if options.quick else "elastic_transformer"
    tasks = [{"seed": seed, **(QUICK if options.quick else FULL)} for seed in range(1 if options.quick else SEEDS)]
    print(table(store.measure(options.out / name, run, tasks, parts=lambda _: ("ASNG", "asng_torch"),
                              packages=("numpy", "torch"), **store.how(options))))


def pairs(records: list[dict[str, Any]]) -> dict[str, list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Name of what is uniformly smaller -> of each seed the point that was found within its size, and its own."""
    found: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for record in records:
        points = record["result"]["points"]
        for ours, theirs in zip(points[::2], points[1::2], strict=True):
            found.setdefault(theirs["method"], []).append((ours, theirs))
    return found


def table(records: list[dict[str, Any]]) -> str:
    rows = [["all of it", f"{records[0]['result']['parameters']:,}",
             f"{fmean(record['result']['whole'] for record in records):.3f}", "", ""]]
    for name, points in sorted(pairs(records).items(), key=lambda item: -item[1][0][1]["parameters"]):
        gaps = [ours["bits"] - theirs["bits"] for ours, theirs in points]
        rows.append([name, f"{points[0][1]['parameters']:,}", f"{fmean(theirs['bits'] for _, theirs in points):.3f}",
                     f"{fmean(ours['bits'] for ours, _ in points):.3f}",
                     f"{fmean(gaps):+.3f} ({min(gaps):+.3f} to {max(gaps):+.3f})"])
    return markdown.table(["size", "parameters", "uniformly smaller", "searched", "difference (of the seeds)"], rows)


def draw(records: list[dict[str, Any]], path: Path) -> None:
    """Bits against parameters: what was found, narrower and shallower networks, means of the seeds."""
    made, axis = plots.figure()
    of = pairs(records)
    for label, marker, names, side in (("searched", "o", list(of), 0),
                                       ("narrower", "s", [name for name in of if "width" in name], 1),
                                       ("shallower", "^", [name for name in of if "layers" in name], 1)):
        points = sorted((fmean(pair[side]["parameters"] for pair in of[name]),
                         fmean(pair[side]["bits"] for pair in of[name])) for name in names)
        axis.plot(*zip(*points, strict=True), marker=marker, label=label)
    axis.set(xlabel="parameters", ylabel="bits a masked byte")
    axis.legend()
    plots.save(made, path)


def pages(results: Path) -> list[Page]:
    records = store.records(results / "elastic_transformer")
    gaps = {name: [ours["bits"] - theirs["bits"] for ours, theirs in points] for name, points in pairs(records).items()}
    every = [gap for each in gaps.values() for gap in each]
    better = sum(fmean(each) < 0 for each in gaps.values())
    claim = Claim("a trained transformer encoder, made elastic and searched, loses fewer bits than uniformly narrower "
                  f"or shallower ones at each of their {len(gaps)} sizes, means of {len(records)} seeds",
                  better == len(gaps), f"at {better} sizes, {sum(gap < 0 for gap in every)} of {len(every)} pairs; "
                  f"{fmean(every):+.3f} bits on average", ("ASNG", "asng_torch"))
    return [Page("elastic_transformer", {"elastic_transformer": "python -m benchmarks.elastic_transformer"}, [claim],
                 {"Bits a masked byte, means of the seeds": table(records)}, partial(draw, records))]


if __name__ == "__main__":
    main()
