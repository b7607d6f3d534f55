"""Ways to train weights that many networks share, each in a loop of one's own, as a user of `asng_torch` writes it.

Every way has the same number of passes: forward and backward of one network on one batch of the ground's training.

  uniform                 each step trains a network drawn at random (Guo et al., ECCV 2020)
  fair                    by the gradients of as many as have each value of each variable once (Chu et al., ICCV 2021)
  sandwich                by those of the largest, two drawn ones and the smallest (Yu and Huang, ICCV 2019)
  sandwich, distilled     of which all but the largest learn its outputs (Yu et al., BigNAS, ECCV 2020)
  complexity-aware rate   a network's learning rate falls the later the more parameters it has (Jeon et al., CVPR 2025)
  separate momenta        one for each value of a variable that is drawn (the same)
  rate and momenta        both
  split                   half of the passes together, then weights of their own for each value of the variable whose
                          values' gradients agree least (Zhao et al., ICML 2021; Hu et al., ICLR 2022)
  own normalization       uniform, each value with scale, shift and statistics of its own (Yu et al., ICLR 2019)
  context                 uniform, each layer with weights of its own for each value of the layer before
  recalibrated            uniform, each network judged by its own statistics of training batches instead of those of the
                          validation examples
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from asng_core.arrays import Floats
from asng_torch import recalibrate
from asng_torch.data import TensorLoader
from asng_torch.networks.normalization import eval_mode

from .grounds.apart import SHARED, Apart
from .grounds.ground import Ground

Architecture = dict[str, Any]
Judge = Callable[[], Floats]
UNIFORM, STEEPEST, CALIBRATED = "uniform", 4.0, 2


class Shared:
    """The supernet of a ground while it is trained, for at most so many `passes`."""

    def __init__(self, ground: Ground, seed: int, passes: int, apart: Apart = SHARED) -> None:
        self.ground, self.passes, self.spent = ground, passes, 0
        self.supernet = ground.supernet(seed, apart)
        self.every = [ground.architecture(words) for words in ground.architectures]
        self.rng = np.random.default_rng(seed)
        self.optimizer = self.optimizer_of(self.supernet.parameters())
        self._batches = self._endless(seed)

    def _endless(self, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        loader = TensorLoader(*self.ground.data(None).train, self.ground.settings.batch_size, seed=seed)
        while True:
            yield from loader

    def optimizer_of(self, parameters: Any) -> torch.optim.Optimizer:
        """As of a training of one network."""
        settings = self.ground.settings
        if settings.optimizer == "adam":
            return torch.optim.Adam(parameters, settings.learning_rate, weight_decay=settings.weight_decay)
        return torch.optim.SGD(parameters, settings.learning_rate, momentum=0.9, nesterov=settings.nesterov,
                               weight_decay=settings.weight_decay)

    def drawn(self, n: int = 1) -> list[Architecture]:
        """All are as likely."""
        return [self.every[i] for i in self.rng.integers(len(self.every), size=n)]

    def balanced(self, n: int) -> list[Architecture]:
        """With each value of each variable as often, if `n` is a multiple of their number."""
        values = self.ground.values
        columns = [self.rng.permutation(np.resize(np.arange(len(each)), n)) for each in values.values()]
        return [{name: each[code] for (name, each), code in zip(values.items(), row, strict=True)}
                for row in zip(*columns, strict=True)]

    def costs(self, count: str) -> Floats:
        """Of all networks, by a field of `Cost`."""
        return np.array([getattr(self.supernet.cost(each), count) for each in self.every], dtype=np.float64)

    @property
    def left(self) -> float:
        """The share of the passes."""
        return 1 - self.spent / self.passes

    def outputs(self, architecture: Architecture, x: Tensor) -> Tensor:
        """`(n, classes, ...)` logits."""
        with self.supernet.active(architecture):
            outputs: Tensor = self.supernet(x)
        return outputs

    def backward(self, architectures: Sequence[Architecture], *, distilled: bool = False) -> bool:
        """Add up the gradients of these networks on the next batch, unless too few passes are left.

        distilled: all but the first learn its outputs in place of the classes.
        """
        if self.spent + len(architectures) > self.passes:
            return False
        x, target = next(self._batches)
        for i, architecture in enumerate(architectures):
            outputs = self.outputs(architecture, x)
            nn.functional.cross_entropy(outputs, target).backward()
            if distilled and i == 0:
                target = outputs.detach().softmax(dim=1)
        self.spent += len(architectures)
        return True

    def step(self, architectures: Sequence[Architecture], optimizer: torch.optim.Optimizer | None = None,
             decay: float | None = None, *, distilled: bool = False) -> bool:
        """Move the weights by these gradients; False if too few passes are left.

        decay: the factor of the learning rate, else half a cosine over all passes, as in trainings of the ground.
        """
        factor = 0.5 * (1 - math.cos(math.pi * self.left)) if decay is None else decay
        if not self.backward(architectures, distilled=distilled):
            return False
        optimizer = optimizer or self.optimizer
        for group in optimizer.param_groups:
            group["lr"] = factor * self.ground.settings.learning_rate
        optimizer.step()
        optimizer.zero_grad()
        return True

    def losses(self, architectures: Sequence[Architecture] | None = None) -> Floats:
        """Of all networks, or of these, on the validation examples, normalized by their own statistics there."""
        x, y = self.ground.data(None).valid
        return self.supernet.losses(self.every if architectures is None else architectures,
                                    lambda net: nn.functional.cross_entropy(net(x), y))


def uniform(shared: Shared) -> Judge:
    while shared.step(shared.drawn()):
        pass
    return shared.losses


def fair(shared: Shared) -> Judge:
    n = max(map(len, shared.ground.values.values()))
    while shared.step(shared.balanced(n)):
        pass
    return shared.losses


def sandwich(shared: Shared, *, distilled: bool = False, n: int = 2) -> Judge:
    costs = shared.costs("multiply_adds")  # those of some choices do not differ
    largest, smallest = (np.flatnonzero(costs == bound) for bound in (costs.max(), costs.min()))
    while shared.step([shared.every[shared.rng.choice(largest)], *shared.drawn(n),
                       shared.every[shared.rng.choice(smallest)]], distilled=distilled):
        pass
    return shared.losses


def aware(shared: Shared, *, rate: bool = False, momenta: bool = False) -> Judge:
    """The rate is polynomial in the passes left, of a power linear in the logarithm of the network's parameters, from
    1/4 for the most to 4 for the fewest, as in the authors' code; a variable is drawn once."""
    sizes = np.log(shared.costs("parameters"))
    powers = np.interp(sizes, [sizes.min(), sizes.max()], [STEEPEST, 1 / STEEPEST])
    name = shared.rng.choice(list(shared.ground.values))
    optimizers = [shared.optimizer_of(shared.supernet.parameters()) for _ in shared.ground.values[name]]
    at = shared.ground.values[name].index
    more = True
    while more:
        i = shared.rng.integers(len(shared.every))
        more = shared.step([shared.every[i]], optimizers[at(shared.every[i][name])] if momenta else None,
                           shared.left ** powers[i] if rate else None)
    return shared.losses


