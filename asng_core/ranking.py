"""What better means, in one place: from losses to ranks, and from ranks to what the optimizers see of them.

Order of merit: feasible results by loss, +inf their last, then the infeasible by summed violation, then failures
(NaN). With several objectives the feasible are ordered by the number of the front they are in (fast non-dominated
sorting, Deb et al., 2002); a front would be one big tie, so within it those count for more that more hypervolume
would be lost without (two objectives; Beume, Naujoks and Emmerich, 2007), or that stand less crowded (more).
"""

from __future__ import annotations

import numpy as np

from .arrays import Bools, Floats, Ints


def ranks(losses: Floats, violations: Floats | None = None) -> Ints:
    """`(n,)` dense ranks from 0, the best, of `(n,)` or `(n, n_objectives)` losses and `(n,)` violations.

    Equals share a rank. With several objectives an evaluation has failed of which any loss is NaN.
    """
    if losses.ndim > 1:
        failed = np.isnan(losses).any(axis=1)
        feasible = ~failed if violations is None else ~failed & (violations <= 0)
        # one number each that orders them as one loss would; of the infeasible the violation alone decides
        order = np.where(failed, np.nan, 0.0)
        order[feasible] = _by_front(losses[feasible])
        return ranks(order, violations)
    if violations is None or not violations.any():
        order = losses.argsort(kind="stable")  # from the best; NaN last
        within = losses[order]
        # (n - 1,): where one is worse than the one before it, so that a new rank begins
        differs = within[1:] != within[:-1]
    else:
        kind = np.where(np.isnan(losses), 2.0, violations > 0)  # 0 feasible, 1 infeasible, 2 failed
        within = np.where(kind == 1, violations, losses)
        order = np.lexsort((within, kind))  # by the last key first
        within, kind = within[order], kind[order]
        differs = (within[1:] != within[:-1]) | (kind[1:] != kind[:-1])
    if len(within) and within[-1] != within[-1]:  # failures, which come last, share their rank
        differs &= within[:-1] == within[:-1]  # False after a NaN
    rank = np.zeros(len(losses), dtype=np.int64)
    rank[order[1:]] = np.add.accumulate(differs, dtype=np.int64)
    return rank


def midranks(ranks: Ints) -> Floats:
    """`(n,)` dense ranks, equals given the mean of the places that they share."""
    count = np.bincount(ranks)  # of each rank
    # rank r takes the places up to count.cumsum()[r] - 1; their mean is half of count[r] - 1 before the last
    places: Floats = (count.cumsum() - (count + 1) / 2)[ranks]
    return places


def utilities(ranks: Ints) -> Floats:
    """`(n,)` utilities, best positive, worst negative, sum zero, of `(n,)` dense ranks from 0, the best.

    The best ceil(n/4) get +1, the worst ceil(n/4) get -1, the others 0 (Akimoto et al., ICML 2019,
    section 4); equals share the mean of theirs, so that results all equal move nothing.
    """
    n = len(ranks)
    quarter = min(-(-n // 4), n // 2)  # a single result is neither the best nor the worst
    by_place = np.zeros(n)  # as if there were no equals
    by_place[:quarter] = 1.0
    by_place[n - quarter :] = -1.0
    if ranks.max(initial=0) == n - 1:  # no equals
        return by_place[ranks]
    equals = np.bincount(ranks)  # of each rank
    shared: Floats = np.add.reduceat(by_place, equals.cumsum() - equals) / equals
    return shared[ranks]


def scalarized(losses: Floats, rng: np.random.Generator) -> Floats:
    """`(n,)` losses of one objective: augmented Chebyshev norms of ranks under random weights (Knowles, 2006)."""
    weights = rng.dirichlet(np.ones(losses.shape[1]))  # uniform over the simplex
    each = np.stack([ranks(column) / len(column) for column in losses.T], axis=1) * weights  # (n, n_objectives)
    # Knowles' 0.05: the sum tells apart what has the same maximum, so that the dominated is worse
    norms: Floats = each.max(axis=1) + 0.05 * each.sum(axis=1)
    return np.where(np.isnan(losses).any(axis=1), np.nan, norms)


def nondominated(losses: Floats) -> Bools:
    """`(n,)`: which of `(n, n_objectives)` losses no other one dominates; equals do not dominate each other."""
    first = np.ones(len(losses), dtype=np.bool_)
    for i, loss in enumerate(losses):
        if first[i]:  # what a dominated one dominates, its dominator dominates too
            first &= ~((losses >= loss).all(axis=1) & (losses > loss).any(axis=1))
    return first


def _by_front(losses: Floats) -> Floats:
    """`(n,)` numbers that rise from the best to the worst; equals are equal."""
    order = np.zeros(len(losses))
    left, worse = np.arange(len(losses)), 0
    while len(left):
        first = nondominated(losses[left])
        members = left[first]  # of the next front
        # within it they take numbers from `worse`, how many stand in earlier fronts, those that stand out most first
        order[members] = worse + ranks(-contributions(losses[members]))
        left, worse = left[~first], worse + len(members)
    return order


def contributions(front: Floats) -> Floats:
    """`(n,)`: how much each point of a front stands out; the ends of each objective most.

    Two objectives: the hypervolume between a point and its neighbours. More: the crowding distance.
    """
    values, inverse, count = np.unique(front, axis=0, return_inverse=True, return_counts=True)
    n, m = values.shape  # of distinct points
    found = np.ones(n) if m == 2 else np.zeros(n)  # the empty product, the empty sum
    for column in map(_scaled, values.T):
        order = np.argsort(column, kind="stable")
        gap = np.full(n, np.inf)  # of the ends
        if m == 2:
            # to the next worse one: on a front that is the neighbour on one side in one objective, on the other
            # side in the other, so that the product is the rectangle that the point alone dominates
            gap[order[1:-1]] = column[order[2:]] - column[order[1:-1]]
            with np.errstate(invalid="ignore"):  # 0 * inf, at an end whose neighbour rounding has put on it
                found = np.where(np.isinf(found) | np.isinf(gap), np.inf, found * gap)
        else:
            gap[order[1:-1]] = column[order[2:]] - column[order[:-2]]
            found += gap
    result: Floats = np.where(count > 1, 0.0, found)[inverse.ravel()]  # a copy adds nothing
    return result


def _scaled(column: Floats) -> Floats:
    """One objective's losses from 0, the best finite one, to 1, the worst; infinite ones one range beyond."""
    finite = column[np.isfinite(column)] / 4  # quarters, whose differences, and one more, cannot overflow
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
    spread = high - low if high > low else 1.0
    scaled: Floats = (np.clip(column / 4, low - spread, high + spread) - low) / spread
    return scaled
