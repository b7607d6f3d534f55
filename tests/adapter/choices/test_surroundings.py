"""Choices between layers that work in place, beside reals, and measured on odd ground."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import CheckpointError, checkpoint

from asng_core import Real
from asng_torch import (
    InputChoice,
    KernelChoice,
    LayerChoice,
    Repeat,
    Supernet,
    ValueChoice,
    WidthChoice,
    derive,
    elastic,
)


class InPlace(nn.Module):
    """What a choice passes on as it came is changed in place, and read again."""

    def __init__(self, choice):
        super().__init__()
        self.stem, self.choice, self.several = nn.Linear(3, 3), choice, isinstance(choice, InputChoice)

    def forward(self, x):
        x = self.stem(x)
        return functional.relu(self.choice([x, x] if self.several else x), inplace=True) + x


class Scale(nn.Module):
    def __init__(self, variable):
        super().__init__()
        self.scale, self.layer = ValueChoice(variable), nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x) * self.scale()


@pytest.mark.parametrize(("choice", "value"), [
    (LayerChoice({"identity": nn.Identity(), "linear": nn.Linear(3, 3)}), "identity"),
    (LayerChoice({"view": nn.Flatten(), "linear": nn.Linear(3, 3)}), "view"),
    (Repeat([nn.Linear(3, 3)], minimum=0), 0), (InputChoice(2), 1)])
def test_in_place_layers_behind_a_choice_get_the_gradients_of_the_derived_network(choice, value):
    supernet = Supernet(InPlace(choice), example=torch.ones(1, 3))
    network, x = derive(supernet, {"choice": value}), torch.randn(20, 3)
    with supernet.active({"choice": value}):
        output = supernet(x)
        output.sum().backward()
    expected = network(x)
    expected.sum().backward()
    assert torch.equal(output, expected)
    assert torch.equal(supernet.module.stem.weight.grad, network.stem.weight.grad)


def test_recomputing_another_input_raises_still():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.choice, self.layer = InputChoice(2), nn.Linear(3, 3)

        def forward(self, x):
            a, b = self.layer(x), 2 * self.layer(x)
            return checkpoint(lambda *maps: self.choice(maps).sin(), a, b, use_reentrant=False)

    supernet = Supernet(Net(), example=torch.ones(1, 3))
    with supernet.active({"choice": 0}):
        loss = supernet(torch.ones(2, 3)).sum()
    with supernet.active({"choice": 1}), pytest.raises(CheckpointError):
        loss.backward()


def numbers(cost):
    return cost.parameters, cost.multiply_adds


def test_layers_are_chosen_beside_a_real():
    supernet = Supernet(nn.Sequential(LayerChoice({"scale": Scale(Real(-1.0, 1.0)), "linear": nn.Linear(4, 4)})),
                        example=torch.ones(1, 4))
    x = torch.randn(2, 4)
    for architecture in ({"0": "linear"}, {"0": "scale", "0.candidates.scale.scale": -1.0}):
        with supernet.active(architecture):
            output = supernet(x)
        assert torch.equal(output, derive(supernet, architecture)(x))
        for _ in range(3):
            assert numbers(supernet.cost(architecture)) == (20, 16)
    assert len(supernet.meter._counted) == 2


def test_a_copy_is_measured_after_a_change_of_type():
    supernet = Supernet(nn.Sequential(elastic.Linear(3, WidthChoice([2, 4])), elastic.Linear(4, 2)),
                        example=torch.ones(1, 3)).double()
    twin = copy.deepcopy(supernet)
    assert twin.cost({"0.width": 2}) == supernet.cost({"0.width": 2})
    assert numbers(twin.cost({"0.width": 2})) == (14, 10)
    assert derive(twin, {"0.width": 2})(torch.ones(1, 3).double()).shape == (1, 2)


@pytest.mark.parametrize("track", [True, False])
def test_costs_are_known_though_the_first_pass_normalized_by_the_batch(track):
    net = nn.Sequential(LayerChoice({"a": nn.Linear(3, 4), "b": nn.Linear(3, 4)}),
                        nn.BatchNorm1d(4, track_running_stats=track))
    supernet = Supernet(net)
    supernet.losses([{"0": "a"}], lambda net: net(torch.randn(5, 3)).mean())
    assert numbers(supernet.cost({"0": "a"})) == (24, 12)


def test_an_example_goes_through_a_module_with_a_tensor_that_is_no_buffer():
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.choice, self.mask = LayerChoice({"a": nn.Linear(3, 3), "b": nn.Identity()}), torch.ones(3)

        def forward(self, x):
            return self.choice(x) * self.mask

    assert numbers(Supernet(Masked(), example=torch.ones(1, 3)).cost({"choice": "a"})) == (12, 9)


def test_a_kernel_choice_without_padding_is_refused():
    with pytest.raises(ValueError, match="padding"):
        elastic.Conv2d(3, 4, KernelChoice([3, 5]), padding="valid")


def test_a_first_pass_with_keywords_is_checked():
    supernet = Supernet(LayerChoice({"a": nn.Linear(3, 4), "b": nn.Linear(3, 3)}, label="x"))
    with supernet.active({"x": "a"}), pytest.raises(ValueError, match="LayerChoice"):
        supernet(input=torch.ones(1, 3))
