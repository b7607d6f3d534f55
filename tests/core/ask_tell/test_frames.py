"""Results that went out as a table and come back."""

import csv
import io
import math
import re

import drawn
import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asng_core import ASNG, Boolean, Categorical, Integer, Minimizer, Ordinal, Real, Space, SpaceExhausted

SPACE = Space({"op": Categorical(["conv", "pool", None]), "kernel": Ordinal([1, 3, 5]),
               "width": Integer(16, 64, step=8), "norm": Boolean(), "rate": Real(1e-4, 1.0, log=True),
               "decay": Real(0, 1, step=0.1)},
              active_if={"kernel": {"op": ["conv"]}, "norm": {"op": ["conv", "pool"]}, "rate": {"norm": [True]}})


def searched(space=SPACE, n=40, **keywords):
    optimizer = Minimizer(space, seed=0, **keywords)
    for i in range(n):
        candidate = optimizer.ask()
        loss = math.nan if i % 11 == 3 else float(sum(map(len, map(str, candidate.values()))))
        optimizer.tell(candidate, loss, 0.5 * (i % 7 == 2))
    return optimizer


def by_csv(frame):
    exact = {"float_precision": "round_trip"} if pandas.__version__ < "3" else {}  # pandas 2: a digit off, usually
    return pandas.read_csv(io.StringIO(frame.to_csv(index=False)), **exact)


def by_csv_module(frame):
    return list(csv.DictReader(io.StringIO(frame.to_csv(index=False))))  # all text


@pytest.mark.parametrize("way", [lambda frame: frame, by_csv, by_csv_module,
                                 lambda frame: frame.to_dict("records")], ids=["frame", "csv", "text", "records"])
@pytest.mark.parametrize("kind", [Minimizer, ASNG])
def test_a_history_comes_back_whole(kind, way):
    one = searched()
    two = kind(SPACE, seed=1)
    two.inject_frame(way(one.history.to_frame()))
    assert two.best.values == one.best.values
    assert two.best.loss == one.best.loss
    if kind is Minimizer:
        for name in ("codes", "losses", "violations"):
            np.testing.assert_array_equal(getattr(two.history, name), getattr(one.history, name))
        assert two.ask() not in one.history.values


def test_several_objectives_come_back():
    one = Minimizer(Space.binary(4), seed=0)
    for _ in range(6):
        candidate = one.ask()
        one.tell(candidate, (sum(candidate.values()), -sum(candidate.values())))
    two = Minimizer(Space.binary(4), seed=0)
    two.inject_frame(by_csv(one.history.to_frame()))
    np.testing.assert_array_equal(two.history.losses, one.history.losses)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_point_comes_back_as_it_was_or_not_at_all(data):
    space = data.draw(drawn.spaces())
    optimizer = Minimizer(space, seed=0)
    try:
        for candidate in optimizer.ask(6):
            optimizer.tell(candidate, 1.0)
    except (SpaceExhausted, ValueError):
        return
    history = optimizer.history
    for way in (by_csv, by_csv_module):
        rows = way(history.to_frame())
        rows = rows if isinstance(rows, list) else rows.to_dict("records")
        for row, codes in zip(rows, history.codes, strict=True):
            try:
                read = space.encode(space.parse(row))
            except ValueError as error:  # 1, 1.0 and "1" look alike
                read = codes if re.search(r"must tell \[.*1.*\] apart", str(error)) else None
            np.testing.assert_array_equal(read, codes)


@pytest.mark.parametrize(("change", "words"), [
    ({"op": "convolution"}, r"row 1: variable 'op' must show one of \['conv', 'pool', None\], got 'convolution'"),
    ({"width": 17.0}, r"row 1: variable 'width' must be an integer within 16\.\.64 in steps of 8, got 17"),
    ({"width": math.nan}, "row 1: variable 'width' must be an integer"),
    ({"kernel": 5, "op": "pool"}, "row 1: variable 'kernel' must be empty, its condition not being met, got 5"),
    ({"width": 10**400}, "row 1: variable 'width' must be an integer"), ({"loss": 10**400}, "row 1: must be a number"),
    ({"loss": "good"}, "row 1: must be a number, got 'good'"), ({"violation": "x"}, "row 1: must be a number, got 'x'"),
])
def test_a_wrong_row_is_named_and_nothing_is_taken(change, words):
    rows = [{"op": None, "width": 16, "decay": 0.1, "loss": 1.0},
            {"op": "pool", "width": 24, "norm": False, "decay": 0.0, "loss": 2.0}]
    optimizer = Minimizer(SPACE, seed=0)
    optimizer.inject_frame(rows)
    assert len(optimizer.history) == 2
    with pytest.raises(ValueError, match=words):
        optimizer.inject_frame([rows[0], rows[1] | change])
    assert len(optimizer.history) == 2


def test_what_is_no_table_of_results():
    optimizer = Minimizer(Space.binary(2), seed=0)
    for wrong in (5, "rows", [1], None):
        with pytest.raises(TypeError, match=r"inject_frame\(frame\) must be a History, a DataFrame or a list of dicts"):
            optimizer.inject_frame(wrong)
    with pytest.raises(ValueError, match="must have a column 'loss', or 'loss_0'"):
        optimizer.inject_frame([{"x0": True, "x1": False}])
    with pytest.raises(ValueError, match=r"row 0: variable 'x1' .*got None. There is no column 'x1'.$"):
        optimizer.inject_frame([{"x0": True, "x2": False, "loss": 1.0}])
    optimizer.inject_frame([])
    twice = Space({"one": Categorical([1, 1.0])})
    with pytest.raises(ValueError, match=r"must tell \[1, 1.0\] apart, got '1.00'"):
        twice.parse({"one": "1.00"})
    with pytest.raises(ValueError, match=r"must show one of \[1, 10+\.\.\., got .*inf"):
        Space({"one": Categorical([1, 10**400])}).parse({"one": np.float64("inf")})
    constrained = Space({"a": Integer(0, 3)}, constraints=[lambda point: point["a"] < 2])
    with pytest.raises(ValueError, match=r"row 0: must satisfy .* got \{'a': 3\}"):
        Minimizer(constrained).inject_frame([{"a": 3, "loss": 1.0}])
