"""So that a recomputation under another architecture cannot give wrong gradients.

Activation checkpointing runs a part of the forward pass again during the backward pass. If another
architecture is active by then, the gradients would be those of other layers. PyTorch compares the
shapes of what the recomputation saves with what the forward pass saved; so every choice saves an
empty tensor whose shape is a hash of its codes, and a difference raises `torch.utils.checkpoint.CheckpointError`.
A ValueChoice returns no tensor: the output of the module that holds it is marked in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from .value_choice import ValueChoice

# what makes autograd save the other factor; it gets no gradient, as no loss depends on a mark
_ANCHOR = torch.zeros((), device="cpu", requires_grad=True)


@lru_cache(maxsize=4096)
def _empty(codes: tuple[float, ...]) -> Tensor:
    """No element, so no memory; 40 bits are far from the largest size, 2^63, and two codes hardly have one hash."""
    return torch.empty(0, hash(codes) % 2**40, device="cpu")


def marked(output: Any, *codes: float) -> Any:
    """The output itself, its tensors marked in autograd's graph as computed under these codes."""
    if not torch.is_grad_enabled() or torch.compiler.is_compiling():  # a compiled graph recomputes nothing but itself
        return output
    if isinstance(output, Tensor):
        if output.requires_grad:
            # a product saves its factors: the very tensor that a recomputation under other codes saves in another shape
            mark = _empty(tuple(-1 if math.isnan(code) else code for code in codes)) * _ANCHOR
            if output.grad_fn is None:
                output = output.view_as(output)  # a leaf lives on without the graph
            output.grad_fn.metadata.setdefault("asng", []).append(mark)  # alive as long as the graph
        return output
    if type(output) in (tuple, list):
        return type(output)(marked(each, *codes) for each in output)
    return output


def holders(module: nn.Module) -> list[tuple[nn.Module, list[ValueChoice]]]:
    """The modules that hold a ValueChoice directly, and what they hold."""
    found = [(holder, [child for child in holder.children() if isinstance(child, ValueChoice)])
             for holder in module.modules()]
    return [(holder, held) for holder, held in found if held]


def marking(held: list[ValueChoice]) -> Callable[[nn.Module, Any, Any], Any]:
    """A forward hook that marks what the holder of these puts out."""
    def hook(module: nn.Module, args: Any, output: Any) -> Any:
        return marked(output, *(choice.active for choice in held if choice.active is not None))
    return hook
