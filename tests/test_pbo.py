"""The pseudo-Boolean benchmark: problems, fixed targets, its rivals, the command line."""

import itertools
import json

import numpy as np
import pytest
from benchmarks.fixed_target import Goal

from asng_core import Space
from benchmarks import fixed_target, pbo, pseudo_boolean, store
from benchmarks.rivals import METHODS, Setting, classic, eda

ioh = pytest.importorskip("ioh")
NEW = [name for name, entry in METHODS.items() if entry.only == ("pseudo-Boolean",)]


def bits(d):
    return (np.arange(2**d)[:, None] >> np.arange(d)) & 1


@pytest.mark.parametrize("name", pseudo_boolean.PROBLEMS)
def test_the_optimum_in_16_dimensions_is_that_of_all_points(name):
    problem = pseudo_boolean.load(name, 16, 1)
    assert max(map(problem, bits(16))) == pytest.approx(pseudo_boolean.goal(name, 16).optimum, abs=1e-6)


def test_the_optimum_of_the_trap_in_64_dimensions():
    """Its first nine blocks touch no other term; the next is all ones or all zeros, and so are those after it."""
    problem = pseudo_boolean.load("ConcatenatedTrap", 64, 1)
    points = np.ones((2**12, 64), dtype=int)
    points[:, 45:60] = 0
    points[:, 52:] = bits(12)
    points = np.concatenate([points, np.where(np.isin(np.arange(64), range(45, 50)), 1, points)])
    assert max(map(problem, points)) == pytest.approx(pseudo_boolean.goal("ConcatenatedTrap", 64).optimum)


@pytest.mark.parametrize("d", [64, 100])
def test_the_optimum_of_the_nk_landscape_by_dynamic_programming(d):
    """It is a sum over pairs; variables are maximized out one by one, the one in the fewest pairs first."""
    problem = pseudo_boolean.load("NKLandscapes", d, 1)

    def value(*ones):
        return problem(np.isin(np.arange(d), ones).astype(int))

    constant, single = value(), [value(i) for i in range(d)]
    terms = [((i,), np.array([0, single[i] - constant])) for i in range(d)]
    for i, j in itertools.combinations(range(d), 2):
        pair = value(i, j) - single[i] - single[j] + constant
        if abs(pair) > 1e-9:
            terms.append(((i, j), np.array([[0, 0], [0, pair]])))
    assert sum(len(scope) == 2 for scope, _ in terms) <= d
    for left in range(d, 0, -1):
        near = {v: set().union(*(scope for scope, _ in terms if v in scope)) for v in
                set().union(*(scope for scope, _ in terms))}
        assert len(near) == left
        v = min(near, key=lambda v: (len(near[v]), v))
        axes = [*sorted(near[v] - {v}), v]
        total = np.zeros((2,) * len(axes))
        for scope, table in terms:
            if v in scope:
                order = sorted(range(len(scope)), key=lambda k: axes.index(scope[k]))
                total = total + table.transpose(order).reshape([2 if a in scope else 1 for a in axes])
        terms = [term for term in terms if v not in term[0]] + [(tuple(axes[:-1]), total.max(axis=-1))]
    assert constant + sum(table for _, table in terms) == pytest.approx(
        pseudo_boolean.goal("NKLandscapes", d).optimum, abs=1e-6)


def test_instances_share_the_scale_of_the_first():
    first, third = (pseudo_boolean.load("IsingTorus", 9, instance) for instance in (1, 3))
    values = [sorted(pseudo_boolean.evaluate(problem, point) for point in bits(9)) for problem in (first, third)]
    assert values[0] == values[1]
    assert third(bits(9)[5]) != pseudo_boolean.evaluate(third, bits(9)[5])


GOAL = Goal(0, 100, 1000)


def test_targets_are_equally_spaced_and_the_optimum_is_the_last():
    assert GOAL.met([-5, 0, 1.9, 2, 50, 99.9, 100]).tolist() == [0, 0, 0, 0.02, 0.5, 0.98, 1]
    assert [GOAL.reached(value) for value in (99.9, 100 - 1e-9, 100)] == [False, True, True]


def test_the_area_is_that_under_the_curve():
    run = ([1, 10, 100], [0, 50, 100])
    assert GOAL.area(*run) == pytest.approx((0 + 0.5 + 1) / 3)
    assert GOAL.area([1], [100]) == 1
    assert GOAL.area([1], [0]) == GOAL.area([1000], [100]) == 0
    at = np.geomspace(1, 1000, 30_001)
    assert GOAL.curve(*run, at).mean() == pytest.approx(GOAL.area(*run), abs=1e-4)
    assert GOAL.curve([5, 10], [50, 100], [4, 5, 9, 10]).tolist() == [0, 0.5, 0.5, 1]


