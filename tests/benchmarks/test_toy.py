"""The paper's toy problem."""

import pytest

from benchmarks import store, toy


@pytest.mark.parametrize(("algorithm", "step_size", "limits"), [
    ("ASNG", "n^-1", (1_400, 2_300)), ("SNG", "n^-1/2", (1_300, 1_900)), ("Adam", "n^-1", (600, 2_500))])
def test_a_run_succeeds_and_repeats(algorithm, step_size, limits):
    runs = [toy.run(algorithm, step_size, 0.005, seed, 30_000) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]
    assert all(limits[0] < run["iterations"] < limits[1] for run in runs)


def test_it_fails_when_it_has_no_time():
    assert toy.run("ASNG", "1", 0.05, 0, 50) == {"iterations": None}


def test_it_runs_from_the_command_line(command, monkeypatch, tmp_path):
    monkeypatch.setattr(toy, "QUICK", (2, 20))
    printed = command(toy)
    assert printed.count("not reached (0/2)") == 27
    assert len(store.records(tmp_path / "toy_quick")) == 54
    assert (tmp_path / "toy_quick.png").exists()
