"""Evaluation by a `concurrent.futures` executor, which may break.

When a worker dies its executor breaks, and all points in flight are lost with it. An executor that a
factory made is made anew, and they are submitted again. A point lost twice is suspected of killing its
workers, and evaluated with nothing beside it; lost a third time it is a failed evaluation.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from typing import Any

from ..ask_tell.candidate import Candidate
from ..space.space import Space
from . import rules
from .workers import FAILED, Finished, Workers

# How often a point may be lost with its executor. Once says little: a broken pool loses all in flight, whichever killed
# it. After the second time the point runs alone, so that a third one is its own doing.
_SUSPECT = 2
_FATAL = 3
_HOPELESS = 10  # executors broken, and nothing ever evaluated: then the fault is not with single points


class Parallel(Workers):
    """Up to `capacity` points at once, by an executor; one that a factory makes is closed in the end."""

    def __init__(self, where: str, objective: Callable[[Any], Any], catch: tuple[type[Exception], ...],
                 executor: Any, n_workers: int, space: Space) -> None:
        self._where, self._objective, self._catch, self._space = where, objective, catch, space
        self.capacity = n_workers
        self._owned = not rules.is_executor(executor)
        self._make: Callable[[], Any] = executor if self._owned else lambda: executor
        self._executor: Executor | None = None  # made when it is needed, also anew
        if not self._owned:  # checked before anything is evaluated
            self._ready()
        self._waiting: deque[Candidate] = deque()
        self._flight: dict[Future[Any], Candidate] = {}
        self._lost: Counter[int | None] = Counter()  # by id: how often a point went down with its executor
        self._broken = 0  # executors so far
        self._proven = False  # whether anything was ever evaluated

    def submit(self, candidates: Iterable[Candidate]) -> None:
        self._waiting += candidates

    def __len__(self) -> int:
        return len(self._waiting) + len(self._flight)

    def finished(self, timeout: float | None) -> Finished:
        self._start()
        wait(self._flight, timeout, FIRST_COMPLETED)
        done = [future for future in self._flight if future.done()]
        # all that is done is given before an error is raised: a result that was paid for must not be lost
        wrong = []
        down: BrokenExecutor | None = None
        for future in done:
            cancelled = RuntimeError("the executor cancelled an evaluation.")
            error = cancelled if future.cancelled() else future.exception()
            if isinstance(error, BrokenExecutor):  # its candidate stays in flight, for `_recovered`
                down = error
                continue
            candidate = self._flight.pop(future)
            if error is None or isinstance(error, self._catch):
                self._proven = True
                yield [candidate], FAILED if error is not None else [future.result()]
            else:
                wrong.append(error)
        if wrong:
            raise wrong[0]
        if down is not None:
            for candidate in self._recovered(down):
                yield [candidate], FAILED

    def _start(self) -> None:
        """Put what waits in flight, as far as there is room; a suspected point with nothing beside it."""
        while self._waiting and len(self._flight) < self.capacity:
            alone = any(map(self._suspected, [self._waiting[0], *self._flight.values()]))
            if self._flight and alone:
                return
            candidate = self._waiting.popleft()
            try:
                future = self._ready().submit(self._objective, dict(candidate))
            except BrokenExecutor as error:  # as if it had broken a moment later: one way to recover is enough
                future = Future()
                future.set_exception(error)
            self._flight[future] = candidate

    def _ready(self) -> Executor:
        """The executor, made and checked if there is none."""
        if self._executor is None:
            self._executor = rules.made(self._where, self._make())
            if isinstance(self._executor, ProcessPoolExecutor):  # threads pickle nothing, others by means of their own
                rules.picklable(self._objective, self._space)
            rules.accepting(self._where, self._executor)
        return self._executor

    def _suspected(self, candidate: Candidate) -> bool:
        return self._lost[candidate.id] >= _SUSPECT

    def _recovered(self, error: BrokenExecutor) -> list[Candidate]:
        """Make up for a broken executor; the points that have failed with it."""
        self._broken += 1
        if not self._owned:
            raise RuntimeError(f"{self._where} broke, a worker having died, with {len(self._flight)} evaluations in "
                               "flight. Pass a function that makes an executor, which is then made anew and what is "
                               "lost evaluated again; with checkpoint= what was told is kept.") from error
        if not self._proven and self._broken >= _HOPELESS:
            raise RuntimeError(f"{self._where} broke {self._broken} times before anything was evaluated ({error}). "
                               "Does the objective, called in a worker, work at all?") from error
        lost = list(self._flight.values())  # all of them, whichever has killed it
        self._drop()
        if self._executor is not None:
            self._executor.shutdown(wait=False)
        self._executor = None  # `_ready` makes another
        self._lost.update(candidate.id for candidate in lost)
        # to the front, in the order they had
        self._waiting.extendleft(reversed([each for each in lost if self._lost[each.id] < _FATAL]))
        return [each for each in lost if self._lost[each.id] >= _FATAL]

    def _drop(self) -> None:
        """Forget what is in flight; cancelling stops only what has not begun."""
        for future in self._flight:
            future.cancel()
        self._flight.clear()

    def close(self) -> None:
        """Cancel what has not begun. What is under way goes on in an executor given, and in threads; processes
        of our own are terminated.
        """
        busy = any(not future.done() for future in self._flight)  # before `_drop`, which forgets them
        self._waiting.clear()
        self._drop()
        if not self._owned or self._executor is None:
            return
        # a private attribute: before Python 3.14 there is no public way to the processes, or to terminate them; read
        # before the shutdown, which clears it
        processes = list((getattr(self._executor, "_processes", None) or {}).values()) if busy else []
        self._executor.shutdown(wait=not busy)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(1.0)  # so that none is a zombie; one that ignores the signal shall not hold up the run's end
        self._executor = None
