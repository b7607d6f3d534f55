"""Under noise: which of the evaluated points all the evidence together trusts.

A single good loss proves little. A Gaussian process over the mean rank of every point, each as noisy
as its evaluations are few, shares the evidence among neighbours. The point of the best posterior mean
is recommended; those that may yet be the best are evaluated again, which is how the evidence grows
where it decides (as in racing, Maron and Moore, 1994).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Codes, Floats
from ..distribution.search_distribution import SearchDistribution
from ..ranking import midranks, ranks
from .gaussian_process import LENGTH_SCALES, NOISES, log_marginal_likelihood, squared_distances
from .history import History

Features = Callable[[Floats], Floats]  # of `(n, n_variables)` draws
_SCALES, _NOISES = LENGTH_SCALES[1::2], NOISES[1:]  # half the grids do as well, at half the time
_POINTS = 150  # points that the model holds, the most promising by their shrunken means: its likelihoods are O(n^3)
_FINALISTS = 10  # with half of all evaluations, each is evaluated again about once in 20
_GROWTH = 1.5  # of the evidence, after which the finalists are chosen anew: seldom, as that costs O(n^3) too


def evidence(history: History, distribution: SearchDistribution, features: Features) -> tuple[Codes, Floats, Floats]:
    """`(n, n_variables)` codes of the most promising points, means and standard deviations of their ranks.

    `features` gives those of draws, in which relevant variables have the larger part. The mean of a point that
    has never succeeded is infinite, unless none has.
    """
    # ranks stand for losses: noise and outliers cannot be larger than the field
    places = midranks(ranks(history.losses, history.violations))
    spread = places.std()
    standardized = (places - places.mean()) / (spread if spread > 0 else 1.0)  # (n_evaluations,)
    # distinct points: where each is first, the point of each evaluation, the number of each point's evaluations. NaN,
    # which inactive continuous variables hold, would equal nothing: a number that no code is stands for it
    comparable = np.where(np.isnan(history.codes), -np.inf, history.codes) if distribution.space.continuous.any(
        ) else history.codes
    _, first, point, count = np.unique(comparable, axis=0, return_index=True, return_inverse=True, return_counts=True)
    codes = history.codes[first]
    total = np.bincount(point.ravel(), standardized)  # over each point's evaluations, (n_points,)
    succeeded = np.bincount(point.ravel(), history.succeeded) > 0
    # one more evaluation, of average rank, shrinks the means of points that were seldom evaluated
    chosen = np.lexsort((total / (count + 1), ~succeeded))[:_POINTS]
    codes, observed, count = codes[chosen], (total / count)[chosen], count[chosen]  # observed: mean places, (n,)
    points = features(distribution.draws(codes))
    distances = squared_distances(points, points) / len(distribution.space)  # (n, n), mean over the variables
    covariances = {scale: np.exp(-distances / scale) for scale in _SCALES}
    # scale and noise of the highest likelihood; the mean of `count` evaluations has 1/count of the noise of one
    _, scale, noise = min((-log_marginal_likelihood(covariances[scale], noise / count, observed), scale, noise)
                          for scale, noise in itertools.product(covariances, _NOISES))
    covariance = covariances[scale]
    solved = np.linalg.solve(covariance + np.diag(noise / count), np.column_stack([covariance, observed]))
    gain, weights = solved[:, :-1], solved[:, -1]  # (C + N)^-1 C, (n, n), and (C + N)^-1 y, (n,)
    # the likeliest variance of the process; above 0, since deviations order the finalists even where all are equal
    amplitude = max(float(observed @ weights) / len(observed), 1e-12)
    variances = np.maximum(1.0 - np.einsum("ij,ij->j", covariance, gain), 0.0) * amplitude  # diag(C - C (C + N)^-1 C)
    # what has never succeeded is evidence, and no candidate
    means = np.where(succeeded[chosen] | ~succeeded.any(), covariance @ weights, np.inf)
    return codes, means, np.sqrt(variances)


class Finalists:
    """The points that may be the best, by the evidence of when they were last chosen."""

    def __init__(self) -> None:
        self._draws: Floats | None = None
        self._evidence = 0  # evaluations when they were chosen

    def draws(self, history: History, distribution: SearchDistribution, features: Features) -> Floats:
        """`(n, n_variables)` draws that stand for them; chosen anew once the evidence has grown by half."""
        if self._draws is None or len(history) >= _GROWTH * self._evidence:
            codes, means, deviations = evidence(history, distribution, features)
            # the lowest bounds: a point little known is worth another look
            self._draws = distribution.draws(codes[np.argsort(means - deviations, kind="stable")[:_FINALISTS]])
            self._evidence = len(history)
        return self._draws

    def mark(self) -> tuple[Floats | None, int]:
        """What `back` needs."""
        return self._draws, self._evidence

    def back(self, mark: tuple[Floats | None, int]) -> None:
        """Be as at `mark()`."""
        self._draws, self._evidence = mark

    def state(self) -> dict[str, Any]:
        """The draws, and the number of evaluations by which they were chosen."""
        return {"draws": None if self._draws is None else self._draws.copy(), "evidence": self._evidence}

    def load(self, state: Mapping[str, Any], distribution: SearchDistribution) -> None:
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
        draws = state["draws"]
        self._draws = None if draws is None else distribution.checked_draws(draws, len(draws))
        if draws is not None and not len(draws):
            raise ValueError("there must be a finalist, or None.")
        self._evidence = checks.integer("evidence", state["evidence"], minimum=0)
