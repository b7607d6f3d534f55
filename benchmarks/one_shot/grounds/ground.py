"""What a ground is: a small space whose every network is trained, and how one of them is."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from asng_torch import Supernet, derive
from asng_torch.data import TensorLoader
from asng_torch.networks.normalization import eval_mode
from asng_torch.train.settings import TrainSettings
from asng_torch.train.training import Training

from .apart import SHARED, Apart

TRAINED, VALIDATED = 5000, 1000  # examples
EPOCHS, TESTED = 30, (1, 3, 10, 30)  # of one training; after which of them it is tested


class Part(NamedTuple):
    """Inputs and the classes to be told, `(n,)` or `(n, length)`."""

    x: Tensor
    y: Tensor


class Data(NamedTuple):
    """What trains, what chooses, what judges."""

    train: Part
    valid: Part
    test: Part


@dataclass(frozen=True)
class Ground:
    """A space and how its networks are trained.

    network: with choices, whose product is the whole space; of what a supernet of it does not share. data: of a folder
        that may be needed for the test.

    settings: of one training, whose schedule falls over all its epochs: a short one is the beginning of a full one.
    """

    name: str
    network: Callable[[Apart], nn.Module]
    data: Callable[[str | None], Data]
    settings: TrainSettings

    def supernet(self, seed: int, apart: Apart = SHARED) -> Supernet:
        """With fresh weights."""
        torch.manual_seed(seed)
        return Supernet(self.network(apart), example=self.data(None).train.x[:1])

    @cached_property
    def values(self) -> dict[str, list[Any]]:
        """Of each variable."""
        with torch.random.fork_rng():
            variables = self.supernet(0).space.variables
        return {name: [variable.decode(code) for code in range(variable.size)] for name, variable in variables.items()}

    @cached_property
    def architectures(self) -> list[str]:
        """All of them, in words."""
        return [" ".join(map(str, each)) for each in itertools.product(*self.values.values())]

    def architecture(self, words: str) -> dict[str, Any]:
        """As the supernet's space has it."""
        return {name: next(value for value in values if str(value) == word)
                for (name, values), word in zip(self.values.items(), words.split(), strict=True)}

    def in_words(self, architecture: Mapping[str, Any]) -> str:
        """The inverse of `architecture`."""
        return " ".join(str(architecture[name]) for name in self.values)

    def trained(self, words: str, seed: int, data: str | None = None, epochs: int = EPOCHS) -> dict[str, Any]:
        """One training from scratch, by epochs: validation losses, test accuracies, processor seconds until then.

        The seconds are those of training and validation, without the test.
        """
        network = derive(self.supernet(seed), self.architecture(words), weights="reset")
        train, valid, test = self.data(data)
        training = Training(network, TensorLoader(*train, self.settings.batch_size, seed=seed), self.settings)
        losses: list[float] = []
        accuracies: dict[int, float] = {}
        seconds: dict[int, float] = {}
        tested, started = 0.0, time.process_time()
        for epoch, _ in enumerate(training, 1):
            losses.append(round(judged(network, valid)[0], 5))
            if epoch in TESTED:
                now = time.process_time()
                seconds[epoch] = round(now - started - tested, 3)
                accuracies[epoch] = round(judged(network, test)[1], 5)
                tested += time.process_time() - now
            if epoch == epochs:
                break
        return {"losses": losses, "accuracies": list(accuracies.values()), "seconds": list(seconds.values())}


@torch.no_grad()
def judged(network: nn.Module, part: Part) -> tuple[float, float]:
    """Mean loss, and the share of classes that are right."""
    loss, right = 0.0, 0
    with eval_mode(network):
        for x, y in zip(part.x.split(1000), part.y.split(1000), strict=True):
            outputs = network(x)  # (n, classes, ...) logits
            loss += float(nn.functional.cross_entropy(outputs, y, reduction="sum"))
            right += int((outputs.argmax(dim=1) == y).sum())
    return loss / part.y.numel(), right / part.y.numel()
