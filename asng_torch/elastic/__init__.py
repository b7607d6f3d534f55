"""Layers whose widths are chosen: producers take a WidthChoice, consumers follow the width they receive."""

from .batch_norm import BatchNorm2d
from .concatenate import Concatenate
from .conv2d import Conv2d
from .linear import Linear

__all__ = ["BatchNorm2d", "Concatenate", "Conv2d", "Linear"]
