"""Curves of a run, and each evaluation as a row of TensorBoard's HParams."""

from __future__ import annotations

import os
import time
from typing import Any

from .. import checks
from ..loop.run import Progress
from .log import Log, losses, numbers, plain


class TensorBoardLog(Log):
    """Writes `loss` and `best` over evaluations to a folder, and each evaluation to one in it, as HParams wants it.

    hparams: whether to write the latter: a small file for each. Needs the extra asng[tensorboard]; without PyTorch.
    """

    def __init__(self, folder: str | os.PathLike[str], *, hparams: bool = True) -> None:
        try:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError as error:
            raise ImportError("TensorBoardLog needs tensorboard. Run: pip install 'asng[tensorboard]'") from error
        self._folder = checks.path("TensorBoardLog(folder)", folder)
        self._hparams = checks.truth("TensorBoardLog(hparams=...)", hparams)
        self._writer_of: Any = EventFileWriter
        self._writer = EventFileWriter(self._folder)

    def __call__(self, progress: Progress) -> None:
        number = progress.n_evaluations
        for name, value in numbers(progress).items():
            self._writer.add_event(_scalar(name, value, number))
        if not self._hparams:
            return
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb

        name = f"evaluation {number:06d}"
        writer = self._writer_of(os.path.join(self._folder, name))
        writer.add_event(_event(hparams_pb({key: plain(value) for key, value in progress.values.items()}, name), 0))
        for key, value in losses(progress).items():
            writer.add_event(_scalar(key, value, 0))
        writer.close()

    def close(self) -> None:
        self._writer.close()


def _scalar(name: str, value: float, step: int) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return _event(Summary(value=[Summary.Value(tag=name, simple_value=value)]), step)


def _event(summary: Any, step: int) -> Any:
    from tensorboard.compat.proto.event_pb2 import Event

    return Event(wall_time=time.time(), step=step, summary=summary)
