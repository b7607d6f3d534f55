"""Ctrl-C and other signals, held back during a step, which changes weights in place and cannot be undone."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, TypeVar

import torch

from . import distributed

_T = TypeVar("_T")
_PATIENCE = 3  # presses while held back, after which it is heard there and then


class Held:
    """Within the `with`, SIGINT and SIGTERM wait for `heard`, where a handler of Python's or the user's hears them.

    In the main thread, the only one that signals reach. A signal that ends the process at once still does.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._came: dict[int, FrameType | None] = {}
        self._pressed = 0

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self._handlers = {}
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                handler = signal.getsignal(number)
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._come)
        except BaseException:  # of a signal that came before the last line
            self._restore()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._handlers.items():  # Ctrl-C last, which would cut this short
            signal.signal(number, handler)

    def heard(self) -> BaseException | None:
        """Let the handlers hear what has come; what one of them raised."""
        came, self._came, self._pressed = self._came, {}, 0
        try:
            for number, frame in came.items():
                self._handlers[number](number, frame)
        except BaseException as error:
            return error
        return None

    def _come(self, number: int, frame: FrameType | None) -> None:
        self._pressed += 1
        self._came[number] = frame
        if self._pressed >= _PATIENCE and (error := self.heard()) is not None:
            raise error


@contextmanager
def held_back() -> Iterator[None]:
    """Hold signals back within the `with`; what they raise comes at its end."""
    held = Held()
    with held:
        yield
    if (raised := held.heard()) is not None:
        raise raised


def whole_steps(step: Callable[[], _T | None], device: torch.device, timeout: float) -> Iterator[_T]:
    """What `step` returns until it returns None. What a signal raises within a step comes before the next one.

    By then the user's loop has seen the step. Of several processes all stop, before the same step, so there signals
    wait in the user's loop too.
    """
    held = Held()
    if distributed.world_size() > 1:
        with held:
            while True:
                raised = held.heard()
                if distributed.anywhere(raised is not None, "between two steps", device, timeout):
                    raise raised or KeyboardInterrupt("another process was interrupted")
                if (result := step()) is None:
                    return
                yield result
    while True:
        with held:
            result = step()
        raised = held.heard()
        if result is not None:
            yield result
        if raised is not None:
            raise raised
        if result is None:
            return
