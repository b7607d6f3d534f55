"""A sweeper of Hydra that goes on where it ended: `python app.py --multirun hydra/sweeper=asng lr='interval(0,1)'`.

Hydra looks for plugins in the package `hydra_plugins` alone: the wheel has one that holds this class and no more.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import checks
from ..ask_tell.candidate import Candidate
from ..blackbox.memo import SpaceExhausted
from ..blackbox.minimizer import Minimizer
from ..loop.lock import Lock
from ..space.ranges import Integer, Real
from ..space.space import Space
from ..space.variables import Categorical, Ordinal, Variable

try:
    import yaml
    from hydra.core.config_store import ConfigStore
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import Override
    from hydra.core.plugins import Plugins
    from hydra.plugins.sweeper import Sweeper
    from omegaconf import OmegaConf
except ImportError as error:
    raise ImportError("asng_core.integrations.hydra needs Hydra. Run: pip install 'asng[hydra]'") from error

_LOG = logging.getLogger(__name__)


@dataclass
class ASNGSweeperConf:
    """n_trials: jobs in all, those before an interruption included. n_jobs: of them at once. direction: "minimize" or
        "maximize", or a list of them for as many objectives.
    state: the file by which a sweep that is begun again goes on; it lies in a folder with a time in its name unless
        `hydra.sweep.dir` or this says otherwise.
    max_failure_rate: of the jobs of a batch; a failed job ranks last. params: sweeps, which the command line's replace.
    """

    _target_: str = "hydra_plugins.asng_sweeper.ASNGSweeper"  # Hydra takes plugins from there only
    n_trials: int = 50
    n_jobs: int = 1
    direction: Any = "minimize"
    seed: int | None = None
    noisy: bool = False
    max_failure_rate: float = 0.0
    state: str = "${hydra.sweep.dir}/sweep.asng"
    params: dict[str, str] | None = field(default_factory=dict)


ConfigStore.instance().store(group="hydra/sweeper", name="asng", node=ASNGSweeperConf, provider="asng")


class ASNGSweeper(Sweeper):  # type: ignore[misc]  # Hydra has no types
    """`Minimizer` as a Hydra sweeper; its settings are those of `ASNGSweeperConf`."""

    def __init__(self, n_trials: int, n_jobs: int, direction: Any, seed: int | None, noisy: bool,
                 max_failure_rate: float, state: str, params: Mapping[str, str] | None) -> None:
        self._n_trials = checks.integer("hydra.sweeper.n_trials", n_trials, minimum=1)
        self._n_jobs = checks.integer("hydra.sweeper.n_jobs", n_jobs, minimum=1)
        self._directions = [direction] if isinstance(direction, str) else list(direction)
        if not self._directions or set(self._directions) - {"minimize", "maximize"}:
            raise ValueError("hydra.sweeper.direction must be minimize or maximize, or a list of them, got "
                             f"{direction}.")
        self._most_failures, self._state, self._params = max_failure_rate, Path(state), dict(params or {})
        self._seed, self._noisy = seed, noisy

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(hydra_context=hydra_context,
                                                                task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> None:
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        lines = [*(f"{name}={value}" for name, value in self._params.items()), *arguments]
        overrides = {each.get_key_element(): each for each in parser.parse_overrides(lines)}  # the last one counts
        fixed = [each.input_line for each in overrides.values() if not each.is_sweep_override()]
        space = Space({name: variable_of(each) for name, each in overrides.items() if each.is_sweep_override()})
        folder = Path(self.config.hydra.sweep.dir)
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, folder / "multirun.yaml")
        self._state.parent.mkdir(parents=True, exist_ok=True)
        with Lock(f"hydra.sweeper.state={str(self._state)!r}", self._state.with_name(f".{self._state.name}.lock")):
            optimizer = self._run(space, fixed)
        OmegaConf.save(OmegaConf.create(self._found(optimizer)), folder / "optimization_results.yaml")

    def _run(self, space: Space, fixed: list[str]) -> Minimizer:
        optimizer = Minimizer(space, seed=self._seed, noisy=self._noisy)
        if self._state.exists():
            optimizer = Minimizer.load(self._state, space)
            _LOG.info("going on with %s: %d of %d jobs have ended", self._state, optimizer.n_told, self._n_trials)
        batch = list(optimizer.pending)  # what was under way when it was interrupted
        while True:
            if not batch and (left := min(self._n_jobs, self._n_trials - optimizer.n_asked)) > 0:
                try:
                    batch = list(optimizer.ask(left))
                except SpaceExhausted as exhausted:
                    _LOG.info("%s", exhausted)
            if not batch:
                return optimizer
            optimizer.save(self._state)
            lines = [[*fixed, *(f"{name}={value}" for name, value in each.items())] for each in batch]
            self.validate_batch_is_legal(lines)
            self._tell(optimizer, batch, self.launcher.launch(lines, initial_job_idx=batch[0].id))
            optimizer.save(self._state)
            batch = []

    def _tell(self, optimizer: Minimizer, batch: Sequence[Candidate], returned: Sequence[Any]) -> None:
        losses, errors = list[Any](), list[Exception]()
        for candidate, each in zip(batch, returned, strict=True):
            try:
                losses.append(self._signed(each.return_value))  # which raises what the job raised
            except Exception as error:
                _LOG.warning("job %s failed: %r", candidate.id, error)
                losses.append(math.nan if len(self._directions) == 1 else [math.nan] * len(self._directions))
                errors.append(error)
        if len(errors) > self._most_failures * len(batch):
            raise errors[0]  # the batch stays open, and begins again when the sweep does
        optimizer.tell(batch, losses)

    def _signed(self, value: Any) -> Any:
        """What a job returned as losses, and the reverse."""
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        if len(values) != len(self._directions):
            raise ValueError(f"the task must return {len(self._directions)} number(s), as hydra.sweeper.direction has, "
                             f"got {value}.")
        signed = [-float(each) if direction == "maximize" else float(each)
                  for each, direction in zip(values, self._directions, strict=True)]
        return signed if len(signed) > 1 else signed[0]

    def _found(self, optimizer: Minimizer) -> dict[str, Any]:
        if len(self._directions) > 1:
            return {"name": "asng", "solutions": [{"params": _typed(each.values), "values": self._signed(each.loss)}
                                                  for each in optimizer.front]}
        best = optimizer.best
        if best is None:
            return {"name": "asng"}
        value = None if optimizer.noisy else self._signed(best.loss)  # of one lucky evaluation it would say too much
        return {"name": "asng", "best_params": _typed(optimizer.recommend()), "best_value": value}


def variable_of(override: Override) -> Variable:
    """Over the text of the values, as Hydra writes them; numbers in a choice are ordered."""
    sweep = override.value()
    if override.is_interval_sweep():
        kind = Integer if isinstance(sweep.start, int) else Real
        return kind(sweep.start, sweep.end, log="log" in sweep.tags)
    values = list(dict.fromkeys(override.sweep_string_iterator()))
    try:
        return Categorical(values) if "categorical" in sweep.tags else Ordinal(sorted(values, key=float))
    except ValueError:  # some are no numbers
        return Categorical(values)


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Text as Hydra reads it."""
    return {name: yaml.safe_load(each) if isinstance(each, str) else each for name, each in values.items()}
