"""A checkpoint, its journal and its lock: what survives a kill, and what two runs at once do."""

import errno
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import killed
import numpy as np
import objectives
import oracles
import pytest

from asng_core import CheckpointError, Integer, Minimizer, Space, checkpoint, maximize, minimize
from asng_core.loop import lock, store
from asng_core.loop.journal import Journal

SPACE = Space({"a": Integer(0, 9), "b": Integer(0, 9), "c": Integer(0, 9)})
BUDGET = 60


def start(folder, *arguments, budget=BUDGET):
    """The run of `killed` in a process of its own."""
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, killed.__file__, folder / "run", folder / "log", budget, *arguments]
    return subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"})


def noted(folder, word):
    lines = (folder / "log").read_text().splitlines() if (folder / "log").exists() else []
    return [line.partition(" ")[2] for line in lines if line.startswith(word)]


def kill_within(process, seconds, folder):
    """SIGKILL so many seconds after its first evaluation; whether it was alive."""
    known = len(noted(folder, "began"))
    deadline = time.monotonic() + 30
    while process.poll() is None and len(noted(folder, "began")) == known and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(seconds)
    alive = process.poll() is None
    process.kill()
    process.communicate()
    return alive


def state_of(path):
    state = checkpoint.read(path, Minimizer.FORMAT)
    del state["minimize"]["supersedes"], state["minimize"]["errors"], state["minimize"]["seconds"]
    return oracles.exact(state)


# killed


@pytest.mark.parametrize("noisy", [[], ["noisy"]])
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not(noisy, tmp_path):
    whole, parts, rng = tmp_path / "whole", tmp_path / "parts", random.Random(len(noisy))
    whole.mkdir()
    parts.mkdir()
    expected = killed.run(whole / "run", whole / "log", BUDGET, 0, bool(noisy))
    kills = 0
    for _ in range(5):
        kills += kill_within(start(parts, 0, *noisy), rng.random() * 0.08, parts)
    ended = noted(parts, "ended")
    result = killed.run(parts / "run", parts / "log", BUDGET, 0, bool(noisy))
    assert kills >= 4
    expected_ended = iter(noted(whole, "ended"))
    assert all(point in expected_ended for point in ended)  # in this order; a kill may come between telling and saying
    assert result.n_evaluations == BUDGET
    for name in ("codes", "losses", "violations", "ids"):
        np.testing.assert_array_equal(getattr(result.history, name), getattr(expected.history, name))
    assert state_of(parts / "run") == state_of(whole / "run")
    assert len(noted(parts, "began")) <= BUDGET + kills  # only what was under way is paid again
    assert sorted(each.name for each in parts.iterdir()) == ["log", "run"]


@pytest.mark.parametrize("workers", [1, 3])
def test_with_workers_nothing_that_was_reported_is_paid_again(workers, tmp_path):
    rng, kills = random.Random(workers), 0
    for _ in range(3):
        kills += kill_within(start(tmp_path, workers), rng.random() * 0.08, tmp_path)
        ended = noted(tmp_path, "ended")
    before = len(noted(tmp_path, "began"))
    result = killed.run(tmp_path / "run", tmp_path / "log", BUDGET, workers)
    assert result.n_evaluations == BUDGET
    assert sorted(result.history.ids.tolist()) == list(range(BUDGET))
    assert len(np.unique(result.history.codes, axis=0)) == BUDGET
    assert not set(ended) & set(noted(tmp_path, "began")[before:])
    assert len(noted(tmp_path, "began")) <= BUDGET + kills * workers


def pair(values):
    """Two losses; the first points may fail before it is known that there are two."""
    if values["a"] > 2:
        raise ArithmeticError("large")
    return float(values["b"]), -0.0 if values["c"] else float("inf")


@pytest.mark.parametrize(("objective", "function", "settings"), [
    (objectives.failing_at_nine, minimize, {}), (pair, maximize, {}), (pair, minimize, {"vectorized": True}),
    (objectives.distance, minimize, {"space": Space({"a": Integer(0, 39)})})])
