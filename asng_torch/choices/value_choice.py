"""A choice between values: of a layer's argument, an activation, anything a forward pass reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import nn

from asng_core import Categorical, Ordinal, Variable, checks

from ..networks import derived
from .choice import Choice
from .searchable import Blocks, Layout


class ValueChoice(Choice):
    """Called without arguments, it returns the value in force.

    values: a sequence; or a mapping from names to what is returned, of which the architecture then
        holds the names; or a variable of `asng_core`.

    >>> class Block(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.rate = ValueChoice([0.0, 0.2, 0.5])
    ...         self.activation = ValueChoice({"relu": nn.functional.relu, "silu": nn.functional.silu})
    ...     def forward(self, x):
    ...         return nn.functional.dropout(self.activation()(x), self.rate(), self.training)
    """

    def __init__(self, values: Sequence[Any] | Mapping[str, Any] | Variable, *, label: str | None = None) -> None:
        self.named = dict(values) if isinstance(values, Mapping) else None
        if isinstance(values, Variable):
            variable = values
        elif isinstance(values, (Mapping, Sequence, range)) and not isinstance(values, str):
            variable = Categorical(list(values))  # of a mapping, its names
        else:
            raise TypeError(f"{type(self).__name__}(values) must be a sequence of values, a mapping from names to "
                            f"values, or a variable, got {values!r}.")
        super().__init__(variable, label)

    def forward(self) -> Any:
        return self.value if self.named is None else self.named[self.value]

    def derived(self) -> nn.Module:
        return derived.Constant(self())

    def kept(self) -> Iterable[nn.Module]:
        return ()


def whole(where: str, sizes: Iterable[object]) -> list[int]:
    """Sizes of a layer: whole numbers from 1."""
    return [checks.integer(where, size, minimum=1) for size in sizes]


class _SizeChoice(ValueChoice):
    """Of a layer's size: whole numbers from 1, in order. `argument` is what its constructor calls them."""

    argument: str

    def __init__(self, sizes: Sequence[int] | Variable, *, label: str | None = None) -> None:
        super().__init__(sizes, label=label)
        legal = whole(f"{type(self).__name__}({self.argument})", self.values)
        if not isinstance(sizes, Variable):
            self.variable = Ordinal(sorted(legal))

    @property
    def largest(self) -> int:
        """The largest of the sizes."""
        return int(max(self.values))

    @property
    def widest(self) -> float:
        return self.values.index(self.largest)


class WidthChoice(_SizeChoice, Layout):
    """Of the number of channels, or features, that a layer puts out: `elastic.Conv2d(8, WidthChoice([8, 16, 32]), 3)`.

    >>> WidthChoice([8, 16, 32]).variable, WidthChoice([8, 16, 32]).largest
    (Ordinal([8, 16, 32]), 32)

    The narrower layer is the first part of the widest one; elastic layers behind it follow. Where two
    outputs are added, give their choices one label.

    widths: a sequence, of which an Ordinal is made, or a variable: Categorical, Integer(16, 64, step=8).
    divisor: widths are rounded to multiples of it, at least one.
    """

    argument = "widths"

    def __init__(self, widths: Sequence[int] | Variable, *, divisor: int | None = None,
                 label: str | None = None) -> None:
        if divisor is not None:
            if isinstance(widths, Variable):
                raise TypeError("WidthChoice(divisor=...) is for a sequence of widths, got a variable. "
                                "Use Integer(low, high, step=divisor).")
            divisor = checks.integer("WidthChoice(divisor=...)", divisor, minimum=1)
            # to the nearest multiple, the larger one of two
            widths = sorted({max(divisor, int(width / divisor + 0.5) * divisor)
                             for width in whole("WidthChoice(widths)", widths)})
        super().__init__(widths, label=label)

    @property
    def narrowest(self) -> float:
        return self.values.index(min(self.values))

    @property
    def full_width(self) -> int:
        return self.largest

    @property
    def blocks(self) -> Blocks:
        return ((0, int(self.value)),)


class KernelChoice(_SizeChoice):
    """Of a kernel's side: `elastic.Conv2d(8, 8, KernelChoice([3, 5]), padding=2)`.

    >>> KernelChoice([3, 5]).variable
    Ordinal([3, 5])

    The smaller kernel is the middle of the largest one.

    sides: a sequence, of which an Ordinal is made, or a variable; all odd or all even.
    """

    argument = "sides"

    def __init__(self, sides: Sequence[int] | Variable, *, label: str | None = None) -> None:
        super().__init__(sides, label=label)
        # else the middle of a smaller kernel would lie between two weights of the largest
        if len({side % 2 for side in self.values}) > 1:
            raise ValueError(f"KernelChoice(sides) must be all odd or all even to share a middle, got {self.values!r}.")
