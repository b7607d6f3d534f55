"""Batch normalization of networks whose weights many architectures share."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def batch_statistics(module: nn.Module) -> Iterator[None]:
    """Eval mode inside the `with`, but normalization by the batch's own statistics; no buffer is touched.

    What its author froze stays as it is (`moving`).
    """
    with _modes_kept(module):
        before = [(norm, norm.track_running_stats, norm.running_mean, norm.running_var) for norm in moving(module)]
        try:
            module.eval()
            for norm, *_ in before:
                # in training mode and without running statistics to track, PyTorch uses the batch's
                norm.training, norm.track_running_stats = True, False
                norm.running_mean = norm.running_var = None
            yield
        finally:
            for norm, flag, mean, variance in before:
                norm.track_running_stats, norm.running_mean, norm.running_var = flag, mean, variance


def recalibrate(network: nn.Module, batches: Iterable[Tensor | tuple[Tensor, Any]]) -> nn.Module:
    """Recompute the running statistics of batch normalization as means over these batches; returns the network.

    For inherited weights, whose running statistics are those of a mixture of architectures. The
    network is a derived one, or a supernet inside `with supernet.active(architecture):`. Layers that
    their author froze keep theirs: those in eval mode in a network that is in training mode, or, of one in
    eval mode, those without a weight that takes gradients.

    batches: inputs, or (inputs, targets), moved to the network's device. Raises ValueError if there are none.
    """
    tracking = [norm for norm in moving(network) if norm.track_running_stats]
    momenta = [norm.momentum for norm in tracking]
    device, seen = device_of(network), False
    with _modes_kept(network), torch.no_grad():
        try:
            network.eval()  # all else as in a test: no dropout while statistics are taken
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


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[None]:
    """Eval mode inside the `with`; then every module is in the mode it was in."""
    with _modes_kept(module):
        module.eval()
        yield


def norms(module: nn.Module) -> list[Any]:
    """The layers that normalize by batch or instance statistics, and may track running ones; PyTorch's, or alike."""
    # among the module's own attributes: to ask a module for one that it lacks takes long, and there are thousands
    return [child for child in module.modules() if "track_running_stats" in vars(child)]


def moving(module: nn.Module) -> list[Any]:
    """The `norms` that are not frozen.

    Frozen is one in eval mode in a module that is in training mode. A module in eval mode as a whole does not
    show that; there, it is one all of whose weights are without gradients while others of the module have them.
    """
    if module.training:
        return [norm for norm in norms(module) if norm.training]
    if not any(parameter.requires_grad for parameter in module.parameters()):
        return norms(module)
    weights = [(norm, list(norm.parameters(recurse=False))) for norm in norms(module)]
    return [norm for norm, own in weights if not own or any(each.requires_grad for each in own)]


@contextmanager
def _modes_kept(module: nn.Module) -> Iterator[None]:
    modes = [(child, child.training) for child in module.modules()]
    try:
        yield
    finally:
        for child, training in modes:
            child.training = training
