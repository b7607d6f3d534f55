"""A picture of a cell. Needs matplotlib."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .layout import Layout, Part, layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# a pastel for each operation, by the alphabet, so that text stays legible on it and two cells of a run look alike
_COLORS = ("#cfe2f3", "#d9ead3", "#fff2cc", "#f4cccc", "#d9d2e9", "#fce5cd", "#d0e0e3", "#ead1dc")
_INK = "#444444"
# all lengths in inches
_ROW = 0.5  # of one unit of height
_BETWEEN = 0.45  # from a layer's edge to the next one's
_BOX = 0.28  # height of a box, diameter of a node
_LETTER = 0.075  # mean width of one, at the font size of a box
_MARGIN = 0.3


def draw_cell(edges: Sequence[Sequence[tuple[int, str]]], n_inputs: int, path: str | os.PathLike[str], *,
              title: str = "", first_node: int = 0) -> None:
    """Draw a cell as a graph, from its inputs on the left to its output, as SVG or PNG as the path ends.

    edges: for every node its (map read, operation) pairs; maps are the inputs, then the nodes, as
        `Cell.edges()`, `picks_of` and `nasbench201.picks` give them. Operations "none" are left out.
    first_node: the first node's number; 1 for NAS-Bench-201, which counts from the input.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     draw_cell([[(0, "conv"), (1, "skip")], [(2, "pool")]], 2, f"{folder}/cell.svg")
    """
    # a canvas of its own: pyplot would need a display, and keep every figure
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    graph = layout(edges, n_inputs, first_node)
    centres, halves = _columns(graph)
    heights = [part.y * _ROW for part in graph.parts]
    top, bottom = min(heights) - _MARGIN - 0.3 * bool(title), max(heights) + _MARGIN
    left, right = -halves[0] - _MARGIN, centres[-1] + halves[-1] + _MARGIN
    figure = Figure(figsize=(right - left, bottom - top))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.axis("off")
    axes.text((left + right) / 2, top + 0.12, title, ha="center", va="top", fontsize=11)
    for start, end in graph.edges:
        _edge(axes, graph.parts[start], graph.parts[end], centres, halves)
    names = sorted({name for picks in edges for _, name in picks})
    for part in graph.parts:
        if part.kind != "corner":
            color = _COLORS[names.index(part.text) % len(_COLORS)] if part.kind == "operation" else "white"
            _box(axes, part, centres[part.layer], halves[part.layer], color)
    figure.savefig(path, dpi=150)


def _columns(graph: Layout) -> tuple[list[float], list[float]]:
    """Of every layer, where its middle is, and half the width of its parts."""
    halves = [max(_width(graph.parts[each]) for each in layer) / 2 for layer in graph.layers()]
    centres = [0.0]
    for before, after in itertools.pairwise(halves):
        centres.append(centres[-1] + before + _BETWEEN + after)
    return centres, halves


def _width(part: Part) -> float:
    return _BOX if part.kind in ("node", "corner") else len(part.text) * _LETTER + 0.2


def _box(axes: Axes, part: Part, x: float, half: float, color: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    y, rounding = part.y * _ROW, _BOX / 2 if part.kind == "node" else 0.05
    axes.add_patch(FancyBboxPatch((x - half, y - _BOX / 2), 2 * half, _BOX, facecolor=color, edgecolor=_INK,
                                  boxstyle=f"round,pad=0,rounding_size={rounding}"))
    axes.text(x, y, part.text, ha="center", va="center", fontsize=9)


def _edge(axes: Axes, start: Part, end: Part, centres: Sequence[float], halves: Sequence[float]) -> None:
    """A curve between two layers, and on through the end's layer if it is a corner."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    left, right = centres[start.layer] + halves[start.layer], centres[end.layer] - halves[end.layer]
    middle, before, after = (left + right) / 2, start.y * _ROW, end.y * _ROW
    points = [(left, before), (middle, before), (middle, after), (right, after)]
    codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
    if end.kind == "corner":
        points.append((centres[end.layer] + halves[end.layer], after))
        codes.append(Path.LINETO)
    axes.add_patch(FancyArrowPatch(path=Path(points, codes), arrowstyle="-" if end.kind == "corner" else "-|>",
                                   mutation_scale=9, shrinkA=0, shrinkB=0, color=_INK, linewidth=1))