def test_what_a_killed_run_had_told_is_in_the_journal_alone(objective, function, settings, tmp_path, monkeypatch):
    """The checkpoint of the beginning and the journal, cut after every line, are as good as the run itself."""
    path, copies = tmp_path / "run", []
    monkeypatch.setattr(store, "_SAVE_EVERY", 1e9)
    settings = {"space": SPACE, "budget": 40} | settings
    if settings["space"] is not SPACE:  # which has fewer points
        settings["budget"] = 45

    def copying(values):
        copies.append((path.read_bytes(), path.with_name("run.journal").read_bytes()))
        if settings.get("vectorized"):
            return [(a, b) if a < 8 else (float("nan"), 1.0) for a, b in zip(values["a"], values["b"], strict=True)]
        return objective(values)

    whole = function(copying, **settings, seed=1, checkpoint=path, catch=ArithmeticError)
    end, n_calls = state_of(path), len(copies)
    for told in (0, 1, n_calls // 2, n_calls - 1):
        for spared in (0, 1, 30):  # bytes that were being written
            begun, journal = copies[told]
            path.write_bytes(begun)
            path.with_name("run.journal").write_bytes(journal + b"12345678 {\"tell\": [5], \"losses\": "[:spared])
            calls = len(copies)
            result = function(copying, **settings, checkpoint=path, catch=ArithmeticError)
            assert len(copies) - calls == n_calls - told
            assert state_of(path) == end
            assert result.errors.keys() == whole.errors.keys()
            assert result.stop_reason == whole.stop_reason


def test_a_kill_between_checkpoint_and_journal_neither_loses_nor_doubles(tmp_path, monkeypatch):
    """With every earlier journal left beside every later checkpoint that took its place."""
    path, pairs = tmp_path / "run", []
    monkeypatch.setattr(store, "_SAVE_EVERY", 0.0)
    monkeypatch.setattr(store, "_SAVING_SHARE", float("inf"))
    start_journal = Journal.start

    def start(journal, first):
        if journal.path.exists():
            pairs.append((path.read_bytes(), journal.path.read_bytes()))
        start_journal(journal, first)

    monkeypatch.setattr(Journal, "start", start)
    whole = minimize(objectives.distance, SPACE, budget=12, seed=1, checkpoint=path)
    kept, end = list(pairs), state_of(path)
    assert len(kept) == 12
    for told, (state, journal) in enumerate(kept, 1):
        calls = []
        path.write_bytes(state)
        path.with_name("run.journal").write_bytes(journal)
        result = minimize(lambda v, calls=calls: calls.append(v) or objectives.distance(v), SPACE, budget=12,
                          checkpoint=path)
        assert len(calls) == 12 - told
        np.testing.assert_array_equal(result.history.codes, whole.history.codes)
        assert state_of(path) == end


def journal_of(tmp_path):
    """A checkpoint and a journal of six evaluations, as a killed process leaves them."""
    path, copies = tmp_path / "run", []

    def objective(values):
        copies.append((path.read_bytes(), path.with_name("run.journal").read_bytes()))
        return objectives.distance(values)

    minimize(objective, SPACE, budget=7, seed=1, checkpoint=path)
    path.write_bytes(copies[-1][0])
    path.with_name("run.journal").write_bytes(copies[-1][1])
    return path, path.with_name("run.journal")


def test_damage_anywhere_before_the_last_line_is_an_error_and_changes_nothing(tmp_path):
    path, journal = journal_of(tmp_path)
    whole, state = journal.read_bytes(), path.read_bytes()
    for at in range(0, len(whole) - 1, 7):
        journal.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        with pytest.raises(CheckpointError, match=r"journal.*Delete it to go on"):
            minimize(objectives.distance, SPACE, budget=8, checkpoint=path)
        assert (path.read_bytes(), len(journal.read_bytes())) == (state, len(whole))
    lines = whole.splitlines(keepends=True)
    for gone in range(len(lines) - 1):
        journal.write_bytes(b"".join(lines[:gone] + lines[gone + 1:]))
        with pytest.raises(CheckpointError, match="damaged in line"):
            minimize(objectives.distance, SPACE, budget=8, checkpoint=path)


def test_a_journal_of_another_checkpoint_is_refused_and_kept(tmp_path):
    path, journal = journal_of(tmp_path)
    before = journal.read_bytes()
    Minimizer(SPACE, seed=2).save(path)
    with pytest.raises(CheckpointError, match=r"do not belong together.*delete the journal to go on without it"):
        minimize(objectives.distance, SPACE, budget=8, checkpoint=path)
    path.unlink()
    with pytest.raises(CheckpointError, match="is not there, but the journal that continues it is"):
        minimize(objectives.distance, SPACE, budget=8, checkpoint=path)
    assert journal.read_bytes() == before
    journal.unlink()
    assert minimize(objectives.distance, SPACE, budget=8, checkpoint=path).n_evaluations == 8


@pytest.mark.parametrize("function", [minimize, maximize])
@pytest.mark.parametrize("objective", [objectives.failing_at_nine, pair, objectives.always_failing])
def test_where_other_points_are_asked_anew_the_evaluations_of_the_journal_count_as_they_are(objective, function,
                                                                                           tmp_path):
    """As on another kind of processor, whose last digits are others."""
    path, copies = tmp_path / "run", []

    def copying(values):
        copies.append((path.read_bytes(), path.with_name("run.journal").read_bytes()))
        return objective(values)

    settings = {"checkpoint": path, "catch": ArithmeticError}
    whole = function(copying, SPACE, budget=20, seed=1, **settings)
    state, journal = copies[-1]
    path.write_bytes(state)
    other = Journal(path.with_name("run.journal"))
    for n, line in enumerate(journal.splitlines()):
        event = json.loads(line[9:])
        if n == 2:  # the first that was told
            event["codes"][0][0] += 1 if event["codes"][0][0] < 9 else -1
        (other.note if n else other.start)(event)
    other.close()
    calls = len(copies)
    with pytest.warns(RuntimeWarning, match="19 evaluations of the journal are taken as they are"):
        result = function(copying, SPACE, budget=25, **settings)
    assert len(copies) - calls == 6
    assert result.n_evaluations == 25
    again = function(copying, SPACE, budget=25, **settings)
    assert (again.n_evaluations, again.n_failed) == (25, result.n_failed)
    assert len(copies) - calls == 6
    if objective is not objectives.always_failing:
        assert len(result.history) == 25
        np.testing.assert_array_equal(np.sort(result.history.losses[:19], axis=0),
                                      np.sort(whole.history.losses[:19], axis=0))
        failed = np.isnan(result.history.losses.reshape(25, -1)).any(axis=1)
        assert result.n_failed == failed.sum()
        assert set(result.errors) == set(result.history.ids[failed].tolist())


def test_a_journal_that_cannot_be_written_is_caught_up_with(tmp_path):
    class Full:
        """A file on a disk that is full for a while, after half a line."""

        def __init__(self, file):
            self.file, self.full = file, False

        def write(self, data):
            if self.full:
                self.file.write(data[:5])
                raise OSError(28, "full")
            return self.file.write(data[:3])  # as much as it likes

        def __getattr__(self, name):
            return getattr(self.file, name)

    journal = Journal(tmp_path / "journal")
    journal.start({"of": "x"})
    journal._file = full = Full(journal._file)
    events = [{"of": "x"}, *({"ask": n, "got": n} for n in range(6))]
    for event in events[1:]:
        full.full = event["ask"] in (2, 3)
        if full.full:
            with pytest.raises(OSError, match="full"):
                journal.note(event)
            assert Journal(journal.path).read() == events[:3]
        else:
            journal.note(event)
            assert Journal(journal.path).read() == events[: event["ask"] + 2]
    journal.close()


# locked


def test_a_second_run_is_told_who_holds_the_checkpoint(tmp_path):
    path = tmp_path / "run"

    def objective(values):
        with pytest.raises(RuntimeError, match=rf"minimize\(checkpoint=.*run.*is in use by process {os.getpid()} on "):
            minimize(objectives.distance, SPACE, budget=5, checkpoint=path)
        return 1.0

    assert minimize(objective, SPACE, budget=3, seed=1, checkpoint=path).n_evaluations == 3
    assert [each.name for each in tmp_path.iterdir()] == ["run"]


def test_a_link_and_its_target_are_one_checkpoint(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "run")

    def objective(values):
        with pytest.raises(RuntimeError, match="is in use"):
            minimize(objectives.distance, SPACE, budget=5, checkpoint=tmp_path / "run")
        return 1.0

    minimize(objective, SPACE, budget=2, seed=1, checkpoint=tmp_path / "link")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "run"]


