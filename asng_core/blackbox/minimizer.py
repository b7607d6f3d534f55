"""ASNG as an optimizer of black boxes, by ask and tell: wiring only, one file of this folder a mechanism."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Codes, Floats
from ..ask_tell.ask_tell import AskTell
from ..ask_tell.asng import default_population_size
from ..ask_tell.late import free_variables
from ..ask_tell.results import Best, Told
from ..ask_tell.rules import objectives
from ..distribution.pins import Pins
from ..distribution.rules import update_settings
from ..distribution.search_distribution import SearchDistribution, n_variables
from ..ranking import midranks, nondominated, ranks, scalarized, utilities
from ..space.space import Space
from .archive import Archive, doubt, patience
from .gaussian_process import LENGTH_SCALES, length_scales
from .geometry import Geometry
from .history import History
from .memo import Memo, keys
from .pool import Pool
from .surrogate import Surrogate
from .trusted import NOISES, Finalists, posterior

_INITIAL = 8  # results before the model has a say
# candidates for one evaluation: of the distribution, each variable of one of two of the best points, and beside these
_SAMPLED, _RECOMBINED, _NEIGHBOURS = 10, 10, 20
_UNSCREENED = 5  # tried where the model is not asked
_PARENTS = 20  # results of the best posterior mean, under noise
_SCREENED = 150  # results up to which the model screens under noise
_CONFIDENCE, _CONFIDENCE_NOISY = 2.0, 3.0  # standard deviations below the mean that a candidate is credited with
# noise of the model of a function without noise: what a smooth model cannot follow
_EXACT, _EXACT_CONTINUOUS = (0.01,), (1e-4, 0.01)


class Minimizer(AskTell):
    """The ask/tell optimizer for expensive functions: ASNG, and what it takes to waste no evaluation.

    >>> from asng_core import Minimizer, Space
    >>> optimizer = Minimizer(Space.binary(30), seed=1)
    >>> for _ in range(120):
    ...     point = optimizer.ask()
    ...     optimizer.tell(point, -sum(point.values()))
    >>> optimizer.best.loss
    -30.0

    Without noise, no point is asked twice; a model of all results screens candidates from the search
    distribution and from the neighbourhood of the best; and a run that has stalled gives way to a new one.
    `recommend()` is the best point evaluated.

    With `noisy=True` points may be asked again; the model screens the first evaluations, after which half of
    them go to the points that may yet be the best; and `recommend()` is the one that a model of all results
    trusts most.

    Points may be asked in any number at any time: those whose results are still out are taken into account.
    `ask(n)` gives fewer where the space has no more. `mirrored=True` draws from the distribution, unscreened and
    known points included. `converged`, `entropy` and `summary()` are of the present run. With several objectives
    `tell` takes `(n, n_objectives)` losses, and `front` is the result; under noise it holds single evaluations.

    space: the variables.
    noisy: whether evaluating a point again may give another loss.
    seed, population_size, margin: as for `ASNG`.
    init: as for `ASNG`; later runs start from scratch.

    Raises SpaceExhausted from `ask` when no new feasible point is left, or none is found. Not thread-safe.
    """

    _format = "asng_core.Minimizer"

    def __init__(self, space: Space, *, noisy: bool = False, seed: int | np.random.SeedSequence | None = None,
                 population_size: int | None = None, margin: float | None = None,
                 init: Mapping[str, Any] | None = None) -> None:
        if not isinstance(space, Space):
            raise TypeError(f"Minimizer(space) must be a Space, got {checks.shown(space)}. "
                            "Use Space({name: variable}).")
        self.noisy = checks.truth("Minimizer(noisy=...)", noisy)
        d = n_variables(space)
        if population_size is None:
            population_size = default_population_size(d)
        distribution = SearchDistribution(space, **update_settings("Minimizer", {
            "margin": margin, "initial_step_size": 1.0, "alpha": 1.5, "adapt": True}))
        super().__init__(space, distribution, seed=seed, population_size=population_size, init=init)
        self._geometry = Geometry(distribution)
        self._patience = patience(self._geometry.n_precisions)
        self._memo = Memo(distribution, self._geometry)
        exact = _EXACT_CONTINUOUS if space.continuous.any() else _EXACT
        # noise hides what is fine
        scales, noises = (LENGTH_SCALES, NOISES) if noisy else (length_scales(self._geometry.spacing), exact)
        self._surrogate = Surrogate(self._geometry.variables, d, scales, noises)
        self._pool = self._new_pool()
        self._archive = Archive()
        self._finalists = Finalists()
        self._run_start = 0  # generation in which the present run began
        self._n_injected = 0
        self._trusted: tuple[int, Codes] | None = None
        self.history = History(space)

    # asking

    def _propose(self, n: int, pinned: Pins | None, mirrored: bool) -> Floats:
        if mirrored or (pinned is not None and not self._screening):
            return self._plain(n, pinned, mirrored)
        if not self._screening:
            return self._confirming(n)
        chosen: list[Floats] = []
        before = self._rng.bit_generator.state
        try:
            for i in range(n):
                chosen.append(self._next(pinned, self.n_asked + i))
        except Exception:  # of a constraint too: those chosen before it are known by now, and go out
            if not chosen:
                self._rng.bit_generator.state = before
                raise
        return np.stack(chosen)

    @property
    def _screening(self) -> bool:
        """Whether the model chooses what is asked."""
        return not self.noisy or len(self.history) < _SCREENED

    def _plain(self, n: int, pinned: Pins | None, mirrored: bool) -> Floats:
        """Draws of the distribution, whatever is known of them."""
        draws = super()._propose(n, pinned, mirrored)
        for i, draw in enumerate(draws):
            self._enter(self.n_asked + i, draw, keys(self._distribution.codes(draw[None]))[0])
        return draws

    def _confirming(self, n: int) -> Floats:
        """Under noise, each with even chances: a draw, or a point that may be the best, to be evaluated again."""
        finalists = self._finalists.draws(self.history, self._distribution, self._relevant_features)
        draws: Floats = finalists[self._rng.integers(len(finalists), size=n)]
        new = np.flatnonzero(self._rng.random(n) < 0.5)
        if len(new):
            draws[new] = super()._propose(len(new), None, False)
        return draws

    def _next(self, pinned: Pins | None, number: int) -> Floats:
        """The draw of candidate `number`."""
        draw, key = self._chosen(pinned)
        self._enter(number, draw, key)
        return draw

    def _chosen(self, pinned: Pins | None) -> tuple[Floats, bytes]:
        on = pinned.on if pinned is not None else lambda draws: draws
        if len(self.history) < _INITIAL:
            draws, found = self._unseen(on(self._distribution.sample(_SAMPLED, self._rng)))
            return (draws[0], found[0]) if found else self._memo.any_unseen(self._rng, pinned)
        stalled = self._archive.stalled
        if stalled and self._rng.random() < doubt(stalled, self._distribution.family.n_theta):
            draws, found = self._unseen(on(self._unscreened()))
            if found:
                return draws[0], found[0]
        coefficients, amplitude = self._surrogate.fit(self._targets())
        pool = self._pool if pinned is None else self._new_pool()
        draws, found = self._unseen(on(self._candidates(coefficients)), set(pool.keys))
        if not found and not len(pool):
            return self._memo.any_unseen(self._rng, pinned)
        pool.extend(draws, found, self._features(draws), self._surrogate)
        confidence = _CONFIDENCE_NOISY if self.noisy else _CONFIDENCE
        return pool.take(self._surrogate, coefficients, amplitude, confidence, again=self.noisy)

    def _unseen(self, draws: Floats, beside: Iterable[bytes] = ()) -> tuple[Floats, list[bytes]]:
        return self._memo.unseen(draws, frozenset(beside))

    def _candidates(self, coefficients: Floats) -> Floats:
        """`(n, n_variables)` draws: of the distribution, and descendants of the best points."""
        sampled = self._distribution.sample(_SAMPLED, self._rng)
        best = self._archive.rows
        if self.noisy:  # where no single result can be believed
            best = self.history.rows(self._surrogate.best(coefficients)[:_PARENTS])
        if not best:
            return sampled
        parents = self._distribution.draws(self.history.codes[self._rng.choice(best, 2 * _RECOMBINED + _NEIGHBOURS)])
        one, other, alone = np.split(parents, [_RECOMBINED, 2 * _RECOMBINED])
        recombined = np.where(self._rng.random(one.shape) < 0.5, one, other)
        return np.concatenate([sampled, recombined, self._geometry.neighbours(alone, self._rng)])

    def _unscreened(self) -> Floats:
        """`(n, n_variables)` draws: of the distribution, or the best point's with a few changes and seldom many."""
        if self._rng.random() < 0.5:
            return self._distribution.sample(_UNSCREENED, self._rng)
        parents = self._distribution.draws(self.history.codes[self._archive.rows[:1] * _UNSCREENED])
        return self._geometry.neighbours(parents, self._rng, heavy_tailed=True)

    def _targets(self) -> Floats:
        """Places of the results that the model holds, in their order of merit."""
        rows = self.history.rows(self._surrogate.told)
        losses, violations = self.history.losses[rows], self.history.violations[rows]
        single = losses if losses.ndim == 1 else scalarized(losses, self._rng)
        return midranks(ranks(single, violations))

    def _features(self, draws: Floats) -> Floats:
        conditional = self.space.conditions is not None
        return self._geometry.features(draws, self._distribution.active(draws) if conditional else None)

    def _relevant_features(self, draws: Floats) -> Floats:
        return self._surrogate.scaled(self._features(draws))

    def _enter(self, number: int, draw: Floats, key: bytes) -> None:
        """A point is going to be evaluated: remember it, and let the model reckon with it."""
        if not self.noisy:
            self._memo.known.add(key)
            self._pool.discard(key)
        if self._screening:
            self._model(number, draw)

    def _model(self, number: int, draw: Floats) -> None:
        """Add a point to the model, its result pending."""
        if self._surrogate.full:
            coefficients, _ = self._surrogate.fit(self._targets())
            self._surrogate.shrink(coefficients)
        change = self._surrogate.add(number, self._features(draw[None])[0])
        self._pool.condition(self._surrogate, change)

    def _new_pool(self) -> Pool:
        return Pool(len(self.space), len(self._geometry.variables))

    # telling

    def _checked_losses(self, losses: Any, n: int, single: bool) -> list[Any]:
        known = self.history.losses.shape[1:] if len(self.history) else None
        return objectives([losses] if single else losses, n, known)

    def _note_best(self, codes: Codes, loss: Any, violation: float, number: int | None) -> None:
        if not isinstance(loss, tuple):
            super()._note_best(codes, loss, violation, number)

    def _receive(self, results: list[Told]) -> None:
        first = len(self.history)
        for each in results:
            self.history.append(each.id, each.codes, each.loss, each.violation)
            if not self._surrogate.observe(each.id) and self._screening:  # dropped while its result was out
                self._model(each.id, each.drawn.draw)
                self._surrogate.observe(each.id)
        if not self.noisy:  # late ones of an earlier run would draw the present one back there
            new = [first + i for i, each in enumerate(results) if each.drawn.generation >= self._run_start]
            if new:
                self._archive.insert(self.history, new)

    def _receive_injected(self, codes: Codes, loss: Any, violation: float) -> None:
        self._n_injected += 1
        draw = self._distribution.draws(codes[None])[0]
        self._enter(-self._n_injected, draw, keys(codes[None])[0])
        self.history.append(-self._n_injected, codes, loss, violation)
        self._surrogate.observe(-self._n_injected)
        if not self.noisy:
            self._archive.insert(self.history, [len(self.history) - 1])

    def _update(self, results: list[Told]) -> None:
        if self.noisy:
            self._step(results, self._weights(results))
            return
        results = [each for each in results if each.drawn.generation >= self._run_start]
        if results:  # screened ones, of which no density is known: all count fully
            free = free_variables([each.drawn for each in results], self._distribution)
            self._step(results, None if free is None else free.astype(np.float64))
        if self._archive.stalled > self._patience:
            self._restart()

    def _step(self, results: list[Told], weights: Floats | None) -> None:
        # a draw that broke a constraint, and was not evaluated, has no losses of several objectives
        failed = np.full(self.history.losses.shape[1:], np.nan)
        losses = np.array([each.loss if each.id >= 0 else failed for each in results])
        violations = np.array([each.violation for each in results])
        draws = np.array([each.drawn.draw for each in results])
        self._distribution.update(draws, utilities(ranks(losses, violations)), weights)

    def _restart(self) -> None:
        """A new run; what is known of the points remains."""
        self._distribution.restart()
        self._archive, self._pool = Archive(), self._new_pool()
        self._run_start = self.generation

    # what is known

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
        table = losses[:, None] if losses.ndim == 1 else losses
        rows = np.flatnonzero(self.history.succeeded)
        rows = rows[nondominated(table[rows])]
        points = self.space.values(self.history.codes[rows])
        return [Best(values, tuple(loss) if losses.ndim > 1 else loss, number if number >= 0 else None)
                for values, loss, number in zip(points, losses[rows].tolist(), self.history.ids[rows].tolist(),
                                                strict=True)]

    def recommend(self) -> dict[str, Any]:
        """The point to use when the search ends; it has been evaluated, and satisfies the constraints.

        Without noise that of `best`; with noise the one that a model of all results trusts most. Before
        there is any, the mode.
        """
        if self.noisy and len(self.history):
            if self.history.losses.ndim > 1:
                raise RuntimeError("recommend() is not defined for several objectives. Use front.")
            if self._trusted is None or self._trusted[0] != len(self.history):
                codes, means, _ = posterior(self.history, self._distribution, self._relevant_features)
                self._trusted = len(self.history), codes[int(np.argmin(means))]
            return self.space.values(self._trusted[1][None])[0]
        best = self.best
        return super().recommend() if best is None else best.values

    # state

    def _settings(self) -> dict[str, Any]:
        return {"noisy": self.noisy, "population_size": self.population_size, "margin": self._distribution.margin}

    def _extras(self) -> dict[str, Any]:
        known = np.frombuffer(b"".join(sorted(self._memo.known)), dtype=self.space.dtype)
        return {"history": self.history.state(), "archive": self._archive.state(), "finalists": self._finalists.state(),
                "surrogate": self._surrogate.state(), "pool": self._pool.state(),
                "known": known.reshape(-1, len(self.space)).copy(), "run_start": self._run_start,
                "n_injected": self._n_injected}

    def _load_extras(self, state: Mapping[str, Any]) -> None:
        self.history.load(state["history"])
        self._archive.load(state["archive"], self.history)
        self._finalists.load(state["finalists"], len(self.space))
        self._surrogate.load(state["surrogate"])
        self.history.rows(self._surrogate.told)  # KeyError if one is missing
        self._pool.load(state["pool"], lambda draws: keys(self._distribution.codes(draws)), self._features)
        known = np.asarray(state["known"], dtype=self.space.dtype)
        if known.shape[1:] != (len(self.space),):
            raise ValueError("the known points are of another space.")
        self._memo.known = set(keys(known))
        self._run_start = checks.integer("run_start", state["run_start"], minimum=0)
        self._n_injected = checks.integer("n_injected", state["n_injected"], minimum=0)
