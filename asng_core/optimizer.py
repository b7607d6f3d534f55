"""ASNG by ask and tell: wiring only.

The families give the direction and its Fisher length, `utility` ranks the losses, `step_size` says
how far to go; this file keeps the one mutable state and hands out candidates.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from . import _checks, checkpoint
from .candidate import Batch, Candidate
from .families.family import norm
from .families.product import independent
from .space import Space
from .step_size import StepSize, StepSizeState
from .utility import utilities
from .variables import Integer

_FORMAT, _VERSION = "asng_core.ASNG", 1
# Contributions that cancel leave rounding noise instead of a zero gradient; relative to the
# utilities, it stays below this and any real direction above.
_CANCELLED = 1e-9


class Best(NamedTuple):
    """The best evaluation told: the user's values, its loss, and the candidate's id."""

    values: dict[str, Any]
    loss: float
    id: int


class MeanStd(NamedTuple):
    """A Gaussian over the values of an Integer, or over the positions 0..K-1 of an Ordinal."""

    mean: float
    std: float


def default_population_size(n_variables: int) -> int:
    """8, and 4 more for every tenfold of d: the table of `python -m benchmarks.population` shows why.

    Multiples of 4 make exact quarters, which select more sharply than the rounded-up ones between.
    """
    return 4 * max(2, round(1 + math.log10(n_variables)))


class ASNG:
    """Adaptive Stochastic Natural Gradient over a discrete space; lower losses are better.

    >>> from asng_core import ASNG, Space
    >>> optimizer = ASNG(Space.binary(20), seed=1)
    >>> while not optimizer.converged:
    ...     batch = optimizer.ask(8)
    ...     optimizer.tell(batch, [-sum(point.values()) for point in batch])
    >>> optimizer.best.loss
    -20.0

    Results wait until they number at least `population_size`; then one update uses all that wait, so
    `tell(ask(128))` is one update of 128. Candidates may be told in any order, subset and grouping,
    each once; a late result counts in full, however much the distribution has moved since.

    space: the variables.
    seed: of the one random generator: None, a whole number from 0, or a SeedSequence.
    population_size: results per update; at least 2, which suits one-shot architecture search.
    initial_step_size: length of the first step in the Fisher metric.
    alpha: signal-to-noise ratio, above 1, at which the step size stays as it is.
    margin: probability with which a converged variable still leaves its mode, by default
        min(1/d, 1/4) for d variables with several values.
    adapt: False keeps the step size fixed (SNG).

    Not thread-safe. Source: Akimoto et al., ICML 2019.
    """

    def __init__(self, space: Space, *, seed: int | np.random.SeedSequence | None = None,
                 population_size: int | None = None, initial_step_size: float = 1.0, alpha: float = 1.5,
                 margin: float | None = None, adapt: bool = True) -> None:
        if not isinstance(space, Space):
            raise TypeError(f"ASNG(space) must be a Space, got {_checks.shown(space)}. Use Space({{name: variable}}).")
        self.space = space
        n_variables = max(1, int((space.sizes > 1).sum()))
        if population_size is None:
            population_size = default_population_size(n_variables)
        if margin is None:
            margin = min(1 / n_variables, 0.25)
        self.population_size = _checks.integer("ASNG(population_size=...)", population_size, minimum=2)
        self.margin = _checks.real("ASNG(margin=...)", margin, above=0, below=0.5)
        ordered = np.array([variable.ordered for variable in space.variables.values()])
        self._family = independent(space.sizes, ordered, self.margin)
        self._step_size = StepSize(
            self._family.n_theta,
            initial=_checks.real("ASNG(initial_step_size=...)", initial_step_size, above=0),
            alpha=_checks.real("ASNG(alpha=...)", alpha, above=1), adapt=bool(adapt))
        self._rng = np.random.default_rng(_checks.seed("ASNG(seed=...)", seed))
        self._theta = self._family.initial()
        self._step_size_state = self._step_size.start()
        self._open: dict[int, NDArray[np.float64]] = {}  # id -> draw, asked and not told
        self._waiting: list[tuple[NDArray[np.float64], float]] = []  # (draw, loss), told and not used
        self._best: tuple[NDArray[np.int64], float, int] | None = None
        self.n_asked = self.n_told = self.generation = 0

    @overload
    def ask(self) -> Candidate: ...
    @overload
    def ask(self, n: int) -> Batch: ...
    def ask(self, n: int | None = None) -> Candidate | Batch:
        """One candidate, or a batch of `n`, drawn from the distribution and open until told."""
        count = 1 if n is None else _checks.integer("ask(n)", n, minimum=1)
        draws = self._family.sample(self._theta, count, self._rng)
        ids = range(self.n_asked, self.n_asked + count)
        self._open.update(zip(ids, draws, strict=True))
        self.n_asked += count
        batch = Batch(self.space, self._family.codes(draws), ids)
        return batch[0] if n is None else batch

    def sample(self, n: int) -> Batch:
        """`n` points whose losses will not be told, such as those that train a supernet's weights."""
        n = _checks.integer("sample(n)", n, minimum=1)
        return Batch(self.space, self._family.codes(self._family.sample(self._theta, n, self._rng)), [None] * n)

    def tell(self, candidates: Candidate | Batch | list[Candidate], losses: Any) -> None:
        """Take the loss of a candidate, or the losses of a batch of any size, lower being better.

        Equal losses tie; an infinite loss ranks below the finite ones and NaN, a failed evaluation,
        last. Raises TypeError or ValueError, with nothing changed, for losses that are no numbers or
        do not match, and for candidates never asked or told before.
        """
        batch = Batch.of(candidates)
        single = isinstance(candidates, Candidate)
        values = [_checks.loss(losses)] if single else _checks.losses(losses, len(batch)).tolist()
        ids = _checks.open_ids(batch.ids, self._open, self.n_asked)
        draws = [self._open[number] for number in ids]
        if not np.array_equal(self._family.codes(np.stack(draws)), batch.codes):
            raise ValueError("tell(candidates) takes candidates that this optimizer asked, but these are of another.")
        for number, draw, codes, loss in zip(ids, draws, batch.codes, values, strict=True):
            del self._open[number]
            self._waiting.append((draw, loss))
            if not math.isnan(loss) and (self._best is None or loss < self._best[1]):
                self._best = codes, loss, number
        self.n_told += len(ids)
        if len(self._waiting) >= self.population_size:
            self._update()

    def _update(self) -> None:
        """One step of all results that wait (Akimoto et al., 2019, algorithm 1)."""
        u = utilities(np.array([loss for _, loss in self._waiting]))
        draws = np.stack([draw for draw, _ in self._waiting])
        self._waiting = []
        self.generation += 1
        gradient = self._family.natural_gradient(self._theta, u, draws)
        direction = self._family.root_fisher(self._theta, gradient)
        fisher_length = norm(direction)
        if fisher_length <= _CANCELLED * np.abs(u).sum():  # all tied, all the same point, or all constant
            return
        delta = self.step_size
        self._theta = self._family.step(self._theta, gradient, delta / fisher_length)
        self._step_size_state = self._step_size.update(self._step_size_state, direction / fisher_length)

    @property
    def best(self) -> Best | None:
        """The best evaluation told, the first of equals; None before any that did not fail."""
        if self._best is None:
            return None
        codes, loss, number = self._best
        return Best(self.space.decode(codes), loss, number)

    def mode(self) -> dict[str, Any]:
        """The most likely point, as the user's values."""
        return dict(self.space.decode(self._family.mode(self._theta)))

    def recommend(self) -> dict[str, Any]:
        """The point to use when the search ends: the mode, which averages over noise as `best` cannot."""
        return self.mode()

    def distribution(self) -> dict[str, NDArray[np.float64] | MeanStd]:
        """Per variable its probabilities `(K,)`, or mean and standard deviation if it is ordered."""
        result: dict[str, NDArray[np.float64] | MeanStd] = {}
        for (name, variable), marginal in zip(self.space.variables.items(), self._family.marginals(self._theta),
                                              strict=True):
            if variable.ordered:
                mean, std = marginal.tolist() if variable.size > 1 else (0.0, 0.0)
                result[name] = MeanStd(mean + variable.low if isinstance(variable, Integer) else mean, std)
            else:
                result[name] = marginal
        return result

    @property
    def entropy(self) -> float:
        """How undecided the search is, from 1 (uniform) to 0; mean over the variables with several values."""
        return self._family.mean_normalized_entropy(self._theta)

    @property
    def converged(self) -> bool:
        """Whether every variable leaves its mode with at most about twice the margin."""
        return self._family.converged(self._theta, self.margin)

    @property
    def step_size(self) -> float:
        """Fisher length of the next step."""
        return self._step_size.length(self._step_size_state)

    def state_dict(self) -> dict[str, Any]:
        """The whole state, open candidates included, as plain scalars, lists, dicts and arrays."""
        best = self._best
        return {
            "format": _FORMAT, "version": _VERSION, "space": self.space.describe(),
            "settings": {"population_size": self.population_size, "initial_step_size": self._step_size.initial,
                         "alpha": self._step_size.alpha, "margin": self.margin, "adapt": self._step_size.adapt},
            "theta": self._theta.copy(),
            "step_size": {"Delta": self._step_size_state.Delta, "gamma": self._step_size_state.gamma,
                          "s": self._step_size_state.s.copy()},
            "rng": self._rng.bit_generator.state,
            "open": {"ids": list(self._open), "draws": self._stacked(list(self._open.values()))},
            "waiting": {"losses": [loss for _, loss in self._waiting],
                        "draws": self._stacked([draw for draw, _ in self._waiting])},
            "best": None if best is None else {"codes": best[0].copy(), "loss": best[1], "id": best[2]},
            "n_asked": self.n_asked, "n_told": self.n_told, "generation": self.generation,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue bit for bit where `state_dict()` was taken, settings included.

        Raises ValueError, with nothing changed, for a state of another space or of anything else.
        """
        try:
            if state["version"] != _VERSION:
                raise ValueError(f"its version is {state['version']!r}, but this release reads {_VERSION}.")
            if json.dumps(state["space"]) != json.dumps(self.space.describe()):
                raise ValueError(f"it must be of this optimizer's space {_checks.shown(self.space)}, "
                                 f"but is of {_checks.shown(state['space'])}.")
            new = ASNG(self.space, **state["settings"])
            new._theta = _checks.state_array(state["theta"], new._theta.shape)
            step_size = state["step_size"]
            new._step_size_state = StepSizeState(
                _checks.real("Delta", step_size["Delta"], above=0), _checks.real("gamma", step_size["gamma"], above=-1),
                _checks.state_array(step_size["s"], (self._family.n_theta,)))
            new._rng.bit_generator.state = state["rng"]
            ids = [_checks.integer("an open id", number, minimum=0) for number in state["open"]["ids"]]
            losses, best = [_checks.loss(loss) for loss in state["waiting"]["losses"]], state["best"]
            asked = _checks.state_array(state["open"]["draws"], (len(ids), len(self.space)))
            told = _checks.state_array(state["waiting"]["draws"], (len(losses), len(self.space)))
            new._open = dict(zip(ids, asked, strict=True))
            new._waiting = list(zip(told, losses, strict=True))
            if best is not None:
                new._best = _checks.codes(self.space.sizes, best["codes"]), float(best["loss"]), int(best["id"])
            new.n_asked, new.n_told = int(state["n_asked"]), int(state["n_told"])
            new.generation = int(state["generation"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"state must be what ASNG.state_dict() returned for the same space: {error}") from error
        vars(self).update(vars(new))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to one file, atomically."""
        checkpoint.write(path, self.state_dict())

    @classmethod
    def load(cls, path: str | os.PathLike[str], space: Space | None = None) -> ASNG:
        """The optimizer that `save` wrote; it continues bit for bit.

        `space` is needed if it has values that JSON cannot hold (anything but text, numbers, truth
        values and None). Raises FileNotFoundError, or ValueError for a damaged or foreign file.
        """
        state = checkpoint.read(path, _FORMAT)
        if space is None:
            try:
                space = Space.from_description(state["space"])
            except (KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"{os.fspath(path)!r} does not describe a space ({error!r}). Pass space=.") from error
        optimizer = cls(space)
        optimizer.load_state_dict(state)
        return optimizer

    def _stacked(self, draws: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        return np.array(draws).reshape(len(draws), len(self.space))
