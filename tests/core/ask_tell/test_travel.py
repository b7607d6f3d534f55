"""What goes to a worker goes without the space, works there as the mapping that it is, and comes back."""

import copy
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from operator import itemgetter

import numpy as np
import oracles
import pytest

from asng_core import ASNG, Boolean, Categorical, Integer, Minimizer, Real, Space, minimize

UNPICKLABLE = Space({"op": Categorical(["conv", "pool"]), "width": Integer(1, 300), "x": Real(0, 1),
                     "flag": Boolean()}, active_if={"x": {"op": ["conv"]}},
                    constraints=[lambda values: values["width"] <= 200 or values["flag"]])


def carried(thing):
    return pickle.loads(pickle.dumps(thing))


def objective(point):
    return point["width"] + (point["op"] == "pool") + point.get("x", 0.0)


@pytest.mark.parametrize("make", [ASNG, Minimizer])
def test_candidates_are_evaluated_elsewhere_and_told_when_they_return(make):
    optimizer = make(UNPICKLABLE, seed=1, population_size=4)
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as pool:
        batch = optimizer.ask(4)
        losses = list(pool.map(itemgetter("width"), batch))
        assert losses == [point["width"] for point in batch]
    for point, there in zip(batch, map(carried, batch), strict=True):
        assert dict(there) == dict(point) == dict(**there)
        assert (list(there), len(there), there.id, repr(there)) == (list(point), len(point), point.id, repr(point))
        assert there == point
        assert there.get("x", "inactive") == point.get("x", "inactive")
        assert not there.codes.flags.writeable
        np.testing.assert_array_equal(there.codes, point.codes)
        assert there.codes.dtype == point.codes.dtype
        again = carried(there)
        assert (dict(again), again.id) == (dict(point), point.id)
    optimizer.tell(carried(batch[0]), losses[0])
    optimizer.tell([batch[1], carried(batch[2])], losses[1:3])
    optimizer.tell(carried(batch)[3:], losses[3:])
    assert optimizer.n_told == 4
    assert not len(optimizer.pending)
    with pytest.raises(ValueError, match="told before"):
        optimizer.tell(carried(batch), losses)


def test_a_candidate_works_where_its_space_cannot_be_imported():
    code = ("import pickle, sys; point = pickle.load(sys.stdin.buffer); "
            "print(point.id, dict(point) == eval(sys.argv[1]))")
    point = ASNG(UNPICKLABLE, seed=1).ask(3)[2]
    done = subprocess.run([sys.executable, "-c", code, repr(dict(point))], input=pickle.dumps(point),
                          capture_output=True, check=True)
    assert done.stdout.split() == [b"2", b"True"]


@pytest.mark.parametrize("variable", [Boolean(), Integer(0, 10**6), Real(0, 1), Categorical(["conv3x3", "pool"])])
def test_many_variables_take_about_twice_what_their_values_take(variable):
    for point in (ASNG(Space({f"x{i}": variable for i in range(10_000)}), seed=1).ask(n) for n in (None, 3)):
        values = dict(point) if hasattr(point, "id") else [dict(each) for each in point]
        assert len(pickle.dumps(point)) <= 2 * len(pickle.dumps(values)) + 1000


def test_batches_histories_and_results_travel_too():
    optimizer = Minimizer(UNPICKLABLE, seed=1)
    batch = optimizer.ask(12)
    optimizer.tell(batch, [objective(point) for point in batch])
    there = carried(batch)
    assert list(there) == list(batch)
    assert (there.ids, repr(there), there[1:3].ids) == (batch.ids, repr(batch), batch.ids[1:3])
    history, result = carried(optimizer.history), minimize(objective, UNPICKLABLE, budget=12, seed=1)
    assert (history.values, len(history), repr(history)) == (
        optimizer.history.values, 12, repr(optimizer.history))
    np.testing.assert_array_equal(history.codes, optimizer.history.codes)
    assert history.to_frame().equals(optimizer.history.to_frame())
    assert not history.codes.flags.writeable
    assert carried(optimizer.best) == optimizer.best
    other = carried(result)
    assert (repr(other), other.values, other.history.values) == (repr(result), result.values, result.history.values)
    assert other.front == result.front


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_keep_their_space(copied):
    optimizer = Minimizer(UNPICKLABLE, seed=1)
    batch = optimizer.ask(12)
    optimizer.tell(batch[1:], [objective(point) for point in batch[1:]])
    assert copied(batch[0]).space is copied(batch).space is UNPICKLABLE
    optimizer.tell(copied(batch[0]), 1.0)
    history = copied(optimizer.history)
    optimizer.tell(optimizer.ask(), 2.0)
    assert len(history.values) == len(history) == 12
    twin = copied(optimizer)
    assert oracles.exact(twin.state_dict()) == oracles.exact(optimizer.state_dict())
    assert dict(twin.ask()) == dict(optimizer.ask())
    assert twin.history is not optimizer.history


@pytest.mark.parametrize("make", [ASNG, Minimizer, lambda *a, **k: Minimizer(*a, noisy=True, **k)])
def test_an_optimizer_travels_with_its_space_and_goes_on_there(make):
    space = Space(UNPICKLABLE.variables, active_if={"x": {"op": ["conv"]}})
    optimizer = make(space, seed=1, population_size=4)
    batch = optimizer.ask(30)
    optimizer.tell(batch[:25], [objective(point) for point in batch[:25]])
    optimizer.note = "the user's own"
    twin = carried(optimizer)
    assert twin.note == "the user's own"
    for each in (optimizer, twin):
        each.tell(batch[25:], [objective(point) for point in batch[25:]])
        point = each.ask()
        each.tell(point, objective(point))
    assert oracles.exact(twin.state_dict()) == oracles.exact(optimizer.state_dict())
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        pickle.dumps(make(UNPICKLABLE))
