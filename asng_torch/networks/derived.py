"""What stands in a derived network where a choice was that no plain layer can stand for. No parameters of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

Reduce = Literal["sum", "mean", "concat"]


class Constant(nn.Module):
    """Called without arguments, it returns its value: what was a ValueChoice."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    def forward(self) -> Any:
        return self.value

    def extra_repr(self) -> str:
        return repr(self.value)


class Inputs(nn.Module):
    """Of a sequence of tensors, those at fixed positions, joined: what was an InputChoice."""

    def __init__(self, positions: Sequence[int], reduce: Reduce) -> None:
        super().__init__()
        self.positions, self.reduce = tuple(positions), reduce

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        return join([inputs[i] for i in self.positions], self.reduce)

    def extra_repr(self) -> str:
        return f"{self.positions}, {self.reduce}"


class Blocks(nn.Sequential):
    """Modules one after another, each with the further arguments too: what was a Repeat."""

    def forward(self, input: Any, *args: Any, **kwargs: Any) -> Any:
        x = input
        for block in self:
            x = block(x, *args, **kwargs)
        return x


class Concatenate(nn.Module):
    """Tensors joined along dimension 1: what was an elastic Concatenate."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat(inputs, dim=1)


class Cell(nn.Module):
    """A graph of fixed edges and operations: what was a choosing Cell.

    picks: for every node, (map read, operation) pairs whose outputs are added; maps are the inputs,
        then the nodes.
    """

    def __init__(self, picks: Sequence[Sequence[tuple[int, nn.Module]]], n_inputs: int) -> None:
        super().__init__()
        self.n_inputs = n_inputs
        self.read = [[source for source, _ in node] for node in picks]
        self.operations = nn.ModuleList(nn.ModuleList(operation for _, operation in node) for node in picks)
        self.loose = loose_ends(picks, n_inputs)

    def forward(self, *inputs: Tensor) -> Tensor:
        maps = run_cell(inputs, [list(zip(read, operations, strict=True))  # type: ignore[call-overload]
                                 for read, operations in zip(self.read, self.operations, strict=True)])
        return torch.cat([maps[self.n_inputs + node] for node in self.loose], dim=1)

    def extra_repr(self) -> str:
        return f"read={self.read}, loose={self.loose}"


def loose_ends(picks: Sequence[Sequence[tuple[int, Any]]], n_inputs: int) -> list[int]:
    """The nodes that no other node reads."""
    read = {source for node in picks for source, _ in node}
    return [node for node in range(len(picks)) if n_inputs + node not in read]


def run_cell(inputs: Sequence[Tensor], picks: Sequence[Sequence[tuple[int, nn.Module]]]) -> list[Tensor]:
    """All maps of a cell: the inputs, then every node's sum of operations on earlier maps."""
    maps = list(inputs)  # grows by one for each node; all nodes have one shape
    for node in picks:
        outputs = [operation(maps[source]) for source, operation in node]
        maps.append(sum(outputs[1:], start=outputs[0]))
    return maps


def join(tensors: Sequence[Tensor], reduce: Reduce) -> Tensor:
    """Tensors of one shape added or averaged, or any concatenated along dimension 1."""
    if len(tensors) == 1:  # the tensor itself, not a copy
        return tensors[0]
    if reduce == "concat":
        return torch.cat(list(tensors), dim=1)
    total = sum(tensors[1:], start=tensors[0])
    return total / len(tensors) if reduce == "mean" else total
