"""A module as a user has it: a network with choices, and data of their own."""

import torch
from torch import nn

from asng_torch import LayerChoice, WidthChoice, elastic


def network(classes):
    return nn.Sequential(elastic.Linear(6, WidthChoice([4, 8])), LayerChoice({"relu": nn.ReLU(), "tanh": nn.Tanh()}),
                         elastic.Linear(8, classes))


def still():
    return nn.Sequential(LayerChoice({"none": nn.Identity(), "relu": nn.ReLU()}))


def data():
    x = torch.randn(300, 6, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    return x[:256], y[:256], x[256:], y[256:]


def images_only():
    return torch.zeros(3)
