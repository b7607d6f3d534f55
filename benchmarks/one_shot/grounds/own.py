"""Layers of which a supernet has one for each combination of values of some choices, in place of one for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from asng_torch.choices.choice import Choice


@dataclass(frozen=True)
class Apart:
    """What is not shared in the supernet of a ground.

    normalization: each candidate has scale, shift and statistics of its own: a normalization for each value of the
        choices that make what it normalizes. context: each weight is of the value that the layer before has.
    """

    normalization: bool = False
    context: bool = False


SHARED = Apart()


class Own(nn.Module):
    """One of several like layers, by the values that are in force."""

    def __init__(self, choices: Sequence[Choice], make: Callable[[], nn.Module]) -> None:
        super().__init__()
        self._choices = tuple(choices)  # which stand elsewhere in the network
        n = 1
        for choice in choices:
            n *= choice.variable.size
        self.layers = nn.ModuleList([make() for _ in range(n)])

    def forward(self, x: Tensor) -> Tensor:
        row = 0
        for choice in self._choices:
            row = row * choice.variable.size + choice.code
        out: Tensor = self.layers[row](x)
        return out


def own(apart: bool, choices: Sequence[Choice], make: Callable[[], nn.Module]) -> nn.Module:
    """`Own`, or one layer for all."""
    return Own(choices, make) if apart and choices else make()
