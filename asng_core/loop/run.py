"""The loop of `minimize`: ask, evaluate, tell, until there is a reason to stop."""

from __future__ import annotations

import contextlib
import logging
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..ask_tell.candidate import Candidate
from ..ask_tell.results import Best
from . import rules
from .books import Books
from .continued import unpacked
from .evaluation import Evaluation, evaluation
from .interrupts import Interrupts, words
from .result import Result
from .stopping import Budget, Standing, StoppingRule
from .store import Store
from .unfinished import carrying
from .workers import Failed, Finished, Raised, Workers

_LOG = logging.getLogger("asng_core")


class Progress(NamedTuple):
    """An evaluation that has just come, and how far the run is; what a `callback` gets.

    >>> from asng_core import Integer, Space, minimize
    >>> result = minimize(lambda v: v["n"], Space({"n": Integer(0, 99)}), budget=50, seed=0,
    ...                   callback=lambda progress: progress.n_evaluations == 3)
    >>> result.stop_reason
    'stopped by the callback'

    loss: as the objective returned it; NaN if the evaluation failed.
    best: the best evaluation so far; None before there is one, and with several objectives.
    seconds: since the call of `minimize`.
    fidelity, cost, dropped: with fidelities, at which it is; what all evaluations so far have cost; and states, as the
        objective returned them, that no run will go on from any more: a file that one names can be deleted.
    """

    values: dict[str, Any]
    loss: Any
    n_evaluations: int
    best: Best | None
    seconds: float
    fidelity: Any = None
    cost: float | None = None
    dropped: tuple[Any, ...] = ()


