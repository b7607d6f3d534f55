"""`Minimizer` as a searcher of Syne Tune.

    from asng_core.integrations.syne_tune import ASNGSearcher
    scheduler = SingleObjectiveScheduler(config_space, metric="loss", searcher=ASNGSearcher(config_space))
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .. import checks
from ..ask_tell.candidate import Candidate
from ..blackbox.memo import SpaceExhausted
from ..blackbox.minimizer import Minimizer
from ..space.space import Space
from .domains import of_domain

try:
    from syne_tune.config_space import Domain
    from syne_tune.optimizer.schedulers.searchers.searcher import BaseSearcher
    from syne_tune.optimizer.schedulers.searchers.single_objective_searcher import SingleObjectiveBaseSearcher
except ImportError as error:
    raise ImportError("asng_core.integrations.syne_tune needs Syne Tune. Run: pip install 'asng[syne-tune]'") from error


class _Searcher(BaseSearcher):  # type: ignore[misc]  # Syne Tune has no types
    """What the searchers below have in common: configurations out, losses in."""

    def __init__(self, config_space: dict[str, Any], points_to_evaluate: Sequence[dict[str, Any]] | None = None,
                 random_seed: int | None = None, noisy: bool = False) -> None:
        super().__init__(checks.mapping(f"{type(self).__name__}(config_space)", config_space),
                         points_to_evaluate=points_to_evaluate, random_seed=random_seed)
        domains = {name: each for name, each in config_space.items() if isinstance(each, Domain)}
        self._constants = {name: each for name, each in config_space.items() if name not in domains}
        self._optimizer = Minimizer(Space({name: of_domain(f"config_space[{name!r}]", each, exclusive=False)
                                           for name, each in domains.items()}), seed=self.random_seed, noisy=noisy)
        self._n_suggested = 0
        self._open: dict[int, Candidate] = {}  # by the trial's id: Syne Tune numbers trials as they are suggested

    def suggest(self, **kwargs: Any) -> dict[str, Any] | None:
        """None ends the search: nothing new is left."""
        names, first = self._optimizer.space.names, self._next_points_to_evaluate()
        try:
            point = None if first is None else {name: first[name] for name in names if name in first}
            candidate = self._open[self._n_suggested] = self._optimizer.ask(fixed=point)
        except SpaceExhausted:
            return None
        self._n_suggested += 1
        return {**self._constants, **candidate}

    def _told(self, trial_id: int, config: Mapping[str, Any], loss: Any) -> None:
        """The result of a trial; what was not asked here, or was told before, is injected."""
        values, candidate = {name: config[name] for name in self._optimizer.space.names}, self._open.get(trial_id)
        if candidate is not None and dict(candidate) == values:
            self._optimizer.tell(self._open.pop(trial_id), loss)
        else:
            self._optimizer.inject(values, loss)

    def on_trial_error(self, trial_id: int) -> None:
        if trial_id in self._open:
            self._optimizer.tell(self._open.pop(trial_id), math.nan)  # it ranks last


class ASNGSearcher(_Searcher, SingleObjectiveBaseSearcher):  # type: ignore[misc]
    """config_space: as for Syne Tune's own; `choice` is unordered, `ordinal` ordered, what is no domain a constant.
    points_to_evaluate: first; what one leaves out is chosen. random_seed, noisy: of the `Minimizer`.
    """

    def on_trial_complete(self, trial_id: int, config: dict[str, Any], metric: float) -> None:
        self._told(trial_id, config, metric)


class MultiObjectiveASNGSearcher(_Searcher):
    """The same with several metrics, for `SingleFidelityScheduler`."""

    def on_trial_complete(self, trial_id: int, config: dict[str, Any], metrics: list[float]) -> None:
        self._told(trial_id, config, metrics)
