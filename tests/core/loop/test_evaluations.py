"""What is kept of each evaluation: how long it took, why it failed, what the objective said beside its loss."""

import math
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from asng_core import Evaluation, Integer, Minimizer, Space, maximize, minimize

SPACE = Space({"a": Integer(0, 9), "b": Integer(0, 9)})


def said(values):
    if values["b"] == 9:
        raise ArithmeticError("nine")
    return Evaluation(values["a"], violation=[values["b"] - 6, -1], attributes={"sum": values["a"] + values["b"]})


@pytest.mark.parametrize("settings", [{}, {"executor": ThreadPoolExecutor, "n_workers": 3},
                                      {"executor": ProcessPoolExecutor, "n_workers": 1}])
def test_each_is_kept_with_what_the_objective_said(settings):
    result = minimize(said, SPACE, budget=40, seed=0, catch=ArithmeticError, **settings)
    assert result.loss == 0
    assert result.values["b"] <= 6
    assert result.history.violations.max() > 0
    assert set(result.seconds) == set(range(40))
    assert set(result.attributes) | set(result.errors) == set(range(40))
    for number, values in zip(result.history.ids.tolist(), result.history.values, strict=True):
        assert result.attributes.get(number) == (None if values["b"] == 9 else {"sum": values["a"] + values["b"]})


@pytest.mark.parametrize("settings", [{}, {"executor": lambda: ThreadPoolExecutor(1), "n_workers": 1}])
def test_seconds_are_those_of_the_evaluation(settings, monkeypatch):
    clock = [100.0]  # one that goes on while an objective is evaluated, and only then
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def objective(values):
        clock[0] += values["a"]
        return values["a"]
    result = minimize(objective, SPACE, budget=8, seed=0, **settings)
    for number, values in zip(result.history.ids.tolist(), result.history.values, strict=True):
        assert result.seconds[number] == values["a"]


def test_violations_keep_their_sign_where_more_is_better():
    result = maximize(said, SPACE, budget=60, seed=0, catch=ArithmeticError)
    assert result.loss == 9
    assert result.values["b"] <= 6


def test_a_run_that_goes_on_has_them_still(tmp_path):
    whole = minimize(said, SPACE, budget=40, seed=0, catch=ArithmeticError)
    path = tmp_path / "run"

    def breaks(values, seen=[]):  # noqa: B006
        seen.append(values)
        if len(seen) == 17:
            raise RuntimeError("power")
        return said(values)
    with pytest.raises(RuntimeError, match="power"):
        minimize(breaks, SPACE, budget=40, seed=0, catch=ArithmeticError, checkpoint=path)
    first = Minimizer.load(path)
    assert first.n_told == 16
    result = minimize(said, SPACE, budget=40, seed=0, catch=ArithmeticError, checkpoint=path)
    assert result.attributes == whole.attributes
    assert result.history.violations.tolist() == whole.history.violations.tolist()
    assert set(result.seconds) == set(range(40))
    assert set(result.errors) == set(whole.errors)


def test_several_objectives_and_failures():
    result = minimize(lambda v: Evaluation((v["a"], 9 - v["a"]), violation=v["b"] == 0) if v["b"] else math.nan,
                      SPACE, budget=40, seed=0)
    assert result.n_objectives == 2
    assert len(result.front) >= 5


@pytest.mark.parametrize(("arguments", "words"), [
    ({"violation": "much"}, "a violation must be one real number"), ({"violation": math.nan}, "must not be NaN"),
    ({"attributes": 3}, r"Evaluation\(attributes=...\) must be"),
    ({"attributes": {"model": object()}}, "what JSON holds"),
])
def test_wrong_arguments(arguments, words):
    with pytest.raises((TypeError, ValueError), match=words):
        Evaluation(1.0, **arguments)


def test_no_loss_within_is_told_as_without():
    with pytest.raises(TypeError, match="must return one number"):
        minimize(lambda v: Evaluation("low"), SPACE, budget=3)
