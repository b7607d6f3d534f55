"""Image data sets by name."""

from __future__ import annotations

import os
from collections.abc import Callable

from .celeba import read_celeba
from .fashion_mnist import embedded, read_fashion_mnist
from .image_data import ImageData
from .small_images import read_cifar10, read_cifar100, read_svhn

_Reader = Callable[[str | os.PathLike[str], bool], ImageData]
_READERS: dict[str, _Reader] = {"fashion-mnist": read_fashion_mnist, "cifar10": read_cifar10,
                                "cifar100": read_cifar100, "svhn": read_svhn, "celeba": read_celeba}
NAMES = tuple(_READERS)


def images(name: str, folder: str | os.PathLike[str] | None = None, *, download: bool = False) -> ImageData:
    """A data set in memory: "fashion-mnist", "cifar10", "cifar100", "svhn" or "celeba".

    folder: where its files are, as torchvision lays them out (for Fashion-MNIST, the plain files too); None
        for the 7,000 images of Fashion-MNIST that come with the package.
    download: let torchvision fetch into the folder what is not there.

    Raises FileNotFoundError if files are missing or, by torchvision's checksums, damaged. The readers of
    CIFAR, SVHN and CelebA have been tested on generated files of the exact format only, not on the data.
    """
    if name not in _READERS:
        raise ValueError(f"images(name) must be one of {', '.join(NAMES)}, got {name!r}. "
                         "Any Dataset of your own goes into a ResumableLoader, tensors into a TensorLoader.")
    if folder is None:
        if download or name != "fashion-mnist":
            raise ValueError(f"images({name!r}, folder=...) must name the folder of its files, or one to download "
                             "into. Only 7,000 images of fashion-mnist come with the package.")
        return embedded()
    try:
        return _READERS[name](folder, download)
    except RuntimeError as error:  # torchvision's, of missing and of damaged files
        repair = "Fetch it by other means, and name its folder." if download else (
            "Name the folder as torchvision lays it out, or let it fetch the files with download=True.")
        raise FileNotFoundError(f"folder {os.fspath(folder)!r} has no complete {name}: {error} {repair}") from error
