"""A reset: drawn as the author's constructor draws, with a factory exactly, without one as far as layers can."""

import copy
import math
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from asng_torch import LayerChoice, Supernet, ValueChoice, WidthChoice, derive, elastic
from asng_torch.spaces import mini_network

pytestmark = pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning")


class Lora(nn.Module):
    """A frozen base, A drawn, B zero; a token of its own without any rule to draw it."""

    def __init__(self, rank=16):
        super().__init__()
        self.base = nn.Linear(64, 64).requires_grad_(False)
        self.a, self.b = nn.Parameter(torch.randn(rank, 64) * 0.05), nn.Parameter(torch.zeros(64, rank))

    def forward(self, x):
        return self.base(x) + x @ self.a.T @ self.b.T


class Authored(nn.Module):
    """Weights that their author draws his own way, after the constructors of layers have drawn them theirs."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(200, 64)
        self.token = nn.Parameter(torch.randn(64) * 3 + 1)
        self.op = LayerChoice({"lora": Lora(), "linear": nn.Linear(64, 64)})
        self.classes = nn.Linear(64, 90)
        self.tied = nn.Linear(64, 200, bias=False)
        self.tied.weight = self.embedding.weight
        self.act = ValueChoice({"relu": torch.relu, "tanh": torch.tanh})
        nn.init.normal_(self.embedding.weight, std=0.02)
        nn.init.constant_(self.classes.bias, -4.6)

    def forward(self, ids):
        x = self.act()(self.op(self.embedding(ids) + self.token))
        return self.classes(x), self.tied(x)


def trained(supernet):
    """As after a search: every weight that can be trained has moved."""
    with torch.no_grad():
        for parameter in supernet.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 5 + 7)
    return supernet


def like(values, mean, deviation):
    """Within 5 standard errors, of the mean and of a deviation of anything between uniform and normal."""
    values, n = values.detach(), values.numel()
    return (abs(float(values.mean()) - mean) < 5 * deviation / math.sqrt(n)
            and abs(float(values.std()) - deviation) < 5 * deviation / math.sqrt(2 * n))


def fresh(supernet, architecture, weights, seed=5):
    torch.manual_seed(seed)
    return derive(supernet, architecture, weights=weights)


def test_a_factory_draws_as_the_author_does_and_leaves_frozen_weights_alone():
    supernet = Supernet(Authored())
    base = copy.deepcopy(supernet.module.op.candidates[0].base)
    net = fresh(trained(supernet), {"op": "lora", "act": "relu"}, Authored)
    assert like(net.embedding.weight, 0, 0.02)
    assert net.tied.weight is net.embedding.weight
    assert like(net.token, 1, 3)
    assert net.classes.bias.tolist() == [pytest.approx(-4.6)] * 90
    assert like(net.classes.weight, 0, 1 / 8 / math.sqrt(3))
    assert torch.equal(net.op.base.weight, base.weight)
    assert torch.equal(net.op.base.bias, base.bias)
    assert not net.op.base.weight.requires_grad
    assert like(net.op.a, 0, 0.05)
    assert net.op.b.count_nonzero() == 0
    assert not any(isinstance(each, LayerChoice) for each in net.modules())
    again, other = (fresh(supernet, {"op": "lora", "act": "relu"}, Authored, seed).state_dict() for seed in (5, 1))
    for name, value in net.state_dict().items():
        assert torch.equal(value, again[name])
        if name not in ("op.b", "classes.bias") and ".base." not in name:
            assert not torch.equal(value, other[name])


def test_the_generator_goes_on_as_after_the_constructor():
    supernet = Supernet(Authored())
    torch.manual_seed(3)
    expected = Authored()
    drawn = torch.rand(3)
    net = fresh(supernet, {"op": "linear", "act": "relu"}, Authored, 3)
    assert torch.equal(torch.rand(3), drawn)
    assert torch.equal(net.token, expected.token)
    assert torch.equal(net.op.weight, expected.op.candidates[1].weight)


def test_without_a_factory_frozen_and_constant_weights_stay_and_others_that_nothing_draws_are_as_built():
    supernet = Supernet(Authored())
    built = copy.deepcopy(supernet.module)
    with pytest.warns(UserWarning, match=r"draws 1 parameters .* 'embedding.weight' \(mean -?\S+, deviation 0.02\).*"
                                         r"derive\(..., weights=factory\)"):
        net = fresh(trained(supernet), {"op": "lora", "act": "relu"}, "reset")
    assert torch.equal(net.token, built.token)
    assert torch.equal(net.op.a, built.op.candidates[0].a)
    assert net.op.b.count_nonzero() == 0
    assert torch.equal(net.op.base.weight, built.op.candidates[0].base.weight)
    assert net.classes.bias.tolist() == [pytest.approx(-4.6)] * 90
    assert like(net.classes.weight, 0, 1 / 8 / math.sqrt(3))
    assert net.tied.weight is net.embedding.weight


def test_a_copy_of_a_supernet_is_reset_to_what_the_first_was_built_with():
    supernet = Supernet(Authored())
    built = supernet.module.token.detach().clone()
    twin = copy.deepcopy(trained(supernet))
    with pytest.warns(UserWarning, match="embedding"):
        assert torch.equal(derive(twin, {"op": "linear", "act": "relu"}, weights="reset").token, built)


WRAPPED = {
    "weight_norm": parametrizations.weight_norm, "spectral_norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal, "old weight_norm": nn.utils.weight_norm,
    "old spectral_norm": nn.utils.spectral_norm,
}


@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("how", ["reset", "factory"])
def test_weights_of_another_form_are_drawn_through_it(name, how):
    def make():
        return nn.Sequential(LayerChoice({"a": nn.Sequential(WRAPPED[name](nn.Linear(64, 64))), "b": nn.Tanh()}))

    supernet, x = Supernet(make()), torch.randn(5, 64)
    with supernet.active({"0": "a"}):
        supernet(x)  # old style leaves what it computed as an attribute
    inherited = derive(supernet.eval(), {"0": "a"})
    with supernet.active({"0": "a"}):
        assert torch.allclose(inherited(x), supernet(x), atol=1e-6)
    trained(supernet.train())
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        nets = [fresh(supernet, {"0": "a"}, make if how == "factory" else how, seed)[0][0].eval() for seed in (0, 0, 1)]
        plain = nn.Linear(64, 64, bias=False)
        expected = {"weight_norm": plain.weight, "orthogonal": torch.eye(64)}.get(name.removeprefix("old "))
        for net in nets:
            net(x)
            if expected is not None:
                assert float(net.weight.std()) == pytest.approx(float(expected.std()), rel=0.05)
            elif (name, how) == ("old spectral_norm", "factory"):  # normalized by the first steps of a training
                assert like(net.weight_orig, 0, 1 / 8 / math.sqrt(3))
            else:  # the largest singular value is 1
                assert torch.linalg.matrix_norm(net.weight, 2) == pytest.approx(1, rel=0.1)
        assert torch.equal(nets[0](x), nets[1](x))
        assert not torch.equal(nets[0](x), nets[2](x))


class LowRank(nn.Module):
    """A parametrization without an inverse, with weights of its own."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.randn(2, 8)), nn.Parameter(torch.zeros(8, 2))

    def forward(self, weight):
        return weight + self.b @ self.a


