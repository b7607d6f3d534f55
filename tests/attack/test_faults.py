"""Saves into a disk that fails or is lost, or whose process is killed: the earlier file, or the new one whole."""

import contextlib
import errno
import os
import random
import signal
import subprocess
import sys
import time

import failing_disk
import forked
import oracles
import pytest
import saving

from asng_core import ASNG, Minimizer, Space

SPACE = Space.binary(20)
ERRORS = {"full": OSError(errno.ENOSPC, "No space left on device"), "denied": PermissionError(errno.EACCES, "denied"),
          "read-only": OSError(errno.EROFS, "Read-only file system"), "broken": OSError(errno.EIO, "I/O error")}


def run(kind, steps):
    optimizer = kind(SPACE, seed=1)
    for _ in range(steps):
        batch = optimizer.ask(4)
        optimizer.tell(batch, [float(each.codes.sum()) for each in batch])
    return optimizer


def recorded(path, optimizer, monkeypatch):
    with failing_disk.watched(failing_disk.Disk(path.parent), monkeypatch) as disk:
        optimizer.save(path)
    return disk


@pytest.mark.parametrize("kind", [ASNG, Minimizer])
@pytest.mark.parametrize("error", ERRORS)
def test_an_error_at_any_operation_of_a_save_leaves_a_whole_file(kind, error, tmp_path, monkeypatch):
    path, first, second = tmp_path / "a", run(kind, 2), run(kind, 4)
    first.save(path)
    old, before = path.read_bytes(), oracles.exact(second.state_dict())
    n, raised = recorded(path, second, monkeypatch).count, 0
    new = path.read_bytes()
    assert n >= 4
    for failing in range(n):
        path.write_bytes(old)
        try:
            with failing_disk.watched(failing_disk.Disk(tmp_path, failing, ERRORS[error]), monkeypatch):
                second.save(path)
        except OSError:
            raised += 1
        assert path.read_bytes() in (old, new)
        kind.load(path, space=SPACE)
        assert oracles.exact(second.state_dict()) == before
        second.save(path)  # the next one works, and clears away what was left
        assert path.read_bytes() == new
    assert raised >= 3  # opening, writing, synchronizing


def test_a_loss_of_power_at_any_operation_leaves_a_whole_file(tmp_path, monkeypatch):
    path, first, second = tmp_path / "a", run(ASNG, 2), run(ASNG, 4)
    first.save(path)
    old = path.read_bytes()
    disk = recorded(path, second, monkeypatch)
    found = failing_disk.after_power_loss(disk.log, {str(path): old})
    assert found[str(path)] == {old, path.read_bytes()}


def test_a_writer_that_does_not_synchronize_is_caught(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with failing_disk.watched(failing_disk.Disk(tmp_path), monkeypatch) as disk:
        with open(tmp_path / "b", "wb") as file:
            file.write(b"new")
        os.replace(tmp_path / "b", path)
    assert b"" in failing_disk.after_power_loss(disk.log, {str(path): b"old"})[str(path)]


@pytest.fixture(scope="module")
def forking():
    return forked.context("saving")


def kill(forking, path, rng):
    """A process that saves without end is killed after its first save: what it said was saved is there."""
    said, saying = forking.Pipe(duplex=False)
    process = forking.Process(target=saving.without_end, args=(path, saying))
    process.start()
    saying.close()
    latest = said.recv()
    time.sleep(rng.random() * 0.05)
    process.kill()
    process.join()
    with said, contextlib.suppress(EOFError):
        while True:
            latest = said.recv()
    assert process.exitcode == -signal.SIGKILL
    assert ASNG.load(path).n_told >= latest


@pytest.mark.parametrize("n", [3, pytest.param(100, marks=pytest.mark.attack)])
def test_a_killed_process_leaves_its_last_save(n, tmp_path, forking):
    rng = random.Random(0)
    for _ in range(n):
        kill(forking, tmp_path / "a", rng)
    ASNG.load(tmp_path / "a").save(tmp_path / "a")
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".tmp")] == []


def test_a_real_limit_on_the_size_of_files_keeps_the_earlier_one(tmp_path):
    pytest.importorskip("resource")
    run(ASNG, 2).save(tmp_path / "a")
    old = (tmp_path / "a").read_bytes()
    code = ("import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
            "from asng_core import ASNG, Space; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
            "try: ASNG(Space.binary(2000), seed=1).save(sys.argv[1])\n"
            "except OSError: print('raised')")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))})
    assert done.stdout.strip() == "raised"
    assert (tmp_path / "a").read_bytes() == old
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


