"""What two layers of a small transformer are made of: it reads the standard library's sources, a byte at a time."""

from __future__ import annotations

import sysconfig
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from asng_torch import Choice, LayerChoice, ValueChoice, WidthChoice, elastic
from asng_torch.train.settings import TrainSettings

from .apart import SHARED, Apart, own
from .ground import EPOCHS, TRAINED, VALIDATED, Data, Ground, Part

LENGTH, WIDTH, TESTED = 8, 12, 4000
LETTERS = "etaoinsrldhcumpfgybwvkx_ \n().,='\":#[]"  # a symbol each; one for digits, one for all else
SYMBOLS = len(LETTERS) + 2


@cache
def data(_folder: str | None) -> Data:
    """Windows of `LENGTH` symbols, each to be told from those before it; no file is in two parts."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    table = np.full(256, SYMBOLS - 1)
    for code, letter in enumerate(LETTERS):
        table[[ord(letter), ord(letter.upper())]] = code
    table[[ord(digit) for digit in "0123456789"]] = SYMBOLS - 2
    rng, found = np.random.default_rng(0), []
    for rest, n in ((range(8), TRAINED), ((8,), VALIDATED), ((9,), TESTED)):
        text = b"".join(path.read_bytes() for i, path in enumerate(files) if i % 10 in rest)
        symbols = table[np.frombuffer(text, np.uint8)]
        starts = rng.choice(len(symbols) - LENGTH, n, replace=False)
        windows = torch.tensor(symbols[starts[:, None] + np.arange(LENGTH + 1)], dtype=torch.long)
        found.append(Part(windows[:, :-1].contiguous(), windows[:, 1:].contiguous()))
    return Data(*found)


class Attention(nn.Module):
    """Two heads, to what came before."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inputs, self.outputs = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        # (3, n, heads, length, width of a head)
        q, k, v = self.inputs(x).unflatten(-1, (3, 2, -1)).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        out: Tensor = self.outputs(mixed.transpose(1, 2).flatten(2))
        return out


class Convolution(nn.Module):
    """Of a symbol and the two before it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.outputs = nn.Linear(3 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        padded = nn.functional.pad(x, (0, 0, 2, 0))
        out: Tensor = self.outputs(torch.cat([padded[:, 2 - back : padded.shape[1] - back] for back in range(3)], -1))
        return out


class Average(nn.Module):
    """Of all so far."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.outputs = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.outputs(x.cumsum(dim=1) / torch.arange(1, x.shape[1] + 1).unsqueeze(1))
        return out


class Block(nn.Module):
    """A mixer of positions and a perceptron, each added to what it reads; normalized before, after, or not at all."""

    def __init__(self, number: int, normalized: ValueChoice, apart: Apart, before: Sequence[Choice]) -> None:
        super().__init__()
        self.mix = LayerChoice({name: own(apart.context, before, partial(kind, WIDTH)) for name, kind in (
            ("attention", Attention), ("convolution", Convolution), ("average", Average))}, label=f"mixer {number}")
        self.hidden = hidden = WidthChoice([4, 12, 24], label=f"hidden {number}")
        self.perceptron = own(apart.context, [self.mix], lambda: nn.Sequential(
            elastic.Linear(WIDTH, hidden), nn.ReLU(), elastic.Linear(hidden.largest, WIDTH)))
        self.norms, self.normalized = nn.ModuleList([
            own(apart.normalization, [normalized, layer], lambda: nn.LayerNorm(WIDTH))
            for layer in (self.mix, hidden)]), normalized

    def forward(self, x: Tensor) -> Tensor:
        where = self.normalized()
        for norm, layer in zip(self.norms, (self.mix, self.perceptron), strict=True):
            x = x + layer(norm(x) if where == "before" else x)
            x = norm(x) if where == "after" else x
        return x


class Reader(nn.Module):
    """Symbols `(n, length)` -> logits of the next ones `(n, SYMBOLS, length)`."""

    def __init__(self, apart: Apart = SHARED) -> None:
        super().__init__()
        self.symbols, self.positions = nn.Embedding(SYMBOLS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        normalized = ValueChoice(["before", "after", "not"], label="normalized")
        first = Block(1, normalized, apart, [])
        self.blocks = nn.Sequential(first, Block(2, normalized, apart, [first.hidden]))
        self.head = nn.Linear(WIDTH, SYMBOLS)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.blocks(self.symbols(x) + self.positions.weight))
        return logits.transpose(1, 2)


TEXT = Ground("text", Reader, data, TrainSettings(EPOCHS, 500, 0.01, "adam"))
