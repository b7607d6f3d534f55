"""minimize with executors: threads, processes, Dask; workers that die, points in flight."""

import functools
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import objectives
import pytest

from asng_core import Categorical, Integer, Minimizer, Space, minimize

SPACE = Space({"a": Integer(0, 9), "b": Integer(0, 9), "c": Integer(0, 9)})


def processes(n=2):
    return ProcessPoolExecutor(n, mp_context=multiprocessing.get_context("spawn"))


class Breaking:
    """An executor in this process, which breaks as a process pool does when `deadly` says so of a point."""

    made = 0

    def __init__(self, deadly):
        type(self).made += 1
        self._deadly, self._broken, self.flight = deadly, False, []

    def submit(self, function, *args):
        if self._broken:
            raise BrokenProcessPool("broken")
        future = Future()
        if args:
            self.flight.append((future, args[0]))
            if self._deadly(args[0], [values for _, values in self.flight]):
                self._broken = True
                for each, _ in self.flight:
                    each.set_exception(BrokenProcessPool("a worker died"))
                return future
            if len(self.flight) > 1:  # the oldest is done
                done, values = self.flight.pop(0)
                done.set_result(function(values))
            threading.Timer(0.001, self._finish, (function,)).start()
        return future

    def _finish(self, function):
        if self.flight and not self._broken:
            done, values = self.flight.pop(0)
            done.set_result(function(values))

    def shutdown(self, wait=True):
        pass


# in order


def test_one_worker_at_a_time_does_as_no_executor():
    alone = minimize(objectives.distance, SPACE, budget=60, seed=1)
    with ThreadPoolExecutor(1) as executor:
        threads = minimize(objectives.distance, SPACE, budget=60, seed=1, executor=executor)
    np.testing.assert_array_equal(threads.history.codes, alone.history.codes)


@pytest.mark.parametrize("n_workers", [2, 5])
def test_as_many_evaluations_as_workers_are_in_flight(n_workers):
    barrier = threading.Barrier(n_workers)  # passes only as many at once

    def objective(values):
        barrier.wait(timeout=20)
        return objectives.distance(values)

    budget = 6 * n_workers
    result = minimize(objective, SPACE, budget=budget, seed=1, executor=lambda: ThreadPoolExecutor(n_workers + 3),
                      n_workers=n_workers)
    assert (result.n_evaluations, result.n_failed) == (budget, 0)
    assert len(np.unique(result.history.codes, axis=0)) == budget  # none is asked while it is in flight


def test_the_next_point_is_asked_as_soon_as_one_is_done():
    first, slow, others = threading.Lock(), [], []

    def objective(values):
        if first.acquire(blocking=False):  # whichever thread came first
            slow.append(values)
            deadline = time.monotonic() + 20
            while len(others) < 20 and time.monotonic() < deadline:
                time.sleep(0.001)
        else:
            others.append(values)
        return objectives.distance(values)

    result = minimize(objective, SPACE, budget=25, seed=1, executor=ThreadPoolExecutor, n_workers=2)
    assert result.history.values.index(slow[0]) >= 19


def test_an_executor_that_was_given_stays_open():
    with ThreadPoolExecutor(2) as executor:
        minimize(objectives.distance, SPACE, budget=5, seed=1, executor=executor)
        assert executor.submit(int).result() == 0


def test_an_executor_that_was_made_is_closed():
    made = []

    def factory():
        made.append(ThreadPoolExecutor(2))
        return made[-1]

    minimize(objectives.distance, SPACE, budget=5, seed=1, executor=factory)
    assert len(made) == 1
    with pytest.raises(RuntimeError, match="after shutdown"):
        made[0].submit(int)


def test_processes_evaluate_and_failures_are_caught_there():
    result = minimize(objectives.failing_at_nine, SPACE, budget=60, seed=1, executor=processes, n_workers=2,
                      catch=ArithmeticError)
    failed = (result.history.codes == 9).any(axis=1)
    np.testing.assert_array_equal(np.isnan(result.history.losses), failed)
    assert result.n_failed == failed.sum() > 0


