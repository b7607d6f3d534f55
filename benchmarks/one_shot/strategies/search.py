"""The strategies that are one search: ASNG, SNG and REINFORCE, with finalists or without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from asng_core import ASNG, Space
from asng_core.ask_tell.asng import NaturalGradient
from asng_core.ask_tell.late import Past
from asng_core.ask_tell.ledger import Ledger
from asng_core.ask_tell.parts import Parts
from asng_core.ask_tell.results import Gathered
from asng_core.distribution.search_distribution import SearchDistribution

from .. import space
from .setup import N_THETA, Setup

FINALISTS = 20
STEP_SIZES = {"ASNG": 1.0, "SNG": 1 / N_THETA}  # the first, and the only one


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


class Logits(NaturalGradient):
    """Moves the distribution's logits by Adam along the gradient of the expected loss."""

    def __init__(self, distribution: SearchDistribution, ledger: Ledger, rng: np.random.Generator,
                 learning_rate: float = 0.01, decay: float = 0.9) -> None:
        super().__init__(distribution, ledger, rng)
        self.distribution, sizes = distribution, distribution.space.sizes
        self.logits = torch.zeros(len(sizes), int(sizes[0]), dtype=torch.float64, requires_grad=True)
        self.adam, self.decay = torch.optim.Adam([self.logits], learning_rate), decay
        self.sum = self.weight = 0.0  # of the baseline

    def update(self, gathered: Gathered, generation: int, past: Past) -> None:
        losses = np.array([result.loss for result in gathered.told])
        self.sum = self.decay * self.sum + (1 - self.decay) * float(losses.mean())
        self.weight = self.decay * self.weight + (1 - self.decay)
        chosen = torch.as_tensor(np.array([result.codes for result in gathered.told]))
        logs = torch.log_softmax(self.logits, 1).expand(len(losses), -1, -1).gather(2, chosen[..., None])
        advantages = torch.as_tensor(losses - self.sum / self.weight)
        self.adam.zero_grad()
        (advantages * logs.sum(dim=(1, 2))).mean().backward()
        self.adam.step()
        self.distribution.theta = torch.softmax(self.logits.detach(), 1).numpy().ravel()


class Reinforce(ASNG):
    """ASNG by another policy."""

    def __init__(self, space: Space, *, seed: int, population_size: int = 2) -> None:
        super().__init__(space, seed=seed, population_size=population_size)

    def _make(self, space: Space, settings: Mapping[str, Any], rng: np.random.Generator) -> Parts[NaturalGradient]:
        parts = super()._make(space, settings, rng)
        return replace(parts, policy=Logits(parts.distribution, parts.ledger, rng))


def reinforce(setup: Setup, finalists: int = 0) -> str:
    optimizer = Reinforce(setup.supernet.space, seed=setup.seed, population_size=setup.recipe.population)
    return ended(setup, optimizer, finalists)
