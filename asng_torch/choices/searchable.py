"""The contract of every module that an architecture decides about, and of one behind which widths differ."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor, nn

from asng_core import checks

# of a layer's channels, or features, those that are there, in their order
Blocks = tuple[tuple[int, int], ...]  # (start, stop) of channels


class Searchable(nn.Module, ABC):
    """A module that runs as the active architecture says, and becomes another module when derived."""

    @abstractmethod
    def derived(self) -> nn.Module:
        """What stands in this module's place in the network of the active architecture.

        May hold modules of the supernet itself: `derive` copies them, and derives what is in them.
        """

    def kept(self) -> Iterable[nn.Module]:
        """Modules that hold the parameters of the derived one, if these are at hand without making that."""
        return [self.derived()]

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Run every alternative on these inputs. Raises ValueError if their outputs differ in shape."""


class Layout(Searchable):
    """Knows which channels, or features, of all it could have are there: what `after=` of an elastic layer takes."""

    @property
    @abstractmethod
    def full_width(self) -> int:
        """All channels there could be; 0 as long as that is not known."""

    @property
    @abstractmethod
    def blocks(self) -> Blocks:
        """Those that are there now, in their order."""


class Joining(Layout, ABC):
    """Remembers of its latest output which blocks of all channels it could have are there, and in which order."""

    joined: tuple[int, Blocks] = 0, ()

    @property
    def full_width(self) -> int:
        return self.joined[0]

    @property
    def blocks(self) -> Blocks:
        return self.joined[1]

    def join(self, full_width: int, blocks: Sequence[tuple[int, int]]) -> None:
        """Take note of an output that holds these blocks of `full_width` channels."""
        self.joined = full_width, tuple(blocks)

    def lay(self, inputs: Sequence[Tensor], widths: Sequence[int | Layout], chosen: Iterable[int]) -> None:
        """Take note of an output that holds the chosen ones of these inputs side by side.

        widths: the most channels of each input, or what knows of its blocks. Raises ValueError for other inputs.
        """
        name, found = type(self).__name__, [x.shape[1] for x in inputs]
        full = [width.full_width if isinstance(width, Layout) else width for width in widths]
        if len(found) != len(full) or any(x > most for x, most in zip(found, full, strict=True)):
            raise ValueError(f"{name} must be called with as many inputs as it has widths, of at most these channels, "
                             f"{full}, got {found}.")
        starts, blocks = list(itertools.accumulate(full, initial=0)), []
        for i in chosen:
            width = widths[i]
            inner = width.blocks if isinstance(width, Layout) else ((0, found[i]),)
            if size(inner) != found[i]:  # something else lies between the two
                raise ValueError(f"{name}(widths) must name what input {i} comes out of last, got "
                                 f"{type(width).__name__} of blocks {inner} for {found[i]} channels.")
            blocks += [(starts[i] + start, starts[i] + stop) for start, stop in inner]
        self.join(starts[-1], blocks)


def checked_widths(where: str, widths: Iterable[int | Layout]) -> tuple[int | Layout, ...]:
    """The argument `widths` of what joins; `where` is its name, for errors."""
    return tuple(width if isinstance(width, Layout) else checks.integer(where, width, minimum=1) for width in widths)


def size(blocks: Blocks) -> int:
    """How many channels the blocks hold."""
    return sum(stop - start for start, stop in blocks)


def shapes(output: Any) -> Any:
    """The shapes of the tensors in an output, in its own nesting."""
    if isinstance(output, Mapping):
        return {key: shapes(value) for key, value in output.items()}
    if is_dataclass(output) and not isinstance(output, type):
        return {field.name: shapes(getattr(output, field.name)) for field in fields(output)}
    if isinstance(output, (tuple, list)):
        return tuple(shapes(value) for value in output)
    return tuple(output.shape) if hasattr(output, "shape") else type(output).__name__


def member(module: nn.Module, *path: str) -> Any:
    """What `module` holds at a path, as indexing says it; many times a pass, and so without asking for it elsewhere."""
    for name in path:
        module = vars(module)["_modules"][name]
    return module
