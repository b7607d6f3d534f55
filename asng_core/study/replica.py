"""The optimizer of a study, made anew from its events."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..arrays import Codes
from ..ask_tell.candidate import Candidate
from ..blackbox.memo import SpaceExhausted
from ..blackbox.minimizer import Minimizer
from ..loop.result import Result, averaged
from ..space.space import Space

_LOG = logging.getLogger("asng_core")
_Event = Mapping[str, Any]


class Replica:
    """`optimizer` is where every other one is that has followed the same events.

        {"ask": codes}                                         one candidate, whose id is the number asked before it
        {"tell": id, "loss": ..., "violation": ..., ...}       its result; what else is there stands in `told`
        {"inject": codes, "loss": ..., "violation": ...}

    An optimizer that has been asked and told the same asks the same, to the bit. On another kind of processor or by
    another release it may not: then, from the first difference on, what others asked is asked here as points that were
    given, which the model of the results knows as well, but from which the distribution does not learn.
    """

    def __init__(self, space: Space, settings: Mapping[str, Any]) -> None:
        self._space, self._settings = space, settings
        self._events: list[_Event] = []
        self._same = True  # whether it asks what the events say
        self._begin()

    def _begin(self) -> None:
        self.optimizer = Minimizer(self._space, seed=self._settings["seed"], noisy=self._settings["noisy"])
        self.open: dict[int, Candidate] = {}
        self.told: dict[int, _Event] = {}  # by id, in the order told

    def __len__(self) -> int:
        return len(self._events)

    def follow(self, events: Iterable[_Event]) -> None:
        """Take what has happened since."""
        for event in events:
            if not self._takes(event):
                _LOG.warning("the points of a shared study are not those that this process would ask, as on another "
                             "kind of processor or with other releases: it goes on from them as they are.")
                self._same = False
                self._begin()
                for each in [*self._events, event]:
                    self._takes(each)
            self._events.append(event)

    def ask(self) -> Candidate:
        """A new candidate. Raises SpaceExhausted, with nothing changed."""
        candidate = self.optimizer.ask()
        self._opened(candidate)
        self._events.append({"ask": candidate.codes.tolist()})
        return candidate

    def take(self, event: _Event) -> None:
        """A result of ours. Raises TypeError or ValueError, with nothing changed, for what is none."""
        self._takes(event)
        self._events.append(event)

    def result(self, reason: str, call: str) -> Result:
        """What was found so far; it changes no more."""
        optimizer, told = copy.deepcopy(self.optimizer), self.told
        best = None if optimizer.history.losses.ndim > 1 else optimizer.best
        if best is not None and optimizer.noisy:
            best = averaged(optimizer, optimizer.history)
        return Result(best, optimizer.front, optimizer.history, optimizer.n_told, optimizer.n_failed, reason, call=call,
                      errors={number: each["error"] for number, each in told.items() if "error" in each},
                      seconds={number: each["seconds"] for number, each in told.items() if "seconds" in each},
                      attributes={number: each["attributes"] for number, each in told.items() if each["attributes"]})

    @property
    def newest(self) -> _Event:
        return self._events[-1]

    def _takes(self, event: _Event) -> bool:
        """Take what an event says; False, and all is half done, if what it says was asked is not what is asked here."""
        if "ask" in event:
            return self._asks(self._codes(event["ask"]))
        loss = event["loss"]
        losses = [_number(each) for each in loss] if isinstance(loss, list) else _number(loss)
        if "tell" in event:
            self.optimizer.tell(self.open[event["tell"]], losses, event["violation"])
            del self.open[event["tell"]]
            self.told[event["tell"]] = event
        else:
            values = self._space.values(self._codes(event["inject"])[None])[0]
            self.optimizer.inject(values, losses, violation=event["violation"])
        return True

    def _asks(self, codes: Codes) -> bool:
        if not self._same:
            self._opened(self.optimizer.ask(fixed=self._space.values(codes[None])[0]))
            return True
        try:
            candidate = self.optimizer.ask()
        except SpaceExhausted:
            return False
        self._opened(candidate)
        return np.array_equal(candidate.codes, codes, equal_nan=bool(self._space.continuous.any()))

    def _opened(self, candidate: Candidate) -> None:
        self.open[self.optimizer.n_asked - 1] = candidate

    def _codes(self, listed: list[float]) -> Codes:
        codes: Codes = np.array(listed, dtype=np.float64).astype(self._space.dtype)
        return codes


def _number(loss: float | None) -> float:
    return math.nan if loss is None else loss
