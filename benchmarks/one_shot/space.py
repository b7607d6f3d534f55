"""The space of the ground truth: four layers of four operations, 256 networks for 28x28 images.

It is `asng_torch.spaces.mini` with two layers at each of two widths and without its identity and average
pooling: of the operations left (NAS-Bench-201's convolutions, ENAS's 5x5, max pooling) each is the right
one somewhere, so that no junk spreads the networks apart.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path

import torch
from torch import nn

from asng_torch import Supernet, derive, evaluate, train
from asng_torch.data import TensorLoader, images, standardized
from asng_torch.spaces.mini import convolution, mini_network

WIDTHS, DEPTH = (8, 24), 2
OPERATIONS: dict[str, Callable[[int], nn.Module]] = {
    "1x1": lambda channels: convolution(channels, channels, 1),
    "3x3": lambda channels: convolution(channels, channels, 3),
    "5x5": lambda channels: convolution(channels, channels, 5),
    "max": lambda channels: nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), nn.BatchNorm2d(channels)),
}
BATCH, EPOCHS, LEARNING_RATE = 64, 5, 0.1  # of training from scratch


def supernet(seed: int) -> Supernet:
    """With fresh weights."""
    torch.manual_seed(seed)
    return Supernet(mini_network(widths=WIDTHS, depth=DEPTH, operations=OPERATIONS))


def architectures() -> list[str]:
    """All of them, as their operations in words, from the first layer to the last."""
    return [" ".join(operations) for operations in product(OPERATIONS, repeat=DEPTH * len(WIDTHS))]


def from_words(words: str) -> dict[str, str]:
    """The architecture as the supernet's space names it."""
    return {f"layer {layer}": operation for layer, operation in enumerate(words.split(), 1)}


def in_words(architecture: dict[str, str]) -> str:
    """The inverse of `from_words`."""
    return " ".join(architecture[name] for name in sorted(architecture))


def trained(words: str, seed: int, data: str | None, epochs: int = EPOCHS) -> float:
    """The test accuracy of the network, trained from scratch on the 6,000 embedded images.

    data: folder of the full Fashion-MNIST, whose 10,000 test images judge; without it, the embedded 1,000.
    """
    return from_scratch(derive(supernet(seed), from_words(words), weights="reset"), seed, data, epochs)


def from_scratch(network: nn.Module, seed: int, data: str | None, epochs: int = EPOCHS) -> float:
    """The same of any network with fresh weights."""
    x, y, x_test, y_test = tensors(data)
    train(network, TensorLoader(x, y, BATCH, seed=seed), epochs=epochs, learning_rate=LEARNING_RATE)
    return round(evaluate(network, TensorLoader(x_test, y_test, 500, shuffle=False)), 5)


@cache
def tensors(data: str | None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Training images and labels, the embedded ones; those of the test; all standardized by the former."""
    embedded = images("fashion-mnist")
    judge = embedded if data is None else images("fashion-mnist", Path(data))
    x, x_test = (standardized(part, embedded.mean, embedded.std) for part in (embedded.train_images, judge.test_images))
    return x, embedded.train_labels, x_test, judge.test_labels
