"""The product of independent families, each over some of the columns: again a family."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .categorical import CategoricalFamily
from .family import Family, Floats, Ints
from .gaussian import GaussianFamily


def independent(sizes: Ints, ordered: NDArray[np.bool_], margin: float) -> ProductFamily:
    """Gaussians for the ordered variables, probabilities for the others and for constants."""
    gaussian = ordered & (sizes > 1)
    kinds = (CategoricalFamily, np.flatnonzero(~gaussian)), (GaussianFamily, np.flatnonzero(gaussian))
    return ProductFamily([(family(sizes[columns], margin), columns) for family, columns in kinds if len(columns)])


class ProductFamily(Family):
    """`members` pairs each family with the columns it owns; theta concatenates theirs in this order."""

    def __init__(self, members: Sequence[tuple[Family, Ints]]) -> None:
        self.sizes = np.empty(sum(len(columns) for _, columns in members), dtype=np.int64)
        self._members: list[tuple[Family, Ints | slice, slice]] = []
        start = 0
        for family, columns in members:
            self.sizes[columns] = family.sizes
            # all columns in order need no fancy indexing
            own = slice(None) if np.array_equal(columns, np.arange(len(self.sizes))) else columns
            self._members.append((family, own, slice(start, start + family.n_parameters)))
            start += family.n_parameters
        self.n_parameters = start
        self.n_theta = sum(family.n_theta for family, _, _ in self._members)

    def initial(self) -> Floats:
        return np.concatenate([family.initial() for family, _, _ in self._members])

    def sample(self, theta: Floats, n: int, rng: np.random.Generator) -> Floats:
        draws = np.empty((n, len(self.sizes)))
        for family, own, part in self._members:
            draws[:, own] = family.sample(theta[part], n, rng)
        return draws

    def codes(self, draws: Floats) -> Ints:
        codes = np.empty(draws.shape, dtype=np.int64)
        for family, own, _ in self._members:
            codes[:, own] = family.codes(draws[:, own])
        return codes

    def natural_gradient(self, theta: Floats, utilities: Floats, draws: Floats) -> Floats:
        return np.concatenate([family.natural_gradient(theta[part], utilities, draws[:, own])
                               for family, own, part in self._members])

    def root_fisher(self, theta: Floats, gradient: Floats) -> Floats:
        return np.concatenate([family.root_fisher(theta[part], gradient[part]) for family, _, part in self._members])

    def step(self, theta: Floats, gradient: Floats, length: float) -> Floats:
        return np.concatenate([family.step(theta[part], gradient[part], length) for family, _, part in self._members])

    def mode(self, theta: Floats) -> Ints:
        mode = np.empty(len(self.sizes), dtype=np.int64)
        for family, own, part in self._members:
            mode[own] = family.mode(theta[part])
        return mode

    def log_probabilities(self, theta: Floats, codes: Ints) -> Floats:
        result = np.empty(codes.shape)
        for family, own, part in self._members:
            result[:, own] = family.log_probabilities(theta[part], codes[:, own])
        return result

    def entropy(self, theta: Floats) -> Floats:
        entropy = np.empty(len(self.sizes))
        for family, own, part in self._members:
            entropy[own] = family.entropy(theta[part])
        return entropy

    def marginals(self, theta: Floats) -> list[Floats]:
        result: list[Floats] = [np.empty(0)] * len(self.sizes)
        for family, own, part in self._members:
            for column, marginal in zip(np.arange(len(self.sizes))[own], family.marginals(theta[part]), strict=True):
                result[column] = marginal
        return result
