"""Mini-batches of data that fits in memory, on the device, in a reproducible order."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


class TensorLoader:
    """Shuffled mini-batches `(inputs, targets)` of two tensors, wherever these live.

    The order of an epoch is a function of `seed` and the epoch's number alone. A pass that was left
    early is gone on with by the next one, which takes the very next batch; `state_dict()` tells epoch
    and position, so that this holds for an interrupted run too.

    inputs, targets: `(n, ...)` tensors. An incomplete last batch is left out when shuffling.
    """

    def __init__(self, inputs: Tensor, targets: Tensor, batch_size: int, *, shuffle: bool = True,
                 seed: int = 0) -> None:
        if len(inputs) != len(targets):
            raise ValueError("TensorLoader(inputs, targets) must have equal lengths, "
                             f"got {len(inputs)} and {len(targets)}.")
        if not 1 <= batch_size <= len(inputs):
            raise ValueError(f"TensorLoader(batch_size=...) must be within 1..{len(inputs)}, the number of examples, "
                             f"got {batch_size}.")
        self.inputs, self.targets, self.batch_size, self.shuffle, self.seed = inputs, targets, batch_size, shuffle, seed
        self.epoch = 0
        self._position = 0

    def __len__(self) -> int:
        full, rest = divmod(len(self.inputs), self.batch_size)
        return full + (rest > 0 and not self.shuffle)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.arange(len(self.inputs))
        if self.shuffle:
            generator = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**63)
            order = torch.randperm(len(order), generator=generator)
        order = order.to(self.inputs.device)
        epoch = self.epoch
        for position in range(self._position, len(self)):
            batch = order[position * self.batch_size : (position + 1) * self.batch_size]
            ended, self._position = divmod(position + 1, len(self))
            self.epoch = epoch + ended
            yield self.inputs[batch], self.targets[batch]

    def state_dict(self) -> dict[str, int]:
        """Epoch and number of batches taken from it."""
        return {"epoch": self.epoch, "position": self._position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Make the next pass go on where the state was taken."""
        self.epoch, self._position = state["epoch"], state["position"]
