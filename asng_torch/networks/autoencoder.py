"""Autoencoders whose decoder mirrors the encoder, with skips between mirror images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

Layer = Callable[[Tensor], Tensor]


class Autoencoder(nn.Module):
    """A chain of encoding layers, their mirror images in the same order, and the output layer.

    skips: for each pair, whether the encoding layer's output is added to that of its mirror image.
    """

    def __init__(self, encoder: Sequence[nn.Module], decoder: Sequence[nn.Module], skips: Sequence[bool],
                 output: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder, self.output = nn.ModuleList(encoder), nn.ModuleList(decoder), output
        self.skips = tuple(skips)

    def forward(self, x: Tensor) -> Tensor:
        return run_chain(x, list(zip(self.encoder, self.decoder, self.skips, strict=True)), self.output)

    def reset_parameters(self) -> None:
        """Draw the weights anew by He's rule: without normalization, PyTorch's own draws fade along a chain."""
        for layer in [*self.encoder, *self.decoder, self.output]:
            draw(layer)

    def extra_repr(self) -> str:
        return f"skips={self.skips}"


def run_chain(x: Tensor, pairs: Sequence[tuple[Layer, Layer, bool]], output: Layer) -> Tensor:
    """Encode, decode in reverse order with what is skipped to, put out; a pair is (encoder, decoder, skip)."""
    encoded = []  # of each encoding layer, (n, channels, side, side), the side halved where its stride is 2
    for encode, _, _ in pairs:
        x = functional.relu(encode(x))
        encoded.append(x)
    for (_, decode, skip), earlier in zip(reversed(pairs), reversed(encoded), strict=True):
        x = decode(x)
        x = functional.relu(x + earlier if skip else x)
    return output(x)


def draw(layer: Any) -> None:
    """He's initialization of a convolution; of a transposed one, an output sums over 1 / stride^2 of the kernel."""
    # variance 2 / terms keeps the mean square of what passes a ReLU, with `terms` products summed for each output
    terms = layer.in_channels * layer.kernel_size[0] ** 2
    nn.init.normal_(layer.weight, std=math.sqrt(2 / terms) * (layer.stride[0] if layer.transposed else 1))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
