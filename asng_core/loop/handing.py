"""Handing states from one evaluation of a run to the next, and letting go of those that none needs any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..ask_tell.candidate import Candidate
from ..blackbox.minimizer import Minimizer
from .continued import Order, Reached
from .states import States


class Handing:
    """Of one run of `minimize`, around its optimizer. dropped: packed states that the last `tidy` has let go.

    note: called with {"lose": runs} before the optimizer is told so.
    """

    def __init__(self, optimizer: Minimizer, note: Callable[[dict[str, Any]], object]) -> None:
        self._optimizer, self._note = optimizer, note
        self._states: States | None = None  # while a journal is replayed, which says itself what was lost
        self._levels: dict[int, int] = {}  # run -> the highest fidelity at which it was told
        self.dropped: list[bytes] = []

    def begin(self, states: States) -> None:
        """What there is before anything is evaluated."""
        self._states, history = states, self._optimizer.history
        for run, level in zip(history.runs.tolist(), history.fidelities.tolist(), strict=True):
            self._levels[run] = max(level, self._levels.get(run, -1))
        self.tidy()

    def order(self, candidate: Candidate) -> Any:
        """What the objective gets of a candidate."""
        if candidate.run is None:
            return dict(candidate)
        state = None
        if candidate.reached is not None and self._states is not None:
            state = self._states.get(candidate.run, self._levels[candidate.run])
            if state is None and candidate.run in self._optimizer.continuable:
                self._lose([candidate.run])
        return Order(dict(candidate), candidate.fidelity, state)

    def taken(self, candidates: Sequence[Candidate], reached: Sequence[Reached]) -> list[int]:
        """Keep the states that came, before it is told that they did: the positions of their fidelities."""
        levels = [self._optimizer.fidelities.index(each.fidelity) for each in candidates]
        for candidate, level, each in zip(candidates, levels, reached, strict=False):
            if each.lost:
                self._lose([candidate.run or 0])
            if each.state is not None and self._states is not None:
                self._states.put(candidate.run or 0, level, each.state)
        self._levels.update((each.run or 0, level) for each, level in zip(candidates, levels, strict=True))
        return levels

    def tidy(self) -> None:
        """Let go of states that no run needs any more, and of runs that have none to go on from."""
        if self._states is None:
            return
        there = {run: self._levels[run] for run in self._optimizer.continuable}
        gone = [run for run, level in there.items() if (run, level) not in self._states]
        if gone:
            self._lose(gone)
        self.dropped = self._states.keep({run: level for run, level in there.items() if run not in gone})

    def close(self) -> None:
        if self._states is not None:
            self._states.close()

    def _lose(self, runs: list[int]) -> None:
        self._note({"lose": runs})
        for run in runs:
            self._optimizer.lose(run)
