"""nevergrad: its discrete one-plus-one optimizers, and NGOpt, which chooses for itself."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import nevergrad
import numpy as np

from asng_core.arrays import Codes

from . import BestSeen, Loss, Open, Setting


class _Nevergrad(BestSeen):
    lacks: ClassVar[frozenset[str]] = frozenset({"two-objectives"})
    name: ClassVar[str]
    unordered: ClassVar[type[nevergrad.p.Choice | nevergrad.p.TransitionChoice]]

    def __init__(self, setting: Setting, seed: int) -> None:
        groups: dict[tuple[bool, int], list[int]] = {}  # variables of a kind are one parameter, which is faster
        for i, variable in enumerate(setting.space.variables.values()):
            groups.setdefault((variable.ordered, variable.size), []).append(i)
        self.setting, self.groups = setting, list(groups.values())
        parameters = nevergrad.p.Tuple(*(
            (nevergrad.p.TransitionChoice if ordered else self.unordered)(range(size), repetitions=len(group))
            for (ordered, size), group in groups.items()))
        parameters.random_state = np.random.RandomState(seed)
        if setting.constraint is not None:
            parameters.register_cheap_constraint(self.valid)
        self.optimizer = nevergrad.optimizers.registry[self.name](parameters, setting.budget, setting.n_workers)
        self.open: Open[Any] = Open()

    def codes(self, values: tuple[tuple[int, ...], ...]) -> Codes:
        codes = np.empty(sum(map(len, self.groups)), dtype=np.int64)
        for group, value in zip(self.groups, values, strict=True):
            codes[group] = value
        return codes

    def valid(self, values: tuple[tuple[int, ...], ...]) -> bool:
        return self.setting.valid(self.codes(values))

    def ask(self) -> Codes:
        with warnings.catch_warnings():  # asked beyond its budget, since known points are free
            warnings.simplefilter("ignore")
            candidate = self.optimizer.ask()
        codes = self.codes(candidate.value)
        self.open.put(codes, candidate)
        return codes

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        self.optimizer.tell(self.open.pop(codes), loss)

    def add(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        values = tuple(tuple(codes[group].tolist()) for group in self.groups)
        self.optimizer.tell(self.optimizer.parametrization.spawn_child(new_value=values), loss)

    def recommend(self) -> Codes:
        return self.codes(self.optimizer.provide_recommendation().value)


class OnePlusOne(_Nevergrad):
    """With `TransitionChoice` throughout, as its documentation advises: the one-plus-one optimizers ignore the
    order, and with `Choice` they do worse. Of six, no other was better on the tables, noisy or not: the
    portfolio, Lengler, lognormal, fast GA and recombining ones, nor under noise those named for it."""

    name = "DiscreteOnePlusOne"
    unordered = nevergrad.p.TransitionChoice


class NGOpt(_Nevergrad):
    name = "NGOpt"
    unordered = nevergrad.p.Choice
