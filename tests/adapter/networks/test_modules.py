"""Lists of modules that are kept, and notice what is put in, taken out, swapped or frozen later."""

import copy
import pickle

import pytest
import torch
from torch import nn

from asng_torch import LayerChoice, Supernet
from asng_torch.networks.modules import Modules


def network():
    return nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5)), nn.ReLU())


class Merging(nn.Linear):
    """As old adapters of low rank: in eval mode its weights hold what training mode adds in each pass."""

    merged = False

    def train(self, mode=True):
        if mode == self.merged:
            with torch.no_grad():
                self.weight += -1 if mode else 1
            self.merged = not mode
        return super().train(mode)


class Noisy(nn.Dropout):
    """Is told to go on dropping in eval mode."""

    def train(self, mode=True):
        return super().train(True)


def swapped(net):
    net[1][0] = nn.BatchNorm1d(3)


def swapped_behind_our_back(net):
    net[1]._modules["0"] = nn.BatchNorm1d(3)


def put_in(net):
    net.append(nn.BatchNorm1d(3))


def put_in_depth(net):
    net[2].norm = nn.BatchNorm1d(3)


@pytest.mark.parametrize("change", [swapped, swapped_behind_our_back, put_in, put_in_depth])
def test_a_module_that_is_put_in_later_is_noticed(change):
    net = network()
    modules = Modules(net)
    with modules.current().batch_statistics():
        assert [module.training for module in net.modules()] == [False, False, False, True, False, False]
    change(net)
    with modules.current().batch_statistics():
        assert all(each.training is isinstance(each, nn.BatchNorm1d) for each in net.modules())
        assert not any(each.track_running_stats for each in net.modules() if isinstance(each, nn.BatchNorm1d))
    assert all(each.training for each in net.modules())
    assert all(each.track_running_stats for each in net.modules() if isinstance(each, nn.BatchNorm1d))


def test_a_module_that_is_taken_out_keeps_its_mode():
    net = network()
    modules = Modules(net)
    modules.current()
    gone = net.pop(1)
    with modules.current().eval_mode():
        assert not net.training
        assert gone.training
        assert gone[0].training


def test_a_layer_that_is_frozen_or_thawed_later_is_noticed():
    supernet = Supernet(nn.Sequential(LayerChoice({"a": nn.Identity()}), nn.BatchNorm1d(3)))
    x = torch.randn(8, 3) + 5

    def losses():
        return supernet.losses([{"0": "a"}], lambda net: net(x).mean())[0]

    assert losses() == pytest.approx(0, abs=1e-5)  # the batch's mean
    supernet.module[1].eval()
    assert losses() == pytest.approx(float(x.mean()), rel=1e-4)  # the tracked one, 0
    supernet.module[1].train()
    assert losses() == pytest.approx(0, abs=1e-5)


def test_what_a_module_does_on_its_way_to_eval_mode_it_undoes_on_the_way_back():
    net = nn.Sequential(Merging(2, 2), nn.Dropout(0.5))
    before = net[0].weight.clone()
    with Modules(net).current().eval_mode():
        assert torch.equal(net[0].weight, before + 1)
    assert torch.allclose(net[0].weight, before)
    assert all(module.training for module in net.modules())


def test_a_module_that_stays_in_training_mode_may():
    net = nn.Sequential(Noisy(0.5), nn.Dropout(0.5))
    with Modules(net).current().eval_mode():
        assert [module.training for module in net.modules()] == [False, True, False]


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_scripted_module_changes_its_mode():
    net = nn.Sequential(torch.jit.script(nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))), nn.BatchNorm1d(3))
    with Modules(net).current().eval_mode():
        assert not any(module.training for module in net.modules())
    assert all(module.training for module in net.modules())


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda modules: pickle.loads(pickle.dumps(modules))])
def test_a_copied_list_is_of_the_copied_modules(twin_of):
    net = network()
    modules = Modules(net).current()
    twin = twin_of(modules)
    with twin.current().eval_mode():
        assert net.training
        assert not twin.network.training


def test_a_copy_lists_its_own_modules_and_choices():
    supernet = Supernet(nn.Sequential(LayerChoice({"a": nn.Linear(3, 3), "b": nn.Identity()}), nn.BatchNorm1d(3)))
    x = torch.randn(8, 3)

    def loss(net):
        return net(x).square().mean()

    supernet.losses([{"0": "a"}], loss)  # which lists what there is
    twin = copy.deepcopy(supernet)
    before = copy.deepcopy(supernet.state_dict())
    for each in (twin, supernet):
        with each.active({"0": "b"}):
            assert [each.module[0].active for each in (twin, supernet)].count(1) == 1
            each(x)
    assert twin.losses([{"0": "a"}], loss) == supernet.losses([{"0": "a"}], loss)
    assert all(torch.equal(value, before[name]) for name, value in supernet.state_dict().items() if "weight" in name)
