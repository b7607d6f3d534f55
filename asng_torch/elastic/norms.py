"""Normalization of whatever features or channels of one input come, and PReLU, cut alike."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from asng_core import checks

from ..choices.searchable import Blocks, Layout, size
from .elastic import Cut, Elastic, Width, sources


class _ByChannel(Elastic):
    """Of a weight, and a bias, for each channel or feature: those of what comes in."""

    width: Width | None = None

    def cuts(self, received: Blocks) -> dict[str, Cut]:
        return {"weight": {0: received}, "bias": {0: received}}


class _ByFeature(_ByChannel):
    """Of the last dimension."""

    normalized_shape: tuple[int, ...]

    @property
    def full_input(self) -> int:
        return self.normalized_shape[0]

    def incoming(self, x: Tensor) -> Blocks:
        return self.blocks_of(x.shape[-1])


class LayerNorm(_ByFeature, nn.LayerNorm):
    """`nn.LayerNorm` over the last dimension, which may be narrower than `normalized_shape`, a number.

    after: the Concatenate, InputChoice, Cell or Heads that this layer reads, if any.
    """

    plain_class = nn.LayerNorm

    def __init__(self, normalized_shape: int, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True, *,
                 after: Layout | None = None) -> None:
        most = checks.integer("elastic.LayerNorm(normalized_shape)", normalized_shape, minimum=1)
        nn.LayerNorm.__init__(self, most, eps, elementwise_affine, bias)
        self.sources = sources(after)

    def forward(self, x: Tensor) -> Tensor:
        used = self.used(self.incoming(x))
        return nn.functional.layer_norm(x, (x.shape[-1],), used["weight"], used["bias"], self.eps)

    def cut(self, received: Blocks) -> nn.Module:
        return self.plain(received, size(received), self.eps, self.elementwise_affine, self.bias is not None)


class RMSNorm(_ByFeature, nn.RMSNorm):
    """`nn.RMSNorm` over the last dimension, which may be narrower than `normalized_shape`, a number.

    after: the Concatenate, InputChoice, Cell or Heads that this layer reads, if any.
    """

    plain_class = nn.RMSNorm

    def __init__(self, normalized_shape: int, eps: float | None = None, elementwise_affine: bool = True, *,
                 after: Layout | None = None) -> None:
        most = checks.integer("elastic.RMSNorm(normalized_shape)", normalized_shape, minimum=1)
        nn.RMSNorm.__init__(self, most, eps, elementwise_affine)
        self.sources = sources(after)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.rms_norm(x, (x.shape[-1],), self.used(self.incoming(x))["weight"], self.eps)

    def cuts(self, received: Blocks) -> dict[str, Cut]:
        return {"weight": {0: received}}

    def cut(self, received: Blocks) -> nn.Module:
        return self.plain(received, size(received), self.eps, self.elementwise_affine)


class GroupNorm(_ByChannel, nn.GroupNorm):
    """`nn.GroupNorm` whose input may have fewer than `num_channels` channels: whole groups, of the same size.

    after: the Concatenate, InputChoice or Cell that this layer reads, if any.
    """

    plain_class = nn.GroupNorm

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *,
                 after: Layout | None = None) -> None:
        most = checks.integer("elastic.GroupNorm(num_channels)", num_channels, minimum=1)
        nn.GroupNorm.__init__(self, num_groups, most, eps, affine)
        self.sources = sources(after)

    @property
    def full_input(self) -> int:
        return self.num_channels

    def incoming(self, x: Tensor) -> Blocks:
        return self.blocks_of(x.shape[1])

    def forward(self, x: Tensor) -> Tensor:
        received = self.incoming(x)
        used = self.used(received)
        return nn.functional.group_norm(x, self._groups(received), used["weight"], used["bias"], self.eps)

    @property
    def group(self) -> int:
        return self.num_channels // self.num_groups

    def _groups(self, received: Blocks) -> int:
        return whole_groups("elastic.GroupNorm(num_groups)", received, self.group)

    def cut(self, received: Blocks) -> nn.Module:
        return self.plain(received, self._groups(received), size(received), self.eps, self.affine)


class PReLU(_ByChannel, nn.PReLU):
    """`nn.PReLU` with a slope for each of up to `num_parameters` channels, or one for all."""

    plain_class = nn.PReLU

    def __init__(self, num_parameters: int = 1, *, after: Layout | None = None, **arguments: Any) -> None:
        nn.PReLU.__init__(self, checks.integer("elastic.PReLU(num_parameters)", num_parameters, minimum=1), **arguments)
        self.sources = sources(after)

    @property
    def full_input(self) -> int:
        return self.num_parameters

    def incoming(self, x: Tensor) -> Blocks:
        return ((0, 1),) if self.num_parameters == 1 else self.blocks_of(x.shape[1])

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.prelu(x, self.used(self.incoming(x))["weight"])  # type: ignore[arg-type]

    def cuts(self, received: Blocks) -> dict[str, Cut]:
        return {"weight": {0: received}}

    def cut(self, received: Blocks) -> nn.Module:
        return self.plain(received, size(received))


def whole_groups(where: str, received: Blocks, group: int) -> int:
    """How many groups of `group` channels these are; `where` is the layer's argument, for errors."""
    if any(end % group for block in received for end in block):
        raise ValueError(f"{where} must receive whole groups of {group} channels, got channels {received}. "
                         f"Give the WidthChoice before it divisor={group}.")
    return size(received) // group
