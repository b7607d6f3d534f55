"""The choices of a module: which variable decides which of them, under which conditions, and what it says now."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from ..choices.choice import Choice
from ..choices.mark import marking
from ..choices.value_choice import ValueChoice

Places = dict[str, list[Choice]]  # variable name -> the modules it decides
Holders = Sequence[tuple[nn.Module, list[ValueChoice]]]  # modules, and the values that they hold
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


class Switches:
    """Puts all choices under other codes at once, and marks what holders of a ValueChoice put out meanwhile.

    By their own attributes: nn.Module takes long to find out that a number is no parameter, and there are hundreds.

    names: of the variables, in the order of their codes.
    """

    def __init__(self, found: Places, names: Sequence[str], holders: Holders = ()) -> None:
        self.__setstate__((found, names, holders))

    def __getstate__(self) -> tuple[Places, Sequence[str], Holders]:
        return self._state  # copies and pickles switch their own choices

    def __setstate__(self, state: tuple[Places, Sequence[str], Holders]) -> None:
        self._state, self._places = state, list[_Place]()

    def _list(self) -> None:
        found, names, holders = self._state
        self._places = [(vars(choice), i) for i, name in enumerate(names) for choice in found[name]]
        self._hooks = [(vars(holder)["_forward_hooks"], marking(held)) for holder, held in holders]

    def under(self, codes: Sequence[float]) -> Under:
        """Let the choices be under these codes inside a `with`."""
        if not self._places:
            self._list()
        return Under(self._places, self._hooks, codes)


_Place = tuple[dict[str, Any], int]  # the attributes of a choice, and the position of its code
_Hook = tuple[dict[Any, Any], Any]  # the hooks of a holder, and ours


class Under:
    """Inside the `with` the choices are under these codes; a class, as a generator takes longer than all it does."""

    __slots__ = "before", "codes", "hooks", "places"

    def __init__(self, places: list[_Place], hooks: list[_Hook], codes: Sequence[float]) -> None:
        self.places, self.hooks, self.codes = places, hooks, codes

    def __enter__(self) -> None:
        codes = self.codes
        self.before = [attributes["active"] for attributes, _ in self.places]
        for attributes, i in self.places:
            attributes["active"] = codes[i]
        if self.hooks:
            self.hooks = [(there, hook) for there, hook in self.hooks if hook not in there]  # within another `with`
            for there, hook in self.hooks:
                there[hook] = hook

    def __exit__(self, *_: object) -> None:
        for (attributes, _i), earlier in zip(self.places, self.before, strict=True):
            attributes["active"] = earlier
        for there, hook in self.hooks:
            there.pop(hook, None)


def in_force(found: Places, codes: Mapping[str, float]) -> Under:
    """Let the choices be under these codes inside the `with`; a variable without a code is inactive."""
    return Switches(found, list(found)).under([inactive(places) if codes.get(name) is None else codes[name]
                                               for name, places in found.items()])


def inactive(choices: Sequence[Choice]) -> float:
    """The code of a variable that is not in use, of which these are the places."""
    return math.nan if choices[0].variable.continuous else _INACTIVE


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
