"""Inputs and outputs of any structure, and what is counted for them."""

import copy
from collections import OrderedDict, UserDict
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from asng_torch import InputChoice, LayerChoice, Repeat, Supernet, ValueChoice, WidthChoice, count, derive, elastic


@dataclass
class Output:
    logits: torch.Tensor
    states: tuple | None = None


class Graph:
    """An object of someone else's class that holds tensors."""

    def __init__(self, x, edges):
        self.x, self.store = x, {"edges": edges}


class Structured(nn.Module):
    """Nested dicts and lists, a keyword alone, an object, a number and None; a dataclass comes out."""

    def __init__(self):
        super().__init__()
        self.op = LayerChoice({"wide": nn.Sequential(nn.Linear(4, 16), nn.Linear(16, 4)), "narrow": nn.Linear(4, 4)})

    def forward(self, batch, graph=None, *, mask, scale=1):
        x = batch["images"][0] + batch["extra"]["more"] + graph.x * mask
        gathered = self.op(x)[graph.store["edges"][0]]
        return Output(gathered.sum() * scale + self.op(x), (x, [x]))


def structured():
    x = torch.ones(5, 4)
    graph = Graph(x, torch.tensor([[0, 1, 2], [2, 3, 4]]))
    return {"batch": {"images": [x, 3], "extra": OrderedDict(more=x), "none": None}, "graph": graph,
            "mask": torch.ones(5, 1), "scale": 2}


def test_inputs_of_any_structure_are_checked_counted_and_derived():
    inputs = structured()
    supernet = Supernet(Structured(), example=inputs)
    for name, adds in (("wide", 5 * 2 * 64), ("narrow", 5 * 16)):
        network = derive(supernet, {"op": name})
        assert supernet.cost({"op": name}) == count(network, **inputs)
        assert supernet.cost({"op": name}).multiply_adds == 2 * adds
        with supernet.active({"op": name}):
            assert torch.equal(supernet(**inputs).logits, network(**inputs).logits)
    assert inputs["graph"].x.device.type == "cpu"  # what was given stays as it was


def test_the_first_call_serves_by_keywords_too():
    inputs = structured()
    supernet = Supernet(Structured())
    with supernet.active({"op": "narrow"}):
        supernet(**inputs)
    assert supernet.cost({"op": "narrow"}).parameters == 20


def test_a_mapping_of_another_class_gives_keywords():
    assert Supernet(Structured(), example=UserDict(structured())).cost({"op": "narrow"}).multiply_adds == 160


def test_a_list_is_one_argument_and_rows_of_it_are_not_taken_where_they_do_not_run():
    class Images(nn.Module):
        def __init__(self):
            super().__init__()
            self.op = LayerChoice({"a": nn.Conv2d(3, 4, 1), "b": nn.Conv2d(3, 4, 3, padding=1)})

        def forward(self, images):
            return [self.op(each) for each in images]

    images = [torch.ones(3, 5, 5), torch.ones(3, 6, 4)]
    given, seen = Supernet(Images(), example=images), Supernet(Images())
    with seen.active({"op": "a"}):
        seen(images)
    for supernet in (given, seen):
        assert supernet.cost({"op": "a"}) == count(derive(supernet, {"op": "a"}), images)
        assert supernet.cost({"op": "a"}).multiply_adds == (25 + 24) * 12


def test_outputs_that_differ_in_structure_are_named_unless_the_network_uses_a_part():
    def net(uses=None):
        cells = {"lstm": nn.LSTM(4, 6, batch_first=True), "gru": nn.GRU(4, 6, batch_first=True)}
        return nn.Sequential(LayerChoice(cells, uses=uses))

    x = torch.randn(2, 7, 4)
    with pytest.raises(ValueError, match=r"'lstm': .*, 'gru': .*LayerChoice\(..., uses=lambda output: output\[0\]\)"):
        Supernet(net(), example=x)
    supernet = Supernet(net(lambda output: output[0]), example=x)
    costs = {name: supernet.cost({"0": name}) for name in ("lstm", "gru")}
    for name, cost in costs.items():
        assert cost == count(derive(supernet, {"0": name}), x)
    assert costs["lstm"].multiply_adds * 3 == costs["gru"].multiply_adds * 4 > 0


