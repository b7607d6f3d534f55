"""Optuna: TPE, alone and with its pruners, the Gaussian-process sampler, NSGA-II."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import optuna
from optuna.trial import Trial

from asng_core import Space
from asng_core.arrays import Codes
from asng_core.integrations.optuna import ASNGSampler

from . import BestSeen, Loss, Open, Setting
from .fidelities import HighestSeen, Ladder

optuna.logging.set_verbosity(optuna.logging.WARNING)


def distributions(space: Space) -> dict[str, optuna.distributions.BaseDistribution]:
    """Integer positions for ordered variables, categories for the others."""
    return {name: optuna.distributions.FloatDistribution(low, high) if variable.continuous
            else optuna.distributions.IntDistribution(0, variable.size - 1) if variable.ordered
            else optuna.distributions.CategoricalDistribution(range(variable.size))
            for (name, variable), low, high in zip(space.variables.items(), space.lows.tolist(), space.highs.tolist(),
                                                   strict=True)}


class _Optuna(BestSeen, ABC):
    """A study by ask and tell."""

    lacks: ClassVar[frozenset[str]] = frozenset({"two-objectives"})

    def __init__(self, setting: Setting, seed: int) -> None:
        self.constrained = setting.constraint is not None
        with warnings.catch_warnings():  # experimental features announce themselves
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self.study = optuna.create_study(directions=["minimize"] * setting.n_objectives,
                                             sampler=self.sampler(setting, seed))
        self.distributions, self.dtype = distributions(setting.space), setting.space.dtype
        self.open: Open[Trial] = Open()

    @abstractmethod
    def sampler(self, setting: Setting, seed: int) -> optuna.samplers.BaseSampler:
        """The algorithm."""

    def ask(self) -> Codes:
        trial = self.study.ask(self.distributions)
        codes: Codes = np.array([trial.params[name] for name in self.distributions], dtype=self.dtype)
        self.open.put(codes, trial)
        return codes

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        trial = self.open.pop(codes)
        if self.constrained:
            trial.set_constraint("invalid", float(np.isnan(loss).any()))  # above 0 if violated
        self.study.tell(trial, _values(loss))

    def add(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        params: dict[str, Any] = dict(zip(self.distributions, codes.tolist(), strict=True))
        self.study.add_trial(optuna.create_trial(params=params, distributions=self.distributions, values=_values(loss),
                                                 constraints={"invalid": 0.0} if self.constrained else None))


def _values(loss: Loss) -> list[float]:
    """An invalid point has no loss, and its violation outweighs any."""
    return [np.inf if np.isnan(value) else float(value) for value in np.atleast_1d(loss)]


class TPE(_Optuna):
    """Multivariate, which is its default for one objective."""

    lacks = frozenset()

    def sampler(self, setting: Setting, seed: int) -> optuna.samplers.BaseSampler:
        return optuna.samplers.TPESampler(seed=seed, multivariate=True)


class ASNG(_Optuna):
    """Ours, as a sampler."""

    def sampler(self, setting: Setting, seed: int) -> optuna.samplers.BaseSampler:
        return ASNGSampler(seed=seed, noisy=setting.noisy)


class GP(_Optuna):
    def sampler(self, setting: Setting, seed: int) -> optuna.samplers.BaseSampler:
        return optuna.samplers.GPSampler(seed=seed, deterministic_objective=not setting.noisy)


class NSGA2(_Optuna):
    lacks = frozenset()

    def sampler(self, setting: Setting, seed: int) -> optuna.samplers.BaseSampler:
        return optuna.samplers.NSGAIISampler(seed=seed)


class _Pruning(HighestSeen, ABC):
    """TPE with a pruner: a trial reports at each fidelity until it is pruned or through."""

    def __init__(self, ladder: Ladder, seed: int) -> None:
        self.ladder = ladder
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self.study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True),
                                             pruner=self.pruner(ladder), study_name=str(seed))  # brackets are by name
        self.distributions = distributions(ladder.space)
        self.trial: Trial | None = None
        self.fidelity = 0

    @abstractmethod
    def pruner(self, ladder: Ladder) -> optuna.pruners.BasePruner:
        """The algorithm."""

    def ask(self) -> tuple[Codes, int]:
        if self.trial is None:
            self.trial, self.fidelity = self.study.ask(self.distributions), 0
        return np.array([self.trial.params[name] for name in self.distributions]), self.fidelity

    def tell(self, codes: Codes, fidelity: int, loss: float) -> None:
        self.see(codes, fidelity, loss)
        if self.trial is None:
            raise RuntimeError("ask before you tell")
        self.trial.report(loss, self.ladder.fidelities[fidelity])
        self.fidelity += 1
        if self.fidelity == len(self.ladder.fidelities):
            self.study.tell(self.trial, loss)
            self.trial = None
        elif self.trial.should_prune():
            self.study.tell(self.trial, state=optuna.trial.TrialState.PRUNED)
            self.trial = None


class Hyperband(_Pruning):
    def pruner(self, ladder: Ladder) -> optuna.pruners.BasePruner:
        return optuna.pruners.HyperbandPruner(min_resource=ladder.fidelities[0], max_resource=ladder.fidelities[-1],
                                              reduction_factor=3)


class Median(_Pruning):
    def pruner(self, ladder: Ladder) -> optuna.pruners.BasePruner:
        return optuna.pruners.MedianPruner()
