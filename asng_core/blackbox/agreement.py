"""How far losses at all fidelities agree, and what they say together of the loss at the highest: without noise.

    symbol  variable      meaning
    l                     a fidelity's position, L the highest
    z_l     z             places of the losses at l, of mean 0 and deviation 1
    t       below         z_(l-1) where it is known, else what is believed of it
    r_l     correlation   of neighbouring fidelities, beyond what the points' places tell
    rho_l   slope         of z_l on t
    delta_l               a Gaussian process over the points
    W       whitener      of the covariance of all results at l

    z_l = rho_l t + delta_l                                        (Kennedy and O'Hagan, Biometrika 87, 2000)

One kernel serves all levels, that of the search at the highest. Where every point is known at all of them this makes
them tell nothing of L that L does not tell (autokrigeability: Helterbrand and Cressie, 1994): the model is then that
of the highest alone, whatever rho. What is known below of other points moves it, and by no more than r_l allows.

W t and W z_l are what cannot be foretold from other points. Their correlation is therefore what a cheap loss is worth
beside the model, of points that it finds equally good; that of t and z_l themselves also counts that both tell
hopeless points from others. It is shrunk as if _PAIRS pairs of correlation _USUAL had been seen before, _HIGHEST of
the highest level: short trainings tell each other more than the last one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..arrays import Floats, Ints
from ..ranking import midranks, ranks
from .gaussian_process import squared_distances, squared_norms
from .kernel import Kernel

_PAIRS, _USUAL, _HIGHEST = 8.0, 0.6, 0.2
_STEEPEST = 2.0  # slope; that of few pairs is uncertain
_HELD = 200  # results of a level, half of them its best, half its newest, for O(n^3)


class Level(NamedTuple):
    """One fidelity, of whose results `(k, n_features)` scaled features are held; residuals: `(k,)`, whitened."""

    features: Floats
    whitener: Floats
    residuals: Floats
    slope: float
    correlation: float
    centre: float

    def believed(self, covariances: Floats, below: Floats, variances: Floats) -> tuple[Floats, Floats]:
        """`(m,)` means of z and their variances, of points of which so much is believed one level down.

        covariances: `(m, k)` with the points that are held.
        """
        v = covariances @ self.whitener.T
        amplitude = max(float(self.residuals @ self.residuals) / len(self.residuals), 1e-12)
        means = self.centre + self.slope * below + v @ self.residuals
        return means, self.slope**2 * variances + amplitude * np.maximum(1.0 - squared_norms(v), 0.0)


class Agreement:
    """Of `(n, n_features)` points with `(n, n_levels)` losses and status, as `runs.Table` has them.

    z: `(n, n_levels)`, NaN where not known. means: `(n,)` at the highest level.
    """

    def __init__(self, kernel: Kernel, features: Floats, losses: Floats, status: Ints) -> None:
        self._kernel, self._features, scaled = kernel, features, kernel.scaled(features)
        self._losses = np.where(status[:, -1] > 0, losses[:, -1], np.nan)
        self.z = np.full(losses.shape, np.nan)
        self.levels: list[Level | None] = []  # none without a result
        below = np.zeros(len(features))
        for i in range(losses.shape[1]):
            rows = np.flatnonzero(status[:, i] >= 0)
            level = None
            if len(rows):
                self.z[rows, i] = places = _places(np.where(status[rows, i] > 0, losses[rows, i], np.nan))
                held = rows if len(rows) <= _HELD else np.union1d(
                    rows[np.argsort(places, kind="stable")[: _HELD // 2]], rows[-_HELD // 2 :])
                usual = 0.0 if i == 0 else _USUAL if i < losses.shape[1] - 1 else _HIGHEST
                level = self._level(scaled[held], self.z[held, i], below[held], usual)
                covariances = self._covariances(scaled, level)
                below, _ = level.believed(covariances, below, np.zeros(len(below)))
            self.levels.append(level)
            below = np.where(np.isnan(self.z[:, i]), below, self.z[:, i])
        self.means = below

    def _level(self, scaled: Floats, z: Floats, below: Floats, usual: float) -> Level:
        """usual: the correlation expected beforehand; 0 of the lowest level, below which there is nothing."""
        n, kernel = len(z), self._kernel
        covariance = kernel.covariance(squared_distances(scaled, scaled))
        covariance[np.arange(n), np.arange(n)] += kernel.noise
        whitener = np.tril(np.linalg.inv(np.linalg.cholesky(covariance)))
        slope = correlation = usual
        if usual:
            ones = whitener.sum(axis=1)
            x, y = (each - ones * (ones @ each) / (ones @ ones) for each in (whitener @ below, whitener @ z))
            x_norm, y_norm = float(np.sqrt(x @ x)), float(np.sqrt(y @ y))
            if x_norm > 1e-9 and y_norm > 1e-9:
                correlation = (_PAIRS * usual + n * float(x @ y) / (x_norm * y_norm)) / (_PAIRS + n)
                slope = float(np.clip(correlation * y_norm / x_norm, -_STEEPEST, _STEEPEST))
        centre = -slope * float(below.mean())
        return Level(scaled, whitener, whitener @ (z - slope * below - centre), slope, correlation, centre)

    def _covariances(self, scaled: Floats, level: Level) -> Floats:
        return self._kernel.covariance(squared_distances(scaled, level.features))

    def beliefs(self, features: Floats, z: Floats) -> tuple[Floats, Floats]:
        """`(m,)` means and deviations at the highest level of `(m, n_features)` points, `(m, n_levels)` z of which are
        known, NaN where not."""
        scaled = self._kernel.scaled(features)
        means, variances = np.zeros((2, len(features)))
        for i, level in enumerate(self.levels):
            if level is not None:
                means, variances = level.believed(self._covariances(scaled, level), means, variances)
            unknown = np.isnan(z[:, i])
            means, variances = np.where(unknown, means, z[:, i]), np.where(unknown, variances, 0.0)
        return means, np.sqrt(variances)

    def of_known(self, rows: Ints) -> tuple[Floats, Floats]:
        """`(m,)` means and deviations of the points of these rows."""
        return self.beliefs(self._features[rows], self.z[rows])

    def losses(self, z: Floats) -> Floats | None:
        """What such means are in losses; None before there are any at the highest level."""
        known = np.flatnonzero(np.isfinite(self._losses) & np.isfinite(self.z[:, -1]))
        known = known[np.argsort(self.z[known, -1])]
        return np.interp(z, self.z[known, -1], self._losses[known]) if len(known) else None

    @property
    def correlations(self) -> list[float]:
        """Of each level with the highest."""
        found = [1.0]
        for level in self.levels[:0:-1]:
            found.insert(0, found[0] * (_USUAL if level is None else level.correlation))
        return found


def _places(losses: Floats) -> Floats:
    """`(n,)` places of `(n,)` losses, failures (NaN) last: mean 0, deviation 1, 0 if all tie; 1 if all have failed."""
    if np.isnan(losses).all():
        return np.ones(len(losses))
    found = midranks(ranks(losses))
    found = found - found.mean()
    return np.asarray(found / (found.std() or 1.0))
