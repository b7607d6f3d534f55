"""A convolution of chosen width and kernel."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from asng_core import checks

from ..choices.searchable import Blocks, Joining
from ..choices.value_choice import KernelChoice, WidthChoice
from .elastic import Elastic, plain, sources, taken, width_and_choice


class Conv2d(Elastic, nn.Conv2d):
    """`nn.Conv2d` whose input may be narrower than `in_channels`, and whose width and kernel may be choices.

    A grouped or depthwise convolution keeps the size of its groups and follows its input: with half
    of the channels it has half of the groups and puts out half of `out_channels`, which is no choice.

    in_channels: the most that may come in. out_channels: a number or a WidthChoice.
    kernel_size: as ever, or a KernelChoice; `padding` is then that of the largest kernel.
    after: the Concatenate, InputChoice or Cell that this layer reads, if it reads one.

    >>> conv = Conv2d(8, WidthChoice([8, 16]), KernelChoice([3, 5]), padding=2)
    >>> conv.width.variable, conv.kernel.variable
    (Ordinal([8, 16]), Ordinal([3, 5]))
    """

    width: WidthChoice | None
    kernel: KernelChoice | None

    def __init__(self, in_channels: int, out_channels: int | WidthChoice, kernel_size: Any, *,
                 after: Joining | None = None, **arguments: Any) -> None:
        most, width = width_and_choice("elastic.Conv2d(out_channels)", out_channels)
        in_channels = checks.integer("elastic.Conv2d(in_channels)", in_channels, minimum=1)
        kernel = kernel_size if isinstance(kernel_size, KernelChoice) else None
        nn.Conv2d.__init__(self, in_channels, most, kernel.largest if kernel else kernel_size, **arguments)
        if self.padding_mode != "zeros":
            raise ValueError(f"elastic.Conv2d(padding_mode=...) must be 'zeros', got {self.padding_mode!r}. "
                             "Pad before it.")
        if width and self.groups > 1:
            raise ValueError("elastic.Conv2d(groups=...) must leave out_channels a number, as a grouped convolution "
                             "follows the width of its input, got a WidthChoice. Choose the width before it.")
        if kernel and self.padding != "same":
            # padding is that of the largest kernel; each smaller one needs as much less on both sides as it is smaller
            smallest = [size - dilation * (kernel.largest - min(kernel.values)) // 2
                        for size, dilation in zip((0, 0) if self.padding == "valid" else self.padding, self.dilation,
                                                  strict=True)]
            if min(smallest) < 0:
                raise ValueError("elastic.Conv2d(padding=...) must be that of the largest kernel and suffice to keep "
                                 f"the shape for the smallest, got {self.padding} with {kernel.variable!r}. "
                                 f"For stride 1: padding={kernel.largest // 2}.")
        self.width, self.kernel, self.sources = width, kernel, sources(after)

    def incoming(self, x: Tensor) -> Blocks:
        return self.blocks_of(x.shape[1], self.in_channels)

    def forward(self, x: Tensor) -> Tensor:
        weight, bias, groups, padding = self._used(self.incoming(x))
        return nn.functional.conv2d(x, weight, bias, self.stride, padding, self.dilation, groups)

    def _used(self, received: Blocks) -> tuple[Tensor, Tensor | None, int, Any]:
        """Weight `(out, in / groups, height, width)`, bias, groups and padding in force for the channels received."""
        weight, bias, groups, padding = self.weight, self.bias, self.groups, self.padding
        if groups > 1:
            size = self.in_channels // groups
            if any(end % size for block in received for end in block):
                raise ValueError(f"elastic.Conv2d(groups=...) must receive whole groups of {size} channels, "
                                 f"got channels {received}. Give the WidthChoice before it divisor={size}.")
            groups = sum(stop - start for start, stop in received) // size
            out = self.out_channels // self.groups  # of each group, and the group's weight is `(out, size, ...)`
            outputs = tuple((start // size * out, stop // size * out) for start, stop in received)
        else:
            weight = taken(weight, received, 1)
            outputs = ((0, self.out_channels if self.width is None else self.width.value),)
        weight, bias = taken(weight, outputs, 0), None if bias is None else taken(bias, outputs, 0)
        if self.kernel is not None:
            side = self.kernel.value
            off = (self.kernel.largest - side) // 2  # the middle of the kernel; as much less padding keeps the shape
            weight = weight[:, :, off : off + side, off : off + side]
            if padding != "same":
                padding = tuple(size - dilation * off for size, dilation in
                                zip(padding, self.dilation, strict=True))
        return weight, bias, groups, padding

    def cut(self, received: Blocks) -> nn.Module:
        weight, bias, groups, padding = self._used(received)
        return plain(nn.Conv2d, self, {"weight": weight, "bias": bias}, weight.shape[1] * groups, weight.shape[0],
                     tuple(weight.shape[2:]), self.stride, padding, self.dilation, groups, bias is not None,
                     self.padding_mode)
