"""An embedding of chosen width."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..choices.searchable import Blocks, size
from .elastic import Cut, Elastic, Width, taken, width_and_choice


class Embedding(Elastic, nn.Embedding):
    """`nn.Embedding` whose width may be a choice: `elastic.Embedding(1000, WidthChoice([32, 64]))`."""

    plain_class = nn.Embedding

    def __init__(self, num_embeddings: int, embedding_dim: int | Width, padding_idx: int | None = None,
                 **arguments: Any) -> None:
        most, width = width_and_choice("elastic.Embedding(embedding_dim)", embedding_dim)
        nn.Embedding.__init__(self, num_embeddings, most, padding_idx, **arguments)
        self.width = width

    @property
    def full_input(self) -> int:
        return 0  # of channels: what comes in are positions in the table

    @property
    def full_output(self) -> int:
        return self.embedding_dim

    def incoming(self, x: Tensor) -> Blocks:
        return ()

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.embedding(x, taken(self.weight, {1: self.given()}), self.padding_idx,
                                       self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse)

    def cuts(self, received: Blocks) -> dict[str, Cut]:
        return {"weight": {1: self.given()}}

    def cut(self, received: Blocks) -> nn.Module:
        return self.plain(received, self.num_embeddings, size(self.given()), self.padding_idx,
                          self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse)
