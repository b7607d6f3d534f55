"""Networks within a budget, and several budgets in one search."""

import numpy as np
import pytest
from searches import build
from torch import nn

from asng_core import ASNG
from asng_torch import FrontPoint, LayerChoice

COSTS = {"small": 1.0, "medium": 2.0, "large": 3.0}


def net():
    """Two layers whose candidates differ in what they cost, not in what they compute."""
    return nn.Sequential(nn.Flatten(), *(LayerChoice({name: nn.Linear(inputs, 10) for name in COSTS}, label=label)
                                         for label, inputs in (("first", 784), ("second", 10))))


def cost(architecture):
    return sum(COSTS[each] for each in architecture.values())


def searched(limit, steps=400, n=1, seed=0, **options):
    """The dearer the better, as far as the loss goes."""
    search = build(net=net, steps=steps, limit=limit, optimizer=lambda space: [
        ASNG(space, population_size=2, seed=seed + i) for i in range(n)], **({"cost": cost} | options))
    search.judged.losses = lambda batch, closure, stochastic: np.array([-cost(each) for each in batch])
    return search


@pytest.mark.parametrize("limit", [2, 4, 6])
def test_the_search_finds_the_best_within_the_limit(limit):
    search = searched(limit)
    for record in search:
        assert record.costs.tolist() == [cost(each) for each in record.architectures]
    found = search.recommend()
    assert cost(found) == limit
    assert search.optimizer.best.loss == -limit


def test_several_limits_give_a_front_in_one_search():
    search = searched([2, 4, 6], steps=1200, n=3, seed=1)
    list(search)
    front = search.front()
    assert [type(point) for point in front] == [FrontPoint] * 3
    assert [(point.limit, point.cost) for point in front] == [(2, 2), (4, 4), (6, 6)]
    assert all(cost(point.architecture) == point.cost for point in front)
    assert [budget.optimizer.n_told for budget in search.budgets] == [800] * 3


def test_before_the_distribution_knows_the_likeliest_within_the_limit_is_recommended():
    search = searched(2)
    assert search.recommend() == {"first": "small", "second": "small"}
    search = searched(1)
    with pytest.raises(RuntimeError, match="no architecture that costs at most 1 was found"):
        search.recommend()


def test_a_cost_may_be_what_the_supernet_counts():
    class Counted:
        def __init__(self, architecture):
            self.parameters, self.multiply_adds = int(cost(architecture)), 10 * int(cost(architecture))

    for name, factor in (("parameters", 1), ("multiply_adds", 10)):
        search = searched(4 * factor, steps=3, cost=name)
        search.supernet.cost = Counted
        for record in search:
            assert record.costs.tolist() == [factor * cost(each) for each in record.architectures]


def test_without_a_limit_the_mode_is_recommended_and_there_is_no_front():
    search = build(steps=2)
    list(search)
    assert search.recommend() == search.optimizer.mode()
    with pytest.raises(RuntimeError, match=r"front\(\) needs Search\(cost=..., limit=\[...\]\)"):
        search.front()
