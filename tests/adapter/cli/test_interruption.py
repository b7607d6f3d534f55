"""Whatever stops a command, --resume goes on as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from asng_torch import CsvLog, checkpoint
from asng_torch.cli import demo
from asng_torch.train.training import Training


def assert_same(one, other):
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    else:
        equal = one == other
        assert equal if isinstance(equal, bool) else equal.all()


def assert_same_search(a, b):
    assert_same(*(checkpoint.read(folder / "search.safetensors", "asng_torch.Search") for folder in (a, b)))
    for file in ("log.csv", "distribution.csv", "architecture.json"):
        assert (a / file).read_text() == (b / file).read_text()


def start(*arguments, launcher=("-m", "asng_torch")):
    return subprocess.Popen([sys.executable, *launcher, *map(str, arguments)], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env={**os.environ, "OMP_NUM_THREADS": "1"})


def wait_for(condition, process):
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.stdout.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_search_after_ctrl_c(tmp_path, run, images):
    search = ["--space", "mini", "--steps", "50"]
    process = start("search", *search, "--out", tmp_path / "a", "--data-folder", images)
    log = tmp_path / "a/log.csv"
    wait_for(lambda: log.exists() and log.read_text().count("\n") > 5, process)
    process.send_signal(signal.SIGINT)
    printed = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 130
    assert "--resume" in printed
    assert (tmp_path / "a/architecture.json").exists()
    run("search", tmp_path / "a", "--resume")
    run("search", tmp_path / "b", *search)
    assert_same_search(tmp_path / "a", tmp_path / "b")


def interrupted_after(monkeypatch, step, number):
    write = CsvLog.write

    def writing(log, record):
        write(log, record)
        if record.step == step:
            signal.raise_signal(number)

    monkeypatch.setattr(CsvLog, "write", writing)


def test_a_search_after_sigterm(tmp_path, run, monkeypatch):
    search = ["--space", "cae_integer", "--steps", "4"]
    with monkeypatch.context() as patch:
        interrupted_after(patch, 2, signal.SIGTERM)
        with pytest.raises(SystemExit, match="130"):
            run("search", tmp_path / "a", *search)
    assert checkpoint.read(tmp_path / "a/search.safetensors", "asng_torch.Search")["step"] == 2
    run("search", tmp_path / "a", "--resume")
    run("search", tmp_path / "b", *search)
    assert_same_search(tmp_path / "a", tmp_path / "b")


def test_a_search_killed_after_a_checkpoint(tmp_path, run, monkeypatch):
    """Rows that the log has beyond the checkpoint are written anew."""
    search = ["--space", "mini", "--steps", "8"]

    def die(log, record):
        write(log, record)
        if record.step == 5:
            raise ZeroDivisionError

    write = CsvLog.write
    with monkeypatch.context() as patch:
        patch.setattr(CsvLog, "write", die)
        with pytest.raises(ZeroDivisionError):
            run("search", tmp_path / "a", *search, "--save-every", "1e-9")
    run("search", tmp_path / "a", "--resume")
    run("search", tmp_path / "b", *search)
    assert_same_search(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_retraining(tmp_path, run, monkeypatch, number, capsys):
    run("search", tmp_path, "--space", "mini", "--steps", "2")
    with monkeypatch.context() as patch:
        epoch = Training._epoch
        patch.setattr(Training, "_epoch", lambda training, n: signal.raise_signal(number) if n == 2
                      else epoch(training, n))
        with pytest.raises(SystemExit, match="130"):
            run("retrain", tmp_path, "--epochs", "4")
    assert "Interrupted in epoch 3 of 4" in capsys.readouterr().out
    assert not (tmp_path / "network.safetensors").exists()
    run("retrain", tmp_path, "--resume")
    resumed = load_file(tmp_path / "network.safetensors")
    (tmp_path / "retrain.safetensors").unlink()
    run("retrain", tmp_path, "--epochs", "4")
    assert_same(resumed, load_file(tmp_path / "network.safetensors"))


def test_a_demo(tmp_path, run, monkeypatch):
    monkeypatch.setattr(demo, "JUDGED", 4)
    small = ["--steps", "6", "--epochs", "1", "--trainings", "2", "--controls", "2"]
    with monkeypatch.context() as patch:
        interrupted_after(patch, 4, signal.SIGINT)
        with pytest.raises(SystemExit, match="130"):
            run("demo", tmp_path / "a", *small)
    run("demo", tmp_path / "a", "--resume")
    printed = run("demo", tmp_path / "b", *small)
    assert "2 random networks, trained alike" in printed
    assert_same_search(tmp_path / "a", tmp_path / "b")
    assert_same(*(load_file(tmp_path / folder / "network.safetensors") for folder in "ab"))
    for picture in ("probabilities.png", "losses.png", "accuracy.png"):
        assert f"({picture})" in (tmp_path / "a/README.md").read_text()
        assert (tmp_path / "a" / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.attack
def test_a_search_of_two_processes(tmp_path, images):
    """Of torchrun, interrupted by SIGTERM and gone on with, it ends as one that was not."""
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "-m", "asng_torch")
    search = ["--space", "mini", "--steps", "120", "--data-folder", images]
    process = start("search", *search, "--out", tmp_path / "a", launcher=launcher)
    log = tmp_path / "a/log.csv"
    wait_for(lambda: log.exists() and log.read_text().count("\n") > 3, process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    state = checkpoint.read(tmp_path / "a/search.safetensors", "asng_torch.Search")
    assert len(state["processes"]) == 2
    assert log.read_text().count("\n") == state["step"] + 1
    assert state["step"] < 120
    for rest in (["--out", tmp_path / "a", "--resume"], [*search, "--out", tmp_path / "b"]):
        process = start("search", *rest, launcher=launcher)
        printed = process.communicate(timeout=120)[0].decode()
        assert process.returncode == 0, printed
    assert_same_search(tmp_path / "a", tmp_path / "b")


@pytest.mark.attack
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_trainings_in_processes(tmp_path, images, number):
    """Whichever way it is stopped, its processes end with it, and what was trained is gone on with."""
    search = ["--space", "mini", "--steps", "2", "--trainings", "40", "--workers", "2", "--data-folder", images]
    process = start("search", *search, "--out", tmp_path)
    told = tmp_path / "trainings.json"
    wait_for(lambda: told.exists() and json.loads(told.read_text())["spent"] > 1, process)
    workers = children(process.pid)
    assert len(workers) >= 2
    process.send_signal(number)
    printed = process.communicate(timeout=60)[0].decode()
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert ("--resume" in printed) == (number == signal.SIGINT)
    deadline = time.monotonic() + 20
    while any(map(alive, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    before = json.loads(told.read_text())["trained"]
    config = json.loads((tmp_path / "config.json").read_text())
    config["search"]["asked"]["trainings"] = len(before) + 3  # the rest would take long
    (tmp_path / "config.json").write_text(json.dumps(config))
    process = start("search", "--out", tmp_path, "--resume", "--workers", "2")
    printed = process.communicate(timeout=120)[0].decode()
    assert process.returncode == 0, printed
    after = json.loads(told.read_text())
    assert after["trained"][: len(before)] == before
    assert after["spent"] == len(before) + 3


def children(pid):
    """All of a process, the tracker of its resources left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except (OSError, IndexError):  # it has ended
            continue
    return found


def alive(pid):
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
