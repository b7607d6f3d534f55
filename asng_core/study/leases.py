"""Leases renewed in the background, as long as this process lives."""

from __future__ import annotations

import logging
import threading
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from .tables import Database

_LOG = logging.getLogger("asng_core")
_SHARE = 3.0  # times that a lease is renewed while it lasts


class Held(NamedTuple):
    """By one worker in one study: `begun`, by the id of each candidate the time since when it is evaluated."""

    database: Database
    study: str
    worker: str
    seconds: float
    begun: dict[int, float]


class Renewal:
    """A thread that begins with the first lease. `stop` ends it, and so does the end of the process."""

    def __init__(self, held: Held) -> None:
        self._held, self._ended, self._renewing = held, threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="asng leases", daemon=True)
            self._thread.start()

    def free(self, number: int) -> None:
        """End the lease of a candidate; not while it is being renewed, which would have the last word."""
        held = self._held
        with self._renewing:
            held.begun.pop(number, None)
            held.database.renew(held.study, held.worker, [number], -1.0)

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        held = self._held
        while not self._ended.wait(held.seconds / _SHARE):
            try:
                with self._renewing:
                    if ids := list(held.begun):
                        held.database.renew(held.study, held.worker, ids, held.seconds)
            except SQLAlchemyError as error:  # the database may come back before the leases end
                _LOG.warning("leases of the study %r could not be renewed: %s", held.study, error)