def holding(path):
    """The objective's process holds the lock no longer than its parent."""
    return [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")
            if os.path.exists(f"/proc/self/fd/{name}") and ".lock" in os.readlink(f"/proc/self/fd/{name}")]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at open files")
def test_a_forked_worker_does_not_hold_the_lock(tmp_path):
    context = multiprocessing.get_context("fork")
    found = []

    def objective(values):
        receiver, sender = context.Pipe(False)
        process = context.Process(target=lambda: sender.send(holding(tmp_path)))
        process.start()
        found.append(receiver.recv())
        process.join()
        assert len(holding(tmp_path)) == 1
        return 1.0

    minimize(objective, SPACE, budget=2, seed=1, checkpoint=tmp_path / "run")
    assert found == [[], []]


def test_a_killed_run_leaves_no_lock_that_holds(tmp_path):
    kill_within(start(tmp_path, 0), 0.01, tmp_path)
    assert (tmp_path / ".run.lock").exists()
    killed.run(tmp_path / "run", tmp_path / "log", BUDGET, 0)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log", "run"]


def taking(path, rounds):
    """How often a lock could be had; it is held by one at a time, which a file beside it shows."""
    from asng_core.loop.lock import Lock

    had = 0
    for _ in range(rounds):
        try:
            with Lock("checkpoint", Path(path)):
                os.close(os.open(f"{path}.held", os.O_CREAT | os.O_EXCL))
                had += 1
                os.unlink(f"{path}.held")
        except RuntimeError:
            pass
    return had


