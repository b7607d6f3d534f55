"""Any map-style Dataset by way of PyTorch's DataLoader: the same batches for any number of workers, resumable."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sized
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from asng_core import checks

from .order import Order, Shard, fingerprint, seeded


class ResumableLoader:
    """Batches of a Dataset, in an order that is a function of `seed` and the epoch's number alone.

    Each example is fetched with the random states of torch, `random` and NumPy set to a function of
    seed, epoch and index, and put back after: random transforms give the same, bit for bit, for any
    number of workers and from any position, and nothing outside notices. (A generator of the dataset's
    own cannot be reached: let transforms draw from the global ones.) A pass that was left early is gone
    on with by the next one; batches that were taken before are not loaded again.

    dataset: has a length and `dataset[index]`. `state_dict()` tells its examples apart by their number, the
        `indices` of a Subset and by `targets` or `labels`, as torchvision's data sets have them.
    shuffle, seed, shard: as in TensorLoader; an incomplete last batch is left out when shuffling.
    options: go to torch.utils.data.DataLoader: `collate_fn`, `pin_memory`, `persistent_workers`, ...
    """

    def __init__(self, dataset: Dataset[Any], batch_size: int, *, shuffle: bool = True, seed: int = 0,
                 num_workers: int = 0, shard: Shard = (0, 1), **options: Any) -> None:
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise TypeError("ResumableLoader(dataset) must have a length and dataset[index], got "
                            f"{type(dataset).__name__}. Of a stream, no position can be found again.")
        num_workers = checks.integer("ResumableLoader(num_workers=...)", num_workers, minimum=0)
        self.dataset, self.shard = dataset, shard
        self._order = Order("ResumableLoader", len(cast(Sized, dataset)), batch_size, shuffle=shuffle, seed=seed,
                            shard=shard, data=_told(dataset))
        self.shuffle = self._order.shuffle
        self._loader: DataLoader[Any] = DataLoader(
            _Seeded(dataset, self._order.seed), batch_sampler=_Keys(self._order), num_workers=num_workers,
            generator=torch.Generator(),  # else every pass draws from the global one
            **options)

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return len(self._order)

    def __iter__(self) -> Iterator[Any]:
        epoch, start = self._order.epoch, self._order.position
        for position, batch in enumerate(self._loader, start):  # workers fetch ahead: count what is given out
            self._order.take(epoch, position)
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Epoch, number of batches taken from it, and what the order is a function of."""
        return self._order.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Make the next pass go on where the state was taken.

        Raises ValueError, with nothing changed, for the state of another order or other examples.
        """
        self._order.load_state_dict(state)


class _Keys:
    """For each batch that remains, the (epoch, index) of its examples."""

    def __init__(self, order: Order) -> None:
        self.order = order

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch = self.order.epoch
        return iter([[(epoch, index) for index in batch.tolist()] for batch in self.order.remaining()])


class _Seeded(Dataset[Any]):
    """The dataset by (epoch, index), each example under a random state of its own."""

    def __init__(self, dataset: Dataset[Any], seed: int) -> None:
        self.dataset, self.seed = dataset, seed

    def __getitem__(self, key: tuple[int, int]) -> Any:
        with _randomness(seeded(self.seed, *key)):
            return self.dataset[key[1]]


@contextlib.contextmanager
def _randomness(seed: int) -> Iterator[None]:
    """Torch on the CPU, `random` and NumPy seeded within, and as before after."""
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()  # transforms draw from it
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would touch every device's
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        random.setstate(states[1])
        np.random.set_state(states[2])


def _told(dataset: Dataset[Any]) -> str:
    """What tells the examples of a dataset apart, without fetching one."""
    parts = []  # a data set without targets is told apart by its length alone
    if isinstance(dataset, Subset):
        parts.append(fingerprint(torch.as_tensor(dataset.indices)))
        dataset = dataset.dataset
    targets = next((getattr(dataset, name) for name in ("targets", "labels") if hasattr(dataset, name)), None)
    if isinstance(targets, (list, tuple, np.ndarray, Tensor)):
        with contextlib.suppress(TypeError, ValueError):  # targets of another kind, of uneven lengths for one
            parts.append(fingerprint(torch.as_tensor(targets)))
    return "-".join(parts)
