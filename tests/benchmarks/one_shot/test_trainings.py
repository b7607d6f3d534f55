"""Which networks strategies train, how long, and what that costs, on a made-up truth."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from easy_truth import TARGET, judge, mistakes

from benchmarks.one_shot import lookups, space, spending, trainings
from benchmarks.one_shot.lookups import Book, Known, Spent

EVERY = space.architectures()
WRONG = np.array([mistakes(words) for words in EVERY], dtype=float)
BEST = EVERY.index(TARGET)


def made(epochs=(1, 3, 10, 30), seeds=3):
    """A training of e epochs takes e seconds; one a network in each seed, all of them alike, losses falling."""
    losses = np.array([WRONG + 1 / e for e in epochs]).T
    losses, seconds = (np.repeat(each[:, None], seeds, axis=1) for each in (losses, np.tile(epochs, (len(EVERY), 1))))
    losses -= 0.1 * np.arange(seeds)[:, None]  # seeds differ
    return Known(lookups.networks_of("operations"), EVERY, tuple(epochs), losses, seconds.astype(float))


@pytest.fixture(scope="module")
def known():
    return made()


def book(known, trainings, weights=None):
    return Book(known, weights or (judge(EVERY), 60.0), 0, trainings * known.unit, 1)


def test_networks_are_in_the_order_of_their_words(known):
    networks = known.networks
    assert [space.in_words(each) for each in networks.architectures] == EVERY
    assert [networks.row(codes) for codes in networks.codes[::17]] == list(range(0, 256, 17))
    features = networks.features(judge(EVERY))
    assert features.shape == (256, 17)
    assert np.argmax(features[:, -1]) == BEST
    assert networks.costs[EVERY.index("5x5 5x5 5x5 5x5")] == networks.costs.max()


def test_a_training_that_goes_on_pays_the_difference(known):
    one = book(known, 2)
    assert one.train(5, 1) == pytest.approx(WRONG[5] + 1 / 3)
    assert one.spent == 3
    one.train(5)
    assert one.spent == 30
    one.train(5, 2)  # known
    assert one.spent == 30
    one.train(6)
    assert one.spent == 60
    with pytest.raises(Spent):
        one.train(7, 0)
    assert one.spent == 60


def test_what_is_known_is_free_a_limited_number_of_times_in_a_row(known):
    one = book(known, 10)
    one.train(5, 0)
    for _ in range(lookups.FREE):
        one.train(5, 0)
    assert one.spent == 1
    one.train(5, 0)
    assert one.spent == 2


def test_what_is_returned_is_what_was_known_then(known):
    one = book(known, 10, (judge(EVERY)[::-1], 60.0))
    drawn = one.returned(0)
    one.judge()
    assert (one.spent, one.returned(59.9), one.returned(60)) == (60, drawn, len(EVERY) - 1 - BEST)
    one.train(3, 0)
    one.train(BEST, 0)
    one.train(4)  # worse, but trained longer
    one.train(BEST)
    assert [one.returned(seconds) for seconds in (61, 62, 91.9, 92, 121)] == [3, BEST, BEST, 4, BEST]


def test_shared_weights_are_paid_for_or_not_there(known):
    with pytest.raises(Spent):
        book(known, 1).judge()


@pytest.mark.parametrize("name", [pytest.param("staged", marks=pytest.mark.hosts), "k best", "ridge", "Minimizer",
                                  "Minimizer, fidelities", "k largest", "random"])
def test_a_strategy_spends_its_budget_on_different_networks(name, known):
    one = book(known, 8)
    with suppress(Spent):
        spending.STRATEGIES[name](one, 3)
    assert one.limit - 2 * known.unit < one.spent <= one.limit
    n = (one.reached >= 0).sum()
    assert n == 8 - 2 * (name in ("k best", "ridge")) or (name in ("staged", "Minimizer, fidelities") and n >= 4)
    if name in ("staged", "k best", "ridge"):
        assert one.returned(one.limit) == BEST


def test_short_trainings_are_for_grounds_that_have_them():
    assert {"DEHB", "Minimizer, fidelities"} <= set(spending.strategies(4))
    assert set(spending.strategies(1)) == {"staged", "k best", "ridge", "Minimizer", "k largest", "random"}
    assert {task["method"] for task in trainings.tasks(["images"])} <= set(spending.strategies(4))


def test_ridge_learns_what_shared_weights_do_not_know(known):
    misled = judge(EVERY) + 3.0 * np.array([words.startswith(TARGET.split()[0]) for words in EVERY])
    misled += 0.01 * np.random.default_rng(0).normal(size=len(EVERY))
    one = book(known, 26, (misled, 60.0))
    with pytest.raises(Spent):
        spending.ridge(one, 0)
    trained = WRONG[one.reached >= 0]
    assert len(trained) == 24
    assert trained.min() < WRONG[np.argsort(misled)[:4]].min()


def test_what_was_looked_up_does_not_judge(known):
    losses = known.losses.copy()
    lucky = int(np.flatnonzero(WRONG == 2)[0])
    losses[lucky, 0] = -10.0
    found = replace(known, losses=losses)
    std = found.seed_std
    assert found.judged(lucky, 0) == (pytest.approx(2 / std), 1 + (WRONG < 2).sum())
    assert found.judged(lucky, 1)[0] == 0.0
    assert known.ceiling() == (0.0, 1.0)


def records(first, budgets=(2, 8, 16)):
    """Of ours and two others, what each returns: of six runs the network of that many mistakes at each budget."""
    ordered = np.argsort(WRONG, kind="stable")
    return [{"task": {"ground": "operations", "method": name, "number": number, "seed": number % 3,
              "budgets": list(budgets)},
             "result": {"returned": [EVERY[ordered[place]] for place in places]}}
            for name, places in first.items() for number in range(6)]


def test_claims_are_about_every_ground_and_the_rival_to_beat(known):
    better, worse = (5, 1, 0), (45, 41, 40)
    found = {"operations": trainings.Judged(records({"staged": better, "k best": worse, "random": worse}), known)}
    assert [claim.met for claim in trainings.claims(found)] == [True] * 3
    behind = trainings.Judged(records({"staged": worse, "k best": better, "random": better}), known)
    claims = trainings.claims({**found, "images": behind})
    assert [claim.met for claim in claims] == [False] * 3
    assert "operations: none; images: at 2 (k best by" in claims[0].figure
    assert "| k best | +0.00" not in trainings.differences(behind)
    assert "mean regret" in next(iter(trainings.shown(found)))


def test_one_page_shows_every_ground(known, tmp_path, monkeypatch):
    monkeypatch.setattr(lookups, "known", lambda ground, results: known)
    both = records({"staged": (5, 1, 0), "k best": (45, 41, 40)})
    both += [{**record, "task": {**record["task"], "ground": "images"}} for record in both]
    page = trainings.page_of(both, tmp_path, trainings.NAME)
    assert sum("`images`" in caption for caption in page.tables) == 2
    page.draw(tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()
