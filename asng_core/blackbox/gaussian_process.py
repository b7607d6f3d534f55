"""Gaussian process regression, the formulas.

The covariance of two points is exp(-D / (d l)): D the squared distance of their features, each
variable's part times its relevance; d the number of variables; l the length scale. Each evaluation
adds noise variance. Targets have zero mean.

Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, chapters 2 and 5.
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Floats


def length_scales(spacing: float) -> tuple[float, ...]:
    """The grid to choose from: down to where values that far apart are as foreign to each other as two categories."""
    return tuple(0.0125 * 2.0**i for i in range(-math.ceil(-2 * math.log2(spacing)), 9))


LENGTH_SCALES = length_scales(1.0)  # where all are categories


def squared_norms(features: Floats) -> Floats:
    """`(n,)` squared norms of `(n, p)` features."""
    norms: Floats = np.einsum("ij,ij->i", features, features)
    return norms


def squared_distances(a: Floats, b: Floats, b_norms: Floats | None = None) -> Floats:
    """`(n, m)` squared distances of `(n, p)` and `(m, p)` features; the latters' squared norms may be known."""
    distances: Floats = a @ b.T
    distances *= -2
    distances += squared_norms(a)[:, None]
    distances += squared_norms(b) if b_norms is None else b_norms
    return np.maximum(distances, 0.0, out=distances)


def misfit(covariance: Floats, noise: Floats | float, targets: Floats) -> float:
    """-2 log of the marginal likelihood of `(n,)` targets at the best amplitude, up to a constant (eq. 5.8).

    One Cholesky factor gives both of its terms: of the covariance bordered by the targets, whose last
    pivot is c - t' K^-1 t.
    """
    n = len(targets)
    border = 2.0 * (targets @ targets) / np.min(noise) + 1.0
    bordered = np.empty((n + 1, n + 1))
    bordered[:n, :n] = covariance
    bordered[np.arange(n), np.arange(n)] += noise
    bordered[n, :n] = bordered[:n, n] = targets
    bordered[n, n] = border
    pivots = np.diag(np.linalg.cholesky(bordered))
    explained = max(border - float(pivots[-1]) ** 2, 1e-12)
    return n * math.log(explained / n) + 2.0 * float(np.log(pivots[:-1]).sum())


def near(value: float, grid: tuple[float, ...]) -> tuple[float, ...]:
    """The grid's entry nearest to `value` on a log scale, and those beside it."""
    i = int(np.argmin([abs(math.log(each / value)) for each in grid]))
    return grid[max(0, i - 1) : i + 2]
