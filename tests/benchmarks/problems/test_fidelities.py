"""Learning curves, what trainings on them cost, and what is scored of a run."""

import numpy as np
import pytest

from asng_core import Space
from benchmarks.problems import curves as problems
from benchmarks.problems import fidelities
from benchmarks.problems.curves import FIDELITIES, MISLED, Curves

SPACE = Space.categorical([3, 4])


def made(continues=True):
    losses = np.add.outer(np.arange(12.0), [3.0, 2.0, 1.0, 0.0])  # row 0 is the best
    return Curves("made", SPACE, losses, continues)


def test_a_training_that_goes_on_pays_the_difference():
    account = fidelities.Account(made())
    assert [account.price(0, fidelity) for fidelity in (0, 2, 3)] == [1, 9 - 1, 27 - 9]
    assert account.price(1, 3) == 27


def test_a_share_of_the_data_is_paid_in_full():
    account = fidelities.Account(made(continues=False))
    assert [account.price(0, fidelity) for fidelity in (0, 2, 3)] == [1, 9, 27]


def test_known_losses_are_free_a_few_times_in_a_row():
    account = fidelities.Account(made())
    account.price(0, 1)
    assert [account.price(0, 1) for _ in range(fidelities.FREE + 2)] == [0] * fidelities.FREE + [3, 3]
    account.price(1, 1)
    assert account.price(0, 1) == 0


def test_a_lower_fidelity_after_a_higher_one_is_a_training_of_its_own():
    account = fidelities.Account(made())
    account.price(0, 3)
    assert account.price(0, 1) == 3


class Scripted:
    """Trains row after row in full, from the worst, and recommends the last it was told."""

    def __init__(self, ladder, seed):
        self.row = 12

    def ask(self):
        self.row -= 1
        return made().codes(self.row), 3

    def tell(self, codes, fidelity, loss):
        assert loss == self.row
        self.last = codes

    def recommend(self):
        return getattr(self, "last", made().codes(11))


def test_what_is_recommended_counts_once_its_training_has_ended(monkeypatch):
    monkeypatch.setattr(problems, "curves", lambda name: made())
    monkeypatch.setattr(fidelities, "made", lambda method, ladder, seed: Scripted(ladder, seed))
    result = fidelities.run("scripted", "made", 0, 3)
    ranks = [12, 12, 11, 11, 10]  # at 1, 1.5, 2, 2.5, 3 full trainings
    assert result["score"] == pytest.approx(np.log10(np.array(ranks) / 12), abs=1e-4)


def test_scores_are_ranks_and_ties_share_the_better():
    curves = Curves("ties", SPACE, np.repeat([[1.0, 1, 1, 1], [0.0, 0, 0, 0]], 6, axis=0), True)
    assert curves.score(11) == pytest.approx(-np.log10(12))
    assert curves.score(0) == pytest.approx(np.log10(7 / 12))


def test_rows_and_codes_are_one_another():
    curves = made()
    assert [curves.row(curves.codes(row)) for row in range(12)] == list(range(12))


@pytest.mark.parametrize("name", problems.MADE)
def test_every_configuration_has_its_curve(name):
    curves = problems.curves(name)
    assert curves.losses.shape == (curves.space.size, len(FIDELITIES))
    assert curves.space.size >= (160 if name.startswith("networks") else 1000)
    assert np.isfinite(curves.losses).all()
    assert curves.continues != name.endswith("share")
    correlation = np.corrcoef(curves.losses[:, 2].argsort().argsort(), curves.losses[:, 3].argsort().argsort())[0, 1]
    assert correlation > 0.3  # they are of one training


def test_misled_curves_keep_their_full_trainings_and_nothing_else():
    true, misled = (problems.curves("SGD digits by share" + end) for end in ("", MISLED))
    assert np.array_equal(true.losses[:, -1], misled.losses[:, -1])
    assert np.array_equal(np.sort(true.losses, axis=0), np.sort(misled.losses, axis=0))
    assert all(abs(np.corrcoef(misled.losses[:, i], misled.losses[:, j])[0, 1]) < 0.1
               for i, j in ((0, 1), (0, 3), (1, 3), (2, 3)))


@pytest.mark.parametrize("name", [name for name in problems.MADE if "breast" not in name])
def test_stored_curves_are_what_training_gives(name):
    pytest.importorskip("sklearn")
    from benchmarks import store
    from benchmarks.curves import run
    record = store.records(problems.FOLDER / problems.file_of(name))[7]
    assert run(**record["task"])["losses"] == pytest.approx(record["result"]["losses"], rel=0.1)  # of another machine
