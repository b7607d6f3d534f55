"""Run a search to its end or to Ctrl-C, and leave everything it tells in the run folder."""

from __future__ import annotations

import csv
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..search import distributed
from ..search.records import CsvLog, TensorBoardLog
from ..search.search import Search
from ..supernet.architecture import save_architecture
from . import distribution_log, pictures
from .distribution_log import DistributionLog
from .folder import ARCHITECTURE, Found, read_found, read_json, write_json
from .interruption import interruption

CHECKPOINT = "search.safetensors"
_ROWS = 200  # of distribution.csv: as many columns as its picture can show


def follow(search: Search, folder: Path, *, save_every: float, space: str,
           tensorboard: bool = False) -> tuple[bool, Found | None]:
    """Whether the search came to its end, and what it found last; either way it is saved, and its pictures are drawn.

    save_every: seconds between two checkpoints. space: its name, for architecture.json.
    Of several processes, the first one writes, and is the one whose interruption counts.
    """
    stride = max(1, search.steps // _ROWS)
    saved, interrupted = time.monotonic(), False
    found: Found | None = None
    with interruption() as event, ExitStack() as stack:
        if leading := distributed.rank() == 0:
            logs: list[CsvLog | TensorBoardLog] = [stack.enter_context(CsvLog(folder / "log.csv", search.step))]
            if tensorboard:
                board = TensorBoardLog(folder / "tensorboard", search.step, settings=_settings(folder))
                logs.append(stack.enter_context(board))
            path = folder / "distribution.csv"
            distribution = stack.enter_context(closing(DistributionLog(path, search.supernet.space, search.step)))
        for record in tqdm(search, initial=search.step, total=search.steps, desc="search", unit="step",
                           disable=not leading):
            if leading:
                for log in logs:
                    log.write(record)
                if record.step % stride == 0:
                    distribution.write(record.step, search.optimizer)
            # the first process decides, so that all leave the loop in the same step
            interrupted, due = distributed.of_first((event.is_set(), time.monotonic() - saved >= save_every))
            if interrupted:
                break
            if due:
                found = save(search, folder, space) or found
                saved = time.monotonic()
        found = save(search, folder, space) or found
    if leading:
        draw(search, folder)
        # within a limit, the part before an interruption may have found what this part did not
        found = found or read_found(folder)
    return not interrupted or search.step == search.steps, found


def _settings(folder: Path) -> dict[str, Any]:
    """What the search was asked for, to compare it by."""
    return {name: value for section in read_json(folder / "config.json", "python -m asng_torch search").values()
            for name, value in section["asked"].items() if value is not None}


def save(search: Search, folder: Path, space: str) -> Found | None:
    """Checkpoint and recommendation, which the first process returns if there is one; to be called by all."""
    search.save(folder / CHECKPOINT)
    if distributed.rank() > 0:
        return None
    try:
        architecture = search.recommend()
    except RuntimeError:  # none within the limit yet
        return None
    cost = search.supernet.cost(architecture)
    metrics = {"step": search.step, "steps": search.steps, "entropy": search.optimizer.entropy,
               "parameters": cost.parameters, "multiply_adds": cost.multiply_adds}
    save_architecture(folder / ARCHITECTURE, space, architecture, metrics)
    if len(search.budgets) > 1:
        write_json(folder / "front.json", {"front": _front(search)})
    return Found(space, architecture, metrics)


def _front(search: Search) -> list[dict[str, Any]]:
    """For each limit the architecture found within it, and its cost; None where there is none yet."""
    front: list[dict[str, Any]] = []
    for budget in search.budgets:
        try:
            point = budget.point()
            front.append({"limit": point.limit, "architecture": dict(point.architecture), "cost": point.cost})
        except RuntimeError:
            front.append({"limit": budget.limit, "architecture": None, "cost": None})
    return front


def draw(search: Search, folder: Path) -> None:
    """losses.png of log.csv, probabilities.png of distribution.csv, if there is anything to draw."""
    with (folder / "log.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if rows:
        train, valid = ([float(row[name] or "nan") for row in rows] for name in ("train_loss", "valid_loss"))
        pictures.draw_losses(train, valid, folder / "losses.png", warmup=search.warmup)
    steps, distribution = distribution_log.read(folder / "distribution.csv", search.supernet.space)
    if len(steps):
        pictures.draw_distribution(steps, distribution, search.supernet.space, folder / "probabilities.png")
