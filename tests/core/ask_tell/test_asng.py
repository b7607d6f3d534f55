import copy
import math
import pickle

import cases
import numpy as np
import oracles
import pytest

from asng_core import ASNG, Batch, Boolean, Candidate, Categorical, Integer, MeanStd, Ordinal, Real, Space


def run(optimizer, f, iterations, n):
    """Ask n, tell n, with f from (n, d) codes to losses."""
    for _ in range(iterations):
        batch = optimizer.ask(n)
        optimizer.tell(batch, f(batch.codes))
    return optimizer


def onemax(codes):
    return -codes.sum(axis=1)


def snapshot(optimizer):
    return oracles.exact(optimizer.state_dict())


def test_asked_candidates_are_mappings_to_the_users_values():
    optimizer = ASNG(cases.SPACES["any objects"](), seed=1)
    candidate = optimizer.ask()
    assert isinstance(candidate, Candidate)
    assert list(candidate) == ["op", "flag", "level"]
    assert dict(candidate) == optimizer.space.decode(candidate.codes)
    assert (lambda op, flag, level: flag)(**candidate) is candidate["flag"]
    with pytest.raises(KeyError):
        candidate["nothing"]
    with pytest.raises(TypeError):
        candidate["flag"] = True
    with pytest.raises(ValueError, match="read-only"):
        candidate.codes[0] = 1


def test_a_batch_is_a_sequence_and_its_slices_are_batches():
    batch = ASNG(Space.categorical([3, 2]), seed=1).ask(5)
    assert batch.codes.shape == (5, 2)
    assert isinstance(batch[1:3], Batch)
    assert [c.id for c in batch[1:3]] == [1, 2]
    assert np.array_equal(batch[1:3].codes, batch.codes[1:3])
    assert not batch.codes.flags.writeable
    assert batch[-1].id == 4


def test_any_subset_order_and_grouping_may_be_told():
    optimizer = ASNG(Space.binary(10), seed=1, population_size=4)
    first, second, single = optimizer.ask(3), optimizer.ask(2), optimizer.ask()
    optimizer.tell(second[::-1], [2.0, 3.0])
    optimizer.tell(single, np.float32(1.0))
    assert (optimizer.n_asked, optimizer.n_told, optimizer.generation) == (6, 3, 0)
    optimizer.tell([first[2], first[0]], [5, 4])
    assert (optimizer.n_told, optimizer.generation) == (5, 1)
    assert optimizer.best.id == single.id
    optimizer.tell(first[1], 9.0)
    assert (optimizer.n_told, optimizer.generation) == (6, 1)


def test_one_tell_of_many_is_one_update():
    optimizer = run(ASNG(Space.binary(10), seed=1, population_size=4), onemax, 1, 128)
    assert optimizer.generation == 1


def test_sampled_points_follow_the_distribution_and_register_nothing():
    optimizer = run(ASNG(Space.categorical([3]), seed=1), lambda codes: codes[:, 0], 30, 8)
    before = optimizer.n_asked
    codes = optimizer.sample(20_000).codes[:, 0]
    assert optimizer.n_asked == before
    assert np.bincount(codes, minlength=3) / len(codes) == pytest.approx(optimizer.distribution()["x0"], abs=0.015)


def test_the_best_is_the_first_of_the_lowest_losses():
    optimizer = ASNG(Space.binary(3), seed=1)
    assert optimizer.best is None
    batch = optimizer.ask(6)
    optimizer.tell(batch, [math.nan, math.inf, 2.0, -1.0, -1.0, 3.0])
    assert optimizer.best == (dict(batch[3]), -1.0, batch[3].id)


def test_a_failure_is_never_the_best_but_infinity_can_be():
    optimizer = ASNG(Space.binary(3), seed=1)
    optimizer.tell(optimizer.ask(), math.nan)
    assert optimizer.best is None
    optimizer.tell(optimizer.ask(), math.inf)
    assert optimizer.best.loss == math.inf


