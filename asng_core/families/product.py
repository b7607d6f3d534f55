"""The product of independent families, each over some of the columns: again a family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Codes, Floats, Ints
from .family import Family


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
        self._dtype = np.float64 if (self.sizes == 0).any() else np.int64
        self.n_theta = sum(family.n_theta for family, _, _ in self._members)

    def initial(self) -> Floats:
        return np.concatenate([family.initial() for family, _, _ in self._members])

    def sample(self, theta: Floats, n: int, rng: np.random.Generator, mirrored: bool = False) -> Floats:
        draws = np.empty((n, len(self.sizes)))
        for family, own, part in self._members:
            draws[:, own] = family.sample(theta[part], n, rng, mirrored)
        return draws

    def codes(self, draws: Floats) -> Codes:
        codes = np.empty(draws.shape, dtype=self._dtype)
        for family, own, _ in self._members:
            codes[..., own] = family.codes(draws[..., own])
        return codes

    def draws(self, codes: Codes) -> Floats:
        draws = np.empty(codes.shape)
        for family, own, _ in self._members:
            draws[..., own] = family.draws(codes[..., own])
        return draws

    def natural_gradient(self, theta: Floats, utilities: Floats, draws: Floats) -> Floats:
        return np.concatenate([
            family.natural_gradient(theta[part], utilities if utilities.ndim == 1 else utilities[:, own], draws[:, own])
            for family, own, part in self._members])

    def root_fisher(self, theta: Floats, gradient: Floats) -> Floats:
        return np.concatenate([family.root_fisher(theta[part], gradient[part]) for family, _, part in self._members])

    def step(self, theta: Floats, gradient: Floats, length: float) -> Floats:
        return np.concatenate([family.step(theta[part], gradient[part], length) for family, _, part in self._members])

    def mode(self, theta: Floats) -> Codes:
        mode = np.empty(len(self.sizes), dtype=self._dtype)
        for family, own, part in self._members:
            mode[own] = family.mode(theta[part])
        return mode

    def log_densities(self, theta: Floats, draws: Floats) -> Floats:
        result = np.empty(draws.shape)
        for family, own, part in self._members:
            result[:, own] = family.log_densities(theta[part], draws[:, own])
        return result

    def log_probabilities(self, theta: Floats, codes: Codes) -> Floats:
        result = np.empty(codes.shape)
        for family, own, part in self._members:
            result[:, own] = family.log_probabilities(theta[part], codes[:, own])
        return result

    def leaving_probability(self, theta: Floats) -> Floats:
        return self._joined(theta, lambda family, part: family.leaving_probability(part))

    def settled(self, theta: Floats, margin: float) -> NDArray[np.bool_]:
        return self._joined(theta, lambda family, part: family.settled(part, margin)).astype(bool)

    def entropy(self, theta: Floats) -> Floats:
        return self._joined(theta, lambda family, part: family.entropy(part))

    def normalized_entropy(self, theta: Floats) -> Floats:
        return self._joined(theta, lambda family, part: family.normalized_entropy(part))

    def marginals(self, theta: Floats) -> list[Floats]:
        result: list[Floats] = [np.empty(0)] * len(self.sizes)
        for family, own, part in self._members:
            for column, marginal in zip(self._columns(own), family.marginals(theta[part]), strict=True):
                result[column] = marginal
        return result

    def from_marginals(self, marginals: Sequence[Floats]) -> Floats:
        return np.concatenate([family.from_marginals([marginals[column] for column in self._columns(own)])
                               for family, own, _ in self._members])

    def _joined(self, theta: Floats, of: Callable[[Family, Floats], NDArray[Any]]) -> Floats:
        """What `of` gives for each variable, `(d,)`."""
        result = np.empty(len(self.sizes))
        for family, own, part in self._members:
            result[own] = of(family, theta[part])
        return result

    def _columns(self, own: Ints | slice) -> list[int]:
        columns: list[int] = np.arange(len(self.sizes))[own].tolist()
        return columns
