"""Which networks strategies train after the shared weights, on a made-up truth."""

import numpy as np
import pytest
from easy_truth import TARGET, judge, mistakes

from benchmarks.one_shot import space, trainings

EVERY = space.architectures()


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.hosts) if name == trainings.OURS else name
                                  for name in trainings.STRATEGIES])
def test_a_strategy_trains_as_many_networks_as_it_may(name):
    looked = []

    def look(words):
        looked.append(words)
        return float(mistakes(words))

    trained = trainings.STRATEGIES[name](judge(EVERY), look, 5, 3)
    assert len(set(trained)) == 5
    assert set(looked) <= set(trained)
    if name in (trainings.OURS, trainings.RIVAL, "ridge"):
        assert TARGET in trained


def test_ridge_learns_what_shared_weights_do_not_know():
    misled = judge(EVERY) + 3.0 * np.array([words.startswith(TARGET.split()[0]) for words in EVERY])
    losses = misled + 0.01 * np.random.default_rng(0).normal(size=len(EVERY))
    trained = trainings.ridge(losses, lambda words: float(mistakes(words)), 24)
    assert min(map(mistakes, trained)) < min(map(mistakes, trained[:4]))


@pytest.fixture
def table():
    """Three seeds of all networks; the first of them is far too good in one network."""
    class Table:
        architectures, seed_std = EVERY, 0.01
        accuracies = np.repeat([[0.9 - 0.1 * mistakes(words)] for words in EVERY], 3, axis=1)

        def accuracy(self, words, seed):
            return self.accuracies[EVERY.index(words), seed]

    lucky = next(words for words in EVERY if mistakes(words) == 2)
    Table.accuracies[EVERY.index(lucky), 0] = 1.0
    return Table(), lucky


def test_what_was_looked_up_does_not_judge(table):
    found, lucky = table
    assert trainings.Judged.judge([TARGET, lucky], 0, found) == (pytest.approx(20.0), 1 + sum(
        mistakes(words) < 2 for words in EVERY))
    assert trainings.Judged.judge([TARGET, lucky], 1, found) == (0.0, 1)


def test_claims_are_about_the_rival_to_beat(table):
    found, _ = table
    ordered = sorted(EVERY, key=mistakes)
    records = [{"task": {"strategy": strategy, "supernet": supernet, "seed": seed, "budgets": [2, 8, 16]},
                "result": {"trained": [[ordered[first + 40 * (strategy == trainings.RIVAL)]] for first in (5, 1, 0)]}}
               for strategy in (trainings.OURS, trainings.RIVAL) for supernet in range(3) for seed in range(3)]
    judged = trainings.Judged(records, found)
    assert [claim.met for claim in trainings.claims(judged)] == [True, True, True]
    assert "| staged | 10.00" in trainings.table_of(judged)
    assert trainings.differences(judged).count("| k best |") == 1
    swapped = {trainings.OURS: trainings.RIVAL, trainings.RIVAL: trainings.OURS}
    for record in records:
        record["task"]["strategy"] = swapped[record["task"]["strategy"]]
    assert [claim.met for claim in trainings.claims(trainings.Judged(records, found))] == [False, False, False]
