"""A linear layer of chosen width."""

from __future__ import annotations

from torch import Tensor, nn

from asng_core import checks

from ..choices.searchable import Blocks, Layout, size
from .elastic import Cut, Elastic, Width, sources, width_and_choice


class Linear(Elastic, nn.Linear):
    """`nn.Linear` whose input may be narrower than `in_features`, and whose width may be a choice.

    The input may be a flattened map: the features of a channel lie together.

    in_features: the most that may come in. out_features: a number, a WidthChoice or Heads.
    after: the Concatenate, InputChoice, Cell or Heads whose output, flattened or not, this layer reads, if any.
    """

    plain_class = nn.Linear

    def __init__(self, in_features: int, out_features: int | Width, bias: bool = True, *,
                 after: Layout | None = None) -> None:
        most, width = width_and_choice("elastic.Linear(out_features)", out_features)
        in_features = checks.integer("elastic.Linear(in_features)", in_features, minimum=1)
        nn.Linear.__init__(self, in_features, most, bias)
        self.width, self.sources = width, sources(after)

    @property
    def full_input(self) -> int:
        return self.in_features

    @property
    def full_output(self) -> int:
        return self.out_features

    def incoming(self, x: Tensor) -> Blocks:
        return self.blocks_of(x.shape[-1])

    def forward(self, x: Tensor) -> Tensor:
        used = self.used(self.incoming(x))
        return nn.functional.linear(x, used["weight"], used["bias"])  # type: ignore[arg-type]

    def cuts(self, received: Blocks) -> dict[str, Cut]:
        given = self.given()
        return {"weight": {0: given, 1: received}, "bias": {0: given}}

    def cut(self, received: Blocks) -> nn.Module:
        return self.plain(received, size(received), size(self.given()), self.bias is not None)
