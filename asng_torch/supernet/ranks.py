"""Processes of one's own loop that train different architectures as if they were one: noticed where DDP shows it.

`DistributedDataParallel` gives every process the buffers of process 0 before each forward pass. So the supernet has one
that says which architecture is active: where it then says another, process 0 runs another. It costs no message of its
own, is in no `state_dict`, and does nothing without DDP or with `broadcast_buffers=False`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

_FIRST, _EVERY = 16, 50  # passes after which a GPU is waited for: where seeds differ, the first ones show it


class Ranks:
    """What this process has said is active, and whether it still stands there."""

    def __init__(self) -> None:
        self.said: int | None = None  # as a number; None without other processes
        self._passes = 0

    def say(self, active: Tensor, codes: Sequence[float]) -> None:
        """Write the architecture that becomes active into the buffer."""
        self.said = zlib.crc32(repr(codes).encode())
        active.fill_(self.said)

    def hear(self, active: Tensor) -> None:
        """In a forward pass. Raises RuntimeError if process 0 has put another architecture there."""
        if torch.compiler.is_compiling():
            return
        self._passes += 1
        if active.device.type != "cpu" and self._passes > _FIRST and self._passes % _EVERY:
            return
        if int(active) != self.said:
            raise RuntimeError(
                f"process {dist.get_rank()} runs another architecture than process 0, so their gradients are of "
                "different networks. Give every process the same: an ASNG of the same seed in each, told the same "
                "losses (averaged over processes); or draw on process 0 and send it "
                "(torch.distributed.broadcast_object_list).")

    def __deepcopy__(self, memo: Any) -> Ranks:
        return Ranks()
