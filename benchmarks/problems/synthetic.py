"""Synthetic problems of discrete and mixed variables whose optimum is known: a light suite, offline.

Every problem states its least loss and a point that has it; `test_synthetic.py` proves both by
enumeration. d variables of k values each, with the optimum at `target`, `(d,)` codes, or where `seed` puts
it. `hidden` draws a target, so that no method gains from a favourite value. `SUITE` names instances of
useful size, a new optimum for every seed:

    problem = SUITE["KVal 20x5"](0)
    problem.loss(problem.point) == problem.optimum
    minimize(lambda values: float(problem.loss(problem.space.encode(values))), problem.space, budget=500)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from asng_core import Boolean, Categorical, Integer, Real, Space, Variable
from asng_core.arrays import Codes, Floats


@dataclass(frozen=True)
class Problem:
    """A loss to minimize: its least value `optimum`, and `point`, `(n_variables,)` codes that have it.

    loss: of `(..., n_variables)` codes, `(...)`.
    """

    name: str
    space: Space
    loss: Callable[[Codes], Any]
    optimum: float
    point: Codes


def hidden(d: int, k: int, seed: int) -> Codes:
    """A target drawn uniformly from the k^d points."""
    return np.random.default_rng([seed, 2]).integers(k, size=d)


def onemax(d: int, k: int, target: Codes) -> Problem:
    """The fraction of variables that differ from the target.

    Source: categorical OneMax of Hamano et al., "Tail bounds on the runtime of categorical compact genetic
    algorithm", Evolutionary Computation 33(2), 2025.
    """
    return Problem(f"OneMax {_shape(d, k)}", _categories(d, k), lambda codes: (codes != target).mean(axis=-1), 0.0,
                   target)


def leading_ones(d: int, k: int, target: Codes) -> Problem:
    """The fraction of variables that follow the first one unlike the target, itself included.

    Source: r-LeadingOnes of Ben Jedidia, Doerr and Krejca, "Estimation-of-distribution algorithms for
    multi-valued decision variables", Theoretical Computer Science, 2024.
    """
    return Problem(f"LeadingOnes {_shape(d, k)}", _categories(d, k),
                   lambda codes: 1 - (codes == target).cumprod(axis=-1).mean(axis=-1), 0.0, target)


def kval(d: int, k: int, target: Codes) -> Problem:
    """The number with d digits of base k, the first the most significant, that is 0 at the target: a digit is
    the code's cyclic distance behind the target's. Every variable outweighs all that follow it. BinVal if k is 2.

    Source: Hamano et al., 2025, as above. Raises ValueError if a float cannot tell all points apart.
    """
    if k**d > 2**53:
        raise ValueError(f"kval(d={d}, k={k}) has losses up to k^d, which must be at most 2^53. Lower d or k.")
    weights = k ** np.arange(d - 1, -1, -1)
    return Problem(f"KVal {_shape(d, k)}", _categories(d, k), lambda codes: (codes - target) % k @ weights, 0.0, target)


def traps(d: int, k: int, block: int, target: Codes) -> Problem:
    """The mean over consecutive blocks: nothing if all of the block is at the target, else the number of its
    variables that are, plus one, over its length. So every step towards the target costs, but the last.

    Source: Deb and Goldberg, "Sufficient conditions for deceptive and easy binary functions", Annals of
    Mathematics and Artificial Intelligence 10, 1994; here for k values.
    """
    if d % block:
        raise ValueError(f"traps(d={d}, block={block}): d must be a multiple of block.")

    def loss(codes: Codes) -> Any:
        matches = (codes == target).reshape(*codes.shape[:-1], -1, block).sum(axis=-1)
        return np.where(matches == block, 0, (matches + 1) / block).mean(axis=-1)
    return Problem(f"traps {_shape(d, k)} b={block}", _categories(d, k), loss, 0.0, target)


def nk(n: int, k: int, n_states: int, seed: int) -> Problem:
    """Minus the mean contribution of n variables, each a table of uniform numbers over its own value and those
    of the k >= 1 that follow it on a ring: an adjacent NK landscape.

    Source: Kauffman, "The Origins of Order", 1993; its optimum is exact for any n, by the dynamic programming
    of Wright, Thompson and Zhang, "The computational complexity of N-K fitness functions", IEEE Transactions
    on Evolutionary Computation 4(4), 2000.
    """
    contributions = np.random.default_rng(seed).random((n, n_states ** (k + 1)))
    rows, powers = np.arange(n), n_states ** np.arange(k, -1, -1)
    ring = (rows[:, None] + np.arange(k + 1)) % n

    def loss(codes: Codes) -> Any:
        return -contributions[rows, codes[..., ring] @ powers].mean(axis=-1)
    point = _best_on_ring(contributions, n_states, n_states**k)
    states = f" {n_states} states" if n_states > 2 else ""
    return Problem(f"NK n={n} k={k}{states}", _categories(n, n_states), loss, float(loss(point)), point)


def _best_on_ring(contributions: Floats, n_states: int, n_windows: int) -> Codes:
    """The codes with the largest sum of contributions.

    A window is what k neighbours hold, as a number, the first the most significant digit. Going round the
    ring, a window loses its oldest value and takes a new one, and what that adds depends on no more.
    """
    n_middles = n_windows // n_states
    best = np.where(np.eye(n_windows), 0.0, -np.inf)  # (first, window): the largest sum on a way between these two
    oldest = []
    for table in contributions.reshape(-1, n_states, n_middles, n_states):
        sums = best.reshape(n_windows, n_states, n_middles, 1) + table  # (first, oldest, middle, new)
        oldest.append(sums.argmax(axis=1).reshape(n_windows, n_windows))
        best = sums.max(axis=1).reshape(n_windows, n_windows)
    first = window = int(best.diagonal().argmax())  # a ring ends where it began
    codes = np.empty(len(contributions), dtype=np.int64)
    for i in reversed(range(len(codes))):
        codes[i] = oldest[i][first, window]
        window = int(codes[i]) * n_middles + window // n_states
    return codes


def sphere(d: int, k: int, target: Codes) -> Problem:
    """The squared distance from the target, of integers 0..k-1."""
    return _quadratic("sphere", d, k, target, condition=1)


def ellipsoid(d: int, k: int, target: Codes) -> Problem:
    """The sphere with weights from 1 to 10^6 on the variables, evenly spaced in the logarithm.

    Source: Hansen et al., "Real-parameter black-box optimization benchmarking 2009: noiseless functions
    definitions", INRIA RR-6829, f2; here on integers.
    """
    return _quadratic("ellipsoid", d, k, target, condition=1e6)


def _quadratic(name: str, d: int, k: int, target: Codes, condition: float) -> Problem:
    weights = np.geomspace(1, condition, d)
    return Problem(f"integer {name} d={d}", Space({f"x{i}": Integer(0, k - 1) for i in range(d)}),
                   lambda codes: (codes - target) ** 2 @ weights, 0.0, target)


def layers(n: int, seed: int) -> Problem:
    """n independent layers of conditional, mixed variables, as of a network.

    A layer is "skip"; or "pool", of a size 0..10; or "conv", of such a size, with or without a gate, and if with
    it a rate 0, 0.05, ..., 1. The three kinds cost 0, 0.1 and 0.2, in a hidden order; then every active variable
    costs its squared distance from a hidden value, in units of its range. The best kind pays off only once its
    own variables are right, while others ask for fewer. What inactive variables hold does not count.
    """
    variables: dict[str, Variable] = {}
    active_if: dict[str, Any] = {}
    for i in range(n):
        variables |= {f"kind{i}": Categorical(["skip", "pool", "conv"]), f"size{i}": Integer(0, 10),
                      f"gate{i}": Boolean(), f"rate{i}": Real(0, 1, step=0.05)}
        active_if |= {f"size{i}": {f"kind{i}": ["pool", "conv"]}, f"gate{i}": {f"kind{i}": ["conv"]},
                      f"rate{i}": {f"gate{i}": [True]}}
    space, rng = Space(variables, active_if=active_if), np.random.default_rng(seed)
    costs = rng.permuted(np.tile([0, 0.1, 0.2], (n, 1)), axis=1)
    target, ranges = rng.integers(space.sizes).reshape(n, 4), space.sizes.reshape(n, 4) - 1
    target[:, 0] = costs.argmin(axis=1)

    def loss(codes: Codes) -> Any:
        layer = space.masked(codes.reshape(-1, 4 * n)).reshape(*codes.shape[:-1], n, 4)
        distances = np.where(layer >= 0, (layer - target) / ranges, 0)[..., 1:] ** 2
        return (costs[np.arange(n), layer[..., 0]] + distances.sum(axis=-1)).sum(axis=-1)
    return Problem(f"conditional layers n={n}", space, loss, 0.0, space.masked(target.reshape(1, -1))[0])


def _shape(d: int, k: int) -> str:
    return f"d={d}" if k == 2 else f"{d}x{k}"


def _categories(d: int, k: int) -> Space:
    return Space.binary(d) if k == 2 else Space.categorical([k] * d)


_INSTANCES: tuple[Callable[[int], Problem], ...] = (
    lambda seed: onemax(100, 2, hidden(100, 2, seed)),
    lambda seed: leading_ones(50, 2, hidden(50, 2, seed)),
    lambda seed: onemax(30, 5, hidden(30, 5, seed)),
    lambda seed: nk(18, 4, 2, seed % 10),
    lambda seed: leading_ones(20, 5, hidden(20, 5, seed)),
    lambda seed: kval(20, 5, hidden(20, 5, seed)),
    lambda seed: traps(12, 3, 2, hidden(12, 3, seed)),
    lambda seed: nk(16, 2, 3, seed),
    lambda seed: sphere(10, 101, hidden(10, 101, seed)),
    lambda seed: ellipsoid(10, 101, hidden(10, 101, seed)),
    lambda seed: layers(4, seed),
)
SUITE = {make(0).name: make for make in _INSTANCES}  # name -> the instance of a seed
_SMALL_AND_RUGGED: tuple[Callable[[int], Problem], ...] = (
    lambda seed: nk(18, 2, 2, seed), lambda seed: nk(16, 4, 2, seed), lambda seed: nk(14, 6, 2, seed))
RUGGED = {make(0).name: make for make in _SMALL_AND_RUGGED}  # too small for a walk, and of many local optima
