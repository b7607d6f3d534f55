"""`minimize` at several fidelities: what a run returned is handed back to it, and the budget counts cost."""

import math
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import oracles
import pytest

from asng_core import Categorical, Integer, Minimizer, Progress, Space, StateLost, checkpoint, maximize, minimize
from asng_core.loop.continued import packed, unpacked

PRICES = [1, 3, 9]
SPACE = Space({"n": Integer(0, 9), "m": Integer(0, 9), "k": Categorical(["a", "b", "c"])})


def top(v):
    return (v["n"] - 6) ** 2 / 20 + (v["m"] - 2) ** 2 / 30 + {"a": 0.0, "b": 0.4, "c": 0.2}[v["k"]]


def train(v, fidelity, state):
    """Knows what it was handed: epochs so far, and whose they are."""
    if state is not None:
        assert state["of"] == dict(v)
        assert state["epochs"] < fidelity
    weights = np.full(3, float(fidelity))
    return top(v) + 1 / fidelity, {"of": dict(v), "epochs": fidelity, "weights": weights}


def test_what_a_run_returned_is_handed_back_to_it():
    seen = []

    def objective(v, fidelity, state):
        seen.append((dict(v), fidelity, 0 if state is None else state["epochs"]))
        return train(v, fidelity, state)

    result = minimize(objective, SPACE, fidelities=PRICES, budget=90, seed=0)
    assert sum(fidelity - since for _, fidelity, since in seen) == result.cost <= 90
    assert {since for _, _, since in seen} == {0, 1, 3}
    assert result.loss == pytest.approx(top(result.values) + 1 / 9)
    assert "budget of 90 used" in result.stop_reason
    assert result.n_evaluations == len(seen)
    assert result.history.fidelities.max() == 2


def test_a_run_without_a_state_begins_anew_at_the_whole_price():
    paid = []

    def objective(v, fidelity, state):
        assert state is None
        paid.append(fidelity)
        return top(v) + 1 / fidelity

    result = minimize(objective, SPACE, fidelities=PRICES, budget=90, seed=0)
    assert sum(paid) == result.cost <= 90
    assert 9 in paid


def test_a_lost_state_is_charged():
    calls, lost = [], []

    def objective(v, fidelity, state):
        calls.append(fidelity)
        if state is not None and not lost:
            lost.append(fidelity - state["epochs"])
            raise StateLost
        return train(v, fidelity, state)

    result = minimize(objective, SPACE, fidelities=PRICES, budget=60, seed=0)
    assert len(lost) == 1
    assert len(calls) == result.n_evaluations + 1
    steps = {1: 1, 3: 2, 9: 6}
    assert result.cost == sum(map(steps.get, calls)) - lost[0] + (lost[0] + {2: 1, 6: 3}[lost[0]]) - lost[0]


def test_states_that_no_run_needs_are_told_of():
    written, dropped = {}, []

    def objective(v, fidelity, state):
        path = Path(f"/nowhere/{len(written)}")
        written[str(path)] = state
        return top(v) + 1 / fidelity, {"path": path}

    minimize(objective, SPACE, fidelities=PRICES, budget=90, seed=0,
             callback=lambda progress: dropped.extend(progress.dropped))
    assert len(dropped) > 1
    assert all(isinstance(each["path"], Path) for each in dropped)
    assert not {str(each["path"]) for each in dropped} & {str(each["path"]) for each in written.values() if each}


def test_callbacks_hear_of_fidelity_and_cost():
    heard: list[Progress] = []
    result = minimize(train, SPACE, fidelities=PRICES, budget=30, seed=0, callback=lambda each: heard.append(each))
    assert heard[-1].cost == result.cost
    assert {each.fidelity for each in heard} <= set(PRICES)
    assert all(each.best is None for each in heard if each.n_evaluations < 3)


