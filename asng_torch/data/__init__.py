"""Data sets, loaders that go on where they were left, augmentation, splits and masks."""

from .augment import Augment
from .fashion_mnist import FashionMNIST, fashion_mnist
from .loader import TensorLoader
from .masks import Inpainting
from .resumable import ResumableLoader
from .split import split

__all__ = ["Augment", "FashionMNIST", "Inpainting", "ResumableLoader", "TensorLoader", "fashion_mnist", "split"]
