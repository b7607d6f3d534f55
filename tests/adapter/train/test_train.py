"""Training from scratch resumes to the bit; evaluation leaves a network as it was."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from asng_torch import evaluate, train
from asng_torch.data import Augment, TensorLoader
from asng_torch.networks.layers import DropPath
from asng_torch.spaces.preset import TrainSettings
from asng_torch.train.settings import cosine, drops
from asng_torch.train.training import Training

SETTINGS = TrainSettings(4, 8, 0.1, nesterov=True, weight_decay=1e-3, clip=1.0, drop_path=0.4, auxiliary=0.5)


class Network(nn.Module):
    """Batch normalization, drop-path, dropout and an auxiliary head."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), DropPath(), nn.Dropout(0.2))
        self.head, self.auxiliary = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x):
        x = self.body(x).mean(dim=(2, 3))
        return (self.head(x), self.auxiliary(x)) if self.training else self.head(x)


def loader(n=24, **options):
    generator = torch.Generator().manual_seed(1)
    return TensorLoader(torch.randn(n, 1, 8, 8, generator=generator), torch.arange(n) % 3, 8, **options)


def training(settings=SETTINGS, **options):
    torch.manual_seed(0)
    return Training(Network(), loader(augment=Augment(1, True, 2)), settings, **options)


@pytest.mark.parametrize("settings", [SETTINGS, replace(SETTINGS, optimizer="adam", schedule="drops", clip=None)])
def test_a_resumed_training_ends_at_the_same_weights(settings, tmp_path):
    whole = training(settings)
    losses = list(whole)
    assert len(losses) == 4
    first = training(settings)
    for _ in first:
        if len(first.losses) == 2:
            break
    first.save(tmp_path / "state")
    second = training(settings)
    torch.manual_seed(99)
    second.resume(tmp_path / "state")
    assert [*second.losses, *second] == losses
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, second.network.state_dict()[name]), name


def test_a_state_of_other_settings_or_another_network_is_refused(tmp_path):
    one = training()
    with pytest.raises(ValueError, match="epochs is 9 here, 4 in the state"):
        training(replace(SETTINGS, epochs=9)).load_state_dict(one.state_dict())
    with pytest.raises(ValueError, match=r"same network.*Missing key"):
        Training(nn.Linear(2, 2), loader(), SETTINGS).load_state_dict(one.state_dict())


@pytest.mark.parametrize("change", [{"losses": 3}, {"losses": ["x"]}, {"losses": None}, {"torch_rng": None},
                                    {"torch_rng": torch.zeros(3)}, {"torch_rng": torch.zeros(3, dtype=torch.uint8)},
                                    {"settings": None}, {"schedule": []}, {"optimizer": [1]}, {"network": 3}])
def test_a_damaged_state_is_refused(change):
    state = training().state_dict()
    for broken in ({**state, **change}, {key: value for key, value in state.items() if key not in change}):
        with pytest.raises(ValueError, match="state must be what"):
            training().load_state_dict(broken)


def test_drop_path_grows_and_the_auxiliary_loss_counts():
    run = training()
    seen = [run.network.body[3].probability for _ in run]
    assert seen == pytest.approx([0.0, 0.1, 0.2, 0.3])
    head = copy.deepcopy(run.network.auxiliary.weight)
    without = training(replace(SETTINGS, auxiliary=0.0, weight_decay=0.0))
    before = copy.deepcopy(without.network.auxiliary.weight)
    list(without)
    assert torch.equal(before, without.network.auxiliary.weight)
    assert not torch.equal(before, head)


def test_autocast_computes_in_the_type_asked_for():
    assert list(training(autocast=torch.bfloat16)) != list(training())


def test_the_simple_call_is_the_settings_spelled_out():
    networks = []
    for way in (lambda net: train(net, loader(), epochs=2, learning_rate=0.1),
                lambda net: list(Training(net, loader(), TrainSettings(2, 8, 0.1, nesterov=True,
                                                                       weight_decay=5e-4, auxiliary=0.0)))):
        torch.manual_seed(0)
        networks.append(Network())
        assert len(way(networks[-1])) == 2
    assert torch.equal(networks[0].head.weight, networks[1].head.weight)


