"""Steps without a finite loss: a few happen in any search, many in a row only when it is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable

from . import distributed

_LOG = logging.getLogger("asng_torch")
MAX_FAILURES = 20  # in a row


class Failures:
    """The steps in a row that had no finite loss, up to now."""

    def __init__(self) -> None:
        self.in_a_row = 0

    def count(self, failed: bool, here: Callable[[], bool], step: int) -> None:
        """The outcome of a step. Raises RuntimeError, on all processes, if it is one failure too many.

        failed: alike on all processes; here: whether the losses of this one alone were not finite.
        """
        self.in_a_row = self.in_a_row + 1 if failed else 0
        if failed:
            _LOG.warning("step %d had no finite training loss or no finite validation loss, %d in a row", step,
                         self.in_a_row)
        if self.in_a_row < MAX_FAILURES:
            return
        where = [str(number) for number, there in enumerate(distributed.gathered(here())) if there]
        on = f" on process {', '.join(where)}" if where and distributed.world_size() > 1 else ""
        raise RuntimeError(f"{MAX_FAILURES} steps in a row, up to step {step}, had no finite training loss or no "
                           f"finite validation loss{on}. Lower the learning rate, set Search(clip=...), or look for "
                           "non-finite inputs.")
