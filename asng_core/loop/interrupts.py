"""Ctrl-C and SIGTERM, heard while the user's code runs and held back everywhere else.

An optimizer that is stopped half way through an update is torn, and a loss that is dropped between the objective's
`return` and ours was paid for. So both wait: for the next call of the user's code, or the next look at them.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

_PATIENCE = 3  # presses while held back, after which it is raised there and then


_USUAL: tuple[tuple[int, Any], ...] = ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL))


class Terminated(KeyboardInterrupt):
    """SIGTERM: ends a run as Ctrl-C does."""


def words(kind: type[KeyboardInterrupt]) -> str:
    """Why the run has ended."""
    return "terminated by SIGTERM" if issubclass(kind, Terminated) else "interrupted by the user"


class Interrupts:
    """While entered, KeyboardInterrupt comes in `call` and `check` only, and Terminated likewise for SIGTERM.

    Signals are taken over where Python's own handling of them stands, in the main thread. `outer`: whether they are
    another run's, whose objective calls this one. `waiting`: what has come and was not raised.
    """

    def __init__(self) -> None:
        self.outer = False
        self._open = False
        self.waiting: type[KeyboardInterrupt] | None = None
        self._pressed = 0
        self._patience: float = _PATIENCE
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is not threading.main_thread():
            return self
        self.outer = _ours(signal.SIGINT)
        for number, usual in _USUAL:
            if signal.getsignal(number) == usual:
                self._previous[number] = usual
                signal.signal(number, self._come)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        for number, usual in reversed(self._previous.items()):  # Ctrl-C last, which would cut this short
            signal.signal(number, usual)

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """What a function of the user's returns. Ctrl-C is raised within it, and not once it has returned."""
        self._open = True
        try:
            return function(*args)
        finally:
            self._open = False

    def check(self) -> None:
        """Raise what has come and waits."""
        if self.waiting is not None:  # only then forget it: one that comes in between would be forgotten unheard
            waiting, self.waiting, self._pressed = self.waiting, None, 0
            raise waiting

    def finish(self) -> None:
        """From now on nothing is raised but by `check`."""
        self._patience = float("inf")

    def _come(self, number: int, frame: FrameType | None) -> None:
        kind = Terminated if number == signal.SIGTERM else KeyboardInterrupt
        # in the frame of `call` itself the function has not begun, or it has returned: then its value would be lost
        inside = self._open and (frame is None or frame.f_code is not Interrupts.call.__code__)
        self._pressed += 1
        if self._patience < float("inf") and (inside or self._pressed >= self._patience):
            self.waiting, self._pressed = None, 0
            raise kind
        self.waiting = kind


def _ours(number: int) -> bool:
    return isinstance(getattr(signal.getsignal(number), "__self__", None), Interrupts)


def _give_back() -> None:
    """In a child that was forked within a run: a worker ends at once by SIGTERM, in the midst of a computation too."""
    for number, usual in _USUAL:
        if _ours(number):
            signal.signal(number, usual)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_give_back)