def test_dask_evaluates():
    distributed = pytest.importorskip("distributed")
    with distributed.Client(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0") as client:
        executor = client.get_executor(pure=False)
        result = minimize(objectives.distance, SPACE, budget=40, seed=1, executor=executor, n_workers=3)
        failing = minimize(objectives.failing_at_nine, SPACE, budget=40, seed=1, executor=executor, n_workers=3,
                           catch=ArithmeticError)
        stopped = minimize(lambda v: objectives.distance(v), SPACE, budget=40, seed=1, n_workers=3,
                           executor=lambda: client.get_executor(pure=False), target=8)
        with pytest.raises(TypeError, match=r"whose submit\(\) returns a Future. .*client.get_executor\(pure=False\)"):
            minimize(objectives.distance, SPACE, budget=5, executor=client, n_workers=1)
    assert result.n_evaluations == failing.n_evaluations == 40
    assert failing.n_failed == (failing.history.codes == 9).any(axis=1).sum() > 0
    assert stopped.stop_reason == "target of 8 reached"


def test_a_small_space_is_exhausted_once_the_last_are_done():
    result = minimize(objectives.distance, Space({"a": Integer(0, 6)}), budget=50, seed=1, executor=ThreadPoolExecutor,
                      n_workers=3)
    assert sorted(result.history.codes[:, 0].tolist()) == list(range(7))
    assert result.stop_reason == "space exhausted: every feasible point was evaluated"


# stopping with points in flight


def test_the_timeout_does_not_wait_for_processes_of_our_own():
    begun = time.monotonic()
    result = minimize(objectives.endless, SPACE, budget=5, seed=1, executor=processes, n_workers=2, timeout=0.3)
    assert result.stop_reason == "timeout of 0.3 seconds reached"
    assert result.n_evaluations == 0
    assert time.monotonic() - begun < 20
    while multiprocessing.active_children() and time.monotonic() - begun < 20:
        time.sleep(0.01)  # the pool's own thread may be the one that sees them end
    assert not multiprocessing.active_children()


def test_stopping_cancels_what_has_not_begun():
    release, started = threading.Event(), []

    def objective(values):
        started.append(values)
        if len(started) > 1:
            release.wait(20)
        return 0.0

    with ThreadPoolExecutor(1) as executor:
        with pytest.warns(RuntimeWarning, match="has 1 worker, fewer than n_workers=5.*give n_workers=1"):
            result = minimize(objective, SPACE, budget=50, seed=1, executor=executor, n_workers=5, target=0)
        release.set()
    assert result.stop_reason == "target of 0 reached"
    assert result.n_evaluations == 1
    assert len(started) <= 2


def test_an_interrupt_in_a_worker_gives_the_result_so_far():
    calls = []

    def objective(values):
        calls.append(values)
        if len(calls) == 15:
            raise KeyboardInterrupt
        return objectives.distance(values)

    result = minimize(objective, SPACE, budget=100, seed=1, executor=ThreadPoolExecutor, n_workers=2)
    assert result.stop_reason == "interrupted by the user"
    assert 13 <= result.n_evaluations <= 15


def test_ctrl_c_while_waiting_gives_the_result_so_far(tmp_path):
    calls, release = [], threading.Event()

    def objective(values):
        calls.append(values)
        if len(calls) <= 6:
            return objectives.distance(values)
        if len(calls) == 8:  # both workers are busy
            time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGINT)
        release.wait(20)
        return None

    path = tmp_path / "run"
    with ThreadPoolExecutor(2) as executor:
        result = minimize(objective, SPACE, budget=100, seed=1, executor=executor, n_workers=2, checkpoint=path)
        release.set()
    assert result.stop_reason == "interrupted by the user"
    assert result.n_evaluations == 6
    resumed = minimize(objectives.distance, SPACE, budget=20, executor=ThreadPoolExecutor, n_workers=2,
                       checkpoint=path)
    assert sorted(resumed.history.ids.tolist()) == list(range(20))  # those in flight are evaluated after all
    np.testing.assert_array_equal(resumed.history.codes[:6], result.history.codes)


