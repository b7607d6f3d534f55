"""The optimizers compared: one file per library, `classic` for our own baselines, all behind one Protocol.

Every library runs with its documented best settings. `METHODS` names them, ours first, each with how much
of it can be afforded; the caps are printed where results are shown.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np

from asng_core import Space
from asng_core.arrays import Codes

Loss = Any  # a float, or the `(n_objectives,)` losses if there are several; NaN for an invalid point
T = TypeVar("T")


@dataclass(frozen=True)
class Setting:
    """What a method may know of the problem beforehand."""

    space: Space
    budget: int
    noisy: bool = False
    constraint: Callable[[Mapping[str, Any]], bool] | None = None
    repair: Callable[[Codes, np.random.Generator], Codes] | None = None  # of any point, to one that is valid
    n_objectives: int = 1
    n_workers: int = 1

    def valid(self, codes: Codes) -> bool:
        return self.constraint is None or self.constraint(self.space.decode(codes))

    def repaired(self, codes: Codes, rng: np.random.Generator) -> Codes:
        """The point as it is where no repair is known."""
        return codes if self.repair is None else self.repair(codes, rng)

    def random(self, rng: np.random.Generator) -> Codes:
        """A uniformly random valid point."""
        space, continuous = self.space, self.space.continuous
        while True:
            codes: Codes = rng.integers(np.where(continuous, 1, space.sizes))
            if continuous.any():
                codes = np.where(continuous, rng.uniform(space.lows, space.highs), codes)
            codes = self.repaired(codes, rng)
            if self.valid(codes):
                return codes


class Method(Protocol):
    """One optimizer by ask and tell, on `(n_variables,)` codes, of a Real its value; lower losses are better.

    `lacks` names the modes it cannot take part in: "constrained", "noisy", "asynchronous",
    "two-objectives". If it can be asynchronous, it is asked again before all points are told. An invalid
    point, if it asks one, is told as NaN.
    """

    lacks: ClassVar[frozenset[str]]

    def __init__(self, setting: Setting, seed: int) -> None: ...

    def ask(self) -> Codes: ...

    def tell(self, codes: Codes, loss: Loss) -> None: ...

    def add(self, codes: Codes, loss: Loss) -> None:
        """Take the loss of a point that was not asked."""

    def recommend(self) -> Codes:
        """The point to use, were the search to end now."""


class BestSeen:
    """Recommends the best point told."""

    best_codes: Codes
    best_loss: float = np.inf

    def see(self, codes: Codes, loss: Loss) -> None:
        if np.ndim(loss) == 0 and loss < self.best_loss:
            self.best_codes, self.best_loss = codes, loss

    def recommend(self) -> Codes:
        return self.best_codes


class Open(Generic[T]):
    """What a library needs back with each point asked: first asked, first told among equal points."""

    def __init__(self) -> None:
        self._tokens: dict[bytes, list[T]] = {}

    def put(self, codes: Codes, token: T) -> None:
        self._tokens.setdefault(codes.tobytes(), []).append(token)

    def pop(self, codes: Codes) -> T:
        return self._tokens[codes.tobytes()].pop(0)


class Generational(BestSeen, ABC, Generic[T]):
    """Of a library that learns a population at once: what it wants back with each point waits until all are told."""

    population_size: int

    def __init__(self) -> None:
        self.open: Open[T] = Open()
        self.told: list[tuple[T, float]] = []

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        self.told.append((self.open.pop(codes), loss))
        if len(self.told) >= self.population_size:
            told, self.told = self.told, []
            self.learn(told)

    @abstractmethod
    def learn(self, told: list[tuple[T, float]]) -> None:
        """Take the results of a population, and begin anew if the library says that it should stop."""

    def add(self, codes: Codes, loss: Loss) -> None:
        """It has no way to take it."""
        self.see(codes, loss)


@dataclass(frozen=True)
class Entry:
    """Where a method is, and at most how much of it is run."""

    path: str  # module:class
    budget: int = 1000
    seeds: int = 1000
    noisy_budget: int | None = None  # if not the same: without a memo, a run asks less
    only: tuple[str, ...] = ()  # modes; all that it can if empty

    def budget_in(self, mode: str) -> int:
        return self.noisy_budget if mode == "noisy" and self.noisy_budget else self.budget

    @property
    def package(self) -> str | None:
        """What it needs installed; its file is named after the library."""
        module = self.path.split(":")[0]
        own = ("asng", "ablated", "classic", "eda", "neps")  # NePS is elsewhere
        return None if module in own else {"ax": "ax-platform"}.get(module, module)

    @property
    def parts(self) -> tuple[str, ...]:
        """Of asng, what its runs depend on: keys of `store.BEHAVIOURS`."""
        module, name = self.path.split(":")
        if module in ("asng", "ablated") or name == "ASNG":  # of `optuna`: the sampler
            own = {"Minimizer": "Minimizer", "Fidelities": "fidelities"}
            return (own.get(name, "ASNG") if module == "asng" else "Minimizer",)
        return ()

    def load(self) -> type[Method]:
        module, name = self.path.split(":")
        method: type[Method] = getattr(import_module(f"{__name__}.{module}"), name)
        return method


# caps by what a run takes: Ax seconds an evaluation, SMAC3 25 s for 100, nevergrad up to a minute for 1,000, Optuna's
# GP grows with the cube of the evaluations; the others a second or less
METHODS: dict[str, Entry] = {
    "Minimizer": Entry("asng:Minimizer"),
    "ASNG": Entry("asng:ASNG"),
    "random search": Entry("classic:RandomSearch"),
    "(1+1) EA": Entry("classic:OnePlusOne"),
    "local search": Entry("classic:LocalSearch"),
    "annealing": Entry("classic:Annealing", only=("long",)),
    "regularized evolution": Entry("classic:RegularizedEvolution"),
    "regularized evolution, 20": Entry("classic:SmallPopulation"),
    "CatCMAwM": Entry("cmaes:CatCMA"),
    "pymoo GA": Entry("pymoo:Genetic"),
    "nevergrad 1+1": Entry("nevergrad:OnePlusOne", seeds=5),
    "nevergrad optimistic": Entry("nevergrad:Optimistic", only=("generated noisy",)),
    "NGOpt": Entry("nevergrad:NGOpt", budget=200, seeds=3, only=("noise-free", "constrained", "noisy")),
    "Optuna TPE": Entry("optuna:TPE", budget=200, noisy_budget=1000,
                        only=("noise-free", "constrained", "noisy", "two-objectives")),
    "ASNGSampler": Entry("optuna:ASNG", budget=200, only=("in Optuna",)),
    "Optuna NSGA-II": Entry("optuna:NSGA2", only=("two-objectives",)),
    "Optuna GP": Entry("optuna:GP", budget=50, seeds=10, only=("noise-free", "constrained", "noisy")),
    "Ax": Entry("ax:BoTorch", budget=30, seeds=2, only=("noise-free",)),
    "SMAC3": Entry("smac:RandomForest", budget=100, seeds=3),
    "SNG": Entry("asng:SNG", only=("pseudo-Boolean",)),
    "WA-ASNG": Entry("eda:WAASNG", only=("pseudo-Boolean",)),
    "cGA": Entry("eda:CompactGA", only=("pseudo-Boolean",)),
    "PBIL": Entry("eda:PBIL", only=("pseudo-Boolean",)),
    "UMDA": Entry("eda:UMDA", only=("pseudo-Boolean",)),
    "RLS": Entry("classic:RandomizedLocalSearch", only=("pseudo-Boolean",)),
    "(1+1) EA>0": Entry("classic:Resampling", only=("pseudo-Boolean",)),
    "fast GA": Entry("classic:FastGA", only=("pseudo-Boolean",)),
    "CMAwM": Entry("cmaes:CMAwM", only=("mixed-integer",)),
    "pycma": Entry("cma:CMA", only=("mixed-integer",)),
}
OURS = next(iter(METHODS))
# `Minimizer` with one mechanism taken out
ABLATED: dict[str, Entry] = {
    "Minimizer, no memo": Entry("ablated:NoMemo", only=("noise-free", "constrained")),
    "Minimizer, no model": Entry("ablated:NoModel"),
    "Minimizer, no relevance": Entry("ablated:NoRelevance", only=("noise-free", "constrained")),
    "Minimizer, one length scale": Entry("ablated:OneScale", only=("noise-free", "constrained")),
    "Minimizer, few candidates": Entry("ablated:FewCandidates", only=("noise-free", "constrained")),
    "Minimizer, no neighbours": Entry("ablated:NoNeighbours"),
    "Minimizer, no recombination": Entry("ablated:NoRecombination", only=("noise-free", "constrained")),
    "Minimizer, no distribution": Entry("ablated:NoDistribution"),
    "Minimizer, no restarts": Entry("ablated:NoRestarts", only=("noise-free", "constrained")),
    "Minimizer, no walk": Entry("ablated:NoWalk", only=("noise-free", "constrained")),
    "Minimizer, no descent": Entry("ablated:NoDescent", only=("noisy",)),
    "Minimizer, one feature a variable": Entry("ablated:OneRamp", only=("noisy",)),
    "Minimizer, losses as they are": Entry("ablated:Unwarped", only=("noisy",)),
    "Minimizer, mode recommended": Entry("ablated:Mode", only=("noisy",)),
}
# at several fidelities, ours first, and three that know but the highest; budgets in full trainings
FIDELITIES: dict[str, Entry] = {
    "Minimizer, fidelities": Entry("asng:Fidelities"),
    "Optuna TPE, Hyperband": Entry("optuna:Hyperband", budget=50),
    "Optuna TPE, median": Entry("optuna:Median", budget=50),
    "SMAC3 multi-fidelity": Entry("smac:MultiFidelity", budget=20, seeds=2),
    "DEHB": Entry("dehb:DEHB"),
    "ASHA": Entry("syne_tune:ASHA"),
    "ASHABORE": Entry("syne_tune:ASHABORE", budget=20, seeds=2),
    "BOHB": Entry("syne_tune:BOHB", budget=20),
    "NePS": Entry("neps:NePS", budget=20),
}
ENTRIES = {**METHODS, **FIDELITIES, **ABLATED}
