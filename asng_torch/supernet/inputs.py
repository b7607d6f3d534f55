"""Inputs and outputs of any structure: their tensors found, and put on the meta device, wherever they are."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode


@dataclass(frozen=True)
class Call:
    """The arguments of a forward pass."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @classmethod
    def of(cls, example: Any) -> Call:
        """A tuple of positional arguments, a mapping of keyword arguments, or the one positional argument."""
        if isinstance(example, tuple):
            return cls(example, {})
        if isinstance(example, Mapping):
            return cls((), dict(example))
        return cls((example,), {})

    def run(self, module: nn.Module) -> Any:
        """What the module gives for it."""
        return module(*self.args, **self.kwargs)

    def on_meta(self) -> Call:
        """Its shapes alone."""
        return self._mapped(_meta)

    def row(self) -> Call:
        """Of every tensor that has as many rows as the first one, the first row."""
        rows: list[int] = []

        def one(tensor: Tensor) -> Tensor:
            rows.extend(tensor.shape[:1])
            return tensor[:1] if tensor.dim() and tensor.shape[0] == rows[0] else tensor

        return self._mapped(one)

    def zeros(self, device: torch.device) -> Call:
        """The same shapes on a device, filled with zeros."""
        return self._mapped(lambda tensor: torch.zeros_like(tensor, device=device))

    def _mapped(self, change: Callable[[Tensor], Tensor]) -> Call:
        with _Copying(change):
            return Call(*copy.deepcopy((self.args, self.kwargs)))


class _Copying(TorchFunctionMode):
    """While it holds, deepcopy puts in place of a tensor, in whatever object it is, what `change` makes of it."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.change = change

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") != "__deepcopy__":
            return func(*args, **(kwargs or {}))
        tensor, memo = args
        if id(tensor) not in memo:
            memo[id(tensor)] = self.change(tensor.detach())
        return memo[id(tensor)]


def copied_to_meta(tree: Any, modules: nn.Module) -> Any:
    """A deep copy of modules, or of what holds them, whose tensors have shapes and no data."""
    memo: dict[int, Any] = {}
    for tensor in (*modules.parameters(), *modules.buffers()):
        if is_lazy(tensor):
            kind: Any = type(tensor)
            memo[id(tensor)] = kind(tensor.requires_grad, device="meta")
        elif isinstance(tensor, nn.Parameter):
            memo[id(tensor)] = nn.Parameter(_meta(tensor), tensor.requires_grad)
    with _Copying(_meta):
        return copy.deepcopy(tree, memo)


def _meta(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, device="meta")
