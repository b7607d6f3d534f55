"""The distribution over architectures as it moves, in a CSV file: what probabilities.png draws."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asng_core import ASNG, MeanStd, Space, checkpoint


class DistributionLog:
    """Appends rows: step, then each probability, or of an ordered variable mean and standard deviation.

    step: the search's; rows of later steps, of an interrupted run, are removed.
    """

    def __init__(self, path: Path, space: Space, step: int = 0) -> None:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        # whole rows up to the checkpoint; the rest is written anew
        kept = [line for line in text.splitlines(keepends=True)[1:]
                if line.endswith("\n") and int(line.split(",")[0]) <= step]
        data = "".join([_line(["step", *_columns(space)]), *kept]).encode()
        checkpoint.atomically(path, lambda file: file.write(data))
        self._file = path.open("a", encoding="utf-8", newline="")

    def write(self, step: int, optimizer: ASNG) -> None:
        """One row, in the file at once."""
        # six digits: for pictures, not to resume from
        numbers = [f"{number:.6g}" for marginal in optimizer.distribution().values() for number in marginal]
        self._file.write(_line([str(step), *numbers]))
        self._file.flush()

    def close(self) -> None:
        """No more rows."""
        self._file.close()


def read(path: Path, space: Space) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """`(t,)` steps, and for each variable its `(t, K)` probabilities or `(t, 2)` mean and standard deviation."""
    table = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2, quotechar='"')
    widths = [2 if variable.ordered else variable.size for variable in space.variables.values()]
    parts = np.split(table[:, 1:], np.cumsum(widths)[:-1], axis=1)
    return table[:, 0], dict(zip(space.names, parts, strict=True))


def read_table(path: Path) -> tuple[NDArray[np.float64], dict[str, dict[str, NDArray[np.float64]]],
                                    dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]]:
    """Without the space: `(t,)` steps; variable -> value, as text, -> `(t,)` probabilities; ordered variable -> `(t,)`
    means and standard deviations."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    table = np.array([row for row in rows if len(row) == len(header)], dtype=np.float64).reshape(-1, len(header))
    categorical: dict[str, dict[str, NDArray[np.float64]]] = {}
    ordered: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for i, title in enumerate(header[1:], 1):
        name, is_value, value = title.partition(" = ")
        if is_value:
            categorical.setdefault(name, {})[value] = table[:, i]
        elif title.endswith(f" {MeanStd._fields[0]}"):
            ordered[title.rpartition(" ")[0]] = table[:, i], table[:, i + 1]
    return table[:, 0], categorical, ordered


def _columns(space: Space) -> list[str]:
    return [f"{name} {part}" for name, variable in space.variables.items()
            for part in (MeanStd._fields if variable.ordered else
                         [f"= {variable.decode(code)}" for code in range(variable.size)])]


def _line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
