"""Wrong input is named: the argument, the rule, what came, and the repair; nothing else escapes."""

import math

import numpy as np
import oracles
import pytest

from asng_core import ASNG, Boolean, Categorical, Integer, Minimizer, Ordinal, Real, Space, SpaceExhausted

SPACE = Space({"op": Categorical(["conv", "pool"]), "n": Integer(1, 9), "x": Real(0, 1)})
POINT = {"op": "conv", "n": 3, "x": 0.5}


def bare(values):
    return True


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda o: ASNG.load(5), TypeError, r"ASNG.load\(path\) must be a path, as text or a pathlib.Path, got 5"),
    (lambda o: o.save(5), TypeError, r"ASNG.save\(path\) must be a path, as text or a pathlib.Path, got 5"),
    (lambda o: ASNG.load("x", space=5), TypeError,
     r"ASNG.load\(space=...\) must be the Space that was searched, got 5"),
    (lambda o: o.ask(fixed={"op": "skip"}), ValueError,
     r"ask\(fixed=...\): variable 'op' must be one of \['conv', 'pool'\] \(same type, equal\), got 'skip'"),
    (lambda o: ASNG(SPACE, init={"n": 77}), ValueError, r"init: variable 'n' must be an integer within 1..9, got 77"),
    (lambda o: Space(SPACE.variables, constraints=bare), TypeError,
     r"Space\(constraints=...\) must be a list of functions.*got <function bare.*>. Put it into a list."),
    (lambda o: o.tell(o.ask(), np.complex128(1 + 2j)), TypeError, r"a loss must be one real number, got .*1\+2j"),
    (lambda o: o.tell(o.ask(2), np.array([1 + 2j, 3])), TypeError, r"a loss must be one real number, got .*1\+2j"),
    (lambda o: o.tell(o.ask(), 1.0, np.complex64(1j)), TypeError, r"a violation must be one real number"),
    (lambda o: ASNG(SPACE, margin=np.complex128(0.1)), TypeError, r"ASNG\(margin=...\) must be a number"),
    (lambda o: ASNG(SPACE, margin=np.ones(2)), TypeError, r"ASNG\(margin=...\) must be a number"),
    (lambda o: o.ask(np.array([1, 2])), TypeError, r"ask\(n\) must be an integer"),
    (lambda o: Real(0, np.complex128(1)), TypeError, r"Real\(high=...\) must be a number"),
    (lambda o: Categorical([float("nan"), 1, float("nan")]), ValueError,
     "hold each value once, got nan at positions 0 and 2"),
    (lambda o: Categorical([np.float32("nan"), np.float32("nan")]), ValueError, "each value once"),
    (lambda o: Ordinal([{"w": np.ones(3)}, {"w": np.ones(3)}]), ValueError,
     "each value once, got {'w': array.*0 and 1"),
])
def test_the_argument_the_rule_what_came_and_the_repair_are_named(call, error, message):
    optimizer = ASNG(SPACE, seed=0)
    with pytest.raises(error, match=message):
        call(optimizer)


def test_values_that_do_not_equal_themselves_are_known_by_content():
    variable = Categorical([float("nan"), "nan", {"w": np.ones(3)}, {"w": np.zeros(3)},
                            {"w": np.array([1.0, math.nan])}])
    assert [variable.encode(each) for each in (np.nan, "nan", {"w": np.ones(3)}, {"w": np.zeros(3)})] == [0, 1, 2, 3]
    assert variable.encode({"w": np.array([1.0, math.nan])}) == 4
    with pytest.raises(ValueError, match="must be one of"):
        variable.encode({"w": np.full(3, 2.0)})
    assert Categorical([float("nan")]) == Categorical([np.nan])
    assert Categorical([1, 1.0, True]).size == 3


def test_a_range_without_constraints_that_runs_out_is_not_told_to_relax_them():
    space = Space({"x": Real(1.0, math.nextafter(1.0, 2.0))})
    optimizer = Minimizer(space, seed=0)
    for _ in range(2):
        optimizer.tell(optimizer.ask(), 1.0)
    with pytest.raises(SpaceExhausted) as caught:
        optimizer.ask()
    assert "constraint" not in str(caught.value)
    assert "no new point was found: all that were tried have been asked. Widen the ranges" in str(caught.value)
    assert optimizer.n_told == 2


