"""Constraints that are hardly ever satisfied by chance, and failures."""

import numpy as np
import pytest

from benchmarks import constraints as benchmark
from benchmarks.problems import constrained
from benchmarks.problems.constrained import HARD


@pytest.mark.parametrize("problem", HARD)
def test_a_repaired_point_is_feasible_and_a_random_one_is_not(problem):
    made, rng = constrained.instance(problem, 0), np.random.default_rng(0)
    for codes in rng.integers(0, made.space.sizes, (50, len(made.space))):
        assert not made.satisfied(made.space.decode(codes))
        assert made.satisfied(made.space.decode(made.repair(codes, rng)))


def test_a_feasible_point_is_left_as_it_is():
    made, rng = constrained.instance("exactly 5 of 40", 0), np.random.default_rng(0)
    codes = np.arange(40) % 8 == 0
    assert (made.repair(codes.astype(np.int64), rng) == codes).all()


def test_what_has_failed_is_paid_for():
    found = constrained.failing("random search", "gemm RTX_3090", 0, 50)
    assert 30 < found["failed"] < 50
    assert constrained.failing("Minimizer", "gemm RTX_3090", 0, 50)["failed"] < found["failed"]


def test_the_benchmark_runs_and_shows_what_is_stored(command, tmp_path):
    printed = command(benchmark)
    assert "Mean gap under hard constraints" in printed
    assert (tmp_path / "constraints_quick.png").exists()
    assert command(benchmark, "--stored") == printed
    assert command(benchmark, "--stored", "--methods", "Minimizer") == printed  # beside what is stored of the others
