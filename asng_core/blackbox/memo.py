"""Which points are known, so that none is paid for twice, and which are left."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from ..arrays import Codes, Floats
from ..distribution.pins import Pins, codes_of
from ..distribution.search_distribution import SearchDistribution
from .geometry import Geometry

_TRIES = 200  # points drawn anywhere before the rest of the space is listed: enough while one in 50 is new
_LISTED = 2**20  # points of a space that are listed at most, a few seconds' work with a constraint
_BLOCK = 4096  # points listed at once: few enough that the first block with a new one comes quickly


class SpaceExhausted(RuntimeError):
    """No new feasible point is left, or if not `certain`, none was found."""

    certain = True  # whether all points were looked at


def keys(codes: Codes) -> list[bytes]:
    """One key for each row of `(n, n_variables)` masked codes."""
    # bytes, since those of NaN, which inactive continuous variables hold, equal themselves
    return [row.tobytes() for row in codes]


class Memo:
    """The keys of the known points."""

    def __init__(self, distribution: SearchDistribution, geometry: Geometry) -> None:
        self._distribution, self._geometry = distribution, geometry
        self.known: dict[bytes, None] = {}  # a set in the order of its growth
        self._spent: set[int] = set()  # blocks of the listed space in which nothing is left
        self._tried = self._satisfied = 0  # points that were tried since the counts were last reset

    def mark(self) -> tuple[int, set[int]]:
        """What `back` needs."""
        return len(self.known), self._spent.copy()

    def back(self, mark: tuple[int, set[int]]) -> None:
        """Be as at `mark()`. It may be called again with the same mark."""
        n, spent = mark
        if len(self.known) > n:  # else what was spent remains so, which to find out again takes long
            self._spent = spent.copy()
        while len(self.known) > n:
            self.known.popitem()

    def _feasible(self, codes: Codes) -> list[bool]:
        """Whether each of `(n, n_variables)` masked codes satisfies the constraints."""
        space = self._distribution.space
        return [space.feasible(values) for values in space.values(codes)]

    def unseen(self, draws: Floats, pinned: Pins | None,
               beside: frozenset[bytes] | set[bytes] = frozenset()) -> tuple[Floats, list[bytes]]:
        """Those of `(n, d)` draws, once pinned, that are new, feasible and not `beside`, each once, with their keys."""
        draws = draws if pinned is None else pinned.on(draws)
        codes = codes_of(self._distribution, draws, pinned)
        rows: dict[bytes, int] = {}  # key -> the first draw of it
        for row, key in enumerate(keys(codes)):
            if key not in self.known and key not in beside:
                rows.setdefault(key, row)
        chosen, found = list(rows.values()), list(rows)
        if self._distribution.space.constraints:  # last, since they are the user's code and may be slow
            good = self._feasible(codes[chosen])
            self._tried, self._satisfied = self._tried + len(good), self._satisfied + sum(good)
            chosen, found = list(itertools.compress(chosen, good)), list(itertools.compress(found, good))
        return draws[chosen], found

    def any_unseen(self, rng: np.random.Generator, pinned: Pins | None) -> tuple[Floats, bytes]:
        """A random new point, of those that the pins leave.

        Raises SpaceExhausted if there is none: certain in a space of up to 2^20 points, else after 2^16 draws.
        """
        self._tried = self._satisfied = 0
        # 200 points anywhere first, then all in random order; a block in which nothing is left is not listed again
        blocks = ((-1, self._geometry.anywhere(20, rng)) for _ in range(_TRIES // 20))
        for number, block in itertools.chain(blocks, self._listed(rng)):
            draws, found = self.unseen(block, pinned)
            if found:
                row = rng.integers(len(found))
                return draws[row], found[row]
            # with pins a block's points are changed; without, nothing new comes to it, as what is known stays known
            if number >= 0 and pinned is None:
                self._spent.add(number)
        raise self._exhausted(pinned)

    def _exhausted(self, pinned: Pins | None) -> SpaceExhausted:
        where = "" if pinned is None else " with what is fixed"
        certain = self._size() <= _LISTED
        if self._tried and not self._satisfied and not self.known:
            words = (f"the constraints leave nothing to ask{where}: none of {self._tried} points tried satisfied them "
                     f"(0.00%). Relax them, or define variables so that fewer combinations are infeasible.")
        elif certain:
            words = f"every point{where} that satisfies the constraints has been asked."
        elif not self._distribution.space.constraints:
            words = (f"no new point{where} was found: all that were tried have been asked. Widen the ranges, or end "
                     "the search here.")
        else:
            words = (f"no new point{where} was found that satisfies the constraints: of {self._tried} new ones tried "
                     f"{self._satisfied} did. Relax the constraints, or end the search here.")
        error = SpaceExhausted(words)
        error.certain = certain
        return error

    def _size(self) -> int:
        """The number of codes, those that conditions merge counted apart; as good as infinite with a continuum."""
        return math.prod(size or _LISTED + 1 for size in self._distribution.space.sizes.tolist())

    def _listed(self, rng: np.random.Generator) -> Iterator[tuple[int, Floats]]:
        """Numbered blocks of draws, in random order: all points, or of a larger space random ones, numbered -1."""
        total, sizes = self._size(), self._distribution.space.sizes
        if total > _LISTED:
            for _ in range(_LISTED // _BLOCK // 16):  # 2^16 draws: fewer than a listing, as they prove nothing
                yield -1, self._geometry.anywhere(_BLOCK, rng)
            return
        starts = np.arange(0, total, _BLOCK)
        rng.shuffle(starts)
        for start in starts.tolist():
            if start not in self._spent:
                rows = np.arange(start, min(start + _BLOCK, total))  # numbers of points, in mixed radix K_1..K_d
                codes = np.stack(np.unravel_index(rows, tuple(sizes.tolist())), axis=1)
                yield start, self._distribution.family.draws(codes.astype(self._distribution.space.dtype))
