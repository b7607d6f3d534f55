"""The ask/tell optimizer of expensive black boxes: what it does stands in `noise_free`, `under_noise` and
`across_fidelities`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import checks
from ..ask_tell.asng import default_population_size
from ..ask_tell.ledger import Ledger
from ..ask_tell.parts import Parts
from ..ask_tell.results import Best
from ..distribution.rules import update_settings
from ..distribution.search_distribution import SearchDistribution, n_variables
from ..ranking import nondominated
from ..space.space import Space
from .across_fidelities import AcrossFidelities
from .at_fidelities import AnyPolicy, AtFidelities
from .climbing import Climbing
from .fidelities import fidelities as checked_fidelities
from .fidelities import loaded as loaded_fidelities
from .history import History
from .noise_free import NoiseFree
from .under_noise import Estimate, NoisyPolicy, UnderNoise


class Minimizer(AtFidelities):
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

    With `fidelities` a point can be evaluated at several prices, say after 1, 3, 9 and 27 epochs. The loss at the
    highest is what counts; those at the others are evidence, and what each is worth, its sign included, is learned.
    `ask` decides which point, at which fidelity, and which run goes on; `best`, `front` and `recommend()` are of the
    highest.

    >>> optimizer = Minimizer(Space.binary(10), fidelities=[1, 3, 9], seed=1)
    >>> while optimizer.spent < 150:
    ...     point = optimizer.ask()  # to be evaluated up to point.fidelity, point.run going on from point.reached
    ...     optimizer.tell(point, 1 / point.fidelity - sum(point.values()))
    >>> optimizer.best.loss == 1 / 9 - 10
    True

    space: the variables.
    noisy: whether evaluating a point again may give another loss.
    fidelities: cheapest first, what an evaluation costs at each, as a list, in which costs are names too, or as a
        dict from names to costs. Such as cost nothing are never asked; their losses come by `inject`.
    continues: whether a run goes on from one fidelity to the next, paying the difference. False where each evaluation
        starts anew, as where a fidelity is a share of the data.
    seed, population_size, margin: as for `ASNG`.
    init: as for `ASNG`; later runs start from scratch.
    mechanisms: for studies that leave one out, `asng_core.blackbox.noise_free.NoiseFree` or, under noise,
        `asng_core.blackbox.under_noise.UnderNoise`, with fidelities
        `asng_core.blackbox.across_fidelities.AcrossFidelities`, with other values than the usual.

    Raises SpaceExhausted from `ask` when no new feasible point is left, or none is found. Not thread-safe.
    """

    FORMAT = "asng_core.Minimizer"
    OPTIONAL = frozenset({"fidelities"})

    def __init__(self, space: Space, *, noisy: bool = False, seed: int | np.random.SeedSequence | None = None,
                 population_size: int | None = None, margin: float | None = None,
                 init: Mapping[str, Any] | None = None,
                 mechanisms: NoiseFree | UnderNoise | AcrossFidelities | None = None,
                 fidelities: Sequence[float] | Mapping[Any, float] | None = None, continues: bool = True) -> None:
        noisy = checks.truth("Minimizer(noisy=...)", noisy)
        several = {} if fidelities is None else {"fidelities": checked_fidelities(fidelities, continues).state()}
        kind = AcrossFidelities if several else UnderNoise if noisy else NoiseFree
        if mechanisms is not None and not isinstance(mechanisms, kind):
            raise TypeError(f"Minimizer(mechanisms=...) must be a {kind.__name__} with noisy={noisy} and "
                            f"{'' if several else 'no '}fidelities, got {checks.shown(mechanisms)}.")
        self._mechanisms = mechanisms  # before super().__init__, which calls `_make`
        # usual ones are not named, since a later release may have others
        super().__init__(space, {"noisy": noisy, "population_size": population_size, "margin": margin,
                                 "mechanisms": None if mechanisms is None else repr(mechanisms), **several}, seed, init)

    def _make(self, space: Space, settings: Mapping[str, Any], rng: np.random.Generator) -> Parts[AnyPolicy]:
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
        policy: AnyPolicy
        if (several := settings.get("fidelities")) is not None:
            across = self._mechanisms if isinstance(self._mechanisms, AcrossFidelities) else AcrossFidelities()
            policy = across.policy(distribution, rng, loaded_fidelities(several), noisy=noisy)
        elif isinstance(self._mechanisms, AcrossFidelities):
            raise ValueError("its mechanisms are for fidelities, of which it has none.")
        else:
            policy = (self._mechanisms or (UnderNoise() if noisy else NoiseFree())).policy(distribution, rng)
        return Parts(distribution, policy, Ledger(distribution), rng, size,
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
        highest = self.history.fidelities == max(len(self.fidelities) - 1, 0)
        rows = np.flatnonzero(self.history.succeeded & highest)
        rows = rows[nondominated(table[rows])]  # ascending: in the order told
        points = self.space.values(self.history.codes[rows])
        return [Best(values, tuple(loss) if losses.ndim > 1 else loss, number if number >= 0 else None)
                for values, loss, number in zip(points, losses[rows].tolist(), self.history.ids[rows].tolist(),
                                                strict=True)]

    def recommend(self) -> dict[str, Any]:
        """The point to use when the search ends; it has been evaluated, and satisfies the constraints.

        Without noise that of `best`; with noise the one that a model of all results trusts most. With fidelities the
        one whose loss at the highest is believed lowest, wherever it was evaluated. Before there is any, the mode.
        """
        policy = self._parts.policy
        if isinstance(policy, (NoisyPolicy, Climbing)):
            if self.history.losses.ndim > 1:
                raise RuntimeError("recommend() is not defined for several objectives. Use front.")
            codes = policy.recommended()  # None as long as there is no evidence
            return super().recommend() if codes is None else self.space.values(codes[None])[0]
        best = self.best
        return super().recommend() if best is None else best.values

    def estimate(self) -> Estimate:
        """What the recommended point's loss is under noise, or at the highest fidelity: mean and standard deviation of
        what the model believes.

        Raises RuntimeError without noise, where `best` says what it is, for several objectives, and before there are
        results, at the highest fidelity if there are several.
        """
        policy = self._parts.policy
        if not isinstance(policy, (NoisyPolicy, Climbing)):
            raise RuntimeError("estimate() needs Minimizer(noisy=True) or fidelities. Without, the loss of `best` is "
                               "exact.")
        if self.history.losses.ndim > 1:
            raise RuntimeError("estimate() is not defined for several objectives. Use front.")
        found = policy.estimate()
        if found is None:
            raise RuntimeError("estimate() needs results. Tell some first.")
        return found