def test_schedules_fall_where_they_should():
    weights = torch.optim.SGD([nn.Parameter(torch.ones(1))], 1.0)
    for schedule, rates in ((cosine(weights, 4), [1, 0.854, 0.5, 0.146, 0]),
                            (cosine(weights, 4, every=2), [1, 1, 0.5, 0.5, 0]),
                            (cosine(weights, 4, floor=0.2), [1, 0.8828, 0.6, 0.3172, 0.2]),
                            (drops(weights, 5), [1, 1, 0.1, 0.1, 0.01])):
        for rate in rates:
            assert schedule.get_last_lr()[0] == pytest.approx(rate, abs=1e-3)
            weights.step()
            schedule.step()


def test_what_cannot_be_trained_is_told():
    with pytest.raises(ValueError, match="at least one batch, got none"):
        train(nn.Linear(2, 2), [], epochs=1, learning_rate=0.1)
    with pytest.raises(FloatingPointError, match=r"epoch 1 is nan\. Lower the learning rate"):
        train(nn.Linear(2, 3), [(torch.full((4, 2), torch.nan), torch.arange(4) % 3)], epochs=1, learning_rate=0.1)


def test_evaluation_by_each_policy_of_batch_normalization(supernet):
    torch.manual_seed(0)
    network = nn.Sequential(nn.BatchNorm1d(2), nn.Flatten())
    x, y = torch.randn(40, 2) * 3 + 5, torch.arange(40) % 2
    batches = [(x[:20], y[:20]), (x[20:], y[20:])]

    def right(normalized):
        return float((normalized.argmax(dim=1) == y).double().mean())

    network.train()
    before = copy.deepcopy(network.state_dict())
    assert evaluate(network, batches) == right(x)
    by_batch = torch.cat([(part - part.mean(0)) / part.std(0, unbiased=False) for part, _ in batches])
    assert evaluate(network, batches, batch_norm="batch") == right(by_batch)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    whole = (x - x.mean(0)) / x.std(0)
    assert evaluate(network, batches, batch_norm="recalibrated", calibration=[(x, y)]) == right(whole)
    assert torch.allclose(network[0].running_mean, x.mean(0))
    assert network.training

    images = [(torch.randn(6, 1, 8, 8), torch.arange(6) % 3)]
    with supernet.active({"op": "skip", "body.2": "dropout"}):
        assert 0 <= evaluate(supernet, images, batch_norm="batch") <= 1


def test_what_cannot_be_evaluated_is_told():
    assert evaluate(nn.Flatten(), [(torch.eye(3), torch.arange(3))]) == 1.0  # no parameters, no device of its own
    with pytest.raises(ValueError, match=r"evaluate\(loader\) must yield at least one batch, got none"):
        evaluate(nn.Flatten(), [])
    with pytest.raises(ValueError, match="must be 'tracked', 'batch' or 'recalibrated', got 'none'"):
        evaluate(nn.Flatten(), [], batch_norm="none")
    with pytest.raises(ValueError, match="must come with calibration"):
        evaluate(nn.Flatten(), [], batch_norm="recalibrated")


def test_what_was_frozen_in_eval_mode_stays_so():
    frozen = nn.BatchNorm1d(4).eval()
    frozen.running_mean.fill_(5.0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 4), frozen, nn.BatchNorm1d(4), nn.Linear(4, 2))
    loader = TensorLoader(torch.randn(8, 1, 2, 2), torch.randint(2, (8,)), 4, seed=0)
    train(network, loader, epochs=1, learning_rate=0.1)
    assert frozen.running_mean.tolist() == [5.0] * 4
    assert network[3].running_mean.abs().max() > 0
    train(network.eval(), loader, epochs=1, learning_rate=0.1)  # nothing stands out
    assert frozen.running_mean.tolist() != [5.0] * 4
