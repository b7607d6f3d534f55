"""The contract of every module that an architecture decides about, and of one behind which widths differ."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import nn

# of a layer's channels, or features, those that are there, in their order
Blocks = tuple[tuple[int, int], ...]  # (start, stop) of channels


class Searchable(nn.Module, ABC):
    """A module that runs as the active architecture says, and becomes another module when derived."""

    @abstractmethod
    def derived(self) -> nn.Module:
        """What stands in this module's place in the network of the active architecture.

        May hold modules of the supernet itself: `derive` copies them, and derives what is in them.
        """

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Run every alternative on these inputs. Raises ValueError if their outputs differ in shape."""


class Joining(Searchable, ABC):
    """Remembers of its latest output which blocks of all channels it could have are there, and in which order."""

    blocks: Blocks = ()
    full_width: int = 0

    def join(self, full_width: int, blocks: Sequence[tuple[int, int]]) -> None:
        """Take note of an output that holds these blocks of `full_width` channels."""
        self.full_width, self.blocks = full_width, tuple(blocks)


def shapes(output: Any) -> Any:
    """The shapes of the tensors in an output, in its own nesting."""
    if isinstance(output, dict):
        return {key: shapes(value) for key, value in output.items()}
    if isinstance(output, (tuple, list)):
        return tuple(shapes(value) for value in output)
    return tuple(output.shape) if hasattr(output, "shape") else type(output).__name__
