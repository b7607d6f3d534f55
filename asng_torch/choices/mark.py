"""So that a recomputation under another architecture cannot give wrong gradients.

Activation checkpointing runs a part of the forward pass again during the backward pass. If another
architecture is active by then, the gradients would be those of other layers. PyTorch compares the
shapes of what the recomputation saves with what the forward pass saved; so every choice saves an
empty tensor whose shape is a hash of its codes, and a difference raises `torch.utils.checkpoint.CheckpointError`.
A ValueChoice returns no tensor: the output of the module that holds it is marked in its place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .value_choice import ValueChoice


class _Mark(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        # what counts is that it is saved: a recomputation under other codes saves another shape
        ctx.save_for_backward(x.new_empty(shape))
        return x.detach()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0], None


def marked(output: Any, *codes: float) -> Any:
    """The output itself, its tensors marked in autograd's graph as computed under these codes."""
    if not torch.is_grad_enabled():
        return output
    if isinstance(output, Tensor):
        # no element, so no memory; 40 bits are far from the largest size, 2^63, and two codes hardly have one hash
        shape = (0, hash(tuple(-1 if math.isnan(code) else code for code in codes)) % 2**40)
        return _with_mark(output, shape) if output.requires_grad else output
    if type(output) in (tuple, list):
        return type(output)(marked(each, *codes) for each in output)
    return output


def _with_mark(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A view, so that autograd knows of the memory that others may read too, should a layer behind it work in place."""
    view, mark = x.view_as(x), _Mark.apply(x.new_zeros(()).requires_grad_(), shape)

    def ask(gradient: Tensor) -> None:
        _ = mark.grad_fn.saved_tensors  # asked for, or a recomputation would not be compared with it

    view.register_hook(ask)  # which also keeps the mark alive as long as the graph
    return view


def holders(module: nn.Module) -> list[tuple[nn.Module, list[ValueChoice]]]:
    """The modules that hold a ValueChoice directly, and what they hold."""
    found = [(holder, [child for child in holder.children() if isinstance(child, ValueChoice)])
             for holder in module.modules()]
    return [(holder, held) for holder, held in found if held]


@contextmanager
def holders_marked(found: list[tuple[nn.Module, list[ValueChoice]]]) -> Iterator[None]:
    """Mark, inside the `with`, what the holders put out."""
    hooks = [holder.register_forward_hook(_marking(held)) for holder, held in found]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _marking(held: list[ValueChoice]) -> Any:
    def hook(module: nn.Module, args: Any, output: Any) -> Any:
        codes = (choice.active for choice in held if choice.active is not None)
        return marked(output, *codes)
    return hook