def test_results_are_saved_while_others_are_awaited(tmp_path, monkeypatch):
    monkeypatch.setattr("asng_core.loop.store._SAVE_EVERY", 0.05)
    path, first = tmp_path / "run", []

    def objective(values):
        if not first:
            first.append(values)
            deadline = time.monotonic() + 20
            while Minimizer.load(path).n_told < 9 and time.monotonic() < deadline:
                time.sleep(0.01)
            first.append(Minimizer.load(path).n_told)
        return 1.0

    minimize(objective, SPACE, budget=10, seed=1, executor=ThreadPoolExecutor, n_workers=2, checkpoint=path)
    assert first[1] == 9


def test_an_error_is_raised_once_other_results_are_told(tmp_path):
    both = threading.Barrier(2)

    def objective(values):
        failing = both.wait(20) == 0
        if failing:
            raise ZeroDivisionError
        return 1.0

    class Together(ThreadPoolExecutor):
        """Its futures are done before they are looked at."""

        def submit(self, *args):
            future = super().submit(*args)
            if len(args) > 1:
                submitted.append(future)
            if len(submitted) == 2:
                for each in submitted:
                    each.exception()
            return future

    submitted = []
    path = tmp_path / "run"
    with pytest.raises(ZeroDivisionError):
        minimize(objective, SPACE, budget=100, seed=1, executor=lambda: Together(2), n_workers=2, checkpoint=path)
    saved = Minimizer.load(path)
    assert (saved.n_told, len(saved.pending)) == (1, 1)


# workers that die


def test_a_worker_that_dies_costs_nothing_with_a_factory(tmp_path):
    objective = functools.partial(objectives.deadly_once, flag=str(tmp_path / "flag"))
    result = minimize(objective, SPACE, budget=20, seed=1, executor=processes, n_workers=2)
    assert (result.n_evaluations, result.n_failed) == (20, 0)
    assert sorted(result.history.ids.tolist()) == list(range(20))


def test_a_point_that_kills_its_workers_fails_and_no_other():
    space = Space({"a": Integer(8, 9), "b": Integer(0, 1)}, constraints=[lambda v: v["a"] == 8 or v["b"] == 0])
    result = minimize(objectives.deadly_at_nine, space, budget=10, seed=1, executor=processes, n_workers=2)
    assert result.n_evaluations == 3
    assert [values["a"] for values, loss in zip(result.history.values, result.history.losses, strict=True)
            if np.isnan(loss)] == [9]


def test_a_worker_that_dies_without_a_factory_is_explained_and_what_was_told_is_kept(tmp_path):
    path = tmp_path / "run"
    minimize(objectives.distance, SPACE, budget=5, seed=1, checkpoint=path)
    with processes(1) as executor, pytest.raises(RuntimeError, match=r"broke, a worker having died, with 1 evaluations"
                                                                     r".*Pass a function that makes an executor"):
        minimize(objectives.always_deadly, SPACE, budget=10, executor=executor, checkpoint=path)
    assert Minimizer.load(path).n_told == 5
    assert minimize(objectives.distance, SPACE, budget=10, checkpoint=path).n_evaluations == 10


@pytest.mark.parametrize("n_workers", [1, 3, 8])
def test_whatever_is_in_flight_with_a_deadly_point_is_evaluated(n_workers):
    def deadly(values, flight):
        return values["a"] >= 8

    Breaking.made = 0
    result = minimize(objectives.distance, SPACE, budget=60, seed=1, executor=lambda: Breaking(deadly),
                      n_workers=n_workers)
    failed = result.history.codes[:, 0] >= 8
    np.testing.assert_array_equal(np.isnan(result.history.losses), failed)
    assert result.n_evaluations == 60
    assert failed.sum() > 0
    assert Breaking.made <= 1 + 3 * failed.sum()


