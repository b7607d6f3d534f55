"""minimize and maximize in this process; `test_minimize_pools` has the executors."""

import os
import signal
import sys
import threading
import time

import cases
import numpy as np
import objectives
import oracles
import pytest

from asng_core import Boolean, Categorical, Integer, Minimizer, Ordinal, Real, Space, checkpoint, maximize, minimize
from asng_core.loop.interrupts import Interrupts

SPACE = Space({"a": Integer(0, 9), "b": Integer(0, 9), "c": Integer(0, 9)})


def interrupted_after(n, objective=objectives.distance, error=KeyboardInterrupt):
    """`objective`, but its call number n + 1 raises."""
    calls = []

    def wrapped(values):
        if len(calls) == n:
            raise error
        calls.append(dict(values))
        return objective(values)

    return wrapped


def same_history(one, other):
    for name in ("codes", "losses", "violations", "ids"):
        np.testing.assert_array_equal(getattr(one.history, name), getattr(other.history, name))


# what comes out


def test_the_best_evaluation_is_found_and_everything_is_kept():
    seen = []

    def objective(values):
        assert type(values) is dict
        seen.append(dict(values))
        return objectives.distance(values)

    result = minimize(objective, SPACE, budget=150, seed=1)
    assert result.values == {"a": 5, "b": 5, "c": 5}
    assert result.loss == 0.0
    assert result.stop_reason == "budget of 150 evaluations used"
    assert (result.n_evaluations, result.n_failed, len(seen)) == (150, 0, 150)
    assert result.history.values == seen
    assert result.history.losses.tolist() == [objectives.distance(values) for values in seen]
    assert result.history.to_frame()["loss"].min() == 0.0
    assert "loss 0 at {'a': 5, 'b': 5, 'c': 5}; 150 evaluations; budget of 150" in repr(result)
    with pytest.raises(AttributeError):
        result.stop_reason = "other"


def test_the_loop_is_asking_and_telling_one_by_one():
    result = minimize(objectives.distance, SPACE, budget=60, seed=3)
    optimizer = Minimizer(SPACE, seed=3)
    for _ in range(60):
        candidate = optimizer.ask()
        optimizer.tell(candidate, objectives.distance(candidate))
    np.testing.assert_array_equal(result.history.codes, optimizer.history.codes)


def test_the_objective_may_alter_its_values():
    def objective(values):
        loss = objectives.distance(values)
        values.clear()
        return loss

    same_history(minimize(objective, SPACE, budget=40, seed=1),
                 minimize(objectives.distance, SPACE, budget=40, seed=1))


def test_maximize_mirrors_minimize_in_the_users_sign():
    down = minimize(objectives.distance, SPACE, budget=60, seed=1)
    up = maximize(lambda values: -objectives.distance(values), SPACE, budget=60, seed=1)
    assert up.values == down.values
    assert up.loss == -down.loss
    np.testing.assert_array_equal(up.history.codes, down.history.codes)
    np.testing.assert_array_equal(up.history.losses, -down.history.losses)
    assert [each.loss for each in up.front] == [-each.loss for each in down.front]


def test_under_noise_the_loss_is_the_mean_at_the_recommended_point():
    rng = np.random.default_rng(0)
    space = Space({"n": Integer(0, 4), "x": Categorical(["u", "v"]), "r": Real(0, 1)},
                  active_if={"r": {"x": ["u"]}})
    result = maximize(lambda v: -abs(v["n"] - 2) - (v["x"] == "u") + rng.normal(), space, budget=80, seed=1, noisy=True)
    losses = [loss for values, loss in zip(result.history.values, result.history.losses, strict=True)
              if values == result.values]
    assert len(losses) > 1  # so that it is a mean
    assert result.loss == pytest.approx(np.mean(losses))