def record(method="RLS", problem="OneMax", values=((3, 10), (4,), (5, 10)), evaluations=((1, 40), (1,), (1, 60))):
    return {"task": {"method": method, "problem": problem, "dimension": 10},
            "result": {"start": 0, "optimum": 10, "evaluations": [evaluations], "values": [values]}}


def test_expected_running_time_divides_all_evaluations_by_successes():
    assert fixed_target.expected_running_time(record()) == (40 + 1000 + 60) / 2
    assert fixed_target.expected_running_time(record(values=((3,), (4,)), evaluations=((1,), (1,)))) == np.inf


def test_methods_are_compared_on_the_same_problems():
    records = [record(method, problem) for method, problem in
               (("RLS", "OneMax"), ("RLS", "LABS"), ("cGA", "OneMax"), ("UMDA", "LABS"), ("UMDA", "OneMax"))]
    areas = fixed_target.areas(records)
    assert list(areas) == ["RLS", "UMDA"]
    assert fixed_target.ranks(areas) == {method: {"OneMax": 1, "LABS": 1} for method in areas}  # a tie
    areas["UMDA"]["LABS", 10] = areas["RLS"]["LABS", 10] + 0.1
    assert [fixed_target.ranks(areas)[method]["LABS"] for method in areas] == [2, 1]


def test_the_interval_redraws_instances_and_runs():
    rng = np.random.default_rng(0)
    cells = {("OneMax", 16): rng.normal(size=(20, 1)) + 0.01 * rng.normal(size=(20, 30)),
             ("LABS", 16): np.full((5, 2), 3.0)}
    low, high = fixed_target.interval(fixed_target.redrawn(cells))
    assert low < fixed_target.mean(cells) < high
    spread = cells["OneMax", 16].mean(axis=1).std() / np.sqrt(20) / 2  # of the instances, over two cells
    assert high - low == pytest.approx(2 * 1.96 * spread, rel=0.15)


def test_a_run_rises_to_the_optimum_and_repeats():
    first, second = (pseudo_boolean.run("RLS", "LeadingOnes", 16, 2, 2, 0.0) for _ in range(2))
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    runs = [run for instance in fixed_target.steps({"result": first}) for run in instance]
    assert len({tuple(evaluations) for evaluations, _ in runs}) == 4
    for evaluations, values in runs:
        assert list(evaluations) == sorted(set(evaluations))
        assert list(values) == sorted(set(values))
        assert values[-1] == 16


def test_under_noise_the_true_value_of_the_recommended_point_counts():
    losses = []

    class Told(classic.RandomSearch):
        def tell(self, codes, loss):
            super().tell(codes, loss)
            losses.append(loss)

    problem = pseudo_boolean.load("OneMax", 16, 1)
    goal = pseudo_boolean.goal("OneMax", 16)
    told = Told(Setting(Space.binary(16), 1600, noisy=True), 0)
    found = list(pseudo_boolean._noisy(told, problem, goal, 16.0, np.random.default_rng(0)))
    assert len(found) <= pseudo_boolean.N_CHECKPOINTS
    assert [n for n, _ in found[:2]] + [found[-1][0]] == [1, 2, 1600]
    assert all(value in range(17) for _, value in found)
    assert np.std(losses) == pytest.approx(np.sqrt(4 + 16), rel=0.1)


@pytest.mark.parametrize("name", NEW)
def test_pseudo_boolean_rivals_find_the_optimum_of_onemax(name):
    runs = pseudo_boolean.run(name, "OneMax", 16, 2, 1, 0.0)
    assert [values[-1] for instance in runs["values"] for values in instance] == [16, 16]


@pytest.mark.parametrize("name", NEW)
def test_pseudo_boolean_rivals_recommend_a_good_point_under_little_noise(name):
    runs = pseudo_boolean.run(name, "OneMax", 16, 1, 1, 0.01)
    assert runs["values"][0][0][-1] >= 14


def flips(method):
    optimizer = method(Setting(Space.binary(20), 1000), 0)
    parent = optimizer.ask()
    optimizer.tell(parent, 0.0)
    counts = []
    for _ in range(1000):
        child = optimizer.ask()
        counts.append(int((child != parent).sum()))
        optimizer.tell(child, 1.0)
    return np.array(counts)


