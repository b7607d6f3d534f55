import copy

import numpy as np
import pytest
import torch
from torch import nn

from asng_core import ASNG
from asng_torch import Supernet, count, derive
from asng_torch.cells.genotype import architecture_of, picks_of
from asng_torch.networks.layers import DropPath, FactorizedReduction, set_drop_path
from asng_torch.spaces import enas_micro


def small(affine=False):
    torch.manual_seed(0)
    return Supernet(enas_micro.network(1, 10, channels=4, cells=3, affine=affine), example=torch.zeros(1, 1, 16, 16))


def random_architectures(space, n):
    return [dict(each) for each in ASNG(space, seed=0).sample(n)]


def all_alike(operation, source=1):
    picks = [[(source, operation)] * 2 for _ in range(5)]
    return {**architecture_of(picks, "normal"), **architecture_of(picks, "reduce")}


def test_the_variables_are_those_of_the_paper():
    with torch.device("meta"):
        space = Supernet(enas_micro.network(3, 10)).space
    assert len(space) == 40
    assert space.sizes.sum() == 180
    assert (space.sizes - 1).sum() == 140
    assert space.names[:4] == ("normal.node0_input0", "normal.node0_operation0", "normal.node0_input1",
                               "normal.node0_operation1")


def test_derived_networks_equal_the_active_path_and_the_cost_and_nothing_else_is_trained():
    supernet, x = small(), torch.randn(4, 1, 16, 16)
    architectures = random_architectures(supernet.space, 5)
    optimizer = torch.optim.SGD(supernet.parameters(), 0.05, momentum=0.9)
    for architecture in architectures:
        optimizer.zero_grad()
        with supernet.active(architecture):
            supernet(x).square().mean().backward()
        network = derive(supernet, architecture)
        used = sum(parameter.grad is not None for parameter in supernet.parameters())
        assert used == len(list(network.parameters())) < len(list(supernet.parameters()))
        optimizer.step()
    supernet.eval()
    for architecture in architectures:
        network = derive(supernet, architecture)
        with supernet.active(architecture), torch.no_grad():
            assert torch.allclose(network(x), supernet(x), atol=1e-5)
        assert supernet.cost(architecture) == count(network, x[:1])


def test_an_operation_picked_twice_runs_twice_and_counts_once():
    supernet = small()
    architecture = all_alike("sep_conv_3x3")
    network, runs = derive(supernet, architecture), []
    first, second = network.cells[0].graph.operations[0]
    assert first is second
    first.register_forward_hook(lambda *_: runs.append(1))
    network(torch.zeros(2, 1, 16, 16))
    assert len(runs) == 2
    other = {**architecture, "normal.node0_input1": 0}
    extra = sum(parameter.numel() for parameter in first.parameters())
    assert supernet.cost(other).parameters - supernet.cost(architecture).parameters == extra


@pytest.mark.parametrize("seed", range(3))
def test_the_published_final_network_is_as_wide_as_four_million_parameters_allow(seed):
    with torch.device("meta"):
        space = Supernet(enas_micro.network(3, 10)).space
        network = enas_micro.final(ASNG(space, seed=seed).sample(1)[0], 3, 10)
    n = sum(parameter.numel() for name, parameter in network.named_parameters() if not name.startswith("auxiliary"))
    assert 3_500_000 < n <= 4_000_000
    assert len(network.cells) == 20


def test_the_final_network_is_what_the_supernet_derives():
    supernet = small(affine=True)
    alike = [all_alike(operation) for operation in ("sep_conv_3x3", "skip_connect")]
    for architecture in [*random_architectures(supernet.space, 3), *alike]:
        network = derive(supernet, architecture).eval()
        final = enas_micro.final(architecture, 1, 10, channels=4, cells=3, auxiliary=False).eval()
        assert [each.shape for each in final.parameters()] == [each.shape for each in network.parameters()]
        with torch.no_grad():
            for mine, theirs in zip([*final.parameters(), *final.buffers()],
                                    [*network.parameters(), *network.buffers()], strict=True):
                mine.copy_(theirs)
            x = torch.randn(2, 1, 16, 16)
            assert torch.allclose(final(x), network(x), atol=1e-6)


def test_a_final_network_has_auxiliary_logits_in_training_alone_and_can_be_exported_and_copied():
    torch.manual_seed(0)
    supernet, x = small(), torch.randn(2, 1, 32, 32)
    network = enas_micro.final(random_architectures(supernet.space, 1)[0], 1, 10, channels=4, cells=3)
    logits, auxiliary = network(x)
    assert logits.shape == auxiliary.shape == (2, 10)
    network.eval()
    exported, copied = torch.export.export(network, (x,)), copy.deepcopy(network)
    for other in (exported.module(), copied):
        assert torch.allclose(other(x), network(x), atol=1e-6)


