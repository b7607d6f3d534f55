"""A search's records, and their way into a CSV file or TensorBoard, with nothing twice after a resume."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asng_core import Candidate, checkpoint, checks
from asng_core.logs.log import plain
from asng_core.logs.mlflow import MLflowRun

_COLUMNS = ("step", "train_loss", "valid_loss", "learning_rate", "entropy", "step_size", "cost")


@dataclass(frozen=True)
class SearchRecord:
    """What one step saw, and where it left the distribution.

    >>> record = SearchRecord(3, 0.9, np.array([0.8, 1.2]), [], np.empty(0), 0.1, 0.7, 1.0)
    >>> record.step, float(record.valid_losses.mean())
    (3, 1.0)

    step: its number, from 1; train_loss: the mean over architectures.
    architectures: those validated, none during the warm-up, with `(n,)` valid_losses and, if there is a limit,
        `(n,)` costs, else `(0,)`.
    learning_rate: that of the weights' first group in this step; entropy, step_size: of the distribution after it.
    """

    step: int
    train_loss: float
    valid_losses: NDArray[np.float64]
    architectures: Sequence[Candidate]
    costs: NDArray[np.float64]
    learning_rate: float
    entropy: float
    step_size: float


def scalars(record: SearchRecord) -> dict[str, float]:
    """What there is to plot of a record; losses and costs as means over the architectures."""
    values = {"train_loss": record.train_loss, "learning_rate": record.learning_rate, "entropy": record.entropy,
              "step_size": record.step_size}
    for name, several in (("valid_loss", record.valid_losses), ("cost", record.costs)):
        if len(several):
            values[name] = float(np.mean(several))
    return values


class CsvLog:
    """Appends a row for each record to a CSV file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with CsvLog(f"{folder}/search.csv") as log:  # CsvLog(path, search.step) of a search that was resumed
    ...         log.write(SearchRecord(1, 0.9, np.array([0.8, 1.2]), [], np.empty(0), 0.1, 0.7, 1.0))
    ...     print(Path(f"{folder}/search.csv").read_text().splitlines()[1])
    1,0.9,1.0,0.1,0.7,1.0,

    step: the search's; rows of later steps, of an interrupted run, are removed. So write a record before you save the
    search. Empty cells are what a step has not: validation during the warm-up, a cost without a limit.
    """

    def __init__(self, path: str | os.PathLike[str], step: int = 0) -> None:
        self.path, step = Path(path), checks.integer("CsvLog(step)", step, minimum=0)
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        header, *rows = text.splitlines() or [",".join(_COLUMNS)]
        if header != ",".join(_COLUMNS):
            raise ValueError(f"CsvLog(path) must be a new file or one that CsvLog wrote, but {str(path)!r} begins "
                             f"with {header[:80]!r}. Name another.")
        # whole rows only, as the last may be cut off, and none from after the checkpoint that the search goes on from
        kept = [row for row in rows if row.count(",") == len(_COLUMNS) - 1 and int(row.split(",")[0]) <= step]
        data = "".join(f"{line}\n" for line in (header, *kept)).encode()
        checkpoint.atomically(self.path, lambda file: file.write(data))
        self._file = self.path.open("a", encoding="utf-8", newline="")

    def write(self, record: SearchRecord) -> None:
        """One row, in the file at once."""
        line = io.StringIO()  # written whole, so that at most the last row can be cut off
        csv.DictWriter(line, _COLUMNS, lineterminator="\n").writerow({"step": record.step, **scalars(record)})
        self._file.write(line.getvalue())
        self._file.flush()

    def close(self) -> None:
        """No more records."""
        self._file.close()

    def __enter__(self) -> CsvLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class TensorBoardLog:
    """Writes each record to a TensorBoard folder, under `search/`; used as a CsvLog is.

    step: the search's; TensorBoard hides what an interrupted run wrote of later steps. settings: name -> value, shown
    under HParams with the last record, to compare searches by. Needs the extra asng[tensorboard].
    """

    def __init__(self, folder: str | os.PathLike[str], step: int = 0, *,
                 settings: Mapping[str, Any] | None = None) -> None:
        step = checks.integer("TensorBoardLog(step)", step, minimum=0)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ImportError("TensorBoardLog needs tensorboard, which is not installed: "
                              "pip install 'asng[tensorboard]'.") from error
        self._writer = SummaryWriter(os.fspath(folder), purge_step=step + 1)
        self._settings, self._last = dict(settings or {}), dict[str, float]()

    def write(self, record: SearchRecord) -> None:
        """One point for each curve."""
        self._last = scalars(record)
        for name, value in self._last.items():
            self._writer.add_scalar(f"search/{name}", value, record.step)

    def close(self) -> None:
        """No more records."""
        if self._settings and self._last:
            self._writer.add_hparams({name: plain(value) for name, value in self._settings.items()},
                                     {f"last/{name}": value for name, value in self._last.items()}, run_name=".")
        self._writer.close()

    def __enter__(self) -> TensorBoardLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class MLflowLog:
    """Writes each record to a run of MLflow, under `search/`; used as a CsvLog is.

    experiment, name, tracking_uri: as for MLflow itself. settings: name -> value, the run's parameters. Needs the extra
    asng[mlflow].
    """

    def __init__(self, experiment: str, *, name: str | None = None, tracking_uri: str | None = None,
                 settings: Mapping[str, Any] | None = None) -> None:
        self._run = MLflowRun(experiment, name, tracking_uri, settings)

    def write(self, record: SearchRecord) -> None:
        """One point for each curve."""
        self._run.write({f"search/{name}": value for name, value in scalars(record).items()}, record.step)

    def close(self) -> None:
        """No more records."""
        self._run.close()

    def __enter__(self) -> MLflowLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._run.close(failed=error is not None)
