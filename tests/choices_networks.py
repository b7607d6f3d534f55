"""Networks with every kind of choice, and what is true of each of them."""

import torch
from torch import nn

from asng_core import Integer
from asng_torch import (
    Cell,
    InputChoice,
    KernelChoice,
    LayerChoice,
    Repeat,
    Switchable,
    ValueChoice,
    WidthChoice,
    elastic,
)


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


class Block(nn.Module):
    """Of a transformer: attention of chosen heads, a gated hidden layer of chosen width, on a residual stream."""

    def __init__(self, residual):
        super().__init__()
        self.norm1, self.norm2 = elastic.LayerNorm(8), elastic.RMSNorm(8)
        self.attention = elastic.MultiheadAttention(residual, WidthChoice([1, 2]), head_width=WidthChoice([2, 4]),
                                                    batch_first=True)
        hidden = WidthChoice([3, 5])
        self.gate, self.up = elastic.Linear(8, hidden), elastic.Linear(8, hidden, bias=False)
        self.down = elastic.Linear(5, residual)

    def forward(self, x, scale, *, shift):
        y = self.norm1(x)
        x = x + scale * self.attention(y, y, y, need_weights=False)[0]
        y = self.norm2(x)
        return x + shift + self.down(nn.functional.silu(self.gate(y)) * self.up(y))


class Transformer(nn.Module):
    """Width of the residual stream, heads, hidden widths and depth; called blocks, a table of positions, a tied one."""

    def __init__(self):
        super().__init__()
        residual = WidthChoice([4, 8], label="residual")
        self.stem, self.positions = elastic.Linear(6, residual), elastic.Embedding(4, residual)
        self.blocks = Repeat([Block(residual) for _ in range(2)], label="depth")
        self.head = elastic.Linear(8, 4)
        self.head.weight = self.positions.weight

    def forward(self, x):
        x = self.stem(x) + self.positions(torch.arange(x.shape[1], device=x.device))
        return self.head(self.blocks(x, 0.5, shift=0.1))


class Convolutions(nn.Module):
    """Along one, two and three dimensions, back again, depthwise and in groups, and what stands between them."""

    def __init__(self):
        super().__init__()
        self.stem = elastic.Conv2d(3, WidthChoice([4, 8]), 3, padding=1)
        self.group_norm, self.slope = elastic.GroupNorm(4, 8), elastic.PReLU(8)
        self.depthwise = elastic.Conv2d(8, 16, 3, padding=1, groups=8)
        self.grouped = elastic.ConvTranspose2d(16, 8, 2, stride=2, groups=4)
        self.up = elastic.ConvTranspose2d(8, WidthChoice([3, 6]), 3, stride=2, padding=1)
        self.line = elastic.Conv1d(6, WidthChoice([2, 4]), KernelChoice([1, 3]), padding=1)
        self.back1, self.norm1 = elastic.ConvTranspose1d(4, WidthChoice([2, 3]), 1), elastic.BatchNorm1d(3)
        self.solid, self.norm3 = elastic.Conv3d(3, WidthChoice([1, 2]), 1), elastic.BatchNorm3d(2)
        self.back3, self.one_slope = elastic.ConvTranspose3d(2, 2, 1), elastic.PReLU()

    def forward(self, x):
        x = self.depthwise(self.slope(self.group_norm(self.stem(x))))
        x = self.up(self.grouped(x), output_size=[24, 24])[:, :, ::6, ::6]
        x = self.norm1(self.back1(self.line(x.flatten(2))))
        x = self.norm3(self.solid(x.unflatten(2, (2, 2, 4))))
        return self.one_slope(self.back3(x)).flatten(1)


class Joined(nn.Module):
    """What is joined is elastic, and joined again."""

    def __init__(self):
        super().__init__()
        widths = [WidthChoice([2, 4]), WidthChoice([1, 3]), WidthChoice([3, 5])]
        self.branches = nn.ModuleList(elastic.Linear(6, width) for width in widths)
        self.pick = InputChoice(3, choose=2, reduce="concat", widths=(4, 3, 5))
        self.inner = elastic.Concatenate(3, self.pick)
        self.outer = elastic.Concatenate(self.inner, 5)
        self.norm = elastic.LayerNorm(3 + 12 + 5, after=self.outer)
        self.head = elastic.Linear(3 + 12 + 5, 4, after=self.outer)

    def forward(self, x):
        a, b, c = (branch(x) for branch in self.branches)
        return self.head(self.norm(self.outer(self.inner(b, self.pick([a, b, c])), c)))


class Foreign(nn.Module):
    """Parts that know nothing of choices: plain layers converted, attributes that follow, blocks run by hand."""

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv, self.heads, self.head_width = nn.Linear(6, 24), 2, 4
            self.out, self.gamma = nn.Linear(8, 6), nn.Parameter(torch.randn(8))

        def forward(self, x):
            q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, self.head_width)).unbind(-3)
            return x + self.out((nn.functional.scaled_dot_product_attention(q, k, v).flatten(-2)) * self.gamma)

    def __init__(self):
        super().__init__()
        blocks = []
        for _ in range(3):
            block, number, width = self.Attention(), WidthChoice([1, 2]), WidthChoice([2, 3, 4])
            heads = elastic.Heads(number, width)
            elastic.follow(block, heads=number, head_width=width, gamma=heads)
            elastic.convert(block.qkv, elastic.Heads(number, width, parts=3))
            elastic.convert(block.out, after=heads)
            blocks.append(block)
        self.layers = Repeat(blocks, minimum=0, label="depth")
        self.pick = LayerChoice({"a": nn.Linear(6, 5), "b": nn.Linear(6, 5, bias=False)})

    def forward(self, x):
        for layer in self.layers[:10]:
            x = layer(x)
        return self.pick(x)[:, : self.pick.out_features - 1] * (1 + len(self.layers))


class Switched(nn.Module):
    """Normalization and weights for each value of what comes before them, of widths and of layers."""

    def __init__(self):
        super().__init__()
        width, kernel = WidthChoice([2, 4], label="width"), KernelChoice([1, 3])
        other = WidthChoice([3, 5], label="other")
        self.stem = elastic.Conv2d(3, width, kernel, padding=1)
        self.norm = Switchable(lambda: elastic.BatchNorm2d(4), by=[width, kernel])
        self.next = Switchable(lambda: elastic.Conv2d(4, other, 3, padding=1), by=[kernel])
        self.pick = LayerChoice({"tanh": nn.Tanh(), "relu": nn.ReLU()})
        self.head = Switchable(lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), elastic.Linear(5, 2)),
                               by=[self.pick])

    def forward(self, x):
        return self.head(self.pick(self.next(self.norm(self.stem(x)))))


FLAT, TOKENS, IMAGE = (5, 6), (3, 4, 6), (5, 3, 6, 6)
NETWORKS = {Values: FLAT, Inputs: FLAT, Depth: FLAT, Widths: IMAGE, OwnCell: IMAGE, Transformer: TOKENS,
            Convolutions: (2, 3, 6, 6), Joined: FLAT, Foreign: FLAT, Switched: IMAGE}