@pytest.mark.parametrize("losses", [[0.0] * 6, [-3.5] * 6, [math.nan] * 6, [math.inf] * 6, [1] * 12])
def test_losses_all_equal_move_nothing(losses):
    optimizer = ASNG(cases.SPACES["mixed"](), seed=1, population_size=2)
    run(optimizer, lambda codes: codes.sum(axis=1), 5, 4)
    before = optimizer.state_dict()
    optimizer.tell(optimizer.ask(len(losses)), losses)
    after = optimizer.state_dict()
    assert np.array_equal(before["theta"], after["theta"])
    assert repr(before["step_size"]) == repr(after["step_size"])
    assert optimizer.generation == 6


@pytest.mark.parametrize("losses", [[1.0, 2.0], [1.0, 1.0, 1.0, 2.0], [0.0, 1, 1, 1, 1, 1, 2], [3.0, 1, 1, 1, 5, 5, 5]])
def test_identical_samples_with_different_losses_move_nothing(losses):
    optimizer = ASNG(Space.categorical([2, 3]), seed=1, population_size=2)
    state = optimizer.state_dict()
    ids = list(range(len(losses)))
    state["open"], state["n_asked"] = oracles.opened(ids, np.tile([1.0, 2.0], (len(losses), 1)), 0), len(losses)
    optimizer.load_state_dict(state)
    optimizer.tell(Batch(optimizer.space, np.tile([1, 2], (len(losses), 1)), ids), losses)
    assert np.array_equal(optimizer.state_dict()["theta"], state["theta"])
    assert optimizer.step_size == 1
    assert optimizer.generation == 1


@pytest.mark.parametrize("name", cases.SPACES)
@pytest.mark.parametrize("n", [2, 3, 7])
@pytest.mark.parametrize("initial_step_size", [0.1, 1.0, 30.0])
def test_every_space_stays_finite_and_reaches_a_simple_optimum(name, n, initial_step_size):
    space = cases.SPACES[name]()

    def distance(codes):
        return cases.distance(space, codes)

    optimizer = ASNG(space, seed=2, population_size=2, initial_step_size=initial_step_size)
    run(optimizer, distance, 300, n)
    state = optimizer.state_dict()
    assert np.isfinite(state["theta"]).all()
    assert np.isfinite(state["step_size"]["s"]).all()
    assert 0 <= optimizer.entropy <= 1
    if initial_step_size <= 1:
        reached = distance(space.encode(optimizer.recommend())[None])[0]
        assert reached <= 0.35 * distance(cases.random_codes(space, np.random.default_rng(1), 1000)).max()
        assert optimizer.best.loss <= 0.1 * len(space)


def test_a_space_of_constants_is_converged_at_once():
    optimizer = ASNG(cases.SPACES["constants"](), seed=1)
    assert optimizer.converged
    assert optimizer.entropy == 0
    assert optimizer.mode() == {"a": "only", "b": 3, "c": None}
    assert optimizer.distribution()["b"] == MeanStd(3.0, 0.0)
    run(optimizer, lambda codes: np.arange(len(codes)), 3, 4)
    assert optimizer.best.values == optimizer.recommend()


@pytest.mark.parametrize("name", [name for name in cases.SPACES if name != "constants"])
def test_nothing_is_converged_at_the_start(name):
    optimizer = ASNG(cases.SPACES[name](), seed=1)
    assert not optimizer.converged
    if not any(variable.ordered for variable in optimizer.space.variables.values()):
        assert optimizer.entropy == pytest.approx(1)


@pytest.mark.parametrize("name", [name for name in cases.SPACES if name != "constants"])
def test_the_search_converges(name):
    optimizer = ASNG(cases.SPACES[name](), seed=1, population_size=6)
    for _ in range(3000):
        if optimizer.converged:
            break
        run(optimizer, lambda codes: cases.distance(optimizer.space, codes, 1 / 2), 1, 6)
    assert optimizer.converged
    assert optimizer.entropy < 0.9


