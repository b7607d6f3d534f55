"""Data sets and the loader that keeps them in memory."""

from .fashion_mnist import FashionMNIST, fashion_mnist
from .loader import TensorLoader

__all__ = ["FashionMNIST", "TensorLoader", "fashion_mnist"]
