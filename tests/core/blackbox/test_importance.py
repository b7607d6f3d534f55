"""Importance: against the exact variances of functions that can be enumerated."""

import numpy as np
import pytest

from asng_core import Boolean, Categorical, Minimizer, Space
from asng_core.blackbox.importance import importance

SPACE = Space({"a": Categorical(range(4)), "b": Categorical(range(3)), "c": Boolean(), "dead": Categorical(range(3))})


def shares(function):
    """name -> (alone, total), by enumeration."""
    grid = np.array([[[[function(a, b, c) for _ in range(3)] for c in range(2)] for b in range(3)] for a in range(4)])
    found = {}
    for axis, name in enumerate(SPACE.names):
        others = tuple(k for k in range(4) if k != axis)
        found[name] = grid.mean(axis=others).var() / grid.var(), grid.var(axis=axis).mean() / grid.var()
    return found


def told(function, n, seed=0):
    optimizer = Minimizer(SPACE, noisy=True, seed=seed)
    rng = np.random.default_rng(seed)
    for row in rng.integers(0, SPACE.sizes, (n, 4)):
        values = SPACE.decode(row)
        optimizer.inject(values, float(function(*(int(each) for each in row[:3]))))
    return optimizer.history


@pytest.mark.parametrize("function", [lambda a, b, c: 2.0 * a + b, lambda a, b, c: (a % 2) * (1.0 - 2.0 * c) + 0.3 * b])
def test_shares_are_those_of_the_function_once_it_is_known(function):
    found = importance(SPACE, told(function, 200))
    assert found.explained > 0.95
    for name, (alone, total) in shares(function).items():
        effect = found.effects[name]
        assert effect.alone.middle == pytest.approx(alone, abs=0.08)
        assert effect.total.middle == pytest.approx(total, abs=0.08)


def test_intervals_hold_the_truth_of_few_results_more_often_than_not():
    def function(a, b, c):
        return 2.0 * a + b * c
    truth, held = shares(function), []
    for seed in range(3):
        found = importance(SPACE, told(function, 15, seed))
        held += [effect.alone.low - 0.02 <= truth[name][0] <= effect.alone.high + 0.02
                 for name, effect in found.effects.items()]
    assert np.mean(held) >= 0.7


def test_losses_at_a_level_are_in_the_unit_of_the_losses():
    effect = importance(SPACE, told(lambda a, b, c: 100.0 + 2.0 * a + b, 150)).effects["a"]
    assert effect.losses[:, 0] == pytest.approx([101.0, 103.0, 105.0, 107.0], abs=0.5)
    assert (effect.losses[:, 1] <= effect.losses[:, 2]).all()


def test_noise_alone_is_not_explained():
    rng = np.random.default_rng(1)
    assert importance(SPACE, told(lambda a, b, c: rng.standard_normal(), 80)).explained < 0.2


def test_few_results_or_several_objectives_are_refused():
    with pytest.raises(ValueError, match="at least 4"):
        importance(SPACE, told(lambda a, b, c: a, 3))


def test_of_many_variables_those_that_matter_are_studied(monkeypatch):
    monkeypatch.setattr("asng_core.blackbox.importance._STUDIED", 3)
    space = Space.binary(12)
    optimizer, rng = Minimizer(space, noisy=True, seed=0), np.random.default_rng(0)
    for row in rng.integers(0, 2, (50, 12)):
        optimizer.inject(space.decode(row), float(3 * row[7] + row[11]))
    found = importance(space, optimizer.history).effects
    assert len(found) == 3
    assert sorted(found, key=lambda name: -found[name].total.middle)[:2] == ["x7", "x11"]
