"""Trainings of a staged search: what is asked for, and what has become of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from asng_core import Candidate


@dataclass(frozen=True)
class Trained:
    """A network as a training left it: after so many epochs, with which validation loss, its weights where.

    >>> trained = Trained({"0": "conv"}, epochs=30, loss=0.42, weights=Path("runs/staged/network-0-3.safetensors"))
    >>> trained.loss
    0.42
    """

    architecture: dict[str, Any]
    epochs: int
    loss: float
    weights: Path


@dataclass(frozen=True)
class Job:
    """A training up to some epoch, for one of the goals, of a run that has `reached` one already.

    candidate: None where the optimizer has not asked for it, but was asked what it would derive.
    """

    goal: int
    architecture: dict[str, Any]
    epochs: int
    reached: int = 0
    candidate: Candidate | None = None

    @property
    def run(self) -> str:
        """The name of its run, which those trainings share that continue one."""
        return run_name(self.goal, None if self.candidate is None else self.candidate.run)

    @property
    def cost(self) -> int:
        """In epochs."""
        return self.epochs - self.reached

    def seed(self, seed: int) -> int:
        """Of the run's own randomness."""
        number = 0 if self.candidate is None else 1 + int(self.candidate.run or 0)
        return int(np.random.SeedSequence([seed, self.goal, number]).generate_state(1)[0])


def run_name(goal: int, run: int | None) -> str:
    """Of files."""
    return f"network-{goal}-{'last' if run is None else run}"


class InThisThread(Executor):
    """Runs what is submitted at once; what it raises is raised there."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future
