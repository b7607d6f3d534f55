"""Candidates: the points an optimizer hands out, as the user's values and as codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..html import table, text_of
from ..space.space import Space


class Stage(NamedTuple):
    """Of a candidate that is evaluated at one of several fidelities: up to where, in which run, from where the run goes
    on (None: it begins), and what the step is expected to cost."""

    fidelity: Any
    run: int
    reached: Any
    cost: float


class Candidate(Mapping[str, Any]):
    """One point: an immutable mapping from the names of active variables to the user's values.

    >>> from asng_core import ASNG, Integer, Space
    >>> candidate = ASNG(Space({"n": Integer(3, 3)}), seed=0).ask()
    >>> candidate, candidate["n"], dict(candidate), candidate.codes
    (Candidate(id=0, {'n': 3}), 3, {'n': 3}, array([0]))

    `codes` are its `(n_variables,)` codes, read-only; `id` is its number among those asked, or None
    if its loss is not awaited (`sample`). Call an objective as `f(**candidate)` or `f(dict(candidate))`.

    Of a `Minimizer(fidelities=...)`: `fidelity`, up to where it is to be evaluated; `run`, the number of the run, which
    those candidates share that continue one; `reached`, the fidelity from which the run goes on, None if it begins; and
    `cost`, what that is expected to cost. All four are None elsewhere.

    A pickle holds its values, codes and id, and no space: `space` is None there and when it comes back to be told.
    """

    __slots__ = ("_values", "codes", "id", "space", "stage")

    def __init__(self, space: Space | None, codes: NDArray[Any], id: int | None,
                 values: Mapping[str, Any] | None = None, stage: Stage | None = None) -> None:
        self.space, self.codes, self.id, self._values, self.stage = space, codes, id, values, stage

    @property
    def fidelity(self) -> Any:
        """Up to where to evaluate."""
        return None if self.stage is None else self.stage.fidelity

    @property
    def run(self) -> int | None:
        """The number of the run: the id of the candidate that began it."""
        return None if self.stage is None else self.stage.run

    @property
    def reached(self) -> Any:
        """The fidelity from which the run goes on; None if it begins."""
        return None if self.stage is None else self.stage.reached

    @property
    def cost(self) -> float | None:
        """What the step from `reached` to `fidelity` is expected to cost."""
        return None if self.stage is None else self.stage.cost

    @property
    def _decoded(self) -> Mapping[str, Any]:
        """The values, decoded together when one of them is first asked for."""
        if self._values is None:
            self._values = {} if self.space is None else self.space.values(self.codes[None])[0]
        return self._values

    def __getitem__(self, name: str) -> Any:
        return self._decoded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._decoded)

    def __len__(self) -> int:
        return len(self._decoded)

    def _repr_html_(self) -> str:
        return table(("variable", "value"), [(name, text_of(value)) for name, value in self.items()])

    def __repr__(self) -> str:
        stage = "" if self.stage is None else f"fidelity={self.fidelity!r}, run={self.run}, reached={self.reached!r}, "
        return f"Candidate(id={self.id}, {stage}{dict(self)!r})"

    def __copy__(self) -> Candidate:  # immutable
        return self

    def __deepcopy__(self, memo: object) -> Candidate:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (dict(self), _small(self.codes), self.codes.dtype.str, self.id, self.stage)


class Batch(Sequence[Candidate]):
    """Candidates asked together. `codes` is `(n, n_variables)`, read-only; a slice is a Batch.

    >>> from asng_core import ASNG, Space
    >>> batch = ASNG(Space.binary(3), seed=0).ask(4)
    >>> len(batch), batch[1].id, len(batch[:2]), batch.codes.shape
    (4, 1, 2, (4, 3))

    As for a Candidate, a pickle holds no space.
    """

    __slots__ = ("_values", "codes", "ids", "space", "stages")

    def __init__(self, space: Space | None, codes: NDArray[Any], ids: Sequence[int | None],
                 values: Sequence[Mapping[str, Any]] | None = None, stages: Sequence[Stage] | None = None) -> None:
        codes.setflags(write=False)
        self.space, self.codes, self.ids, self._values, self.stages = space, codes, tuple(ids), values, stages

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
        carried = any(each.space is None for each in listed)
        return cls(None if carried else listed[0].space, np.stack([each.codes for each in listed]),
                   [each.id for each in listed], [dict(each) for each in listed] if carried else None,
                   None if any(each.stage is None for each in listed) else [each.stage for each in listed])

    def staged(self, stages: Sequence[Stage]) -> Batch:
        """The same candidates, a stage each."""
        return Batch(self.space, self.codes, self.ids, self._values, stages)

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> Batch: ...
    def __getitem__(self, index: int | slice) -> Candidate | Batch:
        own: list[Any] = [None if each is None else each[index] for each in (self._values, self.stages)]
        if isinstance(index, slice):
            return Batch(self.space, self.codes[index], self.ids[index], *own)
        return Candidate(self.space, self.codes[index], self.ids[index], *own)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Batch({list(self)!r})"

    def __copy__(self) -> Batch:  # immutable
        return self

    def __deepcopy__(self, memo: object) -> Batch:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived_together, (list(map(dict, self)), _small(self.codes), self.codes.dtype.str, self.ids,
                                   self.stages)


def _small(codes: NDArray[Any]) -> NDArray[Any]:
    """The same codes in as few bytes as each of them needs."""
    if codes.dtype.kind == "f" or not codes.size:
        return codes
    return codes.astype(np.result_type(np.int8, np.min_scalar_type(codes.max())))  # -1 stands for the inactive


def _arrived(values: dict[str, Any], codes: NDArray[Any], dtype: str, id: int | None,
             stage: Stage | None = None) -> Candidate:
    codes = codes.astype(dtype)
    codes.setflags(write=False)
    return Candidate(None, codes, id, values, stage)


def _arrived_together(values: list[dict[str, Any]], codes: NDArray[Any], dtype: str,
                      ids: Sequence[int | None], stages: Sequence[Stage] | None = None) -> Batch:
    return Batch(None, codes.astype(dtype), ids, values, stages)
