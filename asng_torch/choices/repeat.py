"""A choice of depth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from torch import nn

from asng_core import Integer, checks

from ..networks import derived
from .choice import Choice
from .mark import marked
from .searchable import shapes


class Repeat(Choice):
    """Runs the first of several blocks one after another; the variable says how many.

    Each block gets what the one before put out, and every block the further arguments, if any. A network that
    runs its blocks itself finds here the sequence of those in force: `for`, `len` and `[i]`. All blocks are `.blocks`.

    blocks: modules that put out one tensor; its shape must stay as it is, from the second on.
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

    def forward(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        for block in self:
            x = block(x, *args, **kwargs)
        return marked(x, self.code)

    @property
    def in_force(self) -> list[nn.Module]:
        """The blocks that run. Raises RuntimeError if no architecture is active."""
        return list(self.blocks)[: self.value]

    def __iter__(self) -> Iterator[nn.Module]:
        return iter(self.in_force)

    def __len__(self) -> int:
        return len(self.in_force)

    def __bool__(self) -> bool:  # as of any module, not by its length
        return True

    @overload
    def __getitem__(self, index: int) -> nn.Module: ...
    @overload
    def __getitem__(self, index: slice) -> list[nn.Module]: ...
    def __getitem__(self, index: int | slice) -> nn.Module | list[nn.Module]:
        blocks = self.in_force
        if not isinstance(index, slice) and not -len(blocks) <= index < len(blocks):
            raise IndexError(f"Repeat[index] must be of the {len(blocks)} blocks in force, got {index}. For a network "
                             f"that reads this one always: Repeat(..., minimum={index + 1 if index >= 0 else -index}).")
        return blocks[index]

    def branches(self) -> Iterable[tuple[nn.Module, Sequence[int]]]:
        # block i runs where at least i + 1 do
        return [(block, [n for n in self.values if n > i]) for i, block in enumerate(self.blocks)]

    @property
    def widest(self) -> float:
        return self.variable.size - 1

    def derived(self) -> nn.Module:
        return derived.Blocks(*self.in_force)

    def kept(self) -> Iterable[nn.Module]:
        return self.in_force

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found = self._shapes(*args, **kwargs)
        # after `minimum` blocks or more the network may go on: all these shapes must be one
        if len(set(map(repr, found[self.values[0]:]))) > 1:
            raise ValueError("Repeat(blocks) must keep the shape, so that any number of blocks may run, got "
                             f"{' -> '.join(map(str, found))}. Change the shape before or after, or raise minimum.")

    def _shapes(self, x: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Of what comes in, and of what each of all blocks puts out."""
        found = [shapes(x)]
        for block in self.blocks:
            x = block(x, *args, **kwargs)
            found.append(shapes(x))
        return found
