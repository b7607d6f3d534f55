"""Syne Tune: asynchronous successive halving, alone, with BORE, and as BOHB."""

from __future__ import annotations

import datetime
import heapq
import logging
import random
from typing import Any, ClassVar

import numpy as np
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, randint
from syne_tune.optimizer import baselines
from syne_tune.optimizer.scheduler import SchedulerDecision

from asng_core.arrays import Codes

from .fidelities import HighestSeen, Ladder

logging.getLogger("syne_tune").setLevel(logging.ERROR)

N_WORKERS = 4  # as in its own benchmarks: what one trial is compared with has to run beside it
LOSS, FIDELITY = "loss", "fidelity"


class _SyneTune(HighestSeen):
    """A scheduler on workers whose times are the costs: the step that ends first is evaluated next."""

    kind: ClassVar[Any]

    def __init__(self, ladder: Ladder, seed: int) -> None:
        self.ladder, space = ladder, ladder.space
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  it draws from there too
        variables = {name: randint(0, variable.size - 1) if variable.ordered else choice(list(range(variable.size)))
                     for name, variable in space.variables.items()}
        self.scheduler = self.kind(variables, metric=LOSS, time_attr=FIDELITY, grace_period=ladder.fidelities[0],
                                   max_t=ladder.fidelities[-1], reduction_factor=3, random_seed=seed)
        self.running: list[tuple[float, int, int]] = []  # (end of the step, trial, fidelity)
        self.trials: dict[int, Trial] = {}
        for _ in range(N_WORKERS):
            self._start(0.0)

    def ask(self) -> tuple[Codes, int]:
        _, trial, fidelity = self.running[0]
        config = self.trials[trial].config
        return np.array([config[name] for name in self.ladder.space.names], dtype=np.int64), fidelity

    def tell(self, codes: Codes, fidelity: int, loss: float) -> None:
        self.see(codes, fidelity, loss)
        now, number, _ = heapq.heappop(self.running)
        result, trial = {LOSS: loss, FIDELITY: self.ladder.fidelities[fidelity]}, self.trials[number]
        decision = self.scheduler.on_trial_result(trial, result)
        if decision == SchedulerDecision.CONTINUE:
            self._step(now, number, fidelity + 1)
            return
        if fidelity + 1 == len(self.ladder.fidelities):
            self.scheduler.on_trial_complete(trial, result)
        else:
            self.scheduler.on_trial_remove(trial)
        self._start(now)

    def _start(self, now: float) -> None:
        number = len(self.trials)
        self.trials[number] = Trial(number, self.scheduler.suggest().config, datetime.datetime.now())
        self.scheduler.on_trial_add(self.trials[number])
        self._step(now, number, 0)

    def _step(self, now: float, number: int, fidelity: int) -> None:
        costs = self.ladder.fidelities
        cost = costs[fidelity] - (costs[fidelity - 1] if fidelity and self.ladder.continues else 0)
        heapq.heappush(self.running, (now + cost, number, fidelity))


class ASHA(_SyneTune):
    kind = baselines.ASHA


class ASHABORE(_SyneTune):
    kind = baselines.ASHABORE


class BOHB(_SyneTune):
    kind = baselines.BOHB
