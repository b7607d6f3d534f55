"""How the points of a space lie to each other: features for a model, neighbours, and points anywhere.

Points are `(n, n_variables)` draws, the coordinates in which a family samples; whatever an inactive
variable holds is without meaning.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Floats, Ints
from .search_distribution import SearchDistribution

# Probability that the variable just chosen is the last to change: 1/0.7 = 1.43 change on average. A neighbour is a step
# of local search more often than not, yet what two or three variables must do together is found too.
_LAST = 0.7
_POWER = 1.5  # of the heavy-tailed number of variables that change, as Doerr et al. recommend
_FINEST = 1e-3  # smallest move of an ordered variable, relative to its range; of a grid's, half a step


class Geometry:
    """The draws of one distribution's space.

    The squared distance of the features of two points is the sum over variables of: 1 for different
    categories, the squared difference over the squared range for ordered values, and something between
    where a variable is active in only one of the points.

    varying: the variables with several values.
    spacing: of neighbouring values, the least of any variable, relative to its range, 0.002 if that is finer; 1 where
        all are categories.
    n_precisions: summed over variables, the precisions that neighbours come in: 1 of categories, of an ordered one
        the natural log of its range over its finest move, at least 1.
    """

    def __init__(self, distribution: SearchDistribution) -> None:
        self.distribution = distribution
        space, family = distribution.space, distribution.family
        self.sizes = space.sizes
        ordered = np.array([variable.ordered for variable in space.variables.values()]) & (self.sizes != 1)
        # (n_variables,) coordinates of the first and the last codes; of categories 0 and K - 1, which only pairs use
        low, high = (family.draws(codes.astype(space.dtype)) for codes in (space.lows, space.highs))
        self.varying = np.flatnonzero(self.sizes != 1)
        self._ordered = np.flatnonzero(ordered)
        self._places = np.full(len(self.sizes), -1)  # among the ordered variables, -1 of the others
        self._places[self._ordered] = np.arange(len(self._ordered))
        self._low, self._range = low[self._ordered], (high - low)[self._ordered]
        # (n_ordered,): half a step of a grid, relative to its range; less would mostly round back. 0 of a continuum
        steps = np.where(self.sizes > 1, 0.5 / np.maximum(self.sizes - 1, 1), 0.0)[self._ordered]
        self._finest = np.log(np.maximum(steps, _FINEST))  # (n_ordered,): `neighbours` draws log-scales from here to 0
        # two half steps; log(1/2) where there is no ordered variable, which makes 1
        self.spacing = float(2 * np.exp(self._finest.min(initial=np.log(0.5))))
        self.n_precisions = float(len(self.varying) + np.maximum(-self._finest - 1, 0.0).sum())
        self._unordered = np.flatnonzero(~ordered)
        self._categories = self.sizes[self._unordered]
        line = ordered | (self.sizes == 2)  # one column: two categories are the ends of a line
        self._line = np.flatnonzero(line & (self.sizes != 1))
        self._middle = (low + high)[self._line] / 2
        self._width = (high - low)[self._line]
        self._one_hot = np.flatnonzero(~line & (self.sizes != 1))
        several = self.sizes[self._one_hot]
        # (n_variables,) equal numbers for variables whose coordinates mean the same, and whether there are several
        ends = np.stack([low, high, ordered])
        self._kinds = np.unique(ends, axis=1, return_inverse=True)[1].ravel()
        self._paired = (np.bincount(self._kinds)[self._kinds] > 1) & (self.sizes != 1)
        # features: first those on lines, then K columns for each variable of K > 2 categories
        self._starts = len(self._line) + np.cumsum(several) - several
        self.variables = np.concatenate([self._line, np.repeat(self._one_hot, several)])  # of each feature

    def features(self, draws: Floats, *, conditions: bool = True) -> Floats:
        """`(n, n_features)`, each of one of `variables`; an inactive variable is as far from each of its values.

        conditions: False, as if every variable were active.
        """
        conditional = conditions and self.distribution.space.conditions is not None
        active = self.distribution.active(draws) if conditional else None
        features = np.zeros((len(draws), len(self.variables)))
        on_line = (draws[:, self._line] - self._middle) / self._width  # (n, n_lines), -1/2 to 1/2 within the range
        # the tails of a Gaussian stand for the ends of the range
        features[:, : len(self._line)] = np.clip(on_line, -0.5, 0.5)
        if active is not None:  # an inactive one is in the middle
            features[:, : len(self._line)] *= active[:, self._line]
        if len(self._one_hot):
            columns = draws[:, self._one_hot].astype(np.int64) + self._starts  # (n, n_one_hot), of the categories drawn
            # two different categories differ in two columns: (1/2) + (1/2) = 1, the square of their distance
            present = np.sqrt(0.5) if active is None else np.sqrt(0.5) * active[:, self._one_hot]
            features[np.arange(len(draws))[:, None], columns] = present
        return features

    def anywhere(self, n: int, rng: np.random.Generator) -> Floats:
        """`(n, n_variables)` draws, uniform over categories and along the axes of ordered values."""
        draws = np.zeros((n, len(self.sizes)))  # along a log axis: uniform in the logarithm
        draws[:, self._unordered] = rng.integers(0, self._categories, (n, len(self._unordered)))
        draws[:, self._ordered] = self._low + self._range * rng.random((n, len(self._ordered)))
        return draws

    def skewed(self, n: int, rng: np.random.Generator) -> Floats:
        """`(n, n_variables)` draws that lean, each as a whole, to the first values, the last ones, or some in between.

        What constraints ask of many variables together is all but never met by independent ones: of 50 fair coins, 10
        or fewer show heads once in 80,000 times. Here about any number does as often as another. A variable has
        the value that all lean to with a probability of the draw's own; else any, along an axis one in a part of the
        range around it, of a size of the draw's own.
        """
        share, size, target = rng.random((3, n, 1))
        end = rng.integers(0, 3, (n, 1))  # 0, 1: the ends of the ranges
        target = np.where(end == 2, target, end)
        leans = rng.random((n, len(self.sizes))) < share
        at = rng.random((n, len(self.sizes)))  # in 0..1
        draws = np.zeros(at.shape)
        categories = np.where(leans, target, at)[:, self._unordered] * self._categories
        draws[:, self._unordered] = np.minimum(np.floor(categories), self._categories - 1)
        along = np.where(leans, target, target + size * (at - target))[:, self._ordered]
        draws[:, self._ordered] = self._low + self._range * along
        return draws

    def moved(self, draws: Floats, steps: Floats) -> Floats:
        """`(n, n_variables)` draws displaced along the axes of ordered values, within their ranges; categories stay."""
        moved: Floats = draws.copy()
        along = (draws + steps)[:, self._ordered]
        moved[:, self._ordered] = np.clip(along, self._low, self._low + self._range)
        return moved

    def exchanged(self, draws: Floats, rng: np.random.Generator) -> Floats:
        """Each draw with the values of two variables of one kind exchanged, which no sum over them notices.

        A draw in which no two such variables differ stays as it is.
        """
        n, d = draws.shape
        order = rng.random((n, d))
        first = np.argmax(np.where(self._paired, order, -1.0), axis=1)  # (n,) a variable that has others of its kind
        rows = np.arange(n)
        other = (self._kinds == self._kinds[first][:, None]) & (draws != draws[rows, first][:, None])
        second = np.argmax(np.where(other, order, -1.0), axis=1)
        second = np.where(other.any(axis=1), second, first)
        changed: Floats = draws.copy()
        changed[rows, first], changed[rows, second] = draws[rows, second], draws[rows, first]
        return changed

    def neighbours(self, draws: Floats, rng: np.random.Generator, *, heavy_tailed: bool = False) -> Floats:
        """One neighbour of each draw: in 1 + Geometric variables categories change, ordered values move near by.

        An ordered value moves by a Gaussian whose scale is log-uniform between the finest move and the range,
        so that every precision has its turn.

        heavy_tailed: the number of variables, up to half of them, is of a power law (Doerr et al., GECCO 2017).
        """
        n, d = draws.shape
        changed = np.empty((n, d))  # as if every variable changed; those chosen below are taken from it
        # (n, n_unordered) other categories, uniform over the K - 1: 1..K - 1 further on, around the end
        others = rng.integers(0, np.maximum(self._categories - 1, 1), (n, len(self._unordered)))
        changed[:, self._unordered] = (draws[:, self._unordered] + 1 + others) % self._categories
        shape = (n, len(self._ordered))
        # a small move on a grid may round back to the same value: what is known already is sorted out by `memo`
        scale = self._range * np.exp(rng.uniform(self._finest, 0.0, shape))
        moved = draws[:, self._ordered] + scale * rng.standard_normal(shape)
        changed[:, self._ordered] = np.clip(moved, self._low, self._low + self._range)
        count = self._heavy_tailed(n, rng) if heavy_tailed else rng.geometric(_LAST, n)
        chosen = np.zeros((n, d), dtype=np.bool_)
        order = rng.random((n, len(self.varying))).argsort(axis=1)  # a random permutation in each row
        chosen[:, self.varying] = order < np.reshape(count, (n, 1))  # `count` variables of each
        return np.where(chosen, changed, draws)

    def changed(self, draw: Floats, variable: int, rng: np.random.Generator) -> Floats:
        """A `(n_variables,)` draw with one of the `varying` variables changed, as `neighbours` changes it."""
        i, changed = self._places[variable], np.array(draw)
        if i < 0:
            size = self.sizes[variable]
            changed[variable] = (draw[variable] + 1 + rng.integers(size - 1)) % size
        else:
            scale = self._range[i] * np.exp(rng.uniform(self._finest[i], 0.0))
            moved = draw[variable] + scale * rng.standard_normal()
            changed[variable] = np.clip(moved, self._low[i], self._low[i] + self._range[i])
        return changed

    def _heavy_tailed(self, n: int, rng: np.random.Generator) -> Ints:
        """`(n,)` numbers of variables."""
        # P(k) ~ k^-1.5 for k = 1..n_varying/2, drawn by its inverse distribution function
        cumulated = np.cumsum(np.arange(1, max(len(self.varying) // 2, 1) + 1) ** -_POWER)
        numbers: Ints = 1 + np.searchsorted(cumulated, rng.random(n) * cumulated[-1])
        return numbers
