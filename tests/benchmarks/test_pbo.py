"""The pseudo-Boolean benchmark as a whole."""

import itertools

import pytest

from benchmarks import pbo
from benchmarks.problems import pseudo_boolean

pytest.importorskip("ioh")


def test_it_runs_from_the_command_line_and_shows_what_is_stored(command, tmp_path):
    printed = command(pbo, "all")
    assert all(f"{caption}:" in printed for caption in (
        "Areas, noise-free", "Expected running time to the optimum, d=9", "Areas, noise d/4", "Areas, noise d"))
    assert sum(line.startswith(("met:", "MISSED:")) for line in printed.splitlines()) == 4
    assert {path.name for path in tmp_path.glob("*.png")} == {"pbo_noise-free_quick.png", "pbo_noisy_quick.png"}
    assert command(pbo, "all", "--stored") == printed


def test_every_method_is_planned_on_every_problem():
    for mode in pbo.MODES.values():
        planned = {(task["method"], task["problem"], task["dimension"], task["noise"])
                   for task in pbo.tasks(mode, pbo.METHODS)}
        assert planned == set(itertools.product(pbo.METHODS, pseudo_boolean.PROBLEMS, mode.runs, mode.noises))
