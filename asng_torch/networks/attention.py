"""Attention whose heads need not make up the width of its input."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """What a multi-head attention of chosen heads becomes; called as `nn.MultiheadAttention` is, and as exact.

    The layers `q`, `k`, `v` put out heads side by side, from which `out` reads; `heads()` says how many, and how wide.
    """

    # what nn.TransformerEncoderLayer asks its attention for: of these, its fused path needs the first
    _qkv_same_embed_dim = False
    in_proj_bias = None

    def __init__(self, q: nn.Module, k: nn.Module, v: nn.Module, out: nn.Module, heads: nn.Module, dropout: float,
                 batch_first: bool) -> None:
        super().__init__()
        self.heads, self.q, self.k, self.v, self.out = heads, q, k, v, out
        self.dropout, self.batch_first = dropout, batch_first

    def forward(self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None,
                need_weights: bool = True, attn_mask: Tensor | None = None, average_attn_weights: bool = True,
                is_causal: bool = False) -> tuple[Tensor, Tensor | None]:
        if is_causal and attn_mask is None:
            raise ValueError("Attention(is_causal=True) is a hint about attn_mask and needs it, got None.")
        batched, (number, width) = query.dim() == 3, self.heads()
        # (batch, heads, length, width), whichever way the inputs come
        q, k, v = (self._split(layer(x), number, width, batched)
                   for layer, x in ((self.q, query), (self.k, key), (self.v, value)))
        mask = merged(attn_mask, key_padding_mask, q)
        dropout = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            scores = q @ k.transpose(-2, -1) * width**-0.5
            weights = torch.softmax(scores if mask is None else scores + mask, dim=-1)
            heads = nn.functional.dropout(weights, dropout) @ v
            weights = weights.mean(dim=1) if average_attn_weights else weights
            weights = weights if batched else weights[0]
        else:
            heads = nn.functional.scaled_dot_product_attention(q, k, v, mask, dropout)
        joined = heads.transpose(1, 2).flatten(2)  # (batch, length, number * width)
        if not batched:
            joined = joined[0]
        elif not self.batch_first:
            joined = joined.transpose(0, 1)
        return self.out(joined), weights

    def _split(self, x: Tensor, number: int, width: int, batched: bool) -> Tensor:
        if not batched:
            x = x[None]
        elif not self.batch_first:
            x = x.transpose(0, 1)
        split: Tensor = x.unflatten(-1, (number, width))
        return split.transpose(1, 2)


def merged(attn_mask: Tensor | None, key_padding_mask: Tensor | None, like: Tensor) -> Tensor | None:
    """Both masks as one to be added to scores `(batch, heads, length, length)`; None without any."""
    total = None
    if attn_mask is not None:
        # (length, length), or one for each head and element of the batch, those of an element side by side
        mask = _added(attn_mask, like)
        total = mask if mask.dim() == 2 else mask.reshape(like.shape[0], -1, *mask.shape[1:])
    if key_padding_mask is not None:
        padding = _added(key_padding_mask, like).reshape(like.shape[0], 1, 1, -1)
        total = padding if total is None else total + padding
    return total


def _added(mask: Tensor, like: Tensor) -> Tensor:
    """True, which hides, as minus infinity."""
    if mask.dtype != torch.bool:
        return mask.to(like.dtype)
    zeros: Any = torch.zeros_like(mask, dtype=like.dtype)
    return zeros.masked_fill_(mask, float("-inf"))  # type: ignore[no-any-return]
