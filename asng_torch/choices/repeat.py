"""A choice of depth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn

from asng_core import Integer, checks

from .choice import Choice
from .mark import marked
from .searchable import shapes


class Repeat(Choice):
    """Runs the first of several blocks one after another; the variable says how many.

    blocks: modules of one input and output each; the shape must stay as it is, from the second on.
    minimum: the fewest that run, from 0.

    >>> Repeat([nn.Linear(8, 8) for _ in range(4)], minimum=2).variable
    Integer(2, 4)
    """

    def __init__(self, blocks: Sequence[nn.Module], *, minimum: int = 1, label: str | None = None) -> None:
        if not blocks or not all(isinstance(block, nn.Module) for block in blocks):
            raise TypeError(f"Repeat(blocks) must be a sequence of at least one module, got {blocks!r}.")
        minimum = checks.integer("Repeat(minimum=...)", minimum)
        if not 0 <= minimum <= len(blocks):
            raise ValueError(f"Repeat(minimum=...) must be within 0..{len(blocks)}, the number of blocks, "
                             f"got {minimum!r}.")
        super().__init__(Integer(minimum, len(blocks)), label)
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Any) -> Any:
        for block in self.blocks[: self.value]:
            x = block(x)
        return marked(x, self.code)

    def branches(self) -> Iterable[tuple[nn.Module, Sequence[int]]]:
        # block i runs where at least i + 1 do
        return [(block, [n for n in self.values if n > i]) for i, block in enumerate(self.blocks)]

    @property
    def widest(self) -> float:
        return self.variable.size - 1

    def derived(self) -> nn.Module:
        return nn.Sequential(*self.blocks[: self.value])

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        (x,) = (*args, *kwargs.values())
        found = [shapes(x)]
        for block in self.blocks:
            x = block(x)
            found.append(shapes(x))
        # after `minimum` blocks or more the network may go on: all these shapes must be one
        if len(set(map(repr, found[self.values[0]:]))) > 1:
            raise ValueError("Repeat(blocks) must keep the shape, so that any number of blocks may run, got "
                             f"{' -> '.join(map(str, found))}. Change the shape before or after, or raise minimum.")
