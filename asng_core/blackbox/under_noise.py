"""The policy under noise: one model of all results, and what is asked is what it says may be the best.

    symbol    variable       meaning
    theta     distribution   the search distribution, drawn from and moved as in ASNG
    H         history        every evaluation, n in number
    GP        evidence       Gaussian process over the losses in H, all of them, by a basis of some points (`sparse`)
    q         proposed       points that are proposed at once: one result more or less tells little

To ask, once what was proposed has been asked:
    1. While n < n_initial: a draw of theta.
    2. GP of H; its kernel, and how it sees losses (`warping`), are the likeliest of when n last grew by half.
       q = 0.1 n functions f of GP. Candidates: draws of theta, neighbours of parents (the points of the best means),
       the parents themselves, and for GP's mean and each f where descent on it ends.
    3. Proposed are the q of the lowest bounds, mean - confidence * deviation; but first the one of the best mean, if
       it has never been evaluated. Others may be asked again: where noise hides which is best, they will be.
When told:
    4. The result enters H. population_size results: theta takes a step, late ones counting less.
To recommend: the evaluated, feasible point of the best mean under GP.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..arrays import Codes, Floats
from ..ask_tell.late import Past
from ..ask_tell.policy import Policy, learn
from ..ask_tell.results import Gathered, Told
from ..distribution.geometry import Geometry
from ..distribution.pins import Pins, codes_of, feasible, pinned_on
from ..distribution.rejection import TooTight, feasible_draws
from ..distribution.search_distribution import SearchDistribution
from .effects import RAMPS
from .evidence import Evidence, Gatherer
from .history import History
from .memo import Memo, keys
from .sources import Neighbours, Sampled, Source, proposed
from .sparse import Kernel
from .warping import OFFSETS

_PARENTS = 20  # twice the archive without noise, since no single result can be believed
_AGAIN = 10  # parents that are candidates themselves
_SWEEPS = 2  # of a descent over the variables
_SHARE = 0.1  # of all results so far, that are proposed at once: what is learned in between tells little
_AT_ONCE = 200  # of points asked together, so many are proposed together; five candidates for each take memory
_GROWTH = 1.5  # of the results, after which the kernel is chosen anew


@dataclass(frozen=True)
class UnderNoise:
    """The mechanisms, and their constants; a study leaves one out by another value.

    sources: of candidates. n_initial: results before the model has a say. models: it ever has.
    learns: the distribution moves. descends: some candidates are descended to. trusts: the posterior recommends, not
    the mode.
    ramps, offsets: of the model's features, of what it makes of losses.
    confidence: standard deviations below its mean that a candidate is credited with.
    """

    sources: tuple[Source, ...] = (Sampled(10), Neighbours(20))
    n_initial: int = 8
    models: bool = True
    learns: bool = True
    descends: bool = True
    trusts: bool = True
    ramps: int = RAMPS
    offsets: tuple[float | None, ...] = OFFSETS
    confidence: float = 3.0

    def policy(self, distribution: SearchDistribution, rng: np.random.Generator) -> NoisyPolicy:
        return NoisyPolicy(self, distribution, rng)


class Estimate(NamedTuple):
    """What the model believes of the true loss, the mean of all evaluations to come, at the recommended point.

    `values`; `mean` and standard `deviation`, in the unit of the losses, NaN after a single result; and how often it
    was evaluated."""

    values: dict[str, Any]
    mean: float
    deviation: float
    n_evaluations: int


class NoisyPolicy(Policy):
    """See the top of this file."""

    def __init__(self, mechanisms: UnderNoise, distribution: SearchDistribution, rng: np.random.Generator) -> None:
        self._mechanisms, self._distribution, self._rng = mechanisms, distribution, rng
        self._geometry = geometry = Geometry(distribution)
        self.history = History(distribution.space)
        self._gatherer = Gatherer(geometry, self.history, rng, mechanisms.ramps, mechanisms.offsets)
        self._kernel, self._n_learned = Kernel(), 0  # of so many results
        self._proposed = np.empty((0, len(geometry.sizes)))
        self._open: dict[int, bytes] = {}  # id -> key of what is asked and not told
        self._evidence: tuple[int, Evidence] | None = None  # of so many results

    def mark(self) -> tuple[Any, ...]:
        self._evidence = None  # of what will change
        return self.history.mark(), self._kernel, self._n_learned, self._proposed, self._open.copy()

    def back(self, mark: tuple[Any, ...]) -> None:
        history, self._kernel, self._n_learned, self._proposed, open_ = mark
        self._open = open_.copy()
        self.history.back(history)
        self._evidence = None

    def propose(self, n: int, first_id: int, pinned: Pins | None, mirrored: bool) -> tuple[Floats, Floats]:
        draws, rejected = self._draws(n, pinned, mirrored)
        self._open.update(enumerate(keys(codes_of(self._distribution, draws, pinned)), first_id))
        return draws, rejected

    def _draws(self, n: int, pinned: Pins | None, mirrored: bool) -> tuple[Floats, Floats]:
        models = self._mechanisms.models and len(self.history) >= self._mechanisms.n_initial
        if mirrored or not models:
            return self._drawn(n, pinned, mirrored)
        if pinned is not None:  # pins hold for one call; what was proposed goes on without
            return self._chosen(n, pinned), self._proposed[:0]
        while len(self._proposed) < n:
            more = max(int(_SHARE * len(self.history)), min(n - len(self._proposed), _AT_ONCE))
            self._proposed = np.concatenate([self._proposed, self._chosen(more, None)])
        draws, self._proposed = self._proposed[:n], self._proposed[n:]
        return draws, self._proposed[:0]

    def _drawn(self, n: int, pinned: Pins | None, mirrored: bool = False) -> tuple[Floats, Floats]:
        """Feasible draws of theta, or where neither these nor repair find any, a feasible point; and rejected draws."""
        try:
            return feasible_draws(self._distribution, self._rng, n, pinned, mirrored=mirrored,
                                  known=self.history.codes)
        except TooTight:
            draw, _ = Memo(self._distribution, self._geometry).any_unseen(self._rng, pinned, self.history.codes)
            return np.repeat(draw[None], n, axis=0), draw[None][:0]

    def evidence(self) -> Evidence:
        """Of all results so far."""
        if self._evidence is None or self._evidence[0] != len(self.history):
            self._evidence = len(self.history), self._gatherer.gathered(self._kernel)
        return self._evidence[1]

    def _chosen(self, q: int, pinned: Pins | None) -> Floats:
        """`(q, n_variables)` draws."""
        mechanisms, rng, n = self._mechanisms, self._rng, len(self.history)
        if n >= _GROWTH * self._n_learned:
            self._kernel, self._n_learned, self._evidence = self._gatherer.learned(self._kernel), n, None
        posterior, _, rows, means = self.evidence()
        effects, best = self._gatherer.effects, rows[np.argsort(means, kind="stable")[:_PARENTS]]
        parents = self._distribution.draws(self.history.codes[best])  # best first
        candidates = [proposed(self._sources(q), self.history.codes[best], self._geometry, rng), parents[:_AGAIN]]
        if mechanisms.descends:
            starts = np.concatenate([parents[:1], parents[rng.integers(len(parents), size=q)]])
            starts[2::2] = self._distribution.sample(len(starts[2::2]), rng)
            # (q + 1, m): the mean is a function too
            weights = np.concatenate([posterior.weights[None], posterior.sampled(q, rng)])
            for _ in range(_SWEEPS):
                starts = effects.descended(starts, posterior.basis, weights, posterior.reach, rng)
            candidates.append(starts)
        draws, found = self._feasible(np.concatenate(candidates), q, pinned)
        mean, deviation, _ = posterior.beliefs(effects(draws))
        bounds = mean - mechanisms.confidence * deviation
        out = {*self._open.values(), *keys(self._distribution.codes(self._proposed))}
        bounds[[key in out for key in found]] = np.inf  # what is out says soon what it is worth
        chosen = draws[np.argsort(bounds, kind="stable")[np.arange(q) % len(bounds)]]
        if mechanisms.descends and (q > 1 or rng.random() < 0.5):
            at = int(np.argmin(mean))
            if found[at] not in out and found[at] not in set(keys(self.history.codes)):
                chosen[0] = draws[at]
        return chosen

    def _sources(self, q: int) -> list[Source]:
        """As many candidates at once as for one point, and more of them for many points."""
        return [replace(source, n=source.n * max(8, q) // 8) for source in self._mechanisms.sources]

    def _feasible(self, draws: Floats, q: int, pinned: Pins | None) -> tuple[Floats, list[bytes]]:
        """Those of the draws, each once, that satisfy the constraints, and their keys; others where none do."""
        draws = pinned_on(draws, pinned)
        if self._distribution.space.constraints:
            draws = draws[feasible(self._distribution, draws, pinned)]
            if not len(draws):
                draws, _ = self._drawn(q, pinned)
        rows = {key: row for row, key in enumerate(keys(codes_of(self._distribution, draws, pinned)))}
        return draws[list(rows.values())], list(rows)

    def losses(self, value: object, n: int | None) -> list[Any]:
        return self.history.checked_losses(value, n)

    def told(self, results: list[Told]) -> None:
        for each in results:
            self.history.append(each.id, each.codes, each.loss, each.violation)
            del self._open[each.id]

    def injected(self, codes: Codes, loss: Any, violation: float) -> None:
        self.history.append(self.history.next_injected, codes, loss, violation)

    def update(self, gathered: Gathered, generation: int, past: Past) -> None:
        if self._mechanisms.learns:
            learn(self._distribution, gathered, past.weights(gathered.drawn, self._distribution))

    def recommended(self) -> Codes | None:
        """`(n_variables,)` codes of the point that the evidence trusts most; None while there is none."""
        if not self._mechanisms.trusts or not len(self.history):
            return None
        evidence = self.evidence()
        return np.asarray(self.history.codes[evidence.rows[np.argmin(evidence.means)]])

    def estimate(self) -> Estimate | None:
        """Of the recommended point; None while there is no evidence."""
        codes, known = self.recommended(), self.history.succeeded & np.isfinite(self.history.losses)
        if codes is None or not known.any():
            return None
        posterior, warp, _, _ = self.evidence()
        draws = self._distribution.draws(codes[None])
        mean, deviation, _ = posterior.beliefs(self._gatherer.effects(draws))
        low, middle, high = warp.losses(mean + deviation * np.array([-1.0, 0.0, 1.0])).tolist()
        times = keys(self.history.codes).count(keys(codes[None])[0])
        spread = high / 2 - low / 2 if known.sum() > 1 else math.nan  # of one result nobody knows
        return Estimate(self._distribution.space.values(codes[None])[0], middle, spread, times)

    def asked(self, n_variables: int) -> Codes:
        return self.history.codes

    def state(self) -> dict[str, Any]:
        return {"history": self.history.state(), "kernel": asdict(self._kernel), "n_learned": self._n_learned,
                "proposed": self._proposed.copy()}

    def load(self, state: Mapping[str, Any]) -> None:
        self.history.load(state["history"])
        ids, open_ = self.history.ids, state["open"]
        if np.isin(ids, open_["ids"]).any() or (ids >= state["n_asked"]).any():
            raise ValueError("what the history holds was not asked, or not told.")
        codes = self._distribution.codes(self._distribution.checked_draws(open_["draws"], len(open_["ids"])))
        self._open = dict(zip(open_["ids"], keys(codes), strict=True))
        if "kernel" not in state:  # of a file from before there was one: it is learned anew
            return
        self._kernel = Kernel.loaded(state["kernel"], len(self._mechanisms.offsets))
        self._n_learned = checks.integer("n_learned", state["n_learned"], minimum=0)
        if self._n_learned > len(self.history):
            raise ValueError("the kernel was learned of more results than there are.")
        self._proposed = self._distribution.checked_draws(state["proposed"], len(state["proposed"]))
