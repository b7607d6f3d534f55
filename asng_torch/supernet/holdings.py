"""The parameters that the network of an architecture would have, counted without making it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import nn

from ..choices.searchable import Blocks, Searchable, size
from ..elastic.elastic import Elastic
from ..elastic.follow import Following
from .tally import without_choices

Part = tuple[tuple[int, Blocks], ...]  # of a parameter: the blocks used along a dimension, where these are not all


class _Held(NamedTuple):
    """A parameter, or the part of it that a network has: told apart by its id and the part."""

    parameter: int
    part: Part
    numbers: int


class Holdings:
    """Of a module with choices, whose structure stays as it is."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        # id of a module that holds nothing searchable -> all parameters in it, of another one its own and its children
        self._parts = {id(part): [_whole(parameter) for parameter in part.parameters()]
                       for part in without_choices(module)}
        self._others = {id(each): ([_whole(parameter) for parameter in each.parameters(recurse=False)],
                                   list(each.children()))
                        for each in module.modules() if not isinstance(each, Searchable)}

    def counts(self, frozen: set[int]) -> tuple[int, int]:
        """How many numbers the architecture in force has, and how many of them take gradients.

        frozen: ids of the parameters that do not.
        """
        held: set[_Held] = set()
        # what is made on the way lives as long as ids are compared
        alive: dict[int, nn.Module] = {}
        self._walk(self._module, held, alive)
        trained = sum(each.numbers for each in held if each.parameter not in frozen)
        return sum(each.numbers for each in held), trained

    def _walk(self, module: nn.Module, held: set[_Held], alive: dict[int, nn.Module]) -> None:
        if id(module) in alive:
            return
        alive[id(module)] = module
        if (part := self._parts.get(id(module))) is not None:
            held.update(part)
        elif isinstance(module, Elastic) and (cut := _cut(module)) is not None:
            held.update(cut)
        elif isinstance(module, Searchable) and not isinstance(module, Following):
            for each in module.kept():
                self._walk(each, held, alive)
        else:
            own, children = self._others.get(id(module)) or _own(module)
            held.update(own)
            for child in children:
                self._walk(child, held, alive)


def _whole(parameter: nn.Parameter) -> _Held:
    return _Held(id(parameter), (), parameter.numel())


def _of(parameter: nn.Parameter, cut: Mapping[int, Blocks]) -> _Held:
    shape = list(parameter.shape)
    part = tuple([(dim, blocks) for dim, blocks in sorted(cut.items()) if blocks != ((0, shape[dim]),)])
    for dim, blocks in part:
        shape[dim] = size(blocks)
    return _Held(id(parameter), part, math.prod(shape))


def _cut(module: Elastic) -> list[_Held] | None:
    """What an elastic layer's plain one would have; None if that must be made to be known."""
    if module.received is None:
        return None  # nor can it be made, which it says itself
    tensors: list[tuple[Any, Mapping[int, Blocks]]] = [
        (getattr(module, name), cut) for name, cut in module.cuts(module.received).items()]
    own = {id(parameter) for parameter in module.parameters()}
    held = [_of(tensor, cut) for tensor, cut in tensors if isinstance(tensor, nn.Parameter)]
    return held if {each.parameter for each in held} == own else None


def _own(module: nn.Module) -> tuple[list[_Held], list[nn.Module]]:
    """The parameters and the children of a module that was made, or that follows a width."""
    cuts: dict[int, Mapping[int, Blocks]] = {}
    children = dict(module.named_children())
    if isinstance(module, Following):
        cuts = {id(tensor): cut for tensor, cut in module.cut_tensors()}
        children.pop("followed")  # the choices of its widths
    return [_of(each, cuts.get(id(each), {})) for each in module.parameters(recurse=False)], list(children.values())
