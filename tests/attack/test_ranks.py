"""Searches of two processes of which one dies, hangs or fails: both end soon, the cause is named, and they go on."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import forked
import pytest
import ranks

pytestmark = pytest.mark.attack
SCRIPT = Path(ranks.__file__)
WITHIN = 60  # seconds, of which torchrun gives a process that hangs 30 after SIGTERM
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1",
               "PYTHONPATH": os.pathsep.join(map(str, (SCRIPT.parents[1], SCRIPT.parent)))}


def torchrun(*arguments):
    return subprocess.Popen([sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone",
                             *map(str, arguments)], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def ended(folder):
    """How each process ended, None if it could not tell."""
    ends = [json.loads(path.read_text()) if (path := folder / f"{number}.json").exists() else None
            for number in range(2)]
    for path in folder.glob("*.json"):
        path.unlink()
    return ends


@pytest.fixture(scope="module")
def forking():
    return forked.context("ranks")


def pair(forking, folder, fault="none"):
    """Two processes without torchrun, which would end the other by SIGTERM, and import PyTorch three times."""
    meeting = f"file://{folder / f'meeting{time.monotonic_ns()}'}"
    running = [forking.Process(target=ranks.main, args=(folder, fault),
                               kwargs={"init_method": meeting, "rank": number, "world_size": 2}) for number in range(2)]
    for process in running:
        process.start()
    return running


def awaited(running):
    for process in running:
        process.join(WITHIN)
    return [process.exitcode for process in running]


def resumed(forking, folder):
    """How both end from what is in the folder."""
    assert awaited(pair(forking, folder)) == [0, 0]
    return ended(folder)


@pytest.fixture(scope="module")
def whole(forking, tmp_path_factory):
    return resumed(forking, tmp_path_factory.mktemp("whole"))


FAULTS = [  # fault, the process, what the other one says
    ("kill", 1, "RuntimeError: process 1 of 2 has ended, or was still training the weights 8 s after this one"),
    ("kill", 0, "RuntimeError: process 0, .* of 2 has ended, or was still training the weights"),
    ("v kill", 1, "RuntimeError: process 1 of 2 has ended, or was still validating"),
    ("save", 1, "RuntimeError: process 1 of 2 has ended, or was still"),
    ("hang", 1, "RuntimeError: process 1 of 2 has ended, or was still training the weights 8 s after this one"),
    ("hang", 0, "RuntimeError: process 0, .* of 2 has ended, or was still training the weights"),
    ("v hang", 1, "RuntimeError: process 1 of 2 has ended, or was still validating"),
    ("exit", 1, "RuntimeError: process 1 of 2 failed training the weights: SystemExit: 3"),
    ("cuda memory", 1, "RuntimeError: process 1 of 2 failed training the weights: OutOfMemoryError: out of memory"),
    ("v cuda memory", 0, "RuntimeError: process 0 of 2 failed validating: OutOfMemoryError: out of memory"),
    ("memory", 1, "RuntimeError: process 1 of 2 failed training the weights: MemoryError: no more"),
    ("nan", 1, "RuntimeError: 20 steps in a row, up to step 24, .* on process 1. Lower the learning rate"),
]


@pytest.mark.parametrize(("fault", "rank", "message"), FAULTS, ids=lambda value: str(value)[:13])
def test_a_process_in_trouble_ends_both_and_is_named_and_they_go_on(tmp_path, whole, forking, fault, rank, message):
    started = time.monotonic()
    process = torchrun(SCRIPT, tmp_path, fault, rank)
    printed = process.communicate(timeout=2 * WITHIN)[0].decode()
    assert process.returncode != 0
    assert time.monotonic() - started < WITHIN
    ends = ended(tmp_path)
    if "kill" in fault or fault == "save":  # torchrun ends the other, maybe before it can print
        assert re.search(rf"rank +: {rank} .*\n.*exitcode +: -9", printed), printed
    else:
        assert re.search(message, printed), printed
    other = ends[1 - rank]
    assert other is None or re.match(message, other["error"])
    assert other or "kill" in fault or fault == "save"
    if fault == "nan":  # what was saved since is of weights that could not move
        (tmp_path / "good").replace(tmp_path / "search")
    ends = resumed(forking, tmp_path)
    assert [each["began"] for each in ends] == [4, 4]
    assert [{**each, "began": 0} for each in ends] == whole


@pytest.mark.parametrize("pressed", [(0, 1), (1,), (0,)])
def test_ctrl_c_stops_both_before_the_same_step_and_what_they_save_goes_on(tmp_path, whole, forking, pressed):
    """In a terminal it reaches both; here at random moments, again and again."""
    generator = random.Random(0)
    stops = []
    for latest in (0, 0.2, 0.4):
        running = pair(forking, tmp_path, "interrupts")
        steps = [tmp_path / f"{number}.step" for number in range(2)]
        while not all(path.exists() for path in steps) and running[0].is_alive():
            time.sleep(0.005)
        time.sleep(generator.uniform(0, latest))
        for number in pressed:
            os.kill(running[number].pid, signal.SIGINT)
        assert awaited(running) == [0, 0]
        ends = ended(tmp_path)
        if "error" not in ends[0]:
            break
        assert [end["error"] for end in ends] == ["KeyboardInterrupt"] * 2
        stops.append(ends[0]["step"])
        assert ends[0]["step"] == ends[1]["step"]
        for path in steps:
            path.unlink()
    assert stops
    assert [{**each, "began": 0} for each in resumed(forking, tmp_path)] == whole
