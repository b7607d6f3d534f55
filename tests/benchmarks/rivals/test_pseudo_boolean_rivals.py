"""The methods that are run on Boolean variables alone."""

import numpy as np
import pytest

from asng_core import Space
from benchmarks.problems import pseudo_boolean
from benchmarks.rivals import METHODS, Setting, classic, eda

pytest.importorskip("ioh")
NEW = [name for name, entry in METHODS.items() if entry.only == ("pseudo-Boolean",)]


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
