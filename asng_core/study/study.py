"""A study in a database: ask and tell by many workers, under leases."""

from __future__ import annotations

import copy
import math
import os
import secrets
import socket
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import checks
from ..ask_tell import rules as told_rules
from ..ask_tell.candidate import Candidate
from ..blackbox.memo import SpaceExhausted
from ..blackbox.minimizer import Minimizer
from ..loop import rules as loop_rules
from ..loop.evaluation import Evaluation, evaluation
from ..loop.result import Result
from ..loop.workers import caught
from ..space.recognition import check_storable
from ..space.space import Space
from . import rules
from .leases import Held, Renewal
from .replica import Replica
from .tables import Changing, Database


class Study:
    """A search by `Minimizer` that any number of processes take part in, each with a Study of its own.

    url: where the study is kept, as SQLAlchemy has it: "sqlite:///runs.db" for the processes of one machine;
        "postgresql+psycopg://user:password@host/database" for several. SQLite files must not lie on network file
        systems, whose locks cannot be relied on.
    space: needed by whoever begins the study, and by the others if it has constraints, or values that JSON cannot hold.
    name: one database holds any number of studies.
    seed, noisy: as for `Minimizer`, of whoever begins the study.
    worker: what this process is called, by default a new name each time. One that returns under its name (of a job that
        is begun again, say) is asked to evaluate first what it had open; no two at a time may have one name.
    lease: seconds after which a candidate is free for others when its worker has died: while the worker lives, a thread
        of its own says so. Must be longer than the objective may keep Python from switching threads.

    Every evaluation is stored once, in the order in which it came, and the optimizer is what follows from that order:
    to the bit the same in every process, on one kind of processor with one release. Where it is not, what others asked
    is taken as it is, and the logger "asng_core" says so.

    Raises TypeError or ValueError for bad arguments, a study that is not there and a space that is another's; whatever
    the database raises comes through. Not thread-safe, and not to be taken along by a fork.
    """

    def __init__(self, url: str, space: Space | None = None, *, name: str = "study", seed: int | None = None,
                 noisy: bool | None = None, worker: str | None = None, lease: float = 60.0) -> None:
        if not isinstance(url, str):
            raise TypeError(f"Study(url) must be a database's URL, got {checks.shown(url)}. Write 'sqlite:///runs.db'.")
        if space is not None:
            check_storable(loop_rules.space("Study(space)", space))
        self._name = rules.name("Study(name=...)", name)
        seed = secrets.randbits(128) if seed is None else checks.integer("Study(seed=...)", seed, minimum=0)
        noisy = None if noisy is None else checks.truth("Study(noisy=...)", noisy)
        own = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.worker = own if worker is None else rules.name("Study(worker=...)", worker)
        self._lease = checks.real("Study(lease=...)", lease, above=0)
        self._process = os.getpid()
        self._database = Database(url)
        self._database.create(self._name, None if space is None else space.describe(),
                              {"seed": seed, "noisy": bool(noisy)})
        self.space, self._settings = rules.joined(self._name, self._database.study(self._name), space, noisy)
        self._replica = Replica(self.space, self._settings)
        self._begun: dict[int, float] = {}  # what this object was asked to evaluate -> since when
        self._renewal = Renewal(Held(self._database, self._name, self.worker, self._lease, self._begun))
        self._finalizer = weakref.finalize(self, _end, self._renewal, self._database)

    # ask

    def ask(self) -> Candidate:
        """A candidate to evaluate: first what this worker had open when it left, then what others had who died, then a
        new one. Raises SpaceExhausted if there is no new point."""
        return self._asked(math.inf)

    def _asked(self, budget: float) -> Candidate:
        """Raises _Used if so many were asked."""
        with self._changing() as study:
            number = self._left(study)
            if number is not None:
                candidate = self._replica.open[number]
            elif self._replica.optimizer.n_asked >= budget:
                raise _Used
            else:
                candidate = self._replica.ask()
                number = self._replica.optimizer.n_asked - 1
                study.append(len(self._replica) - 1, self._replica.newest)
                study.open(number, self.worker, self._lease)
        self._begun[number] = time.monotonic()
        self._renewal.start()
        return candidate

    def _left(self, study: Changing) -> int | None:
        """The id of an open candidate that nobody evaluates, from now on leased to this worker."""
        leases, now = study.leases(), study.now()
        own = [each for each in leases if each.worker == self.worker and each.id not in self._begun]
        for lease in [*own, *(each for each in leases if each.until < now and each.worker != self.worker)]:
            study.lease(lease.id, self.worker, self._lease, of=lease.worker)
            return lease.id
        return None

    # tell

    def tell(self, candidate: Candidate | int, loss: Any, violation: Any = 0.0, *,
             attributes: Mapping[str, Any] | None = None, error: str | None = None) -> bool:
        """Store the result of a candidate, or of its id: from another process too.

        loss, violation: as for `Minimizer.tell`. attributes: as for `Evaluation`. error: why it failed.
        Returns whether it was stored: False if another worker, to whom the candidate went when this one was silent for
        too long, was faster. Raises TypeError or ValueError, with nothing changed, for what is no result or was never
        asked.
        """
        number = rules.candidate_id(candidate)
        given = Evaluation(loss, violation, attributes or {})
        event = {"tell": number, "loss": rules.stored(told_rules.objectives([given.loss], 1, None)[0]),
                 "violation": given.violation, "worker": self.worker, "attributes": given.attributes}
        if number in self._begun:
            event["seconds"] = time.monotonic() - self._begun[number]
        if error is not None:
            event["error"] = str(error)
        with self._changing() as study:
            asked = self._replica.open.get(number)
            if asked is None and number >= self._replica.optimizer.n_asked:
                raise ValueError(f"tell(candidate) takes candidates of the study {self._name!r}, which never asked "
                                 f"candidate {number}.")
            if asked is not None and isinstance(candidate, Candidate) and dict(asked) != dict(candidate):
                raise ValueError(f"tell(candidate): candidate {number} of the study {self._name!r} is {dict(asked)}, "
                                 f"got {dict(candidate)}, which is another study's.")
            stored = study.end(number)
            if stored:
                self._replica.take(event)
                study.append(len(self._replica) - 1, event)
        self._begun.pop(number, None)
        return stored

    def inject(self, values: Mapping[str, Any], loss: Any, *, violation: Any = 0.0) -> None:
        """Store a result that nobody asked for, as `Minimizer.inject` takes it."""
        given = Evaluation(loss, violation)
        event = {"inject": self.space.encode(values).tolist(), "violation": given.violation,
                 "loss": rules.stored(told_rules.objectives([given.loss], 1, None)[0])}
        with self._changing() as study:
            self._replica.take(event)
            study.append(len(self._replica) - 1, event)

    def release(self, candidate: Candidate | int) -> None:
        """Free an open candidate of this worker at once: another one will evaluate it."""
        self._renewal.free(rules.candidate_id(candidate))

    # the loop

    def minimize(self, objective: Callable[[dict[str, Any]], Any], *, budget: int,
                 catch: type[Exception] | tuple[type[Exception], ...] = ()) -> Result:
        """Evaluate until the study has asked `budget` points, those of all workers counted, and return its result.
        objective, catch: as for `asng_core.minimize`. What others still evaluate is not waited for. An exception that
        is not caught, Ctrl-C included, frees the candidate for others and comes through.
        """
        loop_rules.function("Study.minimize(objective)", objective)
        budget = loop_rules.budget("Study.minimize(budget=...)", budget)
        catch = loop_rules.failures("Study.minimize(catch=...)", catch)
        while True:
            try:
                candidate = self._asked(budget)
            except _Used:
                return self._result(f"budget of {budget} evaluation{'s' * (budget > 1)} used")
            except SpaceExhausted as exhausted:
                return self._result(str(exhausted))
            try:
                given = evaluation(objective(dict(candidate)))
                loss = loop_rules.one_loss(objective, candidate, given.loss, self._replica.optimizer.history.shape)
            except catch as error:
                self.tell(candidate, np.nan, error=caught(error).why)
            except BaseException:
                self.release(candidate)
                raise
            else:
                self.tell(candidate, np.nan if loss is None else loss, given.violation, attributes=given.attributes)

    # what is known

    def result(self) -> Result:
        """What the study has found, as `asng_core.minimize` returns it."""
        return self._result("the study goes on")

    def optimizer(self) -> Minimizer:
        """A Minimizer of one's own at the study's state."""
        self._follow()
        return copy.deepcopy(self._replica.optimizer)

    def _result(self, reason: str) -> Result:
        self._follow()
        seed, noisy = self._settings["seed"], ", noisy=True" * self._settings["noisy"]
        return self._replica.result(reason, f"Study({self._database.shown!r}, space, name={self._name!r}, seed={seed}"
                                            f"{noisy}).minimize(objective, budget={self._replica.optimizer.n_asked})")

    def close(self) -> None:
        """Free what is open here for others at once, and close the connections."""
        for number in list(self._begun):
            self.release(number)
        self._finalizer()

    def __enter__(self) -> Study:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _follow(self) -> None:
        if os.getpid() != self._process:
            raise RuntimeError("a Study cannot be used in a process that was forked from the one that made it. Make "
                               "one in each process.")
        self._replica.follow(self._database.since(self._name, len(self._replica)))

    @contextmanager
    def _changing(self) -> Iterator[Changing]:
        """A transaction at whose beginning the optimizer is abreast of all events."""
        try:
            self._follow()  # before it, as others wait for its end
            with self._database.changing(self._name) as study:
                self._replica.follow(study.since(len(self._replica)))
                yield study
        except (SpaceExhausted, _Used):  # with nothing changed
            raise
        except BaseException:  # it may be ahead of what is stored, or half way: to be made anew
            self._replica = Replica(self.space, self._settings)
            raise


class _Used(Exception):
    """The budget."""


def _end(renewal: Renewal, database: Database) -> None:
    renewal.stop()
    database.close()
