"""The choices of a module: which variable decides which of them, under which conditions, and what it says now."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn

from ..choices.choice import Choice

Places = dict[str, list[Choice]]  # variable name -> the modules it decides
Conjunction = dict[str, list[Any]]  # parent -> its values; all parents must hold one of theirs
_INACTIVE = -1  # the code of a discrete variable that is not in use, as asng_core has it; of a continuum it is NaN


def places(module: nn.Module) -> Places:
    """The choices of every variable: name -> modules. Raises ValueError for labels that do not fit together."""
    found: Places = {}
    for path, child in module.named_modules():
        if isinstance(child, Choice):
            name = child.label or path or type(child).__name__
            first = found.setdefault(name, [child])[0]
            if first.variable != child.variable or type(first) is not type(child):
                raise ValueError(f"choices of one label must have the same kind and candidates, but label {name!r} has "
                                 f"{type(first).__name__} {first.variable!r} and, at {path!r}, "
                                 f"{type(child).__name__} {child.variable!r}. Rename one.")
            if first.label != child.label:
                raise ValueError(f"label {name!r} is also the qualified name of a choice without one. Rename it.")
            if first is not child:
                found[name].append(child)
    if not found:
        raise ValueError("Supernet(module) must hold at least one choice, got none. "
                         "Replace a layer by LayerChoice({name: layer, ...}).")
    return found


@contextmanager
def in_force(found: Places, codes: Mapping[str, float]) -> Iterator[None]:
    """Let the choices be under these codes inside the `with`; a variable without a code is inactive."""
    every = [(choice, codes.get(name, math.nan if choice.variable.continuous else _INACTIVE))
             for name, choices in found.items() for choice in choices]
    before = [choice.active for choice, _ in every]
    for choice, code in every:
        choice.active = code
    try:
        yield
    finally:
        for (choice, _), earlier in zip(every, before, strict=True):
            choice.active = earlier


def conditions(module: nn.Module, found: Places) -> dict[str, list[Conjunction]]:
    """For every variable that is not always in use, the alternatives under which one of its places runs, if any."""
    names = {id(choice): name for name, choices in found.items() for choice in choices}
    alternatives: dict[str, list[Conjunction]] = {}
    _walk(module, {}, names, alternatives)
    # a place that no walk reaches, as in a branch of its own label's other value, never runs: no alternative at all
    alternatives.update((name, []) for name in found if name not in alternatives)
    return {name: listed for name, listed in alternatives.items() if {} not in listed}  # {}: a place outside of all


def _walk(module: nn.Module, condition: Conjunction, names: dict[int, str],
          alternatives: dict[str, list[Conjunction]]) -> None:
    """Note for every choice in the module under which condition it is reached; `condition` leads to the module."""
    branches = []  # (what it runs, under which variable, for which values)
    if isinstance(module, Choice):
        name = names[id(module)]
        known = alternatives.setdefault(name, [])
        if condition not in known:
            known.append(condition)
        branches = [(child, name, list(values)) for child, values in module.branches()]
    for child, name, values in branches:
        both = [value for value in condition.get(name, values) if value in values]
        if both:  # else a branch of a label's own other value: it never runs
            _walk(child, {**condition, name: both}, names, alternatives)
    if not branches:  # nothing in it depends on its variable: all that it holds runs when it does
        for child in module.children():
            _walk(child, condition, names, alternatives)


def restricted(alternatives: dict[str, list[Conjunction]], fixed: dict[str, Any],
               unused: set[str]) -> dict[str, list[Conjunction]]:
    """The conditions that are left when some variables are fixed; names that can never be active join `unused`.

    A variable without an entry is always active.
    """
    left: dict[str, list[Conjunction]] = {}  # {} among the alternatives means: always, and then needs no entry
    for name, listed in alternatives.items():  # parents come before their children
        # of each alternative: can it still hold, and what of it is still to be chosen
        possible = [each for each in listed if not unused & each.keys()
                    and all(fixed[parent] in values for parent, values in each.items() if parent in fixed)]
        free = [{parent: values for parent, values in each.items() if parent not in fixed} for each in possible]
        if not possible:
            unused.add(name)
        elif {} not in free:
            left[name] = free
    return left
