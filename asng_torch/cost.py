"""What a network costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """parameters: numbers that are trained; multiply_adds: of convolutions and matrix products in one forward pass."""

    parameters: int
    multiply_adds: int


def count(network: nn.Module, *inputs: Any) -> Cost:
    """The cost of any network for these inputs; parameters used twice count once.

    >>> count(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), torch.ones(2, 4))
    Cost(parameters=15, multiply_adds=24)
    """
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*inputs)
    return Cost(sum(parameter.numel() for parameter in network.parameters()), counter.get_total_flops() // 2)
