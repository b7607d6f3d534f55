"""Other libraries behind the protocol of `asng_core.testing`: each is given codes and driven as its documentation says.

An adapter translates and nothing else: what it is told goes to the library as it is, and what the library refuses or
accepts is its own. Where a library has no way to do something, the adapter has no method for it.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import cma
import ConfigSpace
import nevergrad
import numpy as np
import optuna
import smac
from cmaes import CatCMAwM, CMAwM
from smac.runhistory.dataclasses import TrialValue

from asng_core import Space

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Best(NamedTuple):
    values: dict[str, Any]
    loss: float


class Point(dict[str, Any]):
    """Values, and what the library knows the point by."""

    def __init__(self, values: dict[str, Any], token: Any, id: Any = None) -> None:
        super().__init__(values)
        self.token = token
        if id is not None:
            self.id = id


def tokens(points: Sequence[Any]) -> list[Any]:
    return [getattr(point, "token", point) for point in points]


class Adapter:
    """What is common: a space of numbered values and reals, without what the library cannot have."""

    lacks: ClassVar[tuple[str, ...]] = ("conditions", "constraints")

    def __init__(self, space: Space, *, seed: int) -> None:
        for kind, there in (("conditions", space.conditions is not None), ("constraints", bool(space.constraints)),
                            ("unordered variables", bool((~self.ordered(space)).any()))):
            if there and kind in self.lacks:
                raise NotImplementedError(f"it has no {kind}")
        self.space = space

    @staticmethod
    def ordered(space: Space) -> Any:
        return np.array([each.ordered for each in space.variables.values()])

    def values(self, codes: dict[str, Any]) -> dict[str, Any]:
        return {name: self.space.variables[name].decode(code) for name, code in codes.items()}

    def times(self, n: Any) -> range:
        """How often the library is asked for one point; what to make of other numbers would be the adapter's word."""
        if type(n) is not int or n < 1:
            raise NotImplementedError("its ask takes no number")
        return range(n)

    def one_loss_each(self, points: Any, losses: Any) -> Any:
        if len(points) != len(losses):
            raise NotImplementedError("it is told one point at a time")
        return zip(tokens(points), losses, strict=True)


class Numbers(Adapter):
    """A space as a box, logarithms taken: `low`, `high` and whether whole, for each variable."""

    def __init__(self, space: Space, *, seed: int) -> None:
        super().__init__(space, seed=seed)
        self.log = np.array([v.log and v.continuous for v in space.variables.values()])
        self.low, self.high = (np.where(self.log, np.log(np.where(self.log, bound, 1.0)), bound)
                               for bound in (space.lows, space.highs))
        self.whole = ~space.continuous

    def from_box(self, x: Any) -> dict[str, Any]:
        x = np.where(self.log, np.exp(x), np.where(self.whole, np.round(x), x))
        x = np.clip(x, self.space.lows, self.space.highs)
        return self.values(dict(zip(self.space.names, x.tolist(), strict=True)))


class CMAWithMargin(Numbers):
    """cmaes: CMAwM, for numbers; the middle of the box and a quarter of it to start from."""

    lacks = (*Adapter.lacks, "unordered variables")

    def __init__(self, space: Space, *, seed: int) -> None:
        super().__init__(space, seed=seed)
        span = self.high - self.low
        self.scale = np.where(self.whole | (span == 0), 1.0, span)
        bounds = np.stack([self.low / self.scale, self.high / self.scale], axis=1)
        self.cma = CMAwM(bounds.mean(axis=1), float(np.ptp(bounds, axis=1).max() / 4), bounds,
                         self.whole.astype(float), seed=seed)
        self.batch_size = self.cma.population_size

    def ask(self, n: int) -> list[Point]:
        asked = [self.cma.ask() for _ in self.times(n)]
        return [Point(self.from_box(x * self.scale), told) for x, told in asked]

    def tell(self, points: Any, losses: Any) -> None:
        self.cma.tell(list(zip(tokens(points), losses, strict=False)))


