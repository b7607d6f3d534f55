"""Every method by the Protocol that all are behind."""

import numpy as np
import pytest

from asng_core import Boolean, Categorical, Ordinal, Space
from benchmarks.problems import modes, runs, tables
from benchmarks.rivals import METHODS, Setting

SPACE = Space({"op": Categorical(list("abcd")), "size": Ordinal([1, 3, 5, 7, 9]), "norm": Boolean(),
               "act": Categorical(list("xyz"))})
SLOW = ("Optuna GP", "SMAC3", "Ax")
LIBRARIES = pytest.mark.filterwarnings("ignore")  # the libraries' own


def made(name, setting, seed=0):
    try:
        method = METHODS[name].load()
    except ImportError as error:
        pytest.skip(str(error))
    return method(setting, seed)


def able(mode):
    return [name for name, entry in METHODS.items() if name not in SLOW and mode in (entry.only or modes.MODES)]


def distance(codes):
    return float((np.asarray(codes) != [2, 3, 1, 0]).sum())


@LIBRARIES
@pytest.mark.parametrize("name", [*able("noise-free"), *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_every_rival_repeats_itself_and_finds_more_than_chance(name):
    def run():
        method, asked = made(name, Setting(SPACE, budget=40)), []
        for _ in range(40):
            asked.append(np.array(method.ask()))
            assert ((asked[-1] >= 0) & (asked[-1] < SPACE.sizes)).all()
            method.tell(asked[-1], distance(asked[-1]))
        method.add(np.array([2, 3, 1, 0]), 0.0)
        return np.array(asked), method.recommend()

    (first, recommended), (second, _) = run(), run()
    assert first.tolist() == second.tolist()
    assert distance(recommended) <= 1


@LIBRARIES
@pytest.mark.parametrize("name", able("asynchronous"))
def test_asynchronous_rivals_take_results_in_any_order(name):
    method = made(name, Setting(SPACE, budget=60, n_workers=6))
    if "asynchronous" in method.lacks:
        pytest.skip("it lacks it")
    rng, open_points = np.random.default_rng(0), [method.ask() for _ in range(6)]
    for _ in range(60):
        codes = open_points.pop(rng.integers(len(open_points)))
        method.tell(codes, distance(codes))
        open_points.append(method.ask())
    assert SPACE.decode(method.recommend())


@LIBRARIES
@pytest.mark.parametrize("name", able("constrained"))
def test_constrained_rivals_pay_for_valid_points_alone(name):
    table = constrained_table()
    setting = Setting(SPACE, budget=30, constraint=table.constraint)
    method = made(name, setting)
    if "constrained" in method.lacks:
        pytest.skip("it lacks it")
    paid = list(runs.distinct(method, table, setting, np.random.default_rng(0)))
    assert len(paid) == 30
    assert not np.isnan(paid).any()


def constrained_table():
    points = np.stack(np.unravel_index(np.arange(SPACE.size), SPACE.sizes), axis=1)
    losses = np.array([[distance(codes)] for codes in points])
    losses[(points[:, 0] == 0) & (points[:, 1] > 1)] = np.nan
    return tables.Table("toy", SPACE, losses, constraint=lambda v: v["op"] != "a" or v["size"] < 5)


@LIBRARIES
@pytest.mark.parametrize("name", able("two-objectives"))
def test_rivals_of_two_objectives_take_two_losses(name):
    method = made(name, Setting(SPACE, budget=30, n_objectives=2))
    if "two-objectives" in method.lacks:
        pytest.skip("it lacks it")
    asked = set()
    for _ in range(30):
        codes = np.array(method.ask())
        assert ((codes >= 0) & (codes < SPACE.sizes)).all()
        asked.add(codes.tobytes())
        method.tell(codes, np.array([distance(codes), float(codes.sum())]))
    assert len(asked) > 10
