"""Forward passes without data: to check shapes, to see widths, to count costs."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils.hooks import RemovableHandle

from ..choices.searchable import Blocks, Searchable
from ..elastic.elastic import Elastic
from ..networks.modules import Modules
from ..networks.normalization import device_of
from .conditions import Places, in_force
from .cost import Cost, counted, remembered
from .widths import ShapesDiffer, WidthsDiffer, followed


def shapes_only(inputs: Any) -> tuple[Any, ...]:
    """Positional arguments with their tensors on the meta device, where they hold no data."""
    return tuple(each.detach().to("meta") if isinstance(each, Tensor) else each
                 for each in (inputs if isinstance(inputs, tuple) else (inputs,)))


class Meter:
    """Runs a twin of a module with choices on the meta device: to check shapes, to see widths, to count.

    A plain object, so that its twin is no part of the supernet's parameters.

    example: one input's shapes, as a tuple of positional arguments; None as long as none was seen.
    """

    def __init__(self, module: nn.Module, places: Places) -> None:
        self.module, self.places = module, places
        self.example: tuple[Any, ...] | None = None
        self._problem: Exception | None = None  # why the first inputs seen serve as no example
        self._made: _Twin | None = None  # with the first pass
        self._costs: dict[tuple[float | None, ...], Cost] = {}  # by the codes of all variables in use

    def learn(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Take one row of the first inputs as the example, and check shapes with it.

        A module that cannot run on the meta device is none the worse: it searches, without costs.
        """
        if self._problem is not None or kwargs:  # an example has positional arguments: a later call may serve
            return
        # one row, as costs are those of one input
        self.example = tuple(each[:1] if isinstance(each, Tensor) and each.dim() else each
                             for each in shapes_only(args))
        try:
            self.check()
        except ShapesDiffer:
            self.example = None
            raise
        except Exception as error:  # of the user's forward pass, whatever it does on a device without data
            self.example, self._problem = None, error

    def check(self) -> None:
        """Run every choice's alternatives, all at its widest, and then at the least widths.

        Raises ValueError if their outputs differ in shape, or a layer cannot follow a width.
        """
        widest = {name: found[0].widest for name, found in self.places.items()}
        self._check(widest)
        narrowest = {name: found[0].narrowest for name, found in self.places.items()}
        if narrowest == widest:
            return
        with followed(self._twin.module) as running:
            try:
                self._check(narrowest)
                return
            except Exception as error:  # of PyTorch, or of a layer, whatever it says to a width that does not fit
                first = error
            # which of them it is: for each one alone
            for name in narrowest:
                if narrowest[name] != widest[name]:
                    running.clear()
                    try:
                        self._check({**widest, name: narrowest[name]})
                    except Exception as error:
                        raise WidthsDiffer(running.explained(name, self._twin.places[name], error)) from error
        raise first  # of no width alone

    def widths(self, codes: Mapping[str, float]) -> list[tuple[Elastic, Blocks | None]]:
        """Every elastic layer with what it receives under these codes; those of alternatives that do not run too."""
        twins = _elastic(self._twin.module)
        for module in twins:
            module.received = None
        self._check(codes)
        return [(module, twin.received) for module, twin in zip(_elastic(self.module), twins, strict=True)]

    def _check(self, codes: Mapping[str, float]) -> None:
        self._pass(codes, [module.register_forward_hook(_checking(path), with_kwargs=True)
                           for path, module in self._twin.module.named_modules() if isinstance(module, Searchable)])

    def cost(self, codes: Mapping[str, float]) -> Cost:
        """The cost of the architecture of these codes, memorized."""
        key = tuple(None if math.isnan(code) else code for code in codes.values())  # NaN differs from itself
        if key not in self._costs:
            twin = self._twin
            with in_force(twin.places, codes):
                self._costs[key] = counted(twin.module, twin.parts, self._needed())
        return self._costs[key]

    def show_widths(self, codes: Mapping[str, float]) -> None:
        """Let every elastic layer of the module know what it receives under these codes: `derived` cuts it to that.

        Raises RuntimeError without an example, ValueError for a layer that receives different channels in two places.
        """
        elastic = _elastic(self.module)
        if not elastic:
            return
        twins = _elastic(self._twin.module)  # in the same order
        for module in twins:
            module.received = None
        seen: dict[int, Blocks | None] = {}
        self._pass(codes, [module.register_forward_hook(_alike(seen)) for module in twins])
        for module, twin in zip(elastic, twins, strict=True):
            module.received = twin.received

    def run(self, module: nn.Module) -> None:
        """Let a module see the example, filled with zeros."""
        module(*(torch.zeros_like(each, device=device_of(module)) if isinstance(each, Tensor) else each
                 for each in self._needed()))

    def _pass(self, codes: Mapping[str, float], hooks: list[RemovableHandle]) -> None:
        """One forward pass of the twin under these codes, after which the hooks are gone."""
        try:
            with in_force(self._twin.places, codes), torch.no_grad(), torch.device("meta"):
                self._twin.module(*self._needed())
        finally:
            for hook in hooks:
                hook.remove()

    def _needed(self) -> tuple[Any, ...]:
        if self.example is None:
            why = f" ({type(self._problem).__name__}: {self._problem})" if self._problem else ""
            raise RuntimeError("costs, and deriving elastic layers, need the shapes of the inputs, and a forward pass "
                               f"that runs on the meta device{why}. Use Supernet(module, example=inputs).")
        return self.example

    @property
    def _twin(self) -> _Twin:
        if self._made is None:
            self._made = _Twin(self.module, self.places)
        return self._made

    def __deepcopy__(self, memo: dict[int, Any]) -> Meter:
        twin = Meter(*copy.deepcopy((self.module, self.places), memo))
        # the same twin, as its parameters are of the type of the example, whatever those of the copy have become
        twin.example, twin._problem, twin._made, twin._costs = self.example, self._problem, self._made, self._costs
        return twin


