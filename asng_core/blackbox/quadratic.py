"""Where a quadratic through good points has its minimum: how the Reals of a smooth function are settled.

    symbol   variable    meaning
    k                    Reals that are active at the best point; the points share all else with it
    u        offsets     (n, k) Reals less the best point's, over their largest offsets
    y        losses      (n,) on 0..1
    g, H     slope,      of the fit y ~ c + g'u + u'H u / 2, by least squares
             curvature

The step is -|H|^-1 g, the eigenvalues of H made positive, and no longer than two of the points' spreads: what they say
of what is farther away is not to be believed (a trust region; Conn, Gould and Toint, 2000).
"""

from __future__ import annotations

import numpy as np

from ..arrays import Floats
from ..distribution.geometry import Geometry
from .history import History

_MOST = 10  # Reals: 66 coefficients, of which a fit takes about a millisecond
_RECENT = 1000  # evaluations that are looked through, so that a proposal costs the same however long a run is
_FLATTEST = 1e-4  # eigenvalue of H relative to the largest, below which it is what the fit got wrong
_LONGEST = 2.0
_AROUND = 0.1  # the third proposal's distance from the minimum, in spreads, lest all points lie in a plane


def proposals(history: History, best: int, geometry: Geometry, rng: np.random.Generator) -> Floats:
    """`(3, n_variables)` draws: the minimum, a point on the way there, and one around it; `(0, n_variables)` where too
    few points agree with row `best` of the history in all that is no Real, or their losses are no finite numbers."""
    none = np.empty((0, len(geometry.sizes)))
    codes, losses = history.codes[-_RECENT:], history.losses[-_RECENT:]
    centre, continuous = history.codes[best], geometry.sizes == 0
    reals = np.flatnonzero(continuous & ~np.isnan(centre))
    if losses.ndim > 1 or not 0 < len(reals) <= _MOST:
        return none
    n_coefficients = (len(reals) + 1) * (len(reals) + 2) // 2
    agreeing = ((codes == centre) | continuous).all(axis=1) & history.succeeded[-_RECENT:] & np.isfinite(losses)
    rows = np.flatnonzero(agreeing)
    if len(rows) <= n_coefficients:
        return none
    rows = rows[np.argsort(losses[rows], kind="stable")][: 2 * n_coefficients]  # the best, twice as many as needed
    middle = geometry.distribution.draws(centre[None])
    offsets = (geometry.distribution.draws(codes[rows]) - middle)[:, reals]
    spreads = np.abs(offsets).max(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (losses[rows] - losses[rows[0]]) / (losses[rows[-1]] - losses[rows[0]])
    if not (spreads.all() and np.isfinite(scaled).all()):
        return none
    step = spreads * newton(offsets / spreads, scaled)
    draws: Floats = np.repeat(middle, 3, axis=0)
    draws[0, reals] += step
    draws[1, reals] += step * rng.random()
    draws[2, reals] += step + _AROUND * spreads * rng.standard_normal(len(reals))
    return geometry.moved(draws, np.zeros(draws.shape))


def newton(offsets: Floats, losses: Floats) -> Floats:
    """`(k,)`: the step from the origin to the minimum of a quadratic through `(n,)` losses at `(n, k)` offsets."""
    k = offsets.shape[1]
    i, j = np.triu_indices(k)
    terms = np.concatenate([np.ones((len(offsets), 1)), offsets, offsets[:, i] * offsets[:, j]], axis=1)
    coefficients = np.linalg.lstsq(terms, losses, rcond=None)[0]
    slope, curvature = coefficients[1 : k + 1], np.zeros((k, k))
    curvature[i, j] = coefficients[k + 1 :]
    values, vectors = np.linalg.eigh(curvature + curvature.T)  # the diagonal twice: of u'H u / 2
    values = np.maximum(np.abs(values), max(_FLATTEST * np.abs(values).max(), 1e-12))
    step: Floats = -vectors @ ((vectors.T @ slope) / values)
    return step * min(1.0, _LONGEST / max(float(np.linalg.norm(step)), 1e-12))
