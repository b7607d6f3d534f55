"""The model's say: of many candidates it is asked which one is worth paying for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Codes, Floats
from ..ask_tell.results import Told
from ..distribution.geometry import Geometry
from ..distribution.pins import Pins, codes_of, feasible, pinned_on
from ..distribution.rejection import feasible_draws
from ..distribution.repair import towards
from ..ranking import midranks, ranks, scalarized
from .history import History
from .memo import Memo, SpaceExhausted, Unseen, keys
from .pool import Judge, Pool
from .sources import Source, proposed
from .surrogate import Surrogate

MOST = 8  # times that the sources propose while results are few: 320 candidates. Twice as many gained no more
FEW = 10  # new feasible candidates; with fewer, infeasible ones are repaired. Always to do so gained nothing on gemm
_REPAIRED = 10  # infeasible candidates at most: some six calls of the constraints each

Choice = tuple[Floats, bytes]  # a draw `(n_variables,)` and the key of its codes


def repaired(geometry: Geometry, rng: np.random.Generator, draws: Floats, parents: Codes,
             pinned: Pins | None) -> Floats:
    """Some of `(n, n_variables)` infeasible draws, moved towards parents until they are feasible, and exchanges in
    parents, feasible or not."""
    n, distribution = min(len(draws), _REPAIRED), geometry.distribution
    anchors = pinned_on(distribution.draws(parents[rng.choice(len(parents), n)]), pinned)
    if pinned is not None:  # which may break a constraint
        anchors = anchors[feasible(distribution, anchors, pinned)]
    draws = draws[rng.choice(len(draws), len(anchors), replace=False)]
    return np.concatenate([towards(geometry, draws, anchors, rng, pinned), geometry.exchanged(anchors, rng)])


class Screening:
    """A model of the results, a pool of candidates, and the memo of what need not be asked.

    sources: propose candidates each time. once: whether no point is asked twice. confidence: standard deviations
    below its mean that a candidate is credited with. work: the sources propose `work` / n times, n being the results,
    at least once.
    """

    def __init__(self, geometry: Geometry, rng: np.random.Generator, history: History, surrogate: Surrogate, *,
                 sources: Sequence[Source], once: bool, confidence: float, work: int = 0) -> None:
        self._geometry, self._distribution, self._rng, self._history = geometry, geometry.distribution, rng, history
        self.surrogate, self._sources, self._once, self._confidence = surrogate, sources, once, confidence
        self._work = work
        self._memo = Memo(self._distribution, geometry)
        self.restart()

    def restart(self) -> None:
        """Drop the candidates; what is known of the points remains."""
        self._pool = self._new_pool()

    def _new_pool(self) -> Pool:
        return Pool(len(self._geometry.sizes), self.surrogate.beliefs())

    # choosing

    def first(self, draws: Floats, pinned: Pins | None) -> Choice | None:
        """The first of `(n, n_variables)` draws that is feasible and may be asked; None if there is none."""
        new = self._memo.unseen(draws, pinned)  # in the order drawn
        return (new.draws[0], new.keys[0]) if new.keys else None

    def anything(self, pinned: Pins | None) -> Choice:
        """A random point that is feasible and may be asked. Raises SpaceExhausted if there is none."""
        return self._memo.any_unseen(self._rng, pinned, self._history.codes)

    def fit(self) -> None:
        """Let the model know of all that was told."""
        self.surrogate.fit(self._places())

    def best(self, parents: Codes, pinned: Pins | None, sources: Sequence[Source] = (),
             judge: Judge | None = None) -> Choice:
        """The candidate of the lowest confidence bound, of those in the pool and those that the sources propose now.

        parents: `(k, n_variables)` codes of the points that descend.
        sources: these propose once, in place of the usual ones. judge: of their bounds.
        """
        pool = self._pool if pinned is None else self._new_pool()  # pins hold for one call; the pool goes on without
        times = 1 if sources else min(max(self._work // max(len(self._history), 1), 1), MOST)
        draws = proposed(sources or self._sources, parents, self._geometry, self._rng, times=times)
        new = self._memo.unseen(draws, pinned, frozenset(pool.keys))
        self._extend(pool, new)
        if len(new.keys) < FEW and len(new.infeasible) and len(parents):
            draws = repaired(self._geometry, self._rng, new.infeasible, parents, pinned)
            self._extend(pool, self._memo.unseen(draws, pinned, frozenset(pool.keys)))
        if not len(pool):  # nothing new is near: few points are left
            return self.anything(pinned)
        return pool.take(self._confidence, not self._once, judge)

    def _extend(self, pool: Pool, new: Unseen) -> None:
        if new.keys:
            pool.extend(new.draws, new.keys, self._geometry.features(new.draws))

    def each(self, n: int, first_id: int, choose: Callable[[], Choice]) -> Floats:
        """`(n, n_variables)` choices, one after another, each entered before the next, to be asked from `first_id` on.

        Fewer where the space has no more.
        """
        chosen: list[Floats] = []
        for number in range(first_id, first_id + n):
            try:
                draw, key = choose()
            except SpaceExhausted:
                if not chosen:
                    raise
                break
            self.enter(number, draw, key)
            chosen.append(draw)
        return np.stack(chosen)

    def sampled(self, n: int, first_id: int, pinned: Pins | None, mirrored: bool, *,
                modelled: bool = True) -> tuple[Floats, Floats]:
        """`(n, n_variables)` draws of the distribution, whatever is known of them, entered; and rejected ones."""
        draws, rejected = feasible_draws(self._distribution, self._rng, n, pinned, mirrored=mirrored,
                                         known=self._history.codes)
        codes = codes_of(self._distribution, draws, pinned)
        for number, draw, key in zip(range(first_id, first_id + n), draws, keys(codes), strict=True):
            self.enter(number, draw, key, modelled=modelled)
        return draws, rejected

    # what comes in

    def enter(self, number: int, draw: Floats, key: bytes, *, modelled: bool = True) -> None:
        """A point is going to be evaluated under this id: remember it, and let the model reckon with it."""
        if self._once:
            self._memo.known[key] = None
            self._pool.discard(key)
        if modelled:
            self._model(number, draw)

    def enter_injected(self, number: int, codes: Codes, *, modelled: bool = True) -> None:
        """The same for a point that nobody asked for."""
        # no draw is behind it: the coordinates of its codes stand in
        self.enter(number, self._distribution.draws(codes[None])[0], keys(codes[None])[0], modelled=modelled)

    def observe(self, result: Told, *, modelled: bool = True) -> None:
        """A result is in the history."""
        if not self.surrogate.observe(result.id) and modelled:  # dropped while its result was out
            self._model(result.id, result.drawn.draw)
            self.surrogate.observe(result.id)

    def _model(self, number: int, draw: Floats) -> None:
        """Let the model take in a point, its result pending."""
        if self.surrogate.full:  # it will drop what is worth least, by all that is known
            self.fit()
        self.surrogate.add(number, self._geometry.features(draw[None])[0])

    def _places(self) -> Floats:
        """`(n,)` places of the results that the model holds, in their order of merit."""
        rows = self._history.rows(self.surrogate.told)
        losses, violations = self._history.losses[rows], self._history.violations[rows]
        single = losses if losses.ndim == 1 else scalarized(losses, self._rng)  # new weights at every fit
        return midranks(ranks(single, violations))

    def relevant_features(self, draws: Floats) -> Floats:
        """`(n, n_features)` features in which the variables that the model finds relevant have the larger part."""
        return self.surrogate.scaled(self._geometry.features(draws))

    # state

    def mark(self) -> tuple[Any, ...]:
        """What `back` needs, the history and the generator apart."""
        return self._pool, self._pool.mark(), self._memo.mark(), self.surrogate.mark()

    def back(self, mark: tuple[Any, ...]) -> None:
        """Be as at `mark()`. It may be called again with the same mark."""
        self._pool, pool, memo, surrogate = mark
        self._pool.back(pool)
        self._memo.back(memo)
        self.surrogate.back(surrogate)

    def state(self) -> dict[str, Any]:
        """As plain scalars, lists, dicts and arrays; known points as codes, sorted, since a set has no fixed order."""
        known = np.frombuffer(b"".join(sorted(self._memo.known)), dtype=self._distribution.space.dtype)
        return {"surrogate": self.surrogate.state(), "pool": self._pool.state(),
                "known": known.reshape(-1, len(self._geometry.sizes)).copy()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take what `state()` gave, the history being loaded. Raises ValueError, TypeError or KeyError for anything
        else."""
        self.surrogate.load(state["surrogate"])
        self._history.rows(self.surrogate.told)  # KeyError if one is missing
        ids, open_ = self._history.ids, state["open"]["ids"]
        if set(self.surrogate.pending.tolist()) - set(open_) or np.isin(ids, open_).any() or (
                ids >= state["n_asked"]).any():
            raise ValueError("what the model or the history holds was not asked, or not told.")
        self._pool.load(state["pool"], self._distribution.checked_draws,
                        lambda draws: keys(self._distribution.codes(draws)), self._geometry.features)
        known = np.asarray(state["known"])
        if known.shape[1:] != (len(self._geometry.sizes),):
            raise ValueError("the known points are of another space.")
        known = self._distribution.space.checked(known) if len(known) else known
        self._memo.known = dict.fromkeys(keys(known))
