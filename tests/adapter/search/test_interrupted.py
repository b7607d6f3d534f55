"""A search that is interrupted anywhere and saved goes on as one that was not, or its file says that it cannot."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from searches import assert_equal, build, build_enas, criterion, state

TESTS = Path(__file__).parents[2]
STEPS = 4
OPTIONS = {"steps": STEPS, "ema": 0.9, "clip": 1.0}


def at_line(act, line):
    """A trace function that acts at the line of the packages that is executed as number `line`; counts them."""
    def trace(frame, event, argument):
        if "/asng_" not in frame.f_code.co_filename or "/tests/" in frame.f_code.co_filename:
            return None
        if event == "line":
            trace.n += 1
            if trace.n - 1 == line:
                act()
        return trace

    trace.n = 0
    return trace


def run(search, line, act):
    """Search, with `act` at a line of the second or third step. The number of lines of these two."""
    torch.manual_seed(9)
    trace = at_line(act, line)
    try:
        for record in search:
            if record.step == 1:
                sys.settrace(trace)  # in the frames to come, and in those of this loop's steps
            elif record.step == 3:
                sys.settrace(None)
    finally:
        sys.settrace(None)
    return trace.n


def press():
    signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def whole():
    """The state at the end, and the lines of two steps."""
    torch.set_num_threads(1)
    search = build(**OPTIONS)
    n = run(search, -1, press)
    return state(search), n


def lines(n_lines, seed, n=3):
    """The first and the last ones, and random ones."""
    return sorted({0, *range(n_lines - 3, n_lines), *np.random.default_rng(seed).integers(n_lines, size=n)})


SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.attack if seed < 3 else pytest.mark.slow) for seed in range(1, 21))]


@pytest.mark.parametrize("seed", SEEDS)
def test_ctrl_c_at_any_line_is_heard_between_two_steps(tmp_path, whole, seed):
    expected, n_lines = whole
    for line in lines(n_lines, seed):
        search = build(**OPTIONS)
        with pytest.raises(KeyboardInterrupt):
            run(search, line, press)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        search.save(tmp_path / "a")
        for again in (search, build(**OPTIONS)):  # in this process, and as in another one
            again.resume(tmp_path / "a")
            list(again)
            assert_equal(state(again), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_that_was_saved_after_an_error_at_any_line_says_so_or_is_whole(tmp_path, whole, seed):
    def fail():
        raise MemoryError("raised by the test")

    expected, n_lines = whole
    said = 0
    for line in lines(n_lines, seed):
        search, again = build(**OPTIONS), build(**OPTIONS)
        with pytest.raises(MemoryError):
            run(search, line, fail)
        search.save(tmp_path / "a")
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            again.resume(tmp_path / "a")
        if warned:
            assert f"step {search.step + 1} of this search broke off half way" in str(warned[0].message)
            said += 1
        else:
            list(again)
            assert_equal(state(again), expected)
    assert 0 < said < len(lines(n_lines, seed))


def pressing(search, step, n=1, number=signal.SIGINT):
    """Let the criterion of a step press Ctrl-C, in training."""
    def loss(outputs, targets):
        nonlocal n
        if search.step == step - 1 and n:
            n -= 1
            signal.raise_signal(number)
        return criterion(outputs, targets)

    search.objective.criterion = loss


@pytest.mark.parametrize("step", [1, 2, STEPS])
def test_the_interrupted_step_is_seen_before_ctrl_c_is_raised(step):
    search, seen = build(**OPTIONS), []
    pressing(search, step)
    with pytest.raises(KeyboardInterrupt):
        any(seen.append(record.step) for record in search)
    assert seen == list(range(1, step + 1))
    assert [record.step for record in search] == list(range(step + 1, STEPS + 1))


def test_ctrl_c_pressed_three_times_is_heard_at_once_and_the_file_says_so(tmp_path):
    search = build(**OPTIONS)
    pressing(search, 2, n=3)
    with pytest.raises(KeyboardInterrupt):
        list(search)
    assert search.step == 1
    search.save(tmp_path / "a")
    with pytest.warns(UserWarning, match=r"step 2 .* broke off half way .* saved earlier"):
        build(**OPTIONS).resume(tmp_path / "a")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_handler_of_the_user_hears_between_two_steps(number):
    search, heard = build(**OPTIONS), []
    pressing(search, 2, number=number)
    before = signal.signal(number, lambda *arguments: heard.append(search.step))
    try:
        for record in search:
            assert heard == [2] * (record.step > 1)
    finally:
        signal.signal(number, before)
    assert heard == [2]


def test_a_search_in_another_thread_leaves_signals_alone():
    search = build(**OPTIONS)
    thread = threading.Thread(target=lambda: list(search))
    thread.start()
    thread.join()
    assert search.step == STEPS


IN_A_TERMINAL = """
import sys, time, torch
from searches import Augmented, build_enas
torch.set_num_threads(1)
fetched = Augmented.__getitem__
Augmented.__getitem__ = lambda self, index: (time.sleep(0.05), fetched(self, index))[1]  # the search waits for them
search = build_enas(steps=5)
try:
    for record in search:
        print(record.step, flush=True)
except KeyboardInterrupt:
    search.save(sys.argv[1])
    print("saved", flush=True)
"""


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_reaches_the_workers_of_loaders_too(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (TESTS.parent, TESTS)))}
    process = subprocess.Popen([sys.executable, "-c", IN_A_TERMINAL, tmp_path / "a"], env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert process.stdout.readline() == "1\n"
    time.sleep(0.2)  # it is on the way to its next batches
    os.killpg(process.pid, signal.SIGINT)  # the group of its own session
    printed, errors = process.communicate(timeout=60)
    assert printed.endswith("saved\n"), errors
    whole, again = build_enas(steps=5), build_enas(steps=5)
    list(whole)
    again.resume(tmp_path / "a")
    list(again)
    assert_equal(state(again), state(whole))


def test_ctrl_c_while_a_file_is_loaded_waits_until_it_is(tmp_path, monkeypatch):
    saved, search = build(**OPTIONS), build(**OPTIONS)
    list(saved)
    saved.save(tmp_path / "a")
    monkeypatch.setattr(search.supernet, "load_state_dict",
                        lambda state, load=search.supernet.load_state_dict: (press(), load(state)))
    with pytest.raises(KeyboardInterrupt):
        search.resume(tmp_path / "a")
    assert_equal(state(search), state(saved))
