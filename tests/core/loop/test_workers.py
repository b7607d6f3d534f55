"""Executors that are sized, that hang, cancel and die, and processes that outlive nobody."""

import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import objectives
import pytest
import unruly

from asng_core import Integer, Space, minimize

SPACE = Space({"a": Integer(0, 9), "b": Integer(0, 9)})
SPAWN = multiprocessing.get_context("spawn")
Spawned = functools.partial(ProcessPoolExecutor, mp_context=SPAWN)


class Together:
    """An objective that notes how many run at once, and waits for there to be `expected`."""

    def __init__(self, expected):
        self.expected, self.changed, self.now, self.most = expected, threading.Condition(), 0, 0

    def __call__(self, values):
        with self.changed:
            self.now += 1
            self.most = max(self.most, self.now)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most >= self.expected, 20)
        time.sleep(0.01)  # for more than that to come
        with self.changed:
            self.now -= 1
        return 1.0


# sizes


def usual_size():
    with ThreadPoolExecutor() as executor:
        return executor._max_workers


@pytest.mark.parametrize(("executor", "n_workers", "most"), [
    (ThreadPoolExecutor, 40, 40), (ThreadPoolExecutor, 3, 3), (ThreadPoolExecutor, None, usual_size()),
    (functools.partial(ThreadPoolExecutor, thread_name_prefix="x"), 40, 40),
    (functools.partial(ThreadPoolExecutor, 7), None, 7), (lambda: ThreadPoolExecutor(7), None, 7),
    (lambda: ThreadPoolExecutor(7), 5, 5)])
def test_a_pool_is_as_large_as_said_and_all_of_it_is_used(executor, n_workers, most):
    objective = Together(most)
    result = minimize(objective, SPACE, budget=80, seed=1, executor=executor, n_workers=n_workers)
    assert result.n_evaluations == 80
    assert objective.most == most


def test_a_given_pool_is_used_whole():
    objective = Together(6)
    with ThreadPoolExecutor(6) as executor:
        minimize(objective, SPACE, budget=30, seed=1, executor=executor)
    assert objective.most == 6


def test_processes_are_as_many_as_said():
    result = minimize(unruly.pid, SPACE, budget=12, seed=1, executor=Spawned, n_workers=3)
    assert len(set(result.history.losses)) == 3


@pytest.mark.parametrize("make", [lambda: lambda: ThreadPoolExecutor(4), lambda: ThreadPoolExecutor(4)])
def test_a_pool_that_is_smaller_than_said_is_warned_of(make):
    with pytest.warns(RuntimeWarning, match="has 4 workers, fewer than n_workers=32.*give n_workers=4") as warned:
        minimize(objectives.distance, SPACE, budget=5, seed=1, executor=make(), n_workers=32)
    assert warned[0].filename == __file__


class Actors(Executor):
    """As over Ray actors: it takes nothing but an objective and values, and does not say how many it has."""

    def __init__(self):
        self.pool, self.open = ThreadPoolExecutor(2), []

    def submit(self, function, values):
        if not isinstance(values, dict):
            raise TypeError("an actor has no such method")
        future = self.pool.submit(function, values)
        self.open.append(future)
        return future

    def shutdown(self, wait=True):
        self.pool.shutdown(wait)


def test_an_executor_gets_the_objective_and_values_and_nothing_else():
    executor = Actors()
    assert minimize(objectives.distance, SPACE, budget=9, executor=executor, n_workers=2).n_evaluations == 9
    assert minimize(objectives.distance, SPACE, budget=9, executor=Actors, n_workers=2).n_evaluations == 9
    with pytest.warns(RuntimeWarning, match="does not say how many workers it has.*Give n_workers="):
        minimize(objectives.distance, SPACE, budget=9, executor=executor)
    executor.shutdown()


# what is cancelled or lost


class Cancelling(Actors):
    """Cancels every third point, once, whose evaluation its pool never begins: nobody is notified."""

    def __init__(self, *args):
        super().__init__(*args)
        self.seen = []

    def submit(self, function, values):
        again = values in self.seen
        self.seen.append(values)
        if again or len(self.seen) % 3:
            return super().submit(function, values)
        future = Future()
        threading.Timer(0.01, future.cancel).start()
        return future