def test_points_that_are_deadly_only_together_are_evaluated_alone():
    result = minimize(objectives.distance, SPACE, budget=8, seed=1, n_workers=2,
                      executor=lambda: Breaking(lambda values, flight: len(flight) > 1))
    assert (result.n_evaluations, result.n_failed) == (8, 0)


def test_a_pool_that_never_works_is_given_up():
    Breaking.made = 0
    with pytest.raises(RuntimeError, match=r"broke 10 times before anything was evaluated.*Does the objective"):
        minimize(objectives.distance, SPACE, budget=60, seed=1, n_workers=1,
                 executor=lambda: Breaking(lambda *_: True))
    assert Breaking.made == 10


class Closing(ProcessPoolExecutor):
    """A process pool, in this process, that breaks while it starts another process."""

    made = 0

    def __init__(self):
        super().__init__(2)
        Closing.made += 1
        self.taken = 0

    def submit(self, function, *args):
        self.taken += 1
        if self.taken == 4:
            raise OSError("handle is closed")  # what spawning meets, the broken pool's pipes being closed by then
        future = Future()
        future.set_result(function(*args))
        return future


def test_a_pool_that_breaks_while_it_takes_a_point_is_made_anew():
    Closing.made = 0
    result = minimize(objectives.distance, SPACE, budget=20, seed=1, executor=lambda: Closing(), n_workers=2)
    assert (result.n_evaluations, result.n_failed) == (20, 0)
    assert Closing.made > 5
    with Closing() as given, pytest.raises(RuntimeError, match=r"broke, a worker having died") as raised:
        minimize(objectives.distance, SPACE, budget=20, seed=1, executor=given, n_workers=2)
    assert raised.value.result.n_evaluations == 3


# bad input


@pytest.mark.parametrize("make", [lambda: ThreadPoolExecutor(1), lambda: processes(1)])
def test_an_executor_already_shut_down_is_explained(make):
    executor = make()
    executor.shutdown()
    with pytest.raises(RuntimeError, match=r"minimize\(executor=...\) must take work, but it does not \(cannot"):
        minimize(objectives.distance, SPACE, budget=5, executor=executor)


def test_a_factory_that_gives_a_broken_executor_again_is_explained():
    with processes(1) as executor, pytest.raises(RuntimeError, match=r"must take work.*makes a new one each time"):
        minimize(objectives.always_deadly, SPACE, budget=5, executor=lambda: executor)


def test_a_warning_points_to_the_call():
    with pytest.warns(RuntimeWarning, match="fewer than n_workers=3") as caught, ThreadPoolExecutor(1) as executor:
        minimize(objectives.distance, SPACE, budget=3, executor=executor, n_workers=3)
    assert caught[0].filename == __file__


def test_an_executor_whose_futures_are_none_is_explained():
    class Immediate(ThreadPoolExecutor):
        def submit(self, function, *args):
            return function(*args)

    with Immediate(1) as executor, pytest.raises(TypeError, match=r"whose submit\(\) returns a float"):
        minimize(objectives.distance, SPACE, budget=5, executor=executor)


@pytest.mark.parametrize("executor", [processes, lambda: processes(1)])
def test_an_objective_that_cannot_go_to_a_process_is_explained(executor):
    with pytest.raises(TypeError, match=r"objective .*<lambda> must be picklable.*at the top level of a module"):
        minimize(lambda values: 1.0, SPACE, budget=5, executor=executor)
    with processes(1) as given, pytest.raises(TypeError, match="must be picklable"):
        minimize(lambda values: 1.0, SPACE, budget=5, executor=given)


def test_values_that_cannot_go_to_a_process_are_explained():
    space = Space({"f": Categorical([lambda x: x, abs])})
    with pytest.raises(TypeError, match=r"the space's values must be picklable.*Name them by text"):
        minimize(objectives.distance, space, budget=5, executor=processes)


