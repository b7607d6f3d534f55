"""The search distribution of a space, and how told results move it: the direction from the family, the length
from `step_size`.

    symbol    variable       meaning
    theta     theta          parameters of the distribution
    u         utilities      (n,), best positive, worst negative, sum zero
    w         weights        (n, n_variables): how much a result counts for a variable, None: all fully
    G         gradient       natural gradient, sum_j u_j w_j (T(c_j) - theta), u re-centred so that u w sums to zero
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Bools, Codes, Floats, Ints
from ..families.categorical import CategoricalFamily
from ..families.coordinates import Interval, LogPositions, Positions
from ..families.family import Family, norm
from ..families.gaussian import GaussianFamily
from ..families.product import ProductFamily
from ..space.space import Space
from .given import Given
from .step_size import StepSize

# Contributions that cancel leave rounding noise instead of a zero gradient: relative to the utilities up to 4e-15 with
# 100 variables of 50 equally likely values, more where probabilities are small. Any real direction is longer than this.
_CANCELLED = 1e-9
_FARTHEST = 1e30  # of a state's draws along their axes; the squares of larger ones may overflow


def default_margin(space: Space) -> float:
    """min(1/d, 1/4) for d variables with several values (Akimoto et al.: 1/d over the categoricals)."""
    return min(1 / n_variables(space), 0.25)


def n_variables(space: Space) -> int:
    """The number of variables with several values, at least 1."""
    return max(1, int((space.sizes != 1).sum()))


class SearchDistribution:
    """Independent distributions over the variables of a space. What changes is `theta`, `step_size_state` and `given`.

    A draw is `(n, d)` float64 and always holds a number for every variable, active or not.
    """

    def __init__(self, space: Space, *, margin: float | None = None, initial_step_size: float = 1.0,
                 alpha: float = 1.5, adapt: bool = True, sigma_min: float | None = None) -> None:
        self.space = space
        self.margin = default_margin(space) if margin is None else margin
        self.family = family_of(space, self.margin, sigma_min)
        self.step_size = StepSize(self.family.n_theta, initial=initial_step_size, alpha=alpha, adapt=adapt)
        self.given = Given()
        self.restart()

    def restart(self, theta: Floats | None = None) -> None:
        """Begin anew, at the least committed distribution or at `theta`."""
        self.theta = self.family.initial() if theta is None else theta
        self.step_size_state = self.step_size.start()

    def sample(self, n: int, rng: np.random.Generator, *, mirrored: bool = False) -> Floats:
        """`(n, d)` draws."""
        return self.family.sample(self.theta, n, rng, mirrored)

    def codes(self, draws: Floats) -> Codes:
        """The codes of draws, the inactive variables masked."""
        codes = self.space.masked(self.family.codes(draws))
        return self.given.restored(codes) if self.given else codes

    def draws(self, codes: Codes) -> Floats:
        """`(n, d)` draws that stand for masked codes; those of inactive variables for their modes."""
        if self.space.conditions is not None:
            active = self.space.active(codes)  # (n, d)
            codes = np.where(active, codes, self.family.mode(self.theta)).astype(self.space.dtype)
        return self.family.draws(codes)

    def active(self, draws: Floats) -> Bools:
        """`(n, d)`: which variables are active."""
        return self.space.active(self.family.codes(draws))

    def update(self, draws: Floats, utilities: Floats, weights: Floats | None = None) -> bool:
        """One step (Akimoto et al., 2019, algorithm 1). False if the results give no direction: nothing has moved.

        Where the space has conditions, `weights` must be 0 for the variables inactive in a draw.
        """
        u = utilities if weights is None else recentred(utilities, weights)  # (n,), or (n, d)
        gradient = self.family.natural_gradient(self.theta, u, draws)
        direction = self.family.root_fisher(self.theta, gradient)  # (n_theta,), at the theta before the step
        length = norm(direction)
        if length <= _CANCELLED * np.add.reduce(np.abs(utilities)):  # all tied, all the same point, or all constant
            return False
        # a step of Fisher length `self.length`, by the step size as it was; only then is that adapted
        self.theta = self.family.step(self.theta, gradient, self.length / length)
        self.step_size_state = self.step_size.update(self.step_size_state, direction / length)
        return True

    def mode(self) -> Codes:
        """`(d,)` codes of each variable's most likely value, the inactive masked."""
        masked: Codes = self.space.masked(self.family.mode(self.theta)[None])[0]
        return masked

    def log_densities(self, draws: Floats, theta: Floats | None = None) -> Floats:
        """`(n, d)` log-densities of each variable's draw under `theta`, by default the present one."""
        return self.family.log_densities(self.theta if theta is None else theta, draws)

    def log_probability(self, codes: Codes) -> Floats:
        """`(n,)` log-probability of masked codes: the sum over the active variables."""
        active = self.space.active(codes)
        filled = np.where(active, codes, self.family.mode(self.theta))  # -1 and NaN have no probability to look up
        logs = np.where(active, self.family.log_probabilities(self.theta, filled), 0.0)
        return np.asarray(logs.sum(axis=1))

    @property
    def length(self) -> float:
        """Fisher length of the next step."""
        return self.step_size.length(self.step_size_state)

    def settings(self) -> dict[str, Any]:
        """The keyword arguments with which a like distribution is made."""
        return {"initial_step_size": self.step_size.initial, "alpha": self.step_size.alpha, "margin": self.margin,
                "adapt": self.step_size.adapt}

    @property
    def converged(self) -> bool:
        """Whether every variable active in the mode leaves its value there with at most about twice the margin."""
        mode = self.family.mode(self.theta)[None]
        return bool((self.family.settled(self.theta, self.margin) | ~self.space.active(mode)[0]).all())

    @property
    def entropy(self) -> float:
        """Normalized entropy, mean over the variables with several values."""
        several = self.space.sizes != 1
        return float(self.family.normalized_entropy(self.theta)[several].mean()) if several.any() else 0.0

    def state(self) -> dict[str, Any]:
        """theta, the step size's state, and the values that were given."""
        step_size = self.step_size_state
        return {"theta": self.theta.copy(), "given": self.given.state(),
                "step_size": {"Delta": step_size.Delta, "gamma": step_size.gamma, "s": step_size.s.copy()}}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take the state that `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
        # theta is checked before anything is set, and set when nothing else can fail
        theta, step_size = checks.state_array(state["theta"], self.theta.shape), state["step_size"]
        self.check_theta(theta)
        self.given.load(state.get("given", np.empty((0, 3))), self.space)  # earlier files of this version have none
        self.step_size_state = self.step_size.checked(step_size["Delta"], step_size["gamma"], step_size["s"])
        self.theta = theta

    def check_theta(self, theta: Floats) -> None:
        """Raises ValueError if a state's theta is not within the limits that keep every value reachable."""
        with np.errstate(all="ignore"):
            within = self.family.from_marginals(self.family.marginals(theta))
        if not np.allclose(theta, within, rtol=1e-6, atol=0.0):
            raise ValueError("theta lies outside the limits of the distribution.")

    def checked_draws(self, value: object, n: int) -> Floats:
        """A copy of a state's `(n, d)` draws. Raises ValueError or TypeError for what cannot be some."""
        draws = checks.state_array(value, (n, len(self.space)))
        listed = np.array([not variable.ordered for variable in self.space.variables.values()])
        position = (draws == np.rint(draws)) & (draws >= 0) & (draws < self.space.sizes)
        if not np.where(listed, position, np.abs(draws) < _FARTHEST).all():
            raise ValueError("a draw lies outside the space.")
        return draws


def recentred(utilities: Floats, weights: Floats) -> Floats:
    """`(n, d)`: w_ij (u_j - mean of u weighted by w), which sums to zero over j for every variable i."""
    total = weights.sum(axis=0)  # (d,); 0 where a variable is inactive or pinned in all draws
    mean = utilities @ weights / np.where(total > 0, total, 1.0)  # (d,)
    return np.asarray(weights * (utilities[:, None] - mean))


def family_of(space: Space, margin: float, sigma_min: float | None = None) -> Family:
    """Gaussians for the ordered variables, on their axes; probabilities for the others and for constants.

    sigma_min: smallest standard deviation over positions, in place of the one that `margin` gives.
    """
    # arrays are (n_variables,); a constant has no range for an axis, so a probability of 1 stands for it
    every = list(space.variables.values())
    ordered = np.array([variable.ordered for variable in every]) & (space.sizes != 1)
    log = np.array([variable.log for variable in every])
    offsets = np.array([variable.offset for variable in every])

    stepped = ordered & ~space.continuous
    kinds: list[tuple[Bools, Callable[[Ints], Family]]] = [
        (~ordered, lambda columns: CategoricalFamily(space.sizes[columns], margin)),
        (stepped & ~log, lambda columns: GaussianFamily(Positions(space.sizes[columns]), margin,
                                                             sigma_min=sigma_min)),
        (stepped & log, lambda columns: GaussianFamily(LogPositions(space.sizes[columns], offsets[columns]), margin)),
        (space.continuous, lambda columns: GaussianFamily(
            Interval(space.lows[columns], space.highs[columns], log[columns]), margin))]
    # the kinds partition the columns; those that the space lacks are left out, and one alone needs no product
    members = [(make(columns), columns) for chosen, make in kinds if len(columns := np.flatnonzero(chosen))]
    return members[0][0] if len(members) == 1 else ProductFamily(members)