def test_fields_of_a_dataclass_are_compared():
    class Head(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.layer = nn.Linear(4, width)

        def forward(self, x):
            return Output(self.layer(x))

    with pytest.raises(ValueError, match=r"'b': \{'logits': \(2, 3\), 'states': 'NoneType'\}"):
        Supernet(LayerChoice({"a": Head(2), "b": Head(3)}, label="x"), example=torch.ones(2, 4))


def test_what_needs_data_is_counted_on_zeros_and_leaves_no_trace():
    class Data(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.drop = nn.BatchNorm1d(4), nn.Dropout(0.5)
            self.op = LayerChoice({"a": nn.Linear(4, 4), "b": nn.Identity()})

        def forward(self, x):
            x = self.drop(self.norm(x))
            return self.op(x) if x.sum().item() >= 0 else x

    x = torch.randn(5, 4)
    supernet = Supernet(Data(), example=x)
    before, rng = copy.deepcopy(supernet.state_dict()), torch.get_rng_state()
    assert supernet.cost({"op": "a"}).multiply_adds == 5 * 16
    assert supernet.cost({"op": "a"}) == count(derive(supernet, {"op": "a"}), torch.zeros(5, 4))
    assert torch.equal(torch.get_rng_state(), rng)
    assert all(torch.equal(value, before[name]) for name, value in supernet.state_dict().items())
    assert all(module.training for module in supernet.modules())
    assert copy.deepcopy(supernet).cost({"op": "b"}).parameters == 8


def test_where_zeros_do_not_do_the_module_itself_says_why():
    class Boxes(nn.Module):
        def __init__(self):
            super().__init__()
            self.op = LayerChoice({"a": nn.Linear(4, 4), "b": nn.Identity()})

        def forward(self, x):
            if x.max().item() <= 0:
                raise ValueError("boxes must have a positive height")
            return self.op(x)

    supernet = Supernet(Boxes())
    with supernet.active({"op": "a"}):
        supernet(torch.ones(2, 4))
    with pytest.raises(RuntimeError, match=r"\(ValueError: boxes must have a positive height\)"):
        supernet.cost({"op": "a"})
    with pytest.raises(ValueError, match="boxes must have a positive height"):
        Supernet(Boxes(), example=torch.ones(2, 4))


class Parts(nn.Module):
    """Tied, frozen and elastic weights, a choice of depth, inputs, and an operation in place."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 8)
        self.first = elastic.Linear(8, WidthChoice([4, 8]))
        self.second = elastic.Linear(8, 8)
        self.body = Repeat([nn.Linear(8, 8) for _ in range(3)], label="depth")
        self.body.blocks[1].weight = self.body.blocks[0].weight
        self.pick, self.rate = InputChoice(2), ValueChoice([0.0, 0.5])
        self.out = nn.Linear(8, 7, bias=False)
        self.out.weight = self.embedding.weight
        self.body.blocks[0].requires_grad_(False)

    def forward(self, ids):
        x = self.embedding(ids)
        x = self.pick([self.body(x), self.second(self.first(x))])
        x = x.unsqueeze_(0).mul_(1 + self.rate())
        return self.out(torch.relu_(x)[0].max(dim=1).values)


def test_costs_are_those_of_the_derived_network_parameters_that_train_apart():
    supernet, ids = Supernet(Parts(), example=torch.ones(2, 5, dtype=torch.long)), torch.ones(2, 5, dtype=torch.long)
    for frozen in (False, True):
        supernet.module.first.requires_grad_(not frozen)
        for width in (4, 8):
            for depth in (1, 2, 3):
                for pick in (0, 1):
                    architecture = {"first.width": width, "depth": depth, "pick": pick, "rate": 0.5}
                    network, cost = derive(supernet, architecture), supernet.cost(architecture)
                    assert cost == count(network, ids)
                    assert cost.parameters == sum(each.numel() for each in network.parameters())
                    assert cost.trainable == sum(each.numel() for each in network.parameters() if each.requires_grad)
                    # of each matrix product, 4 bytes a number
                    assert cost.activations == 4 * (2 * 5 * (8 * depth + width + 8) + 2 * 7)


def test_costs_are_of_the_modules_that_are_there_now():
    net = nn.Sequential(nn.Linear(4, 4), LayerChoice({"linear": nn.Linear(4, 4), "identity": nn.Identity()}))
    supernet = Supernet(net, example=torch.ones(1, 4))
    assert supernet.cost({"1": "identity"}).parameters == 20
    net[0] = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 4))
    for each in (supernet, copy.deepcopy(supernet)):
        for name in ("identity", "linear"):
            assert each.cost({"1": name}) == count(derive(each, {"1": name}), torch.ones(1, 4))
    net[1].candidates[0].weight.requires_grad_(False)
    assert supernet.cost({"1": "linear"}).trainable == 76 + 4
    net[0] = nn.Linear(4, 3)
    with pytest.raises(RuntimeError, match="reduction dim"):
        supernet.cost({"1": "linear"})


def test_memories_of_costs_are_bounded(monkeypatch):
    monkeypatch.setattr("asng_torch.supernet.meter._MOST", 3)
    monkeypatch.setattr("asng_torch.supernet.tally._MOST", 3)
    supernet = Supernet(Parts(), example=torch.ones(2, 5, dtype=torch.long))
    costs = [supernet.cost({"first.width": width, "depth": depth, "pick": 0, "rate": 0.0})
             for _ in range(2) for width in (4, 8) for depth in (1, 2, 3)]
    assert costs[:6] == costs[6:]
    assert len(supernet.meter._counted) <= 3
    assert len(supernet.meter._made._tally._known) <= 3
