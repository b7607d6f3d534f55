"""`Minimizer` as a strategy of Kernel Tuner (PyPI `kernel-tuner`, 1.5), which tunes GPU kernels.

    from asng_core.integrations.kernel_tuner import strategy
    kernel_tuner.tune_kernel(..., strategy=strategy(seed=0), strategy_options={"max_fevals": 200})

Kernel Tuner builds, runs and caches configurations, and ends the search by an exception when `max_fevals` or
`time_limit` is spent. `costs` and `space` below are its `CostFunc` and `Searchspace`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection
from typing import Any

import numpy as np

from .. import checks
from ..blackbox.memo import SpaceExhausted
from ..blackbox.minimizer import Minimizer
from ..space.space import Space
from ..space.variables import Categorical, Ordinal, Variable
from .design import BEGINNING, Config, far_apart

_FAILED = sys.float_info.max  # what Kernel Tuner's costs say of a configuration that was not compiled or did not run


def strategy(*, seed: int | None = None, unordered: Collection[str] = (), beginning: int = BEGINNING) -> Any:
    """What `tune_kernel(strategy=...)` takes; the arguments are those of `MinimizerStrategy`."""
    try:
        from kernel_tuner.strategies.wrapper import OptAlgWrapper
    except ImportError as error:
        raise ImportError("integrations.kernel_tuner.strategy() needs Kernel Tuner 1.5. Run: pip install "
                          "'asng[kernel-tuner]'") from error
    return OptAlgWrapper(MinimizerStrategy(seed=seed, unordered=unordered, beginning=beginning))


class MinimizerStrategy:
    """A search by `Minimizer`, as an optimization algorithm for Kernel Tuner's `OptAlgWrapper`.

    seed: of the search; by default that of `tune_kernel(seed=...)`.
    unordered: the parameters whose values are numbers without an order, such as those of an algorithm.
    beginning: how many valid configurations far apart come first; 0 leaves the first ones to `Minimizer`.
    """

    def __init__(self, *, seed: int | None = None, unordered: Collection[str] = (),
                 beginning: int = BEGINNING) -> None:
        if isinstance(unordered, str):
            raise TypeError("MinimizerStrategy(unordered=...) must be a collection of names, got "
                            f"{checks.shown(unordered)}.")
        self.seed, self.unordered = seed, frozenset(unordered)
        self.beginning = checks.integer("MinimizerStrategy(beginning=...)", beginning, minimum=0)
        self.costfunc_kwargs = {"scaling": False, "snap": False}  # values as they are

    def __call__(self, costs: Any, space: Any) -> tuple[Config, Any]:
        """The best configuration and its cost, where the whole space is evaluated before the budget is spent."""
        names, options = tuple(space.tune_params), costs.tuning_options
        seed = options.get("seed") if self.seed is None else self.seed
        known, rng = space_of(space, self.unordered), np.random.default_rng(seed)
        optimizer = Minimizer(known, seed=seed)
        tried: dict[Config, Any] = {}

        def cost(config: Config) -> Any:
            tried[config] = found = costs(config)
            failed = np.max(found) >= _FAILED
            return np.where(failed, math.nan, found) if np.ndim(found) else math.nan if failed else float(found)

        def evaluate(config: Config) -> None:
            if config not in tried:
                optimizer.inject(dict(zip(names, config, strict=True)), cost(config))

        start = options.strategy_options.get("x0")
        if start is not None and space.is_param_config_valid(tuple(start)):
            evaluate(tuple(start))
        for config in far_apart(known, space.list, self.beginning, rng):
            evaluate(config)
        rest = (space.list[i] for i in rng.permutation(len(space.list)))
        while len(tried) < space.size:
            try:
                candidate = optimizer.ask()
            except SpaceExhausted:  # of what it can find: Kernel Tuner has a list of all
                evaluate(next(config for config in rest if config not in tried))
            else:
                optimizer.tell(candidate, cost(tuple(candidate[name] for name in names)))
        return min(tried.items(), key=lambda pair: pair[1])


def space_of(searchspace: Any, unordered: Collection[str] = ()) -> Space:
    """The values that occur in the valid configurations; numbers are ordered, restrictions are a constraint."""
    names, configs = tuple(searchspace.tune_params), searchspace.list
    if strange := set(unordered) - set(names):
        raise ValueError(f"MinimizerStrategy(unordered=...) must name parameters, {sorted(names)}, got "
                         f"{sorted(strange)}.")
    variables = {name: _variable(list(dict.fromkeys(column)), name in unordered)
                 for name, column in zip(names, zip(*configs, strict=True), strict=True)}
    if math.prod(variable.size for variable in variables.values()) == len(configs):
        return Space(variables)

    def restrictions(point: dict[str, Any]) -> bool:
        return bool(searchspace.is_param_config_valid(tuple(point[name] for name in names)))

    return Space(variables, constraints=[restrictions])


def _variable(values: list[Any], unordered: bool) -> Variable:
    numbers = all(isinstance(value, (int, float, np.number)) and not isinstance(value, bool) for value in values)
    return Ordinal(sorted(values)) if numbers and not unordered else Categorical(values)
