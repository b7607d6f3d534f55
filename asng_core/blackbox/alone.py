"""What would be asked if there were no fidelity but the highest: what is asked where the others cannot be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Floats
from ..ask_tell.late import Past
from ..ask_tell.results import Gathered, Told
from ..distribution.pins import Pins
from ..distribution.search_distribution import SearchDistribution
from .kernel import Kernel
from .noise_free import NoiseFree
from .pool import Judge
from .posterior import Posterior


class Alone:
    """The policy without noise, told of nothing but what reached the highest fidelity, and of failures."""

    def __init__(self, mechanisms: NoiseFree, distribution: SearchDistribution, rng: np.random.Generator) -> None:
        self._policy, self._rng = mechanisms.policy(distribution, rng), rng
        surrogate = self._policy.surrogate
        if not isinstance(surrogate, Posterior):
            raise TypeError("AcrossFidelities(alone=...) must have a GaussianProcess as its model, got one of "
                            f"{type(surrogate).__name__}.")
        self._posterior = surrogate
        self._proposed: dict[int, int] = {}  # run -> the id under which the policy waits for its result

    @property
    def kernel(self) -> Kernel:
        """That of its model."""
        return self._posterior.kernel

    def draw(self, number: int, pinned: Pins | None, judge: Judge | None) -> Floats:
        """`(n_variables,)`: what it asks next, by the candidate of this number. Raises SpaceExhausted."""
        return np.asarray(self._policy.propose(1, number, pinned, False, judge)[0][0])

    def asked(self, run: int, number: int) -> None:
        """What was drawn for the candidate of this number goes on to the highest fidelity, as this run."""
        self._proposed[run] = number

    def told(self, result: Told, run: int) -> None:
        """A run has reached the highest fidelity, or failed."""
        number = self._proposed.pop(run, None)
        if number is None:
            self.injected(result.codes, result.loss, result.violation)
        else:
            self._policy.told([result._replace(id=number)])

    def injected(self, codes: Any, loss: float, violation: float) -> None:
        """A result at the highest fidelity that the policy has not asked for."""
        self._policy.injected(codes, loss, violation)

    def update(self, gathered: Gathered, generation: int, past: Past) -> None:
        self._policy.update(gathered, generation, past)

    def mark(self) -> tuple[Any, ...]:
        """What `back` needs, the generator apart."""
        return self._policy.mark(), self._proposed.copy()

    def back(self, mark: tuple[Any, ...]) -> None:
        policy, proposed = mark
        self._proposed = proposed.copy()
        self._policy.back(policy)

    def state(self) -> dict[str, Any]:
        return {**self._policy.state(), "proposed": [list(each) for each in self._proposed.items()]}

    def load(self, state: Mapping[str, Any], n_asked: Any, generation: Any, runs: Mapping[int, Any]) -> None:
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
        pairs = [(checks.integer("a run", run, minimum=0), checks.integer("an id", number, minimum=0))
                 for run, number in state["proposed"]]
        self._proposed = dict(pairs)
        if not set(self._proposed) <= set(runs):
            raise ValueError("what was proposed must be of a run.")
        self._policy.load({**state, "open": {"ids": list(self._proposed.values())}, "n_asked": n_asked,
                           "generation": generation})
