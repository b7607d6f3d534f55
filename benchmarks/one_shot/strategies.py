"""One-shot search strategies on one supernet, each spending the same number of passes.

A pass is one network run over one batch: with the backward pass in training, forward alone in validation (with
the backward pass too where a strategy's gradient needs it). One half of the embedded training images trains
the weights, the other validates, as in `asng_torch.demo`.

  ASNG, SNG      `asng_torch.Search` as users run it; SNG's step size is fixed at 1/n, n the distribution's parameters
  REINFORCE      the same search, the logits moved by Adam with a moving-average baseline, as in ENAS (Pham et al.,
                 ICML 2018); learning rate and baseline of NATS-Bench's code (Dong et al., TPAMI 2021)
    finalists      of both: some of the validation passes judge networks drawn from the final distribution, on the
                 same batches, and the best is taken in place of the mode, as ENAS's authors do (added when the
                 first results were known)
  uniform        the supernet trained by uniformly drawn networks; then, on its weights,
    SPOS           the best on validation of uniformly drawn networks (Guo et al., ECCV 2020)
    evolution      theirs: crossover and mutation of the best networks
    exhaustive     the best of all networks: the ceiling of weight sharing, at more passes
  GDAS           a straight-through Gumbel softmax over one path (Dong & Yang, CVPR 2019), settings of their code; as
                 their network, it leaves out what the operations not chosen would give. In a chain of layers a
                 normalized convolution undoes the chosen one's weight too, so that little signal remains
  DARTS          all operations mixed by a softmax (Liu et al., ICLR 2019), first order, the same settings; a pass of
                 the mixture counts as one for each operation
  HPO            no weights shared: an evaluation trains a network from scratch for an epoch;
                 `asng_core.Minimizer(noisy=True)`, and random search
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from asng_core import ASNG, Minimizer, Space
from asng_core.ask_tell.results import Told
from asng_torch import LayerChoice, Search, Supernet, derive, train
from asng_torch.data import TensorLoader
from asng_torch.supernet.architecture import Architecture
from asng_torch.train.evaluation import BatchNorm, normalizing
from asng_torch.train.settings import cosine

from . import space

Optimizer = TypeVar("Optimizer", ASNG, Minimizer)
Floats = NDArray[np.float64]
FINALISTS = 20
N_THETA = (len(space.OPERATIONS) - 1) * space.DEPTH * len(space.WIDTHS)
STEP_SIZES = {"ASNG": 1.0, "SNG": 1 / N_THETA}  # the first, and the only one
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


# in one search

def ended(setup: Setup, optimizer: ASNG, finalists: int) -> str:
    """What a whole search recommends: the mode, or the best finalist."""
    recipe = setup.recipe
    validating = (recipe.validation_passes - finalists * recipe.judging_passes) // recipe.population
    search = setup.search(optimizer, recipe.scaled_steps - validating)
    if not finalists:
        return space.in_words(search.recommend())
    drawn = list(dict.fromkeys(space.in_words(dict(each)) for each in optimizer.sample(20 * finalists)))[:finalists]
    return drawn[int(setup.judge(drawn).argmin())]


def natural(setup: Setup, name: str, finalists: int = 0) -> str:
    """ASNG, or SNG."""
    recipe = setup.recipe
    optimizer = ASNG(setup.supernet.space, population_size=recipe.population, seed=setup.seed, adapt=name == "ASNG",
                     initial_step_size=recipe.step_size or STEP_SIZES[name], alpha=recipe.alpha)
    return ended(setup, optimizer, finalists)


class Reinforce(ASNG):
    """The distribution's logits moved by Adam along the gradient of the expected loss."""

    def __init__(self, space: Space, *, seed: int, population_size: int = 2, learning_rate: float = 0.01,
                 decay: float = 0.9) -> None:
        super().__init__(space, seed=seed, population_size=population_size)
        self.logits = torch.zeros(len(space), int(space.sizes[0]), dtype=torch.float64, requires_grad=True)
        self.adam, self.decay = torch.optim.Adam([self.logits], learning_rate), decay
        self.sum = self.weight = 0.0  # of the baseline

    def _update(self, results: list[Told]) -> None:
        losses = np.array([result.loss for result in results])
        self.sum = self.decay * self.sum + (1 - self.decay) * float(losses.mean())
        self.weight = self.decay * self.weight + (1 - self.decay)
        chosen = torch.as_tensor(np.array([result.codes for result in results]))
        logs = torch.log_softmax(self.logits, 1).expand(len(results), -1, -1).gather(2, chosen[..., None])
        advantages = torch.as_tensor(losses - self.sum / self.weight)
        self.adam.zero_grad()
        (advantages * logs.sum(dim=(1, 2))).mean().backward()
        self.adam.step()
        self._distribution.theta = torch.softmax(self.logits.detach(), 1).numpy().ravel()


