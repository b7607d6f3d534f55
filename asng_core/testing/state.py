"""Copies, pickles, files: whatever goes on from a state goes on alike."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .driving import Failed, Maker, Run, require
from .registry import check


def _like(run: Run, optimizer: Any) -> Run:
    """The same run, driven on another optimizer."""
    other = Run(optimizer, run.space, run.problem)
    other.trace, other.told = list(run.trace), list(run.told)
    return other


def _through_a_file(run: Run, folder: str) -> Run:
    path = Path(folder) / "state"
    run.needs("save", "load").save(path)
    return _like(run, type(run.optimizer).load(path, space=run.space))


@check
def goes_on_after_pickling(make: Maker) -> None:
    """An optimizer that went through a pickle asks what the original asks."""
    run = make().steps(5)
    try:
        content = pickle.dumps(run.optimizer)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise Failed(f"it cannot be pickled: {error}") from error
    run.continues_like(_like(run, pickle.loads(content)), "an optimizer that was pickled")


@check
def goes_on_after_deepcopy(make: Maker) -> None:
    """A deep copy asks what the original asks."""
    run = make().steps(5)
    run.continues_like(_like(run, copy.deepcopy(run.optimizer)), "a deep copy")


@check
def is_not_moved_by_its_copy(make: Maker) -> None:
    """What a deep copy goes through does not move the original."""
    run, twin = make().steps(5), make().steps(5)
    _like(run, copy.deepcopy(run.optimizer)).steps(6, change=lambda x: -x)
    run.continues_like(twin, "an optimizer whose copy went on")


@check
def takes_pickled_points_back(make: Maker) -> None:
    """Points that went to another process and came back can be told, and count as those that left."""
    run, twin = make().steps(2), make().steps(2)
    points, theirs = run.ask(5), twin.ask(5)
    try:
        travelled = pickle.loads(pickle.dumps(points))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise Failed(f"its points cannot be pickled: {error}") from error
    run.tell(travelled, run.losses(travelled))
    twin.tell(theirs, twin.losses(theirs))
    run.continues_like(twin, "an optimizer whose points were pickled")


@check
def goes_on_after_save_and_load(make: Maker) -> None:
    """n steps are k steps, save, load and n - k steps, to the bit, for several k."""
    whole = make()
    whole.needs("save", "load")
    whole.steps(14)
    for k in (0, 1, 5, 12):
        with tempfile.TemporaryDirectory() as folder:
            resumed = _through_a_file(make().steps(k), folder).steps(14 - k)
        require(resumed.trace == whole.trace, f"after {k} of 14 steps, save and load, other points are asked")


@check
def saves_with_points_open(make: Maker) -> None:
    """Points asked before save and told after load count as if there had been neither."""
    run = make().steps(3)
    run.needs("save", "load")
    points = run.ask(5)
    with tempfile.TemporaryDirectory() as folder:
        resumed = _through_a_file(run, folder)
    for each in (run, resumed):
        each.tell(points, each.losses(points))
    run.continues_like(resumed, "an optimizer that was saved with points open")


@check
def keeps_its_best_in_a_file(make: Maker) -> None:
    """`best` is the same after load."""
    run = make().steps(5)
    run.needs("save", "load", "best")
    with tempfile.TemporaryDirectory() as folder:
        resumed = _through_a_file(run, folder)
    require(resumed.optimizer.best is not None, "best is None after load")
    require(resumed.optimizer.best.loss == run.optimizer.best.loss
            and dict(resumed.optimizer.best.values) == dict(run.optimizer.best.values), "best differs after load")


@check
def is_not_moved_by_saving(make: Maker) -> None:
    """A run that is saved after every step asks what another asks."""
    run, twin = make(), make()
    run.needs("save")
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(8):
            run.step()
            run.optimizer.save(Path(folder) / "state")
            twin.step()
    require(run.trace == twin.trace, "a run that is saved asks other points")


@check
def goes_on_in_a_fresh_process(make: Maker) -> None:
    """A file is read by a new process, which asks, to the bit, what this one asks."""
    run = make().steps(5)
    kind = type(run.needs("save", "load"))
    if kind.__module__ == "__main__" or "<locals>" in kind.__qualname__:
        raise NotImplementedError("its class cannot be imported by another process")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        run.optimizer.save(path)
        done = subprocess.run([sys.executable, "-m", f"{__package__}.resume", kind.__module__, kind.__qualname__,
                               run.problem, str(path), "6"], capture_output=True, text=True, check=False,
                              env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))})
    require(done.returncode == 0, f"another process cannot go on: {done.stderr.strip()[-300:]}")
    start = len(run.trace)
    run.steps(6)
    require([each.hex() for each in run.trace[start:]] == done.stdout.split(), "another process asks other points")


def _damage(make: Maker, change: Callable[[bytes], list[bytes]], what: str) -> None:
    run = make().steps(3)
    run.needs("save", "load")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        run.optimizer.save(path)
        for content in change(path.read_bytes()):
            path.write_bytes(content)
            try:
                type(run.optimizer).load(path, space=run.space)
            except (ValueError, OSError, EOFError, pickle.UnpicklingError):
                continue
            raise Failed(f"a file {what} is loaded without a word")


@check
def refuses_a_file_cut_short(make: Maker) -> None:
    """A file whose end, or all of it, is missing is refused: with an error about the value or the file."""
    _damage(make, lambda whole: [whole[: len(whole) * i // 8] for i in range(8)] + [whole[:-1]], "cut short")


@check
def refuses_a_file_with_a_flipped_bit(make: Maker) -> None:
    """A file in which one bit is another is refused."""
    def flipped(whole: bytes) -> list[bytes]:
        places = [len(whole) * i // 40 for i in range(40)]
        return [whole[:at] + bytes([whole[at] ^ 1 << i % 8]) + whole[at + 1:] for i, at in enumerate(places)]

    _damage(make, flipped, "with a flipped bit")


@check
def says_that_a_save_failed(make: Maker) -> None:
    """A save into a folder that is not there raises OSError, and moves nothing."""
    run, twin = make().steps(3), make().steps(3)
    run.needs("save", "load")
    with tempfile.TemporaryDirectory() as folder:
        try:
            run.optimizer.save(Path(folder) / "missing" / "state")
        except OSError:
            pass
        else:
            raise Failed("a save into a folder that is not there raises nothing")
    run.continues_like(twin, "an optimizer whose save failed")
