"""Evaluations that go on from where others stopped: what goes to the objective with the values, and comes back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import checkpoint, checks

_PATH = "__path__"  # {"__path__": text} stands for a path


class StateLost(Exception):
    """Raised by an objective that finds that the state which it was handed is not there, or is of no use.

    It is then called again without one, and the run is charged as one that begins.
    """


class Order(NamedTuple):
    """What is to be evaluated: values, up to which fidelity, from which packed state, None if the run begins."""

    values: dict[str, Any]
    fidelity: Any
    state: bytes | None


class Reached(NamedTuple):
    """What the objective said: a loss, or an Evaluation; the packed state from which the run can go on; and whether the
    one before was lost."""

    said: Any
    state: bytes | None
    lost: bool


class Continued:
    """Calls `objective(values, fidelity, state)`, in whatever process: states cross as bytes, never pickled."""

    def __init__(self, objective: Callable[[Any, Any, Any], Any]) -> None:
        self._objective = objective

    def __call__(self, order: Order) -> Reached:
        try:
            returned, lost = self._objective(order.values, order.fidelity, unpacked(order.state)), False
        except StateLost:
            if order.state is None:
                raise
            returned, lost = self._objective(order.values, order.fidelity, None), True
        if not isinstance(returned, (tuple, list)):
            return Reached(returned, None, lost)
        if len(returned) != 2:
            raise TypeError("an objective of fidelities must return a loss, or a loss and a state, got "
                            f"{checks.shown(returned)}.")
        return Reached(returned[0], packed(returned[1]), lost)


def packed(state: Any) -> bytes | None:
    """As bytes; None for None. Raises TypeError for what is no state."""
    if state is None:
        return None
    try:
        return checkpoint.packed({"state": _plain(state)})
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"a state must be made of dicts, lists, text, numbers, truth values, None, NumPy arrays and "
                        f"paths, got {checks.shown(state)} ({error}). Write what else there is to a file, and return "
                        "its pathlib.Path.") from None


def unpacked(content: bytes | None) -> Any:
    """The way back. Raises CheckpointError for damage."""
    if content is None:
        return None
    try:
        return _restored(checkpoint.unpacked(content)["state"])
    except (KeyError, TypeError) as error:
        raise checkpoint.CheckpointError("it holds no state of a run.") from error


def _plain(state: Any) -> Any:
    if isinstance(state, os.PathLike):
        return {_PATH: os.fspath(state)}
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [_plain(value) for value in state]
    if isinstance(state, np.generic):
        return state.item()
    if isinstance(state, np.ndarray) and state.dtype.newbyteorder("<").str not in checkpoint.TYPES:
        raise TypeError(f"an array of {state.dtype}; use one of {', '.join(checkpoint.TYPES)}")
    return state


def _restored(state: Any) -> Any:
    if isinstance(state, dict):
        return Path(state[_PATH]) if set(state) == {_PATH} else {key: _restored(each) for key, each in state.items()}
    return list(map(_restored, state)) if isinstance(state, list) else state
