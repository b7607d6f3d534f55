"""Intervals of differences."""

import numpy as np
import pytest

from benchmarks.analysis import scores


def test_the_paired_bootstrap_pairs():
    rng = np.random.default_rng(0)
    theirs = {table: rng.normal(scale=10, size=20) for table in "abc"}
    difference, low, high = scores.paired_bootstrap({table: runs - 1 for table, runs in theirs.items()}, theirs)
    assert low == pytest.approx(high) == pytest.approx(difference) == -1
    ours = {table: rng.normal(scale=10, size=20) for table in "abc"}
    difference, low, high = scores.paired_bootstrap(ours, {table: runs[:5] for table, runs in theirs.items()})
    assert low < difference < high