def test_a_parametrization_with_weights_of_its_own_begins_as_it_was_built():
    def make():
        layer = nn.Linear(8, 8)
        layer.weight.requires_grad_(False)
        parametrize.register_parametrization(layer, "weight", LowRank())
        return nn.Sequential(LayerChoice({"a": layer, "b": nn.Tanh()}))

    supernet = Supernet(make())
    before = copy.deepcopy(supernet.module[0].candidates[0])
    for weights in ("reset", make):
        net = fresh(trained(supernet), {"0": "a"}, weights)[0]
        originals = net.parametrizations.weight
        assert torch.equal(originals.original, before.parametrizations.weight.original)
        assert originals[0].b.count_nonzero() == 0
        assert not torch.equal(net.bias, supernet.module[0].candidates[0].bias)
        assert (weights == "reset") == torch.equal(originals[0].a, before.parametrizations.weight[0].a)


def test_a_frozen_normalization_keeps_its_statistics():
    def make():
        frozen = nn.BatchNorm1d(4).eval().requires_grad_(False)
        return nn.Sequential(nn.Linear(4, 4), frozen, LayerChoice({"a": nn.BatchNorm1d(4), "b": nn.Tanh()}))

    supernet = Supernet(make())
    for norm in (supernet.module[1], supernet.module[2].candidates[0]):
        norm.running_mean.fill_(5.0)
    for weights in ("reset", make):
        net = fresh(supernet, {"2": "a"}, weights)
        assert net[1].running_mean.tolist() == [5.0] * 4
        assert net[2].running_mean.tolist() == [0.0] * 4
        assert [each.training for each in net] == [True, False, True]


def test_lazy_layers_are_drawn_once_their_input_is_known():
    def make():
        return nn.Sequential(nn.LazyLinear(16), LayerChoice({"a": nn.LazyLinear(64), "b": nn.Linear(16, 64)}))

    supernet, x = Supernet(make()), torch.randn(5, 9)
    for name in "ab":
        with supernet.active({"1": name}):
            supernet(x)
    trained(supernet)
    for weights in ("reset", make):
        net = fresh(supernet, {"1": "a"}, weights)
        assert like(net[1].weight, 0, 1 / 4 / math.sqrt(3))
        assert net(x).shape == (5, 64)


