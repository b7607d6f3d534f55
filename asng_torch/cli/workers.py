"""Trainings in processes of their own, which know no more of the search than its run folder."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import torch

from asng_core.loop import worker

from ..staged.trainer import Trainer
from ..supernet.architecture import Architecture
from .config import SearchConfig, read_config
from .recipe import Recipe


@dataclass(frozen=True)
class Training:
    """As the configuration in a run folder says, by whichever process calls it."""

    out: Path
    device: torch.device

    def __call__(self, architecture: Architecture, epochs: int, seed: int, path: Path) -> float:
        return _trainer(self.out, self.device)(architecture, epochs, seed, path)


@cache
def _trainer(out: Path, device: torch.device) -> Trainer:
    """With its data, which a process loads once."""
    return Recipe(read_config(out, "search", SearchConfig), device).trainer()


@contextmanager
def processes(n: int, device: torch.device) -> Iterator[Executor | None]:
    """So many that train, each on a GPU of its own as far as there are any; None, for this process, instead of one.

    Left by an error or Ctrl-C, they end at once.
    """
    if n == 1:
        yield None
        return
    context = get_context("spawn")  # threads and CUDA do not survive a fork
    begin = context.Value("i", 0), max(1, torch.get_num_threads() // n), device
    executor = ProcessPoolExecutor(n, context, _begin, begin)
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for each in active_children():
            each.terminate()
        raise
    executor.shutdown()


def _begin(number: Any, threads: int, device: torch.device) -> None:
    """In a process of an executor."""
    worker.watch()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal; who began this process ends it
    torch.set_num_threads(threads)
    if device.type == "cuda" and device.index is None:
        with number.get_lock():
            torch.cuda.set_device(number.value % torch.cuda.device_count())
            number.value += 1
