"""`Minimizer` as a generation node of Ax.

    from asng_core.integrations.ax import ASNGNode
    client.set_generation_strategy(GenerationStrategy(name="asng", nodes=[ASNGNode(seed=0)]))
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from typing import Any

from ..ask_tell.candidate import Candidate
from ..blackbox.memo import SpaceExhausted
from ..blackbox.minimizer import Minimizer
from ..space.ranges import Integer, Real
from ..space.space import Space
from ..space.variables import Categorical, Ordinal, Variable

try:
    from ax.core.arm import Arm
    from ax.core.parameter import ChoiceParameter, Parameter, ParameterType, RangeParameter
    from ax.core.types import ComparisonOp
    from ax.exceptions.core import SearchSpaceExhausted, UnsupportedError
    from ax.generation_strategy.external_generation_node import ExternalGenerationNode
except ImportError as error:
    raise ImportError("asng_core.integrations.ax needs Ax 1. Run: pip install 'asng[ax]'") from error


class ASNGNode(ExternalGenerationNode):  # type: ignore[misc]  # Ax's types are not asked for
    """seed, noisy: as for `Minimizer`. name, and more: as for Ax's own nodes.

    Arms of other nodes, and those attached by hand, are results too; what is under way is not asked again. Outcome
    constraints and several objectives are kept; failed and abandoned trials rank last. Conditional parameters are those
    that `dependents` name. Raises UnsupportedError for outcome constraints that are relative to a status quo.
    """

    def __init__(self, *, seed: int | None = None, noisy: bool = False, name: str = "asng", **more: Any) -> None:
        super().__init__(name=name, **more)
        self._seed, self._noisy = seed, noisy
        self._optimizer: Minimizer | None = None
        self._open: dict[str, Candidate] = {}  # by the signature of an arm
        self._told: set[tuple[int, str]] = set()  # trial and arm

    def update_generator_state(self, experiment: Any, data: Any) -> None:
        if self._optimizer is None or set(self._optimizer.space.names) != set(experiment.search_space.parameters):
            self._optimizer = Minimizer(space_of(experiment.search_space), seed=self._seed, noisy=self._noisy)
            self._open, self._told = {}, set()
        means: dict[tuple[int, str], dict[str, float]] = {}
        for row in data.df.to_dict("records"):
            means.setdefault((row["trial_index"], row["arm_name"]), {})[row["metric_name"]] = row["mean"]
        for index, trial in experiment.trials.items():
            for arm in trial.arms:
                if (index, arm.name) in self._told:
                    continue
                if trial.status.is_terminal:
                    found = means.get((index, arm.name), {}) if trial.status.is_completed else {}
                    self._tell(self._optimizer, arm, *_judged(experiment.optimization_config, found))
                    self._told.add((index, arm.name))
                elif arm.signature not in self._open and self._optimizer.space.contains(arm.parameters):
                    with contextlib.suppress(SpaceExhausted):  # another node's, under way; or evaluated before
                        self._open[arm.signature] = self._optimizer.ask(fixed=arm.parameters)

    def _tell(self, optimizer: Minimizer, arm: Any, loss: Any, violation: float) -> None:
        candidate = self._open.pop(arm.signature, None)
        if candidate is not None:
            optimizer.tell(candidate, loss, violation)
        elif optimizer.space.contains(arm.parameters):
            optimizer.inject(arm.parameters, loss, violation=violation)

    def get_next_candidate(self, pending_parameters: list[Any]) -> dict[str, Any]:
        if self._optimizer is None:
            raise UnsupportedError("ASNGNode is for a GenerationStrategy, which shows it the experiment first.")
        try:
            candidate = self._optimizer.ask()
        except SpaceExhausted as exhausted:
            raise SearchSpaceExhausted(str(exhausted)) from exhausted
        self._open[Arm(parameters=dict(candidate)).signature] = candidate
        return dict(candidate)


def space_of(search_space: Any) -> Space:
    """Of the same parameters; values that never change are constants."""
    parameters = search_space.parameters
    active_if: dict[str, list[dict[str, list[Any]]]] = {}
    for name, each in parameters.items():
        for value, children in (each.dependents if each.is_hierarchical else {}).items():
            for child in children:
                active_if.setdefault(child, []).append({name: [value]})
    return Space({name: _variable(each) for name, each in parameters.items()}, active_if=active_if,
                 constraints=[each.check for each in search_space.parameter_constraints])


def _variable(parameter: Parameter) -> Variable:
    if isinstance(parameter, RangeParameter):
        kind = Integer if parameter.parameter_type == ParameterType.INT else Real
        return kind(parameter.lower, parameter.upper, log=parameter.log_scale)
    if isinstance(parameter, ChoiceParameter):
        return (Ordinal if parameter.is_ordered else Categorical)(parameter.values)
    return Categorical([parameter.value])  # of a FixedParameter


def _judged(config: Any, means: Mapping[str, float]) -> tuple[Any, float]:
    """Loss, or losses of several objectives, and violation; NaN where a metric is missing."""
    def total(weights: list[tuple[str, float]]) -> float:
        return sum(weight * means.get(name, math.nan) for name, weight in weights)

    objective, violation = config.objective, 0.0
    for constraint in config.outcome_constraints:
        if constraint.relative:
            raise UnsupportedError(f"ASNGNode takes no constraint relative to a status quo, got {constraint}.")
        excess = total(constraint.metric_weights) - constraint.bound
        violation += max(0.0, excess if constraint.op == ComparisonOp.LEQ else -excess)
    # Ax maximizes the weighted sum; one objective of several is one of its terms
    losses = [-total([each]) for each in objective.metric_weights] if objective.is_multi_objective else [
        -total(objective.metric_weights)]
    if math.isnan(sum(losses) + violation):
        losses, violation = [math.nan] * len(losses), 0.0
    return (losses if len(losses) > 1 else losses[0]), violation
