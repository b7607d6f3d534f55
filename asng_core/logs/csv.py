"""A row for each evaluation, in a file that spreadsheets and pandas read, and `known=` of the next run."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import TextIO

from .. import checkpoint, checks
from ..loop.run import Progress
from ..space.space import Space
from .log import Log, losses


class CsvLog(Log):
    """Appends `evaluation, seconds, <variables>, loss` to a file; cells of inactive variables are empty.

    >>> import os, tempfile
    >>> from asng_core import Integer, Space, minimize
    >>> space, path = Space({"n": Integer(0, 9)}), os.path.join(tempfile.mkdtemp(), "run.csv")
    >>> with CsvLog(path, space) as log:
    ...     result = minimize(lambda v: v["n"], space, budget=3, seed=0, callback=log)
    >>> with open(path) as file:
    ...     len(file.readlines())
    4

    Rows of a run that goes on from a checkpoint continue those that are there; others from that evaluation on, of a run
    that was cut off, are removed. Raises ValueError for a file with other columns.
    """

    def __init__(self, path: str | os.PathLike[str], space: Space) -> None:
        self._path, self._names = Path(checks.path("CsvLog(path)", path)), space.names
        self._file: TextIO | None = None  # open from the first evaluation on, which says how many losses there are

    def __call__(self, progress: Progress) -> None:
        given = losses(progress)
        if self._file is None:
            self._file = self._opened(["evaluation", "seconds", *self._names, *given], progress.n_evaluations)
        values = progress.values
        self._file.write(_line([progress.n_evaluations, f"{progress.seconds:.3f}",
                                *(values.get(name, "") for name in self._names), *given.values()]))
        self._file.flush()

    def _opened(self, columns: list[str], first: int) -> TextIO:
        """The file, with the rows of evaluations before the first to come."""
        kept: list[list[str]] = []
        if self._path.exists():
            with self._path.open(encoding="utf-8", newline="") as file:
                header, *rows = [*csv.reader(file)] or [columns]
            if header != columns:
                raise ValueError(f"CsvLog(path) must be a new file or one with the columns of this run, but "
                                 f"{str(self._path)!r} has {checks.shown(header)}. Name another.")
            kept = [row for row in rows if len(row) == len(columns) and row[0].isdecimal() and int(row[0]) < first]
        data = "".join(map(_line, [columns, *kept])).encode()
        checkpoint.atomically(self._path, lambda file: file.write(data))
        return self._path.open("a", encoding="utf-8", newline="")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _line(cells: list[object] | list[str]) -> str:
    line = io.StringIO()  # written whole, so that at most the last row can be cut off
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