class Elastic(nn.Module):
    """Convolutions of chosen width, one drawn by its author in his own way, one by its constructor."""

    def __init__(self):
        super().__init__()
        self.stem = elastic.Conv2d(3, WidthChoice([8, 128]), 3, padding=1)
        self.norm = elastic.BatchNorm2d(128)
        self.body = LayerChoice({"wide": elastic.Conv2d(128, 64, 3, padding=1), "narrow": elastic.Conv2d(128, 64, 1)})
        self.head = elastic.Linear(64, 10)
        nn.init.kaiming_normal_(self.stem.weight, mode="fan_out")
        nn.init.constant_(self.head.bias, -4.6)

    def forward(self, x):
        return self.head(self.body(self.norm(self.stem(x))).mean(dim=(2, 3)))


def test_elastic_layers_are_drawn_as_constructors_of_their_width_draw():
    supernet = trained(Supernet(Elastic(), example=torch.ones(1, 3, 8, 8)))
    architecture = {"stem.width": 8, "body": "wide"}
    net = fresh(supernet, architecture, Elastic)
    assert type(net.stem) is nn.Conv2d
    assert net.stem.weight.shape == (8, 3, 3, 3)
    assert like(net.stem.weight, 0, math.sqrt(2 / (8 * 9)))  # at full width the fan would be 128 * 9
    assert net.body.weight.shape == (64, 8, 3, 3)
    assert like(net.body.weight, 0, 1 / math.sqrt(8 * 9) / math.sqrt(3))
    assert net.head.bias.tolist() == [pytest.approx(-4.6)] * 10
    assert net.norm.running_mean.tolist() == [0.0] * 8
    again = fresh(supernet, architecture, Elastic).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in net.state_dict().items())
    assert not torch.equal(fresh(supernet, architecture, Elastic, 1).stem.weight, net.stem.weight)
    assert net(torch.randn(2, 3, 8, 8)).shape == (2, 10)
    assert fresh(supernet, architecture, "reset").head.bias.tolist() == [pytest.approx(-4.6)] * 10


def test_copies_of_an_elastic_layer_get_their_own_width():
    class Copies(nn.Module):
        def __init__(self):
            super().__init__()
            first = elastic.Linear(6, WidthChoice([2, 6]))
            self.layers = nn.ModuleList(copy.deepcopy(first) for _ in range(3))

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    supernet = trained(Supernet(Copies(), example=torch.ones(1, 6)))
    net = fresh(supernet, {"layers.0.width": 2, "layers.1.width": 6, "layers.2.width": 2}, Copies)
    assert [layer.weight.shape for layer in net.layers] == [(2, 6), (6, 2), (2, 6)]
    assert all(layer.weight.abs().max() < 1 for layer in net.layers)
    assert net(torch.randn(3, 6)).shape == (3, 2)


@pytest.mark.parametrize(("factory", "error", "message"), [
    (lambda supernet: lambda: None, TypeError, "must be a function that builds the module .* returns NoneType"),
    (lambda supernet: lambda: supernet.module, ValueError, "builds a new module, got one that returns parameters of"),
    (lambda supernet: lambda: nn.Sequential(LayerChoice({"a": nn.ReLU()})), ValueError, r"choices \['0'\] differ"),
    (lambda supernet: "fresh", ValueError, "must be 'inherit', 'reset' or a function that builds the module, got 'fr"),
])
def test_what_is_no_factory_of_the_module_is_refused(factory, error, message):
    supernet = Supernet(nn.Sequential(LayerChoice({"a": nn.Linear(2, 2), "b": nn.ReLU()})))
    with pytest.raises(error, match=message):
        derive(supernet, {"0": "a"}, weights=factory(supernet))


class OwnBuffer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("steps", torch.arange(3))

    def forward(self, x):
        return x * self.steps


def test_what_has_no_content_on_the_meta_device_and_no_rule_is_named():
    for part, name in ((Lora, "'0.a'"), (OwnBuffer, "'0.steps'")):
        with torch.device("meta"):
            supernet = Supernet(nn.Sequential(LayerChoice({"a": part(), "b": nn.Identity()})))
        with pytest.raises(TypeError, match=f"needs {part.__name__}, whose {name} has no content there"):
            derive(supernet, {"0": "a"}, weights="reset")


def test_what_is_tied_on_the_meta_device_stays_tied():
    with torch.device("meta"):
        net = nn.Sequential(nn.Linear(3, 3), LayerChoice({"a": nn.Linear(3, 3), "b": nn.ReLU()}))
        net[1].candidates[0].weight = net[0].weight
        supernet = Supernet(net)
    derived = derive(supernet, {"1": "a"}, weights="reset")
    assert derived[0].weight is derived[1].weight


def test_layers_that_draw_for_themselves_are_reset_without_a_word():
    supernet = trained(Supernet(mini_network()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fresh(supernet, dict.fromkeys(supernet.space.names, "convolution 3x3"), "reset")
    assert not supernet.built.copies
