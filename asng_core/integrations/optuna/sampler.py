"""The sampler: what Optuna asks of one, and which study and space the search behind it is of.

A study is all that is kept: a sampler reads it, builds its optimizer from what is there, and goes on from what others
add, so that several processes may share one.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.storages import InMemoryStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from ... import checks
from ...blackbox.minimizer import Minimizer
from .search import Reader, Search
from .space import Distributions, Seen

_MARK = "asng:point"  # of a trial: which point it is going to evaluate
_TRIES = 5  # of other points, where another process has chosen the same one


class ASNGSampler(BaseSampler):
    """Samples by `Minimizer`: categorical, integer and float parameters together, conditional ones too.

    A parameter that some trials lack is chosen with the others once a categorical, or an integer of few values, is
    seen to decide whether it is there; until then, and in the first trial, it is drawn at random. Where the space has
    no new point left, known ones are repeated.

    seed: of the search; processes that share a study need different ones, or none.
    noisy: whether the objective gives another value when it is evaluated again; parameters may then be repeated.
    constraints_func: gets a finished trial and returns numbers, of which positive ones violate; such a trial ranks
        behind all feasible ones, by their sum. `trial.set_constraint()` in the objective does the same.

    A failed trial ranks last; a pruned one behind all that are complete, the earlier it was pruned the farther.
    Values of several objectives are handled as in `Minimizer`. Safe with `n_jobs`.
    Raises TypeError or ValueError for bad arguments.
    """

    def __init__(self, *, seed: int | None = None, noisy: bool = False,
                 constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None) -> None:
        self._noisy = checks.truth("ASNGSampler(noisy=...)", noisy)
        if constraints_func is not None and not callable(constraints_func):
            raise TypeError("ASNGSampler(constraints_func=...) must be a function of a trial, got "
                            f"{checks.shown(constraints_func)}.")
        self._constraints_func = constraints_func
        if seed is not None:
            seed = checks.integer("ASNGSampler(seed=...)", seed, minimum=0)
        self._seeds = np.random.SeedSequence(seed)
        self._random = RandomSampler(int(self._seeds.generate_state(1)[0]))
        self._lock = threading.RLock()
        self._study: tuple[Any, ...] = ()
        self._seen, self._reader = Seen(), Reader()
        self._search: Search | None = None

    def reseed_rng(self) -> None:
        self._random.reseed_rng()  # the search needs none: threads share it, and take turns

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Distributions:
        with self._lock:
            self._read(study)
            return self._seen.relative()

    def sample_relative(self, study: Study, trial: FrozenTrial,
                        search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        with self._lock:
            trials = self._read(study)
            space = self._seen.space(search_space)
            if space is None:
                return {}
            search = self._search
            if search is None or not search.is_of(search_space, space) or not search.learn(trials, trial.number):
                self._search = search = Search(search_space, space, study.directions, Minimizer(
                    space, seed=self._seeds.spawn(1)[0], noisy=self._noisy))
                search.learn(trials, trial.number)
            asked = search.ask(trial)
            if not self._noisy:
                for _ in range(_TRIES):
                    others = self._announce(study, trial, asked)
                    if not search.leave(trial, others):
                        break
                    asked = search.ask(trial)
            return asked

    def _announce(self, study: Study, trial: FrozenTrial, asked: dict[str, Any]) -> list[FrozenTrial]:
        """Say what is going to be evaluated; the other trials that have said the same, under way or just ended.

        Optuna stores parameters one by one, as the objective asks for them. Of two processes that choose a point at one
        moment, each says so before it looks, so that one of them at least sees the other.
        """
        storage = study._storage  # noqa: SLF001  # samplers have no public way to a trial's system attributes
        if isinstance(storage, InMemoryStorage):  # the threads of this process, which take turns
            return []
        mark = hashlib.sha256(repr(sorted(asked.items())).encode()).hexdigest()[:32]
        storage.set_trial_system_attr(trial._trial_id, _MARK, mark)  # noqa: SLF001
        return [each for each in study.get_trials(deepcopy=False)
                if each.system_attrs.get(_MARK) == mark and each.number != trial.number]

    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str,
                           param_distribution: BaseDistribution) -> Any:
        with self._lock:
            return self._random.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState,
                    values: Sequence[float] | None) -> None:
        if self._constraints_func is not None:
            from optuna.samplers._base import _process_constraints_after_trial  # has no public name

            _process_constraints_after_trial(self._constraints_func, study, trial, state)

    def _read(self, study: Study) -> list[FrozenTrial]:
        """All trials, the complete ones seen. Another study than before is read from its beginning."""
        trials = study.get_trials(deepcopy=False)
        # of two storages that have a study of one name each the first trials began at different times
        mark = (study.study_name, *study.directions, trials[0].datetime_start if trials else None)
        if mark != self._study:
            self._study, self._seen, self._reader, self._search = mark, Seen(), Reader(), None
        for each in self._reader.unread(trials):
            if each.state == TrialState.COMPLETE:
                self._seen.add(each)
        return trials

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.RLock())
