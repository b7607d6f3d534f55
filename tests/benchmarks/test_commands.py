"""The other benchmarks, from their command lines, at a small scale."""

from dataclasses import replace

import pytest

from benchmarks import functions, overhead, population, store, tables


def test_overhead_is_measured_in_microseconds():
    assert all(5 < spent < 50_000 for spent in overhead.run("ask + tell", "30 x 5", 100).values())


@pytest.mark.parametrize("mode", tables.MODES)
def test_tables_run_and_show_what_is_stored(mode, command, monkeypatch, tmp_path):
    whole = tables.MODES[mode]
    monkeypatch.setitem(tables.MODES, mode, replace(whole, tables=whole.tables[:2], workers=whole.workers[:2]))
    printed = command(tables, mode)
    assert "(1+1) EA |" in printed or mode == "two-objectives"
    assert (tmp_path / f"tables_{mode}_quick.png").exists()
    assert command(tables, mode, "--stored") == printed


def test_functions_run(command, tmp_path):
    assert "not reached" in command(functions)
    assert (tmp_path / "functions_quick.png").exists()


def test_hidden_optima_are_reached():
    assert functions.run("(1+1) EA", "OneMax 30x5", 0, 5_000)["evaluations"] > 50
    assert functions.run("random search", "OneMax d=100", 0, 50) == {"evaluations": None}


def test_populations_run(command):
    assert command(population).count("**") == 4


def test_the_default_population_grows_with_the_space():
    sizes = [population.default_population_size(d) for d in (1, 2, 30, 100, 1000, 10**6)]
    assert sizes == [8, 8, 8, 12, 16, 28]


@pytest.mark.slow
def test_the_mini_space_runs(command, tmp_path):
    from benchmarks import mini_space
    assert "spread of networks / spread of seeds" in command(mini_space)
    assert (tmp_path / "mini_space_quick.png").exists()


@pytest.mark.slow
def test_the_demo_runs(command, tmp_path):
    from benchmarks import demo
    assert " of 2 |" in command(demo)
    assert (tmp_path / "demo_quick.png").exists()


@pytest.mark.slow
def test_inpainting_runs(command, tmp_path, monkeypatch):
    from benchmarks import inpainting
    monkeypatch.setattr(inpainting, "RANDOM", 2)
    printed = command(inpainting)
    assert "| linear regression | 21.78 |" in printed
    assert all(f"| random {i} |" in printed for i in (1, 2))
    kinds = [record["task"]["kind"] for record in store.records(tmp_path / "inpainting_quick")]
    assert kinds == ["baselines", *["search"] * 2, *["retrain"] * 4]
    assert printed == command(inpainting)  # resumed


def test_the_time_of_the_host_is_measured_part_by_part():
    from benchmarks import host_time
    found = host_time.run("passes", 300, batch=1)
    assert 0.5 < found["ratio"] < 3
    assert 0 < host_time.in_turns({"nothing": lambda: None}, 3)["nothing"] < 0.01


@pytest.mark.slow
def test_the_steps_of_a_supernet_are_timed(command, tmp_path):
    from benchmarks import supernet_step
    assert command(supernet_step).count("| cpu, ") == 6  # of both images the literal loop and ours in two formats
    for record in store.records(tmp_path / "supernet_step_quick"):
        seconds = record["result"]["seconds"]
        assert list(map(len, seconds.values())) == [2, 2, 2]
        assert supernet_step.ratios(record, supernet_step.LITERAL) == (1, 1)
        assert min(min(each) for each in seconds.values()) > 0


@pytest.mark.hosts
def test_an_elastic_transformer_is_searched(command, tmp_path):
    from benchmarks import elastic_transformer
    printed = command(elastic_transformer)
    (record,) = store.records(tmp_path / "elastic_transformer_quick")
    assert all(name in printed for name in elastic_transformer.UNIFORM)
    for ours, theirs in elastic_transformer.pairs([record])["half the width"]:
        assert max(ours["parameters"], theirs["parameters"]) <= ours["within"] == theirs["within"]
        assert theirs["architecture"] == elastic_transformer.UNIFORM["half the width"]
