"""How wide, how deep, and of which kernels a small convolutional network is, on images of 14x14."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from torch import nn

from asng_torch import Choice, KernelChoice, Repeat, WidthChoice, elastic
from asng_torch.train.settings import TrainSettings

from . import operations
from .apart import SHARED, Apart, own
from .ground import EPOCHS, Data, Ground, Part


@cache
def data(folder: str | None) -> Data:
    """Those of the other images' ground, 2x2 pixels averaged into one."""
    return Data(*(Part(nn.functional.avg_pool2d(part.x, 2), part.y) for part in operations.data(folder)))


def network(apart: Apart = SHARED) -> nn.Module:
    """Two convolutions of stride 2, each of its own width and kernel, and one to three more behind them."""
    first, width = WidthChoice([4, 6, 8], label="first width"), WidthChoice([8, 12, 16], label="width")
    first_kernel, kernel = (KernelChoice([1, 3, 5], label=label) for label in ("first kernel", "kernel"))

    def layer(inputs: int, outputs: WidthChoice, side: KernelChoice | int, stride: int = 1,
              before: Sequence[Choice] = ()) -> nn.Module:
        padding = (side.largest if isinstance(side, KernelChoice) else side) // 2
        return nn.Sequential(
            own(apart.context, before, lambda: elastic.Conv2d(inputs, outputs, side, stride=stride, padding=padding,
                                                              bias=False)),
            own(apart.normalization, [outputs, side] if isinstance(side, KernelChoice) else [outputs],
                lambda: elastic.BatchNorm2d(outputs.largest)), nn.ReLU())

    return nn.Sequential(
        layer(1, first, first_kernel, 2), layer(first.largest, width, 3, 2, [first_kernel]),
        Repeat([layer(width.largest, width, kernel, before=[kernel] if i else [width]) for i in range(3)],
               label="depth"),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), elastic.Linear(width.largest, 10))


IMAGES = Ground("images", network, data, TrainSettings(EPOCHS, 500, 0.3, nesterov=True, weight_decay=5e-4))
