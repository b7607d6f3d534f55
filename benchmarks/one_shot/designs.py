"""Designs that people made, on the skeleton of the space and of one size: the reference for what is found."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from asng_torch import Supernet, derive
from asng_torch.spaces.mini import convolution, mini_network

from . import space


class Residual(nn.Module):
    """ResNet's basic block: two 3x3 convolutions and the identity (He et al., CVPR 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(convolution(channels, channels, 3),
                                  nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(x + self.body(x))


class Inception(nn.Module):
    """1x1, 3x3, 5x5 and pooling side by side, each a quarter of the channels (Szegedy et al., CVPR 2015).

    Without reductions before 3x3 and 5x5 it has just the weights of a 3x3 convolution.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        quarter = channels // 4
        self.branches = nn.ModuleList([
            *(convolution(channels, quarter, kernel) for kernel in (1, 3, 5)),
            nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), convolution(channels, quarter, 1))])

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


# name -> the block, and how many of them have the size of the space's layers at one width
DESIGNS = {"VGG-like": (space.OPERATIONS["3x3"], 2), "ResNet-like": (Residual, 1), "Inception-like": (Inception, 2)}


def network(name: str, seed: int) -> nn.Module:
    """With fresh weights."""
    torch.manual_seed(seed)
    block, depth = DESIGNS[name]
    supernet = Supernet(mini_network(widths=space.WIDTHS, depth=depth, operations={name: block}))
    return derive(supernet, dict.fromkeys(supernet.space.names, name), weights="reset")
