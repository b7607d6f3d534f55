"""All that changes in an optimizer, in one object, so that a loaded state replaces it whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from ..arrays import Codes
from ..distribution.search_distribution import SearchDistribution
from .ledger import Ledger
from .policy import Policy

P = TypeVar("P", bound=Policy)


@dataclass
class Parts(Generic[P]):
    """`settings` are those by which such parts are made; the policy draws from `rng` too."""

    distribution: SearchDistribution
    policy: P
    ledger: Ledger
    rng: np.random.Generator
    population_size: int
    settings: dict[str, Any]
    _mark: Any = field(default=None, init=False, repr=False)  # of the call that is under way, or broke off

    def whole(self, *, draws: bool) -> Parts[P]:
        """A context for changes that happen all or, if it ends by an exception, not at all.

        draws: whether they take random numbers.

        What a call changes in place it only lengthens, and everything else it replaces, so that to remember costs
        little more than names, whatever the size of the state.
        """
        if self._mark is not None:  # a second exception cut `undo` short
            self.undo()
        rng = self.rng.bit_generator.state if draws else None
        distribution = self.distribution
        self._mark = (rng, distribution.theta, distribution.step_size_state, distribution.given.mark(),
                      self.ledger.mark(), self.policy.mark())
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self._mark = None  # what was changed stands
        else:  # of a constraint, which is the user's code, or Ctrl-C
            self.undo()

    def undo(self) -> None:
        """Be as before the changes under way, if there are any. It may be cut short and done again."""
        if self._mark is None:
            return
        rng, self.distribution.theta, self.distribution.step_size_state, given, ledger, policy = self._mark
        if rng is not None:
            self.rng.bit_generator.state = rng
        self.distribution.given.back(given)
        self.ledger.back(ledger)
        self.policy.back(policy)
        self._mark = None

    def take_given(self, codes: Codes) -> None:
        """Let the draws nearest to `(n_variables,)` codes, which a user gave, stand for them to the last digit."""
        space, family = self.distribution.space, self.distribution.family
        if not space.continuous.any():  # the others have a draw for every value
            return
        active = space.continuous & ~np.isnan(codes)
        known = np.where(active, codes, space.lows)  # the others take any legal code
        reached = np.where(active, family.codes(family.draws(known[None]))[0], known)
        if (known != reached).any():
            self.distribution.given.take(known, reached, self.ledger.pending.codes)

    def state(self) -> dict[str, Any]:
        """As plain scalars, lists, dicts and arrays."""
        self.undo()
        return {"settings": dict(self.settings), **self.distribution.state(), "rng": self.rng.bit_generator.state,
                **self.ledger.state(), **self.policy.state()}

    def asked(self) -> Codes:
        """`(n, n_variables)` codes that satisfied the constraints when they were asked or injected."""
        return np.concatenate([self.policy.asked(len(self.distribution.space)), self.ledger.asked()])

    def load(self, state: Mapping[str, Any]) -> None:
        """Take what `state()` gave, into new parts. Raises ValueError, TypeError or KeyError for anything else."""
        self.distribution.load(state)  # first: the ledger takes the loaded theta as the present one
        self.rng.bit_generator.state = state["rng"]
        self.ledger.load(state)
        self.policy.load(state)
        if told := self.ledger.waiting_losses:
            self.policy.losses(told, len(told))
