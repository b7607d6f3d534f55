"""Networks that nobody foresees: what holds of every derived network holds of theirs."""

import copy
import warnings
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize
from torch.utils import _pytree as pytree

from asng_core import ASNG
from asng_torch import InputChoice, LayerChoice, Repeat, Supernet, ValueChoice, WidthChoice, count, derive, elastic
from asng_torch.choices.searchable import Searchable


def op(width=6, label=None):
    return LayerChoice({"linear": nn.Linear(width, width), "deep": nn.Sequential(nn.Linear(width, 9), nn.Tanh(),
                                                                                  nn.Linear(9, width)),
                        "none": nn.Identity()}, label=label)


class Shared(nn.Module):
    """One module under two names, in two candidates, and called twice with other inputs."""

    def __init__(self):
        super().__init__()
        inner = op(label="inner")
        self.a = self.b = inner
        self.choice = LayerChoice({"wrapped": nn.Sequential(inner, nn.ReLU()), "own": nn.Linear(6, 6)})
        self.twice = nn.Linear(6, 6)

    def forward(self, x):
        return self.b(self.twice(self.choice(self.twice(self.a(x)))))


class Buffers(nn.Module):
    """A buffer in the state, one that is not, one that passes in training mode change, and tensors that are none."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.full((6,), 2.0))
        self.register_buffer("offset", torch.arange(6.0), persistent=False)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.op, self.table = op(), [torch.ones(6), {"more": torch.full((6,), 0.5)}]

    def forward(self, x):
        if self.training:
            self.steps += 1
        return self.op(x * self.scale + self.offset) * self.table[1]["more"]


class Skew(nn.Module):
    def forward(self, weight):
        return weight.triu() - weight.triu(1).transpose(0, 1)


class Parametrized(nn.Module):
    """Two parametrizations of one weight, one of a candidate, and one shared by two layers."""

    def __init__(self):
        super().__init__()
        first, second = nn.Linear(6, 6), parametrizations.weight_norm(nn.Linear(6, 6))
        parametrize.register_parametrization(first, "weight", Skew())
        parametrize.register_parametrization(first, "weight", nn.Identity())
        self.choice = LayerChoice({"skew": first, "normed": second, "spectral": parametrizations.spectral_norm(
            nn.Linear(6, 6))})
        self.last = nn.Linear(6, 6)
        shared = Skew()
        for layer in (self.last, second):
            parametrize.register_parametrization(layer, "bias", nn.Softplus())
        parametrize.register_parametrization(self.last, "weight", shared)

    def forward(self, x):
        return self.last(self.choice(x))


class Lists(nn.Module):
    """Parameters in a list and in a dict, of the network and of a candidate."""

    class Mixture(nn.Module):
        def __init__(self):
            super().__init__()
            self.weights = nn.ParameterList([nn.Parameter(torch.randn(6, 6)) for _ in range(2)])
            self.gates = nn.ParameterDict({"a": nn.Parameter(torch.ones(())), "b": nn.Parameter(torch.zeros(()))})

        def forward(self, x):
            return x @ self.weights[0] * self.gates["a"] + x @ self.weights[1] * self.gates["b"]

    def __init__(self):
        super().__init__()
        self.choice, self.scales = LayerChoice({"mixture": self.Mixture(), "plain": nn.Linear(6, 6)}), nn.ParameterList(
            [nn.Parameter(torch.ones(6)), nn.Parameter(torch.zeros(6), requires_grad=False)])

    def forward(self, x):
        return self.choice(x) * self.scales[0] + self.scales[1]


def doubled(module, args, output):
    return 2 * output


def shifted(module, args):
    return (args[0] + 1,)


class Hooked(nn.Module):
    """Hooks before and behind candidates, a choice, and a layer."""

    def __init__(self):
        super().__init__()
        self.choice, self.layer = op(), nn.Linear(6, 6)
        self.choice.candidates[0].register_forward_hook(doubled)
        self.choice.candidates[2].register_forward_pre_hook(shifted)
        self.layer.register_forward_hook(doubled)

    def forward(self, x):
        return self.layer(self.choice(x))


@dataclass
class Result:
    logits: torch.Tensor
    hidden: list
    name: str


pytree.register_dataclass(Result)


class Spoken(nn.Module):
    """Inputs of text, numbers and None; a dataclass comes out."""

    def __init__(self):
        super().__init__()
        self.op, self.gain = op(), ValueChoice({"one": 1.0, "two": 2.0})

    def forward(self, x, mode="sum", times=2, extra=None):
        for _ in range(times):
            x = self.op(x) * self.gain()
        return Result(x.sum(1) if mode == "sum" else x.mean(1), [x, x * 2], mode)


class InPlace(nn.Module):
    """Operations in place, before and behind choices, and a view that is written through."""

    def __init__(self):
        super().__init__()
        self.first, self.op = nn.Linear(6, 6), op()
        self.relu, self.pick = nn.ReLU(inplace=True), InputChoice(2)

    def forward(self, x):
        x = self.relu(self.op(self.first(x)))
        y = x.clone()
        y[:, :3] += 1
        y.view(-1)[0] = 0.0
        y = self.pick([x, y]).clone().unsqueeze_(1)
        return y.mul_(2).squeeze_(1)


class Tied(nn.Module):
    """An embedding that is the output's weight, a choice between, blocks that share their weights."""

    def __init__(self):
        super().__init__()
        self.embedding, self.op = nn.Embedding(11, 6), op()
        block = nn.Linear(6, 6)
        self.blocks = Repeat([nn.Sequential(block, nn.ReLU()), nn.Sequential(block, nn.Tanh())], label="depth")
        self.out = nn.Linear(6, 11, bias=False)
        self.out.weight = self.embedding.weight

    def forward(self, ids):
        return self.out(self.blocks(self.op(self.embedding(ids))))


