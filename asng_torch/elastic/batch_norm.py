"""Batch normalization of whatever channels come."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from asng_core import checks

from ..choices.searchable import Blocks, Layout, size
from .elastic import Cut, Elastic, Width, sources


class _BatchNorm(Elastic):
    """Documented at BatchNorm2d."""

    width: Width | None = None
    num_features: int
    eps: float
    momentum: float | None
    affine: bool
    track_running_stats: bool
    weight: Any
    bias: Any
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(self, num_features: int, *, after: Layout | None = None, eps: float = 1e-5,
                 momentum: float | None = 0.1, affine: bool = True, track_running_stats: bool = True) -> None:
        num_features = checks.integer(f"elastic.{type(self).__name__}(num_features)", num_features, minimum=1)
        self.plain_class.__init__(self, num_features, eps, momentum, affine, track_running_stats)
        self.sources = sources(after)

    @property
    def full_input(self) -> int:
        return self.num_features

    def incoming(self, x: Tensor) -> Blocks:
        return self.blocks_of(x.shape[1])

    def forward(self, x: Tensor) -> Tensor:
        blocks = self.incoming(x)
        # as nn.BatchNorm2d has it: without a momentum, a plain mean of all batches so far
        factor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                factor = 1 / float(self.num_batches_tracked)
        # as PyTorch's own: without statistics to track, the batch's are used in eval mode too
        batch_statistics = self.training or self.running_mean is None
        tracked = self.track_running_stats or not self.training
        outputs, first = [], 0
        for start, stop in blocks:  # views of the running statistics, which are updated in place
            mean, variance, weight, bias = (None if tensor is None else tensor[start:stop] for tensor in (
                self.running_mean if tracked else None, self.running_var if tracked else None, self.weight, self.bias))
            outputs.append(nn.functional.batch_norm(x[:, first : first + stop - start], mean, variance, weight, bias,
                                                    batch_statistics, factor, self.eps))
            first += stop - start
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=1)

    def cuts(self, received: Blocks) -> dict[str, Cut]:
        return {name: {0: received} for name in ("weight", "bias", "running_mean", "running_var")}

    def cut(self, received: Blocks) -> nn.Module:
        layer = self.plain(received, size(received), self.eps, self.momentum, self.affine, self.track_running_stats)
        if self.num_batches_tracked is not None:
            layer.num_batches_tracked = self.num_batches_tracked.clone()
        return layer


class BatchNorm1d(_BatchNorm, nn.BatchNorm1d):
    """`nn.BatchNorm1d`, as `elastic.BatchNorm2d` is."""

    plain_class = nn.BatchNorm1d


class BatchNorm2d(_BatchNorm, nn.BatchNorm2d):
    """`nn.BatchNorm2d` whose input may have fewer than `num_features` channels.

    The running statistics of a channel are the same for all widths: recalibrate them before a report
    (`asng_torch.recalibrate`). after: the Concatenate, InputChoice or Cell that this layer reads, if any.
    """

    plain_class = nn.BatchNorm2d


class BatchNorm3d(_BatchNorm, nn.BatchNorm3d):
    """`nn.BatchNorm3d`, as `elastic.BatchNorm2d` is."""

    plain_class = nn.BatchNorm3d
