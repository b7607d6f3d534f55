"""A network built once more with plain layers where its elastic ones were."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Sequence
from contextvars import ContextVar, Token
from typing import Any

from torch import nn

from ..networks.drawing import draw

_current: ContextVar[Construction | None] = ContextVar("_current", default=None)


class Construction:
    """Inside the `with`, elastic layers are noted in the order of their construction, or plain ones are made in place.

    instead: of an earlier construction, every elastic layer built and what is to stand for it, drawn anew; or None.
    """

    def __init__(self, instead: Sequence[tuple[nn.Module | None, nn.Module | None]] = ()) -> None:
        self.built: list[nn.Module | None] = []
        self._instead, self._position = instead, 0
        self._token: Token[Construction | None] | None = None

    def __enter__(self) -> Construction:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)

    def next(self) -> nn.Module | None:
        """What stands for the elastic layer that is about to be built."""
        if self._position >= len(self._instead):
            return None
        built, plain = self._instead[self._position]
        self._position += 1
        if plain is None or built is None:
            return None
        inner = set(map(id, built.modules()))
        while self._position < len(self._instead) and id(self._instead[self._position][0]) in inner:
            self._position += 1  # what it would build in itself
        draw(plain)
        return plain


class Constructed(ABCMeta):
    """The type of elastic layers: to call one gives a layer of it, or what is to stand for that."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # by constructors alone: a copy is not called
        construction = _current.get()
        if construction is None:
            return super().__call__(*args, **kwargs)
        if (plain := construction.next()) is not None:
            return plain
        place = len(construction.built)
        construction.built.append(plain)  # before those that the layer builds in itself
        construction.built[place] = made = super().__call__(*args, **kwargs)
        return made
