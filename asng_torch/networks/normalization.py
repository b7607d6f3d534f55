"""Batch normalization of networks whose weights many architectures share."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from .modules import Modules


def batch_statistics(module: nn.Module) -> AbstractContextManager[None]:
    """Eval mode inside the `with`, but normalization by the batch's own statistics; no buffer is touched."""
    return Modules(module).current().batch_statistics()


def recalibrate(network: nn.Module, batches: Iterable[Tensor | tuple[Tensor, Any]]) -> nn.Module:
    """Recompute the running statistics of batch normalization as means over these batches; returns the network.

    >>> recalibrate(nn.Sequential(nn.BatchNorm1d(1)), [torch.tensor([[1.0], [3.0]])])[0].running_mean
    tensor([2.])

    For inherited weights, whose running statistics are those of a mixture of architectures. The
    network is a derived one, or a supernet inside `with supernet.active(architecture):`. Layers that
    their author froze keep theirs: those in eval mode in a network that is in training mode, or, of one in
    eval mode, those without a weight that takes gradients.

    batches: inputs, or (inputs, targets), moved to the network's device. Raises ValueError if there are none.
    """
    modules = Modules(network).current()
    tracking: list[Any] = [norm for norm in modules.moving() if norm.track_running_stats]
    momenta = [norm.momentum for norm in tracking]
    device, seen = device_of(network), False
    with modules.eval_mode(), torch.no_grad():  # all else as in a test: no dropout while statistics are taken
        try:
            for norm in tracking:
                norm.reset_running_stats()
                norm.momentum, norm.training = None, True  # None: a plain mean over all batches
            for batch in batches:
                seen = True
                network((batch[0] if isinstance(batch, (tuple, list)) else batch).to(device))
        finally:
            for norm, momentum in zip(tracking, momenta, strict=True):
                norm.momentum = momentum
    if not seen:
        raise ValueError("recalibrate(batches) must yield at least one batch, got none.")
    return network


def device_of(module: nn.Module) -> torch.device:
    """Where a module's parameters, or else its buffers, are; the CPU if it has none."""
    tensor = next(itertools.chain(module.parameters(), module.buffers()), None)  # no further than the first one
    return torch.device("cpu") if tensor is None else tensor.device


def eval_mode(module: nn.Module) -> AbstractContextManager[None]:
    """Eval mode inside the `with`; then every module is in the mode it was in."""
    return Modules(module).current().eval_mode()
