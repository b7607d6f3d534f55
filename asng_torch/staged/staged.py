"""The staged search: cheap evidence on many architectures first, then short trainings, and full ones last."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from asng_core import ASNG, Candidate, checks
from asng_core.blackbox.under_noise import Estimate
from asng_core.loop.lock import Lock

from .. import checkpoint
from ..search.budget import CostFunction, CostName, budgets
from ..search.search import Search
from ..supernet.architecture import Architecture
from ..supernet.supernet import Supernet
from . import rules
from .goal import COST, SHARED, Goal
from .jobs import Job, Trained, run_name
from .judging import Losses, on_validation
from .trainer import state_of, weights_of

FORMAT, VERSION = "asng_torch.Staged", 1
Train = Callable[[Architecture, int, int, Path], float]


class Staged:
    """Spends a budget of real trainings where shared weights cannot tell, as an iterable of what was trained.

        staged = Staged(supernet, optimizer, losses, Trainer(...), trainings=8, epochs=[3, 30], folder="runs/staged")
        for trained in staged:
            ...
        network.load_state_dict(safetensors.torch.load_file(staged.best.weights))

    Before the first training `judged` architectures get their loss under the shared weights and their multiply-adds.
    One model (`Minimizer(fidelities=...)`) holds all of it and what trainings tell, learns how far, and with which
    sign, each cheap kind of evidence goes with the loss of a full training, and decides what is trained next, for how
    long, and which run goes on. The last training is of what it would derive, if that is not trained yet.

    supernet: with weights that have been trained. optimizer, cost, limit: as for `Search`; several limits share the
        trainings, and give a `front()`.
    losses: architectures -> `(n,)` losses under the shared weights, all on the same data.
    train: (architecture, epochs, seed, path) -> validation loss, NaN for a failure; a run goes on from the state at
        `path`, if there is one, and leaves its own there: a `Trainer`, or your own.
    trainings: the budget, in full trainings. epochs: of short ones and, last, of a full one.
    folder: of networks, and of the state after each training: `resume=True` goes on with it, without an executor bit
        for bit. Trainings that were under way begin where their run last left a state.
    executor: of `concurrent.futures` or the like, which runs `n_workers` trainings at a time; None for this thread.

    An error in `train` ends the iteration; resumed, that training is repeated. RuntimeError if the folder is in use.
    """

    def __init__(self, supernet: Supernet, optimizer: ASNG | Sequence[ASNG], losses: Losses, train: Train, *,
                 trainings: float, epochs: Sequence[int], folder: str | os.PathLike[str], judged: int = 256,
                 cost: CostName | CostFunction | None = None, limit: float | Sequence[float] | None = None,
                 seed: int = 0, executor: Executor | None = None, n_workers: int = 1, resume: bool = False) -> None:
        rules.function("Staged(train)", train)
        self.epochs, made = rules.epochs(epochs), budgets(supernet, optimizer, cost, limit)
        self.trainings = rules.trainings(trainings, len(made))
        self.n_judged = checks.integer("Staged(judged=...)", judged, minimum=len(made))
        self.seed = checks.integer("Staged(seed=...)", seed, minimum=0)
        self.n_workers = checks.integer("Staged(n_workers=...)", n_workers, minimum=1)
        self.supernet, self.losses, self.train, self.folder = supernet, losses, train, Path(folder)
        self.executor = rules.executor(executor, self.n_workers)
        self.goals = [Goal(budget, supernet.space, self.epochs, self.seed + i) for i, budget in enumerate(made)]
        self.trained: list[Trained] = []  # in the order in which trainings ended; of a run that went on the last counts
        self._spent, self._flight = [0.0] * len(made), dict[Future[float], Job]()
        if not checks.truth("Staged(resume=...)", resume):
            rules.new(self.path)
            rules.function("Staged(losses)", losses)
            self._judge()
        else:
            self._load(checkpoint.read(self.path, FORMAT))

    @classmethod
    def after(cls, search: Search, train: Train, *, batches: int = 8, **arguments: Any) -> Staged:
        """Of the search's supernet, distributions and limits; the shared weights judge on so many validation batches.

        arguments: those of `Staged` that a search does not say.
        """
        budget, limits = search.budgets[0], dict[str, Any]()
        if budget.cost is not None:
            limits = {"cost": budget.cost, "limit": [each.limit for each in search.budgets]}
        return cls(search.judged, [each.optimizer for each in search.budgets], on_validation(search, batches), train,
                   **limits, **arguments)

    @property
    def path(self) -> Path:
        """Of the state."""
        return self.folder / "staged.safetensors"

    def recommend(self) -> dict[str, Any]:
        """The architecture that it would derive now, within the (first) limit, trained or not."""
        return self.goals[0].minimizer.recommend()

    def estimate(self) -> Estimate | None:
        """What that one is believed to reach in a full training, and how sure that is; None before there was one."""
        return self.goals[0].estimate()

    def trust(self) -> dict[Any, float]:
        """How far the losses of each kind are believed to go with those of full trainings: correlations."""
        return self.goals[0].minimizer.trust()

    @property
    def best(self) -> Trained | None:
        """The fully trained network of the least validation loss within the (first) limit; None before there is one."""
        return self.front()[0]

    def front(self) -> list[Trained | None]:
        """The same for each limit."""
        full = [each for each in self.trained if each.epochs == self.epochs[-1] and np.isfinite(each.loss)]
        return [min((each for each in full if goal.space.feasible(each.architecture)), key=lambda each: each.loss,
                    default=None) for goal in self.goals]

    @property
    def spent(self) -> float:
        """Trainings so far, in full ones."""
        return sum(self._spent) / self.epochs[-1]

    # evidence and trainings

    def _judge(self) -> None:
        """What costs no training."""
        found = {str(self.supernet.space.encode(each)): each for goal in self.goals
                 for each in goal.candidates(self.n_judged // len(self.goals))}
        architectures = list(found.values())
        losses = np.asarray(self.losses(architectures), dtype=np.float64)
        if losses.shape != (len(architectures),):
            raise ValueError(f"Staged(losses) must give one for each of {len(architectures)}, got {losses.shape}.")
        for architecture, loss in zip(architectures, losses.tolist(), strict=True):
            known = {COST: self.supernet.cost(architecture).multiply_adds, SHARED: loss}
            for goal in self.goals:
                goal.learn(architecture, known)

    def __iter__(self) -> Iterator[Trained]:
        with Lock("Staged(folder)", self.folder / "staged.lock"):
            for i, goal in enumerate(self.goals):  # of a resumed one, what was under way
                for candidate in goal.minimizer.pending:
                    self._submit(self._asked(i, candidate))
            self._save()
            try:
                while self._fill():
                    done, _ = wait(self._flight, return_when=FIRST_COMPLETED)
                    for future in sorted(done, key=lambda each: self._flight[each].run):
                        job = self._flight.pop(future)
                        trained = self._take(job, rules.loss(future.result(), job.architecture))
                        self._save()
                        self._forget_states()
                        yield trained
            finally:
                while self._flight:
                    self._flight.popitem()[0].cancel()

    def _fill(self) -> bool:
        """Let as many trainings as may be under way; whether there are any."""
        while len(self._flight) < self.n_workers and (job := self._next()) is not None:
            self._submit(job)
        return bool(self._flight)

    def _submit(self, job: Job) -> None:
        state = state_of(self.folder, job.run)
        self._flight[self.executor.submit(self.train, job.architecture, job.epochs, job.seed(self.seed), state)] = job

    def _next(self) -> Job | None:
        """Of the goal that has spent least, if it has anything to train; None where all wait or are done."""
        full, under_way, front = self.epochs[-1], list(self._flight.values()), self.front()
        charged = [self._spent[i] + sum(job.cost for job in under_way if job.goal == i) for i in range(len(front))]
        for i in np.argsort(charged, kind="stable").tolist():
            others = full * sum(best is None for j, best in enumerate(front) if j != i)  # who need a full one yet
            minimizer, left = self.goals[i].minimizer, self.trainings * full - sum(charged) - others
            if (asked := self.goals[i].ask(left - full)) is not None:  # a full one is left for the end
                return self._asked(i, asked)
            if any(job.goal == i for job in under_way):
                continue  # how it ends is decided when all is known
            derived = minimizer.recommend()
            if left >= full and derived not in [each.architecture for each in self.trained if each.epochs == full]:
                return Job(i, derived, full)
            before = minimizer.state_dict()
            if (asked := self.goals[i].ask(left)) is not None:
                job = replace(self._asked(i, asked), epochs=full)  # no time is left for a short one
                if job.cost <= left:
                    return job
                minimizer.load_state_dict(before)  # as if it had not been asked
        return None

    def _asked(self, goal: int, candidate: Candidate) -> Job:
        reached = candidate.reached or 0
        job = Job(goal, dict(candidate), candidate.fidelity, reached, candidate)
        if reached and not state_of(self.folder, job.run).exists():
            self.goals[goal].minimizer.lose(int(candidate.run or 0))
            job = replace(job, reached=0)
        return job

    def _take(self, job: Job, loss: float) -> Trained:
        """What a training has told, for all goals within whose limit it is."""
        minimizer = self.goals[job.goal].minimizer
        if job.candidate is None:
            minimizer.inject(job.architecture, loss)
        elif job.epochs == job.candidate.fidelity:
            minimizer.tell(job.candidate, loss)
        else:  # beyond what was asked
            minimizer.report(job.candidate, job.epochs, loss)
        self._spent[job.goal] += job.cost
        for i, other in enumerate(self.goals):
            if i != job.goal:
                other.learn(job.architecture, {job.epochs: loss})
        trained = Trained(job.architecture, job.epochs, loss, weights_of(state_of(self.folder, job.run)))
        self.trained = [each for each in self.trained if each.weights != trained.weights] + [trained]
        return trained

    def _forget_states(self) -> None:
        """Those that no run will go on from; once that is saved, or an interrupted one would train them again."""
        for i, goal in enumerate(self.goals):
            kept = {state_of(self.folder, run_name(i, run)) for run in
                    {*goal.minimizer.continuable, *(each.run for each in goal.minimizer.pending)}}
            for path in self.folder.glob(f"network-{i}-*.state.safetensors"):
                if path not in kept:
                    path.unlink()

    # state

    def _settings(self) -> dict[str, Any]:
        """What an interrupted one cannot be gone on without; `trainings` may be more by then."""
        return {"epochs": self.epochs, "seed": self.seed, "limits": [goal.budget.limit for goal in self.goals]}

    def _save(self) -> None:
        checkpoint.write(self.path, {
            "format": FORMAT, "version": VERSION, "settings": self._settings(), "spent": self._spent,
            "budgets": [goal.budget.state() for goal in self.goals],
            "minimizers": [goal.minimizer.state_dict() for goal in self.goals],
            "trained": [{"codes": self.supernet.space.encode(each.architecture).tolist(), "epochs": each.epochs,
                         "loss": each.loss, "weights": each.weights.name} for each in self.trained]})

    def _load(self, state: dict[str, Any]) -> None:
        try:
            rules.same({"version": VERSION, **self._settings()}, {"version": state["version"], **state["settings"]})
            for goal, budget, minimizer in zip(self.goals, state["budgets"], state["minimizers"], strict=True):
                goal.budget.load(budget)  # first: measured costs, by which its space knows its limit
                goal.minimizer.load_state_dict(minimizer)
            self._spent = [float(each) for each in state["spent"]]
            self.trained = [Trained(self.supernet.space.decode(each["codes"]), each["epochs"], each["loss"],
                                    self.folder / each["weights"]) for each in state["trained"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{str(self.path)!r} must hold the state of the same staged search: {error}") from error
