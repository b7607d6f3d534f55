"""Which variables matter, and how: functional analysis of variance of what a model says of all results.

    symbol   variable   meaning
    f        drawn      (n_functions, n, L) a function from the model's posterior, at n points with one variable at each
                        of L levels in turn
    V        variance   of f over the space, its variables independent and uniform
    S        alone      Var_l(E_n f) / V: the share of V that the variable has by itself
    T        total      E_n(Var_l f) / V: its share with all interactions that it takes part in; so T sums to 1 or more

What the functions drawn differ in is what the results leave open; the points are others for each group of functions,
so that their choice is part of the uncertainty too.

Source: Sobol, Mathematics and Computers in Simulation 55, 2001 (S and T); Hutter, Hoos and Leyton-Brown, ICML 2014, do
the same with a random forest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Bools, Floats
from ..distribution.geometry import Geometry
from ..distribution.search_distribution import SearchDistribution
from ..space.space import Space
from .evidence import Evidence, Gatherer
from .history import History
from .sparse import Kernel
from .warping import Warp

_LEVELS = 16  # of a variable, of more evenly spaced ones; of categories those evaluated most often
_GROUPS, _FUNCTIONS = 8, 16  # of functions, and in each
_AT_ONCE = 320  # points times levels: the covariance of as many costs milliseconds
_STUDIED, _GLANCE = 40, 64  # variables, of more those that matter most at a glance at so many points of the mean
_JITTER = 1e-5  # relative to the amplitude, on the diagonal of the covariance: 0.3% of a standard deviation
# of the logarithm that losses may be seen by (`warping`): a search gathers results near the optimum, and one that
# stretches those would tell of them alone
_OFFSETS = (None, 1.0)
_MODEL_STEPS = 10  # of the kernel along its grids, which are shorter


class Interval(NamedTuple):
    """Median, and the 5% and 95% quantiles."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True)
class Effect:
    """What one variable does. `alone` and `total`: shares of the variance.

    codes: `(L,)` levels; losses: `(L, 3)` what the model expects at each, whatever the others are: median, 5% and 95%,
        in the unit of the losses, over points where the variable is active; NaN if it never is.
    """

    alone: Interval
    total: Interval
    codes: Floats
    losses: Floats


class Importance(NamedTuple):
    """effects: by name, of variables of several values, of many of the 40 that seem to matter most. explained: the
    share of the results' variance that the model tells of each result from all the others; about 0, or less, where it
    knows nothing."""

    effects: dict[str, Effect]
    explained: float


def importance(space: Space, history: History, seed: int = 0) -> Importance:
    """Of the variables of a history with one objective.

    Losses count as the model under noise takes them, on a scale on which they are likeliest. Points are uniform over
    what satisfies the constraints; when one variable moves, these are not asked again.

    Raises ValueError for a history of fewer than 4 evaluations or several objectives.
    """
    if history.losses.ndim > 1 or len(history) < 4:
        raise ValueError("importance(history) must have at least 4 evaluations of one objective, got "
                         f"{len(history)} of {history.losses.shape[1] if history.losses.ndim > 1 else 1}.")
    rng = np.random.default_rng(seed)
    distribution = SearchDistribution(space)
    geometry = Geometry(distribution)
    gatherer = Gatherer(geometry, history, rng, offsets=_OFFSETS)
    kernel = Kernel()
    for _ in range(_MODEL_STEPS):
        before, kernel = kernel, gatherer.learned(kernel)
        if kernel == before:
            break
    study = _Study(geometry, history, gatherer, gatherer.gathered(kernel), rng)
    varying: list[int] = geometry.varying.tolist()
    if len(varying) > _STUDIED:
        varying = sorted(sorted(varying, key=study.glance)[-_STUDIED:])
    return Importance({space.names[i]: study.effect(i) for i in varying},
                      _explained(gatherer, study.evidence, kernel))


def _explained(gatherer: Gatherer, evidence: Evidence, kernel: Kernel) -> float:
    """1 - the sum of squared errors at results left out, one at a time, over the sum of squares."""
    posterior = evidence.posterior
    offered = gatherer.targets()
    targets = offered[min(kernel.choice, len(offered) - 1)][1]
    means, deviations, own = posterior.beliefs(gatherer.features())
    # a result's weight in its own prediction: k'B^-1 k / s, since w is a ridge regression on the basis
    leverage = (deviations**2 - own**2) / (posterior.amplitude * kernel.noise)
    errors = (targets - means) / np.maximum(1.0 - leverage, 1e-6)
    squares = float(targets @ targets)
    return 1.0 - float(errors @ errors) / squares if squares > 0 else 0.0


