"""Small convolutional networks on the images that come with `asng_torch`, halved to 14x14."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from asng_torch.data import fashion_mnist

from ..problems.curves import FIDELITIES

N_TRAIN, N_VALID = 800, 400
FIRST = {"networks by epochs": 0, "networks by epochs, Adam": 3000}  # image of those trained on


def trained(name: str, values: dict[str, Any], seed: int) -> Iterator[float]:
    """The validation cross-entropy after each epoch."""
    torch.set_num_threads(1)  # the processes are the parallelism
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    x, y, valid_x, valid_y = _images(FIRST[name])
    net = _network(values)
    rate = values["learning_rate"]
    optimizer = (torch.optim.Adam(net.parameters(), rate) if name.endswith("Adam") else
                 torch.optim.SGD(net.parameters(), rate, momentum=0.9, weight_decay=values["weight_decay"]))
    for _ in range(FIDELITIES[-1]):
        net.train()
        for batch in torch.randperm(N_TRAIN, generator=generator).split(values["batch"]):
            images = _augmented(x[batch], generator) if values["augment"] else x[batch]
            F.cross_entropy(net(images), y[batch]).backward()
            optimizer.step()
            optimizer.zero_grad()
        net.eval()
        with torch.no_grad():
            yield float(F.cross_entropy(net(valid_x), valid_y))


@cache
def _images(first: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    data = fashion_mnist()
    images, labels = F.avg_pool2d(data.train_images, 2), data.train_labels
    train, valid = slice(first, first + N_TRAIN), slice(first + N_TRAIN, first + N_TRAIN + N_VALID)
    return images[train], labels[train], images[valid], labels[valid]


def _network(values: dict[str, Any]) -> nn.Sequential:
    width = values["width"]
    return nn.Sequential(*_stage(values["first"], 1, width), *_stage(values["second"], width, 2 * width),
                         nn.Flatten(), nn.Linear(2 * width * 9, 10))  # 14x14 -> 7x7 -> 3x3


def _stage(operation: str, n_in: int, n_out: int) -> list[nn.Module]:
    layers = ([nn.Conv2d(n_in, n_out, 3, padding=1)] if operation == "conv 3x3" else
              [nn.Conv2d(n_in, n_in, 5, padding=2, groups=n_in), nn.Conv2d(n_in, n_out, 1)])  # separable 5x5
    return [*layers, nn.MaxPool2d(2), nn.ReLU()]


def _augmented(images: Tensor, generator: torch.Generator) -> Tensor:
    """Half of the batches mirrored, all moved by up to one pixel."""
    if torch.rand((), generator=generator) < 0.5:
        images = images.flip(-1)
    dx, dy = torch.randint(-1, 2, (2,), generator=generator).tolist()
    return F.pad(images, (1, 1, 1, 1))[..., 1 + dy:15 + dy, 1 + dx:15 + dx]
