"""The state of a search as it is saved: what it is of, whether it fits, and the randomness of a process."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from . import distributed

FORMAT, VERSION = "asng_torch.Search", 3
# what loading a state that does not fit can raise, in PyTorch's, the loaders' and this package's code
MISFITS = (KeyError, TypeError, ValueError, RuntimeError, AttributeError, IndexError)


def head() -> dict[str, Any]:
    """What a state says of itself."""
    return {"format": FORMAT, "version": VERSION, "torch": torch.__version__, "threads": torch.get_num_threads()}


def of_this_process(state: dict[str, Any]) -> dict[str, Any]:
    """The part of a state that is this process's own. Raises ValueError for that of another release or world size."""
    if state["version"] != VERSION:
        raise ValueError(f"its version is {state['version']!r}, but this release reads {VERSION}. Go on with the "
                         "release that wrote it, or begin anew.")
    if len(state["processes"]) != distributed.world_size():
        raise ValueError(f"it is of {len(state['processes'])} processes, here are {distributed.world_size()}.")
    own: dict[str, Any] = state["processes"][distributed.rank()]
    return own


def refused(error: Exception) -> ValueError:
    """The error that says why a state did not fit."""
    reason = " ".join(str(error).split()[:40])  # PyTorch lists every tensor of another shape
    return ValueError(f"state must be what Search.state_dict() returned for the same search: {reason}")


def warn_of_differences(state: dict[str, Any]) -> None:
    """Warn if a step broke off before the state was taken, or if PyTorch adds up in another order now than there."""
    if (step := state.get("broken_off")) is not None:
        warnings.warn(f"step {step} of this search broke off half way before it was saved: it goes on, but not as an "
                      "uninterrupted one. For that, resume a file that was saved earlier.", UserWarning, stacklevel=3)
    for what, then, now in (("PyTorch", state["torch"], torch.__version__),
                            ("threads =", state["threads"], torch.get_num_threads())):
        if then != now:
            warnings.warn(f"this search was saved with {what} {then} and goes on with {now}: the last bits of its "
                          "results may differ from those of an uninterrupted one.", UserWarning, stacklevel=3)


def copied(state: dict[str, Any]) -> dict[str, Any]:
    """A state's nested dicts and lists, on the CPU, that no later step changes."""
    return {key: _copied(value) for key, value in state.items()}


def _copied(tree: Any) -> Any:
    if isinstance(tree, Tensor):
        return tree.detach().to("cpu", copy=True)
    if isinstance(tree, Mapping):
        # a Counter, which MultiStepLR holds, becomes a dict, as it does in a file
        return {key: _copied(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_copied(value) for value in tree]
    return tree


def randomness(device: torch.device) -> dict[str, Any]:
    """The states of PyTorch's global generators, on the CPU and on the device."""
    return {"rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state(device) if device.type == "cuda" else None}


def set_randomness(state: dict[str, Any], device: torch.device) -> None:
    """Put the generators where `randomness` found them."""
    torch.set_rng_state(state["rng"])
    if state["cuda_rng"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda_rng"], device)
