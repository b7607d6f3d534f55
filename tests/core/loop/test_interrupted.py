"""Ctrl-C and SIGTERM at any moment of a run: it returns the result so far, and what it keeps is whole."""

import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import objectives
import oracles
import pytest

from asng_core import Integer, Minimizer, Real, Space, checkpoint, minimize
from asng_core.loop import interrupts, store

SPACE = Space({"a": Integer(0, 9), "b": Integer(0, 9), "x": Real(0, 9)}, constraints=[lambda v: v["a"] + v["b"] > 2])
WORDS = {signal.SIGINT: "interrupted by the user", signal.SIGTERM: "terminated by SIGTERM"}


class Pressing:
    """Within, sends `number` to this process before the line of asng_core that comes as the `at`-th.

    n: the lines until then. ours: whether a run had taken the signal over.
    """

    def __init__(self, at=None, number=signal.SIGINT):
        self.at, self.number, self.n, self.ours = at, number, 0, None

    def __enter__(self):
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_):
        sys.settrace(self._before)

    def _trace(self, frame, event, argument):
        if "asng_core" not in frame.f_code.co_filename:
            return None
        if event == "line":
            if self.n == self.at:
                self.ours = signal.getsignal(self.number) not in (signal.default_int_handler, signal.SIG_DFL)
                if self.ours or self.number == signal.SIGINT:
                    os.kill(os.getpid(), self.number)
            self.n += 1
        return self._trace


def run(path, objective=objectives.distance, budget=12, **settings):
    return minimize(objective, SPACE, budget=budget, seed=1, checkpoint=path, **settings)


def state_of(path):
    state = checkpoint.read(path, Minimizer.FORMAT)
    del state["minimize"]["supersedes"], state["minimize"]["seconds"]
    return oracles.exact(state)


