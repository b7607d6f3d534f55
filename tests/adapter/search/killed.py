"""A search that is killed again and again: `python killed.py FOLDER NUMBER_OF_KILLS SEARCH`; its outcome is left there.

SEARCH is one of `SEARCHES`: small, or of the ENAS space with workers that load. Every attempt is a forked process that
resumes what is in its folder and saves every second step. It is killed from outside at a random moment, or kills itself
at a named point of writing its checkpoint. Each time an attempt reaches the end, its weights and theta must be the
uninterrupted run's, nothing else may be left, and the next begins anew.
"""

import contextlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from searches import build, build_enas, state

from asng_core import checkpoint

STEPS, EVERY = 12, 2
SEARCHES = {"small": build, "enas": build_enas}
POINTS = ("in mid-write", "before the rename", "after the rename")


def kill_self():
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point, countdown):
    """Die at a named point of the write number `countdown`, counted from 1."""
    writes, replace = [0], Path.replace

    def replaced(self, target):
        writes[0] += 1
        if writes[0] == countdown:
            if point == "in mid-write":  # as if only half of it had reached the disk
                os.truncate(self, self.stat().st_size // 2)
            if point == "after the rename":
                replace(self, target)
            kill_self()
        return replace(self, target)

    Path.replace = replaced


def attempt(folder, build, point, countdown):
    """Resume if there is a checkpoint, and go on to the end."""
    if point is not None:
        arm(point, countdown)
    search = build(steps=STEPS, ema=0.9)
    torch.manual_seed(5)
    if (folder / "search").exists():
        search.resume(folder / "search")
    for record in search:
        if record.step % EVERY == 0:
            search.save(folder / "search")
    checkpoint.atomically(folder / "end", lambda file: torch.save(state(search), file))


def run(folder, build, point=None, countdown=0, seconds=None):
    """Whether an attempt, killed after `seconds` unless it ended before, was killed."""
    pid = os.fork()
    if pid == 0:
        code = 1
        os.setpgid(0, 0)  # its own group, with its loaders' workers
        try:
            attempt(folder, build, point, countdown)
            code = 0
        finally:
            os._exit(code)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(ProcessLookupError):  # workers would notice within 5 s, and more pile up meanwhile
        os.killpg(pid, signal.SIGKILL)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("an attempt failed")
    return False


def main():
    folder, kills, build = Path(sys.argv[1]), int(sys.argv[2]), SEARCHES[sys.argv[3]]
    torch.set_num_threads(1)
    generator = random.Random(0)
    started = time.perf_counter()
    (folder / "whole").mkdir()
    run(folder / "whole", build)
    duration = time.perf_counter() - started
    whole = torch.load(folder / "whole" / "end")
    counts, ends, equal, left = dict.fromkeys((*POINTS, "random"), 0), 0, 0, set()
    attempts = folder / "attempts"
    attempts.mkdir()
    while sum(counts.values()) < kills or not ends or any(attempts.iterdir()):  # the last one is resumed too
        turn = [*POINTS, "random"][sum(counts.values()) % 4]
        last = sum(counts.values()) >= kills
        if last:
            killed = run(attempts, build)
        elif turn == "random":
            killed = run(attempts, build, seconds=generator.uniform(0, duration))
        else:
            killed = run(attempts, build, turn, generator.randint(1, 3))
        counts[turn] += killed
        if (attempts / "end").exists():
            end = torch.load(attempts / "end")
            ends += 1
            equal += end.keys() == whole.keys() and all(torch.equal(end[name], whole[name]) for name in whole)
            left.update(path.name for path in attempts.iterdir())
            for path in attempts.iterdir():
                path.unlink()
    (folder / "outcome.json").write_text(json.dumps(
        {"kills": counts, "ends": ends, "equal": equal, "left": sorted(left)}))


if __name__ == "__main__":
    main()
