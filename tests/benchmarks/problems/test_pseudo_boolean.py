"""IOHprofiler's problems, and runs on them."""

import itertools

import numpy as np
import pytest

from asng_core import Space
from benchmarks import store
from benchmarks.analysis import fixed_target
from benchmarks.problems import pseudo_boolean
from benchmarks.rivals import Setting, classic

pytest.importorskip("ioh")


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


@pytest.mark.parametrize("name", ["pbo_noise-free", "pbo_noisy"])
def test_no_stored_run_surpasses_its_optimum(name):
    for stored in store.records(store.RESULTS / name):
        best = max(value for instance in stored["result"]["values"] for values in instance for value in values)
        assert best <= stored["result"]["optimum"] + fixed_target.TOLERANCE