class _Twin:
    """A copy of a module with choices whose tensors have shapes and no data: a pass takes next to no time or memory."""

    def __init__(self, module: nn.Module, places: Places) -> None:
        attributes = [value for each in module.modules() for value in vars(each).values() if isinstance(value, Tensor)]
        memo = {id(tensor): _meta(tensor) for tensor in (*module.parameters(), *module.buffers(), *attributes)}
        self.module, self.places = copy.deepcopy((module, places), memo)
        self.module.eval()
        for norm in Modules(self.module).current().norms:
            if not isinstance(norm, (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)):
                # with statistics, one value per channel is enough to run on
                norm.track_running_stats = True
                norm.running_mean = norm.running_var = torch.empty(norm.num_features, device="meta")
        self.parts = remembered(self.module)
        for each in _elastic(self.module):
            each.register_forward_hook(_noting, with_kwargs=True)


def _elastic(module: nn.Module) -> list[Elastic]:
    return [each for each in module.modules() if isinstance(each, Elastic)]


def _meta(tensor: Tensor) -> Tensor:
    if is_lazy(tensor):
        kind: Any = type(tensor)
        return kind(tensor.requires_grad, device="meta")  # type: ignore[no-any-return]
    empty = torch.empty_like(tensor, device="meta")
    return nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty


def _checking(path: str) -> Callable[[Any, tuple[Any, ...], dict[str, Any], Any], None]:
    def hook(module: Searchable, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        try:
            module.check(args, kwargs)
        except ValueError as error:
            raise ShapesDiffer(f"at {path!r}: {error}") from None
    return hook


def _noting(module: Elastic, args: tuple[Tensor, ...], kwargs: dict[str, Tensor], output: Tensor) -> None:
    module.received = module.incoming(args[0] if args else next(iter(kwargs.values())))


def _alike(seen: dict[int, Blocks | None]) -> Callable[[Any, tuple[Any, ...], Any], None]:
    def hook(module: Elastic, args: tuple[Any, ...], output: Any) -> None:
        if seen.setdefault(id(module), module.received) != module.received:
            raise ValueError(f"{type(module).__name__} is used twice in one architecture with different inputs, "
                             f"channels {seen[id(module)]} and {module.received}, so no plain layer can stand there. "
                             "Give each place its own layer.")
    return hook
