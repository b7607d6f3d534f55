"""What a network costs, and counting that of one architecture after another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ..choices.searchable import Searchable
from ..elastic.elastic import ties_kept


@dataclass(frozen=True)
class Cost:
    """parameters: numbers that are trained; multiply_adds: of convolutions and matrix products in one forward pass."""

    parameters: int
    multiply_adds: int


def count(network: nn.Module, *inputs: Any) -> Cost:
    """The cost of any network for these inputs; parameters used twice count once.

    >>> count(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), torch.ones(2, 4))
    Cost(parameters=15, multiply_adds=24)
    """
    with _unfused(), FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*inputs)
    return Cost(sum(parameter.numel() for parameter in network.parameters()), _multiply_adds(counter.get_total_flops()))


@contextmanager
def _unfused() -> Iterator[None]:
    """Attention in steps that the counter knows: of PyTorch's fused ones for the CPU, and of whole encoder layers in
    eval mode, it sees nothing."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _multiply_adds(operations: int) -> int:
    return operations // 2  # PyTorch counts a multiplication and an addition as two


class Remembered:
    """Stands for the forward pass of a module without choices in it, on the meta device: it costs the same every time.

    While `counter` counts, it runs the module once for each shape of its inputs, and then only hands
    out the shape of the output; `taken` adds up the operations it did not run again.
    """

    def __init__(self, module: nn.Module) -> None:
        self._run, self._known = module.forward, dict[Any, tuple[torch.Size, torch.dtype, int]]()
        self.counter: FlopCounterMode | None = None
        self.taken = 0
        module.forward = self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.counter is None or kwargs or not all(isinstance(each, Tensor) for each in args):
            return self._run(*args, **kwargs)
        key = tuple((each.shape, each.dtype) for each in args)  # without data, these say all there is to say
        if key in self._known:
            shape, dtype, operations = self._known[key]
            self.taken += operations
            return torch.empty(shape, dtype=dtype, device="meta")
        before = self.counter.get_total_flops()
        output = self._run(*args)
        if isinstance(output, Tensor):
            self._known[key] = output.shape, output.dtype, self.counter.get_total_flops() - before
        return output


def remembered(module: nn.Module) -> list[Remembered]:
    """Stands for the largest parts of a module that hold nothing searchable, each once."""
    return [Remembered(part) for part in _without_choices(module, set())]


def _without_choices(module: nn.Module, seen: set[int]) -> list[nn.Module]:
    if id(module) in seen:
        return []
    seen.add(id(module))
    if not any(isinstance(each, Searchable) for each in module.modules()):
        return [module]
    return [part for child in module.children() for part in _without_choices(child, seen)]


def counted(module: nn.Module, parts: list[Remembered], inputs: tuple[Any, ...]) -> Cost:
    """The cost of the architecture in force in a module on the meta device, whose `remembered` parts these are."""
    with _unfused(), FlopCounterMode(display=False) as counter, torch.no_grad(), torch.device("meta"):
        for part in parts:
            part.counter = counter
        try:
            module(*inputs)
            taken = sum(part.taken for part in parts)
        finally:
            for part in parts:
                part.counter, part.taken = None, 0
    # by identity: a parameter that stands in two places is trained once
    with ties_kept():
        kept = {id(parameter): parameter for parameter in _kept(module, {})}
    operations = counter.get_total_flops() + taken
    return Cost(sum(parameter.numel() for parameter in kept.values()), _multiply_adds(operations))


def _kept(module: nn.Module, seen: dict[int, nn.Module]) -> Iterator[nn.Parameter]:
    """The parameters that the network derived from a module would have; `seen` keeps what is gone through alive."""
    if id(module) in seen:
        return
    seen[id(module)] = module
    if isinstance(module, Searchable):
        yield from _kept(module.derived(), seen)
    else:
        yield from module.parameters(recurse=False)
        for child in module.children():
            yield from _kept(child, seen)
