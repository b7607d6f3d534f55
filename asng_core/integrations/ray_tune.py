"""`Minimizer` as a search algorithm of Ray Tune.

    from asng_core.integrations.ray_tune import ASNGSearch
    tune.Tuner(train, param_space=..., tune_config=tune.TuneConfig(search_alg=ASNGSearch(), metric="loss", mode="min"))
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .. import checkpoint
from ..ask_tell.candidate import Candidate
from ..blackbox.memo import SpaceExhausted
from ..blackbox.minimizer import Minimizer
from ..space.space import Space
from .domains import of_domain

try:
    from ray.tune.result import DEFAULT_METRIC
    from ray.tune.search import Searcher
    from ray.tune.search.variant_generator import parse_spec_vars
    from ray.tune.utils.util import flatten_dict, unflatten_dict
except ImportError as error:
    raise ImportError("asng_core.integrations.ray_tune needs Ray Tune. Run: pip install 'asng[ray]'") from error


class ASNGSearch(Searcher):  # type: ignore[misc]  # Ray has no types here
    """space: a `Space`, whose names may be paths ("optimizer/lr"); by default what Tune's `param_space` says: choices,
        of which those of numbers are ordered, and uniform and log-uniform ranges, quantized ones too.
    metric, mode: as in `TuneConfig`; lists of them for several objectives.
    seed, noisy: as for `Minimizer`. points_to_evaluate: first; what one leaves out is chosen.

    A trial that fails, or does not report the metric, ranks last. The last report of a trial counts.
    """

    def __init__(self, space: Space | None = None, *, metric: str | list[str] | None = None,
                 mode: str | list[str] | None = None, seed: int | None = None, noisy: bool = False,
                 points_to_evaluate: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(metric=metric, mode=mode)
        self._metric: Any = metric
        self._mode: Any = mode
        self._seed, self._noisy, self._first = seed, noisy, [flatten_dict(dict(each)) for each in points_to_evaluate]
        self._open: dict[str, Candidate] = {}  # by the trial's id
        self._optimizer: Minimizer | None = None
        self._kept: dict[str, Any] | None = None  # a state from before the space was known
        if space is not None:
            self._begin(space)

    def set_search_properties(self, metric: Any, mode: Any, config: dict[str, Any], **spec: Any) -> bool:
        self._metric, self._mode = metric or self._metric, mode or self._mode
        if self._metric is None and self._mode:
            self._metric = DEFAULT_METRIC
        if self._optimizer is None:
            _, domains, grids = parse_spec_vars(config)
            if grids:
                raise ValueError("ASNGSearch takes no grid_search, got one for "
                                 f"{', '.join('/'.join(map(str, path)) for path, _ in grids)}. Use tune.choice.")
            named = {"/".join(map(str, path)): domain for path, domain in domains}
            self._begin(Space({name: of_domain(f"param_space[{name!r}]", domain, exclusive=True)
                               for name, domain in named.items()}))
        return True

    def _begin(self, space: Space) -> None:
        self._optimizer = Minimizer(space, seed=self._seed, noisy=self._noisy)
        if self._kept is not None:
            self._load(self._optimizer, self._kept)

    def suggest(self, trial_id: str) -> Any:
        if self._optimizer is None or not self._metric or not self._mode:
            raise RuntimeError("ASNGSearch needs a space, a metric and a mode, here or in the Tuner.")
        try:
            point = self._first.pop(0) if self._first else None
            self._open[trial_id] = candidate = self._optimizer.ask(fixed=point)
        except SpaceExhausted:
            return Searcher.FINISHED
        return unflatten_dict(dict(candidate))

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        candidate = self._open.pop(trial_id, None)
        if candidate is not None and self._optimizer is not None:
            self._optimizer.tell(candidate, self._loss({} if error or result is None else flatten_dict(result)))

    def _loss(self, result: Mapping[str, Any]) -> Any:
        metrics, modes = ([each] if isinstance(each, str) else each for each in (self._metric, self._mode))
        losses = [(-1 if mode == "max" else 1) * result.get(metric, math.nan)
                  for metric, mode in zip(metrics, modes, strict=True) if mode != "obs"]
        return losses if len(losses) > 1 else losses[0]

    def add_evaluated_point(self, parameters: dict[str, Any], value: Any, error: bool = False, pruned: bool = False,
                            intermediate_values: Any = None) -> None:
        if self._optimizer is None:
            raise RuntimeError("ASNGSearch needs a space before it takes points.")
        flat, space = flatten_dict(parameters), self._optimizer.space
        failed = error or pruned or value is None
        self._optimizer.inject({name: flat[name] for name in space.names if name in flat},
                               self._loss({} if failed else {self._metric: value}))

    def save(self, checkpoint_path: str) -> None:
        if self._optimizer is not None:
            asked = {trial: candidate.id for trial, candidate in self._open.items()}
            checkpoint.write(checkpoint_path, {**self._optimizer.state_dict(), "ray": asked})

    def restore(self, checkpoint_path: str) -> None:
        self._kept = checkpoint.read(checkpoint_path, Minimizer.FORMAT)
        if self._optimizer is not None:
            self._load(self._optimizer, self._kept)

    def _load(self, optimizer: Minimizer, state: dict[str, Any]) -> None:
        optimizer.load_state_dict(state)
        pending = {candidate.id: candidate for candidate in optimizer.pending}
        self._open, self._kept = {trial: pending[number] for trial, number in state["ray"].items()}, None
