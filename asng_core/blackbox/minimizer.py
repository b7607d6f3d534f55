"""The ask/tell optimizer of expensive black boxes: what it does stands in `noise_free` and `under_noise`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks
from ..ask_tell.ask_tell import AskTell
from ..ask_tell.asng import default_population_size
from ..ask_tell.ledger import Ledger
from ..ask_tell.parts import Parts
from ..ask_tell.results import Best
from ..distribution.rules import update_settings
from ..distribution.search_distribution import SearchDistribution, n_variables
from ..ranking import nondominated
from ..space.space import Space
from .history import History
from .noise_free import NoiseFree, NoiseFreePolicy
from .under_noise import Estimate, NoisyPolicy, UnderNoise


class Minimizer(AskTell[NoiseFreePolicy | NoisyPolicy]):
    """The ask/tell optimizer for expensive functions: ASNG, and what it takes to waste no evaluation.

    >>> from asng_core import Minimizer, Space
    >>> optimizer = Minimizer(Space.binary(30), seed=1)
    >>> for _ in range(120):
    ...     point = optimizer.ask()
    ...     optimizer.tell(point, -sum(point.values()))
    >>> optimizer.best.loss
    -30.0

    Without noise, no point is asked twice; a model of all results screens candidates from the search
    distribution and from the neighbourhood of the best; a run that has stalled gives way to a new one; and beyond 200
    results, which the model can hold, in spaces without a Real most evaluations are steps of simulated annealing.
    `recommend()` is the best point evaluated.

    With `noisy=True` a model averages over the noise of all results, and says which points may be the best, known
    ones included: those are asked. `recommend()` is the point that it trusts most, `estimate()` how much.

    Points may be asked in any number at any time: those whose results are still out are taken into account.
    `ask(n)` gives fewer where the space has no more. `mirrored=True` draws from the distribution, unscreened and
    known points included. `converged`, `entropy` and `summary()` are of the present run. With several objectives
    `tell` takes `(n, n_objectives)` losses, and `front` is the result; under noise it holds single evaluations.

    space: the variables.
    noisy: whether evaluating a point again may give another loss.
    seed, population_size, margin: as for `ASNG`.
    init: as for `ASNG`; later runs start from scratch.
    mechanisms: for studies that leave one out, `asng_core.blackbox.noise_free.NoiseFree` or, under noise,
        `asng_core.blackbox.under_noise.UnderNoise` with other values than the usual.

    Raises SpaceExhausted from `ask` when no new feasible point is left, or none is found. Not thread-safe.
    """

    FORMAT = "asng_core.Minimizer"

    def __init__(self, space: Space, *, noisy: bool = False, seed: int | np.random.SeedSequence | None = None,
                 population_size: int | None = None, margin: float | None = None,
                 init: Mapping[str, Any] | None = None, mechanisms: NoiseFree | UnderNoise | None = None) -> None:
        noisy, kind = checks.truth("Minimizer(noisy=...)", noisy), UnderNoise if noisy else NoiseFree
        if mechanisms is not None and not isinstance(mechanisms, kind):
            raise TypeError(f"Minimizer(mechanisms=...) must be a {kind.__name__} with noisy={noisy}, "
                            f"got {checks.shown(mechanisms)}.")
        self._mechanisms = mechanisms  # before super().__init__, which calls `_make`
        # usual ones are not named, since a later release may have others
        super().__init__(space, {"noisy": noisy, "population_size": population_size, "margin": margin,
                                 "mechanisms": None if mechanisms is None else repr(mechanisms)}, seed, init)

    def _make(self, space: Space, settings: Mapping[str, Any],
              rng: np.random.Generator) -> Parts[NoiseFreePolicy | NoisyPolicy]:
        size, noisy = settings["population_size"], checks.truth("noisy", settings["noisy"])
        # a state holds only their repr, from which they cannot be rebuilt: they must be this optimizer's own
        if settings["mechanisms"] != (None if self._mechanisms is None else repr(self._mechanisms)):
            raise ValueError(f"its mechanisms are {settings['mechanisms']}, but this one's are {self._mechanisms}. "
                             "Make one with the same, and use its load_state_dict().")
        if size is None:
            size = default_population_size(n_variables(space))
        size = checks.integer("Minimizer(population_size=...)", size, minimum=2)
        # the defaults of `ASNG`, which are no choice here
        distribution = SearchDistribution(space, **update_settings("Minimizer", {
            "margin": settings["margin"], "initial_step_size": 1.0, "alpha": 1.5, "adapt": True}))
        mechanisms = self._mechanisms or (UnderNoise() if noisy else NoiseFree())
        return Parts(distribution, mechanisms.policy(distribution, rng), Ledger(distribution), rng, size,
                     {**settings, "population_size": size, "margin": distribution.margin})

    @property
    def noisy(self) -> bool:
        """Whether evaluating a point again may give another loss."""
        return bool(self._parts.settings["noisy"])

    @property
    def history(self) -> History:
        """Every evaluation."""
        return self._parts.policy.history

    @property
    def best(self) -> Best | None:
        """The best feasible evaluation told or injected, the first of equals; None before there is one.

        Raises RuntimeError with several objectives, which have a `front` instead.
        """
        if self.history.losses.ndim > 1:
            raise RuntimeError(f"best is not defined for {self.history.losses.shape[1]} objectives, none of which "
                               "comes first. Use front.")
        return super().best

    @property
    def front(self) -> list[Best]:
        """The feasible evaluations that no other one dominates: their values, losses and ids, in the order told.

        With one objective those whose loss is `best.loss`.
        """
        losses = self.history.losses
        table = losses[:, None] if losses.ndim == 1 else losses  # (n, n_objectives)
        rows = np.flatnonzero(self.history.succeeded)
        rows = rows[nondominated(table[rows])]  # ascending: in the order told
        points = self.space.values(self.history.codes[rows])
        return [Best(values, tuple(loss) if losses.ndim > 1 else loss, number if number >= 0 else None)
                for values, loss, number in zip(points, losses[rows].tolist(), self.history.ids[rows].tolist(),
                                                strict=True)]

    def recommend(self) -> dict[str, Any]:
        """The point to use when the search ends; it has been evaluated, and satisfies the constraints.

        Without noise that of `best`; with noise the one that a model of all results trusts most. Before
        there is any, the mode.
        """
        policy = self._parts.policy
        if isinstance(policy, NoisyPolicy):
            if self.history.losses.ndim > 1:
                raise RuntimeError("recommend() is not defined for several objectives. Use front.")
            codes = policy.recommended()  # None as long as there is no evidence
            return super().recommend() if codes is None else self.space.values(codes[None])[0]
        best = self.best
        return super().recommend() if best is None else best.values

    def estimate(self) -> Estimate:
        """What the recommended point's loss is under noise: mean and standard deviation of what the model believes.

        Raises RuntimeError without noise, where `best` says what it is, for several objectives, and before there are
        results.
        """
        policy = self._parts.policy
        if not isinstance(policy, NoisyPolicy):
            raise RuntimeError("estimate() needs Minimizer(noisy=True). Without noise, the loss of `best` is exact.")
        if self.history.losses.ndim > 1:
            raise RuntimeError("estimate() is not defined for several objectives. Use front.")
        found = policy.estimate()
        if found is None:
            raise RuntimeError("estimate() needs results. Tell some first.")
        return found
