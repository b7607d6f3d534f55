"""CIFAR-10, CIFAR-100 (Krizhevsky, 2009) and SVHN (Netzer et al., 2011), by torchvision's readers."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import torch
from numpy.typing import NDArray

from .image_data import ImageData

# Mean and standard deviation of the training pixels, as DARTS (Liu et al., 2019) and after it most others standardize
# CIFAR-10, Akimoto et al. too; the others those of the training pixels to four digits, as several publish them.
_CIFAR10 = (0.49139968, 0.48215827, 0.44653124), (0.24703233, 0.24348505, 0.26158768)
_CIFAR100 = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)
_SVHN = (0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970)


def read_cifar10(folder: str | os.PathLike[str], download: bool) -> ImageData:
    """50,000 training and 10,000 test images of 32x32 in 10 classes; `folder` holds `cifar-10-batches-py`."""
    return _read_cifar("CIFAR10", folder, download, _CIFAR10)


def read_cifar100(folder: str | os.PathLike[str], download: bool) -> ImageData:
    """50,000 training and 10,000 test images of 32x32 in 100 classes; `folder` holds `cifar-100-python`."""
    return _read_cifar("CIFAR100", folder, download, _CIFAR100)


def read_svhn(folder: str | os.PathLike[str], download: bool) -> ImageData:
    """73,257 training and 26,032 test images of 32x32, digits; `folder` holds `train_32x32.mat`, `test_32x32.mat`."""
    if importlib.util.find_spec("scipy") is None:
        raise ImportError("SVHN comes in MATLAB's format, which torchvision reads by SciPy: pip install scipy.")
    from torchvision.datasets import SVHN
    train, test = (SVHN(folder, split=split, download=download) for split in ("train", "test"))
    return _as_data((train.data, train.labels), (test.data, test.labels), _SVHN, tuple("0123456789"))


def _read_cifar(name: str, folder: str | os.PathLike[str], download: bool,
                statistics: tuple[tuple[float, ...], tuple[float, ...]]) -> ImageData:
    from torchvision import datasets
    train, test = (getattr(datasets, name)(folder, train=part, download=download) for part in (True, False))
    first, second = ((part.data.transpose(0, 3, 1, 2), part.targets) for part in (train, test))
    return _as_data(first, second, statistics, tuple(train.classes))


def _as_data(train: tuple[NDArray[np.uint8], object], test: tuple[NDArray[np.uint8], object],
             statistics: tuple[tuple[float, ...], tuple[float, ...]], classes: tuple[str, ...]) -> ImageData:
    (train_images, train_labels), (test_images, test_labels) = (
        (torch.from_numpy(np.ascontiguousarray(images)), torch.as_tensor(labels, dtype=torch.int64))
        for images, labels in (train, test))
    return ImageData(train_images, train_labels, test_images, test_labels, *statistics, classes)
