"""SMAC3: its hyperparameter-optimization facade, a random forest."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import ClassVar

import ConfigSpace
import numpy as np
import smac
from smac.runhistory.dataclasses import TrialInfo, TrialValue

from asng_core.arrays import Codes

from . import BestSeen, Loss, Open, Setting


class RandomForest(BestSeen):
    """Its defaults. Our constraints join three variables, which its forbidden clauses cannot."""

    lacks: ClassVar[frozenset[str]] = frozenset({"constrained", "asynchronous", "two-objectives"})

    def __init__(self, setting: Setting, seed: int) -> None:
        self.noisy = setting.noisy
        self.configurations = ConfigSpace.ConfigurationSpace(seed=seed)
        space = setting.space
        self.names, self.dtype = space.names, space.dtype
        for (name, variable), low, high in zip(space.variables.items(), space.lows, space.highs, strict=True):
            kind = (ConfigSpace.OrdinalHyperparameter if variable.ordered else ConfigSpace.CategoricalHyperparameter)
            self.configurations.add(
                ConfigSpace.UniformFloatHyperparameter(name, float(low), float(high)) if variable.continuous
                else kind(name, list(range(variable.size))))
        self.folder = tempfile.TemporaryDirectory()
        scenario = smac.Scenario(self.configurations, deterministic=not setting.noisy, n_trials=setting.budget,
                                 output_directory=Path(self.folder.name), seed=seed)
        self.smac = smac.HyperparameterOptimizationFacade(scenario, _never, overwrite=True, logging_level=False)
        self.open: Open[TrialInfo] = Open()

    def ask(self) -> Codes:
        info = self.smac.ask()
        codes: Codes = np.array([info.config[name] for name in self.names], dtype=self.dtype)
        self.open.put(codes, info)
        return codes

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        self.smac.tell(self.open.pop(codes), TrialValue(cost=loss), save=False)

    def add(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        values = dict(zip(self.names, codes.tolist(), strict=True))
        info = TrialInfo(ConfigSpace.Configuration(self.configurations, values), seed=None)
        self.smac.tell(info, TrialValue(cost=loss), save=False)

    def recommend(self) -> Codes:
        incumbent = self.smac.intensifier.get_incumbent() if self.noisy else None
        if incumbent is None:
            return super().recommend()
        return np.array([incumbent[name] for name in self.names], dtype=self.dtype)


def _never(config: ConfigSpace.Configuration, seed: int = 0) -> float:
    raise RuntimeError("SMAC asks and is told")
