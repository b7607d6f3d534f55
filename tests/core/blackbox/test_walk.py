"""The walk: who takes part once the model cannot hold all results."""

import math

import numpy as np
import pytest

from asng_core import Boolean, Categorical, Integer, Minimizer, Real, Space
from asng_core.blackbox import walk
from asng_core.blackbox.history import History
from asng_core.blackbox.memo import keys
from asng_core.blackbox.noise_free import NoiseFree
from asng_core.blackbox.posterior import CAPACITY
from asng_core.blackbox.walk import Walk, share
from asng_core.distribution.geometry import Geometry
from asng_core.distribution.search_distribution import SearchDistribution

TARGET = np.arange(40) % 2


class Walking:
    """A walk that is asked alone, of a space and a loss of codes, from a point on."""

    def __init__(self, space, loss, start, seed=0):
        self.distribution, self.loss = SearchDistribution(space), loss
        self.history, self.known = History(space), set()
        self.walk = Walk(Geometry(self.distribution), np.random.default_rng(seed), self.history)
        self.best = 0
        self.add(np.asarray(start))

    def add(self, codes, violation=0.0):
        self.known.add(codes.tobytes())
        row = len(self.history)
        self.history.append(row, codes, self.loss(codes), violation)
        improved = row > 0 and violation == 0 and self.loss(codes) < self.history.losses[self.best]
        self.best = row if improved else self.best
        self.walk.told(row, self.best, improved=improved)

    def first(self, draws, pinned):
        codes = self.distribution.codes(draws)
        key = keys(codes)[0]
        return None if key in self.known else (draws[0], key)

    def step(self):
        found = self.walk.propose(self.first, self.best)
        codes = self.distribution.codes(found[0][None])[0]
        self.add(codes)
        return codes


def onemax(codes):
    return float((codes != TARGET).sum())


def test_on_a_separable_function_one_change_of_each_variable_is_enough():
    walking = Walking(Space.binary(40), onemax, 1 - TARGET)
    for _ in range(40):
        walking.step()
    assert walking.history.losses.min() == 0.0


def test_it_first_descends_and_then_takes_what_is_worse(monkeypatch):
    monkeypatch.setattr(walk, "HOT", 2.0)
    rng = np.random.default_rng(3)
    pairs = rng.standard_normal((30, 30))

    def loss(codes):
        signs = 2 * codes - 1
        return float(signs @ pairs @ signs)

    walking, worse = Walking(Space.binary(30), loss, np.zeros(30, dtype=int)), {False: 0, True: 0}
    for _ in range(400):
        hot, row = walking.walk._start > 0, walking.walk._row or 0
        walking.step()
        gone_on = walking.walk._row == len(walking.history) - 1
        if gone_on and walking.history.losses[-1] > walking.history.losses[row]:
            worse[hot] += 1
    assert worse[False] == 0
    assert worse[True] > 3


def test_each_round_begins_at_the_best_and_takes_twice_as_long():
    walking = Walking(Space.binary(30), lambda codes: float(codes @ np.sin(np.arange(30)) + (codes.sum() % 3)),
                      np.zeros(30, dtype=int))
    lengths, steps = [], []
    for n in range(600):
        before = walking.walk._length, walking.walk._start
        walking.step()
        if (walking.walk._length, walking.walk._start) != before:
            assert walking.walk._row == walking.best
            lengths.append(walking.walk._length)
            steps.append(n)
    assert lengths[:3] == [60, 120, 240]
    assert np.diff(steps)[:2].tolist() == [60, 120]


def test_what_is_known_is_passed_through():
    start = np.zeros(12, dtype=int)
    walking = Walking(Space.binary(12), lambda codes: float(codes.sum()), start)
    for i in range(12):  # all neighbours
        walking.known.add((start ^ (np.arange(12) == i)).tobytes())
    assert {int(walking.step().sum()) for _ in range(5)} <= {2, 3, 4, 5}


def test_a_failure_or_a_violation_is_not_taken_whatever_the_temperature():
    walking = Walking(Space.binary(20), lambda codes: float(codes.sum()), np.zeros(20, dtype=int))
    walking.step()
    walking.walk._start = 1e9
    here = walking.walk._row
    for loss, violation, taken in ((np.nan, 0.0, False), (-5.0, 1.0, False), (1e3, 0.0, True)):
        walking.walk._row = here
        walking.loss = lambda codes, loss=loss: loss
        codes = walking.distribution.codes(walking.walk.propose(walking.first, walking.best)[0][None])[0]
        walking.add(codes, violation)
        assert (walking.walk._row == len(walking.history) - 1) is taken


