"""What is checked: the least that an ask/tell optimizer does, and what it may do beyond that.

    must have                      what it is
    factory(space, seed=int)       a new optimizer of an `asng_core.Space`, lower losses being better
    ask(n)                         a sequence of n points: mappings from the names of active variables to values
    tell(points, losses)           some of these very points, in any order and number, with a number for each

    may have                       what it is
    best                           None, or the best evaluation told: attributes `values` and `loss`
    save(path), load(path, space=) one file; `load`, a classmethod, gives the optimizer that goes on from there
    state_dict()                   nested dicts and lists with all numbers of its state
    batch_size                     the number of points that it must be asked and told at once, if not any number
    one_by_one                     True if `tell` is a loop over calls that take one point each
    id, of a point                 what tells a point from every other one that was asked

What an optimizer lacks makes checks "not applicable": an attribute that is not there, or NotImplementedError, raised by
the factory for a space of a kind that it does not take, or by a call. `ask` may give fewer points than wanted, or raise
RuntimeError, only where every point of the space has been asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..space.space import Space


class Optimizer(Protocol):
    """The least that is checked."""

    def ask(self, n: int, /) -> Sequence[Mapping[str, Any]]: ...

    def tell(self, points: Any, losses: Any, /) -> None: ...


class Factory(Protocol):
    """A class of optimizers, or a function that makes them. Equal seeds must give equal runs."""

    def __call__(self, space: Space, *, seed: int) -> Optimizer: ...
