"""Convolutions of chosen width and kernel, along one, two or three dimensions."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from asng_core import checks

from ..choices.searchable import Blocks, Layout, size
from ..choices.value_choice import KernelChoice
from .elastic import Cut, Elastic, Width, sources, width_and_choice
from .norms import whole_groups


class Convolution(Elastic):
    """What convolutions and transposed ones have in common: channels come in and out, perhaps in groups."""

    weight: Tensor
    bias: Tensor | None
    in_channels: int
    out_channels: int
    groups: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Any
    dilation: tuple[int, ...]
    padding_mode: Any
    kernel: KernelChoice | None
    axes = 0, 1  # of the weight: that of what goes out, that of what comes in

    def build(self, in_channels: int, out_channels: int | Width, kernel_size: Any, after: Layout | None,
              arguments: dict[str, Any]) -> None:
        """As a constructor; a KernelChoice makes it the largest kernel."""
        where = f"elastic.{type(self).__name__}"
        most, width = width_and_choice(f"{where}(out_channels)", out_channels)
        in_channels = checks.integer(f"{where}(in_channels)", in_channels, minimum=1)
        kernel = kernel_size if isinstance(kernel_size, KernelChoice) else None
        self.plain_class.__init__(self, in_channels, most, kernel.largest if kernel else kernel_size, **arguments)
        self.become(width, after, kernel)

    def become(self, width: Width | None, after: Layout | None, kernel: KernelChoice | None = None) -> None:
        """Choose and follow widths from now on."""
        where = f"elastic.{type(self).__name__}"
        if self.padding_mode != "zeros":
            raise ValueError(f"{where}(padding_mode=...) must be 'zeros', got {self.padding_mode!r}. Pad before it.")
        if width and self.groups > 1:
            raise ValueError(f"{where}(groups=...) must leave out_channels a number, as a grouped convolution follows "
                             "the width of its input, got a WidthChoice. Choose the width before it.")
        self.width, self.sources, self.kernel = width, sources(after), kernel

    @property
    def full_input(self) -> int:
        return self.in_channels

    @property
    def full_output(self) -> int:
        return self.out_channels

    def incoming(self, x: Tensor) -> Blocks:
        return self.blocks_of(x.shape[1])

    def cuts(self, received: Blocks) -> dict[str, Cut]:
        if self.groups == 1:
            given = self.given()
            outwards, inwards = self.axes
            return {"weight": {outwards: given, inwards: received}, "bias": {0: given}}
        # of each group as much as ever; the weight of all groups lies along dimension 0
        inner, outer = self.in_channels // self.groups, self.out_channels // self.groups
        given = tuple((start // inner * outer, stop // inner * outer) for start, stop in received)
        return {"weight": {0: given if self.axes[0] == 0 else received}, "bias": {0: given}}

    @property
    def group(self) -> int:
        return 1 if self.groups == 1 else self.in_channels // self.groups

    def groups_of(self, received: Blocks) -> int:
        """The groups that these channels make up. Raises ValueError for parts of one."""
        if self.groups == 1:
            return 1
        return whole_groups(f"elastic.{type(self).__name__}(groups=...)", received, self.group)


class _Conv(Convolution):
    """Documented at Conv2d."""

    convolve: Any  # PyTorch's function

    def __init__(self, in_channels: int, out_channels: int | Width, kernel_size: Any, *,
                 after: Layout | None = None, **arguments: Any) -> None:
        self.build(in_channels, out_channels, kernel_size, after, arguments)
        kernel: KernelChoice | None = self.kernel
        if kernel and self.padding != "same":
            # padding is that of the largest kernel; each smaller one needs as much less on both sides as it is smaller
            padding = (0,) * len(self.dilation) if self.padding == "valid" else self.padding
            smallest = [size - dilation * (kernel.largest - min(kernel.values)) // 2
                        for size, dilation in zip(padding, self.dilation, strict=True)]
            if min(smallest) < 0:
                raise ValueError(f"elastic.{type(self).__name__}(padding=...) must be that of the largest kernel and "
                                 f"suffice to keep the shape for the smallest, got {self.padding} with "
                                 f"{kernel.variable!r}. For stride 1: padding={kernel.largest // 2}.")

    def forward(self, x: Tensor) -> Tensor:
        received = self.incoming(x)
        groups, used = self.groups_of(received), self.used(received)
        output: Tensor = self.convolve(x, used["weight"], used["bias"], self.stride, self._padding(), self.dilation,
                                       groups)
        return output

    def _off(self) -> int:
        """How far the kernel in force begins from the edge of the largest one, whose middle it is."""
        return 0 if self.kernel is None else (self.kernel.largest - self.kernel.value) // 2

    def _padding(self) -> Any:
        if self.kernel is None or self.padding == "same":
            return self.padding
        # as much less as the kernel is smaller keeps the shape
        return tuple(size - dilation * self._off() for size, dilation in zip(self.padding, self.dilation, strict=True))

    def cuts(self, received: Blocks) -> dict[str, Cut]:
        cuts = super().cuts(received)
        if self.kernel is not None:
            off, side = self._off(), self.kernel.value
            middle = dict.fromkeys(range(2, self.weight.dim()), ((off, off + side),))
            cuts["weight"] = {**cuts["weight"], **middle}
        return cuts

    def cut(self, received: Blocks) -> nn.Module:
        side = self.kernel_size if self.kernel is None else (self.kernel.value,) * len(self.dilation)
        given = size(self.cuts(received)["bias"][0])
        return self.plain(received, size(received), given, side, self.stride, self._padding(), self.dilation,
                          self.groups_of(received), self.bias is not None, self.padding_mode)


class Conv1d(_Conv, nn.Conv1d):
    """`nn.Conv1d`, as `elastic.Conv2d` is."""

    plain_class, convolve = nn.Conv1d, staticmethod(nn.functional.conv1d)


class Conv2d(_Conv, nn.Conv2d):
    """`nn.Conv2d` whose input may be narrower than `in_channels`, and whose width and kernel may be choices.

    A grouped or depthwise convolution keeps the size of its groups and follows its input: with half
    of the channels it has half of the groups and puts out half of `out_channels`, which is no choice.

    in_channels: the most that may come in. out_channels: a number or a WidthChoice.
    kernel_size: as ever, or a KernelChoice; `padding` is then that of the largest kernel.
    after: the Concatenate, InputChoice or Cell that this layer reads, if it reads one.

    >>> from asng_torch import WidthChoice
    >>> conv = Conv2d(8, WidthChoice([8, 16]), KernelChoice([3, 5]), padding=2)
    >>> conv.width.variable, conv.kernel.variable
    (Ordinal([8, 16]), Ordinal([3, 5]))
    """

    plain_class, convolve = nn.Conv2d, staticmethod(nn.functional.conv2d)


class Conv3d(_Conv, nn.Conv3d):
    """`nn.Conv3d`, as `elastic.Conv2d` is."""

    plain_class, convolve = nn.Conv3d, staticmethod(nn.functional.conv3d)
