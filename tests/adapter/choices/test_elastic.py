"""Elastic layers: trained ones converted, attributes that follow, channels sorted, what cannot follow said at once."""

import copy

import pytest
import torch
from choices_networks import NETWORKS, Convolutions, Foreign, Joined, Transformer, Widths
from torch import nn

from asng_core import ASNG
from asng_torch import InputChoice, LayerChoice, Repeat, Supernet, WidthChoice, count, derive, elastic, sort_channels

LAYERS = {  # plain layer, width to choose from, an input
    "Linear": (lambda: nn.Linear(6, 8), [4, 8], (3, 6)),
    "Embedding": (lambda: nn.Embedding(5, 8, padding_idx=1), [4, 8], None),
    "Conv1d": (lambda: nn.Conv1d(6, 8, 3, stride=2), [4, 8], (3, 6, 9)),
    "Conv2d": (lambda: nn.Conv2d(6, 8, 3, padding="same", bias=False), [4, 8], (3, 6, 5, 5)),
    "Conv3d": (lambda: nn.Conv3d(6, 8, 2), [4, 8], (3, 6, 3, 3, 3)),
    "depthwise": (lambda: nn.Conv2d(6, 12, 3, groups=6), None, (3, 6, 5, 5)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(6, 8, 3, stride=2, output_padding=1), [4, 8], (3, 6, 5)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(6, 8, 2, bias=False), [4, 8], (3, 6, 4, 4)),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(6, 9, 2, groups=3), None, (3, 6, 2, 2, 2)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(6), None, (3, 6)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(6, affine=False), None, (3, 6, 2, 2)),
    "BatchNorm3d": (lambda: nn.BatchNorm3d(6, momentum=None), None, (3, 6, 2, 2, 2)),
    "LayerNorm": (lambda: nn.LayerNorm(6, bias=False), None, (3, 6)),
    "RMSNorm": (lambda: nn.RMSNorm(6), None, (3, 6)),
    "GroupNorm": (lambda: nn.GroupNorm(3, 6), None, (3, 6, 4)),
    "PReLU": (lambda: nn.PReLU(6), None, (3, 6, 4)),
    "one slope": (lambda: nn.PReLU(), None, (3, 6, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_converted_layer_is_the_same_layer_with_the_same_function(name):
    make, widths, shape = LAYERS[name]
    layer, x = make(), torch.tensor([[0, 1], [4, 2]]) if shape is None else torch.randn(shape)
    parameters, expected = list(layer.parameters()), copy.deepcopy(layer)(x)
    choice = widths and WidthChoice(widths)
    assert elastic.convert(layer, choice) is layer
    assert type(layer) is getattr(elastic, type(make()).__name__)
    assert [id(each) for each in layer.parameters()] == [id(each) for each in parameters]
    if choice:
        choice.active = 1
        assert torch.equal(layer(x), expected)
        choice.active = 0
        layer.received = layer.incoming(x)
        assert torch.equal(layer.derived()(x), layer(x))
        assert type(layer.derived()) is type(make())
    else:
        assert torch.equal(layer(x), expected)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_converted_attention_is_pytorchs(batch_first, bias):
    plain = nn.MultiheadAttention(8, 4, bias=bias, batch_first=batch_first).eval()
    number = WidthChoice([1, 2, 4])
    ours = elastic.convert(copy.deepcopy(plain), number)
    number.active = 2
    x, memory = torch.randn(4, 4, 8), torch.randn(4, 4, 8)
    causal, padding = torch.ones(4, 4, dtype=torch.bool).triu(1), torch.tensor([[False] * 3 + [True]] * 4)
    for inputs, arguments in [
        ((x, x, x), {}), ((x, memory, memory), {"need_weights": False}), ((x[0], x[0], x[0]), {}),
        ((x[0], x[0], x[0]), {"need_weights": False}),
        ((x, x, x), {"attn_mask": causal, "is_causal": True, "need_weights": False}),
        ((x, x, x), {"attn_mask": torch.randn(16, 4, 4), "average_attn_weights": False}),
        ((x, x, x), {"key_padding_mask": padding.float() * -9, "attn_mask": torch.randn(4, 4)}),
        ((x, x, x), {"key_padding_mask": padding, "attn_mask": causal})]:
        for got, expected in zip(ours(*inputs, **arguments), plain(*inputs, **arguments), strict=True):
            assert (got is None and expected is None) or torch.allclose(got, expected, atol=1e-6)
    with pytest.raises(ValueError, match=r"is a hint about attn_mask and needs it"):
        ours(x, x, x, is_causal=True)


@pytest.mark.parametrize("training", [True, False])
def test_pytorchs_encoder_layers_run_with_elastic_attention(training):
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, norm_first=training)
    plain, x = copy.deepcopy(layer).train(training), torch.randn(2, 5, 8)
    elastic.convert(layer)
    elastic.convert(layer.self_attn, WidthChoice([1, 2]))
    elastic.convert(layer.linear1, WidthChoice([4, 16]))
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    encoder.layers = Repeat(encoder.layers)
    supernet = Supernet(encoder, example=x).train(training)
    with torch.no_grad(), supernet.active(supernet.space.decode([1] * len(supernet.space))):
        assert torch.allclose(supernet(x), plain(plain(x)), atol=1e-6)
    for architecture in ASNG(supernet.space, seed=0).sample(4):
        network = derive(supernet, architecture)
        with torch.no_grad(), supernet.active(architecture):
            assert torch.allclose(supernet(x), network(x), atol=1e-6)
        assert supernet.cost(architecture) == count(network, x)


def test_a_fused_encoder_layer_is_counted_like_one_that_trains():
    layer, x = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), torch.randn(2, 5, 16)
    expected = 2 * 5 * (4 * 16 * 16 + 2 * 16 * 32 + 2 * 5 * 16)  # projections, hidden layers, scores and their sums
    assert count(layer.train(), x).multiply_adds == count(layer.eval(), x).multiply_adds == expected
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_recurrent_layers_are_counted_by_their_gates(kind, gates):
    assert count(kind(8, 4, bidirectional=True), torch.randn(5, 2, 8)).multiply_adds == 2 * 5 * 2 * gates * 4 * (8 + 4)
    assert torch.backends.mkldnn.enabled == torch.backends.mkldnn.is_available()


