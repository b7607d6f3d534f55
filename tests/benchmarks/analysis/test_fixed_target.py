"""Fixed targets, on runs made up."""

import numpy as np
import pytest

from benchmarks.analysis import fixed_target
from benchmarks.analysis.fixed_target import Goal

GOAL = Goal(0, 100, 1000)


def test_targets_are_equally_spaced_and_the_optimum_is_the_last():
    assert GOAL.met([-5, 0, 1.9, 2, 50, 99.9, 100]).tolist() == [0, 0, 0, 0.02, 0.5, 0.98, 1]
    assert [GOAL.reached(value) for value in (99.9, 100 - 1e-9, 100)] == [False, True, True]


def test_the_area_is_that_under_the_curve():
    run = ([1, 10, 100], [0, 50, 100])
    assert GOAL.area(*run) == pytest.approx((0 + 0.5 + 1) / 3)
    assert GOAL.area([1], [100]) == 1
    assert GOAL.area([1], [0]) == GOAL.area([1000], [100]) == 0
    at = np.geomspace(1, 1000, 30_001)
    assert GOAL.curve(*run, at).mean() == pytest.approx(GOAL.area(*run), abs=1e-4)
    assert GOAL.curve([5, 10], [50, 100], [4, 5, 9, 10]).tolist() == [0, 0.5, 0.5, 1]


def record(method="RLS", problem="OneMax", values=((3, 10), (4,), (5, 10)), evaluations=((1, 40), (1,), (1, 60))):
    return {"task": {"method": method, "problem": problem, "dimension": 10},
            "result": {"start": 0, "optimum": 10, "evaluations": [evaluations], "values": [values]}}


def test_expected_running_time_divides_all_evaluations_by_successes():
    assert fixed_target.expected_running_time(record()) == (40 + 1000 + 60) / 2
    assert fixed_target.expected_running_time(record(values=((3,), (4,)), evaluations=((1,), (1,)))) == np.inf


def test_methods_are_compared_on_the_same_problems():
    records = [record(method, problem) for method, problem in
               (("RLS", "OneMax"), ("RLS", "LABS"), ("cGA", "OneMax"), ("UMDA", "LABS"), ("UMDA", "OneMax"))]
    areas = fixed_target.areas(records)
    assert list(areas) == ["RLS", "UMDA"]
    assert fixed_target.ranks(areas) == {method: {"OneMax": 1, "LABS": 1} for method in areas}  # a tie
    areas["UMDA"]["LABS", 10] = areas["RLS"]["LABS", 10] + 0.1
    assert [fixed_target.ranks(areas)[method]["LABS"] for method in areas] == [2, 1]


def test_the_interval_redraws_instances_and_runs():
    rng = np.random.default_rng(0)
    cells = {("OneMax", 16): rng.normal(size=(20, 1)) + 0.01 * rng.normal(size=(20, 30)),
             ("LABS", 16): np.full((5, 2), 3.0)}
    low, high = fixed_target.interval(fixed_target.redrawn(cells))
    assert low < fixed_target.mean(cells) < high
    spread = cells["OneMax", 16].mean(axis=1).std() / np.sqrt(20) / 2  # of the instances, over two cells
    assert high - low == pytest.approx(2 * 1.96 * spread, rel=0.15)
