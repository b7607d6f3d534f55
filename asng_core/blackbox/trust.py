"""How far a fidelity can be trusted: its correlation with the one below, by the pairs that are known; see `levels`."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..arrays import Floats

# atanh(rho) up to that of +-0.99 in even steps, on which the spread of an estimated correlation is about even; less
# than 0.38 tells too little to be acted on, and counts as 0
_GRID = np.concatenate([np.linspace(-2.65, -0.4, 10), [0.0], np.linspace(0.4, 2.65, 10)])
_RHO, _ZERO = np.tanh(_GRID), len(_GRID) // 2
_TAU = np.exp(np.linspace(-1.2, 2.4, 25))
# before there are pairs: tau is log-normal, a little above 1, as what is evaluated further was chosen
_TAU_PRIOR = -0.5 * ((np.log(_TAU) - 0.3) / 0.7) ** 2
_SPREAD = 0.8  # deviation of the prior of atanh(rho)
# shares of the prior that rho is 0, the fidelity below useless, and that it is anything at all, negative too
_USELESS, _ANYTHING = 0.2, 0.03


class Trust(NamedTuple):
    """The posterior of a level's regression: mean and variance of rho, and of 1 - rho^2 the mean; tau; and the
    probability that rho is 0."""

    rho: float
    variance: float
    rest: float
    tau: float
    useless: float


class Regression(NamedTuple):
    """probabilities: `(n_grid,)` of rho; and tau, the likeliest."""

    probabilities: Floats
    tau: float

    @property
    def trust(self) -> Trust:
        """All of it."""
        mean, square = float(self.probabilities @ _RHO), float(self.probabilities @ _RHO**2)
        return Trust(mean, max(square - mean**2, 0.0), 1.0 - square, self.tau, float(self.probabilities[_ZERO]))

    def drawn(self, uniform: float) -> Trust:
        """One rho of it, by a number in [0, 1)."""
        place = min(int(np.searchsorted(self.probabilities.cumsum(), uniform, side="right")), len(_RHO) - 1)
        rho = float(_RHO[place])
        return Trust(rho, 0.0, 1.0 - rho**2, self.tau, float(place == _ZERO))


def prior(ratio: float) -> Floats:
    """`(n_grid,)` logarithms of the prior of rho, for neighbours whose costs have this ratio.

    A step of three times the cost is expected to leave a correlation of 0.8, smaller ones the more: 1 - rho is about
    proportional to the logarithm of the ratio, so that it matters little how finely a curve is cut.
    """
    step = min(max(math.log(ratio) / math.log(3.0), 1e-2), 10.0)
    mean = math.atanh(0.8) - 0.5 * math.log(step)
    peak = np.exp(-0.5 * ((_GRID - mean) / _SPREAD) ** 2)
    flat = 1.0 - _RHO**2  # even in rho
    shares = (1 - _USELESS - _ANYTHING) * peak / peak.sum() + _ANYTHING * flat / flat.sum()
    shares[_ZERO] += _USELESS
    return np.asarray(np.log(shares))


def regressed(targets: Floats, below: Floats, log_prior: Floats) -> Regression:
    """Of `(n,)` targets of deviation 1 and the z below, the residuals taken to be independent of each other.

    The level's mean, which selection shifts, is free: both are centred, which costs one of the n.
    """
    n = len(targets)
    y, t = targets - targets.mean(), below - below.mean()
    tau, rho = _TAU[:, None], _RHO
    rest = 1.0 - rho**2
    squares = y @ y - 2 * tau * rho * (y @ t) + (tau * rho) ** 2 * (t @ t)  # (n_tau, n_rho): |y - tau rho t|^2
    logs = (log_prior + _TAU_PRIOR[:, None] - (n - 1) * (np.log(tau) + 0.5 * np.log(rest))
            - squares / (2 * tau**2 * rest))
    joint = np.exp(logs - logs.max())
    best = int(np.argmax(joint.sum(axis=1)))
    return Regression(joint[best] / joint[best].sum(), float(_TAU[best]))


def before(log_prior: Floats) -> Regression:
    """Without any pairs."""
    weights = np.exp(log_prior)
    return Regression(weights / weights.sum(), 1.0)


ALONE = Trust(0.0, 0.0, 1.0, 1.0, 0.0)  # with no level below
