"""What would be asked if there were no fidelity but the highest: what is asked where the others cannot be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks
from ..ask_tell.late import Past
from ..ask_tell.results import Gathered, Told
from ..distribution.pins import Pins, codes_of
from ..distribution.search_distribution import SearchDistribution
from .knowledge import Knowledge, Step
from .memo import SpaceExhausted
from .noise_free import NoiseFree

_TRIES = 5  # points that are being evaluated already


class Alone:
    """The policy without noise, told of nothing but what reached the highest fidelity, and of failures."""

    def __init__(self, mechanisms: NoiseFree, distribution: SearchDistribution, rng: np.random.Generator,
                 known: Knowledge) -> None:
        self._policy, self._distribution, self._known = mechanisms.policy(distribution, rng), distribution, known
        self._proposed: dict[int, int] = {}  # run -> the id under which the policy waits for its result

    def step(self, number: int, pinned: Pins | None) -> Step | None:
        """Of the run that is to reach the highest fidelity, where need be by the candidate of this number; None if
        there is none."""
        known, first = self._known, self._known.fidelities.first
        for _ in range(_TRIES):
            mark = self._policy.mark()
            try:
                draws, _ = self._policy.propose(1, number, pinned, False)
            except SpaceExhausted:
                return None
            row = known.table.find(codes_of(self._distribution, draws, pinned)[0])
            under_way = [run for run in known.runs.open.values() if known.runs.all[run].row == row]
            if row is None or not under_way:
                break
            self._policy.back(mark)
        else:
            return None
        paused = {run.reached: (each, run) for each, run in known.runs.paused.items() if run.row == row}
        if not known.fidelities.continues:
            step = Step(draws[0], -1, known.fidelities.last, True)
        elif paused:
            run, now = paused[max(paused)]
            step = Step(now.draw, run, now.reached + 1, True)
        else:
            step = Step(draws[0], -1, first, True)
        self._proposed[number if step.run < 0 else step.run] = number
        return step

    def told(self, result: Told, run: int, level: int) -> None:
        """A result of a run, whatever its fidelity."""
        if level < self._known.fidelities.last and not math.isnan(result.loss):
            return
        number = self._proposed.pop(run, None)
        if number is None:
            self.injected(result.codes, result.loss, result.violation)
        else:
            self._policy.told([result._replace(id=number)])

    def injected(self, codes: Any, loss: float, violation: float) -> None:
        """A result at the highest fidelity that the policy has not asked for."""
        self._policy.injected(codes, loss, violation)

    def update(self, gathered: Gathered, generation: int, past: Past) -> None:
        self._policy.update(gathered, generation, past)

    def mark(self) -> tuple[Any, ...]:
        return self._policy.mark(), self._proposed.copy()

    def back(self, mark: tuple[Any, ...]) -> None:
        policy, proposed = mark
        self._proposed = proposed.copy()
        self._policy.back(policy)

    def state(self) -> dict[str, Any]:
        return {**self._policy.state(), "proposed": [list(each) for each in self._proposed.items()]}

    def load(self, state: Mapping[str, Any], n_asked: Any, generation: Any) -> None:
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
        pairs = [(checks.integer("a run", run, minimum=0), checks.integer("an id", number, minimum=0))
                 for run, number in state["proposed"]]
        self._proposed = dict(pairs)
        if not set(self._proposed) <= set(self._known.runs.all):
            raise ValueError("what was proposed must be of a run.")
        self._policy.load({**state, "open": {"ids": list(self._proposed.values())}, "n_asked": n_asked,
                           "generation": generation})
