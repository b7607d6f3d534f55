"""What a forward pass on the meta device costs, where every operation runs once for each shapes of its inputs.

PyTorch's own counter watches every operation of every pass, which takes far longer than to look up what the same
operation cost before: without data, the shapes and the other arguments say all there is to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from ..choices.cell import Cell
from ..choices.searchable import Searchable
from ..networks.derived import run_cell

_MOST = 2**15  # entries of a memory, after which it begins anew
_NOTE = "asng_shape_and_type"
# quicker done than looked up: an attribute, such as `shape`, and what looks at the same memory otherwise
_FREE = {"__get__", "detach", "dim", "size", "numel", "narrow"}
_PLAIN = {int, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format}


class Spent(NamedTuple):
    """operations: additions and multiplications; size: bytes that convolutions and matrix products put out."""

    operations: int
    size: int


class _Unknown(TypeError):
    """An argument, or an output, that no memory can hold."""


class Tally(TorchFunctionMode):
    """Adds up what passes over a module on the meta device spend; remembers operations, and parts without choices."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._operations, self._size, self._on = 0, 0, False  # Spent so far; whether a pass is under way
        self._known: dict[Any, tuple[Any, int, int]] = {}  # an output, with what it spends
        for part in without_choices(module):
            part.forward = _Part(part.forward, self)
        for each in module.modules():
            if isinstance(each, Cell):
                vars(each)["run"] = self.cell

    def of(self, run: Callable[[], Any]) -> Spent:
        """What `run()`, a pass over the module, spends."""
        self._operations, self._size, self._on = 0, 0, True
        try:
            with _unfused(), torch.no_grad(), self:
                run()
        finally:
            self._on = False
        return Spent(self._operations, self._size)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in _FREE:
            return func(*args, **kwargs) if kwargs else func(*args)
        kwargs = kwargs or {}
        if (name.endswith("_") and not name.startswith("__")) or "out" in kwargs:  # in place
            output = self._operation(func, args, kwargs)
            if isinstance(output, Tensor):
                vars(output).pop(_NOTE, None)  # its shape may be another now
            return output
        return self._remembered(func, self._operation, args, kwargs)

    def part(self, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """The output of a part of the module."""
        return self._remembered(forward, _called, args, kwargs) if self._on else forward(*args, **kwargs)

    def cell(self, inputs: Sequence[Tensor], picks: Sequence[Sequence[tuple[int, nn.Module]]]) -> list[Tensor]:
        """`derived.run_cell`, where nodes add up to the shape of their first operation's output."""
        if not self._on:
            return run_cell(inputs, picks)
        maps = list(inputs)
        for node in picks:
            outputs = [self._output(operation, maps[source]) for source, operation in node]
            maps.append(outputs[0])
        return maps

    def _output(self, operation: nn.Module, x: Tensor) -> Tensor:
        """Of an operation that is remembered for this shape, without a call of it."""
        part = vars(operation).get("forward")
        known = self._known.get((part.forward, (_key(x),), ())) if isinstance(part, _Part) else None
        if known is None:
            return operation(x)  # type: ignore[no-any-return]
        output, operations, size = known
        self._operations += operations
        self._size += size
        return output  # type: ignore[no-any-return]

    def _remembered(self, func: Any, run: Callable[[Any, Any, Any], Any], args: Any, kwargs: Any) -> Any:
        """The output of `run(func, args, kwargs)`, or what it was for arguments of these shapes."""
        try:
            key = func, tuple(map(_key, args)), _key(kwargs) if kwargs else ()
        except _Unknown:
            return run(func, args, kwargs)
        known = self._known.get(key)
        if known is not None:
            output, operations, size = known
            self._operations += operations
            self._size += size
            return _alike(output)
        operations, size = self._operations, self._size
        output = run(func, args, kwargs)
        with suppress(_Unknown):
            known = _alike(output), self._operations - operations, self._size - size
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = known
        return output

    def _operation(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Run one, in which this mode sees nothing more, and add what it spends."""
        sizes: list[int] = []
        with FlopCounterMode(display=False, custom_mapping=_measured(sizes)) as counter, torch.device("meta"):
            output = func(*args, **kwargs)
        self._operations += counter.get_total_flops()
        self._size += sum(sizes)
        return output


def spent(run: Callable[[], Any]) -> Spent:
    """What `run()` spends, on any device, in an operation after the other."""
    sizes: list[int] = []
    with _unfused(), FlopCounterMode(display=False, custom_mapping=_measured(sizes)) as counter:
        run()
    return Spent(counter.get_total_flops(), sum(sizes))


class _Part:
    """Stands for the forward pass of a part without choices."""

    def __init__(self, forward: Callable[..., Any], tally: Tally) -> None:
        self.forward, self._tally = forward, tally

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._tally.part(self.forward, args, kwargs)


def _called(func: Any, args: Any, kwargs: Any) -> Any:
    return func(*args, **kwargs)


def without_choices(module: nn.Module) -> list[nn.Module]:
    """The largest parts of a module that hold nothing searchable, each once."""
    return _without(module, set())


def _without(module: nn.Module, seen: set[int]) -> list[nn.Module]:
    if id(module) in seen:
        return []
    seen.add(id(module))
    # of a list, which has no forward pass, what it holds
    if type(module).forward is not nn.Module.forward and not any(isinstance(each, Searchable)
                                                                 for each in module.modules()):
        return [module]
    return [part for child in module.children() for part in _without(child, seen)]


def _key(tree: Any) -> Any:
    """What of an argument decides how its operation comes out, hashable."""
    kind = type(tree)
    if kind in _PLAIN:
        return tree
    if kind is Tensor or isinstance(tree, Tensor):
        # noted at the tensor itself, as asking it for them goes through the mode
        noted = vars(tree).get(_NOTE)
        if noted is None:
            if not tree.is_meta:
                raise _Unknown  # it has content
            noted = vars(tree)[_NOTE] = tree.shape, tree.dtype
        return noted
    if kind in (tuple, list, torch.Size):
        return kind, tuple([_key(each) for each in tree])
    if kind in (bool, float, complex):
        return kind, tree
    if kind is slice:
        return slice, _key((tree.start, tree.stop, tree.step))
    if kind is dict:
        return dict, tuple([(name, _key(each)) for name, each in tree.items()])
    if callable(tree) or tree is Ellipsis:
        return tree
    raise _Unknown


def _alike(tree: Any) -> Any:
    """The same output with tensors of its own, whose shapes may be changed in place."""
    if type(tree) is Tensor or isinstance(tree, Tensor):
        alike = tree.detach()
        vars(alike)[_NOTE] = vars(tree).get(_NOTE) or _key(tree)
        return alike
    if type(tree) in _PLAIN or isinstance(tree, (bool, float, torch.Size)):
        return tree
    if type(tree) in (tuple, list) or hasattr(tree, "n_sequence_fields"):  # the last: as `max` returns
        return type(tree)([_alike(each) for each in tree])
    if type(tree) is dict:
        return {name: _alike(each) for name, each in tree.items()}
    raise _Unknown


def _measured(sizes: list[int]) -> dict[Any, Callable[..., int]]:
    """PyTorch's formulas for the operations of each function, which note the size of what it puts out as well."""
    def measured(formula: Callable[..., int]) -> Callable[..., int]:
        def note(*args: Any, out_val: Any = None, **kwargs: Any) -> int:
            outputs = out_val if isinstance(out_val, (tuple, list)) else (out_val,)
            first = next((each for each in outputs if isinstance(each, Tensor)), None)  # others are for the gradient
            sizes.append(0 if first is None else first.numel() * first.element_size())
            return formula(*args, **kwargs, out_val=out_val)

        vars(note)["_get_raw"] = True  # PyTorch's way to be given tensors instead of shapes
        return note

    return {function: measured(formula) for function, formula in flop_registry.items()}


@contextmanager
def _unfused() -> Iterator[None]:
    """In steps that the counter knows: of what PyTorch fuses on the CPU, attention and LSTMs, and of whole encoder
    layers in eval mode, it sees nothing."""
    onednn: Any = torch.backends.mkldnn
    before, enabled = torch.backends.mha.get_fastpath_enabled(), onednn.enabled
    torch.backends.mha.set_fastpath_enabled(False)
    onednn.enabled = False
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
        onednn.enabled = enabled
