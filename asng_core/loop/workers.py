"""Who evaluates: this process, or an executor in `parallel`.

Workers take candidates (`submit`) and give back what became of them (`finished`): each time the candidates and
their outcomes, which are what the objective returned, `Failed`, or `Raised`. They raise nothing of the objective's
themselves, so that one evaluation's end costs no other's result.
"""

from __future__ import annotations

import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..ask_tell.candidate import Candidate

_LONGEST = 4000  # characters of a traceback that are kept
_PACKAGE = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class Failed:
    """An evaluation that failed, and why."""

    why: str


@dataclass(frozen=True)
class Raised:
    """An error that ends the run; the candidates with it stay open."""

    error: BaseException


class Ended(NamedTuple):
    """outcomes: as many as there are candidates, or one Failed or Raised for all. seconds: from when they were handed
    out to their end, if that is known."""

    candidates: list[Candidate]
    outcomes: Any
    seconds: float | None = None


Finished = list[Ended]


def caught(error: BaseException) -> Failed:
    """The failure that an exception stands for: its type, message and traceback, that of another process too."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        trace = trace.tb_next  # how we came to the objective is of no interest
    text = "".join(traceback.format_exception(type(error), error, trace)).rstrip()
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 4]}\n  ...\n{text[-_LONGEST * 3 // 4 :]}"
    return Failed(text)


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

    def ended(self) -> Finished:
        """What is there already when the run ends."""
        return []

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
        candidates, self._waiting = self._waiting[: self.capacity], self._waiting[self.capacity :]
        begun = time.monotonic()
        try:
            outcomes = self._evaluate(candidates)
        except self._catch as error:
            outcomes = caught(error)
        except BaseException as error:
            outcomes = Raised(error)
        return [Ended(candidates, outcomes, time.monotonic() - begun)]


def one_by_one(objective: Callable[[Any], Any], order: Callable[[Candidate], Any]) -> Callable[[list[Candidate]], Any]:
    """Evaluates candidates by an objective that takes what is made of one."""
    return lambda candidates: [objective(order(candidate)) for candidate in candidates]