def test_a_reset_draws_converted_layers_as_their_author_did():
    def factory():
        network = nn.Sequential(nn.Linear(40, 60), nn.LayerNorm(60), nn.MultiheadAttention(60, 4), nn.Linear(60, 40))
        for parameter in network[0].parameters():
            nn.init.normal_(parameter, 3.0, 0.1)
        elastic.convert(network)
        elastic.convert(network[0], WidthChoice([30, 60], label="width"))
        elastic.convert(network[2], WidthChoice([2, 4], label="heads"))
        return Chain(network)

    class Chain(nn.Module):
        def __init__(self, layers):
            super().__init__()
            self.layers = layers

        def forward(self, x):
            first, norm, attention, last = self.layers
            x = norm(first(x))
            return last(attention(x, x, x)[0])

    supernet = Supernet(factory(), example=torch.randn(3, 2, 40))
    networks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        networks.append(derive(supernet, {"width": 30, "heads": 2}, weights=factory).layers)
    first, again, other = networks
    assert first[0].weight.shape == (30, 40)
    assert abs(first[0].weight.mean() - 3) < 0.02
    assert torch.equal(first[0].weight, again[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)
    assert first[2].q.bias.shape == (30,)
    assert not first[2].q.bias.any()  # as nn.MultiheadAttention has it


def test_tied_weights_stay_tied_when_cut():
    supernet = Supernet(Transformer(), example=torch.randn(NETWORKS[Transformer]))
    for width in (4, 8):
        architecture = ASNG(supernet.space, seed=0).ask(fixed={"residual": width})
        network = derive(supernet, architecture)
        assert network.head.weight is network.positions.weight
        assert network.head.weight.shape == (4, width)


@pytest.mark.parametrize("kind", [Widths, Transformer, Convolutions, Joined, Foreign])
@pytest.mark.parametrize("importance", ["magnitude", "gradient"])
def test_sorting_channels_keeps_the_function_at_full_width_and_the_best_when_narrow(kind, importance):
    x = torch.randn(NETWORKS[kind])
    supernet = Supernet(kind(), example=x[:1]).eval()
    with torch.no_grad():
        for parameter in supernet.parameters():
            parameter.normal_()
    widths = [name for name, found in supernet.choices.items() if isinstance(found[0], WidthChoice)]
    every = [{**{name: found[0].widest for name, found in supernet.choices.items()}, **more} for more in
             ([{}] if kind is not Joined else [{"pick": code} for code in range(3)])]
    before = [run(supernet, codes, x) for codes in every]
    orders = sort_channels(supernet, lambda net: net(x), importance=importance)
    assert list(orders) == widths
    assert any(order != sorted(order) for order in orders.values())
    for codes, expected in zip(every, before, strict=True):
        assert torch.allclose(run(supernet, codes, x), expected, atol=1e-4 * expected.abs().max())
    again = sort_channels(supernet, lambda net: net(x), importance=importance)
    assert sum(order == sorted(order) for order in again.values()) >= len(again) - 1  # rounding may swap two


def run(supernet, codes, x):
    with torch.no_grad(), supernet.active_codes(codes):
        return supernet(x)


def test_sorting_puts_the_channels_first_that_the_function_needs():
    net = nn.Sequential(elastic.Linear(3, WidthChoice([2, 6], label="width")), nn.ReLU(), elastic.Linear(6, 2))
    with torch.no_grad():
        net[0].weight[[0, 1, 2, 4]] = net[0].bias[[0, 1, 2, 4]] = 0  # only two of them do anything
    x = torch.randn(5, 3)
    supernet = Supernet(net, example=x)
    full = run(supernet, {"width": 1}, x)
    assert not torch.allclose(run(supernet, {"width": 0}, x), full)
    assert set(sort_channels(supernet, lambda net: net(x))["width"][:2]) == {3, 5}
    assert torch.allclose(run(supernet, {"width": 0}, x), full, atol=1e-6)
    with pytest.raises(ValueError, match="must be 'magnitude' or 'gradient', got 'size'"):
        sort_channels(supernet, lambda net: net(x), importance="size")


def test_channels_whose_position_counts_stay_where_they_are():
    class Rotated(nn.Module):
        def __init__(self):
            super().__init__()
            self.up, self.down = elastic.Linear(3, WidthChoice([4, 8], label="width")), elastic.Linear(8, 2)

        def forward(self, x):
            x = self.up(x)
            return self.down(x * torch.arange(x.shape[-1]))

    supernet, x = Supernet(Rotated(), example=torch.randn(5, 3)), torch.randn(5, 3)
    before = copy.deepcopy(supernet.state_dict())
    assert sort_channels(supernet, lambda net: net(x)) == {}
    assert all(torch.equal(value, before[name]) for name, value in supernet.state_dict().items())


class Added(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.offset = elastic.Linear(4, WidthChoice([2, 8])), nn.Parameter(torch.zeros(8))
        self.fc2 = elastic.Linear(8, 4)

    def forward(self, x):
        return self.fc2(self.fc1(x) + self.offset)


class Residual(nn.Module):
    """Which all at their narrowest, and all at their widest, can add."""

    def __init__(self):
        super().__init__()
        self.first, self.second = elastic.Linear(4, WidthChoice([2, 8])), elastic.Linear(8, WidthChoice([2, 8]))

    def forward(self, x):
        x = self.first(x)
        return (x + self.second(x)).sum()


@pytest.mark.parametrize(("make", "message"), [
    (Residual, r"the Residual itself cannot follow the width 'first.width'.*Give widths that must agree one label"),
    (lambda: nn.Sequential(elastic.Linear(4, WidthChoice([2, 8])), nn.ReLU(), nn.Linear(8, 4)),
     r"Linear at '2' cannot follow the width '0.width' of elastic.Linear at '0'.*elastic.convert\(layer\)"),
    (lambda: nn.Sequential(elastic.Linear(4, WidthChoice([4, 8], label="a")), elastic.Linear(8, WidthChoice([2, 8])),
                           nn.Sequential(nn.LayerNorm(8), elastic.Linear(8, 2))),
     r"LayerNorm at '2.0' cannot follow the width '1.width' of elastic.Linear at '1'"),
    (Added, r"the Added itself cannot follow the width 'fc1.width' of elastic.Linear at 'fc1'.*elastic.follow\(module"),
    (lambda: nn.Sequential(LayerChoice({"a": elastic.Linear(4, WidthChoice([2, 8])), "b": nn.Linear(4, 8)}),
                           elastic.Linear(8, 2)),
     r"at '0': LayerChoice\(candidates\) must give outputs of one shape"),
    (lambda: nn.Sequential(elastic.Linear(4, WidthChoice([3, 8])), elastic.GroupNorm(4, 8)),
     r"Give the WidthChoice before it divisor=2"),
])
def test_a_layer_that_cannot_follow_is_named_when_the_supernet_is_built(make, message):
    x = torch.ones(2, 4)
    with pytest.raises(ValueError, match=message):
        Supernet(make(), example=x)
    supernet = Supernet(make())
    with supernet.active(supernet.space.decode([0] * len(supernet.space))), pytest.raises(ValueError, match=message):
        supernet(x)


def test_alternatives_may_have_widths_of_their_own():
    choice = LayerChoice({name: elastic.Linear(4, WidthChoice([2, 8])) for name in "ab"})
    supernet, x = Supernet(nn.Sequential(choice, elastic.Linear(8, 2)), example=torch.ones(2, 4)), torch.randn(2, 4)
    for architecture in ASNG(supernet.space, seed=0).sample(8):
        with supernet.active(architecture):
            assert torch.allclose(supernet(x), derive(supernet, architecture)(x), atol=1e-6)


def test_an_input_choice_that_is_not_told_its_widths_says_so():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.branches = nn.ModuleList(elastic.Linear(3, WidthChoice([2, 4])) for _ in range(2))
            self.pick = InputChoice(2, choose=2, reduce="concat")
            self.head = elastic.Linear(8, 2, after=self.pick)

        def forward(self, x):
            return self.head(self.pick([branch(x) for branch in self.branches]))

    with pytest.raises(ValueError, match=r"tell it the most of each: widths="):
        Supernet(Net(), example=torch.ones(1, 3))


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: elastic.follow(nn.Linear(4, 8), in_channels=WidthChoice([2, 4])), AttributeError, "which has none of"),
    (lambda: elastic.follow(nn.Linear(4, 8), in_features=WidthChoice([2, 8])), ValueError, "largest width, 8, got 4"),
    (lambda: elastic.follow(nn.Linear(8, 8), weight=WidthChoice([2, 8])), ValueError, r"but fits 2. Say which"),
    (lambda: elastic.follow(nn.Linear(4, 8), weight={1: WidthChoice([2, 8])}), ValueError, r"got 1 to at most 8"),
    (lambda: elastic.follow(nn.Linear(4, 8), bias=8), TypeError, "must be a WidthChoice, elastic.Heads, or a mapping"),
    (lambda: elastic.follow(nn.Linear(4, 8), training=WidthChoice([2, 8])), TypeError, "got bool"),
    (lambda: elastic.convert(nn.Linear(4, 8), WidthChoice([2, 4])), ValueError, "of at most 8, what the Linear gives"),
    (lambda: elastic.convert(nn.LayerNorm(4), WidthChoice([2, 4])), TypeError, "It follows what it receives"),
    (lambda: elastic.convert(nn.ReLU(), WidthChoice([2, 4])), TypeError, "must get a layer that has an elastic form"),
    (lambda: elastic.convert(nn.MultiheadAttention(8, 2), WidthChoice([4])), ValueError, "at most the 2 heads of 4"),
    (lambda: elastic.convert(nn.MultiheadAttention(8, 2, kdim=3), WidthChoice([2])), ValueError, "without kdim"),
    (lambda: elastic.Heads(2, 4), TypeError, "If neither is to be chosen, give the layer a number"),
    (lambda: elastic.MultiheadAttention(8, WidthChoice([3])), ValueError, "must be a multiple of num_heads, got 3"),
    (lambda: InputChoice(2, widths=(3, 4)), ValueError, "needs reduce='concat'"),
])
def test_bad_arguments_of_elastic_layers_say_what_to_do(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_what_follows_is_as_it_was_outside_of_an_architecture():
    layer, width = nn.Linear(4, 8), WidthChoice([2, 8], label="width")
    elastic.follow(layer, weight={0: width}, bias=width, out_features=width)
    weight = layer.weight
    assert layer.weight.shape == (8, 4)
    assert [*layer.state_dict()] == ["weight", "bias"]
    supernet = Supernet(nn.Sequential(layer, nn.Softmax(-1)), example=torch.ones(1, 4))
    with supernet.active({"width": 2}):
        assert layer.out_features == 2
        assert layer(torch.ones(1, 4)).shape == (1, 2)
    network = derive(supernet, {"width": 2})
    assert type(network[0]) is nn.Linear
    assert network[0].out_features == 2
    layer.weight = nn.Parameter(torch.zeros(8, 4))
    assert not torch.equal(layer.weight, weight)


def test_a_repeat_is_the_sequence_of_the_blocks_in_force():
    blocks = [nn.Linear(3, 3) for _ in range(3)]
    repeat = Repeat(blocks, label="depth")
    supernet = Supernet(nn.Sequential(repeat))
    for read in (len, list, lambda each: each[0]):
        with pytest.raises(RuntimeError, match="no architecture is active"):
            read(repeat)
    assert repeat
    with supernet.active({"depth": 2}):
        assert (len(repeat), list(repeat), repeat[-1], repeat[1:]) == (2, blocks[:2], blocks[1], [blocks[1]])
        with pytest.raises(IndexError, match=r"the 2 blocks in force, got 2\. .*minimum=3"):
            repeat[2]
    network = derive(supernet, {"depth": 2})[0]
    assert (len(network), isinstance(network, nn.Sequential)) == (2, True)


def test_a_layer_choice_has_the_attributes_that_all_candidates_share():
    choice = LayerChoice({"a": nn.Linear(3, 4), "b": nn.Linear(3, 4, bias=False), "c": nn.Bilinear(3, 2, 4)}, label="x")
    supernet = Supernet(nn.Sequential(choice))
    assert choice.out_features == 4
    with pytest.raises(AttributeError, match="no architecture is active"):
        _ = choice.weight
    assert not hasattr(choice, "in_features")
    with supernet.active({"x": "b"}):
        assert choice.weight is choice.candidates[1].weight
        assert choice.bias is None
    assert copy.deepcopy(choice).out_features == 4


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning")
@pytest.mark.parametrize("norm", [torch.nn.utils.parametrizations.weight_norm, torch.nn.utils.weight_norm])
def test_weight_norm_around_an_elastic_layer_stays_in_the_derived_one(norm):
    def make():
        return nn.Sequential(norm(elastic.Conv2d(3, WidthChoice([2, 6]), 3, padding=1)), nn.ReLU(),
                             norm(elastic.Conv2d(6, 4, 1)))

    supernet, x = Supernet(make(), example=torch.ones(1, 3, 5, 5)), torch.randn(2, 3, 5, 5)
    optimizer = torch.optim.SGD(supernet.parameters(), 0.5)
    for width in (6, 2):
        architecture = {"0.width": width}
        with supernet.active(architecture):
            supernet(x).square().sum().backward()
        optimizer.step()  # the norms move, and what was computed from them before is of the past
        optimizer.zero_grad()
        net = derive(supernet, architecture)
        with supernet.active(architecture):
            expected = supernet(x)
        assert torch.allclose(net(x), expected, atol=1e-6)
        names = {name.rpartition(".")[2] for name, _ in net.named_parameters()}
        assert names in ({"original0", "original1", "bias"}, {"weight_g", "weight_v", "bias"})
        assert supernet.cost(architecture) == count(net.eval(), x[:1])
        assert supernet.cost(architecture).parameters == sum(each.numel() for each in net.parameters())
        for weights in ("reset", make):
            fresh = derive(supernet, architecture, weights=weights)
            assert [each.shape for each in fresh.parameters()] == [each.shape for each in net.parameters()]
            assert fresh(x).shape == net(x).shape
            assert float(fresh[0].weight.detach().abs().max()) <= 1 / (3 * 9) ** 0.5 + 1e-6


@pytest.mark.parametrize("norm", [torch.nn.utils.parametrizations.spectral_norm, torch.nn.utils.spectral_norm])
def test_a_parametrization_of_the_whole_weight_is_refused_before_the_search(norm):
    with pytest.raises(ValueError, match=r"that a part of its weight can have too, .*SpectralNorm for 'weight'"):
        Supernet(nn.Sequential(norm(elastic.Linear(3, WidthChoice([2, 6]))), elastic.Linear(6, 2)))
