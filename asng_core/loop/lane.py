"""One executor and what it evaluates: it breaks, and is closed, as one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..ask_tell.candidate import Candidate
from . import rules, worker
from .pools import Pools, processes

_LOOK = 0.1  # seconds after which it is looked again at what nobody tells of: that an evaluation has begun
_GRACE = 1.0  # seconds that a terminated process is given


@dataclass
class Flight:
    """An evaluation under way: when it was handed out, when it began as far as is known, and when it ended."""

    candidate: Candidate
    submitted: float
    begun: float | None = None
    ended: float | None = None

    @property
    def seconds(self) -> float | None:
        return None if self.ended is None else self.ended - self.submitted


class Lane:
    """order: what the objective gets, of a candidate. flight: what was submitted and not looked at. abandoned: futures
    that took too long, and may end or not.
    retired: it takes no more points.
    """

    def __init__(self, where: str, objective: Callable[[Any], Any], order: Callable[[Candidate], Any],
                 pools: Pools) -> None:
        self._where, self._objective, self._order, self._pools = where, objective, order, pools
        self._executor: Executor = pools.make()
        self._fresh = True
        # a process pool that breaks while it starts another process says what that meets, such as a closed pipe
        pool = isinstance(self._executor, processes())
        self._breaks: tuple[type[Exception], ...] = (BrokenExecutor, OSError) if pool else (BrokenExecutor,)
        self.flight: dict[Future[Any], Flight] = {}
        self.abandoned: list[Future[Any]] = []
        self.retired = False
        ours = pools.owned and pool
        self.disposable = ours  # its processes may be ended
        self._watched = ours and not pools.watched
        self._ready: Future[Any] | None = None
        if ours and pools.timeout is not None:
            self._ready = self._accepted(worker.ready, objective)  # starting a process is not evaluating
            self._fresh = False

    def submit(self, candidate: Candidate, ended: Callable[[], object]) -> None:
        """Evaluate this, and call `ended` when it has. Raises RuntimeError or TypeError for what is no executor."""
        order, submitted = self._order(candidate), time.monotonic()
        if self._watched:
            future = self._accepted(worker.watched, self._objective, order)
        else:
            future = self._accepted(self._objective, order)
        self._fresh = False
        self.flight[future] = flight = Flight(candidate, submitted)

        def end(_: object) -> None:
            flight.ended = time.monotonic()
            ended()

        future.add_done_callback(end)

    def _accepted(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        try:
            future = self._executor.submit(function, *args)
        except Exception as error:
            if isinstance(error, self._breaks) and not self._fresh:
                broken: Future[Any] = Future()
                broken.set_exception(BrokenExecutor(str(error)))
                return broken
            raise RuntimeError(f"{self._where} must take work, but it does not ({error}). Pass one that has neither "
                               "been shut down nor broken, or a function that makes a new one each time.") from error
        return rules.future(self._where, self._executor, future)

    # evaluations that take too long

    def due(self, now: float) -> float:
        """In how many seconds one may be overdue, or must be looked at."""
        if self._pools.timeout is None:
            return math.inf
        self._look(now)
        return min((_LOOK if flight.begun is None else flight.begun + self._pools.timeout - now
                    for flight in self.flight.values()), default=math.inf)

    def overdue(self, now: float) -> list[Future[Any]]:
        if self._pools.timeout is None:
            return []
        self._look(now)
        return [future for future, flight in self.flight.items()
                if flight.begun is not None and now - flight.begun > self._pools.timeout and not future.done()]

    def _look(self, now: float) -> None:
        """Which have begun: in a pool of threads it is told, in a process once that is up; of others nothing is."""
        threads = isinstance(self._executor, ThreadPoolExecutor)
        for future, flight in self.flight.items():
            if flight.begun is None and (future.running() if threads else self._ready is None or self._ready.done()):
                flight.begun = now

    def abandon(self, futures: Iterable[Future[Any]]) -> None:
        """Await these no more. Of threads of ours others take the place; what is under way in the old ones goes on."""
        for future in futures:
            future.cancel()
            self.abandoned.append(future)
        if self._pools.owned and isinstance(self._executor, ThreadPoolExecutor):
            self.retired = True
            self._executor.shutdown(wait=False)

    def hanging(self) -> list[Future[Any]]:
        """Those abandoned that have not ended yet."""
        self.abandoned = [future for future in self.abandoned if not future.done()]
        return self.abandoned

    def close(self, *, now: bool) -> None:
        """Cancel what has not begun; close an executor of ours, and `now` end its processes."""
        for future in self.flight:
            future.cancel()
        self.flight.clear()
        if not self._pools.owned:
            return
        # there is no public way to this before Python 3.14
        processes = list((getattr(self._executor, "_processes", None) or {}).values()) if now else []
        self._executor.shutdown(wait=not now)
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + _GRACE
        for process in processes:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.exitcode is None:  # it does not listen
                process.kill()
                process.join(_GRACE)
