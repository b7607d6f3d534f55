"""The features under noise, and descent on what a model says of them, variable by variable.

Noise is averaged over all results that share something, so that what a variable does by itself must be within the reach
of a model of long length scale, whatever the shape of it. A category has a feature of its own; an ordered variable
gets up to RAMPS features, each of which rises along its part of the range:

    squared distance of two values = their distance relative to the range, or less within one ramp

as the covariance of a random walk has it. With one feature, as without noise, a long length scale knows of straight
lines only, and of a valley not before it also reckons with the interactions of all variables.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Floats, Ints
from ..distribution.geometry import Geometry
from .gaussian_process import squared_distances, squared_norms

RAMPS = 10
_LEVELS = 20  # values of a variable that are all tried; of more, so many evenly spaced ones, and the present ones


class Effects:
    """The features of a geometry's draws: `variables` `(n_features,)`, which variable each is of."""

    def __init__(self, geometry: Geometry, ramps: int = RAMPS) -> None:
        self._geometry, space = geometry, geometry.distribution.space
        sizes, given = geometry.sizes, geometry.variables
        ordered = np.array([variable.ordered for variable in space.variables.values()]) & (sizes != 2) & (sizes != 1)
        many = np.where(sizes > 0, np.minimum(sizes - 1, ramps), ramps)  # (n_variables,)
        self._plain = np.flatnonzero(~ordered[given])
        along = np.flatnonzero(ordered[given])  # features that stand for a whole range, -1/2 to 1/2
        count = many[given[along]]
        self._along, self._count = np.repeat(along, count), np.repeat(count, count).astype(np.float64)
        self._start = np.arange(len(self._along)) - np.repeat(np.cumsum(count) - count, count)
        self.variables: Ints = np.concatenate([given[self._plain], given[self._along]])
        self._varying = np.flatnonzero(sizes != 1)
        distribution = geometry.distribution
        ends = distribution.draws(np.stack([space.lows, space.highs]).astype(space.dtype))
        self._levels = {i: np.arange(sizes[i], dtype=np.float64) if not ordered[i] or 0 < sizes[i] <= _LEVELS
                        else np.linspace(ends[0, i], ends[1, i], _LEVELS) for i in self._varying.tolist()}
        self._grid = {i for i in self._levels if ordered[i] and not 0 < sizes[i] <= _LEVELS}
        self._own = {i: np.flatnonzero(self.variables == i) for i in self._levels}
        self._conditional = set(np.flatnonzero(space.conditional).tolist())
        self._parents = set() if space.conditions is None else set(space.conditions.parents)
        self._any = ends[:1]  # a draw, for its shape
        # of many categories each has a feature of its own, and nothing in the others: no table of those is made
        self._one_hot = {i for i in self._levels if not ordered[i] and sizes[i] > 2}
        self._at_levels = {i: self._alone(i, levels) for i, levels in self._levels.items() if i not in self._one_hot}

    def __call__(self, draws: Floats) -> Floats:
        """`(n, n_features)` of `(n, n_variables)` draws."""
        return self._ramped(self._geometry.features(draws))

    def _ramped(self, given: Floats) -> Floats:
        """`(n, n_features)`, of `(n, p)` features of the geometry."""
        ramps = np.clip(self._count * (given[:, self._along] + 0.5) - self._start, 0.0, 1.0) / np.sqrt(self._count)
        return np.concatenate([given[:, self._plain], ramps], axis=1)

    def _alone(self, i: int, values: Floats) -> Floats:
        """`(k, n_own)` features of a variable's `(k,)` values, where it is active."""
        draws = np.repeat(self._any, len(values), axis=0)
        draws[:, i] = values
        return self._ramped(self._geometry.features(draws, conditions=False))[:, self._own[i]]

    def _of_categories(self, i: int, own: Floats) -> Floats:
        """`(k, m)` squared distances of a variable's k categories from `(m, k)` features of it."""
        feature = self._alone(i, np.zeros(1))[0, 0]  # of the first category, as of each
        distances: Floats = own.T * (-2 * feature)
        distances += feature * feature
        distances += squared_norms(own)
        return np.maximum(distances, 0.0, out=distances)

    def descended(self, draws: Floats, basis: Floats, weights: Floats, reach: float,
                  rng: np.random.Generator) -> Floats:
        """`(n, n_variables)` draws, each moved to the least of its function, one variable after another.

        basis: `(m, n_features)`. weights: `(n, m)`, of the functions sum_j w_j exp(-D(x, basis_j) / reach).
        """
        draws = draws.copy()
        terms = np.exp(squared_distances(self(draws), basis) / -reach)  # (n, m), of the present draws
        for i in rng.permutation(self._varying).tolist():
            if i in self._parents:
                draws, terms = self._decided(i, draws, terms, basis, weights, reach, rng)
                continue
            rows = np.arange(len(draws))
            if i in self._conditional:  # where it is inactive it makes no difference
                rows = rows[self._geometry.distribution.active(draws)[:, i]]
            levels, own = self._levels[i], basis[:, self._own[i]]
            if i in self._one_hot:
                distances = self._of_categories(i, own)
            elif i in self._grid:
                levels = np.union1d(levels, draws[rows, i])
                distances = squared_distances(self._alone(i, levels), own)
            else:
                distances = squared_distances(self._at_levels[i], own)
            part = np.exp(distances / -reach)  # (k, m): what each value contributes to the terms
            at = np.minimum(np.searchsorted(levels, draws[rows, i]), len(levels) - 1)
            others = terms[rows] / part[at]
            best = np.argmin((weights[rows] * others) @ part.T, axis=1)
            terms[rows] = others * part[best]
            draws[rows, i] = levels[best]
        return draws

    def _decided(self, i: int, draws: Floats, terms: Floats, basis: Floats, weights: Floats, reach: float,
                 rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draws and terms, the variable where it is best, with whatever becomes active; of many values some tried."""
        levels = self._levels[i]
        least = (weights * terms).sum(axis=1)
        for level in levels if len(levels) <= _LEVELS else rng.choice(levels, _LEVELS, replace=False):
            other = draws.copy()
            other[:, i] = level
            its = np.exp(squared_distances(self(other), basis) / -reach)
            values = (weights * its).sum(axis=1)
            better = values < least
            draws, terms = np.where(better[:, None], other, draws), np.where(better[:, None], its, terms)
            least = np.where(better, values, least)
        return draws, terms