def test_several_objectives_have_a_front_and_no_best():
    def objective(values):
        return values["a"] - values["b"] / 10, values["b"]

    for function, ideal in ((minimize, (0.0, 0.0)), (maximize, (9.0, 0.0))):
        result = function(objective, SPACE, budget=150, seed=1)
        assert result.history.losses.shape == (150, 2)
        sign = 1 if function is minimize else -1
        losses = sign * result.history.losses
        dominated = [(np.all(losses <= loss, axis=1) & np.any(losses < loss, axis=1)).any() for loss in losses]
        assert sorted(each.loss for each in result.front) == sorted(
            tuple(loss) for loss in result.history.losses[~np.array(dominated)].tolist())
        assert all(objective(each.values) == each.loss for each in result.front)
        assert any(each.loss == ideal for each in result.front)
        with pytest.raises(RuntimeError, match=r"Result.loss is not defined for 2 objectives.*Result.front"):
            _ = result.loss
        assert repr(result).startswith(f"Result(front of {len(result.front)} points; 150 evaluations")


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: np.array([x]), lambda x: np.array(x), np.float32])
def test_a_loss_in_a_wrapping_of_one_is_one_objective(wrap):
    assert minimize(lambda values: wrap(objectives.distance(values)), SPACE, budget=20, seed=1).loss == minimize(
        objectives.distance, SPACE, budget=20, seed=1).loss


# stopping


def test_the_target_stops_at_the_first_loss_as_good():
    result = minimize(objectives.distance, SPACE, budget=500, seed=2, target=0)
    assert result.stop_reason == "target of 0 reached"
    assert result.history.losses[-1] <= 0 < result.history.losses[:-1].min()
    up = maximize(lambda values: 7 - objectives.distance(values), SPACE, budget=500, seed=2, target=7)
    assert up.stop_reason == "target of 7 reached"
    assert up.n_evaluations == result.n_evaluations


def test_the_timeout_ends_the_run():
    result = minimize(lambda values: time.sleep(0.02) or 1.0, SPACE, budget=500, seed=1, timeout=0.1)
    assert result.stop_reason == "timeout of 0.1 seconds reached"
    assert result.n_evaluations <= 5


def test_a_space_without_new_points_ends_the_run():
    space = Space({"a": Integer(0, 3), "b": Boolean()}, constraints=[lambda v: v["a"] != 3 or v["b"]])
    result = minimize(objectives.distance, space, budget=100, seed=1)
    assert result.stop_reason == "space exhausted: every feasible point was evaluated"
    assert result.n_evaluations == 7
    assert len(np.unique(result.history.codes, axis=0)) == 7


def test_a_noisy_run_does_not_exhaust_a_space():
    assert minimize(objectives.distance, Space({"a": Integer(0, 3)}), budget=30, seed=1, noisy=True).n_evaluations == 30


def test_the_callback_sees_every_evaluation_and_stops_the_run():
    seen = []

    def callback(progress):
        seen.append(progress)
        return progress.n_evaluations == 12

    result = maximize(objectives.distance, SPACE, budget=100, seed=1, callback=callback)
    assert result.stop_reason == "stopped by the callback"
    assert [progress.n_evaluations for progress in seen] == list(range(1, 13))
    assert [progress.loss for progress in seen] == result.history.losses.tolist()
    assert [progress.values for progress in seen] == result.history.values
    assert [progress.best.loss for progress in seen] == np.maximum.accumulate(result.history.losses).tolist()
    assert [progress.seconds for progress in seen] == sorted(progress.seconds for progress in seen)


@pytest.mark.parametrize("answer", [None, False, 5, "yes", np.False_])
def test_a_callback_stops_by_true_only(answer):
    assert minimize(objectives.distance, SPACE, budget=5, seed=1, callback=lambda _: answer).n_evaluations == 5
    assert minimize(objectives.distance, SPACE, budget=5, seed=1, callback=lambda _: np.True_).n_evaluations == 1


def test_an_interrupt_gives_the_result_so_far(tmp_path):
    path = tmp_path / "run"
    result = minimize(interrupted_after(17), SPACE, budget=100, seed=1, checkpoint=path)
    assert result.stop_reason == "interrupted by the user"
    assert result.n_evaluations == len(result.history) == 17
    assert Minimizer.load(path).n_told == 17


def test_an_interrupt_before_the_first_evaluation_leaves_no_result():
    result = minimize(interrupted_after(0), SPACE, budget=100, seed=1)
    assert "no evaluation succeeded; 0 evaluations" in repr(result)
    with pytest.raises(RuntimeError, match=r"Result.values is not defined, as none of 0 evaluations succeeded"):
        _ = result.values


