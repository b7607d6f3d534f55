"""A linear layer of chosen width."""

from __future__ import annotations

from torch import Tensor, nn

from asng_core import checks

from ..choices.searchable import Blocks, Joining
from ..choices.value_choice import WidthChoice
from .elastic import Elastic, plain, sources, taken, width_and_choice


class Linear(Elastic, nn.Linear):
    """`nn.Linear` whose input may be narrower than `in_features`, and whose width may be a choice.

    The input may be a flattened map: the features of a channel lie together.

    in_features: the most that may come in. out_features: a number or a WidthChoice.
    after: the Concatenate, InputChoice or Cell whose output, flattened or not, this layer reads, if any.
    """

    width: WidthChoice | None

    def __init__(self, in_features: int, out_features: int | WidthChoice, bias: bool = True, *,
                 after: Joining | None = None) -> None:
        most, width = width_and_choice("elastic.Linear(out_features)", out_features)
        in_features = checks.integer("elastic.Linear(in_features)", in_features, minimum=1)
        nn.Linear.__init__(self, in_features, most, bias)
        self.width, self.sources = width, sources(after)

    def incoming(self, x: Tensor) -> Blocks:
        return self.blocks_of(x.shape[-1], self.in_features)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, *self._used(self.incoming(x)))

    def _used(self, received: Blocks) -> tuple[Tensor, Tensor | None]:
        """Weight `(out, in)` and bias `(out,)` in force for the features received."""
        # the narrower layer is the first rows of the widest one
        out = ((0, self.out_features if self.width is None else self.width.value),)
        return taken(taken(self.weight, received, 1), out, 0), None if self.bias is None else taken(self.bias, out, 0)

    def cut(self, received: Blocks) -> nn.Module:
        weight, bias = self._used(received)
        return plain(nn.Linear, self, {"weight": weight, "bias": bias}, weight.shape[1], weight.shape[0],
                     bias is not None)
