"""Multi-head attention of chosen heads."""

from __future__ import annotations

from torch import nn

from asng_core import checks

from ..choices.searchable import Layout, Searchable
from ..choices.value_choice import WidthChoice
from ..networks import derived
from ..networks.attention import Attention
from .elastic import Width, width_and_choice
from .heads import Heads, largest
from .linear import Linear


class MultiheadAttention(Searchable, Attention):
    """`nn.MultiheadAttention` of which heads, and their width, may be choices, and whose input may be narrower.

    Called as that one is. Derived, it is an `asng_torch.networks.attention.Attention`, as PyTorch's own must have heads
    that make up its input.

    embed_dim: the most features that come in, and what comes out: a number or a WidthChoice, where queries are added
        to what comes out, that of their producer.
    num_heads, head_width: a number or a WidthChoice; the width is by default the largest embed_dim / num_heads.
    after: the Concatenate, Heads or other layout that query, key and value are read from, if any.

    >>> attention = MultiheadAttention(64, WidthChoice([2, 4]), batch_first=True)
    >>> attention.heads.number.variable, attention.heads.full_width
    (Ordinal([2, 4]), 64)
    """

    def __init__(self, embed_dim: int | Width, num_heads: int | WidthChoice, *,
                 head_width: int | WidthChoice | None = None, dropout: float = 0.0, bias: bool = True,
                 batch_first: bool = False, after: Layout | None = None) -> None:
        most, _ = width_and_choice("elastic.MultiheadAttention(embed_dim)", embed_dim)
        if not isinstance(num_heads, WidthChoice):
            checks.integer("elastic.MultiheadAttention(num_heads)", num_heads, minimum=1)
        if head_width is None:
            head_width, rest = divmod(most, largest(num_heads))
            if rest:
                raise ValueError(f"elastic.MultiheadAttention(embed_dim), {most}, must be a multiple of num_heads, got "
                                 f"{largest(num_heads)}. Give head_width= too.")
        inner, layout, heads = laid(num_heads, head_width)
        q, k, v = (Linear(most, inner, bias, after=after) for _ in range(3))
        out = Linear(largest(num_heads) * largest(head_width), embed_dim, bias, after=layout)
        super().__init__(q, k, v, out, heads, dropout, batch_first)

    def derived(self) -> nn.Module:
        return Attention(self.q, self.k, self.v, self.out, self.heads, self.dropout,
                         self.batch_first).train(self.training)


def laid(number: int | WidthChoice, width: int | WidthChoice) -> tuple[int | Heads, Heads | None, nn.Module]:
    """Of heads: the width of the layers before, what the layer behind them follows, and what says how many there are.

    The first two are a number and nothing where nothing is chosen.
    """
    if isinstance(number, WidthChoice) or isinstance(width, WidthChoice):
        heads = Heads(number, width)
        return heads, heads, heads
    return number * width, None, derived.Constant((number, width))
