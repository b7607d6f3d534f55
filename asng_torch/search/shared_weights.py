"""The supernet's weights and one step of theirs: backward per architecture, clip, optimizer, schedule, average."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..networks.normalization import device_of
from ..supernet.architecture import Architecture
from ..supernet.supernet import Supernet
from . import distributed
from .batches import Data

_LEAVE_OUT = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)  # a step, if fused and told so


class SharedWeights:
    """Moves a supernet's weights by the mean loss of several architectures.

    optimizer: of the parameters; scheduler: steps whenever the weights do; set_to_none: of `zero_grad`.
    clip: largest norm of the gradient; ema: decay, per step, of an exponential moving average of the weights.
    scaled: whether losses are scaled, as gradients of float16 would vanish, by as much as has not overflowed lately.

    A step whose loss (or, with `clip`, gradient norm) is not finite leaves weights, schedule and average
    alone and counts in `n_skipped`; running statistics that its forward passes left non-finite start anew. One of
    PyTorch's fused optimizers leaves a step out by what the device says, so that nothing waits for it.
    """

    def __init__(self, supernet: Supernet, optimizer: torch.optim.Optimizer,
                 scheduler: torch.optim.lr_scheduler.LRScheduler | None, *, set_to_none: bool, clip: float | None,
                 ema: float | None, scaled: bool = False) -> None:
        if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            raise ValueError("Search(scheduler=...) must step by itself, got ReduceLROnPlateau, which waits for a "
                             "metric. Give it that in your loop over the records.")
        self.supernet, self.optimizer, self.scheduler = supernet, optimizer, scheduler
        self.set_to_none, self.clip = set_to_none, clip
        self.average = None if ema is None else AveragedModel(supernet, multi_avg_fn=get_ema_multi_avg_fn(ema))
        self._scaler = torch.amp.GradScaler(device_of(supernet).type, enabled=scaled)
        self._waits = bool(ema is not None or scaled or not isinstance(optimizer, _LEAVE_OUT)
                           or not all(group.get("fused") for group in optimizer.param_groups))
        self._fill_momentum()
        self.n_skipped = 0
        # of the last step: on this process alone, and over all
        self.loss_here, self.mean_loss = torch.zeros(()), 0.0
        # what its author froze in eval mode; of a supernet that is in eval mode as a whole, nothing
        self._frozen = [module for module in supernet.modules() if not module.training] if supernet.training else []

    @property
    def judged(self) -> Supernet:
        """The supernet whose weights are validated and derived from: the averaged one, if there is an average."""
        if self.average is None:
            return self.supernet
        return cast(Supernet, self.average.module)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All that the optimizer moves."""
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def drop_gradients(self, parameters: Iterable[nn.Parameter] | None = None) -> None:
        """As after a step; of these parameters, if there are no others with a gradient."""
        for each in self.parameters if parameters is None else parameters:
            if each.grad is not None:
                each.grad = None if self.set_to_none else each.grad.zero_()

    def train_mode(self) -> None:
        """Training mode, if the supernet has left it; what was in eval mode from the beginning stays so."""
        if not self.supernet.training:
            self.supernet.train()
            for module in self._frozen:
                module.training = False

    def step(self, architectures: Sequence[Architecture], batches: Sequence[Data],
             loss: Callable[[nn.Module, Data], Tensor], timeout: float) -> Sequence[Tensor]:
        """One step by the mean of `loss(net, batch)` over architectures, batches and processes.

        Returns numbers that `settle` is to be given once they were fetched: none, if it had to wait for them.
        """
        self.train_mode()
        device = device_of(self.supernet)
        total = torch.zeros((), device=device)  # of the losses, on the device: nothing waits for it yet
        with distributed.together("training the weights", device, timeout):
            for batch in batches:
                for architecture in architectures:
                    with memory_explained("training", architecture), self.supernet.active(architecture):
                        part = loss(self.supernet, batch) / (len(architectures) * len(batches))
                        self._scaler.scale(part).backward()  # per architecture: one set of activations at a time
                    total = total + part.detach()
        self.loss_here = total.clone()
        return self._move(total)

    def _move(self, total: Tensor) -> Sequence[Tensor]:
        """What follows the backward passes, whose mean loss on this process `total` is."""
        parameters = self.parameters
        with_gradient = [each for each in parameters if each.grad is not None]
        distributed.agree("the set of weights that got a gradient",
                          lambda: str([i for i, each in enumerate(parameters) if each.grad is not None]), total.device)
        # the loss travels with the gradients, so that one message brings both
        distributed.average([total, *(each.grad for each in with_gradient if each.grad is not None)])
        watched, scaled = [total], self._scaler.is_enabled()
        if scaled:
            self._scaler.unscale_(self.optimizer)
        if self.clip is not None or scaled:  # a scaled gradient that overflows is found by its norm
            watched.append(nn.utils.clip_grad_norm_(with_gradient, self.clip or math.inf).to(total))
        decisive, numbers = torch.stack(watched), list[float]()
        if not self._waits:
            fused: Any = self.optimizer
            fused.found_inf = decisive.isfinite().all().logical_not().float()  # as a GradScaler tells it
            fused.step()
            fused.found_inf = None
        elif _finite(numbers := decisive.tolist()):
            self.optimizer.step()
        self.drop_gradients(with_gradient)
        if scaled and with_gradient:
            self._scaler.update()
        self.settle(numbers)
        return () if self._waits else watched

    def settle(self, numbers: Sequence[float]) -> None:
        """What hangs on whether the step was left out, which the numbers tell, the mean loss first; nothing if none."""
        if not len(numbers):
            return
        self.mean_loss = float(numbers[0])
        if not _finite(numbers):  # alike on all processes, as these are means over them
            self.n_skipped += 1
            _renew_statistics(self.supernet)
        else:
            if self.scheduler is not None:
                self.scheduler.step()
            if self.average is not None:
                self.average.update_parameters(self.supernet)

    def _fill_momentum(self) -> None:
        """PyTorch's fused SGD wants a momentum of all weights that move, or of none: zeros are as good as none."""
        for group in self.optimizer.param_groups if isinstance(self.optimizer, torch.optim.SGD) else ():
            if group.get("fused") and group["momentum"] and not group["dampening"]:
                for each in group["params"]:
                    state = self.optimizer.state[each]
                    if state.get("momentum_buffer") is None:
                        state["momentum_buffer"] = torch.zeros_like(each)

    def broadcast(self) -> None:
        """Take over process 0's weights and buffers."""
        modules = [self.supernet] if self.average is None else [self.supernet, self.average.module]
        distributed.broadcast(tensor for module in modules for tensor in (*module.parameters(), *module.buffers()))

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "n_skipped": self.n_skipped, "supernet": self.supernet.state_dict(), "weights": self.optimizer.state_dict(),
            # zero gradients, which set_to_none=False keeps, let momentum and decay go on
            "zero_gradients": [i for i, each in enumerate(self.parameters) if each.grad is not None],
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            **({"scaler": self._scaler.state_dict()} if self._scaler.is_enabled() else {}),
            "average": None if self.average is None else self.average.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Put back what `state` told, other entries aside. Raises an error, half-way, if it does not fit."""
        scaler = self._scaler if self._scaler.is_enabled() else None
        for what, one, other in (("a scheduler", state["scheduler"], self.scheduler),
                                 ("an average", state["average"], self.average),
                                 ("a scale of gradients", state.get("scaler"), scaler)):
            if (one is None) != (other is None):
                raise ValueError(f"one has {what}, the other has none.")
        self.supernet.load_state_dict(state["supernet"])
        self.optimizer.load_state_dict(state["weights"])
        self._fill_momentum()
        if scaler is not None:
            scaler.load_state_dict(state["scaler"])
        if self.scheduler is not None:
            scheduler_state = dict(state["scheduler"])
            if "milestones" in scheduler_state:  # of MultiStepLR, which counts how often each one is due
                scheduler_state["milestones"] = Counter(scheduler_state["milestones"])
            self.scheduler.load_state_dict(scheduler_state)
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        zero = set(state["zero_gradients"])
        for i, parameter in enumerate(self.parameters):
            parameter.grad = torch.zeros_like(parameter) if i in zero else None
        self.n_skipped = state["n_skipped"]


def _finite(numbers: Sequence[float]) -> bool:
    return all(map(math.isfinite, numbers))


def _renew_statistics(module: nn.Module) -> None:
    """Reset the running statistics that a pass of infinite or undefined outputs has spoiled: no mean would forget."""
    for child in module.modules():
        statistics = [getattr(child, name, None) for name in ("running_mean", "running_var")]
        if any(each is not None and not bool(each.isfinite().all()) for each in statistics):
            child.reset_running_stats()  # type: ignore[operator]


@contextmanager
def memory_explained(doing: str, architecture: Architecture) -> Iterator[None]:
    """Say which architecture ran out of the device's memory, and what to lower."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise torch.OutOfMemoryError(
            f"out of memory {doing} the architecture {dict(architecture)}. Lower the batch size (and raise "
            f"Search(accumulate=...) to make up for it), or the network's channels. {error}") from error
