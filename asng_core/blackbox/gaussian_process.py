"""Gaussian process regression, the formulas.

    symbol  variable      meaning
    X       features      (n, p) features of n points, each column times the root of its variable's relevance
    K       covariance    (n, n) covariance of the results at X: falls with D / (d l); noise on the diagonal
    D       distances     (n, n) squared distances of the rows of X; d the number of variables, l the length scale
    t       targets       (n,) results, of mean zero
    L       factor        lower triangle, K = L L'
    W       whitener      L^-1: NumPy has no triangular solver, and one product with W costs less than a general one
    z       whitened      (n,) W t
    k, v                  (n,) covariances of another point with X, and W k

With the amplitude z'z / n, which is the likeliest, the posterior of another point has

    mean  k'K^-1 t = v'z        variance  (1 - k'K^-1 k) * amplitude = (1 - v'v) * amplitude        (eq. 2.25, 2.26)

One more point, of covariances k with X, extends the factor by a row, and its inverse too:

    L+ = [ L   0 ]     W+ = [    W        0  ]     w = W k,    l^2 = 1 + noise - w'w
         [ w'  l ]          [ -w'W / l   1/l ]

so that its own v is known from w alone, and a v from before grows by (k+ - v'w) / l, k+ being its covariance with
the new point. If the new point's result is taken to be its mean, w'z, then z grows by 0.

Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, chapters 2 and 5.
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Floats


def length_scales(spacing: float) -> tuple[float, ...]:
    """The grid to choose from, each twice the one before: from 0.0125, where two categories of one variable are all
    but independent for d up to 20, to 3.2, where a function is close to linear.

    spacing: of neighbouring values, relative to their range. The grid goes down to where values that far apart are
        as foreign to each other as two categories are at 0.0125.
    """
    return tuple(0.0125 * 2.0**i for i in range(-math.ceil(-2 * math.log2(spacing)), 9))


LENGTH_SCALES = length_scales(1.0)  # where all are categories
NOISES = (0.03, 0.1, 0.3, 1.0, 3.0)  # variances of one evaluation to choose from, relative to the function's amplitude


def squared_norms(features: Floats) -> Floats:
    """`(n,)` squared norms of `(n, p)` features."""
    norms: Floats = np.einsum("ij,ij->i", features, features)
    return norms


def squared_distances(a: Floats, b: Floats, a_norms: Floats | None = None, b_norms: Floats | None = None) -> Floats:
    """`(n, m)` squared distances of `(n, p)` and `(m, p)` features, whose squared norms may be known."""
    distances: Floats = a @ b.T
    distances *= -2
    distances += (squared_norms(a) if a_norms is None else a_norms)[:, None]
    distances += squared_norms(b) if b_norms is None else b_norms
    return np.maximum(distances, 0.0, out=distances)  # cancellation may have left a little less than zero


def log_marginal_likelihood(covariance: Floats, noise: Floats | float, targets: Floats) -> float:
    """That of `(n,)` targets at the likeliest amplitude, up to a constant (eq. 5.8).

    covariance: `(n, n)`, without the noise.

    One Cholesky factor gives both of its terms: of K bordered by t, with a corner c so large that the matrix is
    positive definite; its last pivot is then the root of c - t'K^-1 t, the others give log det K.
    """
    n = len(targets)
    corner = 2.0 * (targets @ targets) / np.min(noise) + 1.0  # t'K^-1 t is at most t't / noise
    bordered = np.empty((n + 1, n + 1))
    bordered[:n, :n] = covariance
    bordered[np.arange(n), np.arange(n)] += noise
    bordered[n, :n] = bordered[:n, n] = targets
    bordered[n, n] = corner
    pivots = np.diag(np.linalg.cholesky(bordered))
    explained = max(corner - float(pivots[-1]) ** 2, 1e-12)  # of targets all equal nothing is left to explain
    return -0.5 * (n * math.log(explained / n) + 2.0 * float(np.log(pivots[:-1]).sum()))


def near(value: float, grid: tuple[float, ...]) -> tuple[float, ...]:
    """The grid's entry nearest to `value` on a log scale, and those beside it."""
    i = int(np.argmin([abs(math.log(each / value)) for each in grid]))
    return grid[max(0, i - 1) : i + 2]
