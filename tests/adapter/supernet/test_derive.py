import copy
import io
import itertools
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from asng_core import ASNG
from asng_torch import (
    Choice,
    LayerChoice,
    Repeat,
    Supernet,
    Switchable,
    ValueChoice,
    WidthChoice,
    derive,
    elastic,
)
from asng_torch.spaces import mini_network


def all_architectures(supernet):
    space = supernet.space
    codes = np.array(list(itertools.product(*(range(size) for size in space.sizes))))
    return space.decode(np.unique(space.masked(codes), axis=0))


def test_every_derived_network_equals_the_active_path(supernet):
    x = torch.randn(4, 1, 8, 8)
    for architecture in all_architectures(supernet):
        for mode in (True, False):
            supernet.train(mode)
            network = derive(supernet, architecture)
            assert not any(isinstance(module, Choice) for module in network.modules())
            if mode and architecture["body.2"] == "dropout":
                continue  # in training mode it is random
            twin = copy.deepcopy(supernet)  # whose running statistics may move
            with twin.active(architecture):
                assert torch.allclose(network(x), twin(x), atol=1e-6)


def test_the_mini_spaces_derived_network_equals_the_active_path_after_training():
    supernet, x = Supernet(mini_network()), torch.randn(8, 1, 28, 28)
    optimizer = torch.optim.SGD(supernet.parameters(), 0.1)
    architecture = dict(zip(supernet.space.names, ["convolution 3x3", "convolution 3x3", "max pool 3x3", "identity",
                                                   "average pool 3x3", "convolution 1x1"], strict=True))
    for _ in range(3):
        with supernet.active(architecture):
            supernet(x).square().mean().backward()
        optimizer.step()
    supernet.eval()
    network = derive(supernet, architecture)
    with supernet.active(architecture):
        assert torch.allclose(network(x), supernet(x), atol=1e-6)
        supernet(x).square().mean().backward()
    used = sum(p.numel() for p in supernet.parameters() if p.grad is not None)
    assert sum(p.numel() for p in network.parameters()) == used < sum(p.numel() for p in supernet.parameters())


def test_a_derived_network_shares_nothing_with_the_supernet(supernet):
    before = copy.deepcopy(supernet.state_dict())
    network = derive(supernet, all_architectures(supernet)[0])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    network.train()(torch.randn(4, 1, 8, 8))
    assert all(torch.equal(value, before[name]) for name, value in supernet.state_dict().items())


def test_modules_shared_in_the_supernet_stay_shared():
    layer = nn.Linear(3, 3)
    supernet = Supernet(nn.Sequential(LayerChoice({"a": layer, "b": nn.Identity()}), nn.ReLU(), layer))
    network = derive(supernet, {"0": "a"})
    assert network[0] is network[2]
    assert network[0] is not layer


def test_a_choice_shared_with_a_later_candidate_is_resolved_in_both_places():
    shared = LayerChoice({"x": nn.Linear(3, 3), "y": nn.Tanh()}, label="inner")
    supernet = Supernet(nn.Sequential(shared, LayerChoice({"a": nn.Sequential(shared, nn.ReLU()), "b": nn.Identity()},
                                                          label="outer")))
    for architecture in all_architectures(supernet):
        network, x = derive(supernet, architecture), torch.randn(2, 3)
        assert not any(isinstance(module, Choice) for module in network.modules())
        with supernet.active(architecture):
            assert torch.equal(network(x), supernet(x))


def test_the_root_may_itself_be_a_choice():
    network = derive(Supernet(LayerChoice({"a": nn.Linear(3, 3), "b": nn.Identity()}, label="root")), {"root": "a"})
    assert isinstance(network, nn.Linear)


def test_reset_draws_every_weight_anew_and_reproducibly(supernet):
    architecture = {"op": "conv 3.0", "body.2": "block", "act": "relu"}
    inherited = derive(supernet, architecture).state_dict()
    networks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        networks.append(derive(supernet, architecture, weights="reset").state_dict())
    for name, value in networks[0].items():
        assert torch.equal(value, networks[1][name])
        if value.dim() > 1:
            assert not torch.equal(value, networks[2][name])
            assert not torch.equal(value, inherited[name])


