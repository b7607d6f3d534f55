"""One-shot search: shared weights and the distribution over architectures, trained in turns."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from asng_core import ASNG, Candidate, checks

from . import distributed, search_state
from .budget import Budget, Cost, CostName, FrontPoint, budgets
from .normalization import device_of
from .shared_weights import Data, SharedWeights, memory_explained
from .supernet import Supernet

Loader = Iterable[Data]
MAX_FAILURES = 20  # steps in a row without a finite loss


@dataclass(frozen=True)
class SearchRecord:
    """What one step saw, and where it left the distribution.

    step: its number, from 1; train_loss: the mean over architectures.
    architectures: those validated, none during the warm-up, with `(n,)` valid_losses and, if there is a limit,
        `(n,)` costs, else `(0,)`.
    learning_rate: that of the weights' first group in this step; entropy, step_size: of the distribution after it.
    """

    step: int
    train_loss: float
    valid_losses: NDArray[np.float64]
    architectures: Sequence[Candidate]
    costs: NDArray[np.float64]
    learning_rate: float
    entropy: float
    step_size: float


class Search:
    """The alternating loop of one-shot search as an iterable of records; `break` whenever you like.

    Each step, `optimizer.population_size` architectures drawn from the distribution train the shared
    weights on one training batch (mean loss, one backward pass each); then as many fresh ones are
    ranked on one validation batch, and the distribution takes a natural-gradient step.

        search = Search(supernet, ASNG(supernet.space, population_size=2, seed=0), weights, criterion,
                        train_loader, valid_loader, steps=1000, scheduler=scheduler)
        for record in search:
            ...
        network = derive(search.judged, search.recommend())

    weights: a PyTorch optimizer of the supernet's parameters; scheduler: steps whenever these do.
    steps: all of them; of these, the first `warmup` train the weights alone. until_converged: end earlier,
        once every distribution has converged.
    criterion: (outputs, targets) -> mean loss. train_loader, valid_loader: batches `(inputs, targets)`,
        moved to the supernet's device; each starts over when it ends.
    set_to_none: False lets momentum and weight decay move weights outside the sampled paths too (as Akimoto
        et al. do). accumulate: training batches per weight step. clip: largest norm of the gradient.
    autocast: torch.bfloat16 runs forward passes and criterion in mixed precision.
    ema: decay, per step, of a moving average of the weights; validation judges the averaged ones.
    mirrored: draw ordered variables in antithetic pairs.
    cost, limit: "parameters", "multiply_adds" or a function of an architecture, and the most it may be; what
        costs more ranks behind all that does not. Several limits need as many optimizers, served in turns, and
        give a `front()` in one search.

    A weight step whose loss or, with `clip`, gradient is not finite is left out and counted in `n_skipped`; 20 steps
    in a row without a finite training loss, or without any finite validation loss, raise RuntimeError. Modules that
    were in eval mode when the search was built, such as frozen normalization, stay so.

    With `torch.distributed` initialized, every process builds the same search on its own share of the data: process 0's
    weights and distribution are taken, gradients and losses averaged; `state_dict`, `save` and `resume` are to be
    called on all of them. A process that fails, or goes its own way, stops all.

    Source: Akimoto et al., ICML 2019, algorithm 2.
    """

    def __init__(self, supernet: Supernet, optimizer: ASNG | Sequence[ASNG], weights: torch.optim.Optimizer,
                 criterion: Callable[[Any, Tensor], Tensor], train_loader: Loader, valid_loader: Loader, *, steps: int,
                 warmup: int = 0, until_converged: bool = False,
                 scheduler: torch.optim.lr_scheduler.LRScheduler | None = None, set_to_none: bool = True,
                 accumulate: int = 1, clip: float | None = None, autocast: torch.dtype | None = None,
                 ema: float | None = None, mirrored: bool = False, cost: CostName | Cost | None = None,
                 limit: float | Sequence[float] | None = None) -> None:
        self.budgets = budgets(supernet, optimizer, cost, limit)
        self.steps = checks.integer("Search(steps=...)", steps, minimum=1)
        self.warmup = checks.integer("Search(warmup=...)", warmup)
        if not 0 <= warmup <= steps:
            raise ValueError(f"Search(warmup=...) must be within 0..steps = {steps}, got {warmup}.")
        self.accumulate = checks.integer("Search(accumulate=...)", accumulate, minimum=1)
        if clip is not None:
            checks.real("Search(clip=...)", clip, above=0)
        if ema is not None:
            checks.real("Search(ema=...)", ema, above=0, below=1)
        if autocast not in (None, torch.bfloat16):
            raise ValueError(f"Search(autocast=...) must be None or torch.bfloat16, got {autocast}. "
                             "float16 would need its gradients scaled.")
        self.supernet, self.weights, self.scheduler, self.criterion = supernet, weights, scheduler, criterion
        self.train_loader, self.valid_loader = train_loader, valid_loader
        self.until_converged, self.mirrored, self.autocast = until_converged, mirrored, autocast
        self.shared = SharedWeights(supernet, weights, scheduler, set_to_none=set_to_none, clip=clip, ema=ema)
        self.step = self.n_failed_in_a_row = 0
        self.warned = False  # of a loader that cannot be resumed

    def __iter__(self) -> Iterator[SearchRecord]:
        search_state.share(self)
        self.shared.drop_gradients()  # an error may have left some
        train, valid = _Batches(self.train_loader, "train_loader"), _Batches(self.valid_loader, "valid_loader")
        while self.step < self.steps and not self._converged():
            yield self._next(train, valid)

    def _next(self, train: _Batches, valid: _Batches) -> SearchRecord:
        """One step."""
        device, validating = device_of(self.supernet), self.step >= self.warmup
        with distributed.together("loading data", device):
            batches = [train.next(device) for _ in range(self.accumulate)]
            held_out = valid.next(device) if validating else None
        budget = self.budgets[self.step % len(self.budgets)]
        optimizer, n_skipped = budget.optimizer, self.n_skipped
        learning_rate = float(self.weights.param_groups[0]["lr"])
        train_loss = self.shared.step(optimizer.sample(optimizer.population_size, mirrored=self.mirrored), batches,
                                      self._loss)
        failed, losses, costs = self.n_skipped > n_skipped, np.empty(0), np.empty(0)
        batch: Sequence[Candidate] = ()
        if held_out is not None:
            batch, losses, costs = self._validate(budget, held_out)
            failed = failed or not np.isfinite(losses).any()
        self.step += 1
        self._count(failed)
        return SearchRecord(self.step, train_loss, losses, batch, costs, learning_rate, optimizer.entropy,
                            optimizer.step_size)

    def _loss(self, net: nn.Module, data: Data) -> Tensor:
        x, y = data
        with nullcontext() if self.autocast is None else torch.autocast(x.device.type, self.autocast):
            return self.criterion(net(x), y)

    def _validate(self, budget: Budget, data: Data) -> tuple[Sequence[Candidate], NDArray[np.float64],
                                                             NDArray[np.float64]]:
        """Fresh architectures, their losses and costs, which have moved the distribution."""
        device = device_of(self.supernet)
        batch = budget.optimizer.ask(budget.optimizer.population_size, mirrored=self.mirrored)
        in_turn = iter(batch)

        def loss(net: nn.Module) -> Tensor:
            with memory_explained("validating", next(in_turn)):
                return self._loss(net, data)

        with distributed.together("validating", device):
            losses, costs = self.judged.losses(batch, loss), budget.costs(batch)
        losses = distributed.averaged(losses, device)
        budget.tell(batch, losses, costs)
        distributed.agree("the distribution over architectures", lambda: search_state.fingerprint(budget.optimizer),
                          device)
        return batch, losses, costs

    def _count(self, failed: bool) -> None:
        self.n_failed_in_a_row = self.n_failed_in_a_row + 1 if failed else 0
        if self.n_failed_in_a_row >= MAX_FAILURES:
            raise RuntimeError(f"{MAX_FAILURES} steps in a row, up to step {self.step}, had no finite training loss or "
                               "no finite validation loss. Lower the learning rate, set Search(clip=...), or look for "
                               "non-finite inputs.")

    def _converged(self) -> bool:
        return (self.until_converged and self.step >= self.warmup
                and all(budget.optimizer.converged for budget in self.budgets))

    @property
    def optimizer(self) -> ASNG:
        """The optimizer; with several limits, that of the first."""
        return self.budgets[0].optimizer

    @property
    def judged(self) -> Supernet:
        """The supernet to derive from: that of the averaged weights with `ema`, else the one given."""
        return self.shared.judged

    @property
    def n_skipped(self) -> int:
        """Weight steps left out, as their loss or gradient was not finite."""
        return self.shared.n_skipped

    def recommend(self) -> dict[str, Any]:
        """The architecture to derive: the mode, or the likeliest within the (first) limit.

        Raises RuntimeError if none within the limit is found.
        """
        return self.budgets[0].recommend()

    def front(self) -> list[FrontPoint]:
        """What to derive within each of the limits. Raises RuntimeError as `recommend` does."""
        return [budget.point() for budget in self.budgets]

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on; of a loader, what its own `state_dict()` tells."""
        return search_state.collect(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where `state_dict()` was taken, on the CPU bit for bit if the loaders have a state.

        Build the same search first. Raises ValueError, with nothing changed, for a state of another space, network,
        optimizer, scheduler, loader or number of processes; warns if PyTorch's version or its number of threads is
        another, which may change the last bits.
        """
        search_state.restore(self, state)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to one safetensors file, atomically; warns, once, of a loader without `state_dict()`."""
        search_state.save(self, path)

    def resume(self, path: str | os.PathLike[str]) -> None:
        """Continue from a file that `save` wrote. Raises FileNotFoundError, or ValueError if it is damaged."""
        search_state.resume(self, path)


class _Batches:
    """A loader's batches without end, its first pass begun at once."""

    def __init__(self, loader: Loader, name: str) -> None:
        self.loader, self.name = loader, name
        self._pass = iter(loader)

    def next(self, device: torch.device) -> Data:
        """The next batch, on the device."""
        batch = next(self._pass, None)
        if batch is None:
            self._pass = iter(self.loader)
            batch = next(self._pass, None)
        if batch is None:
            raise ValueError(f"Search({self.name}) must yield at least one batch, got none. Lower its batch size?")
        x, y = batch
        return x.to(device, non_blocking=True), y.to(device, non_blocking=True)
