"""All that the next step of a search depends on: taken, put back, written, read."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from asng_core import ASNG

from . import checkpoint, distributed
from .normalization import device_of

if TYPE_CHECKING:
    from .search import Search

_FORMAT, _VERSION = "asng_torch.Search", 2


def collect(search: Search) -> dict[str, Any]:
    """The state, on the CPU and independent of the search."""
    return {**_common(search), "processes": distributed.gathered(_own(search))}


def _common(search: Search) -> dict[str, Any]:
    """What all processes share; buffers are those of process 0."""
    shared = search.shared
    state: dict[str, Any] = {
        "format": _FORMAT, "version": _VERSION, "torch": torch.__version__, "threads": torch.get_num_threads(),
        "step": search.step, "n_skipped": shared.n_skipped, "n_failed_in_a_row": search.n_failed_in_a_row,
        "optimizers": [budget.optimizer.state_dict() for budget in search.budgets],
        "supernet": search.supernet.state_dict(), "weights": search.weights.state_dict(),
        # zero gradients, which set_to_none=False keeps, let momentum and decay go on
        "zero_gradients": [i for i, each in enumerate(shared.parameters) if each.grad is not None],
        "scheduler": None if search.scheduler is None else search.scheduler.state_dict(),
        "average": None if shared.average is None else shared.average.state_dict(),
    }
    copied: dict[str, Any] = _copied(state)
    return copied


def _own(search: Search) -> dict[str, Any]:
    """What each process has of its own."""
    device = device_of(search.supernet)
    state = {
        "rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "loaders": [loader.state_dict() if hasattr(loader, "state_dict") else None
                    for loader in (search.train_loader, search.valid_loader)],
    }
    copied: dict[str, Any] = _copied(state)
    return copied


def _copied(tree: Any) -> Any:
    if isinstance(tree, Tensor):
        return tree.detach().to("cpu", copy=True)
    if isinstance(tree, Mapping):
        # a Counter, which MultiStepLR holds, becomes a dict, as it does in a file
        return {key: _copied(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_copied(value) for value in tree]
    return tree


def restore(search: Search, state: dict[str, Any]) -> None:
    """Put a state back. Raises ValueError, with nothing changed, if it is of another search."""
    with distributed.together("loading a state", device_of(search.supernet)):
        common, own = _common(search), _own(search)
        try:
            if state["version"] != _VERSION:
                raise ValueError(f"its version is {state['version']!r}, but this release reads {_VERSION}.")
            if len(state["processes"]) != distributed.world_size():
                raise ValueError(f"it is of {len(state['processes'])} processes, here are {distributed.world_size()}.")
            _put_back(search, state, state["processes"][distributed.rank()])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
            _put_back(search, common, own)
            reason = " ".join(str(error).split()[:40])  # PyTorch lists every tensor of another shape
            raise ValueError("state must be what Search.state_dict() returned for the same search: "
                             f"{reason}") from error
    for what, then, now in (("PyTorch", state["torch"], torch.__version__),
                            ("threads =", state["threads"], torch.get_num_threads())):
        if then != now:
            warnings.warn(f"this search was saved with {what} {then} and goes on with {now}: the last bits of its "
                          "results may differ from those of an uninterrupted one.", UserWarning, stacklevel=3)


def _put_back(search: Search, common: dict[str, Any], own: dict[str, Any]) -> None:
    shared = search.shared
    for what, one, other in (("a scheduler", common["scheduler"], search.scheduler),
                             ("an average", common["average"], shared.average)):
        if (one is None) != (other is None):
            raise ValueError(f"one has {what}, the other has none.")
    for loader, loader_state, name in zip((search.train_loader, search.valid_loader), own["loaders"],
                                          ("train_loader", "valid_loader"), strict=True):
        if loader_state is not None:
            if not hasattr(loader, "load_state_dict"):
                raise ValueError(f"its {name} could be resumed, that of this search has no load_state_dict().")
            loader.load_state_dict(loader_state)
    for budget, optimizer_state in zip(search.budgets, common["optimizers"], strict=True):
        budget.optimizer.load_state_dict(optimizer_state)
    search.supernet.load_state_dict(common["supernet"])
    search.weights.load_state_dict(common["weights"])
    if search.scheduler is not None:
        scheduler_state = dict(common["scheduler"])
        if "milestones" in scheduler_state:
            scheduler_state["milestones"] = Counter(scheduler_state["milestones"])
        search.scheduler.load_state_dict(scheduler_state)
    if shared.average is not None:
        shared.average.load_state_dict(common["average"])
    zero = set(common["zero_gradients"])
    for i, parameter in enumerate(shared.parameters):
        parameter.grad = torch.zeros_like(parameter) if i in zero else None
    torch.set_rng_state(own["rng"])
    if own["cuda_rng"] is not None and (device := device_of(search.supernet)).type == "cuda":
        torch.cuda.set_rng_state(own["cuda_rng"], device)
    search.step, search.n_failed_in_a_row = common["step"], common["n_failed_in_a_row"]
    shared.n_skipped = common["n_skipped"]


def share(search: Search) -> None:
    """Let all processes begin with process 0's weights, buffers and distributions."""
    modules = [search.supernet] if search.shared.average is None else [search.supernet, search.shared.average.module]
    distributed.share(tensor for module in modules for tensor in (*module.parameters(), *module.buffers()))
    if distributed.world_size() > 1:
        states = distributed.shared([budget.optimizer.state_dict() for budget in search.budgets])
        for budget, state in zip(search.budgets, states, strict=True):
            budget.optimizer.load_state_dict(state)


def fingerprint(optimizer: ASNG) -> str:
    """What decides the next architectures."""
    state = optimizer.state_dict()
    return f"{state['theta'].tobytes().hex()} {state['rng']}"


def save(search: Search, path: str | os.PathLike[str]) -> None:
    """Write the state to one file, by process 0."""
    without = [name for name in ("train_loader", "valid_loader") if not hasattr(getattr(search, name), "state_dict")]
    if without and not search.warned:
        search.warned = True
        warnings.warn(f"Search({' and '.join(without)}) has no state_dict(), so a resumed search will see other "
                      "batches than an uninterrupted one. Use asng_torch.data's loaders, or one with a state_dict().",
                      UserWarning, stacklevel=3)
    state = collect(search)
    with distributed.together("writing a checkpoint", device_of(search.supernet)):
        if distributed.rank() == 0:
            checkpoint.write(path, state)


def resume(search: Search, path: str | os.PathLike[str]) -> None:
    """Put back what `save` wrote."""
    with distributed.together("reading a checkpoint", device_of(search.supernet)):
        state = checkpoint.read(path, _FORMAT)
    restore(search, state)
