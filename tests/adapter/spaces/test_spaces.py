import pytest
import torch
from torch import nn

from asng_torch import Search, Supernet, derive
from asng_torch.data import TensorLoader, padded
from asng_torch.data.fashion_mnist import embedded
from asng_torch.data.image_data import standardized
from asng_torch.spaces import SPACES

CLASSIFIERS = [space for space in SPACES.values() if space.task == "classification"]


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_every_space_has_its_name_and_both_presets(space):
    assert SPACES[space.name] is space
    assert set(space.presets) >= {"published", "small"}
    assert space.source


@pytest.mark.parametrize("space", CLASSIFIERS, ids=[space.name for space in CLASSIFIERS])
def test_the_small_preset_searches_derives_and_retrains(space):
    preset, data = space.presets["small"], embedded()
    x = standardized(padded(data.train_images[:192], space.side), data.mean, data.std)
    y = data.train_labels[:192]
    search_settings, train_settings = preset.search, preset.retrain
    supernet = Supernet(space.network(1, 10, **preset.network), example=x[:1])
    weights = torch.optim.SGD(supernet.parameters(), search_settings.learning_rate, momentum=0.9)
    loaders = [TensorLoader(x, y, search_settings.batch_size, seed=seed, augment=search_settings.augment)
               for seed in range(2)]
    optimizer = search_settings.optimizer(supernet.space, population_size=search_settings.population_size, seed=0)
    before = optimizer.distribution()
    search = Search(supernet, optimizer, weights, nn.functional.cross_entropy, *loaders, steps=3)
    assert len(list(search)) == 3
    assert str(optimizer.distribution()) != str(before)
    derive(supernet, optimizer.mode())(x[:4])

    network = space.final(optimizer.mode(), 1, 10, **preset.final)
    weights = torch.optim.SGD(network.parameters(), train_settings.learning_rate, momentum=0.9)
    losses = []
    for _ in range(4):
        outputs = network(x[:64])
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        loss = sum(nn.functional.cross_entropy(each, y[:64]) for each in outputs)
        weights.zero_grad()
        loss.backward()
        weights.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert isinstance(network.eval()(x[:4]), torch.Tensor)
