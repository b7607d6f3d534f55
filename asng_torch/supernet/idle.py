"""Choices that are active but do not run: all their values get one loss, and would be ranked all the same."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

from torch import nn

from ..choices.searchable import Searchable
from .architecture import Architecture
from .conditions import Places


def without_fused_paths(module: nn.Module) -> None:
    """Let PyTorch's encoder layers that hold choices call their parts.

    In eval mode and without gradients they would hand the weights of parts to one function, which knows nothing of
    what stands in the place of an activation. Such a layer is told that its activation is none of those it knows.
    """
    for each in module.modules():
        if isinstance(each, (nn.TransformerEncoder, nn.TransformerEncoderLayer)) and any(
                isinstance(part, Searchable) for part in each.modules()):
            each.use_nested_tensor, each.activation_relu_or_gelu = False, 0  # of the one, of the other


class Idle:
    """Warns, once for each variable, of one that was active in a forward pass while none of its choices ran."""

    def __init__(self, found: Places) -> None:
        self._found, self._told = found, set[str]()

    def begin(self) -> None:
        """Before a forward pass."""
        for choices in self._found.values():
            for choice in choices:
                vars(choice)["ran"] = False

    def end(self, module: nn.Module, architecture: Architecture, codes: Mapping[str, float]) -> None:
        """After it, under these codes."""
        for name, choices in self._found.items():
            code, variable = codes.get(name, math.nan), choices[0].variable
            active = not math.isnan(code) and (variable.continuous or code >= 0)
            if active and name not in self._told and not any(choice.ran for choice in choices):
                self._told.add(name)
                holder, path = _holder(module, choices[0])
                warnings.warn(
                    f"variable {name!r} is active in {dict(architecture)}, but no choice of it ran while the loss was "
                    f"taken, so all its values get one loss. Likely {holder} at {path!r}, which holds it, calls it in "
                    "training mode alone, or reads its weights and never calls it. Call it in every pass; what some "
                    "architectures leave out, put inside of the choice that leaves it out.", UserWarning, stacklevel=4)


def _holder(module: nn.Module, choice: Any) -> tuple[str, str]:
    """The type and the path of the module whose child a choice is."""
    for path, each in module.named_modules():
        if any(child is choice for child in each.children()):
            return type(each).__name__, path
    return "nothing", ""  # the choice is the whole network
