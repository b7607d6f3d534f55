"""The benchmarks' own code, at a small scale."""

import json

import numpy as np
import pytest

from benchmarks import overhead, population, store, toy


def call(module, monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["benchmark", *map(str, arguments)])
    module.main()
    return capsys.readouterr().out


@pytest.mark.parametrize("algorithm", toy.ALGORITHMS)
def test_a_toy_run_succeeds_and_repeats(algorithm):
    runs = [toy.run(algorithm, "n^-1", 0.005, seed, 30_000) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]
    limits = {"ASNG": (1_400, 2_300), "SNG": (13_000, 16_500), "Adam": (600, 2_500)}
    assert all(limits[algorithm][0] < run["iterations"] < limits[algorithm][1] for run in runs)


def test_the_toy_fails_when_it_has_no_time():
    assert toy.run("ASNG", "1", 0.05, 0, 50) == {"iterations": None}


def test_the_toy_runs_from_the_command_line(monkeypatch, capsys, tmp_path):
    printed = call(toy, monkeypatch, capsys, "--quick", "--out", tmp_path)
    assert printed.count("not reached") >= 27
    assert len(json.loads((tmp_path / "toy_quick.json").read_text())["records"]) == 54
    assert (tmp_path / "toy_quick.png").exists()


def test_problems_have_their_optimum_at_the_first_category():
    codes = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 2]])
    assert population.onemax(codes).tolist() == [0, 1, 1, 1]
    assert population.leading_ones(codes).tolist() == [0, 2, 3, 1]


def test_the_default_population_grows_with_the_space():
    sizes = [population.default_population_size(d) for d in (1, 2, 30, 100, 1000, 10**6)]
    assert sizes == [8, 8, 8, 12, 16, 28]


def double(x):
    return {"y": 2 * x}


def test_stored_results_resume_and_keep_the_order(tmp_path):
    path = tmp_path / "r.json"
    first = store.measure(path, double, [{"x": 2}, {"x": 1}])
    assert [record["result"]["y"] for record in first] == [4, 2]
    stored = json.loads(path.read_text())
    stored["records"][0]["result"]["y"] = -1  # what is stored is not measured again
    marked = stored["records"][0]["task"]
    path.write_text(json.dumps(stored))
    again = store.measure(path, double, [{"x": 3}, marked])
    assert [record["result"]["y"] for record in again] == [6, -1]
    assert store.measure(path, double, [marked], restart=True)[0]["result"]["y"] == 2 * marked["x"]


def test_overhead_is_measured_in_microseconds():
    assert 5 < overhead.run("asng_core", "30 x 5")["microseconds"] < 50_000


@pytest.mark.parametrize(("name", "table"), [("toy", toy.table), ("population", population.table)])
def test_the_readme_shows_the_stored_results(name, table):
    records = json.loads((store.RESULTS / f"{name}.json").read_text())["records"]
    assert table(records) in (store.RESULTS.parent / "README.md").read_text()


@pytest.mark.slow
def test_the_mini_space_runs_from_the_command_line(monkeypatch, capsys, tmp_path):
    from benchmarks import mini_space
    printed = call(mini_space, monkeypatch, capsys, "--quick", "--out", tmp_path)
    assert "spread of networks / spread of seeds" in printed
    assert (tmp_path / "mini_space_quick.png").exists()
