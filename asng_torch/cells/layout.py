"""Where to draw the parts of a cell: in layers from left to right, with few crossings.

Every operation is a box in a layer of its own, before the node that adds it up; edges that pass
layers have a corner in each, so that they run around the boxes. Source: Sugiyama et al., 1981.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..networks.derived import loose_ends

Kind = Literal["input", "operation", "node", "output", "corner"]
_SWEEPS = 24  # there and back again, as many as Gansner et al., 1993, found to be enough
_GAP, _CORNER_GAP = 1.0, 0.6  # least distances in a layer, in units of height; lines may run closer than boxes


@dataclass
class Part:
    """One thing to draw: its kind, its text, its layer from 0 on the left, and its height."""

    kind: Kind
    text: str
    layer: int
    y: float = 0.0


@dataclass
class Layout:
    """Parts, and edges between parts of neighbouring layers, as positions in `parts`."""

    parts: list[Part] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)

    def add(self, kind: Kind, text: str, layer: int) -> int:
        """A new part's position."""
        self.parts.append(Part(kind, text, layer))
        return len(self.parts) - 1

    def connect(self, start: int, end: int) -> None:
        """An edge, with corners where it passes layers."""
        for layer in range(self.parts[start].layer + 1, self.parts[end].layer):
            corner = self.add("corner", "", layer)
            self.edges.append((start, corner))
            start = corner
        self.edges.append((start, end))

    def layers(self) -> list[list[int]]:
        """Positions of the parts of every layer."""
        found: dict[int, list[int]] = defaultdict(list)
        for position, part in enumerate(self.parts):
            found[part.layer].append(position)
        return [found[layer] for layer in sorted(found)]


def layout(edges: Sequence[Sequence[tuple[int, str]]], n_inputs: int, first_node: int = 0) -> Layout:
    """Of a cell with these (map read, operation) pairs for every node, placed; operations "none" left out."""
    result, depth = Layout(), [0] * n_inputs  # of every map: how many nodes there are at most on the way to it
    for picks in edges:
        depth.append(1 + max(depth[source] for source, _ in picks))
    maps = [result.add("input", f"input {i}" if n_inputs > 1 else "input", 0) for i in range(n_inputs)]
    for node, picks in enumerate(edges):
        layer = 2 * depth[n_inputs + node]  # even layers hold maps, the odd ones between them operations
        maps.append(result.add("node", str(first_node + node), layer))
        for source, name in picks:
            if name == "none":
                continue
            operation = result.add("operation", name, layer - 1)
            result.connect(maps[source], operation)
            result.connect(operation, maps[-1])
    output = result.add("output", "output", 2 * max(depth) + 1)
    for loose in loose_ends(edges, n_inputs):
        result.connect(maps[n_inputs + loose], output)
    _place(result)
    return result


def _place(graph: Layout) -> None:
    """Order every layer by where its neighbours are, keep the order with fewest crossings, then straighten."""
    neighbours: dict[int, list[int]] = defaultdict(list)
    for start, end in graph.edges:
        neighbours[start].append(end)
        neighbours[end].append(start)
    layers = graph.layers()
    # 1. the order in each layer: by the mean rank of the neighbours in the layer before, or on the way back after
    rank = {part: float(i) for layer in layers for i, part in enumerate(layer)}
    best, fewest = dict(rank), _crossings(graph, rank)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        for layer in layers if forward else layers[::-1]:
            wanted = {part: _mean([rank[each] for each in neighbours[part] if
                                   (graph.parts[each].layer < graph.parts[part].layer) == forward], rank[part])
                      for part in layer}
            layer.sort(key=wanted.__getitem__)
            rank.update((part, float(i)) for i, part in enumerate(layer))
        if (crossings := _crossings(graph, rank)) < fewest:
            best, fewest = dict(rank), crossings
    # 2. the best order seen, evenly spaced and centred
    for layer in layers:
        layer.sort(key=best.__getitem__)
        for i, part in enumerate(layer):
            graph.parts[part].y = i - (len(layer) - 1) / 2
    # 3. each part as near to the mean height of its neighbours as order and gaps allow
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            heights = [_mean([graph.parts[each].y for each in neighbours[part]], 0.0) for part in layer]
            gaps = [0.0] + [_gap(graph.parts[a], graph.parts[b]) for a, b in itertools.pairwise(layer)]
            for part, y in zip(layer, _apart(heights, gaps), strict=True):
                graph.parts[part].y = y


def _crossings(graph: Layout, rank: Mapping[int, float]) -> int:
    """Pairs of edges between the same two layers whose ends are in the opposite order of their starts."""
    pairs: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for start, end in graph.edges:
        pairs[graph.parts[start].layer].append((rank[start], rank[end]))
    return sum((a - c) * (b - d) < 0 for each in pairs.values() for i, (a, b) in enumerate(each) for c, d in each[:i])


def _gap(above: Part, below: Part) -> float:
    """The least distance of two neighbours in a layer."""
    return _CORNER_GAP if "corner" in (above.kind, below.kind) else _GAP


def _apart(heights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """The heights nearest to those wanted, in least squares, that keep the order and the gaps."""
    # less the gaps above it, a height must be no less than the one before: an isotonic regression, solved by
    # pooling adjacent violators
    total, offsets = 0.0, []
    for gap in gaps:
        total += gap
        offsets.append(total)
    blocks: list[tuple[float, int]] = []  # mean and size, merged while out of order
    for height, offset in zip(heights, offsets, strict=True):
        mean, size = height - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, n = blocks.pop()
            mean, size = (mean * size + other * n) / (size + n), size + n
        blocks.append((mean, size))
    levels = [mean for mean, size in blocks for _ in range(size)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default
