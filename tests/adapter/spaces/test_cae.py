import math

import numpy as np
import pytest
import torch
from torch import nn

from asng_core import Integer, MeanStd, Space
from asng_torch import Choice, Supernet, count, derive
from asng_torch.data import Inpainting, TensorLoader, images, padded
from asng_torch.spaces import SPACES
from asng_torch.spaces.cae import Autoencoder, final, network, optimizer
from asng_torch.train.metrics import evaluate_inpainting

ENCODINGS = ["categorical", "integer"]
SMALL = {"channels": (4, 6), "side": 16}


def small(encoding, **arguments):
    return Supernet(network(1, encoding=encoding, **{**SMALL, **arguments}), example=torch.zeros(1, 1, 16, 16))


def on_path(path, n=20, **values):
    """A categorical architecture through these nodes; `values` by the kind of variable."""
    read = dict(zip(path, ["image", *(f"node{node}" for node in path)], strict=False))
    default = {"operation": "conv_3x3", "channels": 4, **values}
    architecture = {f"node{node}_{kind}": value for node in range(n) for kind, value in default.items()}
    inputs = {f"node{node}_input": read.get(node, "image" if node < 5 else f"node{node - 1}") for node in range(n)}
    return {**architecture, **inputs, "output_input": f"node{path[-1]}"}


@pytest.mark.parametrize(("encoding", "several", "n_theta"), [("categorical", 60, 214), ("integer", 80, 94 + 80)])
def test_the_published_counts(encoding, several, n_theta):
    space = SPACES[f"cae_{encoding}"]
    with torch.device("meta"):
        supernet = Supernet(space.network(3, 0, **space.presets["published"].network))
    asng = space.presets["published"].search.optimizer(supernet.space, population_size=2, seed=0)
    assert (supernet.space.sizes != 1).sum() == several
    assert supernet.space.conditions is None
    assert asng.state_dict()["step_size"]["s"].shape == (n_theta,)
    categorical = sum(variable.size - 1 for variable in supernet.space.variables.values() if not variable.ordered)
    assert categorical == {"categorical": 214, "integer": 94}[encoding]
    inputs = [supernet.space.variables[f"node{node}_input"].size for node in range(20)]
    assert inputs == [1, 2, 3, 4, *[5] * 16]
    assert supernet.space.variables["output_input"].choices == ("node15", "node16", "node17", "node18", "node19")
    weights = 20 * 2 * (1 + 9 + 25) * 2 * 256 * 256  # of every node, kernel and skip, there and back
    assert sum(parameter.numel() for parameter in supernet.parameters()) == weights + 256 * 9 * 3 + 3


def test_gaussians_start_at_half_the_range_and_stop_at_a_quarter_of_a_step():
    asng = optimizer(Space({"channels": Integer(8, 32), "kernel": Integer(1, 3)}), population_size=2, seed=0)
    assert asng.distribution() == {"channels": MeanStd(20, 12), "kernel": MeanStd(2, 1)}
    for _ in range(1000):
        batch = asng.ask(2, mirrored=True)
        asng.tell(batch, [abs(point["channels"] - 25) + abs(point["kernel"] - 3) for point in batch])
    spread = [marginal.std for marginal in asng.distribution().values()]
    assert min(spread) >= 0.25
    assert max(spread) < 1
    assert asng.mode() == {"channels": 25, "kernel": 3}


