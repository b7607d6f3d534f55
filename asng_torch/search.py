"""One-shot search: shared weights and the distribution over architectures, trained in turns."""

from __future__ import annotations

import copy
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from asng_core import ASNG

from . import checkpoint
from .supernet import Supernet

_FORMAT = "asng_torch.Search"
Loader = Iterable[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class SearchRecord:
    """What one step saw: its number from 1, the mean training loss, the `(population,)` validation losses.

    During the warm-up nothing is validated: `(0,)` losses.
    """

    step: int
    train_loss: float
    valid_losses: NDArray[np.float64]


class Search:
    """The alternating loop of one-shot search as an iterable of records; `break` whenever you like.

    Each step, `optimizer.population_size` architectures drawn from the distribution train the shared
    weights on one training batch (mean loss, one backward pass each); then as many fresh ones are
    ranked on one validation batch, and the distribution takes a natural-gradient step.

        search = Search(supernet, ASNG(supernet.space, population_size=2, seed=0), weights, criterion,
                        train_loader, valid_loader, steps=1000, scheduler=scheduler)
        for record in search:
            ...
        network = derive(supernet, search.optimizer.mode())

    weights: a PyTorch optimizer of the supernet's parameters; scheduler: steps once a step.
    steps: all of them; of these, the first `warmup` train the weights alone.
    criterion: (outputs, targets) -> mean loss. train_loader, valid_loader: batches `(inputs, targets)`,
        moved to the supernet's device; each starts over when it ends.

    Source: Akimoto et al., ICML 2019, algorithm 2.
    """

    def __init__(self, supernet: Supernet, optimizer: ASNG, weights: torch.optim.Optimizer,
                 criterion: Callable[[Any, Tensor], Tensor], train_loader: Loader, valid_loader: Loader, *, steps: int,
                 warmup: int = 0, scheduler: torch.optim.lr_scheduler.LRScheduler | None = None) -> None:
        if optimizer.space != supernet.space:
            raise ValueError("Search(optimizer) must be over the supernet's space: ASNG(supernet.space, ...).")
        if steps < 1:
            raise ValueError(f"Search(steps=...) must be at least 1, got {steps}.")
        if not 0 <= warmup <= steps:
            raise ValueError(f"Search(warmup=...) must be within 0..steps = {steps}, got {warmup}.")
        self.supernet, self.optimizer, self.weights, self.criterion = supernet, optimizer, weights, criterion
        self.train_loader, self.valid_loader = train_loader, valid_loader
        self.steps, self.warmup, self.scheduler = steps, warmup, scheduler
        self.step = 0

    def __iter__(self) -> Iterator[SearchRecord]:
        train_batches = _endless(self.train_loader, "train_loader")
        valid_batches = _endless(self.valid_loader, "valid_loader")
        device = next(self.supernet.parameters()).device
        n = self.optimizer.population_size
        while self.step < self.steps:
            x, y = (part.to(device) for part in next(train_batches))
            train_loss, losses = self._weight_step(x, y, n), np.empty(0)
            if self.step >= self.warmup:
                x, y = (part.to(device) for part in next(valid_batches))
                batch = self.optimizer.ask(n)
                losses = self.supernet.losses(batch, partial(self._loss, x, y))
                self.optimizer.tell(batch, losses)
            self.step += 1
            yield SearchRecord(self.step, train_loss, losses)

    def _loss(self, x: Tensor, y: Tensor, net: nn.Module) -> Tensor:
        return self.criterion(net(x), y)

    def _weight_step(self, x: Tensor, y: Tensor, n: int) -> float:
        self.supernet.train()
        total = torch.zeros((), device=x.device)
        for architecture in self.optimizer.sample(n):
            with self.supernet.active(architecture):
                loss = self._loss(x, y, self.supernet) / n
                loss.backward()  # per architecture: one set of activations at a time
            total += loss.detach()
        self.weights.step()
        self.weights.zero_grad()
        if self.scheduler is not None:
            self.scheduler.step()
        return float(total)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on; of a loader, what its own `state_dict()` tells."""
        return {
            "format": _FORMAT, "version": 1, "step": self.step, "optimizer": self.optimizer.state_dict(),
            "supernet": copy.deepcopy(self.supernet.state_dict()), "weights": copy.deepcopy(self.weights.state_dict()),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "loaders": [loader.state_dict() if hasattr(loader, "state_dict") else None
                        for loader in (self.train_loader, self.valid_loader)],
            "torch_rng": torch.get_rng_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where `state_dict()` was taken, on the CPU bit for bit if the loaders have a state.

        Build the same search first. Raises ValueError, with nothing changed, for a state of another
        space, network, optimizer or scheduler.
        """
        before = self.state_dict()
        try:
            self._load(state)
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            self._load(before)
            reason = " ".join(str(error).split()[:40])  # PyTorch lists every tensor of another shape
            raise ValueError("state must be what Search.state_dict() returned for the same search: "
                             f"{reason}") from error

    def _load(self, state: dict[str, Any]) -> None:
        if (state["scheduler"] is None) != (self.scheduler is None):
            raise ValueError("one has a scheduler, the other has none.")
        self.optimizer.load_state_dict(state["optimizer"])
        self.supernet.load_state_dict(state["supernet"])
        self.weights.load_state_dict(state["weights"])
        if self.scheduler is not None:
            scheduler_state = dict(state["scheduler"])
            if "milestones" in scheduler_state:  # of MultiStepLR, a Counter that a file holds as a dict
                scheduler_state["milestones"] = Counter(scheduler_state["milestones"])
            self.scheduler.load_state_dict(scheduler_state)
        for loader, loader_state in zip((self.train_loader, self.valid_loader), state["loaders"], strict=True):
            if loader_state is not None and hasattr(loader, "load_state_dict"):
                loader.load_state_dict(loader_state)
        torch.set_rng_state(state["torch_rng"])
        self.step = state["step"]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to one safetensors file, atomically."""
        checkpoint.write(path, self.state_dict())

    def load(self, path: str | os.PathLike[str]) -> None:
        """Continue from a file that `save` wrote. Raises FileNotFoundError, or ValueError if it is damaged."""
        self.load_state_dict(checkpoint.read(path, _FORMAT))


def _endless(loader: Loader, name: str) -> Iterator[tuple[Tensor, Tensor]]:
    seen = True
    while seen:
        seen = False
        for batch in loader:
            seen = True
            yield batch
    raise ValueError(f"Search({name}) must yield at least one batch, got none. Lower its batch size?")
