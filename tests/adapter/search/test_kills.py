"""Searches killed with -9, at random moments and at named points of a write; `killed.py` holds what is done."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("killed.py")
TESTS = SCRIPT.parents[2]


@pytest.mark.parametrize(("search", "kills"), [pytest.param("small", 12, marks=pytest.mark.attack),
                                               pytest.param("enas", 50, marks=pytest.mark.slow)])
def test_every_resume_after_a_kill_ends_where_the_uninterrupted_search_does(tmp_path, search, kills):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}"}
    subprocess.run([sys.executable, SCRIPT, tmp_path, str(kills), search], env=environment, check=True, timeout=600)
    outcome = json.loads((tmp_path / "outcome.json").read_text())
    assert sum(outcome["kills"].values()) == kills
    assert min(outcome["kills"].values()) >= 2
    assert outcome["equal"] == outcome["ends"] >= 1
    assert outcome["left"] == ["end", "search"]
