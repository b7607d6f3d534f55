"""Which points are known, so that none is paid for twice, and which are left."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from ..families.family import Codes, Floats
from ..search_distribution import SearchDistribution
from .geometry import Geometry

_TRIES = 200  # points drawn anywhere before the rest of the space is listed
_LISTED = 2**20  # points of a space that are listed at most
_BLOCK = 4096


class SpaceExhausted(RuntimeError):
    """Every point of the space that satisfies the constraints is known or being evaluated."""


def keys(codes: Codes) -> list[bytes]:
    """One key for each row of `(n, n_variables)` masked codes."""
    return [row.tobytes() for row in codes]


class Memo:
    """The keys of the known points."""

    def __init__(self, distribution: SearchDistribution, geometry: Geometry) -> None:
        self._distribution, self._geometry = distribution, geometry
        self.known: set[bytes] = set()

    def _feasible(self, codes: Codes) -> list[bool]:
        """Whether each of `(n, n_variables)` masked codes satisfies the constraints."""
        space = self._distribution.space
        return [space.feasible(values) for values in space.values(codes)]

    def unseen(self, draws: Floats, beside: frozenset[bytes] | set[bytes] = frozenset()) -> tuple[Floats, list[bytes]]:
        """Those of `(n, d)` draws that are new, feasible and not `beside`, each once, with their keys."""
        codes = self._distribution.codes(draws)
        rows: dict[bytes, int] = {}
        for row, key in enumerate(keys(codes)):
            if key not in self.known and key not in beside:
                rows.setdefault(key, row)
        chosen, found = list(rows.values()), list(rows)
        if self._distribution.space.constraints:
            good = self._feasible(codes[chosen])
            chosen, found = list(itertools.compress(chosen, good)), list(itertools.compress(found, good))
        return draws[chosen], found

    def any_unseen(self, rng: np.random.Generator, on: Callable[[Floats], Floats]) -> tuple[Floats, bytes]:
        """A random new point among those that `on`, which pins variables, leaves.

        Raises SpaceExhausted if there is none: certain in a space of up to 2^20 points, else after 2^16 draws.
        """
        blocks = (self._geometry.anywhere(20, rng) for _ in range(_TRIES // 20))
        for block in itertools.chain(blocks, self._listed(rng)):
            draws, found = self.unseen(on(block))
            if found:
                row = rng.integers(len(found))
                return draws[row], found[row]
        raise SpaceExhausted("every point that satisfies the constraints, and what is fixed, has been asked.")

    def _listed(self, rng: np.random.Generator) -> Iterator[Floats]:
        """Draws of all points in blocks, in random order; of a larger space, a random part."""
        sizes = np.where(self._distribution.space.sizes == 0, _LISTED, self._distribution.space.sizes)
        total = int(min(float(np.prod(sizes, dtype=np.float64)), _LISTED + 1))
        if total > _LISTED:
            for _ in range(_LISTED // _BLOCK // 16):
                yield self._geometry.anywhere(_BLOCK, rng)
            return
        starts = np.arange(0, total, _BLOCK)
        rng.shuffle(starts)
        for start in starts:
            rows = np.arange(start, min(start + _BLOCK, total))
            codes = np.stack(np.unravel_index(rows, tuple(sizes.tolist())), axis=1)
            yield self._distribution.family.draws(codes.astype(self._distribution.space.dtype))
