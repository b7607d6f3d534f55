"""The loop of `minimize`: ask, evaluate, tell, until there is a reason to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import checkpoint
from ..ask_tell.candidate import Candidate
from ..ask_tell.results import Best
from ..blackbox.memo import SpaceExhausted
from ..blackbox.minimizer import Minimizer
from ..space.recognition import check_storable
from . import rules
from .interrupts import Interrupts
from .result import Result, averaged, negated
from .stopping import Budget, Standing, StoppingRule
from .workers import FAILED, Workers

_SAVE_EVERY = 1.0  # seconds between two checkpoints, or more where saving takes long
_SAVING_SHARE = 0.05  # of the run's time, at most, goes into saving: after it 20 times as long without


class Progress(NamedTuple):
    """An evaluation that has just come, and how far the run is; what a `callback` gets.

    loss: as the objective returned it; NaN if the evaluation failed.
    best: the best evaluation so far; None before there is one, and with several objectives.
    seconds: since the call of `minimize`.
    """

    values: dict[str, Any]
    loss: Any
    n_evaluations: int
    best: Best | None
    seconds: float


class Run:
    """One call of `minimize` or, with `sign` -1, of `maximize`: then the optimizer is told the losses negated."""

    def __init__(self, optimizer: Minimizer, objective: Callable[[Any], Any], budget: Budget,
                 stopping: Sequence[StoppingRule], *, sign: float, vectorized: bool,
                 listeners: Sequence[Callable[[Progress], Any]], file: Path | None) -> None:
        self._started = time.monotonic()
        self._optimizer, self._objective, self._sign = optimizer, objective, sign
        self._budget, self._stopping = budget, [*stopping, budget]
        self._vectorized, self._listeners, self._file = vectorized, listeners, file
        # failed before anything succeeded: told when it is known how many NaN to tell, one per objective
        self._failed: list[Candidate] = []
        self._again: list[Candidate] = []  # asked in a run that this one goes on with, and not evaluated
        self._exhausted: SpaceExhausted | None = None  # what `ask` raised: it is not called again
        self._stopped = self._unsaved = False  # by a callback; whether anything was told since the last saving
        self._saved, self._pause = -np.inf, _SAVE_EVERY  # when saved last, and for how long not to save from then on

    @property
    def n_evaluations(self) -> int:
        """Evaluations paid for, of earlier runs with this file too, and those not yet told."""
        return self._optimizer.n_told + len(self._failed)

    def resume(self, noisy: bool) -> None:
        """Go on from the file, if there is one, and see that it can be written."""
        if self._file is not None and self._file.exists():
            state = checkpoint.read(self._file, Minimizer.FORMAT)
            where = f"{self._name}(checkpoint={str(self._file)!r})"
            failed = rules.resumed(where, state, noisy=noisy, maximize=self._sign < 0)
            try:
                self._optimizer.load_state_dict(state)
            except ValueError as error:
                raise checkpoint.CheckpointError(f"{where} cannot be resumed: {error}") from error
            for candidate in self._optimizer.pending:
                (self._failed if candidate.id in failed else self._again).append(candidate)
            self._check_shape(self._shape or ())
        self._save()  # a file that cannot be written shall be known before the first evaluation

    def run(self, workers: Workers) -> Result:
        """Evaluate until there is a reason to stop, and save whatever happens."""
        with Interrupts() as interrupts:
            try:
                reason = self._loop(workers, interrupts)
            except KeyboardInterrupt:
                if interrupts.torn:  # the optimizer may be half changed: no result can be had from it
                    raise
                reason = "interrupted by the user"
            finally:  # also when the objective has raised: what was told before is saved
                try:
                    if not interrupts.torn:
                        with interrupts.held():
                            self._save()
                finally:
                    workers.close()
        return self._result(reason)

    def _loop(self, workers: Workers, interrupts: Interrupts) -> str:
        while True:
            reason = self._reason()
            if reason is None:
                with interrupts.held():
                    self._fill(workers)
                if not len(workers):  # within the budget nothing was left to ask, and nothing is under way
                    rules.any_point(f"{self._name}(space)", self._optimizer.space, len(self._optimizer.history))
                    certain = self._exhausted is None or self._exhausted.certain
                    reason = ("space exhausted: every feasible point was evaluated" if certain
                              else "space exhausted, as far as was seen: no new feasible point was found")
            if reason is not None:
                return reason
            for candidates, outcomes in workers.finished(self._patience()):
                losses = self._losses(candidates, outcomes)
                with interrupts.held():
                    self._tell(candidates, losses)
                self._report(candidates, losses)  # not held: a callback is the user's code and may take long
            if self._unsaved and time.monotonic() >= self._saved + self._pause:
                with interrupts.held():
                    self._save()

    def _reason(self) -> str | None:
        """Why to stop, if so."""
        if self._stopped:
            return "stopped by the callback"
        standing = Standing(self.n_evaluations, self._best, self._seconds)
        return next((reason for rule in self._stopping if (reason := rule.reason(standing)) is not None), None)

    def _fill(self, workers: Workers) -> None:
        """Let the workers have as many points as they can take."""
        # what is under way will be paid for: it counts against the capacity and against the budget
        n = min(workers.capacity, self._budget.evaluations - self.n_evaluations) - len(workers)
        if n <= 0:
            return
        again, self._again = self._again[:n], self._again[n:]  # first what an earlier run asked
        workers.submit(again)
        if len(again) < n and self._exhausted is None:
            try:
                workers.submit(self._optimizer.ask(n - len(again)))
            except SpaceExhausted as exhausted:
                self._exhausted = exhausted

    def _patience(self) -> float | None:
        """Seconds to wait for an evaluation before something else is due."""
        due = min(rule.due(self._seconds) for rule in self._stopping)
        if self._unsaved and self._file is not None:
            due = min(due, self._saved + self._pause - time.monotonic())
        return None if due == np.inf else max(0.0, due)

    def _losses(self, candidates: list[Candidate], outcomes: Any) -> list[Any]:
        """What each candidate's evaluation gave, as the user sees it: a float or a tuple; None if it failed."""
        n, known = len(candidates), self._shape
        if outcomes is FAILED:
            return [None] * n
        if self._vectorized:
            return rules.many_losses(self._objective, outcomes, n, known)
        return [rules.one_loss(self._objective, candidate, outcome, known) if outcome is not FAILED else None
                for candidate, outcome in zip(candidates, outcomes, strict=True)]

    @property
    def _shape(self) -> tuple[int, ...] | None:
        """Of one evaluation's losses; None while none has come."""
        history = self._optimizer.history
        return history.losses.shape[1:] if len(history) else None

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        """See that the stopping rules can judge losses of this shape."""
        if any(rule.single for rule in self._stopping):
            rules.single_objective(f"{self._name}(target=...)", shape)

    def _tell(self, candidates: list[Candidate], losses: list[Any]) -> None:
        """Tell the optimizer these losses, as the user sees them, and first what failed before any succeeded."""
        self._unsaved = True
        if self._shape is None:
            come = next((loss for loss in losses if loss is not None), None)
            if come is None:
                self._failed += candidates
                return
            self._check_shape(np.shape(come))
            shape = np.shape(come)
        else:
            shape = self._shape
        told = [self._signed(loss, shape) for loss in [*[None] * len(self._failed), *losses]]
        candidates, self._failed = self._failed + candidates, []
        self._optimizer.tell(candidates, told)

    def _signed(self, loss: Any, shape: tuple[int, ...]) -> Any:
        """A loss in the optimizer's sign, or in the user's again."""
        if loss is None:
            loss = (np.nan,) * shape[0] if shape else np.nan
        if isinstance(loss, tuple):
            return tuple(self._sign * each for each in loss)
        return self._sign * loss

    def _report(self, candidates: list[Candidate], losses: list[Any]) -> None:
        """Show, and call back with, each of these evaluations."""
        if not self._listeners:
            return
        first = self.n_evaluations - len(candidates) + 1  # number of the first of these, which have all been told
        best = self._best
        for i, (candidate, loss) in enumerate(zip(candidates, losses, strict=True)):
            failed = (np.nan,) * len(self._shape) if self._shape else np.nan
            progress = Progress(dict(candidate), failed if loss is None else loss, first + i, best, self._seconds)
            for listener in self._listeners:
                answer = listener(progress)
                # True alone stops: a lambda may return something else, such as a number, by the way
                self._stopped |= isinstance(answer, (bool, np.bool_)) and bool(answer)

    @property
    def _best(self) -> Best | None:
        """The best evaluation, in the user's sign."""
        best = None if self._shape else self._optimizer.best
        return None if best is None else best._replace(loss=self._sign * best.loss)

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def _name(self) -> str:
        return "minimize" if self._sign > 0 else "maximize"

    def _save(self) -> None:
        """Write the state and what `Run` alone knows, if there is a file, and set when to save next."""
        if self._file is None:
            return
        check_storable(self._optimizer.space)
        begun = time.monotonic()
        extras = {"maximize": self._sign < 0, "failed": [candidate.id for candidate in self._failed]}
        checkpoint.write(self._file, {**self._optimizer.state_dict(), "minimize": extras})
        self._saved, self._unsaved = time.monotonic(), False
        self._pause = max(_SAVE_EVERY, (self._saved - begun) / _SAVING_SHARE)

    def _result(self, reason: str) -> Result:
        """The result, losses in the user's sign."""
        optimizer = self._optimizer
        if self._failed:  # nothing has ever succeeded: told as if there were one objective
            optimizer.tell(self._failed, [np.nan] * len(self._failed))
        history = optimizer.history
        if self._sign < 0:
            history = negated(optimizer.space, history)
        best = self._best
        if best is not None and optimizer.noisy:
            best = averaged(optimizer, history)
        # () would matter for failed evaluations only, and the front has none
        front = [each._replace(loss=self._signed(each.loss, ())) for each in optimizer.front]
        return Result(best, front, history, optimizer.n_told, optimizer.n_failed, reason, self._sign < 0)
