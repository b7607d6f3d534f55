import copy

import numpy as np
import pytest
import torch
from torch import nn

from asng_torch import LayerChoice, Supernet, recalibrate
from asng_torch.networks.normalization import batch_statistics, device_of


def network():
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))


def test_recalibrated_statistics_are_those_of_the_batches():
    net, batches = network(), [torch.randn(8, 2, 6, 6) * 3 + 1 for _ in range(5)]
    net.train()
    net(torch.randn(8, 2, 6, 6))
    assert recalibrate(net, [(x, None) for x in batches]) is net
    outputs = [net[0](x) for x in batches]
    mean = torch.stack([x.mean(dim=(0, 2, 3)) for x in outputs]).mean(dim=0)
    variance = torch.stack([x.var(dim=(0, 2, 3)) for x in outputs]).mean(dim=0)
    assert torch.allclose(net[1].running_mean, mean, atol=1e-6)
    assert torch.allclose(net[1].running_var, variance, atol=1e-5)
    assert net[1].momentum == 0.1
    assert all(module.training for module in net.modules())


def test_without_batches_there_is_nothing_to_recalibrate_with():
    with pytest.raises(ValueError, match=r"recalibrate\(batches\) must yield at least one batch, got none"):
        recalibrate(network(), [])


def test_batch_statistics_touch_no_buffer_and_leave_all_else_in_eval_mode():
    net, x = network(), torch.randn(8, 2, 6, 6)
    before = copy.deepcopy(net.state_dict())
    with batch_statistics(net):
        y = net(x)
    assert torch.allclose(y.mean(dim=(0, 2, 3)), torch.zeros(4), atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert net.training


def test_stochastic_losses_give_every_candidate_the_same_noise_and_every_call_another():
    supernet = Supernet(nn.Sequential(LayerChoice({"a": nn.Identity(), "b": nn.Identity()}), nn.Dropout(0.5)))
    supernet.train()

    def losses():
        return supernet.losses([{"0": "a"}, {"0": "b"}], lambda net: (net(torch.ones(100)) * torch.arange(100)).sum(),
                               stochastic=True)

    first, second = losses(), losses()
    assert first[0] == first[1] != second[0] == second[1]
    supernet.eval()
    assert np.array_equal(losses(), [4950.0, 4950.0])


def test_the_device_of_a_module_without_parameters_is_the_cpu():
    assert device_of(nn.ReLU()) == torch.device("cpu")
    assert device_of(nn.BatchNorm1d(2, affine=False).to("meta")) == torch.device("meta")


class Frozen(nn.Module):
    """A choice behind a frozen normalization, whose running statistics are far from any batch's."""

    def __init__(self, kind=nn.BatchNorm1d):
        super().__init__()
        self.frozen, self.free = kind(3, affine=True, track_running_stats=True), nn.BatchNorm1d(3)
        self.op = LayerChoice({"identity": nn.Identity(), "double": nn.Linear(3, 3)})
        self.frozen.running_mean.fill_(5.0)
        self.frozen.requires_grad_(False).eval()

    def forward(self, x):
        return self.op(self.frozen(x))


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.InstanceNorm1d])
@pytest.mark.parametrize("whole", [False, True])
def test_a_candidate_is_judged_by_the_frozen_statistics_it_is_trained_with(kind, whole):
    net = Frozen(kind)
    supernet, x = Supernet(net), torch.randn(64, 3) + 0.02
    if whole:  # eval mode all over does not show what was frozen; that its weights have no gradients does
        supernet.eval()
    x = x if kind is nn.BatchNorm1d else x[:, :, None].expand(-1, -1, 2)
    with supernet.active({"op": "identity"}):
        trained = float(supernet(x).mean())
    (judged,) = supernet.losses([{"op": "identity"}], lambda net: net(x).mean())
    assert judged == pytest.approx(trained)
    assert judged == pytest.approx(-4.98, abs=0.3)
    assert [net.frozen.training, net.free.training] == [False, not whole]


def test_recalibration_leaves_frozen_statistics_alone():
    for whole in (False, True):
        net = nn.Sequential(Frozen().frozen, nn.Linear(3, 3), nn.BatchNorm1d(3))
        if whole:
            net.eval()
        recalibrate(net, [torch.randn(8, 3)])
        assert net[0].running_mean.tolist() == [5.0] * 3
        assert net[2].running_mean.abs().max() > 1e-3
    recalibrate(net.requires_grad_(False), [torch.randn(8, 3)])  # nothing trains, so nothing stands out as frozen
    assert net[0].running_mean.abs().max() < 2
