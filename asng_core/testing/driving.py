"""How the checks drive an optimizer."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from ..space.space import Space
from .problems import PLAIN, SPACES, key, loss
from .protocol import Factory

REFUSALS = (TypeError, ValueError, LookupError, RuntimeError)  # an assertion is none: `python -O` takes it away


class Failed(Exception):
    """A check that an optimizer fails, and why."""


def require(condition: object, reason: str) -> None:
    """Fail unless `condition` is true."""
    if not condition:
        raise Failed(reason)


def refused(what: str, call: Callable[..., object], *arguments: Any) -> None:
    """Fail unless the call raises an error of a kind that tells what was wrong with it."""
    try:
        call(*arguments)
    except NotImplementedError:
        raise
    except REFUSALS:
        return
    except AssertionError as error:
        raise Failed(f"{what} is refused by an assertion, which python -O takes away") from error
    raise Failed(f"{what} is accepted without a word")


class Run:
    """An optimizer, its space, the trace of the points it asked, and what it was told."""

    def __init__(self, optimizer: Any, space: Space, problem: str) -> None:
        self.optimizer, self.space, self.problem = optimizer, space, problem
        self.trace: list[bytes] = []
        self.told: list[tuple[bytes, float]] = []

    def needs(self, *names: str) -> Any:
        """The optimizer, if it has all of these attributes."""
        for name in names:
            if not hasattr(self.optimizer, name):
                raise NotImplementedError(f"it has no {name}")
        return self.optimizer

    def freely(self) -> Run:
        """Itself, if it may be asked and told any number of points."""
        if self.batch_size:
            raise NotImplementedError(f"it is told whole batches of {self.batch_size} only")
        return self

    @property
    def batch_size(self) -> int | None:
        return getattr(self.optimizer, "batch_size", None)

    def ask(self, n: int = 4) -> list[Any]:
        """`n` points, or of an optimizer of whole batches one batch; fewer only if the space has no more."""
        n = self.batch_size or n
        try:
            points = list(self.optimizer.ask(n))
        except NotImplementedError:
            raise
        except RuntimeError as error:
            require(self.spent, f"ask({n}) raised {type(error).__name__} where points are left: {error}")
            return []
        keys = [key(self.space, point) for point in points]
        self.trace += keys
        require(len(points) == n or self.spent, f"ask({n}) gave {len(points)} points")
        return points

    @property
    def spent(self) -> bool:
        """Whether every point of the space has been asked."""
        return len(set(self.trace)) >= self.space.size

    def tell(self, points: Sequence[Any], losses: Sequence[Any]) -> None:
        self.optimizer.tell(list(points), list(losses))
        self.told += [(key(self.space, point), value) for point, value in zip(points, losses, strict=True)]

    def losses(self, points: Sequence[Any]) -> list[float]:
        return [loss(self.space, point) for point in points]

    def step(self, n: int = 4, change: Callable[[float], Any] = float) -> bool:
        """Ask and tell once, each loss changed. False if there is nothing left to ask."""
        points = self.ask(n)
        if points:
            self.tell(points, [change(value) for value in self.losses(points)])
        return bool(points)

    def steps(self, k: int, n: int = 4, change: Callable[[float], Any] = float) -> Run:
        """`k` steps, or as many as the space has points for."""
        for _ in range(k):
            if not self.step(n, change):
                break
        return self

    def continues_like(self, other: Run, what: str, k: int = 8) -> None:
        """Fail unless both ask the same points, to the bit, over the next `k` steps."""
        start, theirs = len(self.trace), len(other.trace)
        self.steps(k)
        other.steps(k)
        require(self.trace[start:] == other.trace[theirs:], f"{what} asks other points")


class Maker:
    """Makes runs of one factory."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory

    def __call__(self, problem: str | None = None, seed: int = 1) -> Run:
        """A run on a problem, by default on the first plain one that the factory takes."""
        if problem is not None:
            space = SPACES[problem]()
            return Run(self.factory(space, seed=seed), space, problem)
        for name in PLAIN:
            try:
                return self(name, seed)
            except NotImplementedError:
                continue
        raise NotImplementedError("it takes none of the plain spaces: " + ", ".join(PLAIN))


def shuffled(points: Sequence[Any], seed: int = 0) -> list[Any]:
    """The same in another order."""
    order = list(range(len(points)))
    random.Random(seed).shuffle(order)
    return [points[i] for i in order]
