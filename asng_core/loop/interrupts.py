"""Ctrl-C held back while an optimizer works, so that it never stops half way through an update."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

_PATIENCE = 3  # the third press while held back is raised there and then: who insists may leave a state half changed


class Interrupts:
    """Raises KeyboardInterrupt as Python does, but while `held` only at its end.

    Where Python's own handler is not in place, or outside the main thread, nothing is changed. `torn`:
    whether the user pressed on until something held was cut short, whose state is then not to be trusted.
    """

    def __init__(self) -> None:
        self.torn = False
        self._held = False
        self._pressed = 0
        self._previous: Any = None

    def __enter__(self) -> Interrupts:
        ours = threading.current_thread() is threading.main_thread()  # signal.signal raises in any other
        # a handler that the user or a framework has set is theirs to keep
        if ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._previous = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._pressed += 1
        if self._held and self._pressed < _PATIENCE:
            return  # `held` raises it at its end
        self.torn |= self._held
        raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within, Ctrl-C waits."""
        self._held, self._pressed = True, 0
        try:
            yield
        finally:
            self._held = False
        # not reached if the block raised: its own exception says more
        if self._pressed:
            raise KeyboardInterrupt