@pytest.mark.parametrize("n", [4, pytest.param(20, marks=pytest.mark.attack)])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_press_before_any_line_gives_the_result_so_far_and_a_whole_state(number, n, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_SAVE_EVERY", 0.01)
    whole = run(tmp_path / "whole")
    paid = []
    with Pressing() as counting:
        run(tmp_path / "counted")
    rng, returned = random.Random(number), 0
    # of the lines most are the optimizer's; the first and the last are the loop's
    lines = [*rng.sample(range(counting.n), n), *rng.sample(range(1500), n // 2),
             *rng.sample(range(counting.n - 1500, counting.n), n // 2)]
    for at in lines:
        path = tmp_path / f"run{at}"
        paid.clear()

        def objective(values):
            loss = objectives.distance(values)
            paid.append(values)
            return loss

        with Pressing(at, number) as pressing:
            try:
                result = run(path, objective)
            except KeyboardInterrupt:
                assert not pressing.ours  # before or after the run
                continue
        if pressing.ours:
            returned += 1
            assert WORDS[number] in result.stop_reason
        assert result.n_evaluations == len(paid)
        assert Minimizer.load(path, SPACE).n_told == len(paid)
        assert sorted(each.name for each in tmp_path.iterdir() if f"run{at}" in each.name) == [path.name]
        resumed = run(path, objective)
        assert len(paid) == 12
        np.testing.assert_array_equal(resumed.history.codes, whole.history.codes)
        assert state_of(path) == state_of(tmp_path / "whole")
    assert returned >= 0.6 * len(lines)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("seed", range(3))
def test_presses_at_any_time_with_workers(seed, tmp_path):
    rng = random.Random(seed)
    for i in range(8):
        path = tmp_path / str(i)
        timer = threading.Timer(0.03 + rng.random() * 0.3, os.kill, (os.getpid(), signal.SIGINT))
        entered = threading.Event()

        def objective(values, entered=entered, timer=timer):
            if not entered.is_set():
                entered.set()
                timer.start()
            time.sleep(0.001)
            return objectives.distance(values)

        result = run(path, objective, 10**6, executor=lambda: ThreadPoolExecutor(3), n_workers=3)
        assert result.stop_reason == "interrupted by the user"
        assert Minimizer.load(path, SPACE).n_told == result.n_evaluations
        resumed = run(path, budget=result.n_evaluations + 5)
        assert resumed.n_evaluations == result.n_evaluations + 5


@pytest.mark.parametrize("presses", [1, 2, 5, 40])
def test_an_impatient_user_gets_the_result_too(presses, tmp_path):
    write = checkpoint.write

    def slow(path, state):
        for _ in range(presses):
            os.kill(os.getpid(), signal.SIGINT)
        return write(path, state)

    with pytest.MonkeyPatch.context() as patch:
        def ending(progress):
            patch.setattr(store.checkpoint, "write", slow)
            return True

        result = run(tmp_path / "run", callback=ending, budget=100)
    assert result.stop_reason == "stopped by the callback, then interrupted by the user"
    assert result.n_evaluations == Minimizer.load(tmp_path / "run", SPACE).n_told == 1


def test_a_constraint_that_never_ends_can_be_pressed_away_and_the_files_are_whole(tmp_path):
    path, calls, pressed = tmp_path / "run", [], []

    def constraint(values):
        calls.append(values)
        if len(calls) == 300:
            for _ in range(3):
                pressed.append(1)
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.001)
            raise AssertionError("the third press was not heard")
        return True

    space = Space(SPACE.variables, constraints=[constraint])
    result = minimize(objectives.distance, space, budget=50, seed=1, checkpoint=path)
    assert len(pressed) == 3
    assert result.stop_reason == "interrupted by the user"
    assert 0 < result.n_evaluations < 50
    resumed = minimize(objectives.distance, space, budget=50, checkpoint=path)
    np.testing.assert_array_equal(resumed.history.codes,
                                  minimize(objectives.distance, space, budget=50, seed=1).history.codes)


def test_an_error_of_the_optimizer_itself_leaves_files_that_go_on(tmp_path):
    path, calls = tmp_path / "run", []

    def constraint(values):
        calls.append(values)
        if len(calls) == 300:
            raise MemoryError
        return True

    space = Space(SPACE.variables, constraints=[constraint])
    with pytest.raises((RuntimeError, MemoryError)) as raised:
        minimize(objectives.distance, space, budget=50, seed=1, checkpoint=path)
    assert 0 < raised.value.result.n_evaluations < 50
    resumed = minimize(objectives.distance, space, budget=50, checkpoint=path)
    np.testing.assert_array_equal(resumed.history.codes,
                                  minimize(objectives.distance, space, budget=50, seed=1).history.codes)


def test_a_press_in_a_run_within_a_run_ends_both():
    inner = []

    def objective(values):
        def slow(values):
            if len(inner) == 1:
                os.kill(os.getpid(), signal.SIGINT)
            return 1.0

        result = minimize(slow, SPACE, budget=3, seed=1)
        inner.append(result)
        return result.loss

    result = minimize(objective, SPACE, budget=10, seed=1)
    assert result.stop_reason == "interrupted by the user"
    assert result.n_evaluations == len(inner) == 1


def test_a_handler_of_the_users_own_stays(monkeypatch):
    heard = []
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.signal(number, lambda number, frame: heard.append(number))
        try:
            result = minimize(lambda v, number=number: os.kill(os.getpid(), number) or 1.0, SPACE, budget=2, seed=1)
        finally:
            signal.signal(number, before)
        assert result.n_evaluations == 2
    assert heard == [signal.SIGINT] * 2 + [signal.SIGTERM] * 2


def test_a_press_while_an_executor_is_made_gives_the_result_of_the_runs_before(tmp_path):
    def factory():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(20)

    begun = time.monotonic()
    before = run(tmp_path / "run")
    result = run(tmp_path / "run", budget=99, executor=factory)
    assert time.monotonic() - begun < 10
    assert result.stop_reason == "interrupted by the user"
    assert result.n_evaluations == before.n_evaluations == 12


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize("thread", [False, True])
def test_a_forked_child_has_the_usual_handlers(thread):
    context, found = multiprocessing.get_context("fork"), []

    def objective(values):
        def ask():
            receiver, sender = context.Pipe(False)
            process = context.Process(target=lambda: sender.send(
                [signal.getsignal(signal.SIGINT) is signal.default_int_handler,
                 signal.getsignal(signal.SIGTERM) is signal.SIG_DFL]))
            process.start()
            found.append(receiver.recv())
            process.join()

        if thread:
            worker = threading.Thread(target=ask)
            worker.start()
            worker.join()
        else:
            ask()
        return 1.0

    minimize(objective, SPACE, budget=1, seed=1)
    assert found == [[True, True]]


def test_a_press_in_the_midst_of_a_look_is_not_lost():
    """Between any two instructions, as Python 3.10 hears signals; later ones hear them at calls and jumps."""
    before, reached, at = sys.gettrace(), True, 0
    while reached:
        held, n, reached, heard = interrupts.Interrupts(), 0, False, False

        def trace(frame, event, argument, held=held, at=at):
            nonlocal n, reached
            if frame.f_code is not interrupts.Interrupts.check.__code__:
                return None
            frame.f_trace_opcodes = True
            if event == "opcode":
                if n == at:
                    reached = True
                    held._come(signal.SIGINT, frame)
                n += 1
            return trace

        sys.settrace(trace)
        try:
            held.check()
        except KeyboardInterrupt:
            heard = True
        finally:
            sys.settrace(before)
        assert not reached or heard or held.waiting is KeyboardInterrupt, at
        at += 1
    assert at > 2  # instructions, of which later Pythons need fewer
