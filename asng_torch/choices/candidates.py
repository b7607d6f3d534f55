"""Modules to choose from, which `state_dict` knows by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn


class Candidates(nn.Module):
    """A sequence of modules that each have a name: weights go by it, so that an order of its own does not mix them up.

    In a module's path the name stands with its dots as %2E, and with a % behind it if it is a word of PyTorch's own.
    """

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        super().__init__()
        for name, module in modules.items():
            key = name.replace("%", "%25").replace(".", "%2E")
            self._modules[key if key and not hasattr(self, key) else f"{key}%"] = module

    def __getitem__(self, position: int) -> nn.Module:
        candidates: list[Any] = [*self._modules.values()]
        found: nn.Module = candidates[position]
        return found

    def __iter__(self) -> Iterator[nn.Module]:
        candidates: Any = self._modules.values()  # one module given under two names comes twice
        return iter(candidates)

    def __len__(self) -> int:
        return len(self._modules)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: Any,
                              unexpected_keys: Any, error_msgs: list[str]) -> None:
        positions = {key[len(prefix):].split(".")[0] for key in state_dict if key.startswith(prefix)} - {*self._modules}
        if any(position.isdigit() for position in positions):
            error_msgs.append(f"{prefix}* are weights of candidates by their positions {sorted(positions)}, as files "
                              "of earlier versions have them. Rename each to the name that stood there when it was "
                              f"written: here these are {list(self._modules)}.")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
                                      error_msgs)
