"""A little network to be searched and trained, and its data; here, where another process finds it."""

import torch
from torch import nn

from asng_torch import LayerChoice, Supernet
from asng_torch.data import TensorLoader

torch.manual_seed(0)
X = torch.randn(60, 4)
Y = (X[:, 0] > X[:, 1]).long()


def network():
    layers = [LayerChoice({"linear": nn.Linear(4, 4, bias=False), "identity": nn.Identity()}, label=f"layer {i}")
              for i in range(2)]
    return nn.Sequential(*layers, nn.Dropout(0.2), nn.Linear(4, 2))


SUPERNET = Supernet(network(), example=X[:1])
ARCHITECTURE = {"layer 0": "linear", "layer 1": "identity"}


def loader():
    return TensorLoader(X[:40], Y[:40], 10, seed=3)
