"""Intervals of differences."""

import numpy as np
import pytest

from benchmarks.analysis import scores
from benchmarks.rivals import ENTRIES


def test_the_paired_bootstrap_pairs():
    rng = np.random.default_rng(0)
    theirs = {table: rng.normal(scale=10, size=20) for table in "abc"}
    difference, low, high = scores.paired_bootstrap({table: runs - 1 for table, runs in theirs.items()}, theirs)
    assert low == pytest.approx(high) == pytest.approx(difference) == -1
    ours = {table: rng.normal(scale=10, size=20) for table in "abc"}
    difference, low, high = scores.paired_bootstrap(ours, {table: runs[:5] for table, runs in theirs.items()})
    assert low < difference < high


def test_variants_that_are_no_more_stand_last_and_in_one_order():
    known, gone = list(ENTRIES)[:2], ["no bounds", "no Thompson sampling", "an old one"]
    assert sorted([*gone, *known[::-1]], key=scores.place) == [*known, *sorted(gone)]
    assert sorted([*known, *gone[::-1]], key=scores.place) == [*known, *sorted(gone)]
