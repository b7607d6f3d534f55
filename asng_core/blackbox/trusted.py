"""Under noise: the evaluated point that all the evidence together trusts most.

A single good loss proves little. A Gaussian process over the mean rank of every point, each as noisy
as its evaluations are few, shares the evidence among neighbours; the point of the best posterior mean
is recommended.
"""

from __future__ import annotations

import itertools

import numpy as np

from ..families.family import Codes, Floats, Ints
from ..search_distribution import SearchDistribution
from .fronts import merit
from .gaussian_process import LENGTH_SCALES, misfit, squared_distances
from .geometry import Geometry
from .history import History

_POINTS = 300  # the most promising by their shrunken means, if there are more
NOISES = (0.03, 0.1, 0.3, 1.0, 3.0)  # of one evaluation


def midranks(ranks: Ints) -> Floats:
    """`(n,)` dense ranks, equals given the mean of the places that they share."""
    count = np.bincount(ranks)
    places: Floats = (count.cumsum() - (count + 1) / 2)[ranks]
    return places


def most_trusted(history: History, distribution: SearchDistribution, geometry: Geometry) -> Codes:
    """`(n_variables,)` codes of the point with the best posterior mean among those evaluated."""
    ranks = midranks(merit(history.losses, history.violations))
    spread = ranks.std()
    standardized = (ranks - ranks.mean()) / (spread if spread > 0 else 1.0)
    codes, point, count = np.unique(history.codes, axis=0, return_inverse=True, return_counts=True)
    total = np.bincount(point.ravel(), standardized)
    chosen = np.argsort(total / (count + 1), kind="stable")[:_POINTS]
    codes, means, count = codes[chosen], (total / count)[chosen], count[chosen]
    draws = distribution.draws(codes)
    features = geometry.features(draws, distribution.active(draws))
    distances = squared_distances(features, features) / len(distribution.space)
    _, scale, noise = min((misfit(np.exp(-distances / scale), noise / count, means), scale, noise)
                          for scale, noise in itertools.product(LENGTH_SCALES, NOISES))
    covariance = np.exp(-distances / scale)
    posterior = covariance @ np.linalg.solve(covariance + np.diag(noise / count), means)
    best: Codes = codes[int(np.argmin(posterior))]
    return best
