"""The strategies that search on weights which uniformly drawn networks have trained."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from asng_core import ASNG
from asng_core.arrays import Floats

from .. import space
from .setup import Setup

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
