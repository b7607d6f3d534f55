"""What an architecture may cost: a distribution, and the limit that its architectures are held to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asng_core import ASNG, Batch, checks

from ..supernet.architecture import Architecture
from ..supernet.supernet import Supernet
from . import distributed
from .cheapest import check_limit
from .latency import Latency

CostFunction = Callable[[Architecture], float]
CostName = Literal["parameters", "trainable", "multiply_adds", "activations", "latency"]
_COUNTED = "parameters", "trainable", "multiply_adds", "activations"  # fields of Cost
_LOOKS, _FEW_LOOKS = 2000, 50  # at costs before the search; fewer where each may take long


class FrontPoint(NamedTuple):
    """The architecture found within a limit, and what it costs.

    >>> point = FrontPoint(limit=20.0, architecture={"0": "identity"}, cost=16.0)
    >>> limit, architecture, cost = point
    """

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
        if self.cost is None:
            return np.empty(0)
        if isinstance(self.cost, Latency):  # what process 0 has measured counts for all
            for architecture, seconds in zip(batch, distributed.of_first([self.cost(each) for each in batch]),
                                             strict=True):
                self.cost.take(architecture, seconds)
        return np.array([self.cost(architecture) for architecture in batch], dtype=np.float64)

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
        measured = {"measured": dict(self.cost.measured)} if isinstance(self.cost, Latency) else {}
        return {**self.optimizer.state_dict(), **measured}

    def load(self, state: dict[str, Any]) -> None:
        """Put a state back. Raises ValueError if it is of another space."""
        state = dict(state)
        measured = state.pop("measured", {})
        self.optimizer.load_state_dict(state)
        if isinstance(self.cost, Latency):
            self.cost.load(measured)

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
    # what is counted or measured needs an example, and so may a function of the user's own
    with nullcontext() if supernet.meter.example is not None else suppress(RuntimeError):
        for each in limits:
            check_limit(supernet.space, counted, each, _LOOKS if cost in _COUNTED else _FEW_LOOKS)
    return [Budget(each, counted, limit) for each, limit in zip(optimizers, limits, strict=True)]


def _cost(supernet: Supernet, cost: object) -> CostFunction:
    if isinstance(cost, Latency):
        return cost
    if callable(cost):
        return partial(_number, cost)
    if cost == "latency":
        return Latency(supernet)
    if cost not in _COUNTED:
        raise ValueError(f"Search(cost=...) must be one of {[*_COUNTED, 'latency']} or a function of an architecture, "
                         f"got {checks.shown(cost)}.")
    name, of = str(cost), supernet  # names of Cost's fields
    return lambda architecture: float(getattr(of.cost(architecture), name))


def _number(cost: Callable[[Architecture], Any], architecture: Architecture) -> float:
    """What a function of the user's own says; an infinite cost is more than any limit."""
    found = cost(architecture)
    try:
        number = float(found)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise ValueError("Search(cost=...) must return a number of every architecture (math.inf for what cannot be), "
                         f"got {checks.shown(found)} for {dict(architecture)}.")
    return number
