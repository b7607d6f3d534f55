"""The loss of a network on a batch, as a search takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from asng_core import checks

from ..networks.normalization import device_of

Criterion = Callable[[Any, Any], Tensor]  # of outputs and targets
Closure = Callable[[nn.Module, Any], Tensor]  # of a network and a batch
_TYPES = (torch.bfloat16, torch.float16)


class Objective:
    """`criterion(net(inputs), targets)` of batches (inputs, targets); or `closure(net, batch)` of any batch; or the
    network's own loss, `net(**batch).loss`. Inputs that are a mapping are given by keywords.

    autocast: the type that forward passes and loss are computed in, if not that of the weights.
    """

    def __init__(self, criterion: Criterion | None, closure: Closure | None, autocast: torch.dtype | None) -> None:
        if criterion is not None and closure is not None:
            raise ValueError("Search(criterion, closure=...) must not both be given: closure(net, batch) is the whole "
                             "loss. Pass None for the criterion.")
        for name, function in (("criterion", criterion), ("closure=...", closure)):
            if function is not None and not callable(function):
                raise TypeError(f"Search({name}) must be a function, or None, got {checks.shown(function)}.")
        if autocast not in (None, *_TYPES):
            raise ValueError(f"Search(autocast=...) must be None, torch.bfloat16 or torch.float16, got {autocast}.")
        self.criterion, self.closure, self.autocast = criterion, closure, autocast

    def __call__(self, net: nn.Module, batch: Any) -> Tensor:
        with nullcontext() if self.autocast is None else torch.autocast(device_of(net).type, self.autocast):
            if self.closure is not None:
                return _single(self.closure(net, batch), "closure=...")
            if self.criterion is None:
                return _own(_called(net, batch))
            inputs, targets = batch
            return _single(self.criterion(_called(net, inputs), targets), "criterion")


def _single(loss: Any, argument: str) -> Tensor:
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        got = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise TypeError(f"Search({argument}) must return the mean loss, a tensor of one number, got {got}.")
    return loss


def _called(net: nn.Module, inputs: Any) -> Any:
    return net(**inputs) if isinstance(inputs, Mapping) else net(inputs)


def _own(outputs: Any) -> Tensor:
    """The loss that a network has taken itself."""
    loss = outputs.get("loss") if isinstance(outputs, Mapping) else getattr(outputs, "loss", None)
    if not isinstance(loss, Tensor):
        raise TypeError("Search(criterion) is None, so the network must return its loss, as outputs.loss or "
                        f"outputs['loss'], got {type(outputs).__name__}. Are there labels in the batch? Or give a "
                        "criterion, or closure=(net, batch) -> loss.")
    return loss
