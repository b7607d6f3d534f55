"""How an optimizer is made of its parts, and how its state is kept: in a dict, a file, a pickle."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from .. import checkpoint, checks
from ..distribution.marginals import initial_theta
from ..space.recognition import check_asked, check_described, check_storable
from ..space.space import Space
from .parts import P, Parts

_VERSION = 3  # of the state's layout
_CHECKED = 1000  # points of a state, the latest, that constraints are asked about again
_Self = TypeVar("_Self", bound="Saved[Any]")


class Saved(ABC, Generic[P]):
    """Parts around a space, which a state replaces whole."""

    FORMAT: ClassVar[str]  # tells files of one class from those of another
    OPTIONAL: ClassVar[frozenset[str]] = frozenset()  # settings that a state may hold or not, whatever this one does

    def __init__(self, space: Space, settings: Mapping[str, Any], seed: object, init: object) -> None:
        name = type(self).__name__
        if not isinstance(space, Space):
            raise TypeError(f"{name}(space) must be a Space, got {checks.shown(space)}. Use Space({{name: variable}}).")
        self.space = space
        self._parts = self._make(space, settings, np.random.default_rng(checks.seed(f"{name}(seed=...)", seed)))
        if init is not None:
            self._parts.distribution.restart(initial_theta(self._parts.distribution, init))

    @abstractmethod
    def _make(self, space: Space, settings: Mapping[str, Any], rng: np.random.Generator) -> Parts[P]:
        """The parts, as new. Raises TypeError or ValueError for settings that break a rule."""

    def state_dict(self) -> dict[str, Any]:
        """The whole state, open candidates included, as plain scalars, lists, dicts and arrays."""
        return {"format": self.FORMAT, "version": _VERSION, "space": self.space.describe(), **self._parts.state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue bit for bit where `state_dict()` was taken, settings included.

        Raises ValueError, with nothing changed, for a state of another space or of anything else.
        """
        try:
            if state["format"] != self.FORMAT:
                raise ValueError(f"its format is {checks.shown(state['format'])}, not {self.FORMAT!r}.")
            if state["version"] != _VERSION:
                raise ValueError(f"its version is {checks.shown(state['version'])}, but this release reads {_VERSION}. "
                                 "Go on with the release that wrote it, or begin anew.")
            check_described(self.space, state["space"])
            if (set(state["settings"]) ^ set(self._parts.settings)) - self.OPTIONAL:
                raise ValueError(f"its settings must be {sorted(self._parts.settings)}.")
            parts = self._make(self.space, state["settings"], np.random.default_rng(0))
            parts.load(state)
            check_asked(self.space, parts.asked()[-_CHECKED:])
        except Exception as error:  # whatever a damaged state makes raise
            raise ValueError(f"state must be what {type(self).__name__}.state_dict() returned for the same space: "
                             f"{error}") from error
        self._parts = parts

    def __getstate__(self) -> dict[str, Any]:
        own = {name: value for name, value in vars(self).items() if name != "_parts"}
        return {**own, "_parts": self._parts.state()}

    def __setstate__(self, own: dict[str, Any]) -> None:
        vars(self).update(own)
        state = own["_parts"]
        self._parts = self._make(self.space, state["settings"], np.random.default_rng(0))
        self._parts.load(state)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to one file, atomically. Raises TypeError if the space has values that a file cannot know."""
        path = checks.path(f"{type(self).__name__}.save(path)", path)
        check_storable(self.space)
        checkpoint.write(path, self.state_dict())

    @classmethod
    def load(cls: type[_Self], path: str | os.PathLike[str], space: Space | None = None) -> _Self:
        """The optimizer that `save` wrote; it continues bit for bit.

        `space` is needed if it has constraints, or values that JSON cannot hold (anything but text,
        numbers, truth values and None). Raises OSError, or CheckpointError for whatever is wrong with the file.
        """
        path = checks.path(f"{cls.__name__}.load(path)", path)
        if space is not None and not isinstance(space, Space):
            raise TypeError(f"{cls.__name__}.load(space=...) must be the Space that was searched, "
                            f"got {checks.shown(space)}.")
        state = checkpoint.read(path, cls.FORMAT)
        try:
            if space is None:
                space = Space.from_description(state["space"])
            optimizer = cls(space)  # type: ignore[call-arg]  # subclasses have defaults for the rest
            optimizer.load_state_dict(state)
        except Exception as error:  # as there: whatever a damaged description makes raise
            raise checkpoint.CheckpointError(f"{os.fspath(path)!r} cannot be loaded: {error}") from error
        return optimizer
