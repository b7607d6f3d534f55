"""NAS-Bench-201: a cell of four nodes with one of five operations on each of its six edges.

The six variables hold for all cells and are named as the edges are: "0->1", "0->2", "1->2", "0->3", "1->3", "2->3".

Source: Dong and Yang, 2020, https://arxiv.org/abs/2001.00326.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from ..cells.genotype import Picks
from ..choices.layer_choice import LayerChoice
from ..data import Augment
from ..networks import derived
from ..networks.layers import Zero, relu_conv_bn
from ..supernet.architecture import Architecture
from ..supernet.derive import derive_fresh
from ..train.settings import TrainSettings
from .preset import Preset, SearchSettings, SearchSpace

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # in the order of the architecture string

OPERATIONS: dict[str, Callable[[int, bool], nn.Module]] = {  # of channels, affine
    "none": lambda c, affine: Zero(),
    "skip_connect": lambda c, affine: nn.Identity(),
    "nor_conv_1x1": lambda c, affine: relu_conv_bn(c, c, 1, affine=affine),
    "nor_conv_3x3": lambda c, affine: relu_conv_bn(c, c, 3, affine=affine),
    "avg_pool_3x3": lambda c, affine: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
}


def network(in_channels: int, classes: int, *, channels: int = 16, cells: int = 5, affine: bool = False) -> nn.Module:
    """The network that is searched: three stages of `cells` cells at 1, 2 and 4 times `channels`.

    affine: whether batch normalization in the cells has weights of its own.
    """
    # the residual reduction between two stages doubles the channels
    layers: list[nn.Module] = [nn.Conv2d(in_channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)]
    for stage in range(3):
        if stage:
            layers.append(_Reduction(channels, 2 * channels))
            channels *= 2
        layers += [_Cell(channels, affine) for _ in range(cells)]
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(channels, classes))


def final(architecture: Architecture, in_channels: int, classes: int, *, channels: int = 16,
          cells: int = 5) -> nn.Module:
    """The network that is trained: the same, with fresh weights and affine batch normalization."""
    return derive_fresh(network, architecture, in_channels, classes, channels=channels, cells=cells, affine=True)


class _Cell(nn.Module):
    """Every node is the sum of one operation on each node before it; the last one is the output."""

    def __init__(self, channels: int, affine: bool) -> None:
        super().__init__()
        # [node - 1][node read]: nodes 1, 2 and 3, as node 0 is the input
        self.nodes = nn.ModuleList(
            nn.ModuleList(LayerChoice({name: make(channels, affine) for name, make in OPERATIONS.items()},
                                      label=_label(source, node)) for source in range(node))
            for node in range(1, 4))

    def forward(self, x: Tensor) -> Tensor:
        return derived.run_cell([x], [list(enumerate(node)) for node in self.nodes])[-1]  # type: ignore[arg-type]


class _Reduction(nn.Module):
    """A residual block that halves the resolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*relu_conv_bn(inputs, outputs, 3, stride=2), *relu_conv_bn(outputs, outputs, 3))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)  # type: ignore[no-any-return]


def _label(source: int, node: int) -> str:
    return f"{source}->{node}"


def picks(architecture: Mapping[str, Any]) -> Picks:
    """The cell as a list of edges: of nodes 1, 2 and 3, (node read, operation) pairs.

    Raises ValueError if the architecture is not of this space.
    """
    expected = [_label(*edge) for edge in EDGES]
    if sorted(architecture) != sorted(expected):
        raise ValueError(f"architecture must have an operation for each of {expected}, got {list(architecture)}.")
    for name, operation in architecture.items():
        if operation not in OPERATIONS:
            raise ValueError(f"architecture[{name!r}] must be one of {list(OPERATIONS)}, got {operation!r}.")
    return [[(source, architecture[_label(source, node)]) for source in range(node)] for node in range(1, 4)]


def to_string(architecture: Mapping[str, Any]) -> str:
    """The benchmark's string of an architecture.

    >>> to_string(dict.fromkeys(["0->1", "0->2", "1->2", "0->3", "1->3", "2->3"], "none"))
    '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|'
    """
    return "+".join("|" + "".join(f"{operation}~{source}|" for source, operation in node)
                    for node in picks(architecture))


def from_string(text: str) -> dict[str, str]:
    """The architecture of the benchmark's string. Raises ValueError if it is none."""
    # "|none~0|+|none~0|none~1|+..." -> for each node its [operation, node read] pairs
    nodes = [[edge.rpartition("~")[::2] for edge in node.strip().strip("|").split("|")] for node in text.split("+")]
    if [[source for _, source in node] for node in nodes] != [[str(source) for source in range(node)]
                                                              for node in range(1, 4)]:
        raise ValueError("from_string(text) must be like '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|', "
                         f"an operation and the node it reads for each edge, got {text!r}.")
    architecture = {_label(int(source), position): operation for position, node in enumerate(nodes, 1)
                    for operation, source in node}
    picks(architecture)  # for its check of the names
    return architecture


PRESETS = {
    # as configs/nas-benchmark of the authors' AutoDL-Projects has them: algos/RANDOM.config for the one-shot search,
    # hyper-opts/200E.config for the training
    "published": Preset(
        SearchSettings(epochs=250, batch_size=64, learning_rate=0.025, nesterov=True, weight_decay=5e-4, clip=5.0,
                       anneal="epoch", last_learning_rate=0.001, augment=Augment(cutout=0)),
        TrainSettings(epochs=200, batch_size=256, learning_rate=0.1, nesterov=True, weight_decay=5e-4,
                      augment=Augment(cutout=0))),
    "small": Preset(
        SearchSettings(epochs=2, batch_size=64, learning_rate=0.05, weight_decay=5e-4, clip=5.0),
        TrainSettings(epochs=2, batch_size=64, learning_rate=0.1, nesterov=True, weight_decay=5e-4),
        network={"channels": 4, "cells": 1}, final={"channels": 4, "cells": 1}),
}

SPACE = SearchSpace("nasbench201", "Dong and Yang, 2020, https://arxiv.org/abs/2001.00326", "classification", 32,
                    network, final, PRESETS, to_string, lambda architecture: {"cell": (picks(architecture), 1)},
                    first_node=1)
