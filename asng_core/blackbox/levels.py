"""What noisy losses at all fidelities together say of the loss at the highest: one posterior, level by level.

    symbol  variable     meaning
    l                    a fidelity's position, L the highest
    z_l     z            losses at l, warped (see `warping`) and in units in which they have variance 1 over the space
    t       below        z_(l-1) where it is known, else what is believed of it
    rho_l   rho          correlation of neighbouring fidelities, in [-1, 1]
    delta   posterior    a Gaussian process of its own over the points, of variance 1
    tau     tau          unit of the losses that were told, which are of a selection, whose deviation is not 1
    w_l     weights      how much the highest moves by what is not known at l: the product of the rho above

    z_0 = delta_0,    z_l = rho_l z_(l-1) + sqrt(1 - rho_l^2) delta_l

Each level is regressed on the one below, so that neighbours may agree closely and far ones little, as along a learning
curve (autoregressive co-kriging: Kennedy and O'Hagan, Biometrika 87, 2000; level by level: Le Gratiet and Garnier,
2014). What is known at a level cuts off what lies below it.

Of rho_l the whole posterior over a grid is kept, for a few pairs leave it uncertain: the mean then stands for it, and
its variance counts. A fidelity that says nothing gets rho near 0, so that the levels above rest on their own results;
one that says the opposite gets a negative one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..arrays import Bools, Floats, Ints
from .gaussian_process import squared_norms
from .posterior import Posterior
from .trust import ALONE, Trust, before, prior, regressed
from .warping import scores

_PRIOR_PAIRS = 4.0  # that the amplitude of delta is worth which rho says, against what the residuals say


class Level:
    """One fidelity. log_prior: of rho; None at the lowest, which has none below it.

    trust: what is believed of rho. acting: what is acted on, see `Levels`.
    """

    def __init__(self, posterior: Posterior, log_prior: Floats | None) -> None:
        self.posterior, self._log_prior = posterior, log_prior
        self.trust = self.acting = ALONE if log_prior is None else before(log_prior).trust
        self._spread = 1.0  # of the residuals
        self._centre = 0.0  # of what was known below, of the pairs
        self._scored: tuple[Floats, Bools, Floats] | None = None  # losses, which succeeded, their scores

    def fit(self, losses: Floats, succeeded: Bools, below: Floats, places: Ints, uniform: float | None) -> Floats:
        """`(n,)` z of `(n,)` losses, `below` what is known or believed one level down.

        places: `(k,)` rows of those that the posterior holds, in its order. uniform: see `Levels.fit`.
        """
        targets, self._centre = self._targets(losses, succeeded), float(below.mean()) if len(below) else 0.0
        if self._log_prior is not None:
            found = regressed(targets, below, self._log_prior) if len(targets) > 1 else before(self._log_prior)
            self.trust = self.acting = found.trust
            if len(targets):
                self.posterior.fit(self._residuals(targets, below)[places])  # by which it learns its kernel
            if uniform is not None:
                self.acting = found.drawn(uniform)
        if not len(targets):
            return targets
        residuals = self._residuals(targets, below)
        held = residuals[places]
        self._spread = float(held.std()) or 1.0
        self.posterior.fit(held)
        return np.asarray(residuals + self.acting.rho * below)

    def _residuals(self, targets: Floats, below: Floats) -> Floats:
        return np.asarray(targets / self.acting.tau - self.acting.rho * (below - self._centre))

    def _targets(self, losses: Floats, succeeded: Bools) -> Floats:
        """`(n,)` scores by places, of mean 0 and deviation 1."""
        if self._scored is None or not (np.array_equal(self._scored[0], losses, equal_nan=True)
                                        and np.array_equal(self._scored[1], succeeded)):
            self._scored = losses, succeeded, scores(np.where(succeeded, losses, np.nan))
        return self._scored[2]

    def believed(self, features: Floats, below: Floats) -> tuple[Floats, Floats]:
        """`(m,)` means of z, and variances of what is not known at this level and could be, which noise could not."""
        posterior, trust = self.posterior, self.acting
        scaled = posterior.scaled(features)
        v = posterior.whiten(posterior.covariances(scaled, squared_norms(scaled)))
        noise, n = posterior.kernel.noise, posterior.n
        usual = trust.rest / (1.0 + noise)
        amplitude = (_PRIOR_PAIRS * usual + n * posterior.amplitude * self._spread**2) / (_PRIOR_PAIRS + n)
        means = trust.rho * below + self._spread * (v @ posterior.whitened)
        variances = amplitude * np.maximum(1.0 - squared_norms(v), 0.0)
        return means, variances + trust.variance * (below - self._centre) ** 2

    def losses(self, z: Floats) -> Floats | None:
        """The way back, as of the last fit; None before."""
        targets = (z - self.acting.rho * self._centre) * self.acting.tau
        if self._scored is None or not np.isfinite(self._scored[0]).any():
            return None
        order = np.flatnonzero(np.isfinite(self._scored[0]) & self._scored[1])
        order = order[np.argsort(self._scored[2][order])]
        return np.interp(targets, self._scored[2][order], self._scored[0][order]) if len(order) else None

    def mark(self) -> tuple[Any, ...]:
        return self.posterior.mark(), self.trust, self.acting, self._spread, self._centre

    def back(self, mark: tuple[Any, ...]) -> None:
        posterior, self.trust, self.acting, self._spread, self._centre = mark
        self.posterior.back(posterior)

    def state(self) -> dict[str, Any]:
        return {"posterior": self.posterior.state(), "trust": list(self.trust), "acting": list(self.acting),
                "spread": self._spread, "centre": self._centre}

    def load(self, state: Mapping[str, Any]) -> None:
        self.posterior.load(state["posterior"])
        self.trust, self.acting = _loaded(state["trust"]), _loaded(state["acting"])
        self._spread = checks.real("spread", state["spread"], above=0)
        self._centre = checks.real("centre", state["centre"])


def _loaded(state: Any) -> Trust:
    found = Trust(*(checks.real("trust", each) for each in state))
    if abs(found.rho) > 1 or not 0.1 < found.tau < 100 or not all(
            0 <= each <= 1 for each in (found.variance, found.rest, found.useless)):
        raise ValueError("a level's trust must be of correlations.")
    return found


class Beliefs(NamedTuple):
    """Of points: `(m,)` means at the highest fidelity, and `(m, n_levels)` deviations by which each level, once known,
    moves them: 0 where it is known."""

    means: Floats
    steps: Floats

    @property
    def deviations(self) -> Floats:
        """`(m,)` of the highest."""
        return np.asarray(np.sqrt(squared_norms(self.steps)))


class Levels:
    """All of them, lowest first.

    z: `(n_points, n_levels)` of the points as of the last fit, NaN where not known. means: `(n_points,)`, highest.
    """

    def __init__(self, posteriors: list[Posterior], ratios: list[float]) -> None:
        self.levels = [Level(posterior, prior(ratios[i - 1]) if i else None)
                       for i, posterior in enumerate(posteriors)]
        self.z, self.means = np.empty((0, len(self.levels))), np.empty(0)

    def add(self, level: int, row: int, features: Floats) -> None:
        """A point, by its row, is going to be evaluated at this level."""
        posterior = self.levels[level].posterior
        if row not in posterior.told and row not in posterior.pending:
            posterior.add(row, features)

    def observe(self, level: int, row: int, features: Floats) -> None:
        """It has been."""
        posterior = self.levels[level].posterior
        if not posterior.observe(row):
            posterior.add(row, features)
            posterior.observe(row)

    def fit(self, features: Floats, losses: Floats, status: Ints, uniforms: Floats | None = None) -> None:
        """Learn `(n_points, n_levels)` losses, NaN where there is none or it failed, of `(n_points, n_features)`.

        uniforms: `(n_levels,)` in [0, 1): by these one rho of each level is drawn from its posterior and acted on.
        status: `(n_points, n_levels)`: 1 where there is one that counts, 0 where it failed, -1 where there is none.
        """
        z: Floats = np.full(losses.shape, np.nan)
        below: Floats = np.zeros(len(losses))  # z one level down, believed where it is not known
        for i, level in enumerate(self.levels):
            rows = np.flatnonzero(status[:, i] >= 0)
            z[rows, i] = level.fit(losses[rows, i], status[rows, i] > 0, below[rows],
                                   np.searchsorted(rows, level.posterior.told),
                                   None if uniforms is None else float(uniforms[i]))
            means, _ = level.believed(features, below)
            z[rows, i] = means[rows]  # what was told is smoothed
            below = np.where(np.isnan(z[:, i]), means, z[:, i])
        self.z, self.means = z, below

    def beliefs(self, features: Floats, z: Floats) -> Beliefs:
        """Of `(m, n_features)` points, `(m, n_levels)` z of which are known, NaN where not."""
        means, variances = np.zeros(len(features)), list[Floats]()
        for i, level in enumerate(self.levels):
            known = ~np.isnan(z[:, i])
            believed, variance = level.believed(features, means)
            means = np.where(known, z[:, i], believed)
            variances = [np.where(known, 0.0, (level.acting.rho**2 + level.acting.variance) * each)
                         for each in variances]
            variances.append(np.where(known, 0.0, variance))
        return Beliefs(means, np.sqrt(np.stack(variances, axis=1)))

    def correlations(self) -> list[float]:
        """Of each level with the highest."""
        found = [1.0]
        for level in self.levels[:0:-1]:
            found.insert(0, found[0] * level.trust.rho)
        return found

    def odds(self) -> float:
        """That what is far down tells anything of the highest, by the pairs: no level between is useless."""
        tells = math.prod(1.0 - level.trust.useless for level in self.levels[1:])
        return tells / max(1.0 - tells, 1e-12)

    # state

    def mark(self) -> Any:
        """What `back` needs."""
        return [level.mark() for level in self.levels], self.z, self.means

    def back(self, mark: Any) -> None:
        """Be as at `mark()`. It may be called again with the same mark."""
        levels, self.z, self.means = mark
        for level, own in zip(self.levels, levels, strict=True):
            level.back(own)

    def state(self) -> dict[str, Any]:
        return {"levels": [level.state() for level in self.levels], "z": np.nan_to_num(self.z),
                "known": ~np.isnan(self.z), "means": self.means.copy()}

    def load(self, state: Mapping[str, Any], n_points: int) -> None:
        """Take what `state()` gave, of up to `n_points`. Raises ValueError, TypeError or KeyError for anything else."""
        for level, own in zip(self.levels, state["levels"], strict=True):
            level.load(own)
            if (set(level.posterior.told.tolist()) | set(level.posterior.pending.tolist())) - set(range(n_points)):
                raise ValueError("the model holds points that are not there.")
        n, known = len(state["z"]), np.asarray(state["known"])
        if n > n_points or known.shape != (n, len(self.levels)) or known.dtype != np.bool_:
            raise ValueError("the model's z must be of points that are there.")
        self.z = np.where(known, checks.state_array(state["z"], known.shape), np.nan)
        self.means = checks.state_array(state["means"], (n,))
