"""Tables of cases: a new family, space or problem is a new row and gets every test."""

import numpy as np
import oracles

from asng_core import Boolean, Categorical, Integer, Ordinal, Space
from asng_core.families.categorical import CategoricalFamily
from asng_core.families.coordinates import Positions
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
FAMILIES = {"categorical": _categorical, "gaussian": _gaussian, "product of one": _product_of_one,
            "product": _product}


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
    "huge integer": lambda: Space({"n": Integer(-5, 2**53 - 5), "m": Integer(0, 2**53)}),
}
