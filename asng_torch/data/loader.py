"""Mini-batches of data that fits in memory, on the device, in a reproducible order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from .augment import Augment
from .order import Order, Shard, fingerprint, generator


class TensorLoader:
    """Shuffled mini-batches `(inputs, targets)` of two tensors, wherever these live.

    The order of an epoch is a function of `seed` and the epoch's number alone. A pass that was left
    early is gone on with by the next one, which takes the very next batch; `state_dict()` tells epoch
    and position, so that this holds for an interrupted run too.

    inputs, targets: `(n, ...)` tensors. An incomplete last batch is left out when shuffling.
    augment: applied to the inputs of each batch, `(n, channels, height, width)` images; what befalls
        an example is a function of seed, epoch and example.
    shard: (rank, world_size) of this process; `batch_size` is that of one process. Together the ranks
        see what one process with `batch_size * world_size` sees.
    """

    def __init__(self, inputs: Tensor, targets: Tensor, batch_size: int, *, shuffle: bool = True, seed: int = 0,
                 augment: Augment | None = None, shard: Shard = (0, 1)) -> None:
        for name, value in (("inputs", inputs), ("targets", targets)):
            if not isinstance(value, Tensor):
                raise TypeError(f"TensorLoader({name}) must be a tensor, got {type(value).__name__}. Use "
                                "torch.as_tensor(...), or ResumableLoader for a Dataset.")
        if len(inputs) != len(targets):
            raise ValueError("TensorLoader(inputs, targets) must have equal lengths, "
                             f"got {len(inputs)} and {len(targets)}.")
        if inputs.device != targets.device:
            raise ValueError("TensorLoader(inputs, targets) must be on one device, "
                             f"got {inputs.device} and {targets.device}. Move one with .to(...).")
        if augment is not None and inputs.ndim != 4:
            raise ValueError("TensorLoader(augment=...) must get (n, channels, height, width) images, "
                             f"got inputs of shape {tuple(inputs.shape)}.")
        self.inputs, self.targets, self.augment, self.shard = inputs, targets, augment, shard
        self._order = Order("TensorLoader", len(inputs), batch_size, shuffle=shuffle, seed=seed, shard=shard,
                            data=fingerprint(targets))
        self.shuffle = self._order.shuffle

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return len(self._order)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order, device = self._order, self.inputs.device
        epoch, start = order.epoch, order.position
        draws = None
        if self.augment is not None:  # for all examples at once: no matter which batch or process takes which
            height, width = self.inputs.shape[2:]
            # (n, 5): row i belongs to example i
            draws = self.augment.draw(order.n, height, width, generator(order.seed, epoch)).to(device)
        for position, batch in enumerate(order.remaining(), start):
            batch = batch.to(device)  # (batch_size,) indices
            order.take(epoch, position)  # before it is given out: a state taken meanwhile counts it
            inputs = self.inputs[batch]
            if self.augment is not None and draws is not None:
                inputs = self.augment(inputs, draws[batch])
            yield inputs, self.targets[batch]

    def state_dict(self) -> dict[str, Any]:
        """Epoch, number of batches taken from it, and what the order is a function of."""
        return self._order.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Make the next pass go on where the state was taken.

        Raises ValueError, with nothing changed, for the state of another order or other targets.
        """
        self._order.load_state_dict(state)
