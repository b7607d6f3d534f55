"""What an architecture may cost: a distribution, and the limit that its architectures are held to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asng_core import ASNG, Batch, checks

from ..supernet.architecture import Architecture
from ..supernet.supernet import Supernet

CostFunction = Callable[[Architecture], float]
CostName = Literal["parameters", "multiply_adds"]


class FrontPoint(NamedTuple):
    """The architecture found within a limit, and what it costs."""

    limit: float
    architecture: dict[str, Any]
    cost: float


@dataclass(frozen=True)
class Budget:
    """A distribution whose architectures rank behind all others by how much they cost above `limit`."""

    optimizer: ASNG
    cost: CostFunction | None = None
    limit: float = math.inf

    def costs(self, batch: Batch) -> NDArray[np.float64]:
        """`(n,)`, or `(0,)` without a cost."""
        return np.array([] if self.cost is None else [self.cost(architecture) for architecture in batch],
                        dtype=np.float64)

    def tell(self, batch: Batch, losses: NDArray[np.float64], costs: NDArray[np.float64]) -> None:
        """The results of a batch, with the costs of the same batch."""
        # a positive violation ranks behind all that is within the limit, by its size and not by the loss
        self.optimizer.tell(batch, losses, None if self.cost is None else costs - self.limit)

    def recommend(self) -> dict[str, Any]:
        """The mode, or the likeliest architecture within the limit. Raises RuntimeError if none is found."""
        cost = self.cost
        if cost is None:
            return self.optimizer.recommend()
        try:
            return self.optimizer.likeliest(lambda architecture: cost(architecture) <= self.limit)
        except RuntimeError as error:
            raise RuntimeError(f"no architecture that costs at most {self.limit:g} was found. Search longer, or raise "
                               "Search(limit=...).") from error

    def state(self) -> dict[str, Any]:
        """Everything that the next architectures depend on."""
        return self.optimizer.state_dict()

    def load(self, state: dict[str, Any]) -> None:
        """Put a state back. Raises ValueError if it is of another space."""
        self.optimizer.load_state_dict(state)

    def fingerprint(self) -> str:
        """What decides the next architectures, as text."""
        state = self.optimizer.state_dict()
        return f"{state['theta'].tobytes().hex()} {state['rng']}"

    def point(self) -> FrontPoint:
        """The recommendation with its cost."""
        if self.cost is None:
            raise RuntimeError("front() needs Search(cost=..., limit=[...]).")
        architecture = self.recommend()
        return FrontPoint(self.limit, architecture, self.cost(architecture))


def budgets(supernet: Supernet, optimizer: ASNG | Sequence[ASNG], cost: CostName | CostFunction | None,
            limit: float | Sequence[float] | None) -> list[Budget]:
    """One budget for each optimizer, after checking that optimizers, cost and limits fit together."""
    optimizers = [optimizer] if isinstance(optimizer, ASNG) else list(optimizer)
    if any(each.space != supernet.space for each in optimizers):
        raise ValueError("Search(optimizer) must be over the supernet's space: ASNG(supernet.space, ...).")
    if not optimizers or len({id(each) for each in optimizers}) < len(optimizers):
        raise ValueError("Search(optimizer) must be an ASNG, or a list of different ones, one for each limit.")
    if (cost is None) != (limit is None):
        raise ValueError("Search(cost=..., limit=...) go together: what is counted, and how much of it is allowed.")
    if limit is None:  # and no cost: nothing is held to anything
        if len(optimizers) > 1:
            raise ValueError(f"Search(optimizer) is a list of {len(optimizers)}: give cost= and a limit= for each.")
        return [Budget(optimizers[0])]
    limits = [checks.real("Search(limit=...)", each) for each in (limit if isinstance(limit, Sequence) else [limit])]
    if len(limits) != len(optimizers):
        raise ValueError("Search(optimizer, limit=...) must be one ASNG for each limit, "
                         f"got {len(optimizers)} and {len(limits)}.")
    counted = _cost(supernet, cost)
    return [Budget(each, counted, limit) for each, limit in zip(optimizers, limits, strict=True)]


def _cost(supernet: Supernet, cost: object) -> CostFunction:
    if callable(cost):
        return lambda architecture: float(cost(architecture))
    if cost not in ("parameters", "multiply_adds"):
        raise ValueError("Search(cost=...) must be 'parameters', 'multiply_adds' or a function of an architecture, "
                         f"got {checks.shown(cost)}.")
    name, of = str(cost), supernet  # names of Cost's fields
    return lambda architecture: float(getattr(of.cost(architecture), name))
