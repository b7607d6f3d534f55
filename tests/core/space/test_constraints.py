"""Constraints on the values: every point asked satisfies them."""

import copy

import numpy as np
import oracles
import pytest

from asng_core import ASNG, Categorical, Integer, Ordinal, Real, Space
from asng_core.distribution.rejection import MAX_REJECTED


def small(v):
    return v["a"] + v["b"] <= 6


def different(v):
    return v["a"] != v["b"]


def space(*constraints, **options):
    return Space({"a": Integer(0, 9), "b": Ordinal(list(range(10))), "x": Real(-1, 1)},
                 constraints=constraints or (small, different), **options)


def test_every_point_asked_and_sampled_satisfies_all():
    optimizer = ASNG(space(), seed=1, population_size=4)
    for loss in range(30):
        batch = optimizer.ask(7, mirrored=loss % 2 == 0)
        assert len(batch) == 7
        assert all(small(c) and different(c) for c in [*batch, *optimizer.sample(5), optimizer.ask()])
        optimizer.tell(batch, [-c["a"] - c["b"] for c in batch])


def test_points_are_distributed_as_those_of_the_space_that_satisfy():
    one = Space({"a": Categorical(range(4)), "b": Categorical(range(4))}, constraints=[lambda v: v["a"] < v["b"]])
    codes = ASNG(one, seed=1).sample(12_000).codes
    counts = np.bincount(codes[:, 0] * 4 + codes[:, 1], minlength=16)
    assert counts[counts > 0] == pytest.approx(np.full(6, 2000), rel=0.1)


def test_feasible_and_contains_ask_the_constraints():
    one = space()
    assert one.feasible({"a": 1, "b": 2, "x": 0.0})
    assert not one.feasible({"a": 5, "b": 2, "x": 0.0})
    assert one.contains({"a": 1, "b": 2, "x": 0.0})
    assert not one.contains({"a": 2, "b": 2, "x": 0.0})
    assert not one.contains({"a": 1, "b": 2, "x": 7.0})


def test_a_constraint_may_change_its_own_copy_only():
    seen = []

    def rude(v):
        seen.append(v.pop("a"))
        return True

    one = space(rude, lambda v: "a" in v)
    values = {"a": 1, "b": 2, "x": 0.0}
    assert one.feasible(values)
    assert values["a"] == 1


@pytest.mark.parametrize(("constraint", "error", "message"), [
    (lambda v: 1 / 0, RuntimeError, r"constraint 1 \(<lambda>\) raised ZeroDivisionError: division by zero, for the "
                                    r"values \{'a': .*It must return True or False"),
    (lambda v: None, TypeError, r"constraint 1 \(<lambda>\) must return True or False, got None for the values \{'a'"),
    (lambda v: 1, TypeError, r"must return True or False, got 1"),
    (lambda v: False, RuntimeError, r"the constraints leave too little to draw from: 0 of \d+ draws satisfied them "
                                    r"\(0.00%\).*Relax them"),
])
def test_bad_constraints_are_named_and_change_nothing(constraint, error, message):
    optimizer = ASNG(space(lambda v: True, constraint), seed=1)
    before = oracles.exact(optimizer.state_dict())
    with pytest.raises(error, match=message):
        optimizer.ask(3)
    with pytest.raises(error, match=message):
        optimizer.sample(3)
    assert oracles.exact(optimizer.state_dict()) == before


def test_the_effort_on_a_tight_space_is_bounded():
    calls = []
    optimizer = ASNG(space(lambda v: calls.append(1) is not None), seed=1)
    with pytest.raises(RuntimeError, match=r"0 of \d+ draws satisfied them .* no search found a point that does"):
        optimizer.ask(2)
    assert MAX_REJECTED < len(calls) <= 50 * MAX_REJECTED


def test_numpy_truths_are_truths():
    assert space(lambda v: np.float64(v["x"]) <= 1).feasible({"a": 1, "b": 2, "x": 0.0})


@pytest.mark.parametrize("constraints", [small, "abc", [1], {small}])
def test_constraints_are_a_list_of_functions(constraints):
    with pytest.raises(TypeError, match=r"Space\(constraints=...\) must be a list of functions"):
        Space({"a": Integer(0, 9)}, constraints=constraints)


def test_a_file_names_its_constraints_and_needs_the_space(tmp_path):
    optimizer = ASNG(space(), seed=1)
    batch = optimizer.ask(20)
    optimizer.tell(batch, range(20))
    optimizer.save(tmp_path / "a")
    with pytest.raises(ValueError, match=r"does not hold the space's constraints, .*\(small, different\). Pass space="):
        ASNG.load(tmp_path / "a")
    assert oracles.exact(ASNG.load(tmp_path / "a", space=space()).state_dict()) == oracles.exact(optimizer.state_dict())
    with pytest.raises(ValueError, match="must be of this optimizer's space"):
        ASNG.load(tmp_path / "a", space=space(small))


def test_equality_and_repr_see_the_constraints():
    assert space() == space()
    assert space() != space(small)
    assert copy.deepcopy(space()) == space()
    assert "constraints=[small, different]" in repr(space())


def test_the_recommendation_is_feasible_and_the_likeliest_such_point():
    one = Space({"a": Categorical(range(3)), "b": Categorical(range(3)), "n": Integer(0, 4)},
                constraints=[lambda v: v["a"] + v["b"] < v["n"]])
    optimizer = ASNG(one, seed=1, init={"a": [0.2, 0.3, 0.5], "b": [0.1, 0.15, 0.75], "n": 1})
    assert not one.feasible(optimizer.mode())
    codes = oracles.all_codes(one.sizes)
    feasible = codes[[one.feasible(values) for values in one.decode(codes)]]
    best = feasible[np.argmax(optimizer._parts.distribution.log_probability(feasible))]
    assert optimizer.recommend() == one.decode(best)


def test_the_recommendation_falls_back_on_what_was_told():
    one = Space({"x": Real(0, 1), "y": Real(0, 1)}, constraints=[lambda v: v["x"] + v["y"] < 0.5])
    optimizer = ASNG(one, seed=1)
    with pytest.raises(RuntimeError, match=r"found no feasible point.*Tell some results first"):
        optimizer.recommend()
    optimizer.tell(optimizer.ask(), 1.0)
    assert optimizer.recommend() == optimizer.best.values
