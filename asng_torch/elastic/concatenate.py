"""Concatenation of maps whose widths are chosen."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from asng_core import checks

from ..choices.searchable import Joining
from ..networks import derived


class Concatenate(Joining):
    """Joins maps along dimension 1; an elastic layer built with `after=` it keeps their columns apart.

    widths: the largest number of channels of each map.

    >>> concatenate = Concatenate(8, 16)
    >>> concatenate(torch.ones(1, 4, 2, 2), torch.ones(1, 16, 2, 2)).shape
    torch.Size([1, 20, 2, 2])
    >>> concatenate.blocks  # of 24
    ((0, 4), (8, 24))
    """

    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.widths = tuple(checks.integer("elastic.Concatenate(widths)", width, minimum=1) for width in widths)

    def forward(self, *inputs: Tensor) -> Tensor:
        if len(inputs) != len(self.widths) or any(x.shape[1] > most for x, most in
                                                  zip(inputs, self.widths, strict=True)):
            raise ValueError(f"Concatenate{self.widths} must be called with as many maps, of at most these channels, "
                             f"got {[x.shape[1] for x in inputs]}.")
        starts = itertools.accumulate(self.widths, initial=0)
        self.join(sum(self.widths), [(start, start + x.shape[1]) for start, x in zip(starts, inputs, strict=False)])
        return torch.cat(inputs, dim=1)

    def derived(self) -> nn.Module:
        return derived.Concatenate()
