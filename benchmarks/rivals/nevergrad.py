"""nevergrad: its discrete one-plus-one optimizers, and NGOpt, which chooses for itself."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import nevergrad
import numpy as np

from . import BestSeen, Codes, Loss, Open, Setting


class _Nevergrad(BestSeen):
    lacks: ClassVar[frozenset[str]] = frozenset({"two-objectives"})
    name: ClassVar[str]
    unordered: ClassVar[type[nevergrad.p.Choice | nevergrad.p.TransitionChoice]]

    def __init__(self, setting: Setting, seed: int) -> None:
        self.names = setting.space.names
        parameters = nevergrad.p.Dict(**{
            name: (nevergrad.p.TransitionChoice if variable.ordered else self.unordered)(range(variable.size))
            for name, variable in setting.space.variables.items()})
        parameters.random_state = np.random.RandomState(seed)
        if setting.constraint is not None:
            parameters.register_cheap_constraint(lambda values: setting.valid(self.codes(values)))
        self.optimizer = nevergrad.optimizers.registry[self.name](parameters, setting.budget, setting.n_workers)
        self.open: Open[Any] = Open()

    def codes(self, values: dict[str, int]) -> Codes:
        return np.array([values[name] for name in self.names], dtype=np.int64)

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
        values = dict(zip(self.names, codes.tolist(), strict=True))
        self.optimizer.tell(self.optimizer.parametrization.spawn_child(new_value=values), loss)

    def recommend(self) -> Codes:
        return self.codes(self.optimizer.provide_recommendation().value)


class OnePlusOne(_Nevergrad):
    """The best of its discrete one-plus-one optimizers on the tables, with `TransitionChoice` throughout, as
    its documentation advises: they ignore the order. With `Choice` all of them do worse."""

    name = "DoubleFastGADiscreteOnePlusOne"
    unordered = nevergrad.p.TransitionChoice


class NGOpt(_Nevergrad):
    name = "NGOpt"
    unordered = nevergrad.p.Choice