class CatCMAWithMargin(Numbers):
    """cmaes: CatCMAwM, for all; reals, positions of ordered variables and categories apart."""

    def __init__(self, space: Space, *, seed: int) -> None:
        super().__init__(space, seed=seed)
        self.x, self.z = space.continuous, self.ordered(space) & ~space.continuous
        self.c = ~self.x & ~self.z
        if (space.sizes > 10**6).any():
            raise NotImplementedError("its z_space lists every value")
        self.cma = CatCMAwM(x_space=np.stack([self.low, self.high], axis=1)[self.x] if self.x.any() else None,
                            z_space=[range(size) for size in space.sizes[self.z]] if self.z.any() else None,
                            c_space=space.sizes[self.c] if self.c.any() else None, seed=seed)
        self.batch_size = self.cma.population_size

    def ask(self, n: int) -> list[Point]:
        points = []
        for solution in (self.cma.ask() for _ in self.times(n)):
            x = np.empty(len(self.space))
            x[self.x], x[self.z] = ([] if each is None else each for each in (solution.x, solution.z))
            x[self.c] = [] if solution.c is None else [row.argmax() for row in solution.c]
            points.append(Point(self.from_box(x), solution))
        return points

    def tell(self, points: Any, losses: Any) -> None:
        self.cma.tell(list(zip(tokens(points), losses, strict=False)))


class PyCMA(Numbers):
    """pycma, for numbers: `integer_variables`, in a unit box."""

    lacks = (*Adapter.lacks, "unordered variables")

    def __init__(self, space: Space, *, seed: int) -> None:
        super().__init__(space, seed=seed)
        self.scale = np.where(self.whole, 1.0, np.maximum(self.high - self.low, 1e-300))
        low, high = self.low / self.scale, self.high / self.scale
        self.es = cma.CMAEvolutionStrategy(
            (low + high) / 2, 1.0, {"bounds": [low, high], "seed": seed, "verbose": -9, "verb_log": 0,
                                    "CMA_stds": np.maximum(high - low, 1e-300) / 4,
                                    "integer_variables": np.flatnonzero(self.whole).tolist()})
        self.batch_size = self.es.popsize

    def ask(self, n: int) -> list[Point]:
        return [Point(self.from_box(x * self.scale), x) for x in self.es.ask(number=len(self.times(n)))]

    def tell(self, points: Any, losses: Any) -> None:
        self.es.tell(tokens(points), losses)

    @property
    def best(self) -> Best | None:
        x = self.es.result.xbest
        return None if x is None else Best(self.from_box(x * self.scale), self.es.result.fbest)

    def save(self, path: Any) -> None:
        Path(path).write_bytes(self.es.pickle_dumps())

    @classmethod
    def load(cls, path: Any, space: Space) -> PyCMA:
        new = cls(space, seed=0)
        new.es = pickle.loads(Path(path).read_bytes())
        return new


class Nevergrad(Adapter):
    """nevergrad: NGOpt, `Choice` for unordered variables, `TransitionChoice` for positions up to 100, `Scalar` else."""

    lacks = ("conditions",)
    one_by_one, name = True, "NGOpt"

    def __init__(self, space: Space, *, seed: int) -> None:
        super().__init__(space, seed=seed)
        box = nevergrad.p.Dict(**{name: self.parameter(each, low, high) for (name, each), low, high in zip(
            space.variables.items(), space.lows, space.highs, strict=True)})
        box.random_state = np.random.RandomState(seed)
        if space.constraints:
            box.register_cheap_constraint(lambda codes: space.feasible(self.values(codes)))
        self.optimizer = nevergrad.optimizers.registry[self.name](box, budget=1000, num_workers=10)

    def parameter(self, variable: Any, low: float, high: float) -> Any:
        if not variable.ordered or 0 < variable.size <= 100:
            return (nevergrad.p.TransitionChoice if variable.ordered else nevergrad.p.Choice)(range(variable.size))
        if variable.log and variable.continuous:
            return nevergrad.p.Log(lower=low, upper=high)
        scalar = nevergrad.p.Scalar(lower=low, upper=high)
        return scalar if variable.continuous else scalar.set_integer_casting()

    def ask(self, n: int) -> list[Point]:
        asked = [self.optimizer.ask() for _ in self.times(n)]
        return [Point(self.values(each.value), each, each.uid) for each in asked]

    def tell(self, points: Any, losses: Any) -> None:
        for candidate, loss in self.one_loss_each(points, losses):
            self.optimizer.tell(candidate, loss)

    def save(self, path: Any) -> None:
        self.optimizer.dump(path)

    @classmethod
    def load(cls, path: Any, space: Space) -> Nevergrad:
        new = cls(space, seed=0)
        new.optimizer = nevergrad.optimizers.base.Optimizer.load(path)
        return new