def split(shared: Shared) -> Judge:
    while shared.left > 0.5:
        shared.step(shared.drawn())
    name = most_disputed(shared, max(shared.passes // 10, 3))
    parts = {}
    for value in shared.ground.values[name]:
        parts[value] = part = copy.copy(shared)  # the batches and their number stay common
        part.supernet = copy.deepcopy(shared.supernet)
        part.optimizer = part.optimizer_of(part.supernet.parameters())
    more = True
    while more:
        (architecture,) = shared.drawn()
        part = parts[architecture[name]]
        part.spent = shared.spent
        more = part.step([architecture])
        shared.spent = part.spent

    def judge() -> Floats:
        found = np.empty(len(shared.every))
        for value, part in parts.items():
            rows = [i for i, each in enumerate(shared.every) if each[name] == value]
            found[rows] = part.losses([shared.every[i] for i in rows])
        return found

    return judge


def most_disputed(shared: Shared, n: int) -> str:
    """The variable between whose values the mean gradients of `n` drawn networks are least alike: their mean cosine."""
    drawn, gradients = shared.balanced(n), []
    for each in drawn:
        shared.backward([each])
        gradients.append(torch.cat([torch.zeros(one.numel()) if one.grad is None else one.grad.flatten()
                                    for one in shared.supernet.parameters()]))
        shared.optimizer.zero_grad()
    alike = {}
    for name, values in shared.ground.values.items():
        means = [torch.stack([gradient for each, gradient in zip(drawn, gradients, strict=True)
                              if each[name] == value]).mean(dim=0) for value in values]
        alike[name] = np.mean([_cosine(a, b) for a, b in itertools.combinations(means, 2)])
    return min(alike, key=alike.__getitem__)


def _cosine(a: Tensor, b: Tensor) -> float:
    both = (a != 0) & (b != 0)  # of weights that both have
    return float(nn.functional.cosine_similarity(a[both], b[both], dim=0))


def recalibrated(shared: Shared) -> Judge:
    uniform(shared)
    train, valid = shared.ground.data(None)[:2]
    batches = train.x.split(shared.ground.settings.batch_size)[:CALIBRATED]

    @torch.no_grad()
    def judge() -> Floats:
        found = []
        for architecture in shared.every:
            with shared.supernet.active(architecture):
                recalibrate(shared.supernet, batches)
                with eval_mode(shared.supernet):
                    found.append(float(nn.functional.cross_entropy(shared.supernet(valid.x), valid.y)))
        return np.array(found)

    return judge


OPTIONS: dict[str, Callable[[Shared], Judge]] = {
    UNIFORM: uniform,
    "fair": fair,
    "sandwich": sandwich,
    "sandwich, distilled": partial(sandwich, distilled=True),
    "complexity-aware rate": partial(aware, rate=True),
    "separate momenta": partial(aware, momenta=True),
    "rate and momenta": partial(aware, rate=True, momenta=True),
    "split": split,
    "recalibrated": recalibrated,
    "own normalization": uniform,
    "context": uniform,
}
APART = {"own normalization": Apart(normalization=True), "context": Apart(context=True)}  # all else is shared by all
