"""What a search space comes with: its networks, and the settings it is searched and retrained with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import nn

from asng_core import ASNG

from ..data import Augment


@dataclass(frozen=True)
class SearchSettings:
    """How the shared weights and the distribution are trained: SGD with momentum, cosine annealing to 0."""

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float = 0.9
    weight_decay: float = 0.0
    clip: float | None = None  # of the gradients' norm
    set_to_none: bool = True  # False: weights outside the path move by momentum and decay
    warmup_share: float = 0.0  # of the steps, which train weights alone
    population_size: int = 2
    mirrored: bool = False
    anneal: Literal["step", "epoch"] = "step"  # when the learning rate is lowered
    augment: Augment | None = None
    optimizer: Callable[..., ASNG] = ASNG  # (space, population_size=..., seed=...) -> the optimizer


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


@dataclass(frozen=True)
class Preset:
    """One way to run a space. `network` and `final` are arguments of the functions of `SearchSpace`.

    side: of the images, where it is not the space's.
    """

    search: SearchSettings
    retrain: TrainSettings
    network: Mapping[str, Any] = field(default_factory=dict)
    final: Mapping[str, Any] = field(default_factory=dict)
    side: int | None = None


@dataclass(frozen=True)
class SearchSpace:
    """A published search space.

    network: (in_channels, classes, **preset.network) -> the module with choices that is searched.
    final: (architecture, in_channels, classes, **preset.final) -> the plain network of an
        architecture, with fresh weights, as it is retrained: often wider and deeper.
    side: of the square images it takes, to which smaller ones are zero-padded.
    """

    name: str
    source: str
    task: Literal["classification", "inpainting"]
    side: int
    network: Callable[..., nn.Module]
    final: Callable[..., nn.Module]
    presets: Mapping[str, Preset]
