"""From an architecture to a plain network."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Literal

from torch import nn

from .supernet import Architecture, Supernet


def derive(supernet: Supernet, architecture: Architecture, *,
           weights: Literal["inherit", "reset"] = "inherit") -> nn.Module:
    """The network of one architecture: no choices, no unchosen parameters, nothing shared with the supernet.

    weights: "inherit" copies the supernet's, "reset" draws them anew by every layer's
        `reset_parameters()`, from PyTorch's global generator.

    Raises ValueError if the architecture is not in the space or `weights` is neither, TypeError if
    a module with parameters of its own has no `reset_parameters()`.
    """
    if weights not in ("inherit", "reset"):
        raise ValueError(f"derive(weights=...) must be 'inherit' or 'reset', got {weights!r}.")
    codes = dict(zip(supernet.space.names, supernet.space.encode(architecture).tolist(), strict=True))
    # deepcopy takes what the memo holds in place of a copy: put each chosen candidate there in place
    # of its choice, inner choices first, so that no unchosen one is ever copied
    memo: dict[int, nn.Module] = {}
    places = {id(choice): (choice, codes[name]) for name, found in supernet.choices.items() for choice in found}
    for module in _children_first(supernet.module, set()):
        if id(module) in places:
            choice, code = places[id(module)]
            memo[id(choice)] = copy.deepcopy(choice.chosen(code), memo)
    network = copy.deepcopy(supernet.module, memo)
    if weights == "reset":
        _reset(network)
    return network


def _children_first(module: nn.Module, seen: set[int]) -> Iterator[nn.Module]:
    """Every module once, after all that it holds, wherever else these are held too."""
    if id(module) not in seen:
        seen.add(id(module))
        for child in module.children():
            yield from _children_first(child, seen)
        yield module


def _reset(network: nn.Module) -> None:
    resets = []
    for name, module in network.named_modules():
        # PyTorch's own attention layers spell it with an underscore
        reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
        if reset is not None:
            resets.append(reset)
        elif any(True for _ in module.parameters(recurse=False)):
            raise TypeError(f"derive(weights='reset') needs {type(module).__name__} at {name!r}, which has parameters "
                            "of its own, to have reset_parameters(). Give it one that draws them anew.")
    for reset in reversed(resets):  # a module's own rule has the last word over its children's
        reset()
