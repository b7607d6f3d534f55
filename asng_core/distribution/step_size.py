"""How far to go along the natural gradient: the adaptation of the step size.

    symbol    variable             meaning
    delta     StepSize.length      step length in the Fisher metric, initial / Delta
    Delta     StepSizeState.Delta  its adapted denominator
    beta      beta                 learning rate of the accumulation, min(1, delta / sqrt(n_theta))
    s, gamma  StepSizeState        accumulated direction and its expected squared norm under pure noise

Source: Akimoto et al., ICML 2019, section 3.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import checks

_SLACK = 1e-6  # relative, for the rounding of a state that was computed elsewhere


class StepSizeState(NamedTuple):
    """Delta, gamma, and s as `(n_theta,)`."""

    Delta: float
    gamma: float
    s: NDArray[np.float64]


@dataclass(frozen=True)
class StepSize:
    """Hyper-parameters of the adaptation; `adapt=False` keeps the length at `initial` (SNG)."""

    n_theta: int
    initial: float = 1.0
    alpha: float = 1.5  # signal-to-noise ratio at which the length stays
    adapt: bool = True

    def start(self) -> StepSizeState:
        return StepSizeState(Delta=1.0, gamma=0.0, s=np.zeros(self.n_theta))

    def length(self, state: StepSizeState) -> float:
        """delta, the Fisher length of the next step."""
        return self.initial / state.Delta

    def checked(self, Delta: object, gamma: object, s: object) -> StepSizeState:
        """The state that a file or dict holds. Raises ValueError or TypeError for what updates cannot lead to."""
        least = min(1.0, self.initial / math.sqrt(max(self.n_theta, 1))) * (1 - _SLACK)
        found = StepSizeState(checks.real("Delta", Delta, above=0), checks.real("gamma", gamma, above=-_SLACK,
                              below=1 + _SLACK), checks.state_array(s, (self.n_theta,)))
        if found.Delta < least or np.abs(found.s).max(initial=0.0) > 1e100:
            raise ValueError("the accumulated direction or Delta lies outside what updates lead to.")
        return found

    def update(self, state: StepSizeState, direction: NDArray[np.float64]) -> StepSizeState:
        """The state after a step along `direction`, `(n_theta,)` root-Fisher coordinates of norm 1."""
        if not self.adapt:
            return state
        beta = min(1.0, self.length(state) / math.sqrt(self.n_theta))
        weight = beta * (2 - beta)
        s = (1 - beta) * state.s + math.sqrt(weight) * direction
        gamma = (1 - beta) ** 2 * state.gamma + weight
        growth = beta * (gamma - float(np.add.reduce(s * s)) / self.alpha)
        # the floor is where beta reaches 1: below it the accumulation would no longer average, and
        # Delta could run away to 0
        floor = self.initial / math.sqrt(self.n_theta)
        return StepSizeState(min(max(state.Delta * math.exp(growth), floor), sys.float_info.max), gamma, s)
