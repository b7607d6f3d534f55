"""The Minimizer: what each mechanism promises, on every space."""

import copy
import math
import pickle

import cases
import numpy as np
import oracles
import pytest

from asng_core import Boolean, Categorical, Integer, Minimizer, Ordinal, Real, Space, SpaceExhausted
from asng_core.distribution.geometry import Geometry
from asng_core.distribution.search_distribution import SearchDistribution

SMALL = {
    "cube": lambda: Space.binary(4),
    "ragged": lambda: Space.categorical([2, 3, 1, 2]),
    "conditional": lambda: Space(
        {"op": Categorical(["conv", "pool", "skip"]), "kernel": Ordinal([1, 3, 5]), "dilated": Boolean()},
        active_if={"kernel": {"op": ["conv", "pool"]}, "dilated": {"op": ["conv"]}}),
    "constrained": lambda: Space({"a": Integer(0, 5), "b": Integer(0, 5)}, constraints=[lambda v: v["a"] < v["b"]]),
    "constants": lambda: Space({"a": Categorical(["only"]), "b": Integer(3, 3)}),
}
FEASIBLE = {"cube": 16, "ragged": 12, "conditional": 3 * 2 + 3 + 1, "constrained": 15, "constants": 1}


def loss(codes):
    return float(np.sin(5 * np.nan_to_num(codes.astype(float)) + np.arange(len(codes))).sum())


def run(optimizer, n, f=loss, batch=1):
    for _ in range(n):
        points = optimizer.ask(batch)
        optimizer.tell(points, [f(codes) for codes in points.codes])
    return optimizer


