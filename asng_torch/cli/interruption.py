"""Ctrl-C and SIGTERM, which batch systems send before they kill."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType
from typing import NoReturn


@contextmanager
def interruption() -> Iterator[Event]:
    """Let either signal set an event, so that a loop can end between two steps; a second one stops at once."""
    event = Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        event.set()
        restore()  # a second signal is for whoever was there before: it stops at once

    for number in before:
        signal.signal(number, stop)
    try:
        yield event
    finally:
        restore()


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt, as Ctrl-C does."""
    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