class OnePlusOne(Nevergrad):
    """nevergrad: its discrete (1+1)."""

    name = "DiscreteOnePlusOne"


class Optuna(Adapter):
    """Optuna: a study with its default sampler, by ask and tell, define by run; kept by pickle, as its FAQ says."""

    lacks = ("constraints",)
    one_by_one = True

    def __init__(self, space: Space, *, seed: int) -> None:
        super().__init__(space, seed=seed)
        self.study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))

    def active(self, name: str, codes: dict[str, Any]) -> bool:
        conditions = self.space.conditions.codes if self.space.conditions else {}
        return name not in conditions or any(all(codes.get(parent) in held for parent, held in each.items())
                                             for each in conditions[name])

    def ask(self, n: int) -> list[Point]:
        points = []
        for _ in self.times(n):
            trial, codes = self.study.ask(), dict[str, Any]()
            for (name, each), low, high in zip(self.space.variables.items(), self.space.lows, self.space.highs,
                                               strict=True):
                if not self.active(name, codes):
                    continue
                if each.continuous:
                    codes[name] = trial.suggest_float(name, low, high, log=each.log)
                elif each.ordered:
                    codes[name] = trial.suggest_int(name, 0, each.size - 1)
                else:
                    codes[name] = trial.suggest_categorical(name, range(each.size))
            points.append(Point(self.values(codes), trial, trial.number))
        return points

    def tell(self, points: Any, losses: Any) -> None:
        for trial, loss in self.one_loss_each(points, losses):
            self.study.tell(trial, loss)

    @property
    def best(self) -> Best | None:
        try:
            trial = self.study.best_trial
        except ValueError:  # its way to say that there is none
            return None
        return Best(self.values({name: trial.params[name] for name in self.space.names if name in trial.params}),
                    trial.values[0])

    def save(self, path: Any) -> None:
        Path(path).write_bytes(pickle.dumps(self.study))

    @classmethod
    def load(cls, path: Any, space: Space) -> Optuna:
        new = cls(space, seed=0)
        new.study = pickle.loads(Path(path).read_bytes())
        return new


class SMAC(Adapter):
    """SMAC: its facade for hyperparameter optimization, by ask and tell."""

    one_by_one = True

    def __init__(self, space: Space, *, seed: int) -> None:
        super().__init__(space, seed=seed)
        configurations = ConfigSpace.ConfigurationSpace(seed=seed)
        for name, each in space.variables.items():
            configurations.add(self.hyperparameter(name, each))
        self.folder = tempfile.TemporaryDirectory()
        scenario = smac.Scenario(configurations, deterministic=True, n_trials=10_000, seed=seed,
                                 output_directory=Path(self.folder.name))
        self.smac = smac.HyperparameterOptimizationFacade(scenario, _never, overwrite=True, logging_level=False)

    def hyperparameter(self, name: str, each: Any) -> Any:
        if each.size == 1:
            return ConfigSpace.Constant(name, 0)
        if each.continuous:
            return ConfigSpace.UniformFloatHyperparameter(name, each.low, each.high, log=each.log)
        if each.ordered:
            return ConfigSpace.UniformIntegerHyperparameter(name, 0, each.size - 1)
        return ConfigSpace.CategoricalHyperparameter(name, list(range(each.size)))

    def ask(self, n: int) -> list[Point]:
        asked = [self.smac.ask() for _ in self.times(n)]
        return [Point(self.values({name: info.config[name] for name in self.space.names}), info) for info in asked]

    def tell(self, points: Any, losses: Any) -> None:
        for info, loss in self.one_loss_each(points, losses):
            self.smac.tell(info, TrialValue(cost=loss), save=False)


def _never(config: ConfigSpace.Configuration, seed: int = 0) -> float:
    raise RuntimeError("SMAC asks and is told")


