"""Brute-force truths: sums over all points of a small space, quadrature for the Gaussian."""

import itertools
import math

import numpy as np

_SCALARS = {int, float, bool, str, type(None)}


def exact(tree):
    """Nested dicts and lists with arrays as bytes: equal only if equal to the bit."""
    if isinstance(tree, dict):
        return {key: exact(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        # of a hundred thousand scalars all at once
        return repr(list(tree)) if _SCALARS.issuperset(map(type, tree)) else [exact(value) for value in tree]
    return (tree.shape, tree.tobytes()) if isinstance(tree, np.ndarray) else repr(tree)


def opened(ids, draws, generation):
    """The part of a state that says which candidates are open: these draws, none pinned."""
    return {"ids": list(ids), "draws": draws, "generations": [generation] * len(ids), "pinned": [[] for _ in ids]}


def peaked(family, codes, leaving):
    """theta of Gaussians with modes `codes`, each left with probability `leaving`: sigma by bisection."""
    mean = np.asarray(family.draws(codes))
    low, high = np.full(len(codes), 1e-9), family.sizes.astype(float)
    for _ in range(60):
        middle = np.sqrt(low * high)
        theta = family.from_marginals(list(np.stack([mean, middle], axis=1)))
        wider = family.leaving_probability(theta) < leaving
        low, high = np.where(wider, middle, low), np.where(wider, high, middle)
    return theta


def all_codes(sizes):
    """Every point of a small space: (prod(sizes), d)."""
    return np.array(list(itertools.product(*map(range, sizes))))


def categorical_grid(probabilities):
    """All points of independent categoricals and their probabilities."""
    codes = all_codes([len(p) for p in probabilities])
    return codes.astype(float), np.array([math.prod(p[c] for p, c in zip(probabilities, row, strict=True))
                                          for row in codes])


def active_by_recursion(active_if, point):
    """Names active in `point`, a value for every variable: a parent that is inactive satisfies nothing."""
    def active(name):
        if name not in active_if:
            return True
        given = active_if[name]
        return any(all(active(parent) and any(type(point[parent]) is type(v) and point[parent] == v for v in values)
                       for parent, values in each.items())
                   for each in ([given] if isinstance(given, dict) else given))

    return {name for name in point if active(name)}


def gaussian_grid(means, stds, order=12):
    """Nodes and weights with which sums are exact for polynomials up to degree 2 * order - 1."""
    x, w = np.polynomial.hermite_e.hermegauss(order)
    nodes = np.array(list(itertools.product(x, repeat=len(means)))) * stds + means
    return nodes, np.prod(list(itertools.product(w / w.sum(), repeat=len(means))), axis=1)


def product_grid(first, second):
    """The grid of two independent groups of variables, the columns of the first before the second's."""
    (a, p), (b, q) = first, second
    return np.concatenate([np.repeat(a, len(b), axis=0), np.tile(b, (len(a), 1))], axis=1), np.outer(p, q).ravel()


def normal_cdf(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


def utilities_by_loop(losses):
    """Ranking utilities, spelled out: sort, give +1 and -1, average over equals."""
    n = len(losses)
    quarter = min(math.ceil(n / 4), n // 2)
    ranked = sorted(range(n), key=lambda j: (math.isnan(losses[j]), losses[j] if not math.isnan(losses[j]) else 0))
    raw = {j: (1.0 if rank < quarter else -1.0 if rank >= n - quarter else 0.0) for rank, j in enumerate(ranked)}

    def equal(a, b):
        return a == b or (math.isnan(a) and math.isnan(b))

    return [np.mean([raw[k] for k in range(n) if equal(losses[j], losses[k])]) for j in range(n)]
