"""Concatenation of maps whose widths are chosen."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..choices.searchable import Joining, Layout, checked_widths
from ..networks import derived


class Concatenate(Joining):
    """Joins maps along dimension 1; an elastic layer built with `after=` it keeps their columns apart.

    widths: the largest number of channels of each map; or, where it is itself joined or in heads, the Concatenate,
        InputChoice, Cell or Heads that it comes out of.

    >>> concatenate = Concatenate(8, 16)
    >>> concatenate(torch.ones(1, 4, 2, 2), torch.ones(1, 16, 2, 2)).shape
    torch.Size([1, 20, 2, 2])
    >>> concatenate.blocks  # of 24
    ((0, 4), (8, 24))
    """

    def __init__(self, *widths: int | Layout) -> None:
        super().__init__()
        self.widths = checked_widths("elastic.Concatenate(widths)", widths)

    def forward(self, *inputs: Tensor) -> Tensor:
        self.lay(inputs, self.widths, range(len(self.widths)))
        return torch.cat(inputs, dim=1)

    def derived(self) -> nn.Module:
        return derived.Concatenate()