def test_integers_are_drawn_in_mirrored_pairs():
    supernet = small("integer", channels=(4, 64))
    asng = optimizer(supernet.space, population_size=2, seed=0)
    ordered = [name for name, variable in supernet.space.variables.items() if isinstance(variable, Integer)]
    assert len(ordered) == 40
    for batch in (asng.ask(2, mirrored=True), asng.sample(2, mirrored=True)):
        first, second = batch
        for name in ordered:
            low, high = supernet.space.variables[name].low, supernet.space.variables[name].high
            assert first[name] + second[name] == pytest.approx(low + high, abs=1)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_derived_network_equals_the_active_path_and_costs_what_was_said(encoding):
    supernet = small(encoding)
    x = torch.rand(2, 1, 16, 16)
    depths = set()
    for architecture in optimizer(supernet.space, seed=1).sample(40):
        derived = derive(supernet, architecture)
        assert isinstance(derived, Autoencoder)
        assert not any(isinstance(module, Choice) for module in derived.modules())
        with supernet.active(architecture):
            before = supernet(x)
        assert torch.allclose(derived(x), before, atol=1e-6)
        assert count(derived, x[:1]) == supernet.cost(architecture)
        assert derived(x).shape == x.shape
        depths.add(len(derived.skips))
        for parameter in derived.parameters():
            parameter.data.zero_()  # nothing is shared
        with supernet.active(architecture):
            assert torch.equal(supernet(x), before)
        assert len(derived.state_dict()) == len(list(derived.parameters())) == 2 * len(derived.skips) + 2
    assert len(depths) > 3


def test_the_active_nodes_are_those_from_the_output_back_to_the_image():
    supernet = small("categorical")
    with supernet.active(on_path([1, 4, 9, 14, 19])):
        assert supernet.module.path() == [1, 4, 9, 14, 19]
        supernet(torch.rand(1, 1, 16, 16)).sum().backward()
    trained = {name.split(".")[2] for name, parameter in supernet.named_parameters()
               if parameter.grad is not None and ".layers." in name}
    assert trained == {"1", "4", "9", "14"}  # four halvings of 16: the fifth is left out


def test_nodes_without_skip_are_left_out_at_one_pixel_and_those_with_a_skip_stay():
    supernet = small("categorical")
    path = [0, 2, 4, 6, 8, 10, 12, 15]
    architecture = on_path(path) | {"node8_operation": "conv_3x3_skip", "node12_operation": "conv_5x5_skip"}
    derived = derive(supernet, architecture)
    assert derived.skips == (False, False, False, False, True, True)
    assert [layer.kernel_size[0] for layer in derived.encoder] == [3, 3, 3, 3, 3, 5]
    smaller = Supernet(network(1, encoding="categorical", channels=(4, 6), side=8))
    assert derive(smaller, architecture).skips == (False, False, False, True, True)


def test_a_skip_is_added_before_the_relu_of_the_mirror_image():
    derived = derive(small("categorical"), on_path([0, 5, 10, 15], operation="conv_3x3_skip")
                     | {"node5_operation": "conv_1x1", "node5_channels": 6})
    x = torch.randn(2, 1, 16, 16)
    e0, e1, e2, e3 = derived.encoder
    d0, d1, d2, d3 = derived.decoder
    a = e0(x).relu()
    b = e1(a).relu()
    c = e2(b).relu()
    d = e3(c).relu()
    y = (d3(d) + d).relu()
    y = (d2(y) + c).relu()
    y = d1(y).relu()
    y = (d0(y) + a).relu()
    assert torch.allclose(derived(x), derived.output(y))
    assert (d1.in_channels, d1.out_channels, d1.stride, d1.output_padding) == (4, 6, (2, 2), (1, 1))


