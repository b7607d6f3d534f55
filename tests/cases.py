"""Tables of cases: a new family, space or problem is a new row and gets every test."""

import numpy as np
import oracles

from asng_core import Boolean, Categorical, Integer, Ordinal, Real, Space
from asng_core.blackbox.posterior import GaussianProcess
from asng_core.blackbox.sources import Differences, Mutants, Neighbours, Recombined, Sampled
from asng_core.families.categorical import CategoricalFamily
from asng_core.families.coordinates import Interval, LogPositions, Positions
from asng_core.families.gaussian import GaussianFamily
from asng_core.families.product import ProductFamily

MARGIN = 0.1
_PROBABILITIES = [np.array([0.2, 0.5, 0.3]), np.array([0.6, 0.4]), np.array([1.0]), np.array([0.1, 0.2, 0.3, 0.4])]
_MEANS, _STDS = np.array([1.3, 4.0]), np.array([0.9, 1.7])


def _categorical():
    family = CategoricalFamily(np.array([len(p) for p in _PROBABILITIES]), MARGIN)
    return family, np.concatenate(_PROBABILITIES), oracles.categorical_grid(_PROBABILITIES)


def _gaussian():
    family = GaussianFamily(Positions(np.array([5, 10])), MARGIN)
    return family, np.concatenate([_MEANS, _STDS]), oracles.gaussian_grid(_MEANS, _STDS)


def _log_positions():
    """1, 2, .. 5 and 0.5, 1.5, .. 6.5 on a log scale: positions plus offsets 1 and 1/2."""
    family = GaussianFamily(LogPositions(np.array([5, 7]), np.array([1.0, 0.5])), MARGIN)
    means, stds = np.array([0.9, 0.4]), np.array([0.3, 0.6])
    return family, np.concatenate([means, stds]), oracles.gaussian_grid(means, stds)


def _interval():
    """A linear and a logarithmic continuum."""
    axes = Interval(np.array([-2.0, 1e-4]), np.array([3.0, 10.0]), np.array([False, True]))
    means, stds = np.array([0.3, 0.6]), np.array([0.05, 0.2])
    return GaussianFamily(axes, MARGIN), np.concatenate([means, stds]), oracles.gaussian_grid(means, stds)


def _product_of_all():
    """A categorical, a position, a logarithm and two continua, interleaved."""
    log, interval = _log_positions(), _interval()
    family = ProductFamily([(CategoricalFamily(np.array([2]), MARGIN), np.array([3])),
                            (log[0], np.array([0, 4])), (interval[0], np.array([1, 2]))])
    theta = np.concatenate([_PROBABILITIES[1], log[1], interval[1]])
    means, stds = (np.concatenate([log[1][part], interval[1][part]]) for part in (slice(2), slice(2, 4)))
    draws, weights = oracles.product_grid(oracles.categorical_grid([_PROBABILITIES[1]]),
                                          oracles.gaussian_grid(means, stds, order=5))
    return family, theta, (draws[:, [1, 3, 4, 0, 2]], weights)


def _product_of_one():
    family, theta, grid = _categorical()
    return ProductFamily([(family, np.arange(4))]), theta, grid


def _product():
    """Gaussian columns 1 and 3 between categorical columns 0 and 2."""
    categorical, gaussian = CategoricalFamily(np.array([3, 2]), MARGIN), _gaussian()[0]
    family = ProductFamily([(categorical, np.array([0, 2])), (gaussian, np.array([1, 3]))])
    draws, weights = oracles.product_grid(oracles.categorical_grid(_PROBABILITIES[:2]),
                                          oracles.gaussian_grid(_MEANS, _STDS))
    return family, np.concatenate([*_PROBABILITIES[:2], _MEANS, _STDS]), (draws[:, [0, 2, 1, 3]], weights)


# name -> () -> family, theta, (draws, weights) with which expectations are sums
FAMILIES = {"categorical": _categorical, "gaussian": _gaussian, "log positions": _log_positions,
            "product of one": _product_of_one, "product": _product}
# the same where some codes are reals, so that they cannot be enumerated
CONTINUOUS_FAMILIES = {"interval": _interval, "product of all": _product_of_all}


class Marker:
    """A value of the user's own class: hashable by identity only."""


SPACES = {
    "one boolean": lambda: Space.binary(1),
    "two booleans": lambda: Space.binary(2),
    "ragged": lambda: Space.categorical([2, 7, 1, 3]),
    "constants": lambda: Space({"a": Categorical(["only"]), "b": Integer(3, 3), "c": Ordinal([None])}),
    "any objects": lambda: Space({"op": Categorical(["a" * 500, None, (1, 2), Marker, [1], {"k": 2}]),
                                  "flag": Boolean(), "level": Ordinal([1, 3, (5,)])}),
    "mixed": lambda: Space({"op": Categorical(list("abcde")), "width": Integer(-3, 20),
                            "flag": Boolean(), "kernel": Ordinal([1, 3, 5, 7])}),
    "one integer": lambda: Space({"n": Integer(1, 100)}),
    "steps": lambda: Space({"width": Integer(16, 256, step=8), "rate": Real(0, 1, step=0.1),
                            "depth": Integer(1, 1000, log=True), "decay": Real(0.001, 1, step=0.001, log=True)}),
    "one real": lambda: Space({"x": Real(-2, 3)}),
    "reals": lambda: Space({"x": Real(-5, 5), "op": Categorical(["a", "b"]), "rate": Real(1e-5, 1, log=True),
                            "flat": Real(2, 2)}),
    "conditional": lambda: Space(
        {"op": Categorical(["conv", "pool", "skip"]), "kernel": Ordinal([1, 3, 5]), "dilated": Boolean(),
         "dilation": Integer(2, 9)},
        active_if={"kernel": {"op": ["conv", "pool"]}, "dilated": {"op": ["conv"]},
                   "dilation": [{"dilated": [True], "kernel": [3, 5]}, {"op": ["skip"]}]}),
    "conditional reals": lambda: Space(
        {"rate": Real(1e-4, 1, log=True), "kind": Categorical(["sgd", "adam"]), "momentum": Real(0, 1)},
        active_if={"momentum": {"kind": ["sgd"]}}),
    "huge integer": lambda: Space({"n": Integer(-5, 2**53 - 5), "m": Integer(0, 2**53)}),
}


def random_codes(space, rng, n):
    """`(n, n_variables)` codes, uniform over each variable's own."""
    raw = np.stack([rng.uniform(low, high, n) if continuous else rng.integers(int(high) + 1, size=n).astype(float)
                    for low, high, continuous in zip(space.lows, space.highs, space.continuous, strict=True)], axis=1)
    return space.masked(raw.astype(space.dtype))


def distance(space, codes, share=1 / 3):
    """`(n,)` summed distances of codes from a `share` of each range, in ranges; an inactive variable is at none."""
    span = space.highs - space.lows
    target = np.where(space.continuous, space.lows + share * span, space.sizes * share // 1)
    return np.where(space.active(codes), np.abs(codes - target) / np.where(span > 0, span, 1.0), 0.0).sum(axis=1)


# mechanisms of the Minimizer: kinds of surrogate, and sources of candidates
MODELS = {"Gaussian process": GaussianProcess(), "equal relevance": GaussianProcess(relevance=False)}
SOURCES = {"sampled": Sampled(10), "recombined": Recombined(10), "neighbours": Neighbours(20), "mutants": Mutants(5),
           "differences": Differences(5)}
