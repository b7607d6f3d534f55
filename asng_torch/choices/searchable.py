"""The contract of every module that an architecture decides about."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import nn


class Searchable(nn.Module, ABC):
    """A module that runs as the active architecture says, and becomes another module when derived."""

    @abstractmethod
    def derived(self) -> nn.Module:
        """What stands in this module's place in the network of the active architecture.

        May hold modules of the supernet itself: `derive` copies them, and derives what is in them.
        """

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Run every alternative on these inputs. Raises ValueError if their outputs differ in shape."""


def shapes(output: Any) -> Any:
    """The shapes of the tensors in an output, in its own nesting."""
    if isinstance(output, dict):
        return {key: shapes(value) for key, value in output.items()}
    if isinstance(output, (tuple, list)):
        return tuple(shapes(value) for value in output)
    return tuple(output.shape) if hasattr(output, "shape") else type(output).__name__