@pytest.mark.parametrize("owned", [False, True])
def test_what_is_cancelled_is_evaluated_again(owned):
    executor = Cancelling()
    result = minimize(objectives.distance, SPACE, budget=30, seed=1, executor=Cancelling if owned else executor,
                      n_workers=2)
    assert (result.n_evaluations, result.n_failed) == (30, 0)
    executor.shutdown()


class Refusing(Actors):
    def submit(self, function, values):
        future = super().submit(function, values)
        if values["a"] >= 6:
            future = Future()
            future.cancel()
        return future


def test_a_point_that_is_always_cancelled_has_failed():
    result = minimize(objectives.distance, SPACE, budget=30, seed=1, executor=Refusing, n_workers=2)
    failed = result.history.codes[:, 0] >= 6
    assert result.n_failed == failed.sum() > 0
    assert all("lost 3 times" in text and "cancelled" in text for text in result.errors.values())


class Dying(ThreadPoolExecutor):
    """As Dask gives a task up."""

    def submit(self, function, values):
        def killed(values):
            if values["a"] >= 6:
                error = type("KilledWorker", (Exception,), {"__module__": "distributed.scheduler"})
                raise error("worker died")
            return function(values)

        return super().submit(killed, values)


@pytest.mark.parametrize("catch", [(), (Exception,)])
def test_a_dask_point_that_kills_its_workers_has_failed(catch):
    with Dying(2) as executor:
        result = minimize(objectives.distance, SPACE, budget=30, seed=1, executor=executor, n_workers=2, catch=catch)
    assert result.n_failed == (result.history.codes[:, 0] >= 6).sum() > 0
    assert all("worker died" in text for text in result.errors.values())


def test_a_given_pool_that_breaks_ends_the_run_with_the_result_and_what_was_lost():
    with Spawned(2) as executor, pytest.raises(RuntimeError, match=r"broke.*with \d evaluations in flight") as raised:
        minimize(objectives.deadly_at_nine, SPACE, budget=100, executor=executor, seed=1)
    assert raised.value.result.n_evaluations == len(raised.value.result.history) > 0


def test_a_pool_that_is_shut_down_meanwhile_ends_the_run_with_the_result():
    with ThreadPoolExecutor(2) as executor:
        def callback(progress):
            if progress.n_evaluations == 9:
                executor.shutdown(cancel_futures=True)

        with pytest.raises(RuntimeError, match="must take work, but it does not") as raised:
            minimize(objectives.distance, SPACE, budget=100, executor=executor, seed=1, callback=callback)
    assert raised.value.result.n_evaluations >= 9


@pytest.mark.parametrize("error", [CancelledError(), TimeoutError()])
def test_such_errors_of_the_objective_are_its_own(error):
    def objective(values):
        raise error

    with pytest.raises(type(error)):
        minimize(objective, SPACE, budget=9, executor=ThreadPoolExecutor, n_workers=2)
    result = minimize(objective, SPACE, budget=9, executor=ThreadPoolExecutor, n_workers=2, catch=Exception)
    assert result.n_failed == 9


# evaluations that take too long


@pytest.mark.parametrize("executor", [Spawned, lambda: Spawned(2)])
def test_a_hanging_process_is_ended_and_its_evaluation_has_failed(executor, tmp_path):
    begun = time.monotonic()
    result = minimize(functools.partial(unruly.noting, folder=str(tmp_path)), Space({"a": Integer(7, 9),
                      "b": Integer(0, 1)}), budget=6, seed=1, executor=executor, n_workers=2, evaluation_timeout=1.0)
    assert time.monotonic() - begun < 40
    failed = [values["a"] == 9 for values in result.history.values]
    assert result.n_evaluations == 6
    assert (result.history.losses != result.history.losses).tolist() == failed
    assert all("longer than evaluation_timeout=1 seconds" in text for text in result.errors.values())
    assert len(result.errors) == 2
    calls = {file.name: len(file.read_text()) for file in tmp_path.iterdir()}
    if executor is Spawned:  # one process each: nothing else is evaluated again
        assert set(calls.values()) == {1}
    while multiprocessing.active_children() and time.monotonic() - begun < 40:
        time.sleep(0.01)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("executor", [ThreadPoolExecutor, lambda: ThreadPoolExecutor(2)])
