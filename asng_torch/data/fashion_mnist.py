"""Fashion-MNIST: the subset that comes with the package, or the full set (Xiao et al., 2017, MIT licence)."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .image_data import ImageData, standardized

CLASSES = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
_MEAN, _STD = (0.2860,), (0.3530,)  # of the full training set's pixels in 0..1
_FILES = {"train_images": "train-images-idx3-ubyte", "train_labels": "train-labels-idx1-ubyte",
          "test_images": "t10k-images-idx3-ubyte", "test_labels": "t10k-labels-idx1-ubyte"}


class FashionMNIST(NamedTuple):
    """Images `(n, 1, 28, 28)` float32, standardized; labels `(n,)` int64, 0..9."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def fashion_mnist(folder: str | os.PathLike[str] | None = None, *, download: bool = False) -> FashionMNIST:
    """The embedded 7,000 images (6,000 train, 1,000 test, balanced), or with a folder all 70,000.

    folder: holds the four idx files, plain or .gz, itself or in `FashionMNIST/raw` as torchvision
        puts them. With `download`, torchvision fetches them into it first.

    Raises FileNotFoundError if they are not there, ValueError if one is damaged.
    """
    data = embedded() if folder is None else read_fashion_mnist(folder, download)
    train, test = (standardized(part, data.mean, data.std) for part in (data.train_images, data.test_images))
    return FashionMNIST(train, data.train_labels, test, data.test_labels)


def embedded() -> ImageData:
    """The subset that comes with the package."""
    with (files("asng_torch.data") / "fashion_mnist_7k.npz").open("rb") as file, np.load(file) as archive:
        return _as_data({name: archive[name] for name in _FILES})


def read_fashion_mnist(folder: str | os.PathLike[str], download: bool) -> ImageData:
    """60,000 training and 10,000 test images of 28x28 in grey; `folder` as `fashion_mnist` takes it."""
    if download:
        from torchvision import datasets
        datasets.FashionMNIST(folder, download=True)
    return _as_data({name: _read_idx(Path(folder), stem) for name, stem in _FILES.items()})


def _read_idx(folder: Path, stem: str) -> NDArray[np.uint8]:
    """One file of the idx format: two zero bytes, type 8, rank, the sizes as big-endian int32, the data."""
    places = [folder / "FashionMNIST" / "raw", folder]
    path = next((place / name for place in places for name in (stem, f"{stem}.gz") if (place / name).exists()), None)
    if path is None:
        raise FileNotFoundError(
            f"folder {os.fspath(folder)!r} has no {stem} or {stem}.gz. Give the folder of the four Fashion-MNIST idx "
            "files, or download=True to fetch them, or no folder for the 7,000 images that come with the package.")
    try:
        with (gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as file:
            data = file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error):
        data = b""  # explained below
    # a file that is too short gives too few sizes, and then another length than they promise
    rank = data[3] if data[:3] == b"\x00\x00\x08" and len(data) > 3 else 0
    sizes = data[4 : 4 + 4 * rank]
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, len(sizes), 4))
    if not rank or len(data) != 4 + 4 * rank + math.prod(shape):
        raise ValueError(f"{os.fspath(path)!r} is not a complete idx file of bytes. Fetch it again.")
    return np.frombuffer(data, dtype=np.uint8, offset=4 + 4 * rank).reshape(shape)


def _as_data(arrays: dict[str, NDArray[np.uint8]]) -> ImageData:
    tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}  # they may be read-only
    return ImageData(tensors["train_images"][:, None], tensors["train_labels"].long(),
                     tensors["test_images"][:, None], tensors["test_labels"].long(), _MEAN, _STD, CLASSES)
