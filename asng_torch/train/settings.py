"""How one network is trained from scratch: the settings, and the schedules of the learning rate that they name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch

from asng_core import checks

from ..data import Augment


@dataclass(frozen=True)
class TrainSettings:
    """How one network is trained from scratch."""

    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: Literal["sgd", "adam"] = "sgd"  # SGD with momentum 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    schedule: Literal["cosine", "drops"] = "cosine"  # drops: tenfold at 2/5 and at 4/5
    clip: float | None = None
    augment: Augment | None = None
    drop_path: float = 0.0  # its last probability; grows linearly from 0 over the epochs
    auxiliary: float = 0.0  # weight of the auxiliary head's loss

    def __post_init__(self) -> None:
        checks.integer("TrainSettings(epochs)", self.epochs, minimum=0)
        checks.integer("TrainSettings(batch_size)", self.batch_size, minimum=0)
        checks.real("TrainSettings(learning_rate)", self.learning_rate)
        checks.truth("TrainSettings(nesterov=...)", self.nesterov)


def cosine(optimizer: torch.optim.Optimizer, steps: int, every: int = 1,
           floor: float = 0.0) -> torch.optim.lr_scheduler.LambdaLR:
    """The learning rate falls from its full value to `floor` times it along half a cosine, once in `every` steps."""
    def factor(step: int) -> float:
        # from 1 at step 0 to `floor` at `steps`; within `every` steps the factor of the first of them
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * (step - step % every) / steps))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def drops(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """The learning rate falls tenfold after 2/5 of the steps, and again after 4/5."""
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.1 ** ((5 * step >= 2 * steps) + (5 * step >= 4 * steps)))
