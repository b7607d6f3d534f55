"""The ENAS cell: two cells of five nodes, a normal and a reduction one, stacked to an image classifier.

Each of five nodes adds two operations on two of the earlier maps: 40 categorical variables, as all
normal cells have the same and all reduction cells too. Searched with 8 cells of 16 channels, retrained
with 20 cells as wide as four million parameters allow.

Sources: Pham et al., 2018, https://arxiv.org/abs/1802.03268 (the cell); Akimoto et al., ICML 2019,
section 3.2 (the variables and all settings).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from asng_core import checks

from .. import elastic
from ..cells.genotype import Picks, picks_of, to_genotype
from ..choices.cell import Cell
from ..data import Augment
from ..networks import derived
from ..networks.layers import AuxiliaryHead, DropPath, FactorizedReduction, relu_conv_bn, separable_conv
from ..supernet.architecture import Architecture
from ..train.settings import TrainSettings
from .preset import Preset, SearchSettings, SearchSpace

Make = Callable[[int, int], nn.Module]  # (node, map read) -> an operation
Graph = Callable[[Mapping[str, Make]], Cell | derived.Cell]

# of channels, stride, affine; the authors' code averages over padding too, here as in DARTS it does not count
OPERATIONS: dict[str, Callable[[int, int, bool], nn.Module]] = {
    "skip_connect": lambda c, stride, affine:
        nn.Identity() if stride == 1 else FactorizedReduction(c, c, affine=affine),
    "avg_pool_3x3": lambda c, stride, affine: nn.AvgPool2d(3, stride, padding=1, count_include_pad=False),
    "max_pool_3x3": lambda c, stride, affine: nn.MaxPool2d(3, stride, padding=1),
    "sep_conv_3x3": lambda c, stride, affine: separable_conv(c, 3, stride=stride, affine=affine),
    "sep_conv_5x5": lambda c, stride, affine: separable_conv(c, 5, stride=stride, affine=affine),
}


def network(in_channels: int, classes: int, *, channels: int = 16, cells: int = 8, nodes: int = 5,
            affine: bool = False) -> nn.Module:
    """The network that is searched: variables `normal.node0_input0` ... and `reduce.node0_input0` ...

    channels: of the first cells; doubled in the reduction cells, `cells // 3` and `2 * cells // 3`.
    affine: whether batch normalization in the cells has weights of its own.
    """
    graphs = {label: partial(Cell, n_inputs=2, n_nodes=nodes, label=label) for label in ("normal", "reduce")}
    return CellNetwork(in_channels, classes, graphs, channels, cells, affine=affine)


def final(architecture: Architecture, in_channels: int, classes: int, *, max_parameters: int = 4_000_000,
          channels: int | None = None, cells: int = 20, auxiliary: bool = True) -> nn.Module:
    """The network that is retrained, with fresh weights and affine batch normalization.

    In training mode it returns (logits, logits of the auxiliary head) if it has one, else logits;
    `set_drop_path` sets its probability of dropping an operation, other than the identity.

    max_parameters: the width is the largest with at most so many, not counting the auxiliary head.
    channels: of the first cells, in place of max_parameters.
    auxiliary: whether there is an auxiliary head, after the second reduction cell; for images from 32x32.

    Raises ValueError if the architecture is none of this space, or max_parameters is too small.
    """
    graphs = {label: partial(_fixed, picks_of(architecture, label)) for label in ("normal", "reduce")}

    def build(channels: int) -> CellNetwork:
        return CellNetwork(in_channels, classes, graphs, channels, cells, affine=True, drop_path=True,
                           auxiliary=auxiliary)

    return build(channels or _widest(build, max_parameters))


def _fixed(picks: Picks, operations: Mapping[str, Make]) -> derived.Cell:
    unknown = {name for node in picks for _, name in node} - operations.keys()
    if unknown:
        raise ValueError(f"architecture must have operations among {list(operations)}, got {sorted(unknown)}.")
    made: dict[tuple[int, int, str], nn.Module] = {}  # a pair picked twice is one module, as in search
    for node, edges in enumerate(picks):
        for source, name in edges:
            if (node, source, name) not in made:
                made[node, source, name] = operations[name](node, source)
    return derived.Cell([[(source, made[node, source, name]) for source, name in edges]
                         for node, edges in enumerate(picks)], n_inputs=2)


def _widest(build: Callable[[int], CellNetwork], most: int) -> int:
    """The largest number of channels with at most so many parameters, by bisection."""
    def fits(channels: int) -> bool:
        with torch.device("meta"):
            network = build(channels)
        return sum(parameter.numel() for name, parameter in network.named_parameters()
                   if not name.startswith("auxiliary.")) <= most

    if not fits(1):
        raise ValueError(f"final(max_parameters=...) must suffice for one channel, got {most}. "
                         "Raise it, or lower cells.")
    low, high = 1, 2  # `low` fits; first double until `high` does not, then halve the distance
    while fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


class CellNetwork(nn.Module):
    """A stem, a stack of cells that each read the two before, global average pooling, a linear layer.

    graphs: for "normal" and "reduce", what makes a cell's graph of the operations to choose from.
    """

    def __init__(self, in_channels: int, classes: int, graphs: Mapping[str, Graph], channels: int, cells: int, *,
                 affine: bool, drop_path: bool = False, auxiliary: bool = False) -> None:
        if checks.integer("CellNetwork(cells)", cells) < 3:
            raise ValueError(f"CellNetwork(cells) must be at least 3, a normal and two reduction cells, got {cells}.")
        channels = checks.integer("CellNetwork(channels)", channels, minimum=1)
        super().__init__()
        width = 3 * channels  # the stem is three times as wide as the first cells, as in ENAS and DARTS
        self.stem = nn.Sequential(nn.Conv2d(in_channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        reductions = (cells // 3, 2 * cells // 3)  # at a third and two thirds of the depth, as in DARTS
        self.cells = nn.ModuleList()
        before, last = width, width  # channels of the two maps that the next cell reads
        for cell in range(cells):
            reduction = cell in reductions
            channels = 2 * channels if reduction else channels
            self.cells.append(_StackedCell(before, last, channels, graphs["reduce" if reduction else "normal"],
                                           reduction=reduction, after_reduction=cell - 1 in reductions,
                                           affine=affine, drop_path=drop_path))
            before, last = last, channels
        self.auxiliary = AuxiliaryHead(channels, classes) if auxiliary else None
        self.auxiliary_after = reductions[1]
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        before = last = self.stem(x)  # (n, 3 * channels, side, side); the first cell reads it twice
        auxiliary = None
        for position, cell in enumerate(self.cells):
            before, last = last, cell(before, last)
            if position == self.auxiliary_after and self.auxiliary is not None and self.training:
                auxiliary = self.auxiliary(last)
        logits: Tensor = self.classifier(last.mean(dim=(2, 3)))
        return logits if auxiliary is None else (logits, auxiliary)


class _StackedCell(nn.Module):
    """Both inputs brought to the cell's channels and one resolution, the graph, its loose ends brought to them too."""

    def __init__(self, before: int, last: int, channels: int, graph: Graph, *, reduction: bool, after_reduction: bool,
                 affine: bool, drop_path: bool) -> None:
        super().__init__()
        self.before = FactorizedReduction(before, channels, affine=affine) if after_reduction \
            else relu_conv_bn(before, channels, 1, affine=affine)
        self.last = relu_conv_bn(last, channels, 1, affine=affine)

        def make(name: str, node: int, source: int) -> nn.Module:
            # only what reads an input of the cell halves it: the nodes' maps are halved already
            operation = OPERATIONS[name](channels, 2 if reduction and source < 2 else 1, affine)
            # a skip that halves the map is no identity, and is dropped as the authors' code does
            return nn.Sequential(operation, DropPath()) if drop_path and not isinstance(operation, nn.Identity) \
                else operation

        self.graph = graph({name: partial(make, name) for name in OPERATIONS})
        convolution = elastic.Conv2d(self.graph.n_nodes * channels, channels, 1, bias=False, after=self.graph) \
            if isinstance(self.graph, Cell) else nn.Conv2d(len(self.graph.loose) * channels, channels, 1, bias=False)
        self.out = nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(channels, affine=affine))

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        return self.out(self.graph(self.before(before), self.last(last)))  # type: ignore[no-any-return]


