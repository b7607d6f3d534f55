"""What holds of every kind of choice: derivation, cost, gradients, checkpointing, copies."""

import copy
from collections import OrderedDict, namedtuple
from contextlib import nullcontext
from dataclasses import dataclass

import pytest
import torch
from choices_networks import NETWORKS
from torch import nn
from torch.utils.checkpoint import checkpoint

from asng_core import ASNG
from asng_torch import LayerChoice, Supernet, count, derive
from asng_torch.choices.searchable import Searchable


@pytest.fixture(params=list(NETWORKS), ids=lambda kind: kind.__name__)
def case(request):
    x = torch.randn(NETWORKS[request.param])
    return Supernet(request.param(), example=x[:1]), x


def architectures(supernet, n=12):
    return [dict(each) for each in ASNG(supernet.space, seed=3).sample(n)]


def test_the_derived_network_is_the_active_path(case):
    supernet, x = case
    for architecture in architectures(supernet):
        for mode in (False, True):
            supernet.train(mode)
            network, twin = derive(supernet, architecture), copy.deepcopy(supernet)
            assert not any(isinstance(module, Searchable) for module in network.modules())
            with twin.active(architecture):
                assert torch.allclose(network(x), twin(x), atol=1e-6)
            if mode:  # running statistics moved alike: the next pass in eval mode shows
                with twin.active(architecture):
                    assert torch.allclose(network.eval()(x), twin.eval()(x), atol=1e-6)


def test_the_cost_is_that_of_the_derived_network(case):
    supernet, x = case
    for architecture in architectures(supernet):
        network = derive(supernet, architecture).eval()
        assert supernet.cost(architecture) == count(network, x[:1])
        assert supernet.cost(architecture).parameters == sum(each.numel() for each in network.parameters())


def test_numbers_with_a_gradient_are_those_of_the_derived_network(case):
    supernet, x = case
    for architecture in architectures(supernet, 6):
        supernet.zero_grad()
        with supernet.active(architecture):
            supernet(x).square().sum().backward()
        moved = sum(int((p.grad.abs() > 1e-5).sum()) for p in supernet.parameters() if p.grad is not None)
        network = derive(supernet, architecture)
        network(x).square().sum().backward()
        assert moved == sum(int((p.grad.abs() > 1e-5).sum()) for p in network.parameters() if p.grad is not None)


def test_derived_networks_train_copy_export_and_reload(case):
    supernet, x = case
    architecture = architectures(supernet, 1)[0]
    network = derive(supernet, architecture)
    if list(network.parameters()):
        network(x).square().sum().backward()
    network = copy.deepcopy(network).eval()
    assert torch.allclose(torch.export.export(network, (x,)).module()(x), network(x), atol=1e-6)
    again = derive(Supernet(type(supernet.module)(), example=x[:1]), architecture, weights="reset").eval()
    again.load_state_dict(network.state_dict())
    assert torch.equal(again(x), network(x))


def test_derived_networks_compile_whole(case):
    supernet, x = case
    network = derive(supernet, architectures(supernet, 1)[0])
    compiled = torch.compile(copy.deepcopy(network), backend="aot_eager", fullgraph=True)
    assert torch.allclose(compiled(x), network(x), atol=1e-5)
    if list(network.parameters()):
        compiled(x).square().sum().backward()


def test_a_supernet_on_the_meta_device_derives_a_real_network(case):
    supernet, x = case
    architecture = architectures(supernet, 1)[0]
    with torch.device("meta"):
        empty = Supernet(type(supernet.module)(), example=x[:1])
    network = derive(empty, architecture, weights="reset").eval()
    assert network(x).shape == derive(supernet, architecture)(x).shape
    assert all(torch.isfinite(each).all() for each in [*network.parameters(), *network.buffers()])


def test_activation_checkpointing_gives_the_plain_gradients(case):
    supernet, x = case
    supernet.eval()
    for architecture in architectures(supernet, 4):
        gradients = []
        for run in (supernet, lambda x: checkpoint(supernet, x, use_reentrant=False)):
            supernet.zero_grad()
            leaf = x.clone().requires_grad_()
            with supernet.active(architecture):
                run(leaf).square().sum().backward()
            gradients.append([leaf.grad, *(p.grad for p in supernet.parameters())])
        assert all((a is None and b is None) or torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_a_recomputation_outside_raises(case):
    supernet, x = case
    with supernet.active(architectures(supernet, 1)[0]):
        loss = checkpoint(supernet, x.requires_grad_(), use_reentrant=False).square().sum()
    with pytest.raises(RuntimeError, match="no architecture is active"):
        loss.backward()


def test_a_recomputation_under_another_architecture_raises(case):
    supernet, x = case
    first, *others = architectures(supernet)
    x.requires_grad_()
    for other in [each for each in others if each != first]:
        with supernet.active(first):
            loss = checkpoint(supernet, x, use_reentrant=False).square().sum()
        with supernet.active(other), pytest.raises(torch.utils.checkpoint.CheckpointError):
            loss.backward()


def test_alternatives_that_look_alike_do_not_hide_from_the_check():
    supernet = Supernet(nn.Sequential(LayerChoice({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)})))
    x = torch.randn(2, 4, requires_grad=True)
    with supernet.active({"0": "a"}):
        loss = checkpoint(supernet, x, use_reentrant=False).sum()
    with supernet.active({"0": "b"}), pytest.raises(torch.utils.checkpoint.CheckpointError):
        loss.backward()


@dataclass
class Outputs:
    hidden: torch.Tensor


class Named(nn.Linear):
    """Puts its output into some structure."""

    def __init__(self, kind):
        super().__init__(4, 4)
        self.kind = kind

    def forward(self, x):
        return self.kind(hidden=super().forward(x))


@pytest.mark.parametrize("kind", [dict, OrderedDict, Outputs, namedtuple("Pair", "hidden")])
def test_neither_do_they_in_outputs_of_any_structure(kind):
    supernet = Supernet(LayerChoice({"a": Named(kind), "b": Named(kind)}, label="op"))
    x = torch.randn(2, 4, requires_grad=True)
    for other, raising in (("a", nullcontext()), ("b", pytest.raises(torch.utils.checkpoint.CheckpointError))):
        with supernet.active({"op": "a"}):
            outputs = checkpoint(supernet, x, use_reentrant=False)
        assert type(outputs) is kind
        (hidden,) = outputs.values() if isinstance(outputs, dict) else (outputs.hidden,)
        with supernet.active({"op": other}), raising:
            hidden.sum().backward()


def test_a_copy_is_independent(case):
    supernet, x = case
    architecture = architectures(supernet, 1)[0]
    supernet.eval()
    supernet.cost(architecture)
    twin = copy.deepcopy(supernet)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1.0)
    with supernet.active(architecture), pytest.raises(RuntimeError, match="no architecture is active"):
        twin(x)
    assert twin.cost(architecture) == supernet.cost(architecture)
