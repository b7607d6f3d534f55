"""What the command line reads and writes, as `schema.json` has it."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from .. import checks
from ..space.ranges import Integer, Real
from ..space.space import Space
from ..space.variables import Boolean, Categorical, Ordinal, Variable

KINDS: dict[str, type[Variable]] = {each.__name__: each for each in (Categorical, Ordinal, Boolean, Integer, Real)}
_LISTED = ("Categorical", "Ordinal")


def space_from(document: Any) -> Space:
    """The space of `{"variables": {name: {"kind": ...}}, "active_if": ...}`. Raises ValueError for anything else."""
    if not isinstance(document, Mapping) or not isinstance(document.get("variables"), Mapping):
        raise ValueError('a space must be an object {"variables": {name: {"kind": "Integer", "low": 0, "high": 9}}}, '
                         f"got {checks.shown(document)}.")
    if unknown := set(document) - {"variables", "active_if"}:
        raise ValueError(f'a space has "variables" and "active_if", got {sorted(unknown)}.')
    variables = {name: _variable(name, entry) for name, entry in document["variables"].items()}
    try:
        return Space(variables, active_if=document.get("active_if"))
    except TypeError as error:
        raise ValueError(str(error)) from error


def space_document(space: Space) -> dict[str, Any]:
    """The inverse. Raises ValueError for constraints and values that JSON cannot hold."""
    described = space.describe()
    if described["constraints"]:
        raise ValueError("a space with constraints, which are functions, cannot be written as JSON.")
    if lost := [name for name, entry in described["variables"].items() if "digests" in entry]:
        raise ValueError(f"the values of {', '.join(lost)} cannot be written as JSON. Name them by text.")
    variables = {name: {"kind": "Boolean"} if entry["kind"] == "Boolean" else
                 {key: value for key, value in entry.items() if key != "size"}
                 for name, entry in described["variables"].items()}
    conditions = space.conditions.values(space.variables) if space.conditions else {}
    return {"variables": variables, **({"active_if": conditions} if conditions else {})}


def _variable(name: str, entry: Any) -> Variable:
    kind = entry.get("kind") if isinstance(entry, Mapping) else None
    if kind not in KINDS:
        raise ValueError(f"variable {name!r} must be an object with a \"kind\" of {sorted(KINDS)}, "
                         f"got {checks.shown(entry)}.")
    legal = ["values"] if kind in _LISTED else [*inspect.signature(KINDS[kind]).parameters]
    given = {key: value for key, value in entry.items() if key != "kind"}
    if unknown := set(given) - set(legal):
        raise ValueError(f"variable {name!r} of kind {kind!r} takes {legal}, got {sorted(unknown)}.")
    try:
        return KINDS[kind](*given.values()) if kind in _LISTED else KINDS[kind](**given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"variable {name!r}: {error}") from error


def results_from(text: str) -> list[dict[str, Any]]:
    """Results, a line each or in one array; their loss with NaN for null. Raises ValueError for anything else."""
    found = []
    for line, document in _documents(text):
        if not isinstance(document, Mapping) or "loss" not in document or not {"id", "values"} & set(document) or (
                set(document) - {"id", "values", "loss", "violation"}):
            raise ValueError(f'{line} must be a result {{"id": 0, "loss": 1.5}} or {{"values": {{...}}, "loss": 1.5}}, '
                             f"with \"violation\" if need be, got {checks.shown(document)}.")
        loss = document["loss"]
        losses = [math.nan if each is None else each for each in loss] if isinstance(loss, list) else loss
        found.append({**document, "loss": math.nan if losses is None else losses})
    if not found:
        raise ValueError('the input must hold a result, such as {"id": 0, "loss": 1.5}, but is empty.')
    return found


def _documents(text: str) -> Iterator[tuple[str, Any]]:
    """What each line is called, and holds."""
    if text.lstrip().startswith("["):
        yield from ((f"entry {i}", each) for i, each in enumerate(loaded("the input", text)))
        return
    for i, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield f"line {i}", loaded(f"line {i}", line)


def loaded(what: str, text: str) -> Any:
    """What JSON holds. Raises ValueError if it is none; NaN and Infinity, which Python would read, are none, and of two
    entries of one name it is not known which is meant."""
    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is no JSON. A failed evaluation has the loss null.")

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            raise ValueError(f"it has {next(name for name in names if names.count(name) > 1)!r} twice.")
        return found
    try:
        return json.loads(text, parse_constant=refuse, object_pairs_hook=distinct)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} must be JSON: {error}") from error


def evaluation(number: int | None, values: Mapping[str, Any], loss: Any, violation: float | None = None) -> str:
    """One line of JSON."""
    losses = f"[{', '.join(map(_number, loss))}]" if isinstance(loss, (list, tuple)) else _number(loss)
    excess = "" if violation is None else f', "violation": {_number(violation)}'
    return f'{{"id": {json.dumps(number)}, "values": {json.dumps(dict(values))}, "loss": {losses}{excess}}}'


def _number(value: float) -> str:
    """As JSON has numbers: null for NaN; of infinity, which it has not, a number that is read as such."""
    if math.isnan(value):
        return "null"
    return json.dumps(value) if math.isfinite(value) else "1e999" if value > 0 else "-1e999"
