"""Transposed convolutions of chosen width."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..choices.searchable import Blocks, Layout, size
from .conv import Convolution
from .elastic import Width


class _ConvTranspose(Convolution):
    """Documented at ConvTranspose2d."""

    axes = 1, 0
    output_padding: tuple[int, ...]
    convolve: Any  # PyTorch's function

    def __init__(self, in_channels: int, out_channels: int | Width, kernel_size: Any, *, after: Layout | None = None,
                 **arguments: Any) -> None:
        self.build(in_channels, out_channels, kernel_size, after, arguments)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        received = self.incoming(x)
        groups, used = self.groups_of(received), self.used(received)
        padding = self.output_padding
        if output_size is not None:  # how much longer than the shortest that could be meant
            padding = tuple(length - ((size - 1) * stride - 2 * pad + dilation * (kernel - 1) + 1)
                            for length, size, stride, pad, dilation, kernel in zip(
                                output_size[-len(self.stride):], x.shape[2:], self.stride, self.padding, self.dilation,
                                self.kernel_size, strict=True))
        output: Tensor = self.convolve(x, used["weight"], used["bias"], self.stride, self.padding, padding, groups,
                                       self.dilation)
        return output

    def cut(self, received: Blocks) -> nn.Module:
        return self.plain(received, size(received), size(self.cuts(received)["bias"][0]), self.kernel_size, self.stride,
                          self.padding, self.output_padding, self.groups_of(received), self.bias is not None,
                          self.dilation, self.padding_mode)


class ConvTranspose1d(_ConvTranspose, nn.ConvTranspose1d):
    """`nn.ConvTranspose1d`, as `elastic.ConvTranspose2d` is."""

    plain_class, convolve = nn.ConvTranspose1d, staticmethod(nn.functional.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose, nn.ConvTranspose2d):
    """`nn.ConvTranspose2d` whose input may be narrower than `in_channels`, and whose width may be a choice.

    A grouped one keeps the size of its groups and follows its input, as `elastic.Conv2d` does.

    in_channels: the most that may come in. out_channels: a number or a WidthChoice.
    after: the Concatenate, InputChoice or Cell that this layer reads, if it reads one.
    """

    plain_class, convolve = nn.ConvTranspose2d, staticmethod(nn.functional.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose, nn.ConvTranspose3d):
    """`nn.ConvTranspose3d`, as `elastic.ConvTranspose2d` is."""

    plain_class, convolve = nn.ConvTranspose3d, staticmethod(nn.functional.conv_transpose3d)
