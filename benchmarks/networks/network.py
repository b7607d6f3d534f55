"""What a row of the table is, and the few steps by which choices are put into somebody's network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from asng_torch import WidthChoice, elastic

Put = Callable[[Any], nn.Module | None]


@dataclass(frozen=True)
class Network:
    """make: the author's network, with random weights. put: choices into it, in place, or as a new module.

    inputs: positional arguments. choices: what is chosen, in words. compared: of what it puts out, what counts.
    """

    name: str
    library: str
    choices: str
    make: Callable[[], nn.Module]
    put: Put
    inputs: Callable[[], tuple[Any, ...]]
    trains: bool = True  # the forward pass of training needs no more inputs than that of evaluation

    def searchable(self) -> nn.Module:
        network = self.make()
        return self.put(network) or network


def image(*shape: int) -> Callable[[], tuple[Any, ...]]:
    return lambda: (torch.randn(2, *shape),)


def tokens(length: int = 7, n: int = 50) -> Callable[[], tuple[Any, ...]]:
    return lambda: (torch.randint(2, n, (2, length)),)


def tensors(output: Any) -> list[Tensor]:
    """The tensors of real numbers in an output of any structure."""
    if isinstance(output, Tensor):
        return [output] if output.is_floating_point() else []
    if isinstance(output, Mapping):
        output = list(output.values())
    elif is_dataclass(output):
        output = [getattr(output, each.name) for each in fields(output)]
    if isinstance(output, Sequence) and not isinstance(output, str):
        return [tensor for each in output for tensor in tensors(each)]
    return []


def half(largest: int, *, divisor: int = 1) -> WidthChoice:
    """Of half, three quarters and all."""
    return WidthChoice(sorted({largest // 2, largest * 3 // 4 // divisor * divisor, largest}))


def heads(number: int, width: int, *layers: nn.Module, out: nn.Module, each: int = 1, fused: bool = False,
          number_choice: WidthChoice | None = None) -> tuple[WidthChoice, elastic.Heads]:
    """Let the number of heads be chosen in layers that give queries, keys and values, and in `out` behind them.

    fused: they are one layer. each: heads of queries, the first layer, for every head of keys and values.
    """
    chosen = WidthChoice([number // 2, number]) if number_choice is None else number_choice
    queries = elastic.Heads(chosen, width, each=each)
    shared = elastic.Heads(chosen, width, parts=3 if fused else 1)
    for i, layer in enumerate(layers):
        elastic.convert(layer, queries if i == 0 and not fused else shared)
    elastic.convert(out, after=queries)
    return chosen, queries


def hidden(first: nn.Module, second: nn.Module, width: int) -> None:
    """Let the width between two layers be chosen."""
    elastic.convert(first, half(width))
    elastic.convert(second)
