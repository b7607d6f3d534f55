"""One-shot search: shared weights and the distribution over architectures, trained in turns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from asng_core import ASNG, Candidate, checks

from .. import checkpoint
from ..networks.normalization import device_of
from ..supernet.supernet import Supernet, fetched
from . import distributed, saved
from .batches import Batches, Data, Loader, go_to, position, warn_of_lost_positions
from .budget import Budget, CostFunction, CostName, FrontPoint, budgets
from .failures import Failures
from .interrupts import held_back, whole_steps
from .objective import Closure, Criterion, Objective
from .records import SearchRecord
from .shared_weights import SharedWeights, memory_explained


class Search:
    """The alternating loop of one-shot search as an iterable of records; `break` whenever you like.

    Each step, `optimizer.population_size` architectures drawn from the distribution train the shared
    weights on one training batch (mean loss, one backward pass each); then as many fresh ones are
    ranked on one validation batch, and the distribution takes a natural-gradient step.

    >>> from asng_torch import LayerChoice, derive
    >>> supernet = Supernet(nn.Sequential(LayerChoice({"plain": nn.Linear(4, 2), "free": nn.Linear(4, 2, bias=False)})))
    >>> batches = [(torch.ones(8, 4), torch.zeros(8, dtype=torch.long))]
    >>> search = Search(supernet, ASNG(supernet.space, population_size=2, seed=0), torch.optim.SGD(
    ...     supernet.parameters(), lr=0.1), nn.functional.cross_entropy, batches, batches, steps=5)
    >>> records = list(search)
    >>> network = derive(search.judged, search.recommend())

    weights: a PyTorch optimizer of the supernet's parameters; scheduler: steps whenever these do.
    steps: all; the first `warmup` train the weights alone. until_converged: end once every distribution has converged.
    criterion: (outputs, targets) -> mean loss, for batches (inputs, targets); None for a network that returns its
        loss, as `net(**batch).loss`. closure: instead, (net, batch) -> mean loss, for batches of any kind.
    train_loader, valid_loader: batches, moved to the supernet's device; each starts over when it ends. A dict of
        loaders gives dicts of their batches.
    set_to_none: False lets momentum and weight decay move weights outside the sampled paths too (as Akimoto et al. do).
    accumulate: training batches per weight step. clip: largest norm of the gradient. autocast: torch.bfloat16 or
        float16, with its gradients scaled, runs forward passes and loss in mixed precision.
    stochastic: validation leaves dropout as it is, the same for all candidates. mirrored: draw antithetic pairs.
    ema: decay, per step, of a moving average of the weights; validation judges the averaged ones.
    cost, limit: a field of `Cost`, "latency" or a function of an architecture, and the most it may be; what
        costs more ranks behind all that does not. Several limits need as many optimizers, served in turns, and
        give a `front()` in one search.
    timeout: seconds that a process waits for the others (Gloo; NCCL has `init_process_group(timeout=...)`), 30 min.

    A weight step whose loss or, with `clip`, gradient is not finite is left out and counted in `n_skipped`; 20 steps
    in a row without a finite training loss, or without any finite validation loss, raise RuntimeError. Modules that
    were in eval mode when the search was built, such as frozen normalization, stay so.

    With `torch.distributed` initialized, every process builds the same search on its own part of the data: process 0's
    weights and distribution are taken, gradients and losses averaged; `state_dict`, `save` and `resume` are to be
    called on all of them. A process that fails, dies, hangs, or goes its own way, stops all, by an error that names it.
    Ctrl-C during a step is raised when the loop asks for the next one: what is saved then goes on as if uninterrupted.
    Source: Akimoto et al., ICML 2019, algorithm 2.
    """

    def __init__(self, supernet: Supernet, optimizer: ASNG | Sequence[ASNG], weights: torch.optim.Optimizer,
                 criterion: Criterion | None, train_loader: Loader, valid_loader: Loader, *, steps: int,
                 closure: Closure | None = None, stochastic: bool = False, warmup: int = 0,
                 until_converged: bool = False, set_to_none: bool = True,
                 scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
                 accumulate: int = 1, clip: float | None = None, autocast: torch.dtype | None = None,
                 ema: float | None = None, mirrored: bool = False, cost: CostName | CostFunction | None = None,
                 limit: float | Sequence[float] | None = None, timeout: float = distributed.TIMEOUT) -> None:
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
        self.timeout = checks.real("Search(timeout=...)", timeout, above=0)
        self.objective = Objective(criterion, closure, autocast)
        self.supernet, self.weights, self.scheduler = supernet, weights, scheduler
        self.train_loader, self.valid_loader = train_loader, valid_loader
        self.until_converged = checks.truth("Search(until_converged=...)", until_converged)
        self.mirrored = checks.truth("Search(mirrored=...)", mirrored)
        self.stochastic = checks.truth("Search(stochastic=...)", stochastic)
        set_to_none = checks.truth("Search(set_to_none=...)", set_to_none)
        self.shared_weights = SharedWeights(supernet, weights, scheduler, set_to_none=set_to_none, clip=clip, ema=ema,
                                            scaled=autocast is torch.float16)
        self.step, self.failures, self._losses_here = 0, Failures(), np.empty(0)
        self.broken_off: int | None = None  # the first step that an error ended half way
        self.warned = False  # of a loader that cannot be resumed

    def __iter__(self) -> Iterator[SearchRecord]:
        self.shared_weights.broadcast()  # all processes begin with process 0's weights, buffers and distributions
        for budget in self.budgets if distributed.world_size() > 1 else ():
            budget.load(distributed.of_first(budget.state()))
        self.shared_weights.drop_gradients()  # an error may have left some
        train, valid = Batches(self.train_loader, "train_loader"), Batches(self.valid_loader, "valid_loader")
        yield from whole_steps(partial(self._next, train, valid), device_of(self.supernet), self.timeout)

    def _next(self, train: Batches, valid: Batches) -> SearchRecord | None:
        """One step; None at the end."""
        if self.step == self.steps or self._converged():
            return None
        broken_off, self.broken_off = self.broken_off, self.broken_off or self.step + 1  # until it is whole
        device, validating = device_of(self.supernet), self.step >= self.warmup
        with self._together("loading data"):
            batches = [train.next(device) for _ in range(self.accumulate)]
            held_out = valid.next(device) if validating else None
        budget = self.budgets[self.step % len(self.budgets)]  # several limits take turns
        optimizer, n_skipped = budget.optimizer, self.n_skipped
        learning_rate = float(self.weights.param_groups[0]["lr"])  # before the schedule lowers it
        undecided = self.shared_weights.step(
            optimizer.sample(optimizer.population_size, mirrored=self.mirrored), batches, self.objective, self.timeout)
        batch, losses, costs = self._validate(budget, held_out, undecided)
        failed = self.n_skipped > n_skipped or (validating and not np.isfinite(losses).any())
        self.step, self.broken_off = self.step + 1, broken_off
        self.failures.count(failed, self._not_finite_here, self.step)
        return SearchRecord(self.step, self.shared_weights.mean_loss, losses, batch, costs, learning_rate,
                            optimizer.entropy, optimizer.step_size)

    def _together(self, doing: str) -> AbstractContextManager[None]:
        return distributed.together(doing, device_of(self.supernet), self.timeout)

    def _validate(self, budget: Budget, data: Data | None, undecided: Sequence[Tensor]) -> tuple[
            Sequence[Candidate], NDArray[np.float64], NDArray[np.float64]]:
        """Fresh architectures, their losses (with which undecided numbers travel) and costs; none without data."""
        if data is None:
            self.shared_weights.settle(fetched(undecided).tolist())
            return (), np.empty(0), np.empty(0)
        batch = budget.optimizer.ask(budget.optimizer.population_size, mirrored=self.mirrored)
        in_turn = iter(batch)

        def loss(net: nn.Module) -> Tensor:
            with memory_explained("validating", next(in_turn)):
                return self.objective(net, data)

        with self._together("validating"):
            numbers = fetched([*self.judged.judge(batch, loss, stochastic=self.stochastic), *undecided])
            losses, costs = numbers[: len(batch)], budget.costs(batch)
        self.shared_weights.settle(numbers[len(batch) :].tolist())
        self._losses_here, losses = losses.copy(), distributed.averaged(losses, device_of(self.supernet))
        budget.tell(batch, losses, costs)
        distributed.agree("the distribution over architectures", budget.fingerprint,
                          device_of(self.supernet))
        return batch, losses, costs

    def _not_finite_here(self) -> bool:
        """Whether the last step's losses were not finite on this process alone."""
        return not (self.shared_weights.loss_here.isfinite() and np.isfinite(self._losses_here).all())

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
        return self.shared_weights.judged

    @property
    def n_skipped(self) -> int:
        """Weight steps left out, as their loss or gradient was not finite."""
        return self.shared_weights.n_skipped

    def recommend(self) -> dict[str, Any]:
        """The architecture to derive: the mode, or the likeliest within the (first) limit. RuntimeError if none is."""
        return self.budgets[0].recommend()

    def front(self) -> list[FrontPoint]:
        """What to derive within each of the limits. Raises RuntimeError as `recommend` does."""
        return [budget.point() for budget in self.budgets]

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on; of a loader, what its own `state_dict()` tells."""
        with self._together("taking its state"):
            own = self._own()
        return {**self._common(), "processes": distributed.gathered(own)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where `state_dict()` was taken, on the CPU bit for bit if the loaders have a state.

        Build the same search first. Raises ValueError, with nothing changed, for a state of another space, network,
        optimizer, scheduler, loader or number of processes; warns if PyTorch's version or its number of threads is
        another, which may change the last bits.
        """
        with held_back(), self._together("loading a state"):
            common, own = self._common(), self._own()
            try:
                self._load(state, saved.of_this_process(state))
            except saved.MISFITS as error:
                self._load(common, own)
                raise saved.refused(error) from error
        saved.warn_of_differences(state)

    def _common(self) -> dict[str, Any]:
        """What is one for all processes; buffers are those of process 0."""
        return saved.copied({
            **saved.head(), "step": self.step, "broken_off": self.broken_off,
            "n_failed_in_a_row": self.failures.in_a_row,
            "optimizers": [budget.state() for budget in self.budgets], **self.shared_weights.state()})

    def _own(self) -> dict[str, Any]:
        """What each process has of its own."""
        return saved.copied({
            **saved.randomness(device_of(self.supernet)), "loaders": list(map(position, self._loaders().values()))})

    def _load(self, common: dict[str, Any], own: dict[str, Any]) -> None:
        for (name, loader), where in zip(self._loaders().items(), own["loaders"], strict=True):
            go_to(loader, where, name)
        for budget, state in zip(self.budgets, common["optimizers"], strict=True):
            budget.load(state)
        self.shared_weights.load(common)
        saved.set_randomness(own, device_of(self.supernet))
        self.step, self.failures.in_a_row = common["step"], common["n_failed_in_a_row"]
        self.broken_off = common.get("broken_off")  # not in the files of earlier releases

    def _loaders(self) -> dict[str, Loader]:
        return {"train_loader": self.train_loader, "valid_loader": self.valid_loader}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to one safetensors file, atomically; warns, once, of a loader without `state_dict()`."""
        self.warned = self.warned or warn_of_lost_positions(self._loaders())
        state = self.state_dict()
        with self._together("writing a checkpoint"):
            if distributed.rank() == 0:
                checkpoint.write(path, state)

    def resume(self, path: str | os.PathLike[str]) -> None:
        """Continue from a file that `save` wrote. Raises FileNotFoundError, or ValueError if it is damaged."""
        with self._together("reading a checkpoint"):
            state = checkpoint.read(path, saved.FORMAT)
        self.load_state_dict(state)
