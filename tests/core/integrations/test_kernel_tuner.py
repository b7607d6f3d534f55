"""The strategy in Kernel Tuner itself, whose simulation mode reads costs from a file."""

import itertools
import json
import sys

import numpy as np
import pytest

from asng_core import Categorical, Ordinal, Space
from asng_core.integrations.design import far_apart
from asng_core.integrations.kernel_tuner import MinimizerStrategy, space_of, strategy

PARAMETERS = {"block_size_x": [128, 16, 64, 32], "tile": [1, 2, 4, 8], "layout": ["row", "column"],
              "flag": [True, False], "algorithm": [3, 1, 2], "one": [5]}
RESTRICTIONS = ["block_size_x * tile <= 256", "flag or layout == 'row'"]


def time_of(point):
    """None where it fails, which no restriction tells."""
    if point["algorithm"] == 1 and point["tile"] == 8:
        return None
    return 1.0 + abs(point["block_size_x"] - 64) / 16 + abs(point["tile"] - 4) + (
        point["layout"] == "row") + 2.0 * point["flag"] + (point["algorithm"] != 1)


def valid(point):
    return point["block_size_x"] * point["tile"] <= 256 and (point["flag"] or point["layout"] == "row")


@pytest.fixture
def tune(tmp_path):
    """tune(strategy, ...) -> the results of Kernel Tuner in its simulation mode."""
    kernel_tuner = pytest.importorskip("kernel_tuner", reason="pip install 'asng[kernel-tuner]'",
                                       exc_type=ImportError)
    points = [dict(zip(PARAMETERS, config, strict=True)) for config in itertools.product(*PARAMETERS.values())]
    timings = dict.fromkeys(("compile_time", "verification_time", "benchmark_time", "strategy_time",
                             "framework_time"), 100)
    costs = {",".join(map(str, point.values())): {
        **point, "time": time_of(point) or "CompilationFailedConfig", "energy": point["tile"] / point["block_size_x"],
        "times": [], **timings, "timestamp": "2025-01-01 00:00:00+00:00"} for point in points if valid(point)}
    path = tmp_path / "cache.json"
    path.write_text(json.dumps({
        "schema_version": "1.0.0", "device_name": "none", "kernel_name": "k", "problem_size": [64],
        "tune_params_keys": list(PARAMETERS), "tune_params": PARAMETERS, "objective": "time", "cache": costs}))

    def run(made, restrictions=RESTRICTIONS, keywords=None, **options):
        return kernel_tuner.tune_kernel("k", "", [64], [], PARAMETERS, restrictions=list(restrictions), lang="C",
                                        strategy=made, strategy_options=options, cache=str(path), quiet=True,
                                        simulation_mode=True, **(keywords or {}))[0]
    return run


def configs(results):
    return [tuple(result[name] for name in PARAMETERS) for result in results]


def test_a_search_asks_valid_configurations_once_and_finds_the_best(tune):
    results = tune(strategy(seed=0), max_fevals=60)
    assert len(set(configs(results))) == len(results) == 60
    for result in results:
        assert valid(result)
        assert all(result[name] in values for name, values in PARAMETERS.items())
        assert ("__error__" in result) == (time_of(result) is None)
    assert min(result["time"] for result in results if "__error__" not in result) == 2.0


def test_a_seed_repeats_a_search_and_may_come_from_kernel_tuner(tune):
    first = configs(tune(strategy(seed=4), max_fevals=30))
    assert configs(tune(strategy(seed=4), max_fevals=30)) == first
    assert configs(tune(strategy(), max_fevals=30, keywords={"seed": 4})) == first
    assert configs(tune(strategy(seed=5), max_fevals=30)) != first


def test_failed_configurations_are_told_as_such(tune, monkeypatch):
    from asng_core.integrations import kernel_tuner
    made = []

    class Kept(kernel_tuner.Minimizer):
        def __init__(self, *args, **keywords):
            super().__init__(*args, **keywords)
            made.append(self)

    monkeypatch.setattr(kernel_tuner, "Minimizer", Kept)
    results = tune(strategy(seed=0), max_fevals=100)
    losses = made[0].history.losses  # without the last one, which Kernel Tuner does not hand on
    assert np.isnan(losses).tolist() == ["__error__" in result for result in results[:99]]
    assert np.isnan(losses).any()


def test_without_a_budget_the_whole_space_is_evaluated(tune):
    points = (dict(zip(PARAMETERS, config, strict=True)) for config in itertools.product(*PARAMETERS.values()))
    assert len(set(configs(tune(strategy(seed=0))))) == sum(map(valid, points))