def test_narrow_layers_are_the_first_channels_of_the_widest():
    supernet = small("integer", channels=(3, 7))
    architecture = {name: variable.decode(variable.size - 1) for name, variable in supernet.space.variables.items()}
    architecture |= {"node19_channels": 5, "node19_kernel": 2, "output_input": "node19", "node18_channels": 3}
    derived, layers = derive(supernet, architecture), supernet.module.layers[19]["conv_3x3_skip"]
    assert torch.equal(derived.encoder[-1].weight, layers[0].weight[:5, :3])
    assert torch.equal(derived.decoder[-1].weight, layers[1].weight[:5, :5])
    assert torch.equal(derived.decoder[-2].weight, supernet.module.layers[18]["conv_5x5_skip"][1].weight[:5, :3])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_space_searches_derives_and_retrains(encoding):
    space = SPACES[f"cae_{encoding}"]
    preset = space.presets["small"]
    assert preset.side == preset.network["side"] == 32
    data = images("fashion-mnist")
    pixels = padded(data.train_images[:64], 32)
    loaders = [Inpainting(TensorLoader(half, torch.zeros(len(half)), 16, augment=preset.retrain.augment))
               for half in pixels.chunk(2)]
    supernet = Supernet(space.network(1, 10, **preset.network))
    asng = preset.search.optimizer(supernet.space, population_size=2, seed=0)
    weights = torch.optim.SGD(supernet.parameters(), preset.search.learning_rate, momentum=0.9)
    before = asng.state_dict()["theta"]
    for (x, y), (x_valid, y_valid) in zip(*loaders, strict=True):
        for architecture in asng.sample(2, mirrored=preset.search.mirrored):
            with supernet.active(architecture):
                nn.functional.mse_loss(supernet(x), y).backward()
        weights.step()
        weights.zero_grad()
        batch = asng.ask(2, mirrored=preset.search.mirrored)
        asng.tell(batch, supernet.losses(batch, lambda net, x=x_valid, y=y_valid: nn.functional.mse_loss(net(x), y)))
    assert not np.array_equal(asng.state_dict()["theta"], before)

    trained = space.final(asng.mode(), 1, 10, **preset.final)
    assert count(trained, torch.zeros(1, 1, 32, 32)) == supernet.cost(asng.mode())
    weights = torch.optim.Adam(trained.parameters(), preset.retrain.learning_rate)
    losses = []
    for _ in range(10):
        for x, y in loaders[0]:
            loss = nn.functional.mse_loss(trained(x), y)
            loss.backward()
            weights.step()
            weights.zero_grad()
            losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    found = evaluate_inpainting(trained, loaders[1])
    assert all(math.isfinite(value) for value in found.values())
    x = torch.rand(2, 1, 32, 32)
    assert torch.allclose(torch.export.export(trained.eval(), (x,)).module()(x), trained(x), atol=1e-6)


def test_fresh_networks_keep_the_size_of_the_signal_and_repeat():
    architecture = on_path([0, 1, 2, 4, 6, 7, 9, 10, 12, 13, 15], channels=32)
    networks = []
    for _ in range(2):
        torch.manual_seed(3)
        networks.append(final(architecture, 1, channels=(16, 32), side=32))
    x = torch.rand(4, 1, 32, 32)
    assert torch.equal(networks[0](x), networks[1](x))
    assert 0.05 < networks[0](x).std() < 5


@pytest.mark.parametrize(("arguments", "message"), [
    ({"side": 28}, "must be a power of two, so that maps halve cleanly down to one pixel, got 28. Pad the images"),
    ({"encoding": "binary"}, "must be 'categorical' or 'integer', got 'binary'"),
])
def test_bad_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        network(1, **{"encoding": "integer", **arguments})


def test_images_of_another_shape_are_explained():
    supernet = Supernet(network(1, encoding="categorical", **SMALL))
    with (supernet.active(on_path([0, 5, 10, 15])),
          pytest.raises(ValueError, match=r"built for images of .* = \(1, 16, 16\), got \(1, 28, 28\). Pad them")):
        supernet(torch.zeros(2, 1, 28, 28))


def test_recomputation_under_another_architecture_raises():
    from torch.utils.checkpoint import CheckpointError, checkpoint
    supernet, x = small("categorical"), torch.rand(2, 1, 16, 16, requires_grad=True)
    with supernet.active(on_path([0, 5, 10, 15])):
        loss = checkpoint(supernet, x, use_reentrant=False).sum()
    with supernet.active(on_path([0, 5, 10, 15], channels=6)), pytest.raises(CheckpointError):
        loss.backward()
