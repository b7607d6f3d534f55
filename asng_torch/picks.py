"""What a Cell's variables say, as a list of edges, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Picks = list[list[tuple[int, str]]]  # for every node: (map read, name of the operation); inputs are maps 0, 1, ...


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
    if not own or len(own) != 2 * sum(map(len, picks)):
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
