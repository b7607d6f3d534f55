"""What a supernet of a ground does not share by all architectures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from asng_torch import Choice, Switchable


@dataclass(frozen=True)
class Apart:
    """normalization: scale, shift and statistics, of which there are some for each combination of values of the choices
    that make what is normalized. context: weights, of which there are some for each value of the layer before.
    """

    normalization: bool = False
    context: bool = False


SHARED = Apart()


def own(apart: bool, choices: Sequence[Choice], make: Callable[[], nn.Module]) -> nn.Module:
    """A layer for each combination of values of choices, if there are any, or one for all."""
    return Switchable(make, by=choices) if apart and choices else make()
