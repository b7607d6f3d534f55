"""What an optimizer asks, and what it makes of what is told; `AskTell` does the rest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Codes, Floats
from ..distribution.pins import Pins
from ..distribution.search_distribution import SearchDistribution
from ..ranking import ranks, utilities
from . import rules
from .candidate import Batch
from .late import Past
from .results import Gathered, Told


class Policy(ABC):
    """The part of an optimizer that decides. It may hold state of its own beside the distribution's."""

    @abstractmethod
    def propose(self, n: int, first_id: int, pinned: Pins | None, mirrored: bool) -> tuple[Floats, Floats]:
        """`(n, n_variables)` feasible draws, or fewer, to be asked under ids from `first_id` on; and draws that broke
        a constraint on the way to them, from which the distribution shall learn."""

    @abstractmethod
    def update(self, gathered: Gathered, generation: int, past: Past) -> None:
        """Move the distribution by results that number the population size; with them begins `generation`."""

    def presented(self, batch: Batch) -> Batch:
        """Candidates as the user shall see them."""
        return batch

    def counts(self, number: int) -> bool:
        """Whether the result of the candidate of this id, which is open, may be the best, and moves the search."""
        return True

    def told(self, results: list[Told]) -> None:  # noqa: B027
        """Look at every result as it is told."""

    def injected(self, codes: Codes, loss: Any, violation: float) -> None:  # noqa: B027
        """Look at a result that was injected."""

    draws_when_told = False  # whether `told` or `injected` may draw random numbers

    def mark(self) -> Any:
        """What `back` needs to undo whatever a call will change, beside the distribution and the generator."""
        return None

    def back(self, mark: Any) -> None:  # noqa: B027
        """Be as at `mark()`. It may be called again with the same mark."""

    def losses(self, value: object, n: int | None) -> list[Any]:
        """What was told for `n` candidates, or (None) for a single one, checked: here one number each."""
        return [rules.loss(value)] if n is None else rules.losses(value, n)

    def asked(self, n_variables: int) -> Codes:
        """`(n, n_variables)` codes of evaluations that the policy keeps."""
        return np.empty((0, n_variables), dtype=np.int64)

    def state(self) -> dict[str, Any]:
        """What the policy holds, as plain scalars, lists, dicts and arrays."""
        return {}

    def load(self, state: Mapping[str, Any]) -> None:  # noqa: B027
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""


def learn(distribution: SearchDistribution, gathered: Gathered, weights: Floats | None) -> None:
    """One step of the distribution by the ranks of what has gathered; what was rejected ranks with the failures.

    weights: `(n, n_variables)`, how much each draw counts for each variable; None if all count fully for all.
    """
    _, _, _, told_losses, told_violations, _ = zip(*gathered.told, strict=True)
    several = next((loss for loss in told_losses if isinstance(loss, tuple)), ())
    # NaN alone, from before any succeeded, is a failure in all objectives
    losses = np.array([(np.nan,) * len(several) if several and not isinstance(loss, tuple) else loss
                       for loss in told_losses])
    violations = np.array(told_violations) if any(told_violations) else None
    if gathered.rejected:
        n = len(gathered.rejected)  # their losses are NaN, as those of failures
        losses = np.concatenate([losses, np.full((n, *losses.shape[1:]), np.nan)])
        violations = None if violations is None else np.concatenate([violations, np.zeros(n)])
    draws = np.array([each.draw for each in gathered.drawn])
    distribution.update(draws, utilities(ranks(losses, violations)), weights)
