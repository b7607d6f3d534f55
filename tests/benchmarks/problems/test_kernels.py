"""The measured kernels, and searches of them in Kernel Tuner."""

import itertools

import numpy as np
import pytest

from benchmarks import kernel_tuner as benchmark
from benchmarks.problems import kernels


@pytest.mark.parametrize("name", ["gemm RTX_Titan", "convolution A100"])
def test_the_table_holds_what_the_restrictions_leave(name):
    kernel = kernels.kernel(name)
    rules = [compile(rule, name, "eval") for rule in kernel.restrictions]
    left = {config for config in itertools.product(*kernel.tune_params.values())
            if all(eval(rule, dict(zip(kernel.tune_params, config, strict=True))) for rule in rules)}
    assert left == set(kernel.configs)
    assert len(kernel.configs) == len(kernel.times) == len(left)


def test_progress_goes_from_the_median_to_the_optimum():
    kernel = kernels.kernel("convolution A6000")
    best, median = kernel.sorted[0], np.median(kernel.sorted)
    assert kernel.progress([best, (best + median) / 2, median, 2 * median, np.nan]).tolist() == [1, 0.5, 0, 0, 0]


def test_random_search_is_as_expected():
    kernel, rng = kernels.kernel("convolution A6000"), np.random.default_rng(0)
    drawn = np.array([np.maximum.accumulate(kernel.progress(rng.permutation(kernel.times)[:kernel.budget]))
                      for _ in range(2000)])
    assert np.abs(drawn.mean(axis=0) - kernel.random_search).max() < 0.02
    assert kernel.random_search[-1] >= 0.95 > kernel.random_search[-2]


def test_a_curve_holds_the_best_so_far():
    kernel = kernels.kernel("convolution W6600")
    first, second = kernel.sorted[[5, 2]]
    curve = kernels.curve(kernel.name, 5, [[2, first], [4, second]])
    assert curve.tolist() == [0, *kernel.progress([first, first, second, second])]


def test_a_search_is_that_of_kernel_tuner():
    pytest.importorskip("kernel_tuner", reason="pip install 'asng[bench]'", exc_type=ImportError)
    for method in ("Minimizer", "random_sample"):
        found = kernels.run(method, "convolution A6000", 1, 60)
        assert found["evaluations"] == 60
        assert {time for _, time in found["improvements"]} <= set(kernels.kernel("convolution A6000").times)
        again = kernels.run(method, "convolution A6000", 1, 60)
        assert again["improvements"] == found["improvements"]
        assert again["failed"] == found["failed"]


def test_the_benchmark_runs_and_shows_what_is_stored(command, tmp_path):
    pytest.importorskip("kernel_tuner", reason="pip install 'asng[bench]'", exc_type=ImportError)
    printed = command(benchmark)
    assert "| random_sample | " in printed
    assert (tmp_path / "kernel_tuner_quick.png").exists()
    assert command(benchmark, "--stored") == printed


def test_slow_strategies_run_fewer_seeds():
    wanted = benchmark.tasks(list(benchmark.METHODS), benchmark.SEEDS)
    assert max(task["seed"] for task in wanted if task["method"] == "bayes_opt") == benchmark.RIVALS["bayes_opt"] - 1
    assert len({(task["method"], task["table"]) for task in wanted}) == len(benchmark.METHODS) * len(kernels.TABLES)
