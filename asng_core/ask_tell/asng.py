"""ASNG by ask and tell: wiring only.

The families give the direction and its Fisher length, `ranking` ranks the results, `step_size` says
how far to go; `ask_tell` hands out candidates and takes their losses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Floats
from ..distribution import rules
from ..distribution.pins import Pins
from ..distribution.rejection import feasible_draws
from ..distribution.search_distribution import SearchDistribution, n_variables
from ..space.space import Space
from .ask_tell import AskTell
from .late import Past
from .ledger import Ledger
from .parts import Parts
from .policy import Policy, learn
from .results import Gathered


def default_population_size(n_variables: int) -> int:
    """8, and 4 more for every tenfold of d: the table of `python -m benchmarks.population` shows why.

    Multiples of 4 make exact quarters, which select more sharply than the rounded-up ones between.
    """
    return 4 * max(2, round(1 + math.log10(n_variables)))


class NaturalGradient(Policy):
    """The published method: ask draws of the distribution, step along the natural gradient of what has gathered."""

    def __init__(self, distribution: SearchDistribution, ledger: Ledger, rng: np.random.Generator) -> None:
        self._distribution, self._ledger, self._rng = distribution, ledger, rng

    def propose(self, n: int, first_id: int, pinned: Pins | None, mirrored: bool) -> tuple[Floats, Floats]:
        return feasible_draws(self._distribution, self._rng, n, pinned, mirrored=mirrored,
                              known=self._ledger.best_codes)

    def update(self, gathered: Gathered, generation: int, past: Past) -> None:
        # late results count less: of draws from an older distribution the density then and now is known
        learn(self._distribution, gathered, past.weights(gathered.drawn, self._distribution))


class ASNG(AskTell[NaturalGradient]):
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

    FORMAT = "asng_core.ASNG"

    def __init__(self, space: Space, *, seed: int | np.random.SeedSequence | None = None,
                 population_size: int | None = None, initial_step_size: float = 1.0, alpha: float = 1.5,
                 margin: float | None = None, adapt: bool = True, sigma_min: float | None = None,
                 init: Mapping[str, Any] | None = None) -> None:
        super().__init__(space, {"population_size": population_size, "initial_step_size": initial_step_size,
                                 "alpha": alpha, "margin": margin, "adapt": adapt, "sigma_min": sigma_min}, seed, init)

    def _make(self, space: Space, settings: Mapping[str, Any], rng: np.random.Generator) -> Parts[NaturalGradient]:
        size, sigma_min = settings["population_size"], settings["sigma_min"]
        if size is None:
            size = default_population_size(n_variables(space))
        size = checks.integer("ASNG(population_size=...)", size, minimum=2)
        sigma_min = rules.sigma_min("ASNG", sigma_min)
        distribution = SearchDistribution(space, sigma_min=sigma_min, **rules.update_settings("ASNG", settings))
        ledger = Ledger(distribution)
        return Parts(distribution, NaturalGradient(distribution, ledger, rng), ledger, rng, size,
                     {"population_size": size, "sigma_min": sigma_min, **distribution.settings()})
