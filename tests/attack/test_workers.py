"""Workers killed again and again, and processes that want one file: nothing lost, nothing twice, the budget exact."""

import ast
import functools
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor

import contending
import killed
import numpy as np
import objectives
import pytest
import unruly

from asng_core import Integer, Space, minimize

SPACE = Space({"a": Integer(0, 99), "b": Integer(0, 99)})
Spawned = functools.partial(ProcessPoolExecutor, mp_context=multiprocessing.get_context("spawn"))
EXECUTORS = {"the class": ProcessPoolExecutor, "a factory": lambda: Spawned(3)}


class Killer(threading.Thread):
    """Kills one of the processes that `pids()` names, so often, each time once something more has been evaluated."""

    def __init__(self, pids, n):
        super().__init__(daemon=True)
        self.pids, self.left, self.told, self.seen, self.over = pids, n, 0, -1, threading.Event()
        self.n, self.rng = n, random.Random(n)

    def run(self):
        while self.left and not self.over.wait(self.rng.random() * 0.1):
            found = self.pids()
            if self.told == self.seen or not found:
                continue
            try:
                os.kill(self.rng.choice(found), signal.SIGKILL)
            except ProcessLookupError:
                continue
            self.left, self.seen = self.left - 1, self.told

    def callback(self, progress):
        self.told += 1


def children():
    return [each.pid for each in multiprocessing.active_children()]


def check_killed(executor, killer, budget, folder):
    """A run while `killer` is at work."""
    killer.start()
    try:
        result = minimize(functools.partial(unruly.noted_twice, folder=str(folder)), SPACE, budget=budget, seed=1,
                          executor=executor, n_workers=3, callback=killer.callback)
    finally:
        killer.over.set()
        killer.join()
    history = result.history
    assert result.n_evaluations == len(history) == killer.told == budget
    assert sorted(history.ids.tolist()) == list(range(budget)), "told twice, or never"
    assert len(np.unique(history.codes, axis=0)) == budget, "a point was paid for twice"
    failed = np.isnan(history.losses)
    assert set(result.errors) == set(history.ids[failed].tolist())
    losses = [sum(values.values()) for values in history.values]
    np.testing.assert_array_equal(history.losses[~failed], np.array(losses)[~failed])
    lines = {each.name: each.read_text().split() for each in folder.iterdir()}
    names = ["-".join(map(str, values.values())) for values in history.values]
    assert all("ended" in lines[name] for name, lost in zip(names, failed, strict=True) if not lost)
    # each kill costs the evaluations in flight at most, and none is begun without a need
    assert sum(each.count("began") for each in lines.values()) <= budget + 3 * killer.n
    return killer.n - killer.left


# a broken pool's thread, its futures being told, iterates over processes that are still being added: CPython gh-87664
@pytest.mark.filterwarnings("ignore:(?s)Exception in thread.*dictionary changed size"
                            ":pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("name", EXECUTORS)
@pytest.mark.parametrize("n", [2, pytest.param(20, marks=pytest.mark.attack)])
def test_processes_are_killed_and_nothing_is_lost(name, n, tmp_path):
    assert check_killed(EXECUTORS[name], Killer(children, n), 15 * n, tmp_path) == n


@pytest.mark.attack
def test_dask_workers_are_killed_and_nothing_is_lost(tmp_path):
    distributed, dask = pytest.importorskip("distributed"), pytest.importorskip("dask")
    settings = {"n_workers": 3, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
    # of fresh interpreters each would import Dask again
    forking = {**objectives.PATIENT_DASK, "distributed.worker.multiprocessing-method": "forkserver"}
    with dask.config.set(forking), distributed.LocalCluster(**settings) as cluster, \
            distributed.Client(cluster) as client:
        def pids():
            return [nanny.process.pid for nanny in cluster.workers.values() if nanny.process and nanny.process.pid]

        killed_ = check_killed(client.get_executor(pure=False), Killer(pids, 20), 300, tmp_path)
    assert killed_ == 20


def check_contending(n, budget, folder):
    """So many processes on one file: each has it or is refused by the holder's name, and the run is that of one."""
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, contending.__file__, str(folder / "run"), str(folder / "log"), str(budget)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"})
                 for _ in range(n)]
    outcomes = [ast.literal_eval(process.communicate(timeout=300)[0].replace("nan", "None")) for process in processes]
    assert all(process.returncode == 0 for process in processes)
    expected = minimize(killed.loss, killed.SPACE, budget=budget, seed=1)
    points = [repr(sorted(values.items())) for values in expected.history.values]
    assert (folder / "log").read_text().splitlines() == points, "evaluated twice, or in another order"
    losses = [None if loss != loss else loss for loss in expected.history.losses.tolist()]
    assert all(found == losses for _, found in outcomes)
    refused = [text for texts, _ in outcomes for text in texts]
    holders = {int(re.search(r"is in use by process (\d+) on .*Wait until that run", text)[1]) for text in refused}
    assert holders <= {process.pid for process in processes}
    return len(refused)


@pytest.mark.parametrize(("n", "budget"), [(3, 12), pytest.param(8, 80, marks=pytest.mark.attack)])
def test_processes_take_turns_on_one_file(n, budget, tmp_path):
    refused = check_contending(n, budget, tmp_path)
    assert refused or n < 8