def test_ctrl_c_while_a_point_is_asked_comes_after_it(tmp_path):
    calls = []

    def constraint(values):  # is called while asking
        calls.append(values)
        if len(calls) == 200:
            os.kill(os.getpid(), signal.SIGINT)
        return True

    space = Space(SPACE.variables, constraints=[constraint])
    path = tmp_path / "run"
    result = minimize(objectives.distance, space, budget=200, seed=1, checkpoint=path)
    assert result.stop_reason == "interrupted by the user"
    assert 0 < result.n_evaluations < 200
    resumed = minimize(objectives.distance, space, budget=200, seed=1, checkpoint=path)
    same_history(resumed, minimize(objectives.distance, space, budget=200, seed=1))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_press_while_held_waits_for_the_next_look_and_the_third_does_not():
    def press(times):
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
        finished.append(times)

    finished = []
    with Interrupts() as interrupts:
        press(2)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
        interrupts.check()
        with pytest.raises(KeyboardInterrupt):
            press(3)
        with pytest.raises(KeyboardInterrupt):
            interrupts.call(press, 1)
        interrupts.finish()
        press(9)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
    assert finished == [2, 9]


def test_it_runs_in_a_thread_too():
    results = []
    thread = threading.Thread(target=lambda: results.append(minimize(objectives.distance, SPACE, budget=20, seed=1)))
    thread.start()
    thread.join()
    assert results[0].n_evaluations == 20


# failures


def test_caught_exceptions_and_nan_are_failed_evaluations():
    def objective(values):
        if values["a"] == 9:
            raise ArithmeticError
        return float("nan") if values["a"] == 0 else objectives.distance(values)

    for catch in (ArithmeticError, (KeyError, ArithmeticError)):
        result = minimize(objective, SPACE, budget=100, seed=1, catch=catch)
        failed = np.isin(result.history.codes[:, 0], [0, 9])
        assert result.n_failed == failed.sum() > 0
        np.testing.assert_array_equal(np.isnan(result.history.losses), failed)
        assert f"100 evaluations, {result.n_failed} failed" in repr(result)
        assert result.loss == 0.0


def test_other_exceptions_end_the_run_once_the_state_is_saved(tmp_path):
    path = tmp_path / "run"
    with pytest.raises(ZeroDivisionError):
        minimize(interrupted_after(11, error=ZeroDivisionError), SPACE, budget=100, seed=1, checkpoint=path,
                 catch=(KeyError, OSError))
    assert Minimizer.load(path).n_told == 11


def test_everything_may_fail():
    result = minimize(lambda values: 1 / 0, SPACE, budget=5, seed=1, catch=ZeroDivisionError)
    assert (result.n_evaluations, result.n_failed) == (5, 5)
    assert np.isnan(result.history.losses).all()
    with pytest.raises(RuntimeError, match=r"none of 5 evaluations succeeded \(5 failed; budget of 5"):
        _ = result.loss


def test_failures_may_come_before_the_number_of_objectives_is_known(tmp_path):
    def objective(values):
        calls.append(values)
        if len(calls) <= 3 or len(calls) == 6:
            raise ValueError
        return objectives.distance(values), values["a"]

    def run(budget, path):
        return minimize(objective, SPACE, budget=budget, seed=1, catch=ValueError, checkpoint=path)

    calls = []
    whole = run(10, tmp_path / "whole")
    assert whole.n_failed == 4
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(whole.history.losses).any(axis=1)), [0, 1, 2, 5])
    calls = []
    assert run(2, tmp_path / "parts").n_failed == 2
    same_history(run(10, tmp_path / "parts"), whole)
    assert len(calls) == 10  # those failed are not evaluated again


@pytest.mark.parametrize(("returned", "shown"), [
    ("0.5", r"returned '0.5' \(str\)"), (None, r"returned None \(NoneType\)"), ({"loss": 1}, "returned {'loss': 1}"),
    ([], r"returned \[\]"), ([[1.0]], r"returned \[\[1.0\]\]"), (1j, r"returned 1j \(complex\)"),
    (["a", "b"], "returned")])
def test_a_loss_that_is_none_names_the_objective_and_the_values(returned, shown):
    def bad_objective(values):
        return returned

    with pytest.raises(TypeError, match=rf"objective .*bad_objective must return one number.*\{{'a': .*{shown}"):
        minimize(bad_objective, SPACE, budget=5, seed=1, catch=Exception)


