"""Ax: the Gaussian processes of BoTorch, as Ax chooses them."""

from __future__ import annotations

import logging
import warnings
from typing import ClassVar

import numpy as np
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig
from ax.utils.common.logger import set_ax_logger_levels

from asng_core.arrays import Codes

from . import BestSeen, Loss, Open, Setting

set_ax_logger_levels(logging.ERROR)


class BoTorch(BestSeen):
    """Its defaults: ordered or unordered choices. Its parameter constraints are linear, ours are not."""

    lacks: ClassVar[frozenset[str]] = frozenset({"constrained", "asynchronous", "two-objectives"})

    def __init__(self, setting: Setting, seed: int) -> None:
        self.names = setting.space.names
        self.client = Client(random_seed=seed)
        self.client.configure_experiment(parameters=[
            ChoiceParameterConfig(name=name, values=list(range(variable.size)), parameter_type="int",
                                  is_ordered=variable.ordered)
            for name, variable in setting.space.variables.items()])
        self.client.configure_optimization(objective="-loss")
        self.open: Open[int] = Open()

    def ask(self) -> Codes:
        with warnings.catch_warnings():  # of the fits, which Ax repeats itself
            warnings.simplefilter("ignore")
            (trial, values), = self.client.get_next_trials(max_trials=1).items()
        codes = np.array([values[name] for name in self.names], dtype=np.int64)
        self.open.put(codes, trial)
        return codes

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        self.client.complete_trial(self.open.pop(codes), raw_data={"loss": float(loss)})

    def add(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        trial = self.client.attach_trial(dict(zip(self.names, codes.tolist(), strict=True)))
        self.client.complete_trial(trial, raw_data={"loss": float(loss)})
