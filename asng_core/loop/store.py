"""What a run keeps on disk: a checkpoint, written now and then, and the journal of what has happened since."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import checkpoint
from ..ask_tell.candidate import Candidate
from ..blackbox.minimizer import Minimizer
from ..space.recognition import check_storable
from . import fidelity_rules, rules
from .books import Books
from .evaluation import Evaluation
from .journal import Journal
from .lock import Lock
from .states import States

_SAVE_EVERY = 1.0  # seconds between two checkpoints, or more where saving takes long
_SAVING_SHARE = 0.05  # of the time that saving may take


class Store:
    """Of one run, at `file`, which is locked while the store is entered.

    A checkpoint names the one that the journal at its time continued ("supersedes"): when it takes that one's place and
    the process is killed before a new journal is begun, what the old one says is known to be in it.
    """

    def __init__(self, where: str, file: Path) -> None:
        self._where = f"{where}(checkpoint={str(file)!r})"
        self._file = file.resolve()
        self._journal = Journal(self._file.with_name(f"{self._file.name}.journal"))
        self._lock = Lock(self._where, self._file.with_name(f".{self._file.name}.lock"))
        self._warned: set[tuple[type, int | None]] = set()
        self._saved, self._pause = -np.inf, _SAVE_EVERY  # when saved last, and how long to wait then
        self._unsaved = self._begun = False
        self._troubles: list[str] = []  # to warn of where a warning that is raised does no harm

    def __enter__(self) -> Store:
        self._lock.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # there is a result to return by now
            if self._begun and not self._unsaved:  # then there is nothing in it
                self._journal.remove()
            self._journal.close()
        self._lock.__exit__()

    def resume(self, books: Books) -> None:
        """Go on from the file and its journal, if there are any, and see that both can be written."""
        check_storable(books.optimizer.space)
        events = self._journal.read()
        if self._file.exists():
            self._load(books, events)
        elif events:
            raise checkpoint.CheckpointError(f"{self._where} is not there, but the journal that continues it is: "
                                             f"{str(self._journal.path)!r}. Put the checkpoint back, or delete the "
                                             "journal to begin anew.")
        if books.optimizer.fidelities:
            books.begin(States(self._file.with_name(f"{self._file.name}.states")))
        self._save(books)
        self._begun = True
        books.noted = lambda event: self._attempt("a result could not be noted in the journal", self._note, event)

    def _load(self, books: Books, events: list[dict[str, Any]]) -> None:
        state = checkpoint.read(self._file, Minimizer.FORMAT)
        failed = rules.resumed(self._where, state, noisy=books.optimizer.noisy, maximize=books.sign < 0)
        ours, digest = books.optimizer.state_dict()["settings"].get("fidelities"), checkpoint.digest(self._file)
        if events and digest != self._journal.of != state.get("minimize", {}).get("supersedes"):
            raise checkpoint.CheckpointError(f"{self._where} and {str(self._journal.path)!r} do not belong together: "
                                             "the journal continues another state. Put back the checkpoint it "
                                             "continues, or delete the journal to go on without it.")
        try:
            books.load(state, failed)
        except ValueError as error:
            raise checkpoint.CheckpointError(f"{self._where} cannot be resumed: {error}") from error
        fidelity_rules.same_fidelities(self._where, ours, state["settings"].get("fidelities"))
        if events and self._journal.of == digest:
            try:
                if not replayed(books, events[1:]):
                    books.load(state, failed)
                    self._troubles.append(taken(books, events[1:]))
            except (KeyError, TypeError, ValueError) as error:
                raise checkpoint.CheckpointError(f"{str(self._journal.path)!r} cannot be replayed: {error}") from error
        elif events:
            self._journal.remove()

    def due(self) -> float:
        """In how many seconds there is something to save."""
        return self._saved + self._pause - time.monotonic() if self._unsaved else np.inf

    def save_if_due(self, books: Books) -> None:
        if self.due() <= 0:
            self._attempt("the state could not be saved", self._save, books)
            self._saved = time.monotonic()  # if not, to be tried again after the same pause
        self.warn()

    def warn(self) -> None:
        """Of what went wrong."""
        while self._troubles:
            warnings.warn(self._troubles.pop(0), RuntimeWarning, stacklevel=7)

    def finish(self, books: Books) -> Exception | None:
        """Save for the last time and remove the journal; why that was not possible.

        A torn state is not saved: the file and the journal say all that was told.
        """
        if books.torn:
            return None
        try:
            self._write(books)
            self._journal.remove()
            books.handing.close()
        except Exception as error:  # the result is worth more
            return error
        return None

    def _save(self, books: Books) -> None:
        digest = self._write(books)
        self._journal.start({"of": digest, "n_asked": books.optimizer.n_asked, "n_told": books.optimizer.n_told})

    def _write(self, books: Books) -> str:
        begun = time.monotonic()
        state = books.state()
        state["minimize"]["supersedes"] = self._journal.of
        digest = checkpoint.write(self._file, state)
        self._saved, self._unsaved = time.monotonic(), False
        self._pause = max(_SAVE_EVERY, (self._saved - begun) / _SAVING_SHARE)
        return digest

    def _note(self, event: dict[str, Any]) -> None:
        self._unsaved = True
        self._journal.note(event)

    def _attempt(self, what: str, action: Callable[[Any], None], argument: Any) -> None:
        """What may fail without costing the run a result. Each cause is told once."""
        try:
            action(argument)
        except OSError as error:
            cause = type(error), error.errno
            if cause not in self._warned:
                self._warned.add(cause)
                self._troubles.append(f"{what}: {error}. {self._where}, as it was written last, is kept; the run goes "
                                      "on and tries again.")


def replayed(books: Books, events: list[dict[str, Any]]) -> bool:
    """Ask and tell again what a journal says; False, and all is half done, if the points are not the same.

    Raises ValueError or KeyError for what is no journal of this state.
    """
    waiting = {candidate.id: candidate for candidate in books.again}
    for event in events:
        if "ask" in event:
            new = books.asked(event["ask"], event.get("max_cost"))
            if len(new) != event["got"]:
                return False
            waiting.update((candidate.id, candidate) for candidate in new)
        elif "lose" in event:
            for run in event["lose"]:
                books.optimizer.lose(run)
        else:
            candidates = [waiting.pop(number) for number in event["tell"]]
            if not _same(candidates, event["codes"]):
                return False
            why = {int(number): text for number, text in event["why"].items()}
            books.tell(candidates, _given(event), why, event.get("seconds"))
    books.again = list(waiting.values())
    return True


def taken(books: Books, events: list[dict[str, Any]]) -> str:
    """Take a journal's evaluations as they are; the warning of it."""
    told = [event for event in events if "tell" in event]
    codes = [row for event in told for row in event["codes"]]
    why = [event["why"].get(str(number)) for event in told for number in event["tell"]]
    seconds = [event.get("seconds") for event in told for _ in event["tell"]]
    levels = [level for event in told for level in event.get("fidelities", [None] * len(event["tell"]))]
    books.take(codes, [each for event in told for each in _given(event)], why, seconds, levels)
    return ("the points asked anew are not those that were asked before, as on another kind of processor or with other "
            f"releases: {len(codes)} evaluations of the journal are taken as they are, and the run goes on from them, "
            "otherwise than it would have.")


def _given(event: dict[str, Any]) -> list[Evaluation]:
    n = len(event["losses"])  # journals of 0.1's first weeks have nothing else
    losses = [tuple(loss) if isinstance(loss, list) else loss for loss in event["losses"]]
    return list(map(Evaluation, losses, event.get("violations", [0.0] * n), event.get("attributes", [{}] * n)))


def _same(candidates: list[Candidate], codes: list[list[float]]) -> bool:
    return np.array_equal(np.array([each.codes for each in candidates], dtype=np.float64),
                          np.array(codes, dtype=np.float64), equal_nan=True)