def test_another_number_of_losses_than_before_is_refused():
    calls = []

    def objective(values):
        calls.append(values)
        return 1.0 if len(calls) < 3 else (1.0, 2.0)

    with pytest.raises(ValueError, match=r"must return as many losses each time, 1 so far.*returned \(1.0, 2.0\)"):
        minimize(objective, SPACE, budget=5, seed=1)


# populations


def test_a_vectorized_objective_gets_arrays():
    space = Space({"i": Integer(0, 3), "r": Real(0, 1), "s": Real(0, 1, step=0.5), "b": Boolean(),
                   "n": Ordinal([1, 2, 4]), "f": Categorical([0.5, 1.5]), "m": Categorical([1, 1.5]),
                   "o": Categorical([None, [1, 2], "x"]), "big": Categorical([1, 2**70]),
                   "c": Integer(0, 5)}, active_if={"c": {"b": [True]}})
    points, sizes = [], []

    def objective(v):
        kinds = {name: array.dtype.kind for name, array in v.items()}
        assert kinds == {"i": "i", "r": "f", "s": "f", "b": "b", "n": "i", "f": "f", "m": "O", "o": "O", "big": "O",
                         "c": "O"}
        sizes.append(len(v["i"]))
        rows = [dict(zip(v, row, strict=True)) for row in zip(*v.values(), strict=True)]
        assert all((row["c"] is None) == (not row["b"]) for row in rows)
        points.extend({name: value for name, value in row.items() if name != "c" or value is not None} for row in rows)
        return v["i"] + v["r"]

    result = minimize(objective, space, budget=30, seed=1, vectorized=True)
    population = Minimizer(space).population_size
    assert sizes == [population] * (30 // population) + [30 % population] * (30 % population > 0)
    assert points == result.history.values
    assert result.loss == pytest.approx(min(point["i"] + point["r"] for point in points))


def test_a_vectorized_objective_may_have_several_losses_or_a_column_of_one():
    pairs = minimize(lambda v: np.stack([v["a"], 9 - v["a"]], axis=1), SPACE, budget=20, seed=1, vectorized=True)
    assert pairs.history.losses.shape == (20, 2)
    column = minimize(lambda v: v["a"][:, None], SPACE, budget=20, seed=1, vectorized=True)
    assert column.history.losses.shape == (20,)


def test_a_vectorized_objective_that_fails_fails_for_its_population():
    calls = []

    def objective(values):
        calls.append(values)
        if len(calls) in (1, 3):
            raise OSError
        return values["a"]

    result = minimize(objective, SPACE, budget=32, seed=1, vectorized=True, catch=OSError)
    n = len(calls[0]["a"])
    assert np.flatnonzero(np.isnan(result.history.losses)).tolist() == [*range(n), *range(2 * n, 3 * n)]


@pytest.mark.parametrize("returned", [lambda v: v["a"][1:], lambda v: 1.0, lambda v: None, lambda v: ["x"] * 8,
                                      lambda v: np.ones((len(v["a"]), 2, 2))])
def test_vectorized_losses_of_another_shape_are_refused(returned):
    with pytest.raises((TypeError, ValueError), match=r"vectorized, must return \(n,\) losses"):
        minimize(returned, SPACE, budget=20, seed=1, vectorized=True)


# checkpoints


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("name", ["mixed", "conditional reals", "any objects"])
def test_a_resumed_run_is_the_uninterrupted_one(name, noisy, tmp_path):
    space = cases.SPACES[name]()

    def objective(values):
        return float(np.sin(7 * np.nan_to_num(space.encode(values))).sum())

    budget = 70 if space.size > 70 else 34
    whole = minimize(objective, space, budget=budget, seed=1, noisy=noisy, checkpoint=tmp_path / "whole")
    for at in (0, 3, 12, 13):
        broken = interrupted_after(at, objective)
        minimize(broken, space, budget=budget, seed=1, noisy=noisy, checkpoint=tmp_path / "parts")
    parts = minimize(objective, space, budget=budget, seed=99, noisy=noisy, checkpoint=tmp_path / "parts")
    same_history(parts, whole)
    assert parts.values == whole.values
    states = [checkpoint.read(tmp_path / run, "asng_core.Minimizer") for run in ("whole", "parts")]
    for state in states:  # the file that each replaced, and how long it took
        del state["minimize"]["supersedes"], state["minimize"]["seconds"]
    assert oracles.exact(states[0]) == oracles.exact(states[1])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["parts", "whole"]


def test_a_resumed_vectorized_run_is_the_uninterrupted_one(tmp_path):
    def objective(values):
        return np.abs(values["a"] - 5) + values["b"]

    whole = minimize(objective, SPACE, budget=50, seed=1, vectorized=True)
    minimize(interrupted_after(3, objective), SPACE, budget=50, seed=1, vectorized=True, checkpoint=tmp_path / "run")
    same_history(minimize(objective, SPACE, budget=50, vectorized=True, checkpoint=tmp_path / "run"), whole)


def test_a_finished_run_is_only_read_again_and_may_be_extended(tmp_path):
    path = tmp_path / "run"
    first = minimize(objectives.distance, SPACE, budget=30, seed=1, checkpoint=path)
    again = minimize(interrupted_after(0, error=AssertionError), SPACE, budget=30, checkpoint=path)
    assert again.stop_reason == "budget of 30 evaluations used"
    same_history(again, first)
    longer = minimize(objectives.distance, SPACE, budget=50, checkpoint=path)
    same_history(longer, minimize(objectives.distance, SPACE, budget=50, seed=1))


def test_slow_evaluations_are_saved_one_by_one(tmp_path, monkeypatch):
    path, saved = tmp_path / "run", []

    def objective(values):
        saved.append(Minimizer.load(path).n_told)
        return 1.0

    monkeypatch.setattr("asng_core.loop.store._SAVE_EVERY", 0.0)
    monkeypatch.setattr("asng_core.loop.store._SAVING_SHARE", float("inf"))
    minimize(objective, SPACE, budget=5, seed=1, checkpoint=path)
    assert saved == [0, 1, 2, 3, 4]
    monkeypatch.setattr("asng_core.loop.store._SAVE_EVERY", 1e9)
    saved.clear()
    path.unlink()
    minimize(objective, SPACE, budget=5, seed=1, checkpoint=path)
    assert saved == [0] * 5
    assert Minimizer.load(path).n_told == 5


@pytest.mark.parametrize(("change", "message"), [
    ({"space": Space.binary(3)}, "must be of this optimizer's space"),
    ({"noisy": True}, r"checkpoint=.* is of a run with noisy=False.*Use noisy=False, or another path"),
    ({"function": maximize}, r"is of a run with minimize\(\), and goes on in one only")])
def test_a_checkpoint_of_something_else_is_refused_and_kept(change, message, tmp_path):
    path = tmp_path / "run"
    minimize(objectives.distance, SPACE, budget=5, seed=1, checkpoint=path)
    before = path.read_bytes()
    function, space = change.pop("function", minimize), change.pop("space", SPACE)
    with pytest.raises(ValueError, match=message):
        function(interrupted_after(0, error=AssertionError), space, budget=9, checkpoint=path, **change)
    assert path.read_bytes() == before


def test_a_minimizers_file_is_gone_on_with(tmp_path):
    optimizer = Minimizer(SPACE, seed=1)
    optimizer.ask(2)
    optimizer.inject({"a": 5, "b": 5, "c": 5}, 0.0)
    optimizer.save(tmp_path / "run")
    result = minimize(objectives.distance, SPACE, budget=10, checkpoint=tmp_path / "run")
    assert result.n_evaluations == 10
    assert result.history.ids.tolist() == [-1, *range(10)]
    assert result.loss == 0.0


@pytest.mark.parametrize("path", ["missing/run", ""])
def test_a_checkpoint_that_cannot_be_written_is_refused(path, tmp_path):
    with pytest.raises(ValueError, match=r"minimize\(checkpoint=...\) must be (in a folder that exists|a file)"):
        minimize(interrupted_after(0, error=AssertionError), SPACE, budget=9, checkpoint=tmp_path / path)


# pictures and bars


@pytest.fixture
def axes(monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    plt = pytest.importorskip("matplotlib.pyplot")
    yield plt
    plt.close("all")


def test_the_plot_shows_losses_and_the_best_so_far(axes):
    result = minimize(interrupted_after(30, lambda v: float("nan") if v["a"] == 9 else 10.0 ** objectives.distance(v)),
                      SPACE, budget=50, seed=1)
    ax = result.plot()
    lines = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_array_equal(lines["best so far"].get_ydata(), np.fmin.accumulate(result.history.losses))
    assert len(lines["evaluation"].get_xdata()) == 30 - result.n_failed < 30
    assert len(lines["failed or infinite"].get_xdata()) == result.n_failed
    assert ax.get_yscale() == "log"
    ax.figure.canvas.draw()


def test_the_plot_of_values_to_maximize_rises(axes):
    result = maximize(objectives.distance, SPACE, budget=20, seed=1)
    _, ax = axes.subplots()
    assert result.plot(ax) is ax
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    np.testing.assert_array_equal(lines["best so far"], np.maximum.accumulate(result.history.losses))
    assert ax.get_ylabel() == "value (higher is better)"


def test_the_plot_of_two_objectives_shows_the_front(axes):
    result = minimize(lambda v: (v["a"], 9 - v["a"] + v["b"]), SPACE, budget=40, seed=1)
    lines = {line.get_label(): line for line in result.plot().get_lines()}
    assert len(lines["front"].get_xdata()) == len(result.front)
    with pytest.raises(ValueError, match="must have one or two objectives, got 3"):
        minimize(lambda v: (1, 2, 3), SPACE, budget=3, seed=1).plot()


def test_a_run_without_evaluations_can_be_drawn(axes):
    minimize(interrupted_after(0), SPACE, budget=5).plot().figure.canvas.draw()


def test_the_bar_shows_the_number_and_the_best(capsys):
    pytest.importorskip("tqdm")
    result = minimize(objectives.distance, SPACE, budget=20, seed=1, progress=True)
    shown = capsys.readouterr().err
    assert "20/20" in shown
    assert f"best={result.loss:.6g}" in shown


@pytest.mark.parametrize(("module", "extra", "use"), [
    ("tqdm.auto", "progress", lambda: minimize(objectives.distance, SPACE, budget=5, progress=True)),
    ("matplotlib.pyplot", "plot", lambda: minimize(objectives.distance, SPACE, budget=5).plot())])
def test_what_is_not_installed_is_named(module, extra, use, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"pip install 'asng\[{extra}\]'"):
        use()


# bad input


@pytest.mark.parametrize(("change", "error", "message"), [
    ({"objective": "f"}, TypeError, r"minimize\(objective\) must be a function"),
    ({"space": {"a": 1}}, TypeError, r"minimize\(space\) must be a Space.*Use Space"),
    ({"budget": 0}, ValueError, r"minimize\(budget=...\) must be at least 1, got 0. It is the number of evaluations"),
    ({"budget": -3}, ValueError, r"must be at least 1, got -3"),
    ({"budget": 2.5}, TypeError, r"minimize\(budget=...\) must be an integer"),
    ({"budget": 1e3}, TypeError, r"minimize\(budget=...\) must be an integer, got 1000.0, a float. Write 1000."),
    ({"budget": np.float64(1e3)}, TypeError, r"Write 1000."),
    ({"budget": None}, TypeError, r"minimize\(budget=...\) must be an integer"),
    ({"seed": -1}, ValueError, r"minimize\(seed=...\) must be at least 0"),
    ({"noisy": "yes"}, TypeError, r"minimize\(noisy=...\) must be True or False"),
    ({"vectorized": 1}, TypeError, r"minimize\(vectorized=...\) must be True or False"),
    ({"progress": 1}, TypeError, r"minimize\(progress=...\) must be True or False"),
    ({"n_workers": 0}, ValueError, r"minimize\(n_workers=...\) must be at least 1"),
    ({"n_workers": 2}, ValueError, r"minimize\(n_workers=2\) must come with an executor"),
    ({"executor": 4}, TypeError, r"minimize\(executor=...\) must be a concurrent.futures executor"),
    ({"executor": dict, "vectorized": True}, ValueError, r"must be None with vectorized=True"),
    ({"executor": dict}, TypeError, r"minimize\(executor=...\) must return a concurrent.futures executor"),
    ({"target": "low"}, TypeError, r"minimize\(target=...\) must be a number"),
    ({"target": float("nan")}, ValueError, r"minimize\(target=...\) must be finite"),
    ({"timeout": 0}, ValueError, r"minimize\(timeout=...\) must be greater than 0"),
    ({"callback": 3}, TypeError, r"minimize\(callback=...\) must be a function of a Progress.*returning True, .*got 3"),
    ({"evaluation_timeout": 0}, ValueError, r"minimize\(evaluation_timeout=...\) must be greater than 0"),
    ({"evaluation_timeout": 5}, ValueError, r"minimize\(evaluation_timeout=5\) must come with an executor.*Process"),
    ({"checkpoint": 3}, TypeError, r"minimize\(checkpoint=...\) must be a path"),
    ({"catch": "ValueError"}, TypeError, r"minimize\(catch=...\) must be an exception class or a tuple"),
    ({"catch": [ValueError]}, TypeError, r"minimize\(catch=...\) must be an exception class or a tuple"),
    ({"catch": KeyboardInterrupt}, TypeError, r"catch=Exception for every error"),
])
def test_bad_input_is_explained_before_anything_is_evaluated(change, error, message):
    arguments = {"objective": interrupted_after(0, error=AssertionError), "space": SPACE, "budget": 5} | change
    with pytest.raises(error, match=message):
        minimize(arguments.pop("objective"), arguments.pop("space"), **arguments)


@pytest.mark.parametrize(("unknown", "repair"), [
    ("n_trials", r"Use budget=\."), ("n_jobs", r"Use n_workers, with exec"),
    ("budgets", r"It takes objective, space,")])
def test_an_unknown_argument_is_answered_by_the_one_that_is_meant(unknown, repair):
    with pytest.raises(TypeError, match=rf"maximize\(\) has no argument '{unknown}'\. {repair}"):
        maximize(objectives.distance, SPACE, budget=3, **{unknown: 5})


def test_errors_of_maximize_name_it():
    with pytest.raises(ValueError, match=r"maximize\(budget=...\) must be at least 1"):
        maximize(objectives.distance, SPACE, budget=0)


def test_a_target_for_several_objectives_is_refused():
    with pytest.raises(ValueError, match=r"minimize\(target=...\) must be left out with several objectives"):
        minimize(lambda values: (1, 2), SPACE, budget=5, target=1)


def test_a_space_too_tight_to_sample_says_so():
    space = Space(SPACE.variables, constraints=[lambda values: False])
    with pytest.raises(ValueError, match=r"minimize\(space\) must have points that satisfy its constraints \(.*lambda"):
        minimize(objectives.distance, space, budget=5)


def test_constraints_that_raise_are_not_caught():
    def constraint(values):
        return 1 / 0

    with pytest.raises(RuntimeError, match=r"constraint 0 .*raised ZeroDivisionError"):
        minimize(objectives.distance, Space(SPACE.variables, constraints=[constraint]), budget=5, catch=Exception)


def test_a_checkpoint_of_failures_alone_has_none_of_them_open(tmp_path):
    result = minimize(objectives.always_failing, SPACE, budget=6, seed=1, checkpoint=tmp_path / "a",
                      catch=ArithmeticError)
    kept = Minimizer.load(tmp_path / "a", SPACE)
    assert (result.n_failed, kept.n_told, kept.n_failed, len(kept.pending)) == (6, 6, 6, 0)


@pytest.mark.parametrize("noisy", [False, True])
def test_how_many_objectives_there_are_the_first_success_tells(noisy):
    optimizer = Minimizer(Space.binary(6), seed=1, noisy=noisy, population_size=4)
    batch = optimizer.ask(5)
    optimizer.tell(batch[0], np.nan)
    optimizer.tell(batch[1:3], [np.nan, (1, 2)])
    other = Minimizer(Space.binary(6), seed=1, noisy=noisy, population_size=4)
    other.load_state_dict(optimizer.state_dict())
    for each in optimizer, other:
        each.tell(batch[3], [2, 1])
        each.tell(batch[4], np.nan)
        assert each.history.losses.tolist()[2:4] == [[1, 2], [2, 1]]
        assert np.isnan(each.history.losses[[0, 1, 4]]).all()
        assert each.generation == 1
        assert [best.id for best in each.front] == [2, 3]
    with pytest.raises(ValueError, match="as many losses as those told before"):
        optimizer.tell(optimizer.ask(), 1.0)
