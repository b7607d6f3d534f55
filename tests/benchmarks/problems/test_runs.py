"""Runs of a method on a table."""

import numpy as np
import pytest

from asng_core import Boolean, Categorical, Ordinal, Space
from benchmarks.problems import runs, tables
from benchmarks.rivals import Setting

SPACE = Space({"op": Categorical(list("abcd")), "size": Ordinal([1, 3, 5, 7, 9]), "norm": Boolean(),
               "act": Categorical(list("xyz"))})


def constrained_table():
    points = np.stack(np.unravel_index(np.arange(SPACE.size), SPACE.sizes), axis=1)
    losses = np.arange(SPACE.size, dtype=float)[:, None]
    losses[(points[:, 0] == 0) & (points[:, 1] > 1)] = np.nan
    return tables.Table("toy", SPACE, losses)


class Stubborn:
    """Asks one point for ever."""

    def __init__(self):
        self.told, self.added = 0, 0

    def ask(self):
        return np.zeros(4, dtype=np.int64)

    def tell(self, codes, loss):
        self.told += 1

    def add(self, codes, loss):
        self.added += 1


def test_known_points_are_free_until_an_unseen_one_is_drawn():
    method, table = Stubborn(), constrained_table()
    losses = list(runs.distinct(method, table, Setting(SPACE, budget=1000), np.random.default_rng(0)))
    n_valid = int((~np.isnan(table.losses)).sum())
    assert len(losses) == n_valid  # the space is exhausted
    assert sorted(float(loss[0]) for loss in losses) == sorted(table.losses[~np.isnan(table.losses)].tolist())
    assert (method.told, method.added) == (1 + runs.FREE * (n_valid - 1), n_valid - 1)


def test_workers_tell_in_order_of_completion():
    class Counting(Stubborn):
        asked = 0

        def ask(self):
            self.asked += 1
            return np.array([self.asked])

        def tell(self, codes, loss):
            assert self.asked - self.told == 4  # in flight
            super().tell(codes, loss)

    run = runs.completed(Counting(), lambda codes: float(codes[0]), Setting(SPACE, budget=200, n_workers=4),
                         np.random.default_rng(0))
    order = list(run)
    assert order != sorted(order)
    assert len(set(order)) == 200


def test_hypervolume_is_the_dominated_area():
    rng = np.random.default_rng(0)
    points, probes = rng.random((12, 2)), 1.1 * rng.random((100_000, 2))
    dominated = (points[:, None] <= probes).all(axis=2).any(axis=0).mean()
    assert runs.hypervolume(points) == pytest.approx(1.21 * dominated, abs=0.01)
    assert runs.hypervolume(np.array([[0.1, 0.1], [0.1, 0.1], [0.6, 0.6]])) == pytest.approx(1)


def test_constraints_and_invalid_rows_agree():
    table = tables.table(tables.CONSTRAINED[0])
    rows = np.random.default_rng(0).integers(table.space.size, size=500)
    points = table.space.decode(np.stack(np.unravel_index(rows, table.space.sizes), axis=1))
    assert [table.constraint(point) for point in points] == (~np.isnan(table.losses[rows, 0])).tolist()
