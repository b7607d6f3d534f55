import math

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asng_core.merit import ranks
from asng_core.utility import utilities

values = st.sampled_from([-math.inf, -2.0, -0.0, 0.0, 1e-300, 0.5, 3.0, 1e300, math.inf, math.nan])


@pytest.mark.parametrize(("losses", "expected"), [
    ([1.0, 2.0], [1, -1]),
    ([2.0, 1.0], [-1, 1]),
    ([3.0, 1.0, 2.0, 4.0], [0, 1, 0, -1]),
    ([1.0, 2.0, 3.0, 4.0, 5.0], [1, 1, 0, -1, -1]),
    ([0.0, 0.0], [0, 0]),
    ([-1.0, -1.0, -1.0], [0, 0, 0]),
    ([0.0, 0.0, 1.0, 2.0], [0.5, 0.5, 0, -1]),
    ([1.0, math.inf, math.nan, math.nan], [1, 0, -0.5, -0.5]),
    ([math.nan, math.nan], [0, 0]),
    ([math.inf, math.inf, 0.0], [-0.5, -0.5, 1]),
    ([5.0], [0]),
])
def test_best_quarter_gains_and_worst_quarter_loses(losses, expected):
    assert utilities(ranks(np.array(losses))).tolist() == pytest.approx(expected)


@given(st.lists(values, min_size=1, max_size=40))
def test_equals_the_plain_loop(losses):
    assert utilities(ranks(np.array(losses))) == pytest.approx(oracles.utilities_by_loop(losses))


@given(st.lists(values, min_size=1, max_size=40))
def test_sums_to_zero_and_does_not_touch_its_input(losses):
    array = np.array(losses)
    result = utilities(ranks(array))
    assert np.array_equal(array, np.array(losses), equal_nan=True)
    assert result.sum() == pytest.approx(0, abs=1e-12)


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=20, unique=True))
def test_only_ranks_count(losses):
    order = np.argsort(np.argsort(losses)).astype(float)
    assert ranks(np.array(losses)).tolist() == order.tolist()
    assert ranks(np.exp(order) - 9).tolist() == order.tolist()
