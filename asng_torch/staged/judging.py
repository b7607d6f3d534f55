"""How architectures are judged by the weights that they share."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from asng_core import checks

from ..networks.normalization import device_of
from ..search.batches import Batches
from ..search.search import Search
from ..supernet.architecture import Architecture

Losses = Callable[[Sequence[Architecture]], NDArray[np.float64]]


def on_validation(search: Search, batches: int) -> Losses:
    """By the supernet that a search would derive from, on its next validation batches; the search stays as it is."""
    n, device = checks.integer("Staged.after(batches=...)", batches, minimum=1), device_of(search.judged)
    loader = Batches(copy.deepcopy(search.valid_loader), "valid_loader")
    held_out = [loader.next(device) for _ in range(n)]

    def losses(architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        return np.asarray(np.mean([search.judged.losses(architectures, partial(search.objective, batch=batch))
                                   for batch in held_out], axis=0))

    return losses
