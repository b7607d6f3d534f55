"""Variables pinned to one value in some draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import checks
from ..arrays import Bools, Codes, Floats, Ints
from ..space import rules
from ..space.space import Space
from .search_distribution import SearchDistribution


@dataclass(frozen=True)
class Pins:
    """`columns`, `(n_variables,)`, are pinned to the numbers in `draw` and to `codes`, each `(n_variables,)`.

    The codes are kept too, since of a continuum the one nearest to a draw may be a neighbour of what the user gave.
    """

    columns: Bools
    draw: Floats  # where nothing is pinned: any number, which nobody reads
    codes: Codes  # likewise

    def on(self, draws: Floats) -> Floats:
        """`(n, n_variables)` draws with the pinned columns replaced."""
        return np.where(self.columns, self.draw, draws)

    def fit(self, codes: Codes) -> Bools:
        """`(n,)`: which of `(n, n_variables)` codes have the pinned ones."""
        return np.asarray(((codes == self.codes) | ~self.columns).all(axis=1))

    def exactly(self, codes: Codes) -> Codes:
        """`(n, n_variables)` codes of such draws, the pinned ones as given."""
        exact: Codes = np.where(self.columns, self.codes, codes).astype(codes.dtype)
        return exact


def codes_of(distribution: SearchDistribution, draws: Floats, pinned: Pins | None) -> Codes:
    """The codes of draws that are pinned, or of any."""
    codes = distribution.codes(draws)
    return codes if pinned is None else pinned.exactly(codes)


def pinned_on(draws: Floats, pinned: Pins | None) -> Floats:
    """`(n, n_variables)` draws, with what is pinned."""
    return draws if pinned is None else pinned.on(draws)


def feasible(distribution: SearchDistribution, draws: Floats, pinned: Pins | None) -> Bools:
    """`(n,)`: which of `(n, n_variables)` draws that are pinned, or of any, satisfy the constraints."""
    space = distribution.space
    points = space.values(codes_of(distribution, draws, pinned))
    return np.array([space.feasible(values) for values in points], dtype=np.bool_)


def violated(distribution: SearchDistribution, draws: Floats, pinned: Pins | None) -> Ints:
    """`(n,)`: how many constraints each of them breaks."""
    space = distribution.space
    points = space.values(codes_of(distribution, draws, pinned))
    return np.array([space.constraints.violated(values) for values in points], dtype=np.int64)


def pins(distribution: SearchDistribution, fixed: object) -> Pins | None:
    """The pins of `fixed`, name -> value. Raises ValueError if one may be inactive in a draw."""
    codes, columns = fixed_codes(distribution.space, fixed, "ask(fixed=...)")
    return Pins(columns, distribution.family.draws(codes), codes) if columns.any() else None


def fixed_codes(space: Space, fixed: object, where: str) -> tuple[Codes, Bools]:
    """`(n_variables,)` codes that exist, and which of them `fixed`, name -> value, gives. Raises TypeError or
    ValueError, beginning with `where`, for what is no value or may be inactive."""
    codes = np.where(space.continuous, space.lows, -1).astype(space.dtype)  # -1: a value not known
    columns = np.zeros(len(space), dtype=np.bool_)
    for name, value in checks.mapping(where, fixed).items():
        i = space.positions[rules.known_name(where, name, space.names)]
        codes[i], columns[i] = space.encode_one(name, value, f"{where}: "), True
    certain = space.active(codes[None])[0]  # what is not pinned satisfies no condition
    if space.conditions is not None and (wrong := np.flatnonzero(columns & ~certain)).size:
        name = space.names[wrong[0]]
        raise ValueError(f"{where} must pin no variable that may be inactive, got {name!r}. Fix variables that "
                         f"meet its condition too: {space.conditions.values(space.variables)[name]}.")
    return np.where(space.continuous, codes, np.maximum(codes, 0)).astype(space.dtype), columns
