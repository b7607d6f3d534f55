"""Under noise: what all results together say.

Nothing but the history and a `Kernel` goes in, so that a resumed run, and a recommendation at any time, need no more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..arrays import Bools, Codes, Floats, Ints
from ..distribution.geometry import Geometry
from ..distribution.search_distribution import n_variables
from ..ranking import midranks, ranks, scalarized
from .effects import RAMPS, Effects
from .history import History
from .sparse import Kernel, SparsePosterior, likeliest
from .warping import OFFSETS, Warp, warped

BASIS = 200  # points: with a tenth more results each time, some 0.2 ms a result


class Evidence(NamedTuple):
    """A posterior over all results, and of the distinct points, `(k,)` each: the row of the history where it is first,
    whether it has ever succeeded, and its mean on the scale of the targets, infinite if it has not."""

    posterior: SparsePosterior
    warp: Warp
    rows: Ints
    means: Floats


class Gatherer:
    """Makes evidence of a history, whose features it keeps.

    ramps, offsets: as in `effects`, `warping`; a study has one of each.
    """

    def __init__(self, geometry: Geometry, history: History, rng: np.random.Generator, ramps: int = RAMPS,
                 offsets: tuple[float | None, ...] = OFFSETS) -> None:
        self.effects, self._geometry, self._history, self._rng = Effects(geometry, ramps), geometry, history, rng
        self._d, self._offsets = n_variables(geometry.distribution.space), offsets
        self._features = np.empty((0, len(self.effects.variables)))

    def features(self) -> Floats:
        """`(n, n_features)` of all results."""
        known, history = len(self._features), self._history
        if known > len(history):  # some were taken back
            self._features = self._features[: len(history)]
        elif known < len(history):
            draws = self._geometry.distribution.draws(history.codes[known:])
            self._features = np.concatenate([self._features, self.effects(draws)])
        return self._features

    def targets(self) -> list[tuple[Warp, Floats, float]]:
        """As `warped` gives them; of several objectives places, under new weights each time."""
        history = self._history
        if history.losses.ndim == 1:
            return warped(history.losses, history.succeeded, self._offsets)
        places = midranks(ranks(scalarized(history.losses, self._rng), history.violations))
        return warped(places, np.ones(len(places), dtype=np.bool_), self._offsets[:1])

    def learned(self, kernel: Kernel) -> Kernel:
        """The likeliest kernel, near this one."""
        features, offered = self.features(), self.targets()
        rows = self._basis(offered[min(kernel.choice, len(offered) - 1)][1])[0]
        return likeliest(features, [each[1:] for each in offered], rows, kernel, self._d)

    def gathered(self, kernel: Kernel) -> Evidence:
        """All that is known."""
        offered = self.targets()
        warp, targets, _ = offered[min(kernel.choice, len(offered) - 1)]
        rows, first, succeeded = self._basis(targets)
        posterior = SparsePosterior(self.features(), targets, rows, kernel, self._d)
        means = np.where(succeeded | ~succeeded.any(), posterior.means(self.features()[first]), np.inf)
        return Evidence(posterior, warp, first, means)

    def _basis(self, targets: Floats) -> tuple[Ints, Ints, Bools]:
        """Rows of the points that the model rests on; of all distinct points, and which have succeeded."""
        first, point = distinct(self._history.codes)
        count = np.bincount(point)
        succeeded = np.bincount(point, self._history.succeeded) > 0
        if len(first) <= BASIS:
            return first, first, succeeded
        # one more evaluation, of average worth, shrinks the means of points that were seldom evaluated
        order = np.argsort(np.bincount(point, targets) / (count + 1), kind="stable")
        others = order[BASIS // 2 :]  # evenly spaced, from good to bad
        spaced = others[np.linspace(0, len(others) - 1, BASIS - BASIS // 2).astype(np.int64)]
        return first[np.concatenate([order[: BASIS // 2], spaced])], first, succeeded


def distinct(codes: Codes) -> tuple[Ints, Ints]:
    """Of `(n, n_variables)` codes: `(k,)` rows where each distinct point is first, in order, and `(n,)` the number of
    each row's point."""
    # bytes, since those of NaN, which inactive continuous variables hold, equal themselves
    rows = np.ascontiguousarray(codes).view(np.dtype((np.void, codes.dtype.itemsize * codes.shape[1]))).ravel()
    _, first, point = np.unique(rows, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[point.ravel()]
