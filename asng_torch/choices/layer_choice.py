"""A choice between layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from asng_core import Categorical

from .choice import Choice


class LayerChoice(Choice):
    """Runs one of several modules, called alike; their names are the variable's values.

    >>> LayerChoice({"conv3x3": nn.Conv2d(8, 8, 3, padding=1), "identity": nn.Identity()}).variable
    Categorical(['conv3x3', 'identity'])
    """

    def __init__(self, candidates: Mapping[str, nn.Module], *, label: str | None = None) -> None:
        if not isinstance(candidates, Mapping) or not candidates:
            raise TypeError(f"LayerChoice(candidates) must map at least one name to a module, got {candidates!r}.")
        for name, module in candidates.items():
            if not isinstance(name, str) or not isinstance(module, nn.Module):
                raise TypeError("LayerChoice(candidates) must map names to modules, "
                                f"got {name!r}: {type(module).__name__}.")
        super().__init__(Categorical(candidates), label)
        self.candidates = nn.ModuleList(candidates.values())  # a list: names may hold dots

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.candidates[self.active_code()](*args, **kwargs)

    def chosen(self, code: int) -> nn.Module:
        return self.candidates[code]

    def extra_repr(self) -> str:
        return f"{self.variable!r}, label={self.label!r}"
