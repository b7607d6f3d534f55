"""How executors are made for a run, how many evaluations each takes, and how many there are in all."""

from __future__ import annotations

import concurrent.futures
import functools
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ..space.space import Space
from . import rules, worker

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor


class Pools:
    """Of the argument `executor`: one that is given, or made as often as it is needed.

    n_workers: evaluations in flight; if None was given, as many as the executor has workers.
    width: those of them in one executor. With an `evaluation_timeout` a process pool of ours is several, of one
        process each, so that one can be ended without the others.
    call: how a factory, which may take long, is called: `Interrupts.call`.
    owned: whether executors are made, and closed, here. watched: whether their processes watch their parent.
    """

    def __init__(self, where: str, executor: Any, n_workers: int | None, timeout: float | None,
                 objective: Callable[[Any], Any], space: Space, call: Callable[..., Any]) -> None:
        self._call = call
        self._where, self._objective, self._space = where, objective, space
        self.timeout = timeout
        self.owned = not rules.is_executor(executor)
        kind = _kind(executor) if self.owned else None
        self.watched = kind is not None and issubclass(kind, processes())
        self._make: Callable[[], Any] = executor if self.owned else lambda: executor
        self._first: Any = None
        if kind is None:
            self._first = self._checked(self._call(self._make))
        known = _size(self._first) if kind is None else _usual_size(executor) if n_workers is None else None
        self.n_workers = self.width = self._sized(n_workers, known, fitting=kind is not None)
        if kind is not None:
            if self.watched and timeout is not None:
                self.width = 1
            settings: dict[str, Any] = {"max_workers": self.width}
            if self.watched and "initializer" not in getattr(executor, "keywords", {}):
                settings["initializer"] = worker.watch
            self._make = functools.partial(executor, **settings)
            if self.watched:
                rules.picklable(objective, space)

    def make(self) -> Executor:
        """The executor, or another one."""
        first, self._first = self._first, None
        return first if first is not None else self._checked(self._call(self._make))

    def close(self) -> None:
        """Close what was made and not used."""
        if self._first is not None and self.owned:
            self.make().shutdown()

    def _checked(self, made: Any) -> Executor:
        executor = rules.made(self._where, made) if self.owned else made
        if isinstance(executor, processes()):
            rules.picklable(self._objective, self._space)
        return executor

    def _sized(self, n_workers: int | None, known: int | None, *, fitting: bool) -> int:
        if n_workers is None:
            if known is None:
                warnings.warn(f"{self._where} does not say how many workers it has, so that one evaluation is made at "
                              "a time. Give n_workers=.", RuntimeWarning, stacklevel=6)
            return known or 1
        if known is not None and known < n_workers and not fitting:
            warnings.warn(f"{self._where} has {known} worker{'s' * (known > 1)}, fewer than n_workers={n_workers}: the "
                          "other points will wait in it, asked without knowing of the results before them. Make it "
                          f"larger, or give n_workers={known}.", RuntimeWarning, stacklevel=6)
        return n_workers


def processes() -> type[ProcessPoolExecutor]:
    """The class; not at import, which its module, with all of `multiprocessing`, would slow down by a sixth."""
    return concurrent.futures.ProcessPoolExecutor


def _kind(factory: Any) -> type[Executor] | None:
    """The class of executors that a factory is, perhaps with some settings, if it may be given `max_workers`."""
    kind = factory
    if isinstance(factory, functools.partial):
        if factory.args or "max_workers" in factory.keywords:
            return None
        kind = factory.func
    ours = processes(), ThreadPoolExecutor  # of which it is known how they are sized
    if isinstance(kind, type) and issubclass(kind, ours) and kind.__init__ in [each.__init__ for each in ours]:
        return kind
    return None


def _size(executor: Any) -> int | None:
    """How many workers it has, where it says so. There is no public way to this."""
    size = getattr(executor, "_max_workers", None)
    return size if isinstance(size, int) and size > 0 else None


def _usual_size(factory: Callable[[], Any]) -> int | None:
    """How many workers it has if nothing is said of them."""
    executor = factory()
    executor.shutdown()
    return _size(executor)