def state(optimizer):
    return oracles.exact(optimizer.state_dict())


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("batch", [1, 5])
def test_every_point_is_asked_once_until_the_space_is_exhausted(name, batch):
    space = SMALL[name]()
    optimizer = Minimizer(space, seed=3)
    with pytest.raises(SpaceExhausted, match="has been asked"):
        run(optimizer, 1000, batch=batch)
    assert optimizer.n_told == FEASIBLE[name]
    assert len({row.tobytes() for row in optimizer.history.codes}) == FEASIBLE[name]
    assert all(space.contains(values) for values in optimizer.history.values)
    assert optimizer.best.loss == min(map(loss, optimizer.history.codes))
    assert optimizer.recommend() == optimizer.best.values


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("name", cases.SPACES)
def test_a_simple_optimum_is_found_on_every_space(name, noisy):
    """A third along every axis: no corner, not the middle."""
    space, reached = cases.SPACES[name](), []
    distribution, rng = SearchDistribution(space), np.random.default_rng(0)
    geometry = Geometry(distribution)
    low, high = (distribution.family.draws(codes.astype(space.dtype)) for codes in (space.lows, space.highs))
    target = geometry.features((low + np.where(space.continuous, (high - low) / 3, (high - low) / 3 // 1))[None])

    def distance(codes):
        return np.abs(geometry.features(distribution.draws(codes)) - target).sum(axis=1)

    for seed in range(3):
        optimizer = Minimizer(space, seed=seed, noisy=noisy)
        try:
            for _ in range(220):
                point = optimizer.ask()
                value = float(distance(point.codes[None])[0])
                optimizer.tell(point, value + 0.05 * noisy * rng.standard_normal())
        except SpaceExhausted:
            pass
        reached.append(float(distance(space.encode(optimizer.recommend())[None])[0]))
    possible = distance(distribution.codes(geometry.anywhere(20_000, rng)))
    # the best of 220 random points would be among the best 4.5 in a thousand
    assert np.median(reached) <= np.quantile(possible, 1e-2 if noisy else 2e-3) + (0.02 if noisy else 0.01)


def test_points_of_a_batch_and_those_pending_are_distinct():
    optimizer = Minimizer(Space.binary(6), seed=0)
    first = optimizer.ask(20)
    second = optimizer.ask(20)
    optimizer.tell(first, [loss(codes) for codes in first.codes])
    third = optimizer.ask(24)
    everything = np.concatenate([first.codes, second.codes, third.codes])
    assert len({row.tobytes() for row in everything}) == 64
    with pytest.raises(SpaceExhausted):
        optimizer.ask()


def test_a_batch_larger_than_what_is_left_is_shorter():
    optimizer = Minimizer(Space.binary(3), seed=0)
    run(optimizer, 1, batch=5)
    assert len(optimizer.ask(100)) == 3
    assert optimizer.n_asked == 8


def test_an_injected_point_is_not_asked_and_informs_the_search():
    space = Space.binary(5)
    optimizer = Minimizer(space, seed=0)
    optimizer.inject(dict.fromkeys(space.names, True), -99.0)
    assert optimizer.best == (dict.fromkeys(space.names, True), -99.0, None)
    with pytest.raises(SpaceExhausted):
        run(optimizer, 100)
    assert optimizer.n_told == 31
    assert (optimizer.history.codes.sum(axis=1) == 5).sum() == 1
    assert (optimizer.history.ids < 0).tolist() == [True] + [False] * 31


def test_injected_results_count_as_those_asked():
    space = Space.categorical([3] * 12)
    target = np.arange(12) % 3

    def f(codes):
        return -float((codes == target).sum())

    told, fed = run(Minimizer(space, seed=0), 60, f), Minimizer(space, seed=1)
    for values, value in zip(told.history.values, told.history.losses, strict=True):
        fed.inject(values, value)
    run(fed, 60, f)
    alone = run(Minimizer(space, seed=1), 60, f)
    assert f(fed.history.codes[60]) < f(alone.history.codes[0])  # the first it asks is informed already


def test_pins_hold_and_are_not_learned_from():
    space = Space.categorical([4] * 6)
    optimizer = Minimizer(space, seed=0, population_size=4)
    seen = set()
    before = optimizer.distribution()["x2"].copy()
    for _ in range(30):
        point = optimizer.ask(fixed={"x2": 3})
        assert point["x2"] == 3
        seen.add(point.codes.tobytes())
        optimizer.tell(point, loss(point.codes))
    assert len(seen) == 30
    after = optimizer.distribution()
    assert not np.array_equal(after["x1"], np.full(4, 0.25))
    np.testing.assert_array_equal(after["x2"], before)
    everything = {f"x{i}": 0 for i in range(6)}
    optimizer.ask(fixed=everything)
    with pytest.raises(SpaceExhausted):
        optimizer.ask(fixed=everything)


def test_a_run_that_is_trapped_gives_way_to_a_new_one():
    """All ones are best, but the loss leads to all zeros, as far from there as can be."""
    def trap(codes):
        return -12.0 if codes.all() else float(codes.sum())

    optimizer = Minimizer(Space.binary(12), seed=0)
    starts = set()
    for _ in range(400):
        point = optimizer.ask()
        optimizer.tell(point, trap(point.codes))
        starts.add(optimizer.state_dict()["run_start"])
    assert len(starts) >= 3
    assert optimizer.entropy > 0.2  # the present run has begun anew


def test_late_results_of_an_earlier_run_do_not_move_the_present_one():
    optimizer = Minimizer(Space.binary(20), seed=0)  # of more variables a walk goes on instead
    late = optimizer.ask(optimizer.population_size)
    while optimizer.state_dict()["run_start"] == 0:  # until the first run has stalled
        run(optimizer, 1, lambda codes: 5.0)
    before = optimizer.distribution()["x0"].copy(), optimizer.entropy
    optimizer.tell(late, np.linspace(-100, -90, len(late)))
    assert optimizer.best.loss == -100
    assert (optimizer.distribution()["x0"] == before[0]).all()
    assert optimizer.entropy == before[1]


def test_a_run_of_two_objectives_ends_too():
    """Equals and failures are no improvement."""
    optimizer = Minimizer(Space.binary(30), seed=0)
    for i in range(400):
        point = optimizer.ask()
        optimizer.tell(point, (1.0, 1.0) if i == 0 else (math.nan, math.nan) if i % 5 == 0 else (5.0, 5.0))
    assert optimizer.state_dict()["run_start"] > 0


def test_the_recommendation_under_noise_has_succeeded_at_least_once():
    space = Space({"a": Real(0, 1), "b": Real(0, 1)})
    for seed in range(10):
        rng, optimizer, failed = np.random.default_rng(seed), Minimizer(space, seed=seed, noisy=True), {}
        for _ in range(25):
            point = optimizer.ask()
            value = math.nan if rng.random() < 0.3 else point["a"] + rng.standard_normal()
            key = point["a"], point["b"]
            failed[key] = math.isnan(value) and failed.get(key, True)  # a point may be asked again
            optimizer.tell(point, value)
        recommended = optimizer.recommend()
        assert not failed[recommended["a"], recommended["b"]]


def test_infinite_violations_are_saved_and_loaded():
    optimizer = Minimizer(Space.binary(5), seed=0)
    optimizer.tell(optimizer.ask(), 1.0, violations=math.inf)
    other = Minimizer(Space.binary(5))
    other.load_state_dict(optimizer.state_dict())
    assert state(other) == state(optimizer)


def test_one_loss_in_a_list_is_one_objective():
    optimizer = Minimizer(Space.binary(5), seed=0)
    optimizer.tell(optimizer.ask(2), np.array([[1.0], [2.0]]))
    optimizer.tell(optimizer.ask(), [0.5])
    assert optimizer.best.loss == 0.5


def test_under_noise_points_return_and_the_recommendation_is_not_the_luckiest():
    space = Space.binary(3)
    rng = np.random.default_rng(0)
    optimizer = Minimizer(space, seed=0, noisy=True)
    # seven points give 0 +- 5, one gives -3 always
    for _ in range(300):
        point = optimizer.ask()
        certain = point.codes.tolist() == [1, 0, 1]
        optimizer.tell(point, -3.0 if certain else 5 * rng.standard_normal())
    assert optimizer.n_told == 300
    assert len({row.tobytes() for row in optimizer.history.codes}) == 8
    assert optimizer.best.loss < -5
    assert space.encode(optimizer.recommend()).tolist() == [1, 0, 1] != space.encode(optimizer.best.values).tolist()


def test_the_recommendation_under_noise_is_the_best_of_the_evidence():
    """Constant noise-free differences: the model of all results finds the best of the evaluated points."""
    space = Space.categorical([3] * 6)
    target, hits = np.array([0, 1, 2, 0, 1, 2]), []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        optimizer = Minimizer(space, seed=seed, noisy=True)
        for _ in range(250):
            point = optimizer.ask()
            optimizer.tell(point, float((point.codes != target).sum()) + rng.standard_normal())
        hits.append(int((space.encode(optimizer.recommend()) != target).sum()))
    assert np.median(hits) == 0
    assert max(hits) <= 1


@pytest.mark.parametrize(("variable", "bar"), [(Integer(0, 100), 0.0), (Real(0, 100), 0.3)])
def test_ordered_variables_are_settled_finely(variable, bar):
    space = Space({f"x{i}": variable for i in range(10)})
    target = np.random.default_rng(0).integers(10, 91, 10)
    losses = [run(Minimizer(space, seed=seed), 1000, lambda codes: float(((codes - target) ** 2).sum())).best.loss
              for seed in range(2)]
    assert np.median(losses) <= bar


def test_failures_are_avoided():
    space = Space.categorical([4] * 8)

    def f(codes):
        return math.nan if codes[0] == 1 or codes[1] == 2 else float((codes != 1).sum())

    optimizer = run(Minimizer(space, seed=0), 150, f)
    assert optimizer.n_failed == np.isnan(optimizer.history.losses).sum()
    assert np.isnan(optimizer.history.losses[30:]).mean() < 0.1  # of random points 44% fail
    assert optimizer.best.loss <= 2


def test_violations_lead_back_to_what_is_feasible():
    space = Space({"x": Integer(0, 30), "y": Integer(0, 30)})
    optimizer = Minimizer(space, seed=0)
    for _ in range(100):
        point = optimizer.ask()
        optimizer.tell(point, -point["x"] - point["y"], violations=[point["x"] - 10, point["y"] - 7])
    assert optimizer.best.values == {"x": 10, "y": 7}


def test_the_front_of_two_objectives_is_found():
    space = Space.categorical([6] * 5)
    everything = oracles.all_codes([6] * 5)

    def f(codes):
        return float(((codes - 1) ** 2).sum()), float(((codes - 4) ** 2).sum())

    optimizer = Minimizer(space, seed=0)
    for _ in range(350):
        point = optimizer.ask()
        optimizer.tell(point, f(point.codes))
    truth = set()
    every = sorted({f(codes) for codes in everything})
    lowest = math.inf
    for first, second in every:
        if second < lowest:
            truth.add((first, second))
            lowest = second
    found = {each.loss for each in optimizer.front}
    assert len(found & truth) >= 0.7 * len(truth)
    assert all(optimizer.history.losses[each.id].tolist() == list(each.loss) for each in optimizer.front)
    with pytest.raises(RuntimeError, match="Use front"):
        optimizer.best  # noqa: B018
    with pytest.raises(RuntimeError, match="Use front"):
        optimizer.recommend()


def test_the_front_of_one_objective_is_the_best():
    optimizer = run(Minimizer(Space.binary(4), seed=0), 10, lambda codes: float(codes.sum() // 2))
    assert {each.loss for each in optimizer.front} == {optimizer.best.loss}
    assert optimizer.best in optimizer.front


def test_infeasible_and_failed_points_are_not_on_the_front():
    optimizer = Minimizer(Space.binary(4), seed=0)
    batch = optimizer.ask(4)
    optimizer.tell(batch, [(1, 2), (0, 0), (math.nan, -5), (2, 1)], violations=[0, 1, 0, 0])
    assert sorted(each.loss for each in optimizer.front) == [(1, 2), (2, 1)]
    assert optimizer.n_failed == 1
    optimizer.tell(optimizer.ask(), (math.inf, -math.inf))  # extreme, but no failure
    assert optimizer.history.succeeded.tolist() == [True, False, False, True, True]
    assert len(optimizer.front) == 3


@pytest.mark.parametrize(("losses", "error", "message"), [
    ([[1.0, 2], [1]], ValueError, r"shape \(n,\), or \(n, n_objectives\)"),
    ([[1.0, 2], 3.0], ValueError, r"shape \(n,\), or \(n, n_objectives\)"),
    ([[], []], ValueError, r"shape \(n,\), or \(n, n_objectives\)"),
    ([1.0, 2.0], ValueError, r"as many losses as those told before: shape \(2,\), got \(\)"),
    ([[1.0, 2, 3]] * 2, ValueError, r"as many losses as those told before: shape \(2,\), got \(3,\)"),
    ([["a", 1.0]] * 2, TypeError, "one real number"),
    ([[1.0, 2]] * 3, ValueError, "2 candidates, got 3"),
])
def test_losses_that_do_not_fit_the_objectives_are_explained_and_change_nothing(losses, error, message):
    optimizer = Minimizer(Space.binary(8), seed=0)
    optimizer.tell(optimizer.ask(), (1.0, 2.0))
    batch = optimizer.ask(2)
    before = state(optimizer)
    with pytest.raises(error, match=message):
        optimizer.tell(batch, losses)
    assert state(optimizer) == before
    optimizer.tell(batch, np.array([[1.0, 2.0], [3.0, 4.0]]))


def test_objectives_come_as_lists_tuples_and_arrays():
    optimizer = Minimizer(Space.binary(8), seed=0)
    optimizer.tell(optimizer.ask(), [1, 2])
    optimizer.tell(optimizer.ask(1), [(1.0, 2.0)])
    optimizer.tell(optimizer.ask(2), np.ones((2, 2)))
    optimizer.tell(optimizer.ask(), np.array([1, 2]))
    assert optimizer.history.losses.shape == (5, 2)


def several(optimizer, n):
    for _ in range(n):
        batch = optimizer.ask(3)
        optimizer.tell(batch, [(loss(codes), -loss(codes) ** 2) for codes in batch.codes])


@pytest.mark.parametrize("n", [2, 40])
@pytest.mark.parametrize("advance", [lambda o, n: run(o, n, batch=3), several], ids=["one", "two objectives"])
@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("name", ["mixed", "conditional reals", "any objects", "reals", "steps"])
def test_a_loaded_optimizer_continues_bit_for_bit(name, noisy, advance, n, tmp_path):
    space = cases.SPACES[name]()
    optimizer = Minimizer(space, seed=1, noisy=noisy)
    if not noisy and name == "any objects":
        n = min(n, 5)
    advance(optimizer, n)
    pending = optimizer.ask(4)
    optimizer.save(tmp_path / "m.npz")
    loaded = Minimizer.load(tmp_path / "m.npz", space=space if name == "any objects" else None)
    assert state(loaded) == state(optimizer)
    for one in (optimizer, loaded):
        values = [loss(codes) for codes in pending.codes]
        one.tell(pending, values if one.history.losses.ndim == 1 else [(value, value) for value in values])
        advance(one, 3)
    assert state(loaded) == state(optimizer)
    if optimizer.history.losses.ndim == 1:
        assert loaded.recommend() == optimizer.recommend()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
def test_copies_go_on_alike_and_apart(copied):
    optimizer = run(Minimizer(Space.categorical([3] * 8), seed=0), 40)
    twin = copied(optimizer)
    run(twin, 20)
    assert optimizer.n_told == 40
    run(optimizer, 20)
    assert state(twin) == state(optimizer)


@pytest.mark.parametrize("poison", [
    lambda s: s["history"].update(codes=s["history"]["codes"][:, :3]),
    lambda s: s["history"].update(losses=s["history"]["losses"][:-1]),
    lambda s: s["archive"].update(rows=[10**6]),
    lambda s: s["surrogate"]["factor"].fill(np.nan),
    lambda s: s["surrogate"]["kernel"].update(noise=-1.0),
    lambda s: s["surrogate"]["kernel"]["relevance"].fill(-1.0),
    lambda s: s["surrogate"].update(ids=s["surrogate"]["ids"][:-1]),
    lambda s: s["surrogate"].update(ids=[10**6] * len(s["surrogate"]["ids"])),
    lambda s: s["pool"]["beliefs"].update(variances=s["pool"]["beliefs"]["variances"][:-1]),
    lambda s: s.update(known=s["known"][:, :2]),
    lambda s: s.pop("archive"),
    lambda s: s["settings"].update(noisy="yes"),
    lambda s: s["settings"].update(unknown=1),
    lambda s: s["settings"].update(mechanisms="NoiseFree(once=False)"),
])
def test_a_poisoned_state_is_refused_and_changes_nothing(poison):
    optimizer = run(Minimizer(Space.categorical([3] * 8), seed=0), 40)
    other = run(Minimizer(Space.categorical([3] * 8), seed=1), 10)
    before, poisoned = state(other), optimizer.state_dict()
    poison(poisoned)
    with pytest.raises(ValueError, match=r"state must be what Minimizer.state_dict\(\) returned"):
        other.load_state_dict(poisoned)
    assert state(other) == before


def test_a_checkpoint_of_plain_asng_is_refused(tmp_path):
    from asng_core import ASNG

    ASNG(Space.binary(3)).save(tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"checkpoint of 'asng_core.ASNG', not of 'asng_core.Minimizer'"):
        Minimizer.load(tmp_path / "a.npz")


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"noisy": "no"}, TypeError, r"Minimizer\(noisy=...\)"),
    ({"population_size": 1}, ValueError, "at least 2, got 1"),
    ({"margin": 0.7}, ValueError, r"Minimizer\(margin=...\)"),
    ({"seed": -1}, ValueError, r"Minimizer\(seed=...\)"),
])
def test_bad_settings_say_what_to_do(arguments, error, message):
    with pytest.raises(error, match=message):
        Minimizer(Space.binary(3), **arguments)


def test_a_space_is_required():
    with pytest.raises(TypeError, match=r"Minimizer\(space\) must be a Space"):
        Minimizer({"x": Boolean()})


def test_a_constraint_that_raises_loses_no_point():
    broken = []

    def constraint(values):
        if broken and values["x1"]:
            raise ZeroDivisionError("oops")
        return True

    space = Space({f"x{i}": Boolean() for i in range(4)}, constraints=[constraint])
    optimizer = run(Minimizer(space, seed=0), 2)
    broken.append(True)
    with pytest.raises(RuntimeError, match=r"constraint 0 \(constraint\) raised ZeroDivisionError"):
        optimizer.ask(14)
    broken.clear()
    with pytest.raises(SpaceExhausted):
        run(optimizer, 20)
    assert optimizer.n_told == 16


@pytest.mark.parametrize("noisy", [False, True])
def test_a_space_without_feasible_points_says_so_with_the_fraction(noisy):
    space = Space({"x": Real(0, 1), "n": Integer(0, 10**6)}, constraints=[lambda v: False])
    with pytest.raises(SpaceExhausted, match=r"none of \d+ points tried satisfied them \(0.00%\).*Relax them"):
        Minimizer(space, seed=0, noisy=noisy).ask()


def test_a_large_tight_space_is_not_called_exhausted_for_certain():
    def rare(values):
        return sum(bit << i for i, bit in enumerate(values.values())) % 50021 == 7

    space = Space({f"x{i}": Boolean() for i in range(30)}, constraints=[rare])
    optimizer = Minimizer(space, seed=2)
    with pytest.raises(SpaceExhausted) as caught:
        run(optimizer, 40)
    assert not caught.value.certain
    assert len(optimizer.history) == 0 or "no new point was found" in str(caught.value)


def test_a_constraint_that_raises_amid_a_batch_loses_no_point():
    calls = []

    def flaky(values):
        calls.append(values)
        if len(calls) == 20:
            raise ZeroDivisionError("flaky")
        return True

    optimizer = Minimizer(Space({f"x{i}": Boolean() for i in range(3)}, constraints=[flaky]), seed=0)
    asked = []
    while len(asked) < 8:
        try:
            asked += list(optimizer.ask(8 - len(asked)))
        except RuntimeError:
            assert len(calls) == 20
    assert len({point.codes.tobytes() for point in asked}) == 8
    assert optimizer._parts.policy._screening.surrogate._ids[:8].tolist() == list(range(8))


def test_the_history_is_read_only_and_in_the_users_terms():
    optimizer = run(Minimizer(cases.SPACES["conditional"](), seed=0), 12)
    history = optimizer.history
    assert len(history) == 12
    assert history.ids.tolist() == list(range(12))
    assert [loss(codes) for codes in history.codes] == history.losses.tolist()
    assert [optimizer.space.decode(codes) for codes in history.codes] == history.values
    for array in (history.codes, history.losses, history.violations, history.ids):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_the_history_as_a_frame():
    pandas = pytest.importorskip("pandas")
    optimizer = run(Minimizer(cases.SPACES["conditional"](), seed=0), 12)
    frame = optimizer.history.to_frame()
    assert list(frame.columns) == ["id", "op", "kernel", "dilated", "dilation", "loss", "violation"]
    assert frame["loss"].tolist() == optimizer.history.losses.tolist()
    assert [{name: row[name] for name in values} for values, (_, row) in zip(
        optimizer.history.values, frame.iterrows(), strict=True)] == optimizer.history.values
    two = Minimizer(Space.binary(3), seed=0)
    two.tell(two.ask(), (1.0, 2.0))
    assert list(two.history.to_frame().columns)[-3:] == ["loss_0", "loss_1", "violation"]
    assert isinstance(frame, pandas.DataFrame)


def test_results_of_points_dropped_from_a_full_model_return_to_it(monkeypatch):
    optimizer = Minimizer(Space.binary(40), seed=0)
    out = optimizer.ask(300)  # more than the model holds
    assert optimizer._parts.policy._screening.surrogate.n <= 200
    optimizer.tell(out[:50], [loss(codes) for codes in out.codes[:50]])
    assert set(range(50)) <= set(optimizer._parts.policy._screening.surrogate.told.tolist())


@pytest.mark.parametrize("seed", range(6))
def test_the_recommendation_under_noise_is_a_function_of_the_state(seed):
    rng = np.random.default_rng(seed)
    space = Space({"op": Categorical([0, 1, 2]), "n": Integer(0, 30), "x": Real(0, 1), "flag": Boolean()},
                  active_if={"x": {"op": [0, 1]}})
    calls = Minimizer(space, seed=seed, noisy=True)
    silent = Minimizer(space, seed=seed, noisy=True)
    for i in range(60):
        points = [each.ask() for each in (calls, silent)]
        loss = float(points[0]["n"] % 7 + points[0]["op"] + 3 * rng.normal())
        for each, point in zip((calls, silent), points, strict=True):
            each.tell(point, loss)
        calls.recommend()
        if i > 40:
            calls.ask(2)
            silent.ask(2)
            loaded = Minimizer(space, noisy=True)
            loaded.load_state_dict(calls.state_dict())
            assert calls.recommend() == silent.recommend() == loaded.recommend()


def test_losses_near_the_largest_number_of_two_objectives():
    optimizer = Minimizer(Space.binary(8), seed=0, population_size=4)
    rng = np.random.default_rng(0)
    for _ in range(30):
        batch = optimizer.ask(4)
        optimizer.tell(batch, rng.choice([-1.7e308, 1.7e308, 0.0, np.inf], (4, 2)))
    assert optimizer.front
    assert np.isfinite(optimizer.state_dict()["theta"]).all()