@pytest.mark.parametrize(("size", "bar"), [(2, 0.625), (3, 1 - (1 / 4 + 2 / 3) / 2)])
def test_converged_claims_what_its_description_says(size, bar):
    for probability, expected in ((bar - 0.01, False), (bar + 0.01, True)):
        rest = [(1 - probability) / (size - 1)] * (size - 1)
        assert ASNG(Space.categorical([size]), init={"x0": [probability, *rest]}).converged is expected
    for probability, expected in ((0.97, False), (0.985, True)):
        rest = [(1 - probability) / (size - 1)] * (size - 1)
        made = ASNG(Space.categorical([size]), init={"x0": [probability, *rest]}, margin=0.01)
        assert made.converged is expected


WRONG = [None, "text", b"bytes", -1, 0, 1.5, math.nan, math.inf, 10**400, True, 1j, np.complex128(1j), [], {}, (),
         set(), [1],
         ["x"], {"a": 1}, {1: 2}, {"op": None}, {"op": [1]}, {"n": 2.0, "op": "conv", "x": 0.1}, np.ones(2),
         np.ones((2, 2)),
         np.array(["x"]), np.array(None), object(), bare, int, SPACE, Boolean(), np.datetime64("2020"), range(3),
         iter([1])]
CALLS = {
    "ask": lambda o, w: o.ask(w), "ask fixed": lambda o, w: o.ask(fixed=w),
    "ask mirrored": lambda o, w: o.ask(mirrored=w),
    "ask fixed to": lambda o, w: o.ask(fixed={"op": w}), "ask fixed in": lambda o, w: o.ask(fixed={"n": w}),
    "ask fixed at": lambda o, w: o.ask(fixed={"x": w}), "sample": lambda o, w: o.sample(w),
    "tell candidates": lambda o, w: o.tell(w, 1.0), "tell list": lambda o, w: o.tell([w], [1.0]),
    "tell loss": lambda o, w: o.tell(o.ask(), w), "tell losses": lambda o, w: o.tell(o.ask(2), w),
    "tell each": lambda o, w: o.tell(o.ask(2), [w, w]), "violation": lambda o, w: o.tell(o.ask(), 1.0, w),
    "violations": lambda o, w: o.tell(o.ask(2), [1.0, 2.0], w), "violations each": lambda o, w: o.tell(
        o.ask(2), [1.0, 2.0], [w, w]),
    "inject": lambda o, w: o.inject(w, 1.0), "inject value": lambda o, w: o.inject({**POINT, "n": w}, 1.0),
    "inject loss": lambda o, w: o.inject(POINT, w), "inject violation": lambda o, w: o.inject(POINT, 1.0, violation=w),
    "load_state_dict": lambda o, w: o.load_state_dict(w), "decode": lambda o, w: o.space.decode(w),
    "encode": lambda o, w: o.space.encode(w), "contains": lambda o, w: o.space.contains(w),
    "binary": lambda o, w: Space.binary(w), "categorical": lambda o, w: Space.categorical(w),
    "variables": lambda o, w: Space(w), "variable": lambda o, w: Space({"a": w}),
    "constraints": lambda o, w: Space(SPACE.variables, constraints=w),
    "active_if": lambda o, w: Space(SPACE.variables, active_if=w),
    "condition": lambda o, w: Space(SPACE.variables, active_if={"n": w}),
    "condition's values": lambda o, w: Space(SPACE.variables, active_if={"n": {"op": w}}),
    "Categorical": lambda o, w: Categorical(w), "Ordinal": lambda o, w: Ordinal(w),
    "Integer": lambda o, w: Integer(w, 9),
    "Integer to": lambda o, w: Integer(1, w), "Integer step": lambda o, w: Integer(1, 9, step=w),
    "Integer log": lambda o, w: Integer(1, 9, log=w), "Real": lambda o, w: Real(w, 9),
    "Real to": lambda o, w: Real(1, w),
    "Real step": lambda o, w: Real(1, 9, step=w), "seed": lambda o, w: type(o)(SPACE, seed=w),
    "population_size": lambda o, w: type(o)(SPACE, population_size=w), "margin": lambda o, w: type(o)(SPACE, margin=w),
    "init": lambda o, w: type(o)(SPACE, init=w), "init of": lambda o, w: type(o)(SPACE, init={"op": w}),
    "init around": lambda o, w: type(o)(SPACE, init={"n": w}), "space": lambda o, w: type(o)(w),
    "alpha": lambda o, w: ASNG(SPACE, alpha=w), "adapt": lambda o, w: ASNG(SPACE, adapt=w),
    "sigma_min": lambda o, w: ASNG(SPACE, sigma_min=w), "step": lambda o, w: ASNG(SPACE, initial_step_size=w),
    "noisy": lambda o, w: Minimizer(SPACE, noisy=w), "mechanisms": lambda o, w: Minimizer(SPACE, mechanisms=w),
    "load space": lambda o, w: type(o).load("/nowhere", space=w if w is not None else 5),
}
OURS = ("must", "takes", "each candidate", "losses", "No such file", "candidate", "one of", "not defined", "satisfy")


