"""The benchmark of fidelities: its command, and what its claims are made of."""

import numpy as np
import pytest

from benchmarks import fidelities as benchmark
from benchmarks import store
from benchmarks.problems.curves import LEFT_OUT, MISLED, SPACES
from benchmarks.problems.fidelities import GRID
from benchmarks.rivals import ENTRIES


def test_the_whole_path_is_checked_quickly(command, tmp_path):
    printed = command(benchmark)
    assert "Paired differences" in printed
    assert len(store.records(tmp_path / "fidelities_quick")) == 12
    assert (tmp_path / "fidelities_quick.png").exists()


def test_every_method_is_planned_on_every_table_and_ours_on_misled_ones():
    planned = benchmark.tasks(benchmark.METHODS)
    assert {(task["method"], task["table"]) for task in planned if not task["table"].endswith(MISLED)} == {
        (method, table) for method in benchmark.METHODS for table in benchmark.TABLES}
    assert {task["method"] for task in planned if task["table"].endswith(MISLED)} == {benchmark.OURS, benchmark.ALONE}
    assert set(LEFT_OUT) < set(SPACES)


def records(scores):
    """Method -> scores along `GRID`, on each of three misled tables in two seeds."""
    return [{"task": {"method": method, "table": table + MISLED, "seed": seed, "budget": 130},
             "result": {"score": list(curve)}}
            for method, curve in scores.items() for table in benchmark.LARGE[:3] for seed in range(2)]


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.1])
def test_the_cost_of_an_equal_score_is_found_between_checkpoints(factor):
    grid = np.array(GRID, dtype=float)
    ratios = benchmark.excess(records({benchmark.ALONE: -grid / 200, benchmark.OURS: -grid / factor / 200}))
    assert list(ratios) == list(benchmark.EQUAL)
    for ratio, low, high in ratios.values():
        assert (ratio, low, high) == pytest.approx((factor, factor, factor))


def test_a_score_that_is_not_reached_costs_all():
    flat = np.full(len(GRID), -0.1)
    ratios = benchmark.excess(records({benchmark.ALONE: flat * 2, benchmark.OURS: flat}))
    assert ratios[100][0] == GRID[-1] / 100


def test_caps_are_known_to_the_tasks():
    for task in benchmark.tasks(benchmark.METHODS):
        assert task["budget"] <= ENTRIES[task["method"]].budget
        assert task["seed"] < ENTRIES[task["method"]].seeds or task["budget"] > benchmark.SHORT
