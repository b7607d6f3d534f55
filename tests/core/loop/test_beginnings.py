"""What a run of minimize may begin with: points, a distribution, results."""

import csv
import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import objectives
import pytest

from asng_core import Boolean, Categorical, Integer, Minimizer, Space, maximize, minimize

SPACE = Space({"a": Integer(0, 9), "b": Integer(0, 9), "c": Integer(0, 9)})
FIRST = [{"a": 5, "b": 5, "c": 4}, {"b": 9}, {"a": 0, "c": 0}]


@pytest.mark.parametrize("keywords", [{}, {"vectorized": True}, {"executor": ThreadPoolExecutor, "n_workers": 2},
                                      {"noisy": True}])
def test_initial_points_are_evaluated_first_and_in_part_completed(keywords):
    objective = objectives.distance
    if "vectorized" in keywords:
        def objective(table):
            return [objectives.distance(dict(zip(table, row, strict=True)))
                    for row in zip(*table.values(), strict=True)]
    result = minimize(objective, SPACE, budget=40, seed=0, initial_points=FIRST, **keywords)
    first = [result.history.values[row] for row in np.argsort(result.history.ids)[:3]]
    assert all(point | given == point for point, given in zip(first, FIRST, strict=True))
    assert result.n_evaluations == 40
    assert result.loss <= 1


def test_they_count_for_the_budget_once_and_a_known_one_gives_way_to_another():
    result = minimize(objectives.distance, SPACE, budget=4, seed=0, initial_points=[*FIRST[:1] * 2, *FIRST[:1]])
    assert result.history.values[0] == FIRST[0]
    assert len({tuple(point.values()) for point in result.history.values}) == 4
    assert minimize(objectives.distance, SPACE, budget=1, initial_points=FIRST).history.values == FIRST[:1]


@pytest.mark.parametrize("n", [1, 2, 3, 20])
def test_a_run_that_was_stopped_goes_on_with_the_rest_of_them(n, tmp_path):
    def stopped(progress):
        return progress.n_evaluations == n
    keywords = {"budget": 40, "seed": 3, "initial_points": FIRST, "init": {"a": 2},
                "known": [{"a": 1, "b": 1, "c": 1, "loss": 12.0}]}
    whole = minimize(objectives.distance, SPACE, **keywords)
    minimize(objectives.distance, SPACE, checkpoint=tmp_path / "run", callback=stopped, **keywords)
    resumed = minimize(objectives.distance, SPACE, checkpoint=tmp_path / "run", **keywords)
    for name in ("codes", "losses", "ids"):
        np.testing.assert_array_equal(getattr(whole.history, name), getattr(resumed.history, name))
    assert resumed.n_evaluations == 40


@pytest.mark.parametrize(("value", "error", "words"), [
    ({"a": 1}, TypeError, r"\(initial_points=\.\.\.\) must be a list of dicts of values, .* Put it into a list"),
    ([{"a": 1}, {"z": 1}], ValueError, r"initial_points=\[\.\.\.\]\), point 1 must name variables .*, got 'z'"),
    ([{"a": 10}], ValueError, r"point 0: variable 'a' must be an integer within 0\.\.9, got 10"),
    ([3], TypeError, "must be a list of dicts"), (5, TypeError, "must be a list of dicts"),
])
def test_wrong_ones_are_refused_before_anything_is_evaluated(value, error, words):
    with pytest.raises(error, match=words):
        minimize(pytest.fail, SPACE, budget=5, initial_points=value)


def test_of_a_space_with_conditions_and_constraints():
    space = Space({"op": Categorical(["conv", "pool"]), "kernel": Integer(1, 7), "norm": Boolean()},
                  active_if={"kernel": {"op": ["conv"]}}, constraints=[lambda point: point.get("kernel", 0) != 4])
    with pytest.raises(ValueError, match=r"point 0 must pin no variable that may be inactive, got 'kernel'"):
        minimize(len, space, budget=5, initial_points=[{"kernel": 3}])
    with pytest.raises(ValueError, match=r"point 0 must satisfy the space's constraints"):
        minimize(len, space, budget=5, initial_points=[{"op": "conv", "kernel": 4, "norm": True}])
    first = minimize(len, space, budget=5, initial_points=[{"op": "conv", "kernel": 3}]).history.values[0]
    assert (first["op"], first["kernel"]) == ("conv", 3)


@pytest.mark.parametrize("function", [minimize, maximize])
def test_known_results_are_begun_with_and_not_paid_for_again(function, tmp_path):
    sign = 1 if function is minimize else -1

    def objective(point):
        return sign * objectives.distance(point)
    past = function(objective, SPACE, budget=100, seed=0)
    with open(tmp_path / "past.csv", "w", newline="") as file:
        rows = past.history.records()
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    with open(tmp_path / "past.csv", newline="") as file:
        read = list(csv.DictReader(file))
    for known in (past.history, past.history.to_frame(), read):
        result = function(objective, SPACE, budget=10, seed=1, known=known)
        assert result.n_evaluations == 10
        assert len(result.history) == 110
        assert len({tuple(point.values()) for point in result.history.values}) == 110
        assert sign * result.loss <= sign * past.loss
        assert max(result.history.ids) == 9


def test_failed_known_results_and_wrong_ones():
    known = [{"a": 1, "b": 2, "c": 3, "loss": math.nan}, {"a": 2, "b": 2, "c": 3, "loss": 1.0, "violation": 2.0}]
    result = minimize(objectives.distance, SPACE, budget=5, seed=0, known=known)
    assert result.n_failed == 0
    assert result.history.violations[1] == 2.0
    with pytest.raises(ValueError, match=r"minimize\(known=\.\.\.\): row 1: variable 'c' must be an integer"):
        minimize(pytest.fail, SPACE, budget=5, known=[known[0], known[1] | {"c": "x"}])


def test_init_says_where_the_distribution_begins():
    space = Space.binary(40)
    init = {name: [0.0, 1.0] for name in space.names}
    result = minimize(lambda point: -sum(point.values()), space, budget=8, seed=0, init=init)
    assert result.loss < -34  # uniform ones: about -27 at best
    with pytest.raises(ValueError, match="init"):
        minimize(pytest.fail, space, budget=5, init={"nothing": 1})


def test_rows_and_columns_of_other_names_are_told_apart():
    optimizer = Minimizer(Space({"loss": Boolean(), "x": Boolean()}), seed=0)
    optimizer.tell(optimizer.ask(), 1.0)
    assert Minimizer(SPACE).history.records() == []
    for out in (optimizer.history.records, optimizer.history.to_frame):
        with pytest.raises(ValueError, match=r"other names than the columns of results, got \['loss'\]"):
            out()
    assert list(itertools.chain(optimizer.history.losses)) == [1.0]
