"""So that a recomputation under another architecture cannot give wrong gradients.

Activation checkpointing runs a part of the forward pass again during the backward pass. If another
architecture is active by then, the gradients would be those of other layers. PyTorch compares the
shapes of what the recomputation saves with what the forward pass saved; so every choice saves an
empty tensor whose shape is a hash of its codes, and a difference raises `torch.utils.checkpoint.CheckpointError`.
Where nobody watches what is saved, there is no mark.
A ValueChoice returns no tensor: the output of the module that holds it is marked in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import disable_saved_tensors_hooks

from .value_choice import ValueChoice


@lru_cache(maxsize=4096)
def _leaf(codes: tuple[float, ...]) -> Tensor:
    """No element, so no memory; 40 bits are far from the largest size, 2^63, and two codes hardly have one hash."""
    shape = (0, hash(tuple(-1 if math.isnan(code) else code for code in codes)) % 2**40)
    return torch.empty(shape, device="cpu", requires_grad=True)  # it gets no gradient, as no loss depends on a mark


def marked(output: Any, *codes: float) -> Any:
    """The output itself, its tensors marked in autograd's graph as computed under these codes."""
    return _marked(output, codes) if watched() else output


def _marked(output: Any, codes: tuple[float, ...]) -> Any:
    if isinstance(output, Tensor):
        if output.requires_grad:
            mark = _leaf(codes).sin()  # an operation that saves its input
            if output.grad_fn is None:
                output = output.view_as(output)  # a leaf lives on without the graph
            output.grad_fn.metadata[id(mark)] = mark  # alive as long as the graph
        return output
    if type(output) in (tuple, list):
        return type(output)(_marked(each, codes) for each in output)
    if type(output) is dict:
        return {name: _marked(each, codes) for name, each in output.items()}
    for each in _parts(output):  # of another class, which stays as it is: where autograd made them, in its graph
        _marked(each, codes)
    return output


def _parts(output: Any) -> Iterable[Any]:
    if isinstance(output, Mapping):
        return output.values()
    if is_dataclass(output) and not isinstance(output, type):
        return [getattr(output, field.name) for field in fields(output)]
    return output if isinstance(output, (tuple, list)) else ()


def watched() -> bool:
    """Whether someone, such as activation checkpointing, sees what is saved here: then it cannot be forbidden."""
    # a compiled graph recomputes nothing but itself
    if not torch.is_grad_enabled() or torch.compiler.is_compiling():
        return False
    try:
        with disable_saved_tensors_hooks("never seen"):
            return False
    except RuntimeError:
        return True


def holders(module: nn.Module) -> list[tuple[nn.Module, list[ValueChoice]]]:
    """The modules that hold a ValueChoice directly, and what they hold."""
    found = [(holder, [child for child in holder.children() if isinstance(child, ValueChoice)])
             for holder in module.modules()]
    return [(holder, held) for holder, held in found if held]


def marking(held: list[ValueChoice]) -> Callable[[nn.Module, Any, Any], Any]:
    """A forward hook that marks what the holder of these puts out."""
    def hook(module: nn.Module, args: Any, output: Any) -> Any:
        if not watched():  # nor are there codes to be collected
            return output
        return marked(output, *(choice.active for choice in held if choice.active is not None))
    return hook