def test_a_hanging_thread_is_abandoned_and_another_takes_its_place(executor):
    release = threading.Event()

    def objective(values):
        if values["a"] == 9:
            release.wait(30)
        return 1.0

    result = minimize(objective, SPACE, budget=20, seed=1, executor=executor, n_workers=2, evaluation_timeout=0.5)
    release.set()
    assert result.n_failed == (result.history.codes[:, 0] == 9).sum() > 0
    assert result.n_evaluations == 20


def test_a_given_pool_goes_on_with_the_threads_that_are_left_and_says_when_there_are_none():
    release, hung = threading.Event(), []

    def objective(values):
        if len(hung) < n:
            hung.append(values)
            release.wait(30)
        return 1.0

    for n in (2, 3):
        hung.clear()
        release.clear()
        with ThreadPoolExecutor(3) as executor:
            if n == 2:
                result = minimize(objective, SPACE, budget=30, seed=1, executor=executor, evaluation_timeout=0.5)
                assert (result.n_evaluations, result.n_failed) == (30, 2)
            else:
                with pytest.raises(RuntimeError, match="has no worker left: 3 hang") as raised:
                    minimize(objective, SPACE, budget=30, seed=1, executor=executor, evaluation_timeout=0.5)
                assert raised.value.result.n_failed == 3
            release.set()


def test_points_that_wait_in_a_pool_of_threads_are_not_late():
    with ThreadPoolExecutor(1) as executor, pytest.warns(RuntimeWarning, match="has 1 worker"):
        result = minimize(lambda v: time.sleep(0.1) or 1.0, SPACE, budget=14, executor=executor, n_workers=14,
                          evaluation_timeout=1.2)
    assert result.n_failed == 0


# processes that outlive nobody


def alive(number):
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks at processes")
@pytest.mark.parametrize("how", ["class", "factory", "timeout"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_processes_of_a_run_end_with_it(how, number, tmp_path):
    paths = os.pathsep.join(path for path in sys.path if path)
    process = subprocess.Popen([sys.executable, unruly.__file__, str(tmp_path), how], stdout=subprocess.PIPE,
                               text=True, env={**os.environ, "PYTHONPATH": paths})
    deadline = time.monotonic() + 30
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = [int(file.name[3:]) for file in tmp_path.iterdir()]
    assert len(workers) == 2
    assert all(map(alive, workers))
    process.send_signal(number)
    printed, _ = process.communicate(timeout=30)
    if number == signal.SIGTERM:
        assert printed == "terminated by SIGTERM\n"
        assert process.returncode == 0
    deadline = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))


# a real cluster


@pytest.mark.attack
def test_dask_workers_may_die_and_the_client_restart():
    distributed, dask = pytest.importorskip("distributed"), pytest.importorskip("dask")
    space, restarts = Space({"a": Integer(8, 9), "b": Integer(0, 4)}), []
    with dask.config.set({"distributed.scheduler.allowed-failures": 0, **objectives.PATIENT_DASK}), \
            distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as client:
        def callback(progress):
            if progress.n_evaluations == 3:
                restarts.append(client.restart())

        result = minimize(objectives.deadly_at_nine, space, budget=10, seed=1, callback=callback, n_workers=2,
                          executor=client.get_executor(pure=False))
        client.wait_for_workers(2, timeout=60)  # a cluster cannot be closed while one of them is starting
    failed, deadly = np.isnan(result.history.losses), result.history.codes[:, 0] == 1
    assert len(restarts) == 1
    assert result.n_evaluations == 10
    assert failed[deadly].all()
    assert not failed[~deadly].all()  # one that was with a deadly one each time has failed with it