def test_drop_path_leaves_out_whole_examples_and_keeps_the_mean():
    layer, x = nn.Sequential(DropPath()), torch.ones(4000, 2, 3)
    assert layer(x) is x
    set_drop_path(layer, 0.25)
    values = layer(x).flatten(1)
    assert set(np.unique(values.numpy())) == {np.float32(0), np.float32(1 / 0.75)}
    assert (values == values[:, :1]).all()
    assert float(values.mean()) == pytest.approx(1, abs=0.05)
    assert layer.eval()(x) is x


def test_no_drop_path_after_an_identity_but_after_a_skip_that_halves_the_map():
    for operation in ("skip_connect", "max_pool_3x3"):
        network = enas_micro.final(all_alike(operation), 1, 10, channels=4, cells=3)
        found = [operation for cell in network.cells for node in cell.graph.operations for operation in node]
        dropped = [each for each in found if isinstance(each, nn.Sequential) and isinstance(each[-1], DropPath)]
        assert len(dropped) == sum(not isinstance(each, nn.Identity) for each in found)
        assert (len(dropped) == len(found)) == (operation == "max_pool_3x3")
        if operation == "skip_connect":
            assert dropped
            assert all(isinstance(each[0], FactorizedReduction) for each in dropped)


def test_the_published_settings_are_those_of_the_authors():
    search, retrain = enas_micro.PRESETS["published"].search, enas_micro.PRESETS["published"].retrain
    for settings in (search, retrain):
        assert (settings.learning_rate, settings.weight_decay, settings.clip) == (0.025, 3e-4, 5)
        assert (settings.augment.crop, settings.augment.flip, settings.augment.cutout) == (4, True, 16)
    assert (search.epochs, search.batch_size, search.anneal, search.momentum) == (100, 64, "epoch", 0.9)
    assert (search.set_to_none, search.population_size) == (False, 2)
    assert (retrain.epochs, retrain.batch_size, retrain.drop_path, retrain.auxiliary) == (600, 80, 0.3, 0.4)


def test_odd_maps_are_reduced_too():
    network = enas_micro.final(all_alike("skip_connect", 0), 1, 10, channels=4, cells=3, auxiliary=False)
    assert network(torch.zeros(2, 1, 15, 15)).shape == (2, 10)


def test_bad_arguments_are_explained():
    architecture = all_alike("max_pool_3x3")
    with pytest.raises(ValueError, match="at least 3, a normal and two reduction cells, got 2"):
        enas_micro.network(1, 10, cells=2)
    with pytest.raises(ValueError, match="must suffice for one channel, got 10"):
        enas_micro.final(architecture, 1, 10, max_parameters=10)
    with pytest.raises(ValueError, match=r"operations among \['skip_connect', .*got \['conv'\]"):
        enas_micro.final({**architecture, "reduce.node0_operation0": "conv"}, 1, 10, channels=4)
    with pytest.raises(ValueError, match=r"'normal.node0_input0'\] must be a map within 0..1, .*got 2"):
        enas_micro.final({**architecture, "normal.node0_input0": 2}, 1, 10)
    with pytest.raises(ValueError, match="variables of the Cell 'normal'"):
        enas_micro.final({"x": 1}, 1, 10)
    with pytest.raises(ValueError, match=r"at least 8x8 pixels, got 7x7. Pad the images to 32x32"):
        enas_micro.final(architecture, 1, 10, channels=4, cells=3)(torch.zeros(2, 1, 28, 28))
    del architecture["normal.node1_operation1"]
    with pytest.raises(ValueError, match=r"must name an operation for 'normal.node1_input1'"):
        picks_of(architecture, "normal")


@pytest.mark.parametrize("operation", enas_micro.OPERATIONS)
def test_channels_last_computes_the_same_statistics_losses_and_gradients(operation):
    """Of pools alone too, whose running statistics it was once said to spoil."""
    found = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        supernet = small().to(memory_format=memory_format).train()
        x = torch.randn(8, 1, 32, 32, generator=torch.Generator().manual_seed(1)).to(memory_format=memory_format)
        for _ in range(2):
            with supernet.active(all_alike(operation)):
                supernet(x).square().mean().backward()
        losses = supernet.losses([all_alike(operation)], lambda net, x=x: net(x).square().mean())
        found.append([torch.from_numpy(losses), *supernet.buffers(),
                      *(each.grad for each in supernet.parameters() if each.grad is not None)])
    assert len(found[0]) == len(found[1])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)  # gradients near 0 are sums of cancelling terms
