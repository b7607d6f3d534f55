"""Data sets, loaders that go on where they were left, augmentation, splits and masks."""

from .augment import Augment
from .datasets import images
from .fashion_mnist import FashionMNIST, fashion_mnist
from .image_data import ImageData, padded, split, standardized
from .loader import TensorLoader
from .masks import Inpainting
from .resumable import ResumableLoader

__all__ = ["Augment", "FashionMNIST", "ImageData", "Inpainting", "ResumableLoader", "TensorLoader", "fashion_mnist",
           "images", "padded", "split", "standardized"]
