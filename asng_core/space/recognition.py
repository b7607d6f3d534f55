"""Whether a state is of a space, and if not, in what they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..arrays import Codes
from ..checks import shown
from .space import Space


def check_storable(space: Space) -> None:
    """Raises TypeError if a file could not tell some values from others."""
    for name, variable in space.variables.items():
        if None in variable.describe().get("digests", ()):
            raise TypeError(f"variable {name!r} must have values whose content a file can know, got {variable!r}, of "
                            "which some are objects like any other of their type. Name them by text, and look them up "
                            "in the objective; or make them dataclasses, or functions of a module.")


def check_described(space: Space, description: Mapping[str, Any]) -> None:
    """Raises ValueError, which names the difference, if it is not this space that was described."""
    found = _difference(description, space.describe())
    if found is not None:
        raise ValueError(f"it must be of this optimizer's space, but {found}.")
    for values, then, now in zip(space.probes if space.constraints else (), description["answers"], space.answers,
                                 strict=True):
        if then != now:
            raise ValueError(f"it must be of this optimizer's space, but its constraints have changed: {shown(values)} "
                             f"{_verdict(space, then)} then, and {_verdict(space, now)} now.")


def check_asked(space: Space, codes: Codes) -> None:
    """Raises ValueError if some of `(n, n_variables)` codes that were asked break a constraint now."""
    for values in space.values(codes) if space.constraints else ():
        if (number := space.constraints.broken(values)) != len(space.constraints.predicates):
            raise ValueError(f"it must be of this optimizer's space, but {shown(values)}, which was asked, "
                             f"{_verdict(space, number)} now.")


def _verdict(space: Space, number: int) -> str:
    """What `Constraints.broken` says, in words."""
    names = space.constraints.names
    if number < 0:
        return "made a constraint raise"
    return "satisfied its constraints" if number == len(names) else f"broke constraint {number} ({names[number]})"


def _difference(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str | None:
    """In what one description differs from another, the first that is found; None if in nothing.

    Raises KeyError, TypeError or AttributeError if `theirs` is no description.
    """
    names, own = list(theirs["variables"]), list(ours["variables"])
    if names != own:
        extra, missing = [name for name in names if name not in own], [name for name in own if name not in names]
        if not extra and not missing:
            return f"its variables come in the order {shown(names)}, not {shown(own)}"
        return f"it has {shown(extra)} beyond, and lacks {shown(missing)}, of the space's variables"
    for name in names:
        if (found := _of_variable(theirs["variables"][name], ours["variables"][name])) is not None:
            return f"its variable {name!r} {found}"
    conditional = {**theirs["active_if"], **ours["active_if"]}
    for name in conditional:
        if _jsonable(theirs["active_if"].get(name)) != _jsonable(ours["active_if"].get(name)):
            return f"its variable {name!r} is active under another condition"
    if theirs["constraints"] != ours["constraints"]:
        return f"its constraints are {shown(theirs['constraints'])}, not {shown(ours['constraints'])}"
    return None


def _of_variable(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str | None:
    for key in ("kind", "size", "low", "high", "step", "log"):
        if theirs.get(key) != ours.get(key) or type(theirs.get(key)) is not type(ours.get(key)):
            return f"has {key}={shown(theirs.get(key))}, not {shown(ours.get(key))}"
    for key, what in (("values", "the value {}"), ("digests", "a value of other content")):
        there, here = theirs.get(key), ours.get(key)
        if (there is None) != (here is None):
            return "has values of other types"
        for position, (one, other) in enumerate(zip(there or (), here or (), strict=True)):
            if repr(one) != repr(other):  # which tells 1, 1.0 and True apart, and not NaN from itself
                instead = shown(other) if key == "values" else "that of the space"
                return f"has {what.format(shown(one))} at position {position}, not {instead}"
    return None


def _jsonable(condition: Any) -> Any:
    return None if condition is None else [dict(each) for each in condition]
