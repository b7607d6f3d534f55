"""`minimize` that is stopped anywhere and by anything, and goes on: the run that was never stopped, to the bit."""

import drawn
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asng_core import minimize


def loss(point):
    """Of any values, the same in every process."""
    return sum((i + 1) * (len(repr(value)) + (value if isinstance(value, (int, float)) and abs(value) < 1e6 else 0.5))
               for i, value in enumerate(point.values()))



def check_resuming(space, seed, noisy, budget, stops, folder):
    calls = []

    def paid(point):
        calls.append(1)
        return loss(point)

    whole = minimize(paid, space, budget=budget, seed=seed, noisy=noisy)
    n, calls[:] = len(calls), []
    path = folder / "run.npz"
    path.unlink(missing_ok=True)
    for stop in stops:  # each part by a callback that ends it
        minimize(paid, space, budget=budget, seed=seed, noisy=noisy, checkpoint=path,
                 callback=lambda progress, stop=stop: len(calls) >= stop)
    resumed = minimize(paid, space, budget=budget, seed=seed, noisy=noisy, checkpoint=path)
    assert len(calls) == n, "an evaluation was paid twice, or not at all"
    for name in ("codes", "losses", "violations", "ids"):
        np.testing.assert_array_equal(getattr(resumed.history, name), getattr(whole.history, name))
    assert (resumed.values, resumed.loss) == (whole.values, whole.loss)
    assert resumed.n_evaluations == whole.n_evaluations == n <= budget


CASES = {"space": drawn.spaces(), "seed": st.integers(0, 2**32), "noisy": st.booleans(),
         "budget": st.integers(1, 40), "stops": st.lists(st.integers(1, 40), max_size=4).map(sorted)}
COMMON = {"database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=15, derandomize=True, **COMMON)
@given(**CASES)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(space, seed, noisy, budget, stops, tmp_path_factory):
    check_resuming(space, seed, noisy, budget, stops, tmp_path_factory.mktemp("a"))


@pytest.mark.attack
@settings(max_examples=80, derandomize=True, **COMMON)
@given(**CASES)
def test_many_stopped_runs_go_on(space, seed, noisy, budget, stops, tmp_path_factory):
    check_resuming(space, seed, noisy, budget, stops, tmp_path_factory.mktemp("a"))
