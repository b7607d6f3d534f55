"""Train a network from scratch, and evaluate it; knows nothing of search."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm


class Loader(Protocol):
    """Batches `(inputs, targets)` of known number: a DataLoader or a TensorLoader."""

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]: ...

    def __len__(self) -> int: ...


def train(network: nn.Module, loader: Loader, *, epochs: int, learning_rate: float,
          weight_decay: float = 5e-4, progress: bool = False) -> list[float]:
    """SGD with Nesterov momentum 0.9 and cosine annealing over all steps; the mean loss of each epoch.

    loader: batches `(inputs, labels)`, moved to the network's device; `len(loader)` is their number.
    """
    device = next(network.parameters()).device
    optimizer = torch.optim.SGD(network.parameters(), learning_rate, momentum=0.9, weight_decay=weight_decay,
                                nesterov=True)
    schedule = cosine(optimizer, epochs * len(loader))
    network.train()
    history = []
    for _ in tqdm(range(epochs), desc="train", unit="epoch", disable=not progress):
        total = torch.zeros((), device=device)
        for x, y in loader:
            loss = nn.functional.cross_entropy(network(x.to(device)), y.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.detach()
        history.append(float(total) / len(loader))
    return history


def cosine(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """The learning rate falls from its full value to 0 along half a cosine."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))


def evaluate(network: nn.Module, loader: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Accuracy in [0, 1], in eval mode; every module is left in the mode it was in."""
    device = next(network.parameters()).device
    modes = [(module, module.training) for module in network.modules()]
    right = n = 0
    try:
        network.eval()
        with torch.no_grad():
            for x, y in loader:
                right += int((network(x.to(device)).argmax(dim=1) == y.to(device)).sum())
                n += len(y)
    finally:
        for module, training in modes:
            module.training = training
    return right / n
