"""Modules that put several maps side by side, so that layers behind them know which channels came."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence

from .searchable import Searchable

Blocks = tuple[tuple[int, int], ...]  # (start, stop) of channels


class Joining(Searchable, ABC):
    """Remembers of its latest output which blocks of all channels it could have are there, and in which order."""

    blocks: Blocks = ()
    full_width: int = 0

    def join(self, full_width: int, blocks: Sequence[tuple[int, int]]) -> None:
        """Take note of an output that holds these blocks of `full_width` channels."""
        self.full_width, self.blocks = full_width, tuple(blocks)
