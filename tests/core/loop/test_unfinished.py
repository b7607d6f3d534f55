"""Whatever ends a run, what was paid for comes out: in what is raised, in the file, in the log."""

import dataclasses
import errno
import logging
import shutil
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import objectives
import pytest

from asng_core import Integer, Minimizer, Space, checkpoint, maximize, minimize
from asng_core.loop import store
from asng_core.loop.unfinished import Unfinished

SPACE = Space({"a": Integer(0, 9), "b": Integer(0, 9), "c": Integer(0, 9)})


def after(n, error, objective=objectives.distance):
    """`objective`, but its call number n + 1 raises or returns `error`."""
    calls = []

    def wrapped(values):
        calls.append(values)
        if len(calls) <= n:
            return objective(values)
        if isinstance(error, BaseException):
            raise error
        return error

    return wrapped


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    text: str = "frozen"


class Slotted(Exception):
    __slots__ = ("x",)

    def __setattr__(self, name, value):
        raise TypeError("nothing can be set")


class Own(Exception):
    """Has a result of its own."""

    result = 5


# what is raised carries the result


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), Frozen(), Slotted(), SystemExit(3), MemoryError()])
@pytest.mark.parametrize("file", [False, True])
def test_an_exception_of_the_objective_carries_the_result(error, file, tmp_path):
    path = tmp_path / "run" if file else None
    with pytest.raises(type(error)) as raised:
        maximize(after(40, error), SPACE, budget=100, seed=1, checkpoint=path)
    assert raised.value is error
    result = error.result
    assert (result.n_evaluations, len(result.history)) == (40, 40)
    assert result.loss == result.history.losses.max()
    assert type(error).__name__ in result.stop_reason
    if file:
        assert Minimizer.load(path).n_told == 40
        assert [each.name for each in tmp_path.iterdir()] == ["run"]


def test_an_exception_with_a_result_of_its_own_keeps_it_and_ours_is_raised_from_it():
    with pytest.raises(Unfinished, match="Own") as raised:
        minimize(after(7, Own()), SPACE, budget=100, seed=1)
    assert raised.value.result.n_evaluations == 7
    assert raised.value.__cause__.result == 5


@pytest.mark.parametrize("loss", [None, "text", (1.0, 2.0)])
def test_what_is_no_loss_costs_no_other_result(loss):
    with pytest.raises((TypeError, ValueError), match="must return") as raised:
        minimize(after(30, loss), SPACE, budget=100, seed=1)
    assert raised.value.result.n_evaluations == 30


class Together(ThreadPoolExecutor):
    """Its futures are looked at once `n` of them are done."""

    n = 8

    def submit(self, function, *args):
        future = super().submit(function, *args)
        self.futures = [*getattr(self, "futures", []), future]
        if len(self.futures) == self.n:
            for each in self.futures:
                each.exception()
        return future


@pytest.mark.parametrize("bad", [None, ZeroDivisionError("x"), KeyboardInterrupt()])
@pytest.mark.parametrize("nth", [0, 4, 7])
def test_all_that_ended_with_a_bad_evaluation_is_told(bad, nth, tmp_path):
    order = iter(range(100))

    def objective(values):
        if next(order) != nth:
            return objectives.distance(values)
        if bad is None:
            return None
        raise bad

    def run():
        return minimize(objective, SPACE, budget=100, seed=1, executor=lambda: Together(8), n_workers=8,
                        checkpoint=tmp_path / "run")

    if isinstance(bad, KeyboardInterrupt):
        result = run()
    else:
        with pytest.raises((TypeError, ZeroDivisionError)) as raised:
            run()
        result = raised.value.result
    assert result.n_evaluations == 7
    saved = Minimizer.load(tmp_path / "run")
    assert (saved.n_told, len(saved.pending)) == (7, 1)


@pytest.mark.parametrize("answer", [True, ValueError("callback"), KeyboardInterrupt()])
def test_a_callback_that_stops_or_raises_drops_nothing(answer, tmp_path):
    seen = []

    def callback(progress):
        seen.append(progress.n_evaluations)
        if len(seen) == 3:
            if isinstance(answer, BaseException):
                raise answer
            return answer
        return None

    def run():
        return minimize(objectives.distance, SPACE, budget=100, seed=1, executor=lambda: Together(8), n_workers=8,
                        callback=callback, checkpoint=tmp_path / "run")

    if isinstance(answer, ValueError):
        with pytest.raises(ValueError, match="callback") as raised:
            run()
        result = raised.value.result
    else:
        result = run()
    assert result.n_evaluations == Minimizer.load(tmp_path / "run").n_told == 8
    assert seen == list(range(1, 4 if isinstance(answer, KeyboardInterrupt) else 9))