@pytest.mark.parametrize("executor", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_executors_get_each_state_once(executor):
    result = minimize(train, SPACE, fidelities=PRICES, budget=60, seed=0, executor=executor, n_workers=2)
    assert 50 <= result.cost <= 60
    assert result.loss < 1


def test_failures_end_a_run():
    def objective(v, fidelity, state):
        if v["k"] == "b":
            raise ZeroDivisionError("by design")
        return train(v, fidelity, state)

    result = minimize(objective, SPACE, fidelities=PRICES, budget=60, seed=0, catch=ZeroDivisionError)
    failed = np.isnan(result.history.losses)
    assert result.n_failed == failed.sum() > 0
    assert (result.history.fidelities[failed] == 0).all()
    assert "by design" in next(iter(result.errors.values()))


def test_it_resumes_to_the_bit_with_its_states(tmp_path):
    whole = minimize(train, SPACE, fidelities=PRICES, budget=80, seed=5, checkpoint=tmp_path / "whole")
    parts = tmp_path / "parts"

    class Stop(Exception):
        pass

    def stopping(after):
        def objective(v, fidelity, state):
            after.append(1)
            if len(after) > whole.n_evaluations // 4 and state is not None:  # that of a run under way
                raise Stop
            return train(v, fidelity, state)
        return objective

    for _ in range(3):
        with pytest.raises(Stop):
            minimize(stopping([]), SPACE, fidelities=PRICES, budget=80, seed=5, checkpoint=parts)
        assert list(parts.with_name("parts.states").iterdir())
    resumed = minimize(train, SPACE, fidelities=PRICES, budget=80, seed=5, checkpoint=parts)
    assert oracles.exact(resumed.history.state()) == oracles.exact(whole.history.state())
    assert resumed.cost == whole.cost


def test_it_resumes_to_the_bit_from_what_a_killed_process_left(tmp_path):
    (tmp_path / "whole").mkdir()
    states = iter(range(1000))

    def objective(v, fidelity, state):  # every fifth has no state to go on from
        loss, new = train(v, fidelity, state)
        return loss, None if next(states) % 5 == 4 else new

    def copying(progress):
        if progress.n_evaluations == 14:  # the checkpoint is of the beginning, the journal of what came since
            shutil.copytree(tmp_path / "whole", tmp_path / "killed")

    whole = minimize(objective, SPACE, fidelities=PRICES, budget=80, seed=5, checkpoint=tmp_path / "whole" / "run",
                     callback=copying)
    states = iter(range(14, 1000))
    resumed = minimize(objective, SPACE, fidelities=PRICES, budget=80, seed=5, checkpoint=tmp_path / "killed" / "run")
    assert oracles.exact(resumed.history.state()) == oracles.exact(whole.history.state())
    assert resumed.cost == whole.cost


@pytest.mark.parametrize("content", [b"damaged", *map(checkpoint.packed, [{}, {"state": {"__path__": 3}}])],
                         ids=["no file", "no state", "no path"])
def test_a_state_that_is_gone_when_it_resumes_begins_anew(content, tmp_path):
    file = tmp_path / "run"
    minimize(train, SPACE, fidelities=PRICES, budget=30, seed=5, checkpoint=file)
    for each in file.with_name("run.states").iterdir():
        each.write_bytes(content)
    before = Minimizer.load(file)
    result = minimize(train, SPACE, fidelities=PRICES, budget=90, seed=5, checkpoint=file)
    assert result.cost > before.spent
    assert result.loss < 1


def test_a_checkpoint_is_of_its_fidelities(tmp_path):
    minimize(train, SPACE, fidelities=PRICES, budget=10, seed=5, checkpoint=tmp_path / "run")
    with pytest.raises(ValueError, match="same"):
        minimize(train, SPACE, fidelities=[1, 3, 10], budget=20, checkpoint=tmp_path / "run")
    with pytest.raises(ValueError, match="same"):
        minimize(top, SPACE, budget=20, checkpoint=tmp_path / "run")


def test_maximize_tells_losses_in_the_users_sign():
    result = maximize(lambda v, fidelity, state: (-train(v, fidelity, state)[0], None), SPACE, fidelities=PRICES,
                      budget=60, seed=0)
    assert result.loss == pytest.approx(-top(result.values) - 1 / 9)


def test_known_results_are_of_their_fidelity():
    first = minimize(train, SPACE, fidelities=PRICES, budget=60, seed=0)
    again = minimize(train, SPACE, fidelities=PRICES, budget=1, seed=1, known=first.history)
    assert again.cost == 1
    assert again.loss <= first.loss
    known = again.history.fidelities[: len(first.history)]
    assert np.array_equal(known, first.history.fidelities)


def test_nothing_at_the_highest_has_no_loss():
    result = minimize(train, SPACE, fidelities=PRICES, budget=3, seed=0)
    assert "Result(no run has reached the highest fidelity; 2 evaluations; " in repr(result)
    with pytest.raises(RuntimeError, match="reached the highest fidelity"):
        _ = result.loss


@pytest.mark.parametrize(("settings", "words"), [
    ({"budget": 0.5}, "at least 1"), ({"budget": 5, "vectorized": True}, "vectorized"),
    ({"budget": math.inf}, "finite")])
def test_what_cannot_be_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        minimize(train, SPACE, fidelities=PRICES, **settings)


@pytest.mark.parametrize("state", [{"a": [1, 2.5, "x", None, True], "b": np.arange(3.0)}, Path("x/y"), [Path("z")], 3,
                                   np.ones((2, 2), dtype=np.float32)])
def test_states_come_back_as_they_were(state):
    assert pickle.dumps(unpacked(packed(state))) == pickle.dumps(state)


@pytest.mark.parametrize("state", [object(), {1, 2}, np.array(["a"]), lambda: 1])
def test_what_is_no_state_is_refused(state):
    with pytest.raises(TypeError, match="a state must be made of"):
        packed(state)
