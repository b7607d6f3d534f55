"""So that a recomputation under another architecture cannot give wrong gradients.

Activation checkpointing runs a part of the forward pass again during the backward pass. If another
architecture is active by then, the gradients would be those of other layers. PyTorch compares the
shapes of what the recomputation saves with what the forward pass saved; so every choice saves an
empty tensor whose shape holds its codes, and a difference raises `torch.utils.checkpoint.CheckpointError`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Mark(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, codes: tuple[int, ...]) -> Tensor:
        ctx.save_for_backward(x.new_empty((0, *codes)))
        return x.detach()  # the same memory, and no view: layers that work in place may follow

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0], None


def marked(output: Any, *codes: float) -> Any:
    """The output itself, its tensors marked in autograd's graph as computed under these codes."""
    if not torch.is_grad_enabled():
        return output
    if isinstance(output, Tensor):
        return _Mark.apply(output, tuple(int(code) for code in codes)) if output.requires_grad else output
    if type(output) in (tuple, list):
        return type(output)(marked(each, *codes) for each in output)
    return output
