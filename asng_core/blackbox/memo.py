"""Which points are known, so that none is paid for twice, and which are left."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..arrays import Codes, Floats
from ..distribution.geometry import Geometry
from ..distribution.pins import Pins, codes_of, feasible, pinned_on
from ..distribution.repair import searched
from ..distribution.search_distribution import SearchDistribution

_TRIES = 200  # points drawn anywhere before the rest of the space is listed: enough while one in 50 is new
_LISTED = 2**20  # points of a space that are listed at most, a few seconds' work with a constraint
_BLOCK = 4096  # points listed at once: few enough that the first block with a new one comes quickly


class SpaceExhausted(RuntimeError):
    """No new feasible point is left, or if not `certain`, none was found.

    >>> from asng_core import Minimizer, Space
    >>> optimizer = Minimizer(Space.binary(1), seed=0)
    >>> optimizer.ask(5)
    Batch([Candidate(id=0, {'x0': True}), Candidate(id=1, {'x0': False})])
    >>> try:
    ...     optimizer.ask()
    ... except SpaceExhausted as error:
    ...     error.certain
    True
    """

    certain = True  # whether all points were looked at


class Unseen(NamedTuple):
    """`draws` and `keys` of new feasible points, and the `infeasible` draws, which are new too."""

    draws: Floats
    keys: list[bytes]
    infeasible: Floats


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

    def unseen(self, draws: Floats, pinned: Pins | None,
               beside: frozenset[bytes] | set[bytes] = frozenset()) -> Unseen:
        """Those of `(n, n_variables)` draws, once pinned, that are new and not `beside`, each once, in their order."""
        draws = pinned_on(draws, pinned)
        rows: dict[bytes, int] = {}  # key -> the first draw of it
        for row, key in enumerate(keys(codes_of(self._distribution, draws, pinned))):
            if key not in self.known and key not in beside:
                rows.setdefault(key, row)
        draws, found = draws[list(rows.values())], list(rows)
        if not self._distribution.space.constraints:
            return Unseen(draws, found, draws[:0])
        good = feasible(self._distribution, draws, pinned)  # last: constraints are the user's code, and may be slow
        self._tried, self._satisfied = self._tried + len(good), self._satisfied + int(good.sum())
        return Unseen(draws[good], list(itertools.compress(found, good.tolist())), draws[~good])

    def any_unseen(self, rng: np.random.Generator, pinned: Pins | None, known: Codes) -> tuple[Floats, bytes]:
        """A random new point, of those that the pins leave.

        known: `(k, n_variables)` codes of feasible points.

        Raises SpaceExhausted if there is none: certain in a space of up to 2^20 points, else after 2^16 draws, and with
        constraints a search for points that satisfy them.
        """
        self._tried = self._satisfied = 0
        # 200 points anywhere first, then all in random order; a block in which nothing is left is not listed again
        blocks = ((-1, self._geometry.anywhere(20, rng)) for _ in range(_TRIES // 20))
        for number, block in itertools.chain(blocks, self._searched(rng, pinned, known), self._listed(rng)):
            new = self.unseen(block, pinned)
            if new.keys:
                row = rng.integers(len(new.keys))
                return new.draws[row], new.keys[row]
            # with pins a block's points are changed; without, nothing new comes to it, as what is known stays known
            if number >= 0 and pinned is None:
                self._spent.add(number)
        raise self._exhausted(pinned)

    def _searched(self, rng: np.random.Generator, pinned: Pins | None, known: Codes) -> Iterator[tuple[int, Floats]]:
        """Blocks of feasible draws, numbered -1, where constraints make them rare in a space too large to be listed."""
        if self._distribution.space.constraints and self._size() > _LISTED:
            for draws in searched(self._geometry, rng, pinned, known):
                yield -1, draws

    def _exhausted(self, pinned: Pins | None) -> SpaceExhausted:
        where = "" if pinned is None else " with what is fixed"
        certain = self._size() <= _LISTED
        if self._tried and not self._satisfied and not self.known:
            words = (f"the constraints leave nothing to ask{where}: none of {self._tried} points tried satisfied them "
                     "(0.00%)" + ("" if certain else ", and a search for one that does found none") + ". Relax them, "
                     "define variables so that fewer combinations are infeasible, or inject() a point that satisfies "
                     "them, whose neighbours are then tried.")
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
