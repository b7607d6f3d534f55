"""What a network costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from .inputs import Call
from .tally import Spent
from .twin import spent_by


@dataclass(frozen=True)
class Cost:
    """Of a network, and of one forward pass in eval mode through it.

    >>> import torch
    >>> from asng_torch import LayerChoice, Supernet
    >>> supernet = Supernet(nn.Sequential(LayerChoice({"linear": nn.Linear(4, 4), "skip": nn.Identity()})),
    ...                     example=torch.ones(1, 4))
    >>> supernet.cost({"0": "linear"}).multiply_adds, supernet.cost({"0": "skip"}).multiply_adds
    (16, 0)

    parameters: numbers, frozen ones too; each once, wherever else it stands.
    multiply_adds: of convolutions and matrix products, those of attention among them.
    trainable: of the parameters, those that take gradients.
    activations: bytes that convolutions and matrix products put out, whose memory a training step holds; in numbers,
        these are the activations of Radosavovic et al., 2020, https://arxiv.org/abs/2003.13678.
    """

    parameters: int
    multiply_adds: int
    trainable: int
    activations: int


def count(network: nn.Module, *inputs: Any, **keywords: Any) -> Cost:
    """The cost of any network for these inputs, of any structure; it runs without data, where it can.

    >>> import torch
    >>> from torch import nn
    >>> count(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), torch.ones(2, 4))
    Cost(parameters=15, multiply_adds=24, trainable=15, activations=24)
    """
    parameters = list(network.parameters())
    return made(sum(each.numel() for each in parameters),
                sum(each.numel() for each in parameters if each.requires_grad),
                spent_by(network, Call(inputs, keywords)))


def made(parameters: int, trainable: int, spent: Spent) -> Cost:
    """A cost of these parts."""
    # PyTorch counts a multiplication and an addition as two
    return Cost(parameters, spent.operations // 2, trainable, spent.size)
