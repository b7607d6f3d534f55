"""Networks of graphs, of torch-geometric."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from asng_torch import LayerChoice, WidthChoice, elastic

from .network import Network

NODES = 6


def _edges() -> Any:
    return torch.tensor([[0, 1, 2, 3, 4, 5, 0, 2], [1, 2, 3, 4, 5, 0, 3, 5]])


def _models() -> Any:
    import torch_geometric.nn as models

    return models


def gin() -> Any:
    return _models().GIN(4, 8, 3, 2)


def put_gin(model: Any) -> None:
    """The width within each convolution, and its activation."""
    for conv in model.convs[:-1]:  # torch-geometric's own linear layer follows as any other module does
        first, second = conv.nn.lins
        width = WidthChoice([4, 8])
        elastic.follow(first, weight={0: width}, bias=width, out_channels=width)
        elastic.follow(second, weight={1: width}, in_channels=width)
        elastic.convert(conv.nn)
    model.act = LayerChoice({"relu": nn.ReLU(), "elu": nn.ELU()})


def gat() -> Any:
    return _models().GAT(4, 8, 3, 2, heads=2)


def put_gat(model: Any) -> None:
    model.convs[1] = LayerChoice({"gat": model.convs[1], "gatv2": _models().GATv2Conv(8, 4, heads=2)})


def typed() -> Any:
    """Of nodes and edges of several types, in dictionaries."""
    models = _models()
    kinds = [("user", "likes", "item"), ("item", "liked_by", "user")]
    return models.to_hetero(models.GraphSAGE((4, 4), 8, 3, 2), (["user", "item"], kinds))


def put_typed(model: Any) -> None:
    models = _models()
    for name, conv in list(model.convs[1].items()):
        model.convs[1][name] = LayerChoice({"sage": conv, "graph": models.GraphConv((8, 8), 8)})


def typed_inputs() -> tuple[Any, ...]:
    edges = _edges()
    return ({"user": torch.randn(NODES, 4), "item": torch.randn(NODES, 4)},
            {("user", "likes", "item"): edges, ("item", "liked_by", "user"): edges.flip(0)})


def graph() -> tuple[Any, ...]:
    return torch.randn(NODES, 4), _edges()


NETWORKS = [
    Network("GIN", "torch-geometric", "width, activations", gin, put_gin, graph),
    Network("GAT", "torch-geometric", "kinds of attention", gat, put_gat, graph),
    Network("GraphSAGE, of typed nodes and edges", "torch-geometric", "kinds of convolution, in dictionaries", typed,
            put_typed, typed_inputs),
]
