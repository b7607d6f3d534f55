"""Choices that do not run are noticed, and layers that would not run them do."""

import copy
import warnings

import pytest
import torch
from torch import nn

from asng_torch import LayerChoice, Supernet, ValueChoice, count, derive
from asng_torch.spaces import cae


def encoder_layer(batch_first=True):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first)
    layer.activation = LayerChoice({"relu": nn.ReLU(), "gelu": nn.GELU(), "tanh": nn.Tanh()}, label="activation")
    layer.linear1 = LayerChoice({"wide": nn.Linear(8, 16), "biasless": nn.Linear(8, 16, bias=False)}, label="linear")
    return layer


@pytest.mark.parametrize("make", [
    encoder_layer, lambda: nn.TransformerEncoder(encoder_layer(), 2), lambda: encoder_layer(False),
    lambda: nn.Sequential(nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1),
                          encoder_layer())])
def test_encoder_layers_run_their_choices_where_they_have_a_fused_path(make):
    supernet, x = Supernet(make(), example=torch.ones(1, 5, 8)), torch.randn(2, 5, 8)
    architectures = [{"activation": name, "linear": "wide"} for name in ("relu", "gelu", "tanh")]
    losses = supernet.losses([*architectures, {"activation": "relu", "linear": "biasless"}],
                             lambda net: net(x)[0, 0, 0])
    assert len(set(losses)) == 4
    for architecture, loss in zip(architectures, losses, strict=False):
        network = derive(supernet, architecture).eval()
        with torch.no_grad():
            assert float(network(x)[0, 0, 0]) == pytest.approx(loss, rel=1e-4)
        assert supernet.cost(architecture) == count(network, torch.ones(1, 5, 8))


def test_padding_reaches_encoder_layers_with_choices():
    first = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder = nn.TransformerEncoder(first, 2)
    encoder.layers[1] = encoder_layer()
    supernet, x = Supernet(encoder).eval(), torch.randn(2, 5, 8)
    mask = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    with supernet.active({"activation": "tanh", "linear": "wide"}), torch.no_grad():
        fused = supernet(x, src_key_padding_mask=mask)
        assert fused.shape == x.shape
    slow = derive(supernet, {"activation": "tanh", "linear": "wide"})(x, src_key_padding_mask=mask)
    assert torch.allclose(fused[0], slow[0], atol=1e-6)


class Skipping(nn.Module):
    """An auxiliary head in training mode alone."""

    def __init__(self):
        super().__init__()
        self.body, self.head = LayerChoice({"a": nn.Linear(3, 3), "b": nn.Identity()}), nn.Linear(3, 2)
        self.head.activation = LayerChoice({"relu": nn.ReLU(), "tanh": nn.Tanh()})

    def forward(self, x):
        x = self.body(x)
        return self.head.activation(self.head(x)) if self.training else self.head(x)


def test_a_choice_that_does_not_run_is_named_once_with_the_architecture_and_a_reason():
    supernet, x = Supernet(Skipping()), torch.randn(2, 3)
    architectures = [{"body": "a", "head.activation": name} for name in ("relu", "tanh")]
    message = (r"variable 'head.activation' is active in {'body': 'a', 'head.activation': 'relu'}, but no choice of it "
               r"ran .* one loss. Likely Linear at 'head', which holds it, calls it in training mode alone")
    with pytest.warns(UserWarning, match=message) as told:
        losses = supernet.losses(architectures, lambda net: net(x).sum())
    assert len(told) == 1
    assert losses[0] == losses[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        supernet.losses(architectures, lambda net: net(x).sum())  # told before
        copy.deepcopy(supernet).losses(architectures, lambda net: net(x).sum())
        Supernet(Skipping()).losses(architectures, lambda net: 0.0)  # nothing ran at all
        with supernet.active(architectures[0]):
            supernet.train()(x)


def test_what_is_inactive_need_not_run():
    inner = LayerChoice({"relu": nn.ReLU(), "tanh": nn.Tanh()}, label="inner")
    supernet = Supernet(LayerChoice({"a": nn.Sequential(nn.Linear(3, 3), inner), "b": nn.Identity()}, label="outer"))
    supernet.losses([{"outer": "b"}, {"outer": "a", "inner": "relu"}], lambda net: net(torch.ones(1, 3)).sum())


def test_a_published_encoding_with_nodes_that_nothing_reads_is_searched_without_a_word():
    supernet = Supernet(cae.network(3, channels=(4,), side=8, nodes=4))
    architecture = {name: variable.choices[0] for name, variable in supernet.space.variables.items()}
    supernet.losses([architecture], lambda net: net(torch.ones(1, 3, 8, 8)).mean())


class Called(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.scale = nn.Linear(3, 3), ValueChoice([1.0, 2.0])

    def forward(self, x):
        return self.layer(x) * self.scale()


def test_a_compiled_supernet_runs_its_choices():
    supernet = Supernet(Called())
    supernet.compile(backend="eager")
    losses = supernet.losses([{"scale": 1.0}, {"scale": 2.0}], lambda net: net(torch.ones(1, 3)).sum())
    assert losses[1] == pytest.approx(2 * losses[0])