class NestedSupernet(nn.Module):
    """Supernets in a network: one beside, one in a candidate."""

    def __init__(self):
        super().__init__()
        self.inner = Supernet(nn.Sequential(nn.Linear(6, 6), op()), example=torch.ones(1, 6))
        self.choice = LayerChoice({"net": Supernet(nn.Sequential(op())), "plain": nn.Linear(6, 6)})

    def forward(self, x):
        return self.choice(self.inner(x))


class Everything(nn.Module):
    """Elastic widths with a normalization, a gate without gradients, an early way out, and a lambda as an attribute."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = elastic.Linear(6, WidthChoice([4, 8], label="width")), nn.BatchNorm1d(6)
        self.back = elastic.Linear(8, 6)
        self.gate = nn.Parameter(torch.tensor(0.5), requires_grad=False)
        self.last = LayerChoice({"a": nn.Sequential(op(label="op"), nn.Dropout(0.5)), "b": nn.Softmax(1)})
        self.squash = torch.sigmoid

    def forward(self, x, stop=False):
        x = self.norm(x + self.gate * self.back(self.squash(self.stem(x))))
        return x if stop else self.last(x)


X = (torch.randn(5, 6),)
ODD = {Shared: X, Buffers: X, Parametrized: X, Lists: X, Hooked: X, Spoken: (*X, "mean", 3, None), InPlace: X,
       Tied: (torch.randint(11, (5, 3)),), NestedSupernet: X, Everything: X}


@pytest.fixture(params=list(ODD), ids=lambda kind: kind.__name__)
def case(request):
    inputs = tuple(each.clone() if isinstance(each, torch.Tensor) else each for each in ODD[request.param])
    return Supernet(request.param(), example=inputs), inputs


def architectures(supernet):
    return [dict(each) for each in ASNG(supernet.space, seed=1).sample(10)]


def equal(one, other):
    first, second = (pytree.tree_leaves(each) for each in (one, other))
    return len(first) == len(second) and all(
        torch.allclose(a, b, atol=1e-6) if isinstance(a, torch.Tensor) else a == b
        for a, b in zip(first, second, strict=True))


def run(net, inputs, seed=0):
    torch.manual_seed(seed)
    return net(*inputs)


def test_what_is_derived_is_the_active_path(case):
    supernet, inputs = case
    for architecture in architectures(supernet):
        for mode in (False, True):
            supernet.train(mode)
            network, twin = derive(supernet, architecture), copy.deepcopy(supernet)
            assert not any(isinstance(module, Searchable) for module in network.modules())
            with twin.active(architecture):
                for _ in range(2):  # what a pass has changed, the next one shows
                    assert equal(run(network, inputs), run(twin, inputs))


def test_the_cost_is_that_of_what_is_derived(case):
    supernet, inputs = case
    for architecture in architectures(supernet):
        network, cost = derive(supernet, architecture), supernet.cost(architecture)
        assert cost == count(network, *inputs)
        assert cost.parameters == sum(each.numel() for each in network.parameters())


def test_a_reset_draws_what_can_be_drawn_and_keeps_the_form(case):
    supernet, inputs = case
    kind = type(supernet.module)
    for architecture in architectures(supernet)[:4]:
        network = derive(supernet, architecture)
        for weights in ("reset", kind):
            torch.manual_seed(7)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                fresh = derive(supernet, architecture, weights=weights)
            assert {name: value.shape for name, value in fresh.state_dict().items()} == {
                name: value.shape for name, value in network.state_dict().items()}
            run(fresh, inputs)
            for name, parameter in fresh.named_parameters():
                old = network.get_parameter(name)
                if not parameter.requires_grad:
                    assert torch.equal(parameter, old)
                elif old.numel() > 1 and float(old.detach().std()) > 0 and weights is kind:
                    assert not torch.equal(parameter, old)


def test_states_load_and_copies_are_independent(case):
    supernet, inputs = case
    architecture = architectures(supernet)[0]
    other = Supernet(type(supernet.module)(), example=inputs)
    other.load_state_dict(supernet.state_dict())
    twin = copy.deepcopy(supernet)
    supernet.eval(), other.eval(), twin.eval()
    with supernet.active(architecture), other.active(architecture), twin.active(architecture):
        expected = run(supernet, inputs)
        assert equal(run(other, inputs), expected)
        assert equal(run(twin, inputs), expected)
    again = derive(other, architecture)
    again.load_state_dict(derive(supernet, architecture).state_dict())
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1.0)
    assert equal(run(again, inputs), expected)


def test_what_is_derived_exports(case):
    supernet, inputs = case
    for architecture in architectures(supernet)[:2]:
        network = derive(supernet, architecture).eval()
        exported = torch.export.export(network, inputs).module()
        assert equal(run(exported, inputs), run(network, inputs))


def test_a_supernet_goes_through_a_file(case, tmp_path):
    supernet, inputs = case
    if isinstance(supernet.module, Parametrized):
        pytest.skip("PyTorch saves the state of parametrized modules alone")
    architecture = architectures(supernet)[0]
    cost = supernet.cost(architecture)
    torch.save(supernet.eval(), tmp_path / "supernet.pt")
    loaded = torch.load(tmp_path / "supernet.pt", weights_only=False)
    with supernet.active(architecture), loaded.active(architecture):
        assert equal(run(loaded, inputs), run(supernet, inputs))
    assert loaded.cost(architecture) == cost
    assert equal(run(derive(loaded, architecture), inputs), run(derive(supernet, architecture), inputs))


def test_losses_leave_no_trace(case):
    supernet, inputs = case
    before = copy.deepcopy(supernet.state_dict())
    losses = supernet.losses(architectures(supernet)[:3], lambda net: pytree.tree_leaves(net(*inputs))[0].sum())
    assert len(losses) == 3
    assert all(torch.equal(value, before[name]) for name, value in supernet.state_dict().items())
