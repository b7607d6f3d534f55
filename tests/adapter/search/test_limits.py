"""Networks within a budget, and several budgets in one search."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from searches import build
from torch import nn

from asng_core import ASNG, Real
from asng_torch import FrontPoint, Latency, LayerChoice, Supernet, ValueChoice
from asng_torch.search.budget import budgets

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
    search.judged.judge = lambda batch, closure, stochastic: [-cost(each) for each in batch]
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
    with pytest.raises(RuntimeError, match="no architecture that costs at most 1 was found"):
        replace(search.budgets[0], limit=1.0).recommend()


def test_a_limit_that_nothing_meets_is_refused_before_the_search():
    with pytest.raises(ValueError, match=r"Search\(limit=1\) must be one that an architecture meets.* found is 2\."):
        searched(1)
    nested = LayerChoice({"big": nn.Linear(64, 64), "deep": nn.Sequential(LayerChoice(
        {str(n): nn.Linear(64, 64, bias=n > 0) for n in range(40)}, label="inner"))}, label="outer")
    supernet = Supernet(nn.Sequential(nested, *(LayerChoice({"a": nn.Linear(64, 64), "b": nn.Identity()})
                                                for _ in range(30))), example=torch.ones(1, 64))
    for limit in (64**2, 64**2 + 64):  # one architecture in a billion meets the first
        assert budgets(supernet, ASNG(supernet.space), "parameters", limit)[0].limit == limit
    with pytest.raises(ValueError, match="least cost found is 4096"):
        budgets(supernet, ASNG(supernet.space), "trainable", 64**2 - 1)
    real = Supernet(nn.ModuleList([ValueChoice(Real(0.0, 1.0), label="rate")]))  # where nothing is known
    budgets(real, ASNG(real.space), lambda architecture: 1 + architecture["rate"], 0.5)


def test_a_cost_of_ones_own_may_be_infinite_but_must_be_a_number():
    def own(architecture, otherwise=math.inf):
        return 1.0 if {*architecture.values()} == {"small"} else otherwise

    search = build(net=net, steps=8, cost=own, limit=1)
    list(search)
    assert search.recommend() == {"first": "small", "second": "small"}
    with pytest.raises(ValueError, match="but the least cost found is inf"):
        build(net=net, cost=lambda architecture: math.inf, limit=1)
    for wrong, shown in ((math.nan, "nan"), ("cheap", "'cheap'"), (None, "None")):
        with pytest.raises(ValueError, match=rf"Search\(cost=...\) must return a number .*, got {shown} for {{'first'"):
            build(net=net, cost=partial(own, otherwise=wrong), limit=1)


def test_latency_is_measured_once_saved_and_repeated(tmp_path):
    def build_one():
        return build(net=net, steps=3, cost="latency", limit=10.0)

    search = build_one()
    records = list(search)
    latency = search.budgets[0].cost
    for record in records:
        assert (record.costs > 0).all()
        assert record.costs.tolist() == [latency(each) for each in record.architectures]
    search.save(tmp_path / "search")
    again = build_one()
    again.resume(tmp_path / "search")
    assert again.budgets[0].cost.measured == latency.measured != {}
    own = Latency(again.supernet, repeats=1)
    own.take(records[0].architectures[0], 0.25)
    assert own(records[0].architectures[0]) == 0.25
    assert build(net=net, steps=3, cost=own, limit=10.0).budgets[0].cost is own
    with pytest.raises(ValueError, match=r"one of \['parameters', .*'latency'\] or a function"):
        build(net=net, steps=3, cost="time", limit=1.0)


def test_every_cost_that_is_counted_may_be_limited():
    for name in ("parameters", "trainable", "multiply_adds", "activations"):
        search = build(net=net, steps=2, cost=name, limit=10.0**9)
        for record in search:
            assert record.costs.tolist() == [getattr(search.supernet.cost(each), name)
                                             for each in record.architectures]


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
