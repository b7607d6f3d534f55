"""Measured time as a cost: of each architecture once."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping

import torch

from asng_core import checks

from ..networks.normalization import device_of, eval_mode
from ..supernet.architecture import Architecture
from ..supernet.derive import derive
from ..supernet.supernet import Supernet

_WARM_UP = 3  # passes in which caches fill and kernels are chosen


class Latency:
    """Seconds of a forward pass of the derived network in eval mode, on the supernet's device and its example.

    Each architecture is measured once, the median of `repeats` passes; `measured` keeps what was found, and
    `Search` saves it, so that a search that goes on sees the same numbers. Whatever else the machine does is in them.

    >>> from torch import nn
    >>> from asng_torch import LayerChoice
    >>> net = nn.Sequential(LayerChoice({"linear": nn.Linear(4, 4), "identity": nn.Identity()}))
    >>> latency = Latency(Supernet(net, example=torch.ones(1, 4)))
    >>> latency({"0": "linear"}) == latency({"0": "linear"})
    True
    """

    def __init__(self, supernet: Supernet, *, repeats: int = 20) -> None:
        self.supernet, self.repeats = supernet, checks.integer("Latency(repeats=...)", repeats, minimum=1)
        self.measured: dict[str, float] = {}  # codes of all variables, as text -> seconds

    def __call__(self, architecture: Architecture) -> float:
        key = self._key(architecture)
        if key not in self.measured:
            self.measured[key] = self._measure(architecture)
        return self.measured[key]

    def take(self, architecture: Architecture, seconds: float) -> None:
        """Let this be what was measured, as it was by another process."""
        self.measured[self._key(architecture)] = seconds

    def load(self, measured: Mapping[str, float]) -> None:
        """Take over what an earlier one has measured."""
        self.measured = dict(measured)

    def _key(self, architecture: Architecture) -> str:
        return json.dumps(list(self.supernet.codes(architecture).values()))

    def _measure(self, architecture: Architecture) -> float:
        device = device_of(self.supernet)
        call = self.supernet.meter.needed().zeros(device)
        network, seconds = derive(self.supernet, architecture), []
        with torch.no_grad(), eval_mode(network):
            for _ in range(_WARM_UP + self.repeats):
                _wait(device)
                before = time.perf_counter()
                call.run(network)
                _wait(device)
                seconds.append(time.perf_counter() - before)
        return statistics.median(seconds[_WARM_UP:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
