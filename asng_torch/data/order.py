"""Which examples make up each batch, how far a pass has come, and whether a state fits: for both loaders."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

from asng_core import checks

Shard = tuple[int, int]


def seeded(*key: int) -> int:
    """A 64-bit seed that is a function of the key; close keys give unrelated seeds."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])


def generator(*key: int) -> torch.Generator:
    """A generator on the CPU whose stream is a function of the key: the same numbers for every device."""
    return torch.Generator().manual_seed(seeded(*key))


def fingerprint(values: Tensor) -> str:
    """A short text that tells one data split from another, of about a million of the values at most."""
    rows = values[:: max(1, values.numel() // 2**20)].detach().cpu().contiguous()
    return hashlib.blake2b(rows.reshape(-1).view(torch.uint8).numpy().tobytes(), digest_size=8).hexdigest()


class Order:
    """The order of `n` examples in epoch after epoch, cut into batches, and the position within it.

    The order of an epoch is a function of `seed` and the epoch's number alone. With shard = (rank,
    world_size) a batch of all processes together is the next `batch_size * world_size` examples, and
    process `rank` takes its contiguous `batch_size` of them: all ranks together see what one process
    with a batch that much larger sees.

    where: the loader's name, for error messages; data: the fingerprint of its examples.
    """

    def __init__(self, where: str, n: int, batch_size: int, *, shuffle: bool, seed: int, shard: Shard,
                 data: str) -> None:
        self.where, self.n, self.shuffle = where, n, checks.truth(f"{where}(shuffle=...)", shuffle)
        self.batch_size = checks.integer(f"{where}(batch_size=...)", batch_size)
        self.seed = checks.integer(f"{where}(seed=...)", seed, minimum=0)
        self.rank, self.world_size = (checks.integer(f"{where}(shard=...)", number) for number in shard)
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"{where}(shard=(rank, world_size)) must have 0 <= rank < world_size, got {shard}.")
        if n == 0:
            raise ValueError(f"{where} must have at least one example, got none. Is the split or the filter empty?")
        if not 1 <= batch_size <= n // self.world_size:
            of_each = "" if self.world_size == 1 else f" for each of {self.world_size} processes"
            raise ValueError(f"{where}(batch_size=...) must be within 1..{n // self.world_size}, "
                             f"the number of examples{of_each}, got {batch_size}.")
        self.together = self.batch_size * self.world_size
        if self.world_size > 1 and not shuffle and n % self.together:
            raise ValueError(f"{where}(shuffle=False) must divide {n} examples into whole batches of {self.batch_size} "
                             f"for {self.world_size} processes, got {n % self.together} left over. Shuffle (which "
                             "leaves them out), change batch_size, or let one process read them all.")
        self.data = data
        self.epoch = 0
        self.position = 0  # batches taken from this epoch

    def __len__(self) -> int:
        """Batches of an epoch: an incomplete last one is left out when shuffling."""
        full, rest = divmod(self.n, self.together)
        return full + (rest > 0 and not self.shuffle)

    def remaining(self) -> list[Tensor]:
        """This process's `(batch_size,)` indices of each batch of the epoch that was not yet taken."""
        order = torch.arange(self.n)
        if self.shuffle:
            # a prime above any number of epochs, so that no two pairs of seed and epoch meet
            epoch_seed = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**63)
            order = torch.randperm(self.n, generator=epoch_seed)
        # of every (batch_size * world_size,) indices, this process's contiguous (batch_size,)
        mine = slice(self.rank * self.batch_size, (self.rank + 1) * self.batch_size)
        return [batch[mine] for batch in order.split(self.together)[self.position : len(self)]]

    def take(self, epoch: int, position: int) -> None:
        """Note that the batch at `position` of `epoch` is given out."""
        ended, self.position = divmod(position + 1, len(self))
        self.epoch = epoch + ended

    def _identity(self) -> dict[str, Any]:
        return {"examples": self.n, "data": self.data, "global_batch_size": self.together, "shuffle": self.shuffle,
                "seed": self.seed}

    def state_dict(self) -> dict[str, Any]:
        """Where the pass stands, and what the order is a function of."""
        return {"epoch": self.epoch, "position": self.position, **self._identity()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the state was taken; the number of processes may differ, the batch of all together not.

        Raises ValueError, with nothing changed, for the state of another order or other data.
        """
        identity = self._identity()
        missing = sorted(({"epoch", "position"} | identity.keys()) - state.keys())
        if missing:
            raise ValueError(f"state must be what {self.where}.state_dict() returned, got one without {missing}.")
        differing = [f"{name} is {value!r} here, {state[name]!r} in the state"
                     for name, value in identity.items() if state[name] != value]
        if differing:
            raise ValueError(f"state must be of a {self.where} over the same examples in the same order: "
                             f"{'; '.join(differing)}. Build the loader as it was.")
        epoch = checks.integer('state["epoch"]', state["epoch"], minimum=0)
        position = checks.integer('state["position"]', state["position"], minimum=0)
        if position >= len(self):
            raise ValueError(f'state["position"] must be below {len(self)}, the batches of an epoch, got {position}.')
        self.epoch, self.position = epoch, position
