"""What the screening needs of a model of the results: a new kind of model is a file with these two classes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import copy
from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from ..distribution.geometry import Geometry


def copies(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays and containers copied, whatever else is an attribute as it is."""
    return {name: copy(value) if isinstance(value, (np.ndarray, list, dict, set)) else value
            for name, value in attributes.items()}


class _Undoable:
    """Changes that can be undone; one that changes nested objects in place must say how itself."""

    def mark(self) -> Any:
        """What `back` needs to undo what will change."""
        return copies(vars(self))

    def back(self, mark: Any) -> None:
        """Be as at `mark()`. It may be called again with the same mark."""
        vars(self).update(copies(mark))


class Surrogate(_Undoable, ABC):
    """A model of results at points, which are given by `(n_features,)` features and known by their ids."""

    @property
    @abstractmethod
    def told(self) -> Ints:
        """Ids of the points with results, in order."""

    @property
    def pending(self) -> Ints:
        """Ids of the points without, as far as it keeps such."""
        return np.empty(0, dtype=np.int64)

    @property
    def capacity(self) -> float:
        """The number of points that it can hold."""
        return math.inf

    @property
    def full(self) -> bool:
        """Whether it must drop points to take one in."""
        return False

    @abstractmethod
    def add(self, number: int, features: Floats) -> None:
        """Take in a point that is going to be evaluated, its result pending."""

    @abstractmethod
    def observe(self, number: int) -> bool:
        """The result of this id is known from now on. False if the model does not hold its point."""

    @abstractmethod
    def fit(self, targets: Floats) -> None:
        """Learn the `(n,)` targets of `told`, lower being better."""

    @abstractmethod
    def best(self) -> Ints:
        """Ids of the points with results, from the one believed to be best on."""

    @abstractmethod
    def scaled(self, features: Floats) -> Floats:
        """`(n, n_features)` features, those that matter made larger."""

    @abstractmethod
    def beliefs(self) -> Beliefs:
        """About candidates, of which there are none yet."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All of it: a resumed run continues to the bit."""

    @abstractmethod
    def load(self, state: Mapping[str, Any]) -> None:
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""


class Beliefs(_Undoable, ABC):
    """What a surrogate believes of candidates, whatever it has learned since they came."""

    @abstractmethod
    def extend(self, features: Floats) -> None:
        """More candidates, `(m, n_features)`."""

    @abstractmethod
    def keep(self, rows: Ints) -> None:
        """Only these of the candidates, in this order."""

    @abstractmethod
    def bounds(self, confidence: float) -> Floats:
        """`(m,)` lower confidence bounds: means less `confidence` standard deviations."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that the candidates' features do not say."""

    @abstractmethod
    def load(self, state: Mapping[str, Any], features: Floats) -> None:
        """Take what `state()` gave, for candidates of these features. Raises ValueError, TypeError or KeyError."""


class Model(ABC):
    """A kind of surrogate, as a mechanism of a policy."""

    @abstractmethod
    def surrogate(self, geometry: Geometry, *, noisy: bool) -> Surrogate:
        """One for points of this geometry."""
