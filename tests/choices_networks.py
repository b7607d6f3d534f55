"""Networks with every kind of choice, and what is true of each of them."""

import torch
from torch import nn

from asng_core import Integer
from asng_torch import Cell, InputChoice, KernelChoice, LayerChoice, Repeat, ValueChoice, WidthChoice, elastic


class Values(nn.Module):
    def __init__(self):
        super().__init__()
        self.slope = ValueChoice([0.1, 0.5])
        self.activation = ValueChoice({"leaky": nn.functional.leaky_relu, "plain": lambda x, slope: x * slope})
        self.layer = nn.Linear(6, 6)

    def forward(self, x):
        return self.activation()(self.layer(x), self.slope())


class Inputs(nn.Module):
    """One of three, two of three concatenated, two of three averaged."""

    def __init__(self):
        super().__init__()
        self.branches = nn.ModuleList(nn.Linear(6, 4) for _ in range(3))
        self.one, self.mean = InputChoice(3, label="one"), InputChoice(3, choose=2, reduce="mean")
        self.both = InputChoice(3, choose=2, reduce="concat")
        self.head = elastic.Linear(12, 4, after=self.both)

    def forward(self, x):
        maps = [branch(x) for branch in self.branches]
        return self.head(self.both(maps)) + self.one(maps) + self.mean(maps)


class Depth(nn.Module):
    """Blocks that hold a choice themselves, and none at all as the least."""

    def __init__(self):
        super().__init__()
        self.body = Repeat([nn.Sequential(nn.Linear(6, 6), LayerChoice({"relu": nn.ReLU(), "tanh": nn.Tanh()}))
                            for _ in range(3)], minimum=0, label="depth")

    def forward(self, x):
        return self.body(x)


class Widths(nn.Module):
    """A residual pair of one label, depthwise convolution, concatenation, kernels, a flattened map."""

    def __init__(self):
        super().__init__()
        tied = [WidthChoice([4, 8], label="trunk") for _ in range(2)]
        self.stem = elastic.Conv2d(3, tied[0], KernelChoice([1, 3]), padding=1)
        self.norm = elastic.BatchNorm2d(8)
        self.depthwise = elastic.Conv2d(8, 8, 3, padding=1, groups=8)
        self.back = elastic.Conv2d(8, tied[1], 1, bias=False)
        self.side = elastic.Conv2d(8, WidthChoice(Integer(2, 6, step=2)), 1)
        self.concatenate = elastic.Concatenate(8, 6)
        self.wide_norm = elastic.BatchNorm2d(14, after=self.concatenate)
        self.mix = elastic.Conv2d(14, WidthChoice([3, 5, 9], divisor=4, label="mix"), 3, after=self.concatenate)
        self.hidden = elastic.Linear(8 * 4, WidthChoice([5, 10]))
        self.head = elastic.Linear(10, 2)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        x = x + self.back(self.depthwise(x))
        x = self.wide_norm(self.concatenate(x, self.side(x)))
        x = nn.functional.adaptive_avg_pool2d(self.mix(x), 2).flatten(1)
        return self.head(torch.relu_(self.hidden(x)))


class OwnCell(nn.Module):
    """A cell in a network of the user's own, behind it a convolution that uses the columns present."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.cell = Cell({"conv": lambda node, source: nn.Conv2d(4, 4, 3, padding=1), "skip": lambda *_: nn.Identity(),
                          "pool": lambda *_: nn.AvgPool2d(3, 1, 1)}, n_inputs=2, n_nodes=3, label="cell")
        self.merge = elastic.Conv2d(12, 4, 1, after=self.cell)
        self.norm = elastic.BatchNorm2d(12, after=self.cell)

    def forward(self, x):
        x = self.stem(x)
        return self.merge(self.norm(self.cell(x, torch.relu(x)))).mean(dim=(2, 3))


FLAT, IMAGE = (5, 6), (5, 3, 6, 6)
NETWORKS = {Values: FLAT, Inputs: FLAT, Depth: FLAT, Widths: IMAGE, OwnCell: IMAGE}
