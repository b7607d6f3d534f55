"""The state of an optimizer: out as plain scalars, lists and arrays, in after validation, and to a file."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np

from .. import checkpoint, checks
from ..arrays import Codes
from ..distribution.search_distribution import SearchDistribution
from ..space.space import Space
from . import rules
from .late import MAX_AGE, Past
from .results import Drawn, Told

_VERSION = 2
_Self = TypeVar("_Self", bound="Saved")


class Saved(ABC):
    """What an optimizer's state consists of. A subclass must be one that `cls(space)` makes."""

    _format: ClassVar[str]  # tells files of one class from those of another
    space: Space
    population_size: int
    n_asked: int
    n_told: int
    n_failed: int
    generation: int
    _distribution: SearchDistribution
    _rng: np.random.Generator
    _past: Past
    _open: dict[int, Drawn]  # asked and not told
    _waiting: list[Told]  # told and not used
    _rejected: list[Drawn]  # broke a constraint, not used
    _best: tuple[Codes, float, int | None] | None

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """The keyword arguments with which a like optimizer is made."""

    def _extras(self) -> dict[str, Any]:
        """What else the state holds."""
        return {}

    def _load_extras(self, state: Mapping[str, Any]) -> None:  # noqa: B027
        """Take what `_extras` gave, on an optimizer just made. Raises ValueError for anything else."""

    def state_dict(self) -> dict[str, Any]:
        """The whole state, open candidates included, as plain scalars, lists, dicts and arrays."""
        best, waiting = self._best, self._waiting
        return {
            "format": self._format, "version": _VERSION, "space": self.space.describe(), "settings": self._settings(),
            **self._distribution.state(),
            "rng": self._rng.bit_generator.state,
            "past": self._past.state(len(self._distribution.theta)),
            "open": {"ids": list(self._open), **self._drawn_state(list(self._open.values()))},
            "waiting": {"ids": [each.id for each in waiting], "losses": [each.loss for each in waiting],
                        "violations": [each.violation for each in waiting],
                        **self._drawn_state([each.drawn for each in waiting])},
            "rejected": self._drawn_state(self._rejected),
            "best": None if best is None else {"codes": best[0].copy(), "loss": best[1], "id": best[2]},
            "n_asked": self.n_asked, "n_told": self.n_told, "n_failed": self.n_failed, "generation": self.generation,
            **self._extras(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue bit for bit where `state_dict()` was taken, settings included.

        Raises ValueError, with nothing changed, for a state of another space or of anything else.
        """
        name = type(self).__name__
        try:
            if state["version"] != _VERSION:
                raise ValueError(f"its version is {state['version']!r}, but this release reads {_VERSION}.")
            if json.dumps(state["space"]) != json.dumps(self.space.describe()):
                raise ValueError(f"it must be of this optimizer's space {checks.shown(self.space)}, "
                                 f"but is of {checks.shown(state['space'])}.")
            new = type(self)(self.space, **state["settings"])  # type: ignore[call-arg]
            new._load(state)
            new._load_extras(state)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"state must be what {name}.state_dict() returned for the same space: {error}") from error
        vars(self).update(vars(new))

    def _load(self, state: Mapping[str, Any]) -> None:
        self._distribution.load(state)
        self._rng.bit_generator.state = state["rng"]
        self.n_asked, self.n_told, self.n_failed, self.generation = (
            checks.integer(key, state[key], minimum=0) for key in ("n_asked", "n_told", "n_failed", "generation"))
        waiting, best = state["waiting"], state["best"]
        self._past.load(state["past"], self._distribution.theta)
        ids = [checks.integer("an open id", number, minimum=0) for number in state["open"]["ids"]]
        self._open = dict(zip(ids, self._load_drawn(state["open"], len(ids)), strict=True))
        losses = [tuple(map(rules.loss, loss)) if isinstance(loss, (list, tuple)) else rules.loss(loss)
                  for loss in waiting["losses"]]
        drawn = self._load_drawn(waiting, len(losses))
        codes = self._distribution.codes(np.array([each.draw for each in drawn]).reshape(-1, len(self.space)))
        excess = rules.violations(waiting["violations"], len(losses)).tolist()
        numbers = [checks.integer("a waiting id", number, minimum=0) for number in waiting["ids"]]
        self._waiting = [Told(*each) for each in zip(drawn, numbers, codes, losses, excess, strict=True)]
        self._rejected = self._load_drawn(state["rejected"], len(state["rejected"]["draws"]))
        if best is not None:
            number = None if best["id"] is None else checks.integer("best id", best["id"], minimum=0)
            self._best = self.space.checked(best["codes"]), rules.loss(best["loss"]), number

    def _drawn_state(self, drawn: list[Drawn]) -> dict[str, Any]:
        n, d = len(drawn), len(self.space)
        pinned = [[] if each.pinned is None else np.flatnonzero(each.pinned).tolist() for each in drawn]
        return {"draws": np.array([each.draw for each in drawn], dtype=np.float64).reshape(n, d),
                "generations": [each.generation for each in drawn], "pinned": pinned}

    def _load_drawn(self, state: Mapping[str, Any], n: int) -> list[Drawn]:
        d = len(self.space)
        draws = checks.state_array(state["draws"], (n, d))
        generations = [checks.integer("a generation", each, minimum=0)
                       for each in state.get("generations", [self.generation] * n)]
        if self.generation in generations:
            self._past.remember(self.generation, self._distribution.theta)
        if any(each not in self._past and each >= self.generation - MAX_AGE for each in generations):
            raise ValueError("the distribution of a draw is missing.")
        pinned = [[checks.integer("a pinned column", column, minimum=0) for column in each]
                  for each in state.get("pinned", [[]] * n)]
        if any(column >= d for each in pinned for column in each):
            raise ValueError(f"pinned columns must be below {d}.")
        masks = [np.isin(np.arange(d), each) if each else None for each in pinned]
        return [Drawn(*each) for each in zip(draws, generations, masks, strict=True)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to one file, atomically."""
        checkpoint.write(path, self.state_dict())

    @classmethod
    def load(cls: type[_Self], path: str | os.PathLike[str], space: Space | None = None) -> _Self:
        """The optimizer that `save` wrote; it continues bit for bit.

        `space` is needed if it has constraints, or values that JSON cannot hold (anything but text,
        numbers, truth values and None). Raises FileNotFoundError, or ValueError for a damaged or foreign file.
        """
        state = checkpoint.read(path, cls._format)
        if space is None:
            try:
                space = Space.from_description(state["space"])
            except (KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"{os.fspath(path)!r} does not describe a space ({error!r}). Pass space=.") from error
        optimizer = cls(space)  # type: ignore[call-arg]  # subclasses have defaults for the rest
        optimizer.load_state_dict(state)
        return optimizer
