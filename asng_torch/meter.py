"""Forward passes without data: to check shapes, to see widths, to count costs."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.flop_counter import FlopCounterMode

from .choices.searchable import Searchable
from .cost import Cost
from .elastic.elastic import Elastic

if TYPE_CHECKING:
    from .supernet import Architecture, Supernet


def shapes_only(inputs: Any) -> tuple[Any, ...]:
    """Positional arguments with their tensors on the meta device, where they hold no data."""
    return tuple(each.detach().to("meta") if isinstance(each, Tensor) else each
                 for each in (inputs if isinstance(inputs, tuple) else (inputs,)))


@dataclass
class Meter:
    """Runs a twin of the supernet on the meta device: to check shapes, to see widths, to count.

    A plain object beside the supernet, so that its twin is no part of the supernet's parameters.
    """

    example: tuple[Any, ...] | None = None
    problem: Exception | None = None  # why the first inputs seen serve as no example
    _twin: Any = None
    _parts: list[_Part] = field(default_factory=list)  # of the twin
    _costs: dict[Any, Cost] = field(default_factory=dict)

    def learn(self, supernet: Supernet, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Take one row of the first inputs as the example, and check shapes with it.

        A module that cannot run on the meta device is none the worse: it searches, without costs.
        """
        if self.problem is not None or kwargs:  # an example has positional arguments: a later call may serve
            return
        self.example = tuple(each[:1] if isinstance(each, Tensor) and each.dim() else each
                             for each in shapes_only(args))
        try:
            self.check(supernet)
        except _ShapesDiffer:
            self.example = None
            raise
        except Exception as error:  # of the user's forward pass, whatever it does on a device without data
            self.example, self.problem = None, error

    def check(self, supernet: Supernet) -> None:
        """Run every choice's alternatives, all at its widest. Raises ValueError if their outputs differ in shape."""
        twin, hooks = self._meta_twin(supernet), []
        for path, module in twin.module.named_modules():
            if isinstance(module, Searchable):
                hooks.append(module.register_forward_hook(_checking(path), with_kwargs=True))
        try:
            with twin.active_codes({name: found[0].widest for name, found in twin.choices.items()}):
                self._run(twin)
        finally:
            for hook in hooks:
                hook.remove()

    def cost(self, supernet: Supernet, architecture: Architecture) -> Cost:
        """The cost of an architecture, memorized."""
        codes = supernet.codes(architecture)
        key = tuple(None if math.isnan(code) else code for code in codes.values())  # NaN differs from itself
        if key not in self._costs:
            twin = self._meta_twin(supernet)
            with twin.active_codes(codes), FlopCounterMode(display=False) as counter:
                for part in self._parts:
                    part.counter = counter
                try:
                    self._run(twin)
                    remembered = sum(part.taken for part in self._parts)
                finally:
                    for part in self._parts:
                        part.counter, part.taken = None, 0
                kept = {id(parameter): parameter for parameter in _kept(twin.module, {})}
            self._costs[key] = Cost(sum(parameter.numel() for parameter in kept.values()),
                                    (counter.get_total_flops() + remembered) // 2)
        return self._costs[key]

    def show_widths(self, supernet: Supernet) -> None:
        """Let the elastic layers of the supernet, under the active architecture, know what each of them receives."""
        elastic = [module for module in supernet.modules() if isinstance(module, Elastic)]
        if not elastic:
            return
        twin = self._meta_twin(supernet)
        twins = [module for module in twin.modules() if isinstance(module, Elastic)]
        for module in twins:
            module.received = None
        hooks = [module.register_forward_hook(_seen_alike({})) for module in twins]
        codes = {name: found[0].active for name, found in supernet.choices.items()}
        try:
            with twin.active_codes(codes):  # type: ignore[arg-type]
                self._run(twin)
        finally:
            for hook in hooks:
                hook.remove()
        for module, copied in zip(elastic, twins, strict=True):
            module.received = copied.received

    def _run(self, twin: Supernet) -> None:
        with torch.no_grad(), torch.device("meta"):
            twin.module(*self._needed())

    def _needed(self) -> tuple[Any, ...]:
        if self.example is None:
            why = f" ({type(self.problem).__name__}: {self.problem})" if self.problem else ""
            raise RuntimeError("costs, and deriving elastic layers, need the shapes of the inputs, and a forward pass "
                               f"that runs on the meta device{why}. Use Supernet(module, example=inputs).")
        return self.example

    def _meta_twin(self, supernet: Supernet) -> Supernet:
        if self._twin is None:
            attributes = [value for module in supernet.modules() for value in vars(module).values()
                          if isinstance(value, Tensor)]
            tensors = [*supernet.parameters(), *supernet.buffers(), *attributes]
            memo: dict[int, Any] = {id(tensor): _meta(tensor) for tensor in tensors}
            memo[id(self)] = self  # the twin is measured by the same meter
            self._twin = copy.deepcopy(supernet, memo).eval()
            for norm in self._twin.modules():
                if isinstance(norm, _BatchNorm):  # with statistics, one value per channel is enough
                    norm.track_running_stats = True
                    norm.running_mean = norm.running_var = torch.empty(norm.num_features, device="meta")
            self._parts = [_Part(module) for module in _without_choices(self._twin.module, set())]
        twin: Supernet = self._twin
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Meter:
        # the same twin, as its parameters are of the type of the example, whatever those of the copy have become
        return Meter(self.example, self.problem, self._twin, self._parts, self._costs)


class _Part:
    """Stands for the forward pass of a module of the twin without choices in it, which costs the same every time.

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
        key = tuple((each.shape, each.dtype) for each in args)
        if key in self._known:
            shape, dtype, operations = self._known[key]
            self.taken += operations
            return torch.empty(shape, dtype=dtype, device="meta")
        before = self.counter.get_total_flops()
        output = self._run(*args)
        if isinstance(output, Tensor):
            self._known[key] = output.shape, output.dtype, self.counter.get_total_flops() - before
        return output


def _without_choices(module: nn.Module, seen: set[int]) -> list[nn.Module]:
    """The largest parts of a module that hold nothing searchable, each once."""
    if id(module) in seen:
        return []
    seen.add(id(module))
    if not any(isinstance(each, Searchable) for each in module.modules()):
        return [module]
    return [part for child in module.children() for part in _without_choices(child, seen)]


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


class _ShapesDiffer(ValueError):
    """Alternatives whose outputs differ in shape."""


def _meta(tensor: Tensor) -> Tensor:
    empty = torch.empty_like(tensor, device="meta")
    return nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty


def _checking(path: str) -> Any:
    def hook(module: Searchable, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        try:
            module.check(args, kwargs)
        except ValueError as error:
            raise _ShapesDiffer(f"at {path!r}: {error}") from None
    return hook


def _seen_alike(seen: dict[int, Any]) -> Any:
    def hook(module: Elastic, args: tuple[Any, ...], output: Any) -> None:
        if seen.setdefault(id(module), module.received) != module.received:
            raise ValueError(f"{type(module).__name__} is used twice in one architecture with different inputs, "
                             f"channels {seen[id(module)]} and {module.received}, so no plain layer can stand there. "
                             "Give each place its own layer.")
    return hook
