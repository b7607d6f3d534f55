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
        space = setting.space
        groups: dict[tuple[bool, int, float, float], list[int]] = {}  # variables of a kind are one parameter: faster
        for i, (variable, low, high) in enumerate(zip(space.variables.values(), space.lows, space.highs, strict=True)):
            groups.setdefault((variable.ordered, variable.size, float(low), float(high)), []).append(i)
        self.setting, self.groups = setting, list(groups.values())
        mixed = bool(space.continuous.any())
        parameters = nevergrad.p.Tuple(*(
            self.axes(len(group), low, high, integers=size > 0) if ordered and mixed
            else (nevergrad.p.TransitionChoice if ordered else self.unordered)(range(size), repetitions=len(group))
            for (ordered, size, low, high), group in groups.items()))
        parameters.random_state = np.random.RandomState(seed)
        if setting.constraint is not None:
            parameters.register_cheap_constraint(self.valid)
        self.optimizer = nevergrad.optimizers.registry[self.name](parameters, setting.budget, setting.n_workers)
        self.open: Open[Any] = Open()

    @staticmethod
    def axes(n: int, low: float, high: float, *, integers: bool) -> nevergrad.p.Array:
        """Of `n` ordered variables beside Reals, as its documentation has them."""
        array = nevergrad.p.Array(init=np.full(n, (low + high) / 2), lower=low, upper=high)
        return array.set_integer_casting() if integers else array

    def codes(self, values: tuple[tuple[int, ...], ...]) -> Codes:
        codes: Codes = np.empty(sum(map(len, self.groups)), dtype=self.setting.space.dtype)
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


class Optimistic(_Nevergrad):
    """Made for discrete variables under noise: points are asked again, by lower confidence bounds; recommended is the
    best of them."""

    name = "RecombiningPortfolioOptimisticNoisyDiscreteOnePlusOne"
    unordered = nevergrad.p.Choice


class NGOpt(_Nevergrad):
    name = "NGOpt"
    unordered = nevergrad.p.Choice
