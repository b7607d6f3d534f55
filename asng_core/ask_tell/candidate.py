"""Candidates: the points an optimizer hands out, as the user's values and as codes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..space.space import Space


class Candidate(Mapping[str, Any]):
    """One point: an immutable mapping from the names of active variables to the user's values.

    `codes` are its `(n_variables,)` codes, read-only; `id` is its number among those asked, or None
    if its loss is not awaited (`sample`). Call an objective as `f(**candidate)` or `f(dict(candidate))`.
    """

    __slots__ = ("codes", "id", "space")

    def __init__(self, space: Space, codes: NDArray[Any], id: int | None) -> None:
        self.space, self.codes, self.id = space, codes, id

    def __getitem__(self, name: str) -> Any:
        code = self.codes[self.space.positions[name]].item()  # KeyError for a name that is not of the space
        variable = self.space.variables[name]
        # NaN and -1 mark an inactive variable: a key that this mapping does not have
        if math.isnan(code) if variable.continuous else code == -1:
            raise KeyError(name)
        return variable.decode(code)

    def __iter__(self) -> Iterator[str]:
        if self.space.conditions is None:  # all are active: the values need not be decoded
            return iter(self.space.names)
        return iter(self.space.values(self.codes[None])[0])

    def __len__(self) -> int:
        return len(self.space) if self.space.conditions is None else len(list(iter(self)))

    def __repr__(self) -> str:
        return f"Candidate(id={self.id}, {dict(self)!r})"


class Batch(Sequence[Candidate]):
    """Candidates asked together. `codes` is `(n, n_variables)`, read-only; a slice is a Batch."""

    __slots__ = ("codes", "ids", "space")

    def __init__(self, space: Space, codes: NDArray[Any], ids: Sequence[int | None]) -> None:
        codes.setflags(write=False)  # so are the rows of its candidates, which are views
        self.space, self.codes, self.ids = space, codes, tuple(ids)

    @classmethod
    def of(cls, candidates: object) -> Batch:
        """A batch of one candidate, of a sequence of candidates, or the batch itself."""
        listed = [candidates] if isinstance(candidates, Candidate) else candidates
        if not isinstance(listed, Batch) and not (
                isinstance(listed, Sequence) and all(isinstance(each, Candidate) for each in listed)):
            raise TypeError("candidates must be a Candidate, a Batch or a list of Candidates as ask() returned "
                            f"them, got {checks.shown(candidates)}.")
        if not listed:
            raise ValueError("candidates must hold at least one Candidate, got none.")
        if isinstance(listed, Batch):
            return listed
        # the ledger compares the codes with those that were asked; here they must only stack
        if any(len(each.codes) != len(listed[0].codes) for each in listed):
            raise ValueError("candidates must be of one space, but some have other variables than the first.")
        return cls(listed[0].space, np.stack([each.codes for each in listed]), [each.id for each in listed])

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> Batch: ...
    def __getitem__(self, index: int | slice) -> Candidate | Batch:
        if isinstance(index, slice):
            return Batch(self.space, self.codes[index], self.ids[index])
        return Candidate(self.space, self.codes[index], self.ids[index])

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Batch({list(self)!r})"