@pytest.mark.parametrize(("adapt", "last"), [(True, Categorical(range(5))), (True, Integer(0, 4)),
                                             (False, Categorical(range(5)))])
@pytest.mark.parametrize(("noise", "signal"), [(10_000, 5_000),
                                               pytest.param(100_000, 40_000, marks=pytest.mark.slow)])
def test_signal_after_long_noise_is_found(adapt, last, noise, signal):
    """Up to 10^5 updates of pure noise, then signal: nothing overflows and the step size comes back."""
    space = Space({"x0": Boolean(), "x1": Categorical(range(3)), "x2": last})
    optimizer = ASNG(space, seed=1, population_size=2, adapt=adapt, initial_step_size=1.0 if adapt else 0.05)
    rng = np.random.default_rng(2)
    run(optimizer, lambda codes: rng.random(len(codes)), noise, 2)
    assert np.isfinite(optimizer.state_dict()["theta"]).all()
    tired = optimizer.step_size
    run(optimizer, onemax, signal, 2)
    assert optimizer.step_size > 100 * tired or not adapt
    late = np.concatenate([run(optimizer, onemax, 1, 2).sample(1).codes for _ in range(300)])
    points, count = np.unique(late, axis=0, return_counts=True)  # with two samples an update the mode keeps wandering
    assert points[count.argmax()].tolist() == [1, 2, 4]


@pytest.mark.parametrize("high", [100, 10**9])
def test_one_long_step_does_not_collapse_a_gaussian(high):
    """A step halves sigma at most, so that a single integer is found whatever its range."""
    target, misses = high // 3, []
    for seed in range(20):
        optimizer = ASNG(Space({"n": Integer(0, high)}), seed=seed)
        for _ in range(500):
            if optimizer.converged:
                break
            run(optimizer, lambda codes: np.abs(codes[:, 0] - target), 1, 8)
        misses.append(abs(optimizer.mode()["n"] - target) / high)
    assert np.median(misses) < 1e-3
    assert max(misses) < 0.05


def test_noise_alone_does_not_move_the_expected_distribution():
    """Random losses carry no information: over many seeds theta stays uniform on average."""
    thetas = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        optimizer = ASNG(Space.categorical([3, 4]), seed=seed + 1000, population_size=4)
        run(optimizer, lambda codes, rng=rng: rng.random(len(codes)), 3, 4)
        thetas.append(optimizer.state_dict()["theta"])
    error = np.std(thetas, axis=0) / math.sqrt(len(thetas))
    assert (np.abs(np.mean(thetas, axis=0) - np.repeat([1 / 3, 1 / 4], [3, 4])) < 4 * error).all()


def test_a_two_category_categorical_equals_a_boolean_step_by_step():
    spaces = Space.binary(12), Space({f"x{i}": Categorical(["off", "on"]) for i in range(12)})
    boolean, categorical = (ASNG(space, seed=3, population_size=4) for space in spaces)
    for _ in range(100):
        run(boolean, onemax, 1, 4)
        run(categorical, onemax, 1, 4)
        assert np.array_equal(boolean.state_dict()["theta"], categorical.state_dict()["theta"])
        assert boolean.step_size == categorical.step_size


def test_swapping_two_categories_mirrors_the_whole_trajectory():
    losses, mirrored_losses = onemax, lambda codes: onemax(1 - codes)
    plain, mirrored = (ASNG(Space.binary(8), seed=4, population_size=2) for _ in range(2))
    for _ in range(200):
        batch = plain.ask(2)
        plain.tell(batch, losses(batch.codes))
        state = mirrored.state_dict()
        state["open"] = oracles.opened(batch.ids, 1.0 - batch.codes, state["generation"])
        state["n_asked"] += 2
        mirrored.load_state_dict(state)
        twin = Batch(mirrored.space, 1 - batch.codes, batch.ids)
        mirrored.tell(twin, mirrored_losses(twin.codes))
    theta = plain.state_dict()["theta"].reshape(-1, 2)
    assert mirrored.state_dict()["theta"].reshape(-1, 2)[:, ::-1] == pytest.approx(theta, abs=1e-9)
    assert mirrored.step_size == pytest.approx(plain.step_size, rel=1e-9)