def test_the_model_keeps_as_much_as_it_can_know():
    assert [share(200, n) for n in (1, 20, 40, 100, 1000)] == pytest.approx([1, 1, 1 / 2, 1 / 5, 1 / 50])
    assert share(np.inf, 10) == 1


SPACES = {
    "binary": Space.binary(40),
    "mixed": Space({**{f"op{i}": Categorical(list("abc")) for i in range(12)}, "n": Integer(0, 999),
                    "x": Real(0, 1, step=0.01),
                    "flag": Boolean(), "deep": Integer(1, 9)}, active_if={"deep": {"flag": [True]}}),
    "constrained": Space({f"b{i}": Boolean() for i in range(30)}, constraints=[lambda v: sum(v.values()) == 9]),
}


def loss_of(space):
    weights = np.random.default_rng(1).standard_normal(len(space))
    return lambda point: float(np.nan_to_num(point.codes) @ weights) + 3 * (int(np.nansum(point.codes)) % 4)


def run(optimizer, n, loss, told=8):
    for _ in range(n // told):
        batch = optimizer.ask(told)
        optimizer.tell(batch, [loss(point) for point in batch])


@pytest.mark.parametrize("name", SPACES)
def test_the_walk_begins_when_the_model_is_full_and_goes_on_to_the_bit_after_a_break(name):
    space = SPACES[name]
    optimizer, loss = Minimizer(space, seed=2), loss_of(space)
    run(optimizer, CAPACITY, loss)
    assert optimizer._parts.policy._walk._row is None
    run(optimizer, 80, loss)
    assert optimizer._parts.policy._walk._row is not None
    open_ = optimizer.ask(3)  # some of which are the walk's
    other = Minimizer(space, seed=0)
    other.load_state_dict(optimizer.state_dict())
    for each in (optimizer, other):
        each.tell(each.pending, list(map(loss, open_)))
        run(each, 40, loss)
    assert np.array_equal(optimizer.history.codes, other.history.codes, equal_nan=space.dtype.kind == "f")
    assert len(set(keys(optimizer.history.codes))) == len(optimizer.history)


def test_a_study_leaves_the_walk_out_and_several_objectives_have_none(monkeypatch):
    proposed = []
    monkeypatch.setattr(Walk, "propose", lambda *args: proposed.append(0))
    optimizer = Minimizer(Space.binary(40), seed=0, mechanisms=NoiseFree(walks=False))
    run(optimizer, CAPACITY + 40, loss_of(optimizer.space))
    optimizer = Minimizer(Space.binary(40), seed=0)
    run(optimizer, CAPACITY + 40, lambda point: (float(point.codes.sum()), float(point.codes[:20].sum())))
    assert not proposed
    run(optimizer := Minimizer(Space.binary(40), seed=0), CAPACITY + 40, loss_of(optimizer.space))
    assert proposed


@pytest.mark.parametrize(("name", "value"), [("row", 10**6), ("turn", 99), ("start", -1.0), ("length", 0),
                                             ("turns", [0, 0, 1]), ("open", np.full((1, 40), 7))])
def test_a_damaged_walk_is_refused(name, value):
    optimizer = Minimizer(SPACES["binary"], seed=2)
    run(optimizer, CAPACITY + 80, loss_of(optimizer.space))
    state = optimizer.state_dict()
    state["walk"] = {**state["walk"], name: value}
    with pytest.raises(ValueError, match="state"):
        Minimizer(SPACES["binary"], seed=0).load_state_dict(state)


def test_a_run_of_many_variables_ends_at_the_optimum():
    target = np.random.default_rng(0).integers(2, size=150)
    optimizer = Minimizer(Space.binary(150), seed=0)
    while optimizer.n_told < 700 and not (optimizer.n_told and optimizer.best.loss == 0):
        point = optimizer.ask()
        optimizer.tell(point, float((point.codes != target).sum()))
    assert optimizer.best.loss == 0


@pytest.mark.parametrize(("scale", "n"), [(math.inf, 700), (1e308, 700), (5e-324, 2500)])
def test_losses_at_the_ends_of_the_floats_end_no_walk(scale, n):
    optimizer = Minimizer(Space.binary(60), seed=0)
    for i in range(n):
        optimizer.tell(optimizer.ask(), scale * (i * 37 % 11 - 5) / 5 if scale != 5e-324 else scale * (i * 37 % 11))
    assert optimizer.n_told == n
