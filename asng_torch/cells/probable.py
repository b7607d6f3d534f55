"""A network with its probabilities: SVG in which a line is as thick as it is likely, and what was chosen stands out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from asng_core.html import escape

Probabilities = Mapping[str, Mapping[str, float]]  # variable -> value -> probability
_COLUMN, _ROW, _BOX, _TOP = 170, 34, 24, 34  # pixels: of a variable, of a value, its height, above the first
_MAP = 118  # pixels, of a map of a cell
_THICKEST = 9.0  # pixels
_LETTERS = 20  # of a value in its box
_EDGE = re.compile(r"(.*)\.node(\d+)_(input|operation)(\d+)")  # names of a Cell's variables


def drawings(probabilities: Probabilities, chosen: Mapping[str, str]) -> dict[str, str]:
    """Title -> SVG: each Cell as a graph, all other variables as a chain, in their order. chosen: variable -> value."""
    cells = dict.fromkeys(found[1] for name in probabilities if (found := _EDGE.fullmatch(name)))
    others = {name: each for name, each in probabilities.items() if not _EDGE.fullmatch(name)}
    drawn = {f"The cell {label!r}": _cell(label, probabilities, chosen) for label in cells}
    return {"The network": _chain(others, chosen), **drawn} if others else drawn


def _chain(probabilities: Probabilities, chosen: Mapping[str, str]) -> str:
    """A column for each variable, a box for each value; a line is as thick as both its ends together are likely."""
    boxes, lines = [], []
    places = {(name, value): (column * _COLUMN, _TOP + row * _ROW) for column, name in enumerate(probabilities)
              for row, value in enumerate(probabilities[name])}
    for name, values in probabilities.items():
        x = places[name, next(iter(values))][0]
        boxes.append(f'<text x="{x}" y="16">{_cut(name)}<title>{escape(name)}</title></text>')
        for value, probability in values.items():
            _, y = places[name, value]
            boxes.append(_box(x, y, value, f"{name} = {value}: {probability:.0%}", chosen.get(name) == value))
    for (before, values), (after, others) in pairwise(probabilities.items()):
        for value, p in values.items():
            for other, q in others.items():
                (x0, y0), (x1, y1) = places[before, value], places[after, other]
                both = chosen.get(before) == value and chosen.get(after) == other
                lines.append(_line(f"M{x0 + 140} {y0 + _BOX / 2}C{x0 + 155} {y0 + _BOX / 2} {x1 - 15} {y1 + _BOX / 2} "
                                   f"{x1} {y1 + _BOX / 2}", p * q, f"{value}, then {other}: {p * q:.0%}", both))
    height = _TOP + _ROW * max(map(len, probabilities.values()))
    return _svg(len(probabilities) * _COLUMN, height, [*lines, *boxes])


def _cell(label: str, probabilities: Probabilities, chosen: Mapping[str, str]) -> str:
    """Inputs and nodes from left to right; an arc from a map to a node is as thick as it is likely that the node reads
    it, with its likeliest operation beside it if that was chosen."""
    edges: dict[int, list[tuple[str, str]]] = {}  # node -> names of its inputs' variables and their operations'
    for name in probabilities:
        found = _EDGE.fullmatch(name)
        if found and found[1] == label and found[3] == "input":
            edges.setdefault(int(found[2]), []).append((name, f"{label}.node{found[2]}_operation{found[4]}"))
    n_inputs = max(len(probabilities[name]) - node for node, names in edges.items() for name, _ in names)
    n_maps = n_inputs + 1 + max(edges)
    middle = 34 + 20 * n_maps  # pixels, of the row of maps: arcs of one pick above it, of the next below
    parts, boxes = [], []
    for node, names in edges.items():
        for pick, (name, operation) in enumerate(names):
            for source, (value, probability) in enumerate(probabilities[name].items()):
                x0, x1 = source * _MAP + 40, (n_inputs + node) * _MAP + 40
                way = 1 if pick % 2 else -1
                top = middle + way * (26 * (n_inputs + node - source) + 20)  # three quarters of it are reached
                best = max(probabilities.get(operation, {"": 1.0}).items(), key=lambda each: each[1])
                picked = chosen.get(name) == value
                parts.append(_line(f"M{x0} {middle}C{x0} {top} {x1} {top} {x1} {middle}", probability,
                                   f"node {node} reads map {source}: {probability:.0%}; {best[0]} {best[1]:.0%}",
                                   picked))
                if picked:
                    boxes.append(f'<text x="{(x0 + x1) / 2}" y="{middle + 0.75 * (top - middle) + 4 * way}" '
                                 f'text-anchor="middle">{_cut(chosen.get(operation, best[0]))}</text>')
    maps = [f"input {i}" for i in range(n_inputs)] + [f"node {i}" for i in range(n_maps - n_inputs)]
    boxes += [_box(i * _MAP, middle - _BOX / 2, each, each, False, 80) for i, each in enumerate(maps)]
    return _svg(n_maps * _MAP, 2 * middle, [*parts, *boxes])


def _svg(width: float, height: float, parts: list[str]) -> str:
    return (f'<div class="scroll" tabindex=0 role="group" aria-label="drawing"><svg class="network" role="img" '
            f'width="{width}" height="{height}" viewBox="-4 0 {width} {height}">{"".join(parts)}</svg></div>')


def _line(path: str, probability: float, title: str, chosen: bool) -> str:
    return (f'<path class="edge{" chosen" * chosen}" d="{path}" stroke-width="{0.3 + _THICKEST * probability:.2f}" '
            f'stroke-opacity="{0.15 + 0.6 * probability:.2f}"><title>{escape(title)}</title></path>')


def _box(x: float, y: float, text: str, title: str, chosen: bool, width: float = 140) -> str:
    return (f'<g><rect class="{"chosen" * chosen}" x="{x}" y="{y}" width="{width}" height="{_BOX}" rx="5"/>'
            f'<text x="{x + 8}" y="{y + 16}">{_cut(text)}</text><title>{escape(title)}</title></g>')


def _cut(text: str) -> str:
    return escape(text if len(text) <= _LETTERS else f"{text[:_LETTERS - 1]}…")
