"""COCO's mixed-integer functions, and ranks on them."""

import numpy as np
import pytest

pytest.importorskip("cocoex")
from benchmarks import mixint as benchmark
from benchmarks.problems import mixint
from benchmarks.rivals import METHODS, Setting

LIBRARIES = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def problem():
    return mixint.suite().get_problem_by_function_dimension_instance(1, 5, 1)


def test_spaces_have_coco_s_arities(problem):
    assert mixint.space(problem).sizes.tolist() == [2, 4, 8, 16, 0]


@LIBRARIES
@pytest.mark.parametrize("name", benchmark.METHODS)
def test_every_method_asks_integers_and_reals_within_bounds(name, problem):
    space = mixint.space(problem)
    method = METHODS[name].load()(Setting(space, 30), 0)
    best = np.inf
    for _ in range(30):
        codes = np.array(method.ask())
        assert (codes[:4] == np.rint(codes[:4])).all()
        assert ((codes >= space.lows) & (codes <= space.highs)).all()
        loss = float(problem(codes.astype(float)))
        best = min(best, loss)
        method.tell(codes, loss)
    assert best < 400


def record(method, loss, function=1, dimension=5, instance=1, times=10):
    task = {"method": method, "function": function, "dimension": dimension, "instance": instance, "times": times}
    return {"task": task, "result": {"best": [loss] * (mixint.GRID.index(times) + 1)}}


def test_ranks_are_shared_by_equals_and_of_those_that_ran_as_long():
    records = [record("Minimizer", 1.0), record("CMAwM", 1.0 + 1e-12), record("pycma", 2.0),
               record("Optuna TPE", 0.5, times=3)]
    assert benchmark.ranked(records, 10, (5,)) == {"Minimizer": {"f1": [1.5]}, "CMAwM": {"f1": [1.5]},
                                                   "pycma": {"f1": [3.0]}}
    assert benchmark.ranked(records, 3, (5,))["Optuna TPE"] == {"f1": [1.0]}


def test_a_method_that_lacks_a_problem_is_not_ranked():
    records = [record("Minimizer", 1.0), record("Minimizer", 1.0, function=2), record("pycma", 0.0)]
    assert list(benchmark.ranked(records, 10, (5,))) == ["Minimizer"]


def test_claims_are_of_the_mean_rank():
    records = [record(method, loss + function, function=function) for function in (1, 2)
               for method, loss in (("Minimizer", 0.0), ("CMAwM", 0.5))]
    first, = benchmark.claims(records)
    assert first.met
    assert "1.00; the best other 2.00 (CMAwM)" in first.figure


def test_the_benchmark_runs(command, tmp_path):
    printed = command(benchmark)
    assert "| CMAwM |" in printed
    assert (tmp_path / "mixint_quick.png").exists()
    assert command(benchmark, "--stored") == printed
