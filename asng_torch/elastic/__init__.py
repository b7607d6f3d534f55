"""Layers whose widths are chosen: producers take a WidthChoice or Heads, consumers follow the width they receive."""

from .attention import MultiheadAttention
from .batch_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from .concatenate import Concatenate
from .conv import Conv1d, Conv2d, Conv3d
from .conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .convert import convert
from .embedding import Embedding
from .follow import follow
from .heads import Heads
from .linear import Linear
from .norms import GroupNorm, LayerNorm, PReLU, RMSNorm

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Concatenate", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d",
           "ConvTranspose2d", "ConvTranspose3d", "Embedding", "GroupNorm", "Heads", "LayerNorm", "Linear",
           "MultiheadAttention", "PReLU", "RMSNorm", "convert", "follow"]