def test_constants_leave_the_other_variables_alone():
    """The same samples and losses move the same parameters, whether or not a constant stands between."""
    plain = ASNG(Space({"a": Boolean(), "b": Integer(0, 9)}), seed=5)
    padded = ASNG(Space({"a": Boolean(), "c": Integer(4, 4), "b": Integer(0, 9)}), seed=5)
    for _ in range(30):
        batch = plain.ask(8)
        state = padded.state_dict()
        draws = plain.state_dict()["open"]["draws"]
        state["open"] = oracles.opened(batch.ids, np.insert(draws, 1, 0.0, axis=1), state["generation"])
        state["n_asked"] += 8
        padded.load_state_dict(state)
        for one, codes in ((plain, batch.codes), (padded, np.insert(batch.codes, 1, 0, axis=1))):
            one.tell(Batch(one.space, codes, batch.ids), onemax(batch.codes))
    assert padded.margin == plain.margin
    assert padded.step_size == plain.step_size
    assert padded.distribution()["b"] == plain.distribution()["b"]
    assert padded.distribution()["a"].tolist() == plain.distribution()["a"].tolist()
    assert padded.mode()["c"] == 4


def test_the_distribution_is_told_in_the_users_terms():
    optimizer = ASNG(Space({"op": Categorical(["conv", "pool"]), "n": Integer(10, 20), "k": Ordinal([1, 3, 5])}))
    distribution = optimizer.distribution()
    assert distribution["op"].tolist() == [0.5, 0.5]
    assert distribution["n"] == MeanStd(15.0, 2.5)
    assert distribution["k"].mean == 1


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    runs = [snapshot(run(ASNG(cases.SPACES["mixed"](), seed=seed), onemax, 20, 5)) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_the_callers_losses_are_not_touched():
    optimizer, losses = ASNG(Space.binary(4), seed=1), np.array([3.0, 1.0, 2.0])
    optimizer.tell(optimizer.ask(3), losses)
    assert losses.tolist() == [3.0, 1.0, 2.0]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
def test_copies_go_on_alike_and_apart(copied):
    optimizer = run(ASNG(cases.SPACES["mixed"](), seed=1), onemax, 3, 5)
    batch = optimizer.ask(4)
    twin = copied(optimizer)
    for one in (optimizer, twin):
        one.tell(copied(batch), onemax(batch.codes))
        run(one, onemax, 3, 5)
    assert snapshot(optimizer) == snapshot(twin)
    run(twin, onemax, 1, 5)
    assert snapshot(optimizer) != snapshot(twin)


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"seed": -1}, ValueError, r"ASNG\(seed=...\) must be at least 0, got -1"),
    ({"seed": "a"}, TypeError, r"ASNG\(seed=...\) must be an integer, got 'a'"),
    ({"seed": np.random.default_rng(1)}, TypeError, "integer or a SeedSequence, got a Generator"),
    ({"population_size": 1}, ValueError, r"ASNG\(population_size=...\) must be at least 2, got 1"),
    ({"population_size": 2.5}, TypeError, r"ASNG\(population_size=...\) must be an integer, got 2.5"),
    ({"initial_step_size": 0}, ValueError, r"must be greater than 0 and less than 1e\+100, got 0"),
    ({"initial_step_size": 1e308}, ValueError, r"initial_step_size=...\) must be greater than 0 and less than 1e\+100"),
    ({"initial_step_size": "1"}, TypeError, r"initial_step_size=...\) must be a number, got '1'"),
    ({"alpha": 1.0}, ValueError, r"alpha=...\) must be greater than 1 and finite, got 1"),
    ({"alpha": math.nan}, ValueError, r"alpha=...\) must be greater than 1"),
    ({"margin": 0.5}, ValueError, r"margin=...\) must be greater than 0 and less than 0.5, got 0.5"),
])
def test_bad_settings_say_what_to_do(arguments, error, message):
    with pytest.raises(error, match=message):
        ASNG(Space.binary(3), **arguments)


