"""The loaders of a search: their batches without end, and where they stand, as far as they tell."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

Data = tuple[Tensor, Tensor]  # inputs and targets, the first dimension of both is the batch
Loader = Iterable[Data]


class Batches:
    """A loader's batches without end, its first pass begun at once."""

    def __init__(self, loader: Loader, name: str) -> None:
        self.loader, self.name = loader, name
        self._pass = iter(loader)

    def next(self, device: torch.device) -> Data:
        """The next batch, on the device."""
        batch = next(self._pass, None)
        if batch is None:  # the end of an epoch
            self._pass = iter(self.loader)
            batch = next(self._pass, None)
        if batch is None:
            raise ValueError(f"Search({self.name}) must yield at least one batch, got none. Lower its batch size?")
        x, y = batch
        return x.to(device, non_blocking=True), y.to(device, non_blocking=True)


def position(loader: Loader) -> Any:
    """Where a loader stands; None if it does not tell."""
    return loader.state_dict() if hasattr(loader, "state_dict") else None


def go_to(loader: Loader, position: Any, name: str) -> None:
    """Let a loader go on from there. Raises ValueError if it cannot."""
    if position is not None:
        if not hasattr(loader, "load_state_dict"):
            raise ValueError(f"its {name} could be resumed, that of this search has no load_state_dict().")
        loader.load_state_dict(position)


def warn_of_lost_positions(loaders: Mapping[str, Loader]) -> bool:
    """Whether there are loaders that do not tell where they stand, after a warning that names them."""
    without = [name for name, loader in loaders.items() if not hasattr(loader, "state_dict")]
    if without:
        warnings.warn(f"Search({' and '.join(without)}) has no state_dict(), so a resumed search will see other "
                      "batches than an uninterrupted one. Use asng_torch.data's loaders, or one with a state_dict().",
                      UserWarning, stacklevel=3)
    return bool(without)