def but_for_asking(optimizer):
    """The state, without what an `ask` before a wrong `tell` has changed."""
    changed = ("rng", "open", "past", "n_asked", "surrogate", "known", "pool")
    return oracles.exact({name: value for name, value in optimizer.state_dict().items() if name not in changed})


@pytest.mark.parametrize("make", [ASNG, Minimizer])
@pytest.mark.parametrize("name", CALLS)
def test_wrong_types_are_explained(name, make):
    optimizer = make(SPACE, seed=0)
    optimizer.tell(optimizer.ask(), 1.0)
    for wrong in WRONG:
        if type(wrong) is int and wrong > 10 and name in ("ask", "sample", "binary"):
            continue  # legal, and more than there is time for
        before, words = but_for_asking(optimizer), None
        try:
            CALLS[name](optimizer, wrong)
        except (TypeError, ValueError, FileNotFoundError) as error:
            words = f"{wrong!r}: {type(error).__name__}: {error}"
        if words is None:  # legal
            optimizer = make(SPACE, seed=0)
            optimizer.tell(optimizer.ask(), 1.0)
            continue
        assert any(word in words for word in OURS), words
        assert but_for_asking(optimizer) == before


class Unspeakable:
    def __repr__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize("call", [
    lambda o: o.tell(o.ask(), Unspeakable()), lambda o: o.ask(fixed={"n": Unspeakable()}),
    lambda o: o.ask(Unspeakable()), lambda o: o.tell(Unspeakable(), 1.0),
    lambda o: type(o)(Unspeakable()), lambda o: o.save(Unspeakable())])
def test_what_has_no_repr_is_named_by_its_type(call):
    optimizer = ASNG(Space({"n": Integer(0, 3)}), seed=1)
    with pytest.raises((TypeError, ValueError), match=r"got <.*Unspeakable object at"):
        call(optimizer)


def test_numpys_truth_values_are_a_booleans():
    optimizer = Minimizer(Space({"flag": Boolean()}), seed=1)
    assert optimizer.ask(fixed={"flag": np.bool_(True)})["flag"] is True
    optimizer.inject({"flag": np.False_}, 1.0)
    assert optimizer.best.values == {"flag": False}


@pytest.mark.parametrize("kind", [ASNG, Minimizer])
@pytest.mark.parametrize("dtype", ["datetime64[ns]", "timedelta64[ns]", "complex128", "U1", [("a", "i8"), ("b", "f8")]],
                         ids=str)
def test_arrays_of_what_is_no_number_are_no_losses(kind, dtype):
    optimizer = kind(Space.binary(4), seed=0)
    batch = optimizer.ask(2)
    with pytest.raises(TypeError, match="a loss must be one real number"):
        optimizer.tell(batch, np.array([1, 2]).astype(dtype))
    assert optimizer.n_told == 0
