"""Who evaluates: this process, or an executor in `parallel`.

Workers take candidates (`submit`) and give back what became of them (`finished`): each time the
candidates and their outcomes, which are what the objective returned, or FAILED. An error that is not to
be caught is raised once everything else that was there has been given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..ask_tell.candidate import Candidate

FAILED = object()  # compared by `is`: an objective can return anything else, None and NaN included
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


class InProcess(Workers):
    """This process, `capacity` candidates at a time, by one call of `evaluate`, which returns their outcomes."""

    def __init__(self, evaluate: Callable[[list[Candidate]], Any], catch: tuple[type[Exception], ...],
                 capacity: int) -> None:
        self._evaluate, self._catch, self.capacity = evaluate, catch, capacity
        self._waiting: list[Candidate] = []

    def submit(self, candidates: Iterable[Candidate]) -> None:
        self._waiting += candidates

    def __len__(self) -> int:
        return len(self._waiting)

    def finished(self, timeout: float | None) -> Finished:
        """Evaluate the next ones here and now; `timeout` cannot cut a call in this process short."""
        candidates, self._waiting = self._waiting[: self.capacity], self._waiting[self.capacity :]
        try:
            outcomes = self._evaluate(candidates)
        except self._catch:  # one call, so that all of its candidates have failed
            outcomes = FAILED
        yield candidates, outcomes


def one_by_one(objective: Callable[[Any], Any]) -> Callable[[list[Candidate]], Any]:
    """Evaluates candidates by an objective that takes the values of one."""
    return lambda candidates: [objective(dict(candidate)) for candidate in candidates]  # a dict each, theirs to change