class _Study:
    """The posterior, and points to ask it about."""

    def __init__(self, geometry: Geometry, history: History, gatherer: Gatherer, evidence: Evidence,
                 rng: np.random.Generator) -> None:
        self._geometry, self._history, self._gatherer = geometry, history, gatherer
        self._distribution, self.evidence, self._rng = geometry.distribution, evidence, rng
        self._points = self._anywhere(_GROUPS * _AT_ONCE // 2)

    def _anywhere(self, n: int) -> Floats:
        """`(n, n_variables)` draws, uniform over the feasible ones; those evaluated, where too few of 4 n are."""
        space = self._distribution.space
        if not space.constraints:
            return self._geometry.anywhere(n, self._rng)
        draws = self._geometry.anywhere(4 * n, self._rng)
        fine = [space.feasible(values) for values in space.values(self._distribution.codes(draws))]
        found: Floats = draws[np.array(fine)][:n]
        if len(found) < n:
            known = self._distribution.draws(self._history.codes)
            found = np.concatenate([found, known[self._rng.integers(len(known), size=n - len(found))]])
        return found

    def glance(self, i: int) -> float:
        """How much the model's mean moves with variable `i`."""
        levels = self._levels(i)
        draws = _moved(self._points[: _GLANCE // len(levels)], i, levels)
        means = self.evidence.posterior.means(self._gatherer.effects(draws))
        return float(means.reshape(-1, len(levels)).var(axis=1).mean())

    def effect(self, i: int) -> Effect:
        """Of variable `i`."""
        levels = self._levels(i)
        ends = _moved(self._points[:1], i, levels)
        n = _AT_ONCE // len(levels)
        alone, total, means = [], [], []
        for _ in range(_GROUPS):
            points = self._points[self._rng.choice(len(self._points), n, replace=False)]
            drawn = self._drawn(_moved(points, i, levels)).reshape(-1, n, len(levels))
            shares = _shares(drawn)
            alone.append(shares[0])
            total.append(shares[1])
            means.append(self._means(drawn, self._distribution.active(points)[:, i], self.evidence.warp))
        codes = self._distribution.family.codes(ends)[:, i].astype(np.float64)
        losses = np.concatenate(means)
        losses = np.full((3, len(levels)), np.nan) if np.isnan(losses).all() else np.nanquantile(
            losses, (0.5, 0.05, 0.95), axis=0)
        return Effect(_interval(alone), _interval(total), codes, losses.T)

    def _levels(self, i: int) -> Floats:
        """`(L,)` draws of the variable's values, or of some."""
        size = int(self._geometry.sizes[i])
        variable = list(self._distribution.space.variables.values())[i]
        space = self._distribution.space
        if not variable.ordered:
            codes = np.arange(size)
            if size > _LEVELS:
                held = self._history.codes[:, i]
                count = np.bincount(held[held >= 0].astype(np.int64), minlength=size)
                codes = np.sort(np.argsort(-count, kind="stable")[:_LEVELS])
            return codes.astype(np.float64)
        ends = self._distribution.family.draws(np.stack([space.lows, space.highs]).astype(space.dtype))[:, i]
        spaced = np.linspace(ends[0], ends[1], _LEVELS if not 0 < size <= _LEVELS else size)
        if 0 < size <= _LEVELS:  # exactly the values, which a log scale spaces unevenly
            codes = np.repeat(space.lows[None].astype(space.dtype), size, axis=0)
            codes[:, i] = np.arange(size)
            spaced = self._distribution.family.draws(codes)[:, i]
        return np.asarray(spaced)

    def _drawn(self, draws: Floats) -> Floats:
        """`(n_functions, k)` values of functions at `(k, n_variables)` draws."""
        means, covariance = self.evidence.posterior.joint(self._gatherer.effects(draws))
        covariance[np.diag_indices_from(covariance)] += _JITTER * self.evidence.posterior.amplitude
        factor = np.linalg.cholesky(covariance)
        return np.asarray(means + self._rng.standard_normal((_FUNCTIONS, len(means))) @ factor.T)

    def _means(self, drawn: Floats, active: Bools, warp: Warp) -> Floats:
        """`(n_functions, L)` losses, the mean over points where the variable is active."""
        if not active.any():
            return np.full((len(drawn), drawn.shape[2]), np.nan)
        return warp.losses(drawn[:, active].mean(axis=1))


def _moved(points: Floats, i: int, levels: Floats) -> Floats:
    """`(n L, n_variables)`: each of n points with variable i at each of L levels."""
    draws = np.repeat(points, len(levels), axis=0)
    draws[:, i] = np.tile(levels, len(points))
    return draws


def _shares(f: Floats) -> tuple[Floats, Floats]:
    """`(n_functions,)` S and T of `(n_functions, n, L)` f."""
    n = f.shape[1]
    rows, columns = f.mean(axis=2), f.mean(axis=1)
    within = f.var(axis=2).mean(axis=1)  # E_n(Var_l f)
    variance = within + rows.var(axis=1, ddof=1)
    # the mean over n points still varies by the interactions' n-th part
    rest = f - rows[:, :, None] - columns[:, None] + f.mean(axis=(1, 2))[:, None, None]
    main = columns.var(axis=1) - (rest**2).sum(axis=(1, 2)) / ((n - 1) * n * f.shape[2])
    variance = np.maximum(variance, 1e-300)
    return np.clip(main / variance, 0.0, 1.0), np.clip(within / variance, 0.0, 1.0)


def _interval(groups: Sequence[Any]) -> Interval:
    return Interval(*np.quantile(np.concatenate(groups), (0.5, 0.05, 0.95)).tolist())
