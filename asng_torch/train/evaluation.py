"""Accuracy of a network, and by which statistics its batch normalization divides meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..networks.normalization import batch_statistics, device_of, eval_mode, recalibrate

BatchNorm = Literal["tracked", "batch", "recalibrated"]


def evaluate(network: nn.Module, loader: Iterable[tuple[Tensor, Tensor]], *, batch_norm: BatchNorm = "tracked",
             calibration: Iterable[tuple[Tensor, Any]] | None = None) -> float:
    """Accuracy in [0, 1], in eval mode; every module is left in the mode it was in.

    >>> evaluate(nn.Identity(), [(torch.tensor([[0.0, 1.0], [3.0, 2.0]]), torch.tensor([1, 1]))])
    0.5

    network: a plain one, or a supernet inside `with supernet.active(architecture):`.
    loader: batches `(inputs, labels)`, moved to the network's device.
    batch_norm: what batch normalization divides by. "tracked": its running statistics. "batch": those of each
        batch. "recalibrated": running statistics computed anew over the batches of `calibration`, which the
        network then keeps; for inherited weights, whose own are those of a mixture of architectures.

    Raises ValueError if the loader yields no batch, or for another policy.
    """
    device, right, n = device_of(network), 0, 0
    with normalizing(network, batch_norm, calibration), torch.no_grad():
        for x, y in loader:
            # (n, classes) logits, (n,) labels
            right += int((network(x.to(device)).argmax(dim=1) == y.to(device)).sum())
            n += len(y)
    if not n:
        raise ValueError("evaluate(loader) must yield at least one batch, got none. Is the data or the split empty?")
    return right / n


def normalizing(network: nn.Module, batch_norm: BatchNorm,
                calibration: Iterable[tuple[Tensor, Any]] | None = None) -> AbstractContextManager[None]:
    """Eval mode inside the `with`, batch normalization by a policy of `evaluate`."""
    if batch_norm not in ("tracked", "batch", "recalibrated"):
        raise ValueError(f"batch_norm must be 'tracked', 'batch' or 'recalibrated', got {batch_norm!r}.")
    if (batch_norm == "recalibrated") != (calibration is not None):
        raise ValueError(f"batch_norm={batch_norm!r} must {'' if calibration is None else 'not '}come with "
                         "calibration=, batches of training data for 'recalibrated' alone.")
    if calibration is not None:  # for good, as the statistics belong to the weights
        recalibrate(network, calibration)
    return batch_statistics(network) if batch_norm == "batch" else eval_mode(network)
