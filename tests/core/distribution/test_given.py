"""Values that no draw stands for to the last digit are asked again as they were given."""

import copy

import numpy as np
import pytest

from asng_core import ASNG, Boolean, Categorical, Minimizer, Ordinal, Real, Space

WIDE = {"real": Real(0, 3), "log real": Real(1e-3, 1e3, log=True)}


def missed(name, n=1):
    """Values of a variable that its draws reach only a neighbour of."""
    space = Space({"x": WIDE[name]})
    distribution, rng, found = ASNG(space)._parts.distribution, np.random.default_rng(0), []
    while len(found) < n:
        codes = space.encode({"x": rng.uniform(WIDE[name].high / 2, WIDE[name].high)})[None]
        if distribution.codes(distribution.draws(codes))[0, 0] != codes[0, 0]:
            found.append(space.values(codes)[0]["x"])
    return found


@pytest.mark.parametrize("how", ["inject", "fixed"])
@pytest.mark.parametrize("name", WIDE)
def test_what_was_given_is_asked_again_to_the_last_digit(name, how):
    space = Space({"x": WIDE[name], "c": Boolean()})
    x, optimizer = missed(name)[0], Minimizer(space, seed=1, noisy=True)
    if how == "inject":
        optimizer.inject({"x": x, "c": True}, -1.0)
    else:
        optimizer.tell(optimizer.ask(fixed={"x": x, "c": True}), -1.0)
    for _ in range(60):
        point = optimizer.ask()
        if point["c"] and abs(point["x"] / x - 1) < 1e-12:
            assert point["x"] == x
        optimizer.tell(point, abs(point["x"] / x - 1))
    # whether or not this search has asked it again: the draw nearest to it stands for it
    distribution = optimizer._parts.distribution
    assert distribution.codes(distribution.draws(space.encode({"x": x, "c": True})[None]))[0, 0] == x


def test_it_is_saved_and_undone_with_the_rest(tmp_path):
    values = missed("real", 3)
    optimizer = Minimizer(Space({"x": WIDE["real"]}), seed=1, noisy=True)
    optimizer.inject({"x": values[0]}, 1.0)
    optimizer.ask(fixed={"x": values[1]})
    given = optimizer._parts.distribution.given
    assert [value for *_, value in given.state()] == values[:2]
    parts = optimizer._parts.whole(draws=False)
    parts.take_given(optimizer.space.encode({"x": values[2]}))
    assert len(given.state()) == 3
    parts.undo()
    assert len(given.state()) == 2
    optimizer.save(tmp_path / "a")
    loaded = Minimizer.load(tmp_path / "a")
    assert [point["x"] for point in loaded.ask(20)] == [point["x"] for point in optimizer.ask(20)]
    assert [value for *_, value in loaded._parts.distribution.given.state()] == values[:2]


def test_a_point_that_is_open_stays_what_it_is():
    x = missed("real")[0]
    optimizer = ASNG(Space({"x": WIDE["real"]}), seed=1)
    draws = optimizer._parts.distribution.draws(optimizer.space.encode({"x": x})[None])
    neighbour = optimizer._parts.ledger.ask(draws, None)
    optimizer.inject({"x": x}, 1.0)
    optimizer.tell(neighbour, [0.0])
    assert optimizer.best.values == dict(neighbour[0]) != {"x": x}


@pytest.mark.parametrize("wrong", [[[1, 1.0, 1.0]], [[0.5, 1.0, 1.0]], [[0, 1.0, 4.0]], [[0, 1.0, 1.1]], [[0, 1.0]], 3,
                                   [[0, "a", 1.0]], [[0, 1.0, float("nan")]]])
def test_a_damaged_table_is_refused(wrong):
    optimizer = ASNG(Space({"x": WIDE["real"]}), seed=1)
    state = copy.deepcopy(optimizer.state_dict()) | {"given": wrong}
    with pytest.raises(ValueError, match="state must be what"):
        optimizer.load_state_dict(state)


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("values", [{"op": "b", "y": 0.3}, {"op": "a", "k": 3, "x": 0.1, "y": 0.3}])
def test_what_is_inactive_stands_for_nothing(noisy, values):
    """Found: a state with an injected point that lacks a variable could not be loaded."""
    space = Space({"op": Categorical(["a", "b"]), "k": Ordinal([1, 3]), "x": Real(0, 1), "y": Real(1e-4, 1, log=True)},
                  active_if={"k": {"op": ["a"]}, "x": {"op": ["a"]}})
    one, two = (Minimizer(space, noisy=noisy, seed=seed) for seed in (0, 1))
    one.inject(values, 1.0)
    assert not np.isnan(one.state_dict()["given"]).any()
    two.load_state_dict(one.state_dict())
    for _ in range(20):
        point, again = one.ask(), two.ask()
        assert dict(point) == dict(again)
        one.tell(point, 1.0)
        two.tell(again, 1.0)
