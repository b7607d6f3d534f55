import pytest
import torch
from torch import nn

from asng_torch import LayerChoice, Supernet


@pytest.fixture(autouse=True)
def one_thread():
    """Small tensors run faster on one thread, and two test processes do not fight for cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def conv(inputs, outputs, kernel):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.BatchNorm2d(outputs), nn.ReLU())


class Nested(nn.Module):
    """A residual network with a shared label, a choice inside a candidate, dropout, and dots in names."""

    def __init__(self):
        super().__init__()
        self.stem = conv(1, 4, 3)
        self.body = nn.ModuleList([
            LayerChoice({"conv 3.0": conv(4, 4, 3), "conv 1.0": conv(4, 4, 1), "skip": nn.Identity()}, label="op"),
            LayerChoice({"conv 3.0": conv(4, 4, 3), "conv 1.0": conv(4, 4, 1), "skip": nn.Identity()}, label="op"),
            LayerChoice({"block": nn.Sequential(LayerChoice({"relu": nn.ReLU(), "tanh": nn.Tanh()}, label="act"),
                                                conv(4, 4, 3)),
                         "dropout": nn.Dropout(0.5)}),
        ])
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        x = self.stem(x)
        for layer in self.body:
            x = x + layer(x)
        return self.head(x.mean(dim=(2, 3)))


@pytest.fixture
def supernet():
    return Supernet(Nested())