def test_attention_layers_are_reset_too():
    supernet = Supernet(nn.Sequential(LayerChoice({"a": nn.TransformerEncoderLayer(8, 2, 16), "b": nn.Identity()})))
    reset, inherited = (derive(supernet, {"0": "a"}, weights=weights)[0].self_attn for weights in ("reset", "inherit"))
    assert not torch.equal(reset.in_proj_weight, inherited.in_proj_weight)


def test_bad_arguments_are_explained(supernet):
    with pytest.raises(ValueError, match="variable 'op' must be one of"):
        derive(supernet, all_architectures(supernet)[0] | {"op": "none"})


def test_a_derived_network_trains_exports_and_reloads_in_a_new_process(tmp_path):
    from safetensors.torch import save_file
    supernet = Supernet(mini_network())
    architecture = dict.fromkeys(supernet.space.names, "convolution 3x3")
    network, x = derive(supernet, architecture), torch.randn(2, 1, 28, 28)
    network(x).sum().backward()
    network.eval()
    assert torch.allclose(torch.export.export(network, (x,)).module()(x), network(x), atol=1e-6)
    save_file(network.state_dict(), tmp_path / "net.safetensors")
    save_file({"x": x, "y": network(x).detach()}, tmp_path / "data.safetensors")
    code = f"""
import torch
from safetensors.torch import load_file
from asng_torch import Supernet, derive
from asng_torch.spaces import mini_network
net = derive(Supernet(mini_network()), {architecture!r}, weights="reset")
net.load_state_dict(load_file({str(tmp_path / "net.safetensors")!r}))
data = load_file({str(tmp_path / "data.safetensors")!r})
assert torch.allclose(net.eval()(data["x"]), data["y"], atol=1e-6)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def added(module, args, output):
    return output + 1


def tripled(module, args):
    return (3 * args[0], *args[1:])


def halved(module, args, kwargs, output):
    return output / (2 if not kwargs else 1)


HOOKED = {
    "a choice": lambda: LayerChoice({"a": nn.Linear(4, 4), "b": nn.Identity()}),
    "one of shared layers": lambda: LayerChoice(dict.fromkeys("ab", nn.Linear(4, 4))),
    "depth": lambda: Repeat([nn.Linear(4, 4), nn.Linear(4, 4)], minimum=0),
    "an elastic layer": lambda: elastic.Linear(4, WidthChoice([2, 4])),
    "a computed weight": lambda: nn.utils.parametrizations.weight_norm(elastic.Linear(4, WidthChoice([2, 4]))),
    "a weight computed in the old style": lambda: old_weight_norm(elastic.Linear(4, WidthChoice([2, 4]))),
    "a layer of each value": lambda: Switchable(lambda: nn.Linear(4, 4), by=[PICK]),
}
PICK = ValueChoice([1, 2], label="pick")


def old_weight_norm(layer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nn.utils.weight_norm(layer)


@pytest.mark.parametrize("name", HOOKED)
def test_hooks_of_what_is_chosen_go_with_it(name):
    layer, seen = HOOKED[name](), []
    layer.register_forward_pre_hook(tripled)
    layer.register_forward_hook(added)
    layer.register_forward_hook(halved, with_kwargs=True)
    layer.register_full_backward_hook(lambda module, to, by: seen.append(float(by[0].sum())))
    supernet = Supernet(nn.Sequential(nn.Linear(4, 4), layer, Reads(PICK)), example=torch.zeros(2, 4))
    x = torch.randn(2, 4)
    for architecture in ASNG(supernet.space, seed=0).sample(8):
        network = derive(supernet, architecture)
        with supernet.active(architecture):
            expected = supernet(x)
        assert torch.allclose(network(x), expected, atol=1e-6)
        expected.sum().backward()
        network(x).sum().backward()
        assert seen[-1] == pytest.approx(seen[-2])


class Reads(nn.Module):
    def __init__(self, choice):
        super().__init__()
        self.choice = choice

    def forward(self, x):
        return x * self.choice()


def test_a_network_derived_while_another_is_active_keeps_nothing_of_that():
    supernet = Supernet(nn.Sequential(Reads(ValueChoice([1, 2], label="by")), elastic.Linear(4, WidthChoice([2, 4]))),
                        example=torch.zeros(2, 4))
    with supernet.active({"by": 1, "1.width": 2}):
        network = derive(supernet, {"by": 2, "1.width": 4})
    assert not any(module._forward_hooks for module in network.modules())
    torch.save(network, io.BytesIO())  # what is left of a pass could not be