def test_a_space_is_required():
    with pytest.raises(TypeError, match=r"ASNG\(space\) must be a Space"):
        ASNG({"x": Boolean()})


def other(optimizer):
    return ASNG(optimizer.space, seed=9)


BAD_TELLS = {
    "too few losses": (lambda o, b: o.tell(b, [1.0]), ValueError, "3 candidates, got 1 losses"),
    "a number for a batch": (lambda o, b: o.tell(b, 1.0), TypeError, "one number per candidate"),
    "two dimensions": (lambda o, b: o.tell(b, np.ones((3, 1))), ValueError, r"shape \(3,\)"),
    "a set": (lambda o, b: o.tell(b, {1.0, 2.0, 3.0}), TypeError, "list of one number per candidate"),
    "candidates of two spaces": (lambda o, b: o.tell([b[0], ASNG(Space.binary(2)).ask()], [1.0, 2.0]), ValueError,
                                 "of one space"),
    "a string": (lambda o, b: o.tell(b, [1.0, "2", 3.0]), TypeError, "one real number, got '2'"),
    "None": (lambda o, b: o.tell(b, [1.0, None, 3.0]), TypeError, r"got None \(NoneType\).*float\('nan'\)"),
    "complex": (lambda o, b: o.tell(b[0], 1j), TypeError, "one real number"),
    "a list for one": (lambda o, b: o.tell(b[0], [1.0]), TypeError, "one real number"),
    "a dict": (lambda o, b: o.tell(dict(b[0]), 1.0), TypeError, r"as ask\(\) returned"),
    "nothing": (lambda o, b: o.tell([], []), ValueError, "at least one Candidate"),
    "an empty batch": (lambda o, b: o.tell(b[:0], []), ValueError, "at least one Candidate"),
    "one twice": (lambda o, b: o.tell([b[0], b[0]], [1, 2]), ValueError, "holds one twice"),
    "told before": (lambda o, b: o.tell(o.told, [1.0] * 4), ValueError, "candidate 0 was told before"),
    "half told before": (lambda o, b: o.tell([b[0], o.told[1]], [1, 2]), ValueError, "candidate 1 was told before"),
    "never asked": (lambda o, b: o.tell(other(o).ask(99)[-1:], [1.0]), ValueError, "never asked candidate 98"),
    "sampled": (lambda o, b: o.tell(o.sampled, [1.0]), ValueError, r"drawn by sample\(\)"),
    "another optimizer's": (lambda o, b: o.tell(other(o).ask(7)[4:], [1.0, 2, 3]), ValueError, "of another"),
    "another space's": (lambda o, b: o.tell(ASNG(Space.binary(2)).ask(7)[4:], [1.0, 2, 3]), ValueError, "of another"),
    "ask of nothing": (lambda o, b: o.ask(0), ValueError, r"ask\(n\) must be at least 1, got 0"),
    "sample of nothing": (lambda o, b: o.sample(-1), ValueError, r"sample\(n\) must be at least 1, got -1"),
}


@pytest.mark.parametrize("name", BAD_TELLS)
def test_bad_input_is_explained_and_changes_nothing(name):
    call, error, message = BAD_TELLS[name]
    optimizer = ASNG(Space.categorical([4] * 20), seed=1, population_size=2)
    optimizer.told, optimizer.sampled = optimizer.ask(4), optimizer.sample(1)
    optimizer.tell(optimizer.told, [1, 2, 3, 4])
    batch = optimizer.ask(3)
    before = snapshot(optimizer)
    with pytest.raises(error, match=message):
        call(optimizer, batch)
    assert snapshot(optimizer) == before
    optimizer.tell(batch, [1.0, 2.0, 3.0])


