"""Every method of several fidelities by the Protocol that all are behind."""

import os

import numpy as np
import pytest

from asng_core import Boolean, Categorical, Ordinal, Space
from benchmarks.rivals import FIDELITIES
from benchmarks.rivals.fidelities import HighestSeen, Ladder

SPACE = Space({"op": Categorical(list("abcd")), "size": Ordinal([1, 3, 5, 7, 9]), "norm": Boolean(),
               "act": Categorical(list("xyz"))})
LADDER = Ladder(SPACE, (1, 3, 9, 27), True, 20)
SLOW = ("SMAC3 multi-fidelity", "ASHABORE", "BOHB", "NePS")


def made(name):
    pytest.importorskip(FIDELITIES[name].package or "numpy")
    if name == "NePS" and "NEPS_PYTHON" not in os.environ:
        pytest.skip("it has no environment of its own here")
    return FIDELITIES[name].load()(LADDER, 0)


@pytest.mark.filterwarnings("ignore")  # the libraries' own
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
                                  for name in FIDELITIES])
def test_every_rival_repeats_itself_reaches_the_highest_and_finds_more_than_chance(name):
    def run():
        method, asked = made(name), []
        for _ in range(80):
            codes, fidelity = method.ask()
            assert ((codes >= 0) & (codes < SPACE.sizes)).all()
            asked.append((*codes.tolist(), fidelity))
            method.tell(codes, fidelity, distance(codes) + 3 - fidelity)
        return asked, method.recommend()

    (first, recommended), (second, _) = run(), run()
    assert first == second
    assert {fidelity for *_, fidelity in first} == {0, 1, 2, 3}
    assert distance(recommended) <= 2


def distance(codes):
    return float((np.asarray(codes) != [2, 3, 1, 0]).sum())


def test_the_best_of_the_highest_fidelity_is_recommended():
    method = HighestSeen()
    for codes, fidelity, loss in (("a", 0, 0.1), ("b", 0, 0.2), ("c", 2, 5.0), ("d", 1, 0.0), ("e", 2, 4.0)):
        method.see(codes, fidelity, loss)
    assert method.recommend() == "e"


def test_a_fidelity_is_known_by_the_figure_of_a_library():
    assert [LADDER.nearest(figure) for figure in (1, 3.0000001, 8.9999, 27.0)] == [0, 1, 2, 3]
