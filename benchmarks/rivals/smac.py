"""SMAC3: its hyperparameter-optimization facade, a random forest, and its multi-fidelity facade."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar

import ConfigSpace
import numpy as np
import smac
from smac.runhistory.dataclasses import TrialInfo, TrialValue

from asng_core import Space
from asng_core.arrays import Codes

from . import BestSeen, Loss, Open, Setting
from .fidelities import HighestSeen, Ladder

N_INITIAL = 5  # of the multi-fidelity facade, as in its own example


class RandomForest(BestSeen):
    """Its defaults. Our constraints join three variables, which its forbidden clauses cannot."""

    lacks: ClassVar[frozenset[str]] = frozenset({"constrained", "asynchronous", "two-objectives"})

    def __init__(self, setting: Setting, seed: int) -> None:
        self.noisy = setting.noisy
        self.configurations = configuration_space(setting.space, seed)
        self.names, self.dtype = setting.space.names, setting.space.dtype
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


def configuration_space(space: Space, seed: int) -> ConfigSpace.ConfigurationSpace:
    """Ordered variables as ordinals, the others as categories."""
    made = ConfigSpace.ConfigurationSpace(seed=seed)
    for (name, variable), low, high in zip(space.variables.items(), space.lows, space.highs, strict=True):
        kind = ConfigSpace.OrdinalHyperparameter if variable.ordered else ConfigSpace.CategoricalHyperparameter
        made.add(ConfigSpace.UniformFloatHyperparameter(name, float(low), float(high)) if variable.continuous
                 else kind(name, list(range(variable.size))))
    return made


def _never(config: ConfigSpace.Configuration, seed: int = 0) -> float:
    raise RuntimeError("SMAC asks and is told")


def _never_up_to(config: ConfigSpace.Configuration, seed: int = 0, budget: float = 0) -> float:
    return _never(config, seed)


class MultiFidelity(HighestSeen):
    """Its multi-fidelity facade: Hyperband on a random forest, its defaults."""

    def __init__(self, ladder: Ladder, seed: int) -> None:
        self.ladder = ladder
        self.folder = tempfile.TemporaryDirectory()
        scenario = smac.Scenario(configuration_space(ladder.space, seed), deterministic=True, n_trials=100_000,
                                 min_budget=ladder.fidelities[0], max_budget=ladder.fidelities[-1],
                                 output_directory=Path(self.folder.name), seed=seed)
        facade = smac.MultiFidelityFacade
        self.smac = facade(scenario, _never_up_to, overwrite=True, logging_level=False,
                           initial_design=facade.get_initial_design(scenario, n_configs=N_INITIAL))
        self.info: Any = None

    def ask(self) -> tuple[Codes, int]:
        self.info = self.smac.ask()
        return (np.array([self.info.config[name] for name in self.ladder.space.names], dtype=np.int64),
                self.ladder.nearest(self.info.budget))

    def tell(self, codes: Codes, fidelity: int, loss: float) -> None:
        self.see(codes, fidelity, loss)
        self.smac.tell(self.info, TrialValue(cost=loss), save=False)
