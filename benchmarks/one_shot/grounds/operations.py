"""Which of four operations each of four layers is: the space of `one_shot/space.py` on 28x28 images."""

from __future__ import annotations

from functools import cache

import torch

from asng_torch.spaces.mini import mini_network
from asng_torch.train.settings import TrainSettings

from .. import space
from .ground import EPOCHS, TRAINED, Data, Ground, Part


@cache
def data(folder: str | None) -> Data:
    """Of the 6,000 embedded images 5,000 train; the test is the 10,000 of `folder`, or the embedded 1,000."""
    x, y, x_test, y_test = space.tensors(folder)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    train, valid = order[:TRAINED], order[TRAINED:]
    return Data(Part(x[train], y[train]), Part(x[valid], y[valid]), Part(x_test, y_test))


OPERATIONS = Ground(
    "operations", lambda _: mini_network(widths=space.WIDTHS, depth=space.DEPTH, operations=space.OPERATIONS),
    data, TrainSettings(EPOCHS, space.BATCH, space.LEARNING_RATE, nesterov=True, weight_decay=5e-4))