def test_one_plus_one_algorithms_change_as_many_variables_as_they_should():
    assert set(flips(classic.RandomizedLocalSearch)) == {1}
    resampled = flips(classic.Resampling)
    assert resampled.min() == 1
    assert resampled.mean() == pytest.approx(1 / (1 - 0.95**20), rel=0.05)
    heavy = flips(classic.FastGA)
    assert (heavy.min(), heavy.max()) == (1, 10)
    assert (heavy == 1).mean() == pytest.approx(1 / (np.arange(1, 11) ** -1.5).sum(), abs=0.05)


def test_probabilities_keep_from_the_borders():
    for method in (eda.CompactGA, eda.UMDA, eda.PBIL, eda.WAASNG):
        optimizer = method(Setting(Space.binary(20), 1500), 0)
        for _ in range(1500):
            codes = optimizer.ask()
            optimizer.tell(codes, -float(codes[:10].sum()))
        assert optimizer.probabilities.min() >= 1 / 20
        assert optimizer.probabilities.max() <= 1 - 1 / 20
        assert optimizer.probabilities[:10].mean() > 0.8


def test_wa_asng_follows_the_gradient_of_the_signal():
    rng = np.random.default_rng(0)
    weights, moves, start = rng.normal(size=6), rng.normal(size=(4, 6, 5)), rng.normal(size=5)

    def squared(w):
        s, _ = eda.signal(w, moves, start, 0.3)
        return s @ s

    _, gradient = eda.signal(weights, moves, start, 0.3)
    numeric = [(squared(weights + step) - squared(weights - step)) / 2e-6 for step in 1e-6 * np.eye(6)]
    assert gradient == pytest.approx(numeric, rel=1e-5)


def test_wa_asng_accumulates_what_its_signal_says_and_ranks_stay_ordered():
    optimizer = eda.WAASNG(Setting(Space.binary(16), 1000), 0)
    while not optimizer.moves:
        codes = optimizer.ask()
        optimizer.tell(codes, -float(codes.sum()))
    beta = 1 / 4  # the first step size is 1
    s, _ = eda.signal(optimizer.weights, np.array(optimizer.moves), np.zeros(16), beta)
    assert optimizer.s == pytest.approx(s)
    initial = optimizer.weights.copy()
    for _ in range(600):
        codes = optimizer.ask()
        optimizer.tell(codes, -float(codes.sum()))
    assert not np.array_equal(optimizer.weights, initial)
    assert list(optimizer.weights) == sorted(optimizer.weights, reverse=True)
    assert np.abs(optimizer.weights).sum() == pytest.approx(np.abs(initial).sum())


@pytest.mark.filterwarnings("ignore")  # the library's own
def test_iohinspector_reads_the_log(tmp_path):
    iohinspector = pytest.importorskip("iohinspector")
    runs = pseudo_boolean.run("RLS", "LeadingOnes", 16, 2, 3, 0.0, log=tmp_path)
    manager = iohinspector.DataManager()
    manager.add_folder(str(tmp_path))
    found = manager.load(monotonic=True, include_meta_data=True).to_dicts()
    assert {row["algorithm_name"] for row in found} == {"RLS"}
    assert {row["function_name"] for row in found} == {"LeadingOnes"}
    logged = {}
    for row in found:
        logged.setdefault((row["instance"], row["run_id"]), []).append(row["evaluations"])
    ours = [evaluations[-1] for instance in runs["evaluations"] for evaluations in instance]
    assert sorted(max(rows) for rows in logged.values()) == sorted(ours)


def test_the_benchmark_runs_from_the_command_line_and_shows_what_is_stored(monkeypatch, capsys, tmp_path):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["pbo", "all", "--quick", "--jobs", "1", "--out", str(tmp_path), *arguments])
        pbo.main()
        return capsys.readouterr().out

    printed = call()
    assert all(f"## pbo {name}" in printed for name in ("noise-free", "running times", "noise d/4", "noise d"))
    assert printed.count("Pseudo-Boolean problems") == 4
    assert {path.name for path in tmp_path.glob("*.png")} == {
        f"pbo_{name}.png" for name in ("noise-free_quick", "noisy_quick_0.25", "noisy_quick_1")}
    assert call("--stored") == printed


def test_every_method_is_planned_on_every_problem():
    for mode in pbo.MODES.values():
        planned = {(task["method"], task["problem"], task["dimension"], task["noise"])
                   for task in pbo.tasks(mode, pbo.METHODS)}
        assert planned == set(itertools.product(pbo.METHODS, pseudo_boolean.PROBLEMS, mode.runs, mode.noises))


def test_no_stored_run_surpasses_its_optimum():
    for path in store.RESULTS.glob("pbo_*.json"):
        for stored in json.loads(path.read_text())["records"]:
            best = max(value for instance in stored["result"]["values"] for values in instance for value in values)
            assert best <= stored["result"]["optimum"] + fixed_target.TOLERANCE