def test_the_time_limit_ends_it(tune):
    assert 1 <= len(tune(strategy(seed=0), time_limit=5)) <= 50  # each takes 0.3 s of the simulated time


def test_more_may_be_better(tune):
    results = tune(strategy(seed=0), max_fevals=60,
                   keywords={"objective": "energy", "objective_higher_is_better": True})
    assert max(result["energy"] for result in results) == 8 / 16


def test_there_may_be_several_objectives(tune):
    results = tune(strategy(seed=0), max_fevals=60, keywords={"objectives": {"time": False, "energy": True}})
    assert len(set(configs(results))) == 60


def test_a_starting_point_comes_first(tune):
    start = (16, 8, "row", True, 2, 5)
    assert configs(tune(strategy(seed=0), max_fevals=5, x0=start))[0] == start
    assert len(tune(strategy(seed=0), max_fevals=5, x0=(128, 8, "row", True, 2, 5))) == 5  # it is not valid


def test_where_points_are_hardly_found_the_list_of_kernel_tuner_has_them(tune):
    rare = [*RESTRICTIONS, lambda point: (point["tile"], point["block_size_x"]) in ((1, 16), (2, 128))]
    assert len(set(configs(tune(strategy(seed=0), restrictions=rare)))) == 2 * 3 * 3


class Listed:
    """A space as Kernel Tuner's `Searchspace` shows it."""

    def __init__(self, tune_params, configs):
        self.tune_params, self.list, self.size = tune_params, configs, len(configs)

    def is_param_config_valid(self, config):
        return config in self.list


class Costs:
    tuning_options = type("Options", (dict,), {"strategy_options": {}})()

    def __call__(self, config):
        return float(sum(x << i for i, x in enumerate(config)))  # no two are equal


def test_a_space_of_a_few_scattered_points_is_searched_to_its_end():
    rng = np.random.default_rng(0)
    scattered = [tuple(row) for row in rng.integers(0, 2, (4, 40)).tolist()]
    space = Listed({f"x{i}": [0, 1] for i in range(40)}, scattered)
    costs = Costs()
    best = min(scattered, key=costs)
    assert MinimizerStrategy(seed=0)(costs, space) == (best, costs(best))


def test_parameters_are_ordered_if_they_are_numbers():
    points = [(4, "a", True, 7, 1), (1, "b", False, 9, 1), (1, "b", True, 9, 1)]
    found = space_of(Listed({name: [4, 1, 2] for name in "nscuf"}, points), unordered=["u"])
    assert dict(found.variables) == {"n": Ordinal([1, 4]), "s": Categorical(["a", "b"]),
                                     "c": Categorical([True, False]), "u": Categorical([7, 9]), "f": Ordinal([1])}
    assert found.feasible({"n": 1, "s": "b", "c": True, "u": 9, "f": 1})
    assert not found.feasible({"n": 4, "s": "b", "c": True, "u": 9, "f": 1})


def test_a_search_begins_with_configurations_far_apart():
    space = Space({"a": Ordinal(range(11)), "b": Ordinal(range(11)), "c": Categorical(["x", "y"])})
    configs = [*itertools.product(range(11), range(11), "xy")]
    found = [*far_apart(space, configs, 8, np.random.default_rng(1))]
    assert len(set(found)) == 8

    def apart(chosen):
        return min(abs(a[0] - b[0]) / 10 + abs(a[1] - b[1]) / 10 + (a[2] != b[2])
                   for a, b in itertools.combinations(chosen, 2))

    rng = np.random.default_rng(0)
    assert apart(found) > max(apart([configs[i] for i in rng.choice(242, 8, replace=False)]) for _ in range(200))
    assert set(far_apart(space, configs[:3], 8, rng)) == set(configs[:3])


def test_errors_name_the_repair(monkeypatch):
    with pytest.raises(TypeError, match="must be a collection of names"):
        MinimizerStrategy(unordered="tile")
    with pytest.raises(ValueError, match=r"beginning=\.\.\.\) must be at least 0, got -1"):
        MinimizerStrategy(beginning=-1)
    with pytest.raises(ValueError, match=r"must name parameters, \['a'\], got \['b'\]"):
        space_of(Listed({"a": [1]}, [(1,)]), unordered=["b"])
    monkeypatch.setitem(sys.modules, "kernel_tuner.strategies.wrapper", None)
    with pytest.raises(ImportError, match=r"pip install 'asng\[kernel-tuner\]'"):
        strategy()