def test_losses_may_be_anything_that_float_takes():
    class Loss:
        def __float__(self):
            return 0.5

    optimizer = ASNG(Space.binary(3), seed=1)
    optimizer.tell(optimizer.ask(5), [1, np.float16(2), True, Loss(), np.array(0.25)])
    assert optimizer.best.loss == 0.25


def test_sigma_min_holds_gaussians_wider_than_the_margin_would_and_survives_saving(tmp_path):
    space = Space({"width": Integer(64, 256), "level": Ordinal(["a", "b", "c"]), "op": Categorical(["x", "y", "z"])})
    start = {"width": MeanStd(160, 96), "level": MeanStd(1, 1)}
    optimizer = ASNG(space, seed=1, sigma_min=0.25, init=start)
    assert optimizer.distribution()["width"] == MeanStd(160, 96)
    run(optimizer, lambda codes: codes.sum(axis=1), 300, 8)
    assert all(0.25 <= optimizer.distribution()[name].std < 0.3 for name in ("width", "level"))
    assert optimizer.converged
    optimizer.save(tmp_path / "optimizer.json")
    again = ASNG.load(tmp_path / "optimizer.json")
    assert snapshot(run(again, onemax, 20, 8)) == snapshot(run(optimizer, onemax, 20, 8))
    assert again.distribution()["width"].std >= 0.25
    assert ASNG(space, margin=0.01).distribution()["width"].std == 48


def test_a_bad_sigma_min_is_explained():
    with pytest.raises(ValueError, match=r"ASNG\(sigma_min=\.\.\.\) must be greater than 0 and finite, got 0"):
        ASNG(Space.binary(2), sigma_min=0)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("settings", [
    {"adapt": False, "initial_step_size": 1e17}, {"adapt": False, "initial_step_size": 9e99},
    {"initial_step_size": 9e99}, {"margin": 1e-100}, {"margin": 1e-100, "adapt": False, "initial_step_size": 1e17},
    {"sigma_min": 1e16}, {"sigma_min": 1e-30}, {"alpha": 1 + 1e-15}, {"alpha": 1e300}, {"initial_step_size": 1e-300}])
def test_the_most_extreme_settings_stay_finite(settings, seed):
    space = Space({**Space.categorical([2, 3, 5, 7]).variables, "n": Integer(0, 2**53 - 1),
                   "m": Integer(1, 9, log=True), "r": Real(0, 1)})
    optimizer, rng = ASNG(space, seed=seed, population_size=4, **settings), np.random.default_rng(seed)
    for i in range(40):
        batch = optimizer.ask(4)
        optimizer.tell(batch, rng.choice([0.0, 1.0, 2.0, -1e300], 4) if i % 3 else onemax(batch.codes))
        theta = optimizer.state_dict()["theta"]
        assert np.isfinite(theta).all()
        for name, marginal in optimizer.distribution().items():
            assert isinstance(marginal, MeanStd) or marginal.sum() == pytest.approx(1), name
    optimizer.load_state_dict(optimizer.state_dict())


@pytest.mark.parametrize(("setting", "message"), [
    ({"margin": 5e-324}, r"ASNG\(margin=...\) must be at least 1e-100, got 5e-324"),
    ({"sigma_min": 1e160}, r"ASNG\(sigma_min=...\) must be within 1e-30 and 1e\+16 positions, got 1e\+160"),
    ({"sigma_min": 5e-324}, r"ASNG\(sigma_min=...\) must be within 1e-30 and 1e\+16 positions, got 5e-324"),
    ({"adapt": "no"}, r"ASNG\(adapt=...\) must be True or False, got 'no'")])
def test_settings_that_floats_cannot_follow_are_refused(setting, message):
    with pytest.raises((ValueError, TypeError), match=message):
        ASNG(Space.binary(3), **setting)
