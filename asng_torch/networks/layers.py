"""Layers of the published search spaces: pre-activated convolutions, reductions, regularization.

The names of operations are those of DARTS and NAS-Bench-201.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def relu_conv_bn(inputs: int, outputs: int, kernel: int, *, stride: int = 1, affine: bool = True) -> nn.Sequential:
    """ReLU, convolution without bias, batch normalization."""
    return nn.Sequential(nn.ReLU(), nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
                         nn.BatchNorm2d(outputs, affine=affine))


def separable_conv(channels: int, kernel: int, *, stride: int = 1, affine: bool = True) -> nn.Sequential:
    """Twice: ReLU, depthwise and 1x1 convolution, batch normalization; the stride is in the first."""
    def half(stride: int) -> list[nn.Module]:
        return [nn.ReLU(), nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False),
                nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels, affine=affine)]
    return nn.Sequential(*half(stride), *half(1))


class FactorizedReduction(nn.Module):
    """Half the resolution without loss: two 1x1 convolutions of stride 2, the second one pixel further."""

    def __init__(self, inputs: int, outputs: int, *, affine: bool = True) -> None:
        super().__init__()
        self.here = nn.Conv2d(inputs, outputs // 2, 1, stride=2, bias=False)
        self.shifted = nn.Conv2d(inputs, outputs - outputs // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(x)
        # a row and a column are cut off in front and zeros put behind, so that odd sides give equal halves
        shifted = functional.pad(x, (-1, 1, -1, 1))
        return self.norm(torch.cat([self.here(x), self.shifted(shifted)], dim=1))  # type: ignore[no-any-return]


class Zero(nn.Module):
    """Zeros in the input's shape: the operation "none", by which an edge is left out."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


class DropPath(nn.Module):
    """In training mode, all of an example's values become 0 with `probability`, the others grow to keep the mean.

    `probability` is 0 until `set_drop_path` says otherwise.

    Source: Larsson et al., 2017, https://arxiv.org/abs/1605.07648.
    """

    def __init__(self) -> None:
        super().__init__()
        self.probability = 0.0

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.probability == 0:
            return x
        # (n, 1, ..., 1): one draw for each example, the same for all of its values
        kept = torch.rand(len(x), *[1] * (x.dim() - 1), device=x.device) >= self.probability
        return x * (kept.to(x.dtype) / (1 - self.probability))

    def extra_repr(self) -> str:
        return f"probability={self.probability}"


def set_drop_path(network: nn.Module, probability: float) -> None:
    """Give every DropPath in the network this probability, in [0, 1)."""
    if not 0 <= probability < 1:
        raise ValueError(f"set_drop_path(probability) must be in [0, 1), got {probability}.")
    for module in network.modules():
        if isinstance(module, DropPath):
            module.probability = probability


class AuxiliaryHead(nn.Sequential):
    """A second classifier in the middle of a network, whose loss reaches the early layers; for maps from 8x8."""

    def __init__(self, inputs: int, classes: int) -> None:
        # 128 and 768 channels as in DARTS, after Szegedy et al., 2015; 8x8 maps are pooled to 2x2, the second kernel
        super().__init__(
            nn.ReLU(), nn.AvgPool2d(5, stride=3), nn.Conv2d(inputs, 128, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False), nn.BatchNorm2d(768), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(768, classes))

    def forward(self, x: Tensor) -> Tensor:
        if min(x.shape[-2:]) < 8:
            raise ValueError("AuxiliaryHead must get maps of at least 8x8 pixels, got "
                             f"{x.shape[-2]}x{x.shape[-1]}. Pad the images to 32x32, or leave the head out.")
        for layer in self:
            x = layer(x)
        return x
