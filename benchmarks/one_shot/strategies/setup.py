"""What every strategy searches with: the recipe, the supernet and its data, and the count of passes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from asng_core import ASNG
from asng_core.arrays import Floats
from asng_torch import Search, Supernet
from asng_torch.data import TensorLoader
from asng_torch.supernet.architecture import Architecture
from asng_torch.train.evaluation import BatchNorm, normalizing
from asng_torch.train.settings import cosine

from .. import space

N_THETA = (len(space.OPERATIONS) - 1) * space.DEPTH * len(space.WIDTHS)  # parameters of the distribution
criterion = nn.functional.cross_entropy


@dataclass(frozen=True)
class Recipe:
    """Of a search; what is not of ASNG's distribution holds for all strategies. The defaults are the demo's.

    steps: at population 2 and batch 64; others take as many passes over as many images.
    judged: images on which a network is judged where that is done once for all, not in passing.
    """

    steps: int = 600
    learning_rate: float = 0.05
    batch: int = 64
    population: int = 2
    step_size: float | None = None  # None: the strategy's own
    alpha: float = 1.5
    batch_norm: BatchNorm = "batch"
    warmup_share: float = 0.4
    judged: int = 512

    @property
    def scaled_steps(self) -> int:
        return self.steps * 64 * 2 // (self.batch * self.population)

    @property
    def warmup(self) -> int:
        return int(self.warmup_share * self.scaled_steps)

    @property
    def training_passes(self) -> int:
        return self.population * self.scaled_steps

    @property
    def validation_passes(self) -> int:
        return self.population * (self.scaled_steps - self.warmup)

    @property
    def judging_passes(self) -> int:
        """For one network."""
        return max(1, self.judged // self.batch)

    @property
    def affordable(self) -> int:
        """How many networks can be judged with the validation passes."""
        return self.validation_passes // self.judging_passes


class Passes:
    """Counts a network's forward passes: with gradients (`training`), and without (`validation`)."""

    def __init__(self) -> None:
        self.training = self.validation = 0

    def watch(self, network: nn.Module) -> None:
        network.register_forward_pre_hook(self._count)

    def _count(self, *_: object) -> None:
        if torch.is_grad_enabled():
            self.training += 1
        else:
            self.validation += 1


@dataclass
class Setup:
    """A supernet with fresh weights, its data, and the count of passes."""

    recipe: Recipe
    seed: int
    supernet: Supernet = field(init=False)
    passes: Passes = field(default_factory=Passes)

    def __post_init__(self) -> None:
        net = space.supernet(self.seed)
        x, y, _, _ = space.tensors(None)
        self.train, self.valid = (TensorLoader(x[half], y[half], self.recipe.batch, seed=self.seed)
                                  for half in torch.randperm(len(x)).chunk(2))
        norm = self.recipe.batch_norm
        self.supernet = net if norm == "batch" else Normalizing(net.module, norm, self.train)
        self.passes.watch(self.supernet)

    def weights(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.supernet.parameters(), self.recipe.learning_rate, momentum=0.9, weight_decay=5e-4)

    def search(self, optimizer: ASNG, warmup: int) -> Search:
        """Ended."""
        weights, steps = self.weights(), self.recipe.scaled_steps
        search = Search(self.supernet, optimizer, weights, criterion, self.train, self.valid, steps=steps,
                        warmup=warmup, scheduler=cosine(weights, steps))
        for _ in search:
            pass
        return search

    def judge(self, architectures: Iterable[str]) -> Floats:
        """`(n,)` validation losses, each the mean over the same batches."""
        candidates = list(map(space.from_words, architectures))
        batches = list(endless(self.valid, self.recipe.judging_passes))
        losses = [self.supernet.losses(candidates, partial(loss_on, batch)) for batch in batches]
        mean: Floats = np.mean(losses, axis=0)
        return mean


class Normalizing(Supernet):
    """Judges with the running statistics of training ("tracked"), or ones computed for each network anew."""

    def __init__(self, module: nn.Module, batch_norm: BatchNorm, loader: TensorLoader) -> None:
        super().__init__(module)
        self.batch_norm, self.loader = batch_norm, loader

    def losses(self, candidates: Iterable[Architecture], closure: Callable[[Supernet], Tensor | float], *,
               stochastic: bool = False) -> Floats:
        values = []
        calibration = list(endless(self.loader, 2)) if self.batch_norm == "recalibrated" else None
        for architecture in candidates:
            with self.active(architecture), normalizing(self.module, self.batch_norm, calibration), torch.no_grad():
                values.append(float(closure(self)))
        return np.array(values)


def loss_on(batch: tuple[Tensor, Tensor], network: nn.Module) -> Tensor:
    x, y = batch
    return criterion(network(x), y)


def endless(loader: TensorLoader, n: int) -> Iterator[tuple[Tensor, Tensor]]:
    """`n` batches, from where the last pass was left, over as many epochs as that takes."""
    return itertools.islice(itertools.chain.from_iterable(itertools.repeat(loader)), n)
