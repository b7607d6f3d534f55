"""DARTS's notation for a normal and a reduction cell, in and out.

    Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ...], normal_concat=[3, 5], reduce=[...], ...)

Two (operation, map read) pairs for each node; maps 0 and 1 are the cell's inputs, node i is map 2 + i;
`_concat` are the maps put out.

Source: Liu et al., 2019, https://arxiv.org/abs/1806.09055.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from .derived import loose_ends
from .picks import Picks, architecture_of, picks_of

_CELLS = ("normal", "reduce")
_INPUTS = 2


def to_genotype(architecture: Mapping[str, Any]) -> str:
    """The genotype of an architecture of two Cells, labelled "normal" and "reduce", of two inputs and two picks.

    Raises ValueError if the architecture has no such cells.
    """
    parts = []
    for label in _CELLS:
        picks = picks_of(architecture, label, n_inputs=_INPUTS)
        if any(len(node) != 2 for node in picks):
            raise ValueError(f"to_genotype(architecture) must pick two operations per node, got {picks} of {label!r}.")
        edges = [(operation, source) for node in picks for source, operation in node]
        parts += [f"{label}={edges}", f"{label}_concat={_concat(picks)}"]
    return f"Genotype({', '.join(parts)})"


def from_genotype(text: str) -> dict[str, Any]:
    """The architecture of a genotype; the inverse of `to_genotype`.

    Raises ValueError if the text is none, or if a cell puts out other maps than those that no node
    reads, as this package's cells do.
    """
    fields = _fields(text)
    architecture: dict[str, Any] = {}
    for label in _CELLS:
        edges = fields[label]
        if len(edges) % 2 or not all(isinstance(edge, tuple) and len(edge) == 2 for edge in edges):
            raise ValueError(f"from_genotype(text) must have two (operation, map) pairs for each node in {label}=, "
                             f"got {edges}.")
        pairs = [(source, operation) for operation, source in edges]
        cell = architecture_of([pairs[i : i + 2] for i in range(0, len(pairs), 2)], label)
        picks = picks_of(cell, label, n_inputs=_INPUTS)  # checks maps and names
        if fields[f"{label}_concat"] != _concat(picks):
            raise ValueError(f"from_genotype(text) must have {label}_concat={_concat(picks)}, the maps that no node "
                             f"reads, as these are what a Cell puts out, got {fields[f'{label}_concat']}.")
        architecture |= cell
    return architecture


def _concat(picks: Picks) -> list[int]:
    return [_INPUTS + node for node in loose_ends(picks, _INPUTS)]


def _fields(text: str) -> dict[str, list[Any]]:
    """The four lists of a genotype, read without running anything."""
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "Genotype":
            raise ValueError("no call of Genotype")
        fields = {str(each.arg): _list(each.value) for each in call.keywords}
        if call.args or set(fields) != {*_CELLS, *(f"{label}_concat" for label in _CELLS)}:
            raise ValueError(f"fields {list(fields)}")
    except (SyntaxError, ValueError, TypeError) as error:
        raise ValueError("from_genotype(text) must be Genotype(normal=[...], normal_concat=[...], reduce=[...], "
                         f"reduce_concat=[...]), got {text!r} ({error}).") from error
    return fields


def _list(node: ast.expr) -> list[Any]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        return list(range(*(ast.literal_eval(each) for each in node.args)))  # as DARTS itself prints it
    return list(ast.literal_eval(node))