def reinforce(setup: Setup, finalists: int = 0) -> str:
    optimizer = Reinforce(setup.supernet.space, seed=setup.seed, population_size=setup.recipe.population)
    return ended(setup, optimizer, finalists)


# on the weights that uniformly drawn networks have trained

Judge = Callable[[list[str]], Floats]


def uniform(setup: Setup) -> None:
    """Train the weights alone: the distribution stays uniform."""
    optimizer = ASNG(setup.supernet.space, population_size=setup.recipe.population, seed=setup.seed)
    setup.search(optimizer, setup.recipe.scaled_steps)


def best_of_random(judge: Judge, n: int, seed: int) -> str:
    """SPOS's random search: the best of `n` networks drawn without repetition."""
    drawn: list[str] = np.random.default_rng(seed).choice(space.architectures(), n, replace=False).tolist()
    return drawn[int(judge(drawn).argmin())]


def evolution(judge: Judge, n: int, seed: int) -> str:
    """SPOS's evolution, its sizes (50 networks, 20 generations, the best 10 parents) scaled to `n` evaluations.

    Half of a generation by crossover, half by mutation of each operation with probability 0.1; none is judged twice.
    """
    rng, operations = np.random.default_rng(seed), list(space.OPERATIONS)
    size = max(4, round(math.sqrt(2.5 * n)))
    losses: dict[str, float] = {}

    def mutated(parent: list[str]) -> list[str]:
        return [str(rng.choice(operations)) if rng.random() < 0.1 else operation for operation in parent]

    while len(losses) < n:
        parents = [words.split() for words in sorted(losses, key=losses.__getitem__)[:max(2, size // 5)]]
        generation: list[str] = []
        for crossed in itertools.islice(itertools.cycle((True, False)), min(size, n - len(losses))):
            if not parents:
                made = list(rng.choice(operations, space.DEPTH * len(space.WIDTHS)))
            elif crossed:
                pairs = zip(*(parents[i] for i in rng.integers(len(parents), size=2)), strict=True)
                made = [str(rng.choice(pair)) for pair in pairs]
            else:
                made = mutated(parents[rng.integers(len(parents))])
            while " ".join(made) in {*losses, *generation}:
                made = mutated(made)
            generation.append(" ".join(made))
        losses.update(zip(generation, judge(generation).tolist(), strict=True))
    return min(losses, key=losses.__getitem__)


def exhaustive(judge: Judge, n: int, seed: int) -> str:
    """All networks, whatever `n`."""
    every = space.architectures()
    return every[int(judge(every).argmin())]


def spos(setup: Setup) -> str:
    """Train uniformly, then judge what is drawn."""
    uniform(setup)
    return best_of_random(setup.judge, setup.recipe.affordable, setup.seed)


# by gradients through the architecture

def gdas(setup: Setup) -> str:
    """The temperature falls from 10 to 0.1, as in the authors' code."""
    return gradient(setup, lambda logits, progress: nn.functional.gumbel_softmax(logits, 10 - 9.9 * progress,
                                                                                 hard=True), whole=False)


def darts(setup: Setup) -> str:
    return gradient(setup, lambda logits, _: torch.softmax(logits, 1), whole=True)


def gradient(setup: Setup, relaxed: Callable[[Tensor, float], Tensor], whole: bool) -> str:
    """Weights and logits in turns, by the loss of the mixture with the weights `relaxed(logits, progress)`."""
    recipe, net = setup.recipe, setup.supernet
    cost = len(space.OPERATIONS) if whole else 1
    torch.manual_seed(setup.seed)
    logits = (1e-3 * torch.randn(len(net.space), len(space.OPERATIONS))).requires_grad_()
    adam = torch.optim.Adam([logits], 3e-4, betas=(0.5, 0.999), weight_decay=1e-3)
    steps = (recipe.training_passes + recipe.validation_passes) // (2 * cost)
    weights = setup.weights()
    scheduler = cosine(weights, steps)
    batches = zip(endless(setup.train, steps), endless(setup.valid, steps), strict=True)
    for step, (train_batch, valid_batch) in enumerate(batches):
        for optimizer, batch in ((weights, train_batch), (adam, valid_batch)):
            weights.zero_grad()
            adam.zero_grad()
            with mixture(net, relaxed(logits, step / steps), whole):
                loss_on(batch, net).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
        scheduler.step()
    setup.passes.training *= cost
    return " ".join(list(space.OPERATIONS)[code] for code in logits.argmax(dim=1).tolist())


@contextmanager
def mixture(net: Supernet, weights: Tensor, whole: bool) -> Iterator[None]:
    """Every layer gives the sum of its operations, weighted by the rows of `(n_layers, n_operations)`.

    Unless `whole`, the rows are one-hot, and instead of what is not chosen its weight is added, which is 0.
    """
    codes = dict(zip(net.space.names, weights.argmax(dim=1).tolist(), strict=True))

    def mixed(row: Tensor, code: int, choice: LayerChoice, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if not whole:
            return output * row[code] + (row.sum() - row[code])
        outputs = [output if k == code else operation(*inputs) for k, operation in enumerate(choice.candidates)]
        return sum((weight * each for weight, each in zip(row, outputs, strict=True)), torch.zeros(()))

    with ExitStack() as stack:
        for (name, code), row in zip(codes.items(), weights, strict=True):
            for choice in net.choices[name]:
                stack.callback(choice.register_forward_hook(partial(mixed, row, code)).remove)
        stack.enter_context(net.active_codes(codes))
        yield


# without shared weights

def from_scratch(setup: Setup, optimizer: Optimizer) -> Optimizer:
    """Architecture search as hyper-parameter search by ask and tell.

    An evaluation trains one epoch of the weights' half, at the rate of the final training.
    """
    recipe = setup.recipe
    cost = len(setup.train) + recipe.judging_passes
    for i in range((recipe.training_passes + recipe.validation_passes) // cost):
        torch.manual_seed(1000 * setup.seed + i)
        candidate = optimizer.ask()
        network = derive(setup.supernet, candidate, weights="reset")
        setup.passes.watch(network)
        train(network, setup.train, epochs=1, learning_rate=space.LEARNING_RATE)
        with normalizing(network, "tracked"), torch.no_grad():
            optimizer.tell(candidate, np.mean([float(loss_on(batch, network))
                                               for batch in endless(setup.valid, recipe.judging_passes)]))
    return optimizer


def minimizer(setup: Setup) -> str:
    optimizer = from_scratch(setup, Minimizer(setup.supernet.space, noisy=True, seed=setup.seed))
    return space.in_words(optimizer.recommend())


def random_search(setup: Setup) -> str:
    """The best seen of uniformly drawn networks."""
    optimizer = from_scratch(setup, ASNG(setup.supernet.space, population_size=10**9, seed=setup.seed))
    return space.in_words(dict(optimizer.best.values))  # type: ignore[union-attr]  # there is one


SEARCHES: dict[str, Callable[[Setup], str]] = {
    **{name: partial(natural, name=name) for name in STEP_SIZES}, "REINFORCE": reinforce, "GDAS": gdas, "DARTS": darts,
    "ASNG, finalists": partial(natural, name="ASNG", finalists=FINALISTS),
    "REINFORCE, finalists": partial(reinforce, finalists=FINALISTS),
    "HPO, Minimizer": minimizer, "HPO, random search": random_search,
}
ON_UNIFORM: dict[str, Callable[[Judge, int, int], str]] = {
    "uniform, SPOS": best_of_random, "uniform, evolution": evolution, "uniform, exhaustive": exhaustive,
}
RUNS = {**SEARCHES, "uniform, SPOS": spos}
