"""From an architecture to a plain network."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import nn

from ..choices.searchable import Searchable
from ..elastic.elastic import ties_kept
from .architecture import Architecture
from .supernet import Supernet


def derive(supernet: Supernet, architecture: Architecture, *,
           weights: Literal["inherit", "reset"] = "inherit") -> nn.Module:
    """The network of one architecture: no choices, no unchosen parameters, nothing shared with the supernet.

    weights: "inherit" copies the supernet's, "reset" draws them anew by every layer's
        `reset_parameters()`, from PyTorch's global generator. Of a supernet built on the meta device,
        which takes no memory, "reset" makes a network on the CPU.

    Raises ValueError if the architecture is not in the space or `weights` is neither, TypeError if
    a module with parameters of its own has no `reset_parameters()`, RuntimeError if there are elastic
    layers and neither an example nor a forward pass has shown the shape of the inputs.
    """
    if weights not in ("inherit", "reset"):
        raise ValueError(f"derive(weights=...) must be 'inherit' or 'reset', got {weights!r}.")
    memo: dict[int, Any] = {}  # deepcopy's: id of a module -> what stands for it in the copy
    codes = supernet.codes(architecture)
    supernet.meter.show_widths(codes)  # a pass of shapes: what each elastic layer is to be cut to
    with supernet.active_codes(codes), ties_kept():
        _resolve(supernet.module, memo, set())
        network = copy.deepcopy(supernet.module, memo)
    if weights == "reset":
        if any(tensor.is_meta for tensor in network.parameters()):
            network = network.to_empty(device="cpu")  # memory of any content, which the reset fills
        _reset(network)
    return network


def derive_fresh(network: Callable[..., nn.Module], architecture: Architecture, *args: Any, **kwargs: Any) -> nn.Module:
    """The plain network of an architecture of `network(*args, **kwargs)`, with fresh weights.

    Without elastic layers, as no example is at hand. Raises ValueError if the architecture is not in the space.
    """
    with torch.device("meta"):  # the unchosen layers take no memory
        supernet = Supernet(network(*args, **kwargs))
    return derive(supernet, architecture, weights="reset")


def _resolve(module: nn.Module, memo: dict[int, Any], seen: set[int]) -> None:
    """Put, for deepcopy, what was chosen in place of every choice.

    Deepcopy takes what the memo holds in place of a copy; only what runs is gone through, and inner
    choices are resolved before the modules that hold them, so that nothing unchosen is ever copied.
    """
    if id(module) in seen:
        return
    seen.add(id(module))
    if isinstance(module, Searchable):
        plain = module.derived()
        _resolve(plain, memo, seen)  # which may hold choices itself
        memo[id(module)] = copy.deepcopy(plain, memo)
        memo.setdefault(id(memo), []).append(plain)  # deepcopy's own way to keep what the memo knows by id alive
    else:
        for child in module.children():
            _resolve(child, memo, seen)


def _reset(network: nn.Module) -> None:
    """Let every module that can draw its parameters anew; first of all make sure that each of them can."""
    resets = []
    for name, module in network.named_modules():
        # PyTorch's own attention layers spell it with an underscore
        reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
        if reset is not None:
            resets.append(reset)
        elif any(True for _ in module.parameters(recurse=False)):
            raise TypeError(f"derive(weights='reset') needs {type(module).__name__} at {name!r}, which has parameters "
                            "of its own, to have reset_parameters(). Give it one that draws them anew.")
    with torch.no_grad():  # children stand after their parents in named_modules
        for reset in reversed(resets):  # a module's own rule has the last word over its children's
            reset()
