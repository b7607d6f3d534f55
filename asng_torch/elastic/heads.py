"""Features that lie in heads, as those of attention do."""

from __future__ import annotations

from torch import nn

from asng_core import checks

from ..choices.searchable import Blocks, Layout
from ..choices.value_choice import WidthChoice
from ..networks import derived


class Heads(Layout):
    """A width of so many heads of so many features, for the layers that give it and, as `after=`, those behind it.

    Kept are the first heads, and of each the first features. Called, it returns how many heads, and how wide, are in
    force.

    number, width: of heads, and of the features of each; at least one is a choice. The queries of grouped-query
        attention share the choices of the keys.
    each: heads for every one of `number`, as queries have for each head of keys and values.
    parts: how often all that lies side by side: 3 for queries, keys and values of one layer.

    >>> heads = Heads(WidthChoice([2, 4], label="heads"), 16)
    >>> heads.number.active = 0
    >>> heads(), heads.blocks, heads.full_width
    ((2, 16), ((0, 32),), 64)
    >>> Heads(heads.number, 16, parts=3).blocks
    ((0, 32), (64, 96), (128, 160))
    """

    number: WidthChoice | int
    width: WidthChoice | int

    def __init__(self, number: int | WidthChoice, width: int | WidthChoice, *, each: int = 1, parts: int = 1) -> None:
        if not isinstance(number, WidthChoice) and not isinstance(width, WidthChoice):
            raise TypeError(f"elastic.Heads(number, width) must have a WidthChoice, got {number!r} and {width!r}. "
                            "If neither is to be chosen, give the layer a number.")
        super().__init__()
        self.number, self.width = (
            size if isinstance(size, WidthChoice) else checks.integer(f"elastic.Heads({name})", size, minimum=1)
            for name, size in (("number", number), ("width", width)))
        self.each = checks.integer("elastic.Heads(each=...)", each, minimum=1)
        self.parts = checks.integer("elastic.Heads(parts=...)", parts, minimum=1)

    @property
    def full_head(self) -> int:
        """The most features of a head."""
        return largest(self.width)

    @property
    def full_width(self) -> int:
        return self.parts * largest(self.number) * self.each * self.full_head

    @property
    def blocks(self) -> Blocks:
        (number, width), full = self(), self.full_head
        part = self.full_width // self.parts
        if width == full:  # of each part its first heads, side by side
            return tuple((start, start + number * full) for start in range(0, self.full_width, part)) \
                if number * full < part else ((0, self.full_width),)
        return tuple((start + head * full, start + head * full + width)
                     for start in range(0, self.full_width, part) for head in range(number))

    def forward(self) -> tuple[int, int]:
        number, width = (int(size.value) if isinstance(size, WidthChoice) else size
                         for size in (self.number, self.width))
        return number * self.each, width

    def derived(self) -> nn.Module:
        return derived.Constant(self())


def largest(size: int | WidthChoice) -> int:
    """Of a number, or of those that may be chosen."""
    return size.largest if isinstance(size, WidthChoice) else size
