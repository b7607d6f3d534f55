"""Who evaluates: this process, a point at a time here and a population in `vectorized`, or an executor in `pool`.

Workers take candidates (`submit`) and give back what became of them (`finished`): each time the
candidates and their outcomes, which are what the objective returned, or FAILED. An error that is not to
be caught is raised once everything else that was there has been given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..ask_tell.candidate import Candidate

FAILED = object()
Finished = Iterator[tuple[list[Candidate], Any]]  # as many outcomes, or FAILED for all


class Workers(ABC):
    """Something that evaluates candidates, `capacity` of them at a time."""

    capacity: int

    @abstractmethod
    def submit(self, candidates: Iterable[Candidate]) -> None:
        """Evaluate these too."""

    @abstractmethod
    def __len__(self) -> int:
        """The number of candidates submitted and not finished."""

    @abstractmethod
    def finished(self, timeout: float | None) -> Finished:
        """What has become of some of the candidates; after `timeout` seconds possibly of none."""

    def close(self) -> None:  # noqa: B027
        """Give up what is not finished."""


class Serial(Workers):
    """One point at a time, in this process."""

    capacity = 1

    def __init__(self, objective: Callable[[Any], Any], catch: tuple[type[Exception], ...]) -> None:
        self._objective, self._catch = objective, catch
        self._waiting: list[Candidate] = []

    def submit(self, candidates: Iterable[Candidate]) -> None:
        self._waiting += candidates

    def __len__(self) -> int:
        return len(self._waiting)

    def finished(self, timeout: float | None) -> Finished:
        candidate = self._waiting.pop(0)
        try:
            outcomes = [self._objective(dict(candidate))]
        except self._catch:
            outcomes = [FAILED]
        yield [candidate], outcomes
