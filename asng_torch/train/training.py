"""Train a network from scratch."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from .. import checkpoint
from ..networks.layers import set_drop_path
from ..networks.normalization import device_of
from .settings import TrainSettings, cosine, drops

_FORMAT, _VERSION = "asng_torch.Training", 1
_MOMENTUM = 0.9  # of SGD, in all presets
Criterion = Callable[[Any, Tensor], Tensor]


class Loader(Protocol):
    """Batches `(inputs, targets)` of known number: a DataLoader or a TensorLoader."""

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]: ...

    def __len__(self) -> int: ...


def train(network: nn.Module, loader: Loader, *, epochs: int, learning_rate: float,
          weight_decay: float = 5e-4, progress: bool = False) -> list[float]:
    """SGD with Nesterov momentum 0.9 and cosine annealing over all steps; the mean loss of each epoch.

    >>> inputs, labels = torch.tensor([[-1.0], [1.0]]), torch.tensor([0, 1])
    >>> losses = train(nn.Linear(1, 2), [(inputs, labels)], epochs=5, learning_rate=0.5)
    >>> losses[-1] < losses[0]
    True

    loader: batches `(inputs, labels)`, moved to the network's device; `len(loader)` is their number.
    `Training` is the same with all settings, and can be resumed.
    """
    settings = TrainSettings(epochs, 0, learning_rate, nesterov=True, weight_decay=weight_decay)  # 0: the loader's
    return list(tqdm(Training(network, loader, settings), total=epochs, desc="train", unit="epoch",
                     disable=not progress))


class Training:
    """A network trained from scratch, as an iterable of the epochs' mean losses; `break` whenever you like.

    After any epoch it can be saved, and resumed in another process; on the CPU bit for bit, if the
    loader has a `state_dict()` or the same order in every epoch.

    loader: batches `(inputs, targets)`, moved to the network's device; `len(loader)` is their number,
        and in place of `settings.batch_size` and `.augment` its own hold.
    criterion: (outputs, targets) -> mean loss. Of a network that in training returns a pair, the second
        output is that of an auxiliary head: its loss counts `settings.auxiliary` times.
    autocast: the type to compute in, for one `torch.bfloat16`; None leaves it to the weights.

    A network without parameters is run alike, and stays as it is. Raises ValueError for a loader without batches,
    FloatingPointError when the loss of an epoch is not finite.
    """

    def __init__(self, network: nn.Module, loader: Loader, settings: TrainSettings, *,
                 criterion: Criterion = nn.functional.cross_entropy, autocast: torch.dtype | None = None) -> None:
        # without any there is nothing to move, but losses to tell all the same
        parameters = list(network.parameters()) or [nn.Parameter(torch.zeros(()))]
        if not len(loader):
            raise ValueError("Training(loader) must have at least one batch, got none. "
                             "Is its batch size larger than its data?")
        self.network, self.loader, self.settings = network, loader, settings
        # what its author froze in eval mode; of a network that is in eval mode as a whole, nothing
        self._frozen = [module for module in network.modules() if not module.training] if network.training else []
        self.criterion, self.autocast = criterion, autocast
        self.losses: list[float] = []  # one for each epoch done
        self._optimizer: torch.optim.Optimizer
        if settings.optimizer == "adam":
            self._optimizer = torch.optim.Adam(parameters, settings.learning_rate, weight_decay=settings.weight_decay)
        else:
            self._optimizer = torch.optim.SGD(parameters, settings.learning_rate, momentum=_MOMENTUM,
                                              weight_decay=settings.weight_decay, nesterov=settings.nesterov)
        schedule = cosine if settings.schedule == "cosine" else drops
        self._schedule = schedule(self._optimizer, settings.epochs * len(loader))

    def __iter__(self) -> Iterator[float]:
        while len(self.losses) < self.settings.epochs:
            loss = self._epoch(len(self.losses))
            if not math.isfinite(loss):
                raise FloatingPointError(f"the mean training loss of epoch {len(self.losses) + 1} is {loss}. Lower the "
                                         "learning rate, clip the gradients, or train without autocast.")
            self.losses.append(loss)
            yield loss

    def _epoch(self, epoch: int) -> float:
        self.network.train()
        for module in self._frozen:
            module.training = False
        # from 0 in the first epoch, linearly towards settings.drop_path, which the epoch after the last would have
        set_drop_path(self.network, self.settings.drop_path * epoch / self.settings.epochs)
        device, batches = device_of(self.network), 0
        total = torch.zeros((), device=device)  # stays on the device: a step need not wait for it
        for x, y in self.loader:
            with torch.autocast(device.type, self.autocast, enabled=self.autocast is not None):
                loss = self._loss(x.to(device), y.to(device))
            self._optimizer.zero_grad()
            if loss.requires_grad:  # else the network has no parameters
                loss.backward()
            if self.settings.clip is not None:
                nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
            self._optimizer.step()
            self._schedule.step()  # anneals over steps, not epochs
            total += loss.detach()
            batches += 1
        if not batches:
            raise ValueError("Training(loader) must yield at least one batch in every epoch, got none. "
                             "Is it an iterator that has ended? Make it one that starts over.")
        return float(total) / batches

    def _loss(self, x: Tensor, y: Tensor) -> Tensor:
        outputs = self.network(x)
        if not isinstance(outputs, tuple):
            return self.criterion(outputs, y)
        return self.criterion(outputs[0], y) + self.settings.auxiliary * self.criterion(outputs[1], y)

    def state_dict(self) -> dict[str, Any]:
        """Everything the next epoch depends on; take it between two epochs."""
        device = device_of(self.network)
        return {
            "format": _FORMAT, "version": _VERSION, "settings": asdict(self.settings), "losses": list(self.losses),
            "network": copy.deepcopy(self.network.state_dict()),
            "optimizer": copy.deepcopy(self._optimizer.state_dict()), "schedule": self._schedule.state_dict(),
            "loader": self.loader.state_dict() if hasattr(self.loader, "state_dict") else None,
            "torch_rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the state was taken, with the same network, loader and settings.

        Raises ValueError for a state that does not fit; then build all three anew.
        """
        try:
            if state["version"] != _VERSION:
                raise ValueError(f"its version is {state['version']!r}, but this release reads {_VERSION}. Go on with "
                                 "the release that wrote it, or begin anew.")
            mine = asdict(self.settings)
            differing = [f"{name} is {mine[name]!r} here, {value!r} in the state"
                         for name, value in state["settings"].items() if mine[name] != value]
            if differing:
                raise ValueError("; ".join(differing) + ".")
            self.network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._schedule.load_state_dict(state["schedule"])
            if state["loader"] is not None and hasattr(self.loader, "load_state_dict"):
                self.loader.load_state_dict(state["loader"])
            losses = [float(loss) for loss in state["losses"]]
            torch.set_rng_state(state["torch_rng"])
            device = device_of(self.network)
            if device.type == "cuda" and state["cuda_rng"] is not None:
                torch.cuda.set_rng_state(state["cuda_rng"], device)
        except (LookupError, TypeError, ValueError, RuntimeError, AttributeError, ArithmeticError) as error:
            reason = " ".join(str(error).split()[:40])  # PyTorch lists every tensor of another shape
            raise ValueError("state must be what Training.state_dict() returned for the same network, loader and "
                             f"settings: {reason}") from error
        self.losses = losses

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to one safetensors file, atomically."""
        checkpoint.write(path, self.state_dict())

    def resume(self, path: str | os.PathLike[str]) -> None:
        """Go on from a file that `save` wrote. Raises FileNotFoundError, or ValueError if it is damaged."""
        self.load_state_dict(checkpoint.read(path, _FORMAT))
