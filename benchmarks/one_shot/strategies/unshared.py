"""Architecture search as hyper-parameter search by ask and tell: no weights are shared."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch

from asng_core import ASNG, Minimizer
from asng_torch import derive, train
from asng_torch.train.evaluation import normalizing

from .. import space
from .setup import Setup, endless, loss_on

Optimizer = TypeVar("Optimizer", ASNG, Minimizer)


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