def test_the_lock_is_one_processs_at_a_time_though_its_file_comes_and_goes(tmp_path):
    path = str(tmp_path / "lock")
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("fork")) as pool:
        had = list(pool.map(taking, [path] * 3, [400] * 3))
    assert min(had) > 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_went_before_it_was_locked_is_no_lock(tmp_path, monkeypatch):
    path, taken, gone = tmp_path / "lock", lock._taken, []

    def late(descriptor):
        if len(gone) < 2:  # whoever had it removes it; the second time another one has made a new file
            path.unlink()
            gone.append(path.touch() if gone else None)
        return taken(descriptor)

    monkeypatch.setattr(lock, "_taken", late)
    with lock.Lock("checkpoint", path):
        assert len(gone) == 2
        with pytest.raises(RuntimeError, match=f"checkpoint is in use by process {os.getpid()} on"), \
                lock.Lock("checkpoint", path):
            pass
    assert not path.exists()


def test_a_file_system_without_locks_is_warned_of(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def flock(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.warns(RuntimeWarning, match="this file system has no locks"):
        assert minimize(objectives.distance, SPACE, budget=3, seed=1, checkpoint=tmp_path / "run").n_evaluations == 3


def test_of_two_processes_on_one_checkpoint_one_runs(tmp_path):
    processes = [start(tmp_path, 0, budget=400) for _ in range(2)]
    deadline = time.monotonic() + 30
    while all(process.poll() is None for process in processes) and time.monotonic() < deadline:
        time.sleep(0.01)
    loser = next(process for process in processes if process.poll() is not None)
    winner = next(process for process in processes if process is not loser)
    assert f"is in use by process {winner.pid} on" in loser.communicate()[1]
    winner.send_signal(signal.SIGTERM)
    assert "terminated by SIGTERM" in winner.communicate()[0]
    ended = len(noted(tmp_path, "ended"))
    assert 0 < ended <= Minimizer.load(tmp_path / "run").n_told <= ended + 1  # the signal may come before the callback
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log", "run"]


# written on purpose, with checksums and digests that are right


def write_lines(path, lines):
    crc, content = 0, b""
    for line in lines:
        text = line if isinstance(line, bytes) else json.dumps(line).encode()
        crc = zlib.crc32(text, crc)
        content += b"%08x %s\n" % (crc, text)
    path.write_bytes(content)


TOLD = {"tell": [5], "codes": [[1, 2, 3]], "losses": [1.0], "why": {}}
WRONG_LINES = [
    b"", b"\xff", b"[" * 100_000, "x", [], 3, {}, {"ask": 1}, {"ask": -1, "got": -1}, {"ask": 10**19, "got": 0},
    {"ask": True, "got": 1}, {**TOLD, "tell": 5}, {**TOLD, "codes": [[None] * 3]}, {**TOLD, "codes": [1]},
    {**TOLD, "losses": []}, {**TOLD, "losses": ["1"]}, {**TOLD, "losses": [[]]}, {**TOLD, "losses": [10**400]},
    {**TOLD, "why": []}, {**TOLD, "why": {"x": "y"}}, {**TOLD, "why": {"1": 2}}, {"tell": [5]}]


@pytest.mark.parametrize("line", WRONG_LINES, ids=lambda line: str(line)[:40])
@pytest.mark.parametrize("first", [False, True])
def test_a_line_that_no_run_writes_is_refused_as_damage(line, first, tmp_path):
    path, journal = tmp_path / "run", tmp_path / "run.journal"
    minimize(objectives.distance, SPACE, budget=5, seed=1, checkpoint=path)
    head = {"of": checkpoint.digest(path), "n_asked": 5, "n_told": 5}
    write_lines(journal, [line] if first else [head, {"ask": 1, "got": 1}, line])
    with pytest.raises(CheckpointError, match=f"is damaged in line {1 if first else 3}. Delete it"):
        minimize(objectives.distance, SPACE, budget=9, checkpoint=path)


@pytest.mark.parametrize("code", [float("inf"), float("nan"), 10.0, -1, 0.5, 2**53])
def test_evaluations_of_no_point_are_refused(code, tmp_path):
    path = tmp_path / "run"
    minimize(objectives.distance, SPACE, budget=5, seed=1, checkpoint=path)
    lines = [{"of": checkpoint.digest(path)}, {"ask": 1, "got": 1}, {**TOLD, "codes": [[code, 2, 3]]}]
    write_lines(tmp_path / "run.journal", lines)
    with pytest.raises(CheckpointError, match="cannot be replayed"):
        minimize(objectives.distance, SPACE, budget=9, checkpoint=path)


@pytest.mark.parametrize("extras", [
    3, [], {}, {"maximize": 0}, {"failed": 3}, {"failed": [-1]}, {"failed": ["1"]}, {"errors": [1]},
    {"errors": [[1, 2]]}, {"errors": 3}, {"seconds": [[1, "2"]]}, {"attributes": [[1, 2]]},
    {"taken": [1]}, {"taken": [0, 1]}, {"taken": 3}, {"supersedes": 3},
    {"maximize": np.zeros(2)}])
def test_a_checkpoint_with_other_extras_is_refused(extras, tmp_path):
    path = tmp_path / "run"
    minimize(objectives.distance, SPACE, budget=5, seed=1, checkpoint=path)
    state = checkpoint.read(path, Minimizer.FORMAT)
    state["minimize"] = {**state["minimize"], **extras} if extras and isinstance(extras, dict) else extras
    checkpoint.write(path, state)
    with pytest.raises(CheckpointError, match="cannot be resumed"):
        minimize(objectives.distance, SPACE, budget=9, checkpoint=path)


@pytest.mark.parametrize("found", [np.zeros(2), np.zeros(1), 3, None, ["asng_core.Minimizer"]])
def test_a_checkpoint_whose_format_is_no_text_is_refused(found, tmp_path):
    checkpoint.write(tmp_path / "a", {"format": found})
    with pytest.raises(CheckpointError, match="is a checkpoint of"):
        Minimizer.load(tmp_path / "a")