class Run:
    """One call of `minimize` or `maximize`, around its books and, with a checkpoint, the store that keeps them."""

    def __init__(self, books: Books, store: Store | None, objective: Callable[[Any], Any], budget: Budget,
                 stopping: Sequence[StoppingRule], interrupts: Interrupts, *, vectorized: bool,
                 listeners: Sequence[Callable[[Progress], Any]]) -> None:
        self._started = time.monotonic()
        self._books, self._store, self._objective, self._interrupts = books, store, objective, interrupts
        self._budget, self._stopping = budget, [*stopping, budget]
        self._vectorized, self._listeners = vectorized, listeners
        self._stopped = False
        self._check_shape()
        budget.begin(books.n_evaluations)

    def run(self, workers: Workers) -> Result:
        """Evaluate until there is a reason to stop. Whatever it is, what was evaluated is told and saved, and comes
        out: as what is returned, or in what is raised.
        """
        error: BaseException | None = None
        try:
            reason = self._loop(workers)
        except KeyboardInterrupt as pressed:
            reason = words(type(pressed))
            error = pressed if self._interrupts.outer else None  # it is meant for the run whose objective this is
        except BaseException as raised:
            reason, error = f"{type(raised).__name__}: {raised}", raised
        self._interrupts.finish()
        error = error or self._finish(workers)
        unsaved = None if self._store is None else self._store.finish(self._books)
        if unsaved is not None and error is not None:
            reason += f"; the last state could not be saved: {unsaved}"
            with contextlib.suppress(RuntimeWarning):  # where warnings are errors: there is one already
                warnings.warn(f"the last state could not be saved: {unsaved}", RuntimeWarning, stacklevel=5)
        error = error or unsaved
        try:
            workers.close()
        except Exception as failing:  # an executor of the user's
            error = error or failing
        result = self._books.result(reason)
        _LOG.info("%s: ended after %d evaluations, %s", self._books.name, result.n_evaluations, reason)
        if error is None:
            return result
        carrier = carrying(error, result)
        if carrier is error:
            raise error
        raise carrier from error

    def _loop(self, workers: Workers) -> str:
        books = self._books
        _LOG.info("%s: %d variables, %d of %d evaluations made", books.name, len(books.optimizer.space),
                  books.n_evaluations, self._budget.evaluations)
        while True:
            self._interrupts.check()
            reason = self._reason()
            if reason is None:
                self._fill(workers)
                if not len(workers):
                    reason = self._without_points()
            if reason is not None:
                return reason
            self._take(workers.finished(self._patience()))
            if self._store is not None:
                self._store.save_if_due(self._books)

    def _reason(self) -> str | None:
        """Why to stop, if so."""
        if self._stopped:
            return "stopped by the callback"
        cost = 0.0 if self._budget.cost is None else self._books.cost
        standing = Standing(self._books.n_evaluations, self._books.best, self._seconds, cost)
        return next((reason for rule in self._stopping if (reason := rule.reason(standing)) is not None), None)

    def _without_points(self) -> str:
        books, budget = self._books, self._budget.cost
        if budget is not None and books.exhausted is None:
            return f"budget of {budget:g} used, but for {budget - books.cost:g}, for which there is no step to take"
        rules.any_point(f"{books.name}(space)", books.optimizer.space,
                        max(books.n_evaluations, len(books.optimizer.history)))
        certain = books.exhausted is None or books.exhausted.certain
        return ("space exhausted: every feasible point was evaluated" if certain
                else "no new feasible point was found, though there may be some")

    def _fill(self, workers: Workers) -> None:
        """Let the workers have as many points as they can take."""
        n = min(workers.capacity, self._budget.evaluations - self._books.n_evaluations) - len(workers)
        if n > 0:
            workers.submit(self._books.ask(n, self._budget.cost))

    def _patience(self) -> float | None:
        """Seconds to wait for an evaluation before something else is due."""
        due = min(rule.due(self._seconds) for rule in self._stopping)
        if self._store is not None:
            due = min(due, self._store.due())
        return None if due == np.inf else max(0.0, due)

    def _take(self, finished: Finished) -> None:
        """Tell all that has ended, then call back with each, then raise what is to be raised."""
        errors: list[BaseException] = []
        told: list[Progress] = []
        for candidates, outcomes, seconds in finished:
            if isinstance(outcomes, Raised):
                errors.append(outcomes.error)
                continue
            try:
                given = self._given(candidates, outcomes)
            except (TypeError, ValueError) as error:  # what came is no loss
                errors.append(error)
                continue
            losses = [each.loss for each in given]
            failed = outcomes if isinstance(outcomes, Failed) else None
            why = {} if failed is None else {each.id: failed.why for each in candidates if each.id is not None}
            for number, text in why.items():
                _LOG.warning("%s: evaluation %d failed. %s", self._books.name, number, text)
            before = self._books.best
            reached = outcomes if isinstance(outcomes, list) and self._budget.cost is not None else []
            self._books.tell(candidates, given, why, seconds, reached)
            self._say(before, candidates, losses)
            told += self._progress(candidates, losses)
        errors += self._report(told)
        if errors:
            raise next((error for error in errors if not isinstance(error, Exception)), errors[0])
        self._check_shape()

    def _say(self, before: Best | None, candidates: list[Candidate], losses: list[Any]) -> None:
        """What is new, to who listens: a better point by INFO, any other evaluation by DEBUG."""
        if not _LOG.isEnabledFor(logging.INFO):
            return
        books, best = self._books, self._books.best
        for candidate, loss in zip(candidates, losses, strict=True):
            new = best is not None and best != before and best.id == candidate.id
            _LOG.log(logging.INFO if new else logging.DEBUG, "%s: evaluation %d, %s %s at %s", books.name,
                     books.n_evaluations, "best so far" if new else "loss", loss, dict(candidate))

    def _given(self, candidates: list[Candidate], outcomes: Any) -> list[Evaluation]:
        """What each candidate's evaluation gave, with losses as the user sees them: a float or a tuple; None if it
        failed."""
        n, known = len(candidates), self._books.shape
        if isinstance(outcomes, Failed):
            return [Evaluation(None)] * n
        if self._vectorized:
            return [Evaluation(loss) for loss in rules.many_losses(self._objective, outcomes, n, known)]
        if self._budget.cost is not None:
            outcomes = [outcome.said for outcome in outcomes]
        given = map(evaluation, outcomes)
        return [replace(each, loss=rules.one_loss(self._objective, candidate, each.loss, known))
                for candidate, each in zip(candidates, given, strict=True)]

    def _check_shape(self) -> None:
        """See that the stopping rules can judge the losses."""
        if any(rule.single for rule in self._stopping):
            rules.single_objective(f"{self._books.name}(target=...)", self._books.shape or ())

    def _progress(self, candidates: list[Candidate], losses: list[Any]) -> list[Progress]:
        """What a callback gets for each of the evaluations told last."""
        if not self._listeners:
            return []
        shape, best, first = self._books.shape, self._books.best, self._books.n_evaluations - len(candidates) + 1
        failed = (np.nan,) * len(shape) if shape else np.nan
        each = enumerate(zip(candidates, losses, strict=True), first)
        found = [Progress(dict(candidate), failed if loss is None else loss, number, best, self._seconds,
                          candidate.fidelity) for number, (candidate, loss) in each]
        if self._budget.cost is not None:
            dropped = tuple(map(unpacked, self._books.handing.dropped))
            found[-1] = found[-1]._replace(cost=self._books.cost, dropped=dropped)
        return found

    def _report(self, told: list[Progress]) -> list[BaseException]:
        """Show, and call back with, each of these evaluations. What one call raises keeps no other one back."""
        errors: list[BaseException] = []
        for progress in told:
            for listener in self._listeners:
                try:
                    answer = self._interrupts.call(listener, progress)
                    self._stopped |= isinstance(answer, (bool, np.bool_)) and bool(answer)
                except Exception as error:
                    errors.append(error)
                except BaseException as error:  # the user is in a hurry
                    return [*errors, error]
        return errors

    def _finish(self, workers: Workers) -> BaseException | None:
        """Take what has ended meanwhile; the error that a callback had with it."""
        if self._books.torn:
            return None
        try:
            self._take([each for each in workers.ended() if not isinstance(each.outcomes, Raised)])
        except BaseException as error:
            return None if isinstance(error, KeyboardInterrupt) else error
        return None

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._started
