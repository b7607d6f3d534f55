"""The loaders of a search: their batches without end, and where they stand, as far as they tell."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

Data = Any  # a batch: tensors in tuples, lists, mappings, dataclasses, or in what has a method `to`
Loader = Iterable[Data] | Mapping[str, Iterable[Data]]  # one source of batches, or several by name


class Batches:
    """A loader's batches without end, its first pass begun at once; of several loaders, a dict of theirs."""

    def __init__(self, loader: Loader, name: str) -> None:
        self.loader, self.name = loader, name
        self._several: dict[str, Batches] | None = None
        if isinstance(loader, Mapping):
            self._several = {key: Batches(each, f"{name}[{key!r}]") for key, each in loader.items()}
        else:
            self._pass = iter(loader)

    def next(self, device: torch.device) -> Data:
        """The next batch, on the device."""
        if self._several is not None:
            return {key: each.next(device) for key, each in self._several.items()}
        batch = next(self._pass, None)
        if batch is None:  # the end of an epoch
            self._pass = iter(self.loader)
            batch = next(self._pass, None)
        if batch is None:
            raise ValueError(f"Search({self.name}) must yield at least one batch, got none. Lower its batch size?")
        return moved(batch, device)


def moved(batch: Data, device: torch.device) -> Data:
    """The batch in its own structure, all tensors in it on the device; anything else stays as it is."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if callable(getattr(batch, "to", None)):  # a BatchEncoding, a graph
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {key: moved(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(moved(value, device) for value in batch))
    if isinstance(batch, (tuple, list)):
        return type(batch)(moved(value, device) for value in batch)
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        fields = [field.name for field in dataclasses.fields(batch) if field.init]
        return dataclasses.replace(batch, **{name: moved(getattr(batch, name), device) for name in fields})
    return batch


def position(loader: Loader) -> Any:
    """Where a loader stands; None if it does not tell."""
    if isinstance(loader, Mapping):
        return {key: position(each) for key, each in loader.items()}
    return loader.state_dict() if hasattr(loader, "state_dict") else None


def go_to(loader: Loader, position: Any, name: str) -> None:
    """Let a loader go on from there. Raises ValueError if it cannot."""
    if isinstance(loader, Mapping):
        if not isinstance(position, Mapping) or position.keys() != loader.keys():
            raise ValueError(f"its {name} was of other sources than {list(loader)}.")
        for key, each in loader.items():
            go_to(each, position[key], f"{name}[{key!r}]")
    elif position is not None:
        if not hasattr(loader, "load_state_dict"):
            raise ValueError(f"its {name} could be resumed, that of this search has no load_state_dict().")
        loader.load_state_dict(position)


def warn_of_lost_positions(loaders: Mapping[str, Loader]) -> bool:
    """Whether there are loaders that do not tell where they stand, after a warning that names them."""
    every = [(name, each) for name, loader in loaders.items()
             for each in (loader.values() if isinstance(loader, Mapping) else [loader])]
    without = list(dict.fromkeys(name for name, each in every if not hasattr(each, "state_dict")))
    if without:
        warnings.warn(f"Search({' and '.join(without)}) has no state_dict(), so a resumed search will see other "
                      "batches than an uninterrupted one. Use asng_torch.data's loaders, or one with a state_dict().",
                      UserWarning, stacklevel=3)
    return bool(without)
