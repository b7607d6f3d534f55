"""Rules on what a staged search is given, and on what its trainings tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from itertools import pairwise
from pathlib import Path
from typing import Any

from asng_core import checks

from ..supernet.architecture import Architecture
from .jobs import InThisThread


def function(where: str, value: object) -> None:
    """Anything that can be called."""
    if not callable(value):
        raise TypeError(f"{where} must be a function, got {checks.shown(value)}.")


def epochs(value: object) -> list[int]:
    """Rising whole numbers."""
    if not isinstance(value, Iterable):
        raise TypeError("Staged(epochs=...) must be a list, of short trainings and, last, of a full one, "
                        f"got {checks.shown(value)}. Of full ones alone, epochs=[{checks.shown(value)}].")
    found = [checks.integer("Staged(epochs=...)", each, minimum=1) for each in value]
    if not found or any(a >= b for a, b in pairwise(found)):
        raise ValueError(f"Staged(epochs=...) must rise, short trainings first, got {checks.shown(value)}.")
    return found


def trainings(value: object, n_limits: int) -> float:
    """A budget that is enough for each limit."""
    number = checks.real("Staged(trainings=...)", value, above=0)
    if number < n_limits:
        raise ValueError(f"Staged(trainings=...) must allow one for each limit, {n_limits}, got {number:g}.")
    return number


def executor(value: Any, n_workers: int) -> Executor:
    """One that is open, or that of this thread."""
    if value is None:
        if n_workers > 1:
            raise ValueError(f"Staged(n_workers={n_workers}) must come with an executor, got none. Pass "
                             f"executor=ProcessPoolExecutor({n_workers}), or leave n_workers out.")
        return InThisThread()
    if isinstance(value, type) or not callable(getattr(value, "submit", None)):
        raise TypeError("Staged(executor=...) must be an executor that is open, such as "
                        f"ProcessPoolExecutor({n_workers}), got {checks.shown(value)}.")
    made: Executor = value
    return made


def loss(value: Any, architecture: Architecture) -> float:
    """What a training has told."""
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"Staged(train) must return a loss, a number, got {checks.shown(value)} of "
                        f"{dict(architecture)}. Of a tensor return its item().") from error


def new(state: Path) -> None:
    """A file that is not there yet, in a folder that can be."""
    if state.exists():
        raise ValueError(f"Staged(folder) must be new, but {str(state.parent)!r} holds the state of another one. Go on "
                         "with it by resume=True, or name another.")
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"Staged(folder) must be a folder, or be free to be one: {error}. Name another.") from error


def same(here: Mapping[str, object], state: Mapping[str, object]) -> None:
    """Settings with which a state can be gone on with."""
    if differing := [f"{name} is {value!r} here, {state[name]!r} in the state" for name, value in here.items()
                     if value != state[name]]:
        raise ValueError("; ".join(differing) + ".")