# as section 3.2 has them, for search and retraining alike
_COMMON: dict[str, Any] = {"weight_decay": 3e-4, "clip": 5.0, "augment": Augment()}

PRESETS = {
    "published": Preset(
        SearchSettings(epochs=100, batch_size=64, learning_rate=0.025, set_to_none=False, anneal="epoch", **_COMMON),
        TrainSettings(epochs=600, batch_size=80, learning_rate=0.025, drop_path=0.3, auxiliary=0.4, **_COMMON)),
    "small": Preset(
        SearchSettings(epochs=1, batch_size=64, learning_rate=0.1, set_to_none=False, **_COMMON),
        TrainSettings(epochs=1, batch_size=64, learning_rate=0.1, drop_path=0.3, auxiliary=0.4, **_COMMON),
        network={"channels": 4, "cells": 3}, final={"channels": 4, "cells": 3}),
}

def cells(architecture: Architecture) -> dict[str, tuple[Picks, int]]:
    """The normal and the reduction cell, each of two inputs."""
    return {f"{label} cell": (picks_of(architecture, label), 2) for label in ("normal", "reduce")}


SPACE = SearchSpace("enas_micro", "Akimoto et al., ICML 2019, section 3.2", "classification", 32, network, final,
                    PRESETS, to_genotype, cells)
