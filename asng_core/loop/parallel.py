"""Evaluation by a `concurrent.futures` executor, which may break, cancel, and hang.

When a worker dies its executor breaks, and all points in flight are lost with it. An executor that a
factory made is made anew, and they are submitted again. A point lost twice is suspected of killing its
workers, and evaluated with nothing beside it; lost a third time it is a failed evaluation.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor
from typing import Any

from ..ask_tell.candidate import Candidate
from .lane import Lane
from .pools import Pools
from .workers import Ended, Failed, Finished, Raised, Workers, caught

_SUSPECT = 2  # losses of a point after which it is evaluated alone
_FATAL = 3  # losses after which it has failed
_HOPELESS = 10  # executors broken before anything was evaluated


class Parallel(Workers):
    """Up to `capacity` points at once. `order` is what the objective gets, of a candidate, `wait` how to wait for an
    event: `Interrupts.call`."""

    def __init__(self, where: str, objective: Callable[[Any], Any], order: Callable[[Candidate], Any],
                 catch: tuple[type[Exception], ...], pools: Pools, wait: Callable[..., Any]) -> None:
        self._where, self._objective, self._order, self._catch = where, objective, order, catch
        self._pools, self._wait = pools, wait
        self.capacity = pools.n_workers
        self._waiting: deque[Candidate] = deque()
        self._lanes: list[Lane] = []
        self._lost: Counter[int | None] = Counter()  # by id: how often a point went down with its executor
        self._broken = 0
        self._proven = False  # whether anything was ever evaluated
        self._event = threading.Event()  # set by every future that ends, one that is cancelled included

    def submit(self, candidates: Iterable[Candidate]) -> None:
        self._waiting += candidates

    def __len__(self) -> int:
        return len(self._waiting) + self._n_flight

    @property
    def _n_flight(self) -> int:
        return sum(len(lane.flight) for lane in self._lanes)

    def finished(self, timeout: float | None) -> Finished:
        self._start()
        due = min((lane.due(time.monotonic()) for lane in self._lanes), default=math.inf)
        if self._lanes and not any(future.done() for lane in self._lanes for future in lane.flight):
            shortest = min(due, math.inf if timeout is None else timeout)
            self._wait(self._event.wait, None if shortest == math.inf else max(0.0, shortest))
        self._event.clear()
        found = self.ended()
        for lane in list(self._lanes):
            found += self._overdue(lane)
        return found

    def ended(self) -> Finished:
        found: Finished = []
        for lane in list(self._lanes):
            down: list[tuple[BaseException, Candidate]] = []
            for future in [future for future in lane.flight if future.done()]:
                flight = lane.flight.pop(future)
                candidate = flight.candidate
                error = None if future.cancelled() else future.exception()
                if future.cancelled():
                    found += self._lose(candidate, 1, "the executor cancelled it")
                elif isinstance(error, BrokenExecutor):
                    down.append((error, candidate))
                elif error is not None and _killed_its_workers(error):
                    found += self._lose(candidate, _SUSPECT, str(error))
                elif error is None:
                    self._proven = True
                    found.append(Ended([candidate], [future.result()], flight.seconds))
                elif isinstance(error, self._catch):
                    self._proven = True
                    found.append(Ended([candidate], caught(error), flight.seconds))
                else:
                    found.append(Ended([candidate], Raised(error)))
            if down:
                found += self._recovered(lane, down[0][0], [candidate for _, candidate in down])
        return found

    def _start(self) -> None:
        while self._waiting and self._n_flight < self.capacity - self._n_abandoned:
            alone = any(map(self._suspected, [self._waiting[0], *(flight.candidate for lane in self._lanes
                                                                  for flight in lane.flight.values())]))
            if self._n_flight and alone:
                return
            candidate = self._waiting.popleft()
            try:
                self._lane().submit(candidate, self._event.set)
            except BaseException:
                self._waiting.appendleft(candidate)
                raise
        if self._waiting and not self._n_flight:
            raise RuntimeError(f"{self._where} has no worker left: {self._n_abandoned} hang in evaluations that took "
                               "longer than evaluation_timeout=. Pass ProcessPoolExecutor itself, whose processes can "
                               "be ended.")

    def _lane(self) -> Lane:
        """One that takes another point."""
        for lane in self._lanes:
            if not lane.retired and len(lane.flight) + len(lane.hanging()) < self._pools.width:
                return lane
        lane = Lane(self._where, self._objective, self._order, self._pools)
        self._lanes.append(lane)
        return lane

    @property
    def _n_abandoned(self) -> int:
        """Workers that hang where no others can be had."""
        return sum(len(lane.hanging()) for lane in self._lanes if not lane.retired)

    def _suspected(self, candidate: Candidate) -> bool:
        return self._lost[candidate.id] >= _SUSPECT and self._pools.width > 1

    def _lose(self, candidate: Candidate, times: int, why: str) -> Finished:
        """Evaluate it again, unless it was lost too often."""
        self._lost[candidate.id] += times
        if self._lost[candidate.id] < _FATAL:
            self._waiting.appendleft(candidate)
            return []
        return [Ended([candidate], Failed(f"it was lost {_FATAL} times, at last alone: {why}"))]

    def _recovered(self, lane: Lane, error: BaseException, lost: list[Candidate]) -> Finished:
        """Make up for a broken executor; the points that have failed with it."""
        self._broken += 1
        lost += [flight.candidate for flight in lane.flight.values()]
        self._drop(lane)
        explained = None
        if not self._pools.owned:
            explained = RuntimeError(f"{self._where} broke, a worker having died, with {len(lost)} evaluations in "
                                     "flight. Pass a function that makes an executor, which is then made anew and what "
                                     "is lost evaluated again; with checkpoint= what was told is kept.")
        elif not self._proven and self._broken >= _HOPELESS:
            explained = RuntimeError(f"{self._where} broke {self._broken} times before anything was evaluated "
                                     f"({error}). Does the objective, called in a worker, work at all?")
        if explained is not None:
            explained.__cause__ = error
            return [Ended(lost, Raised(explained))]
        found: Finished = []
        for candidate in reversed(lost):
            found += self._lose(candidate, 1, f"its worker died ({error})")
        return found

    def _overdue(self, lane: Lane) -> Finished:
        """Give up the evaluations that take too long; those that must be given up with them begin again."""
        late = lane.overdue(time.monotonic())
        if not late:
            return []
        candidates = [lane.flight.pop(future).candidate for future in late]
        if lane.disposable:
            self._waiting.extendleft(flight.candidate for flight in reversed(lane.flight.values()))
            self._drop(lane)
        else:
            lane.abandon(late)
        why = f"it took longer than evaluation_timeout={self._pools.timeout:g} seconds."
        return [Ended([candidate], Failed(why)) for candidate in candidates]

    def _drop(self, lane: Lane) -> None:
        self._lanes.remove(lane)
        lane.close(now=True)

    def close(self) -> None:
        """Cancel what has not begun. What is under way goes on in an executor given, and in threads; processes
        of our own are terminated.
        """
        self._waiting.clear()
        self._pools.close()
        while self._lanes:
            lane = self._lanes.pop()
            lane.close(now=any(not future.done() for future in lane.flight) or bool(lane.hanging()))


def _killed_its_workers(error: BaseException) -> bool:
    """Whether Dask has given a task up after several workers died with it; Dask need not be here."""
    kind = type(error)
    return kind.__name__ == "KilledWorker" and kind.__module__.partition(".")[0] == "distributed"
