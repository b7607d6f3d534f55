"""Combinatorial problems of a hundred variables and more, to be searched for thousands of evaluations.

An instance is drawn by its seed, and no value of a variable is a special one: where a formulation has such (all 0 is no
item packed), values are exchanged at random. Their optima are not known, or known and out of reach of none.

    problem = LONG["max-cut 100"](0)
    problem.loss(codes)            of (n_variables,) codes, a float
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from asng_core import Integer, Space
from asng_core.arrays import Codes

from .synthetic import hidden, leading_ones, onemax


@dataclass(frozen=True)
class Instance:
    """A loss of `(n_variables,)` codes, to be minimized."""

    space: Space
    loss: Callable[[Codes], float]


def max_cut(n: int, density: float, seed: int) -> Instance:
    """Minus the weight of the edges between the two sides of a random graph, each edge weighing 1 or -1."""
    rng = np.random.default_rng([seed, 11])
    one, other = np.nonzero(np.triu(rng.random((n, n)) < density, 1))
    weights = rng.choice([-1.0, 1.0], len(one))
    return Instance(Space.binary(n), lambda codes: -float(weights[codes[one] != codes[other]].sum()))


def nk(n: int, k: int, states: int, seed: int) -> Instance:
    """Minus the sum of n contributions, each a table of uniform numbers over a variable and k others at random.

    Source: Kauffman, "The Origins of Order", 1993.
    """
    rng = np.random.default_rng([seed, 12])
    others = np.stack([rng.choice(np.delete(np.arange(n), i), k, replace=False) for i in range(n)])
    of = np.concatenate([np.arange(n)[:, None], others], axis=1)  # (n, k + 1)
    contributions, powers = rng.random((n, states ** (k + 1))), states ** np.arange(k + 1)
    rows, space = np.arange(n), Space.binary(n) if states == 2 else Space.categorical([states] * n)
    return Instance(space, lambda codes: -float(contributions[rows, codes[of] @ powers].sum()))


def knapsack(n: int, seed: int) -> Instance:
    """Minus the profit of what is packed, and as a penalty the excess over the capacity times the best ratio and one.

    Weights of 1 to 100, profits up to ten more or less, half of the weight fits: weakly correlated (Pisinger,
    "Where are the hard knapsack problems?", Computers and Operations Research 32, 2005).
    """
    rng = np.random.default_rng([seed, 13])
    weights = rng.integers(1, 101, n)
    profits = np.maximum(weights + rng.integers(-10, 11, n), 1)
    packed, capacity = hidden(n, 2, seed), weights.sum() // 2  # which value of an item packs it
    price = 1 + float((profits / weights).max())

    def loss(codes: Codes) -> float:
        inside = codes == packed
        return price * max(float(weights[inside].sum() - capacity), 0.0) - float(profits[inside].sum())
    return Instance(Space.binary(n), loss)


def max_sat(n: int, n_clauses: int, seed: int) -> Instance:
    """The weight of the clauses that are not satisfied, each of three variables, the weights uniform from 0 to 1."""
    rng = np.random.default_rng([seed, 14])
    of = np.stack([rng.choice(n, 3, replace=False) for _ in range(n_clauses)])  # (n_clauses, 3)
    wanted, weights = rng.integers(0, 2, of.shape), rng.random(n_clauses)
    return Instance(Space.binary(n), lambda codes: float(weights[(codes[of] != wanted).all(axis=1)].sum()))


def colouring(n: int, colours: int, degree: float, seed: int) -> Instance:
    """The number of edges of a random graph whose ends have the same colour, each edge weighing 1 to 9."""
    rng = np.random.default_rng([seed, 15])
    one, other = np.nonzero(np.triu(rng.random((n, n)) < degree / n, 1))
    weights = rng.integers(1, 10, len(one))
    return Instance(Space.categorical([colours] * n), lambda codes: float(weights[codes[one] == codes[other]].sum()))


def least_squares(n: int, levels: int, seed: int) -> Instance:
    """The squared length of A (x - target), integers of `levels` levels; A ties each variable to four others."""
    rng = np.random.default_rng([seed, 16])
    matrix = np.eye(n)
    for row in matrix:
        row[rng.choice(n, 4, replace=False)] += 0.5 * rng.standard_normal(4)
    target = rng.integers(0, levels, n)
    space = Space({f"x{i}": Integer(0, levels - 1) for i in range(n)})
    return Instance(space, lambda codes: float(np.square(matrix @ (codes - target)).sum()))


def hidden_onemax(d: int, k: int, seed: int) -> Instance:
    """The number of variables that are not at the hidden target."""
    return _counted(onemax(d, k, hidden(d, k, seed)).space, onemax(d, k, hidden(d, k, seed)).loss, d)


def hidden_leading_ones(d: int, k: int, seed: int) -> Instance:
    """The number of variables from the first one on that is not at the hidden target; their order is shuffled."""
    problem, order = leading_ones(d, k, hidden(d, k, seed)), np.random.default_rng([seed, 17]).permutation(d)
    return _counted(problem.space, lambda codes: problem.loss(codes[order]), d)


def _counted(space: Space, share: Callable[[Codes], float], d: int) -> Instance:
    return Instance(space, lambda codes: float(np.rint(d * share(codes))))


LONG: dict[str, Callable[[int], Instance]] = {
    "max-cut 100": lambda seed: max_cut(100, 0.2, seed),
    "max-cut 500": lambda seed: max_cut(500, 0.02, seed),
    "NK 100, k = 4": lambda seed: nk(100, 4, 2, seed),
    "knapsack 100": lambda seed: knapsack(100, seed),
    "MaxSAT 200": lambda seed: max_sat(200, 860, seed),
    "OneMax 1000": lambda seed: hidden_onemax(1000, 2, seed),
    "LeadingOnes 100": lambda seed: hidden_leading_ones(100, 2, seed),
    "colouring 100 x 5": lambda seed: colouring(100, 5, 12.0, seed),
    "NK 100 x 3, k = 2": lambda seed: nk(100, 2, 3, seed),
    "integers 100 x 20": lambda seed: least_squares(100, 20, seed),
}