def test_what_ends_while_the_run_is_ending_is_told():
    both, first, futures = threading.Barrier(2), threading.Event(), []

    class Noting(ThreadPoolExecutor):
        def submit(self, *arguments):
            futures.append(super().submit(*arguments))
            return futures[-1]

    def objective(values):
        if both.wait(20) == 1:
            first.wait(20)
        return 0.0

    def callback(progress):
        first.set()
        wait(futures, 20)
        return True

    result = minimize(objective, SPACE, budget=100, seed=1, executor=lambda: Noting(2), n_workers=2, callback=callback)
    assert result.n_evaluations == 2
    assert result.stop_reason == "stopped by the callback"


# writing that fails


class Disk:
    """Stands for `checkpoint.write`: while `error` is set nothing can be written."""

    def __init__(self, monkeypatch):
        self.error, self._write, self.tries = None, checkpoint.write, 0
        monkeypatch.setattr(store.checkpoint, "write", self)
        monkeypatch.setattr(store, "_SAVE_EVERY", 0.0)
        monkeypatch.setattr(store, "_SAVING_SHARE", float("inf"))

    def __call__(self, path, state):
        self.tries += 1
        if self.error is not None:
            raise self.error
        return self._write(path, state)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_save_that_fails_is_warned_of_once_and_tried_again(number, monkeypatch, tmp_path):
    disk, path, states = Disk(monkeypatch), tmp_path / "run", []

    def objective(values):
        states.append(Minimizer.load(path).n_told)
        disk.error = OSError(number, "no") if 10 <= len(states) < 20 else None
        return objectives.distance(values)

    with pytest.warns(RuntimeWarning, match="the state could not be saved.*run.*is kept") as warned:
        result = minimize(objective, SPACE, budget=30, seed=1, checkpoint=path)
    assert len(warned) == 1
    assert disk.tries > 30
    assert result.n_evaluations == Minimizer.load(path).n_told == 30
    assert states == [*range(10), *[9] * 10, *range(20, 30)]


@pytest.mark.parametrize("targets", [["os.fsync"], ["pathlib.Path.replace"], ["pathlib.Path.open"],
                                     ["asng_core.loop.journal.FileIO"], ["os.fsync", "asng_core.loop.journal.FileIO"]])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_whatever_step_of_writing_fails_the_run_and_a_later_one_lose_nothing(targets, number, monkeypatch, tmp_path):
    path, calls = tmp_path / "run", []
    monkeypatch.setattr(store, "_SAVE_EVERY", 0.0)
    monkeypatch.setattr(store, "_SAVING_SHARE", float("inf"))

    def no(*_, **__):
        raise OSError(number, "no")

    with pytest.MonkeyPatch.context() as failing:
        def objective(values):
            calls.append(values)
            if len(calls) == 10:
                for target in targets:
                    failing.setattr(target, no)
            if len(calls) == 20:
                failing.undo()
            return objectives.distance(values)

        with pytest.warns(RuntimeWarning, match="could not be") as warned:
            result = minimize(objective, SPACE, budget=30, seed=1, checkpoint=path)
    assert len(warned) == 1  # of one cause, however often and wherever
    assert result.n_evaluations == 30
    np.testing.assert_array_equal(minimize(objective, SPACE, budget=31, checkpoint=path).history.losses[:30],
                                  result.history.losses)
    assert len(calls) == 31
    assert [each.name for each in tmp_path.iterdir()] == ["run"]


def test_the_last_save_raises_with_the_result_and_leaves_file_and_journal(monkeypatch, tmp_path):
    disk, path = Disk(monkeypatch), tmp_path / "run"

    def objective(values):
        disk.error = OSError(errno.ENOSPC, "full")
        return objectives.distance(values)

    with pytest.warns(RuntimeWarning), pytest.raises(OSError, match="full") as raised:
        minimize(objective, SPACE, budget=30, seed=1, checkpoint=path)
    assert raised.value.result.n_evaluations == 30
    assert sorted(each.name for each in tmp_path.iterdir()) == ["run", "run.journal"]
    disk.error = None
    again = minimize(after(0, AssertionError()), SPACE, budget=30, checkpoint=path)
    np.testing.assert_array_equal(again.history.losses, raised.value.result.history.losses)
    assert [each.name for each in tmp_path.iterdir()] == ["run"]


