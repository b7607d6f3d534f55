"""The main job on embedded images: search, derive, retrain, and the honest control.

Functions without output of their own; `cli/demo.py` tells what happens, `benchmarks/mini_space.py`
measures with the same functions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from asng_core import ASNG, Batch

from ..checkpoint import read_tensors
from ..data import FashionMNIST, TensorLoader, split
from ..search.search import Search
from ..spaces import mini
from ..staged.trainer import Trainer
from ..supernet.architecture import Architecture
from ..supernet.derive import derive
from ..supernet.supernet import Supernet
from ..train.evaluation import evaluate
from ..train.settings import cosine
from ..train.training import train

_SEARCH, _RETRAIN = mini.PRESETS["published"].search, mini.PRESETS["published"].retrain


@dataclass(frozen=True)
class Settings:
    """The recipe: of the search, and of training any one network of the space from scratch; the mini space's own."""

    steps: int = 2500  # about the 54 epochs of 46 batches that the command `search` makes of it
    warmup_share: float = _SEARCH.warmup_share
    batch_size: int = _SEARCH.batch_size
    learning_rate: float = _SEARCH.learning_rate
    epochs: int = _RETRAIN.epochs
    train_learning_rate: float = _RETRAIN.learning_rate


def build_search(data: FashionMNIST, settings: Settings, seed: int, device: torch.device) -> Search:
    """A search over the mini space: one half of the training images trains weights, the other validates."""
    torch.manual_seed(seed)
    supernet = Supernet(mini.mini_network()).to(device)
    if device.type == "cpu":  # which computes images by far faster in this order of memory
        supernet.to(memory_format=torch.channels_last)
    order = torch.randperm(len(data.train_images))
    loaders = [_loader(data.train_images[half], data.train_labels[half], settings.batch_size, seed, device)
               for half in order.chunk(2)]
    weights = torch.optim.SGD(supernet.parameters(), settings.learning_rate, momentum=_SEARCH.momentum,
                              weight_decay=_SEARCH.weight_decay)
    return Search(supernet, ASNG(supernet.space, population_size=_SEARCH.population_size, seed=seed), weights,
                  nn.functional.cross_entropy, *loaders, steps=settings.steps,
                  warmup=int(settings.warmup_share * settings.steps), scheduler=cosine(weights, settings.steps))


def retrain(supernet: Supernet, architecture: Architecture, data: FashionMNIST, settings: Settings, seed: int,
            device: torch.device, progress: bool = False) -> tuple[nn.Module, float]:
    """The architecture's network trained from scratch on all training images, and its test accuracy."""
    torch.manual_seed(seed)
    network = derive(supernet, architecture, weights="reset").to(device)
    train(network, _loader(data.train_images, data.train_labels, settings.batch_size, seed, device),
          epochs=settings.epochs, learning_rate=settings.train_learning_rate, weight_decay=_RETRAIN.weight_decay,
          progress=progress)
    return network, evaluate(network, _loader(data.test_images, data.test_labels,
                                      min(500, len(data.test_images)), None, device))


def trainer(supernet: Supernet, data: FashionMNIST, settings: Settings, seed: int, device: torch.device) -> Trainer:
    """Of plain networks from scratch, on five sixths of the training images; the others judge them."""
    train, valid = split(len(data.train_images), 5 / 6, seed=seed)
    return Trainer(
        lambda architecture: derive(supernet, architecture, weights="reset").to(device),
        partial(_loader, data.train_images[train], data.train_labels[train], settings.batch_size, seed, device),
        _loader(data.train_images[valid], data.train_labels[valid], len(valid), None, device),
        replace(_RETRAIN, epochs=settings.epochs, learning_rate=settings.train_learning_rate))


def tested(supernet: Supernet, architecture: Architecture, weights: Path, data: FashionMNIST,
           device: torch.device) -> float:
    """The test accuracy of a network that has been trained."""
    network = derive(supernet, architecture, weights="reset").to(device)
    network.load_state_dict(read_tensors(weights)[0])
    return evaluate(network, _loader(data.test_images, data.test_labels, min(500, len(data.test_images)), None, device))


def _loader(images: Tensor, labels: Tensor, batch_size: int, seed: int | None, device: torch.device) -> TensorLoader:
    """On the device; shuffled if there is a seed."""
    return TensorLoader(images.to(device), labels.to(device), batch_size,
                        shuffle=seed is not None, seed=seed or 0)


def random_architectures(supernet: Supernet, n: int, seed: int) -> Batch:
    """`n` architectures drawn uniformly."""
    return ASNG(supernet.space, seed=seed).sample(n)
