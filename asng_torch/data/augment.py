"""Random crop, horizontal flip and cutout of a whole batch at once, on the images' device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from asng_core import checks


@dataclass(frozen=True)
class Augment:
    """The usual augmentation of small images, in this order; 0 or False leaves a part out.

    crop: pixels of zeros around the image, out of which a window of its size is cut.
    flip: left and right exchanged for every second image.
    cutout: side in pixels of a square of zeros; its centre lies anywhere in the image, so that part of
        the square may lie outside.

    Zero is black in 0..1 and the mean colour once standardized. Drawing is apart from applying, so that
    a loader can draw for all examples of an epoch before it knows who takes which.

    Source of cutout: DeVries and Taylor, 2017, https://arxiv.org/abs/1708.04552.
    """

    crop: int = 4
    flip: bool = True
    cutout: int = 16

    def __post_init__(self) -> None:
        checks.integer("Augment(crop=...)", self.crop, minimum=0)
        checks.truth("Augment(flip=...)", self.flip)
        checks.integer("Augment(cutout=...)", self.cutout, minimum=0)

    def draw(self, n: int, height: int, width: int, generator: torch.Generator) -> Tensor:
        """`(n, 5)` integers on the CPU: window's top and left, flipped or not, cutout's centre row and column."""
        # exclusive ends; the window may lie anywhere in the padded image
        ends = (2 * self.crop + 1, 2 * self.crop + 1, 2, height, width)
        return torch.stack([torch.randint(end, (n,), generator=generator) for end in ends], dim=1)

    def __call__(self, images: Tensor, draws: Tensor) -> Tensor:
        """`(n, channels, height, width)` images of any type -> as many, each treated as its row of draws says."""
        channels, height, width = images.shape[1:]
        top, left, flipped, row, column = draws.to(images.device).unsqueeze(2).unbind(1)  # (n, 1) each
        rows = torch.arange(height, device=images.device)
        columns = torch.arange(width, device=images.device)
        source_rows = rows + top - self.crop  # (n, height)
        source_columns = torch.where((flipped == 1) & self.flip, width - 1 - columns, columns) + left - self.crop
        kept = _rectangle(_within(source_rows, height), _within(source_columns, width))
        if self.cutout:
            half = self.cutout // 2  # an even square lies one pixel more before its centre than behind
            kept &= ~_rectangle(_within(rows - row + half, self.cutout), _within(columns - column + half, self.cutout))
        # (n, height, width) positions in flattened images; where there is no pixel any will do, as it is masked
        pixels = source_rows.clamp(0, height - 1)[:, :, None] * width + source_columns.clamp(0, width - 1)[:, None]
        picked = images.flatten(2).gather(2, pixels.flatten(1)[:, None].expand(-1, channels, -1))
        return picked.view_as(images).masked_fill_(~kept[:, None], 0)


def _within(position: Tensor, size: int) -> Tensor:
    return (position >= 0) & (position < size)


def _rectangle(rows: Tensor, columns: Tensor) -> Tensor:
    """`(n, height)` and `(n, width)` truths -> `(n, height, width)`: where both hold."""
    return rows[:, :, None] & columns[:, None]