def test_the_objectives_error_comes_before_that_of_the_last_save(monkeypatch, tmp_path):
    disk, calls = Disk(monkeypatch), []

    def objective(values):
        calls.append(values)
        if len(calls) == 9:
            disk.error = OSError(errno.ENOSPC, "full")
            raise ZeroDivisionError
        return 1.0

    with pytest.warns(RuntimeWarning, match="last state could not be saved.*full"), \
            pytest.raises(ZeroDivisionError) as raised:
        minimize(objective, SPACE, budget=30, seed=1, checkpoint=tmp_path / "run")
    assert raised.value.result.n_evaluations == 8


def test_the_first_save_raises_before_anything_is_evaluated(monkeypatch, tmp_path):
    Disk(monkeypatch).error = OSError(errno.EROFS, "read-only")
    with pytest.raises(OSError, match="read-only"):
        minimize(after(0, AssertionError()), SPACE, budget=30, checkpoint=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_for_a_while_costs_nothing(monkeypatch, tmp_path):
    Disk(monkeypatch)
    folder, calls = tmp_path / "folder", []
    folder.mkdir()

    def objective(values):
        calls.append(values)
        if len(calls) == 10:
            shutil.rmtree(folder)
        if len(calls) == 20:
            folder.mkdir()
        return objectives.distance(values)

    with pytest.warns(RuntimeWarning, match="No such file"):
        result = minimize(objective, SPACE, budget=30, seed=1, checkpoint=folder / "run")
    assert result.n_evaluations == Minimizer.load(folder / "run").n_told == 30
    assert [each.name for each in folder.iterdir()] == ["run"]


def test_warnings_that_are_errors_cost_no_result(monkeypatch, tmp_path):
    disk, calls = Disk(monkeypatch), []

    def objective(values):
        calls.append(values)
        disk.error = OSError(errno.ENOSPC, "full") if len(calls) == 10 else None
        return objectives.distance(values)

    with pytest.raises(RuntimeWarning, match="full") as raised:
        minimize(objective, SPACE, budget=30, seed=1, checkpoint=tmp_path / "run")
    assert raised.value.result.n_evaluations == 10
    assert Minimizer.load(tmp_path / "run").n_told == 9  # the rest is in the journal
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        disk.error = None
        assert minimize(objectives.distance, SPACE, budget=11, checkpoint=tmp_path / "run").n_evaluations == 11


# failures and why


def failing(values):
    if values["a"] % 2:
        raise ArithmeticError(f"a is {values['a']}")
    return objectives.distance(values)


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor])
def test_a_caught_exception_is_kept_and_logged(executor, tmp_path, caplog):
    path = tmp_path / "run"
    with caplog.at_level(logging.WARNING, logger="asng_core"):
        first = minimize(failing, SPACE, budget=40, seed=1, catch=Exception, executor=executor, checkpoint=path,
                         n_workers=None if executor is None else 2)
    failed = {number: values for number, values, loss in
              zip(first.history.ids.tolist(), first.history.values, first.history.losses, strict=True) if loss != loss}
    assert set(first.errors) == set(failed)
    assert len(failed) == first.n_failed == len(caplog.records) > 5
    for number, values in failed.items():
        assert "Traceback" in first.errors[number]
        assert "in failing" in first.errors[number]
        assert "asng_core" not in first.errors[number]
        assert first.errors[number].endswith(f"ArithmeticError: a is {values['a']}")
    again = minimize(failing, SPACE, budget=60, catch=Exception, checkpoint=path)
    assert first.errors.items() <= again.errors.items()
    assert len(again.errors) == again.n_failed


def test_a_long_message_is_cut():
    def objective(values):
        raise ValueError("x" * 10**6)

    errors = minimize(objective, SPACE, budget=3, seed=1, catch=Exception).errors
    assert all(len(text) < 5000 for text in errors.values())
    assert all("ValueError: x" in text or text.endswith("xxx") for text in errors.values())


def test_a_smaller_budget_says_how_many_were_made(tmp_path):
    minimize(objectives.distance, SPACE, budget=65, seed=1, checkpoint=tmp_path / "run")
    result = minimize(objectives.distance, SPACE, budget=10, checkpoint=tmp_path / "run")
    assert result.stop_reason == "budget of 10 evaluations used up before: 65 were made"
