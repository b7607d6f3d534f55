"""A search in one space, kept abreast of the trials of a study."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ...ask_tell.candidate import Candidate
from ...blackbox.memo import SpaceExhausted
from ...blackbox.minimizer import Minimizer
from ...space.space import Space
from .space import params, point


class Reader:
    """Goes through the trials of a study, whose list only grows."""

    def __init__(self) -> None:
        self._n = 0  # trials looked at
        self._running: list[int] = []  # of those, not finished when last looked at

    def unread(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Those not seen finished yet: each until it is."""
        found = [trials[number] for number in [*self._running, *range(self._n, len(trials))]]
        self._running, self._n = [each.number for each in found if not each.state.is_finished()], len(trials)
        return found


class Search:
    """`optimizer`, of `space`, in which Optuna's `distributions` are."""

    def __init__(self, distributions: Mapping[str, BaseDistribution], space: Space,
                 directions: Sequence[StudyDirection], optimizer: Minimizer) -> None:
        self._distributions, self._space, self._optimizer = dict(distributions), space, optimizer
        self._signs = [-1.0 if each == StudyDirection.MAXIMIZE else 1.0 for each in directions]
        self._reader = Reader()
        self._open: dict[int, Candidate] = {}  # number of a trial -> what it evaluates

    def is_of(self, distributions: Mapping[str, BaseDistribution], space: Space) -> bool:
        return distributions == self._distributions and space is self._space

    def learn(self, trials: Sequence[FrozenTrial], present: int) -> bool:
        """Take in what has been started and finished since; `present` is the number of the trial to be sampled.

        False if a trial did not evaluate what it was asked to: then a new search must take in all.
        """
        for trial in self._reader.unread(trials):
            candidate = self._open.get(trial.number)
            values = self._point(trial)
            if trial.state.is_finished():
                if candidate is None:
                    if values is not None:
                        self._optimizer.inject(values, self._loss(trial), violation=_violation(trial))
                elif values == dict(candidate) or trial.state != TrialState.COMPLETE:  # which may have ended early
                    self._optimizer.tell(self._open.pop(trial.number), self._loss(trial), _violation(trial))
                else:
                    return False
            elif candidate is None and values is not None and trial.number != present:
                with contextlib.suppress(SpaceExhausted):  # known already
                    self._open[trial.number] = self._optimizer.ask(fixed=values)
        return True

    def ask(self, trial: FrozenTrial) -> dict[str, Any]:
        """Values for a trial, new ones beside what is fixed in it; any if there are no new ones."""
        try:
            candidate = self._optimizer.ask(fixed=self._fixed(trial))
        except SpaceExhausted:
            return params(self._distributions, self._optimizer.sample(1)[0])
        self._open[trial.number] = candidate
        return params(self._distributions, candidate)

    def leave(self, trial: FrozenTrial, others: Sequence[FrozenTrial]) -> bool:
        """Leave what was asked for a trial to another that evaluates the same; False if there is none, or no choice."""
        if not others or trial.number not in self._open or trial.system_attrs.get("fixed_params"):
            return False
        self._open[others[0].number] = self._open.pop(trial.number)
        return True

    def _fixed(self, trial: FrozenTrial) -> dict[str, Any]:
        """What was enqueued, but for what is no value or may be inactive: Optuna uses it all, whatever is asked."""
        space, fixed = self._space, dict[str, Any]()
        codes = np.where(space.continuous, space.lows, -1).astype(space.dtype)  # -1: not known
        for name, value in trial.system_attrs.get("fixed_params", {}).items():
            with contextlib.suppress(ValueError):
                for _, own in point(space, self._distributions, {name: value}).items():  # none of another parameter
                    codes[space.positions[name]] = space.encode_one(name, own)
                    fixed[name] = own
        active = space.active(codes[None])[0]
        return {name: value for name, value in fixed.items() if active[space.positions[name]]}

    def _point(self, trial: FrozenTrial) -> dict[str, Any] | None:
        """What a trial evaluates; None if that is, as yet, no point of the space."""
        try:
            values = point(self._space, self._distributions, trial.params)
            return values if self._space.contains(values) else None
        except ValueError:  # a choice that was another then
            return None

    def _loss(self, trial: FrozenTrial) -> Any:
        """Lower is better; NaN if it failed."""
        values = trial.values or [math.nan] * len(self._signs)  # a pruned trial has its last intermediate value
        losses = [sign * value for sign, value in zip(self._signs, values, strict=True)]
        return losses if len(losses) > 1 else losses[0]


def _violation(trial: FrozenTrial) -> float:
    """By how much it breaks constraints; one that was pruned counts as breaking one, the earlier the more."""
    violation = sum(value for value in trial.constraints.values() if value > 0)
    if trial.state == TrialState.PRUNED:
        violation += 1.0 / (1.0 + max(trial.last_step or 0, 0))
    return violation
