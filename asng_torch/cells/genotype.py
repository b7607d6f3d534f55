"""DARTS's notation for a normal and a reduction cell, in and out.

    Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ...], normal_concat=[3, 5], reduce=[...], ...)

Two (operation, map read) pairs for each node; maps 0 and 1 are the cell's inputs, node i is map 2 + i;
`_concat` are the maps put out.

Source: Liu et al., 2019, https://arxiv.org/abs/1806.09055.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from ..networks.derived import loose_ends

Picks = list[list[tuple[int, str]]]  # for every node: (map read, name of the operation); inputs are maps 0, 1, ...
_CELLS = ("normal", "reduce")
_INPUTS = 2
_MAPS = 10_000  # more than any cell has


def picks_of(architecture: Mapping[str, Any], label: str, *, n_inputs: int = 2) -> Picks:
    """The edges of the Cell of this label. Raises ValueError if the architecture does not have it, or not all of it.

    >>> picks_of({"a.node0_input0": 1, "a.node0_operation0": "skip_connect"}, "a")
    [[(1, 'skip_connect')]]
    """
    own = [name for name in architecture if name.startswith(f"{label}.node")]
    picks: Picks = []
    while f"{label}.node{len(picks)}_input0" in architecture:
        node: list[tuple[int, str]] = []
        while (name := f"{label}.node{len(picks)}_input{len(node)}") in architecture:
            source, operation = architecture[name], architecture.get(name.replace("_input", "_operation"))
            if type(source) is not int or not 0 <= source < n_inputs + len(picks):
                raise ValueError(f"architecture[{name!r}] must be a map within 0..{n_inputs + len(picks) - 1}, "
                                 f"the inputs and the nodes before, got {source!r}.")
            if not isinstance(operation, str):
                raise ValueError(f"architecture must name an operation for {name!r}, "
                                 f"as {name.replace('_input', '_operation')!r}, got {operation!r}.")
            node.append((source, operation))
        picks.append(node)
    if not own or len(own) != 2 * sum(map(len, picks)):  # an input and an operation each; else one is left over
        raise ValueError(f"architecture must have the variables of the Cell {label!r}, {label}.node0_input0, "
                         f"{label}.node0_operation0 and so on without a gap, got {own or list(architecture)}.")
    return picks


def architecture_of(picks: Sequence[Sequence[tuple[int, str]]], label: str) -> dict[str, Any]:
    """The variables of a Cell of this label with these edges.

    >>> architecture_of([[(1, "skip_connect")]], "a")
    {'a.node0_input0': 1, 'a.node0_operation0': 'skip_connect'}
    """
    return {f"{label}.node{node}_{what}{pick}": value for node, each in enumerate(picks)
            for pick, edge in enumerate(each) for what, value in zip(("input", "operation"), edge, strict=True)}


def to_genotype(architecture: Mapping[str, Any]) -> str:
    """The genotype of an architecture of two Cells, labelled "normal" and "reduce", of two inputs and two picks.

    >>> edges = [[(0, "skip_connect"), (1, "sep_conv_3x3")]]
    >>> print(to_genotype({**architecture_of(edges, "normal"), **architecture_of(edges, "reduce")}).split("], ")[0])
    Genotype(normal=[('skip_connect', 0), ('sep_conv_3x3', 1)

    Raises ValueError if the architecture has no such cells.
    """
    parts = []
    for label in _CELLS:
        picks = picks_of(architecture, label, n_inputs=_INPUTS)
        if any(len(node) != 2 for node in picks):
            raise ValueError(f"to_genotype(architecture) must pick two operations per node, got {picks} of {label!r}.")
        # DARTS writes the operation first
        edges = [(operation, source) for node in picks for source, operation in node]
        parts += [f"{label}={edges}", f"{label}_concat={_concat(picks)}"]
    return f"Genotype({', '.join(parts)})"


def from_genotype(text: str) -> dict[str, Any]:
    """The architecture of a genotype; the inverse of `to_genotype`.

    >>> text = ("Genotype(normal=[('skip_connect', 1), ('none', 0)], normal_concat=[2], "
    ...         "reduce=[('max_pool_3x3', 0), ('none', 1)], reduce_concat=[2])")
    >>> from_genotype(text)["reduce.node0_operation0"], to_genotype(from_genotype(text)) == text
    ('max_pool_3x3', True)

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
    # RecursionError, MemoryError: text nested too deep for Python's parser
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError, OverflowError) as error:
        raise ValueError("from_genotype(text) must be Genotype(normal=[...], normal_concat=[...], reduce=[...], "
                         f"reduce_concat=[...]), got {text!r} ({error}).") from error
    return fields


def _list(node: ast.expr) -> list[Any]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        maps = range(*(ast.literal_eval(each) for each in node.args))  # as DARTS itself prints it
        if len(maps) > _MAPS:
            raise ValueError(f"a range of {len(maps)} maps")
        return list(maps)
    return list(ast.literal_eval(node))
