"""Images in memory, as every reader returns them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from asng_core import checks


class ImageData(NamedTuple):
    """A data set as tensors on the CPU: `(n, channels, height, width)` uint8 images, `(n,)` int64 labels.

    mean, std: per channel, of the training images in 0..1.
    classes: the labels' names; empty where the labels are not to be predicted.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: tuple[str, ...]


def standardized(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """`(n, channels, height, width)` images in 0..255 -> float32 of mean 0 and standard deviation 1.

    mean, std: of each channel in 0..1, as ImageData has them.
    """
    if not images.shape[1] == len(mean) == len(std):
        raise ValueError(f"standardized(mean, std) must have a number for each of {images.shape[1]} channels, "
                         f"got {len(mean)} and {len(std)}.")
    pixels = images.to(torch.float32, copy=True)  # then in place: the images may fill much of the memory
    centre, scale = (torch.tensor(numbers, device=images.device)[:, None, None] for numbers in (mean, std))
    return pixels.div_(255).sub_(centre).div_(scale)


def padded(images: Tensor, side: int) -> Tensor:
    """`(..., height, width)` images with as many zeros on all sides as make them `side` pixels high and wide.

    Zero is black: pad before standardizing.
    """
    side = checks.integer("padded(side)", side, minimum=1)
    height, width = images.shape[-2:]
    if any(side < size or (side - size) % 2 for size in (height, width)):
        raise ValueError(f"padded(side) must be {height} x {width}, the images' size, or larger by an even number, "
                         f"got {side}.")
    # the same on both sides, as the difference is even
    rows, columns = (side - height) // 2, (side - width) // 2
    return functional.pad(images, [columns, columns, rows, rows])


def measured(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel, in 0..1, of uint8 images."""
    levels = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for channel in images.unbind(1):
        shares = torch.bincount(channel.reshape(-1), minlength=256) / channel.numel()
        mean = shares.double() @ levels
        means.append(float(mean))
        deviations.append(float((shares.double() @ (levels - mean) ** 2).sqrt()))
    return tuple(means), tuple(deviations)


def split(n: int, fraction: float = 0.5, seed: int | None = 0) -> tuple[Tensor, Tensor]:
    """Indices `(round(fraction * n),)` and of the rest, together each of 0..n-1 once.

    seed: tells the random order that is divided; None divides 0..n-1 itself, into the first and the
        last ones, as the ICML 2019 paper does.

    Use them as `images[first]` on tensors, `Subset(dataset, first.tolist())` on a Dataset. The fraction
    is above 0 and below 1, and each part has at least one example, else ValueError.
    """
    n = checks.integer("split(n)", n, minimum=2)
    first = round(checks.real("split(fraction=...)", fraction, above=0, below=1) * n)
    if not 1 <= first < n:
        raise ValueError(f"split(fraction={fraction}) of {n} examples must leave at least one in each part, "
                         f"got {first} and {n - first}.")
    order = torch.arange(n)
    if seed is not None:
        seed = checks.integer("split(seed=...)", seed, minimum=0)
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[:first], order[first:]
