"""All that changes in an optimizer, in one object, so that a loaded state replaces it whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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

    def state(self) -> dict[str, Any]:
        """As plain scalars, lists, dicts and arrays."""
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
