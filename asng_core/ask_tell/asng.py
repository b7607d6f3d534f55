"""ASNG by ask and tell: wiring only.

The families give the direction and its Fisher length, `utility` ranks the results, `step_size` says
how far to go; `ask_tell` hands out candidates and takes their losses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks
from ..distribution import rules
from ..distribution.search_distribution import SearchDistribution, n_variables
from ..ranking import ranks, utilities
from ..space.space import Space
from .ask_tell import AskTell
from .results import Told


def default_population_size(n_variables: int) -> int:
    """8, and 4 more for every tenfold of d: the table of `python -m benchmarks.population` shows why.

    Multiples of 4 make exact quarters, which select more sharply than the rounded-up ones between.
    """
    return 4 * max(2, round(1 + math.log10(n_variables)))


class ASNG(AskTell):
    """Adaptive Stochastic Natural Gradient over a space of variables; lower losses are better.

    >>> from asng_core import ASNG, Space
    >>> optimizer = ASNG(Space.binary(20), seed=1)
    >>> while not optimizer.converged:
    ...     batch = optimizer.ask(8)
    ...     optimizer.tell(batch, [-sum(point.values()) for point in batch])
    >>> optimizer.best.loss
    -20.0

    Results wait until they number at least `population_size`; then one update uses all that wait, so
    `tell(ask(128))` is one update of 128. Candidates may be told in any order, subset and grouping,
    each once; `asng_core.late` says what a result counts that comes after the distribution has moved.

    space: the variables.
    seed: of the one random generator: None, a whole number from 0, or a SeedSequence.
    population_size: results per update; at least 2, which suits one-shot architecture search.
    initial_step_size: length of the first step in the Fisher metric.
    alpha: signal-to-noise ratio, above 1, at which the step size stays as it is.
    margin: probability with which a converged variable still leaves its mode, by default
        min(1/d, 1/4) for d variables with several values.
    adapt: False keeps the step size fixed (SNG).
    sigma_min: smallest standard deviation of the Ordinals and linear Integers, in positions (1 is to the next
        value), by default the one that `margin` gives; they count as converged by the margin it stands for.
    init: where to begin, name -> what `distribution()` returns; also {value: probability} for a
        Categorical, or a value for an ordered variable.

    Not thread-safe. Source: Akimoto et al., ICML 2019.
    """

    _format = "asng_core.ASNG"

    def __init__(self, space: Space, *, seed: int | np.random.SeedSequence | None = None,
                 population_size: int | None = None, initial_step_size: float = 1.0, alpha: float = 1.5,
                 margin: float | None = None, adapt: bool = True, sigma_min: float | None = None,
                 init: Mapping[str, Any] | None = None) -> None:
        if not isinstance(space, Space):
            raise TypeError(f"ASNG(space) must be a Space, got {checks.shown(space)}. Use Space({{name: variable}}).")
        if population_size is None:
            population_size = default_population_size(n_variables(space))
        self._sigma_min = None if sigma_min is None else checks.real("ASNG(sigma_min=...)", sigma_min, above=0)
        distribution = SearchDistribution(space, sigma_min=self._sigma_min, **rules.update_settings("ASNG", {
            "margin": margin, "initial_step_size": initial_step_size, "alpha": alpha, "adapt": adapt}))
        super().__init__(space, distribution, seed=seed, population_size=population_size, init=init)

    def _update(self, results: list[Told]) -> None:
        drawn, _, _, losses, violations = zip(*results, strict=True)
        u = utilities(ranks(np.array(losses), np.array(violations)))
        self._distribution.update(np.array([each.draw for each in drawn]), u, self._weights(results))

    def _settings(self) -> dict[str, Any]:
        return {"population_size": self.population_size, "sigma_min": self._sigma_min,
                **self._distribution.settings()}
