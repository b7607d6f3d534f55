"""The parameters that the network of an architecture would have, counted without making it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from ..choices.searchable import Blocks, Searchable, size
from ..elastic.elastic import Elastic
from ..elastic.follow import Following
from .tally import without_choices

Part = tuple[tuple[int, Blocks], ...]  # of a parameter: the blocks used along a dimension, where these are not all


# what tells a parameter, or a part of it, apart -> itself, and how many numbers are held of it
Held = dict[tuple[int, Part], tuple[nn.Parameter, int]]


class Holdings:
    """Of a module with choices, whose structure stays as it is."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        # id of a module that holds nothing searchable -> all parameters in it, of another one its own and its children
        self._parts = {id(part): _whole(part.parameters()) for part in without_choices(module)}
        self._others = {id(each): (_whole(each.parameters(recurse=False)), list(each.children()))
                        for each in module.modules() if not isinstance(each, Searchable)}

    def held(self) -> list[tuple[nn.Parameter, int]]:
        """The parameters under the architecture in force, each once, and how many numbers are held of it."""
        held: Held = {}
        # what is made on the way lives as long as ids are compared
        self._walk(self._module, held, {})
        return list(held.values())

    def _walk(self, module: nn.Module, held: Held, alive: dict[int, nn.Module]) -> None:
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


def _whole(parameters: Iterable[nn.Parameter]) -> Held:
    return {(id(parameter), ()): (parameter, parameter.numel()) for parameter in parameters}


def _of(parameters: Iterable[tuple[nn.Parameter, Mapping[int, Blocks]]]) -> Held:
    """Parameters, each with the blocks used along dimensions."""
    held: Held = {}
    for parameter, cut in parameters:
        shape = list(parameter.shape)
        part = tuple([(dim, blocks) for dim, blocks in sorted(cut.items()) if blocks != ((0, shape[dim]),)])
        for dim, blocks in part:
            shape[dim] = size(blocks)
        held[id(parameter), part] = parameter, math.prod(shape)
    return held


def _cut(module: Elastic) -> Held | None:
    """What an elastic layer's plain one would have; None if that must be made to be known."""
    if module.received is None:
        return None  # nor can it be made, which it says itself
    tensors: list[tuple[Any, Mapping[int, Blocks]]] = [
        (getattr(module, name), cut) for name, cut in module.cuts(module.received).items()]
    held = _of((tensor, cut) for tensor, cut in tensors if isinstance(tensor, nn.Parameter))
    # else some of it is computed from others
    return held if {parameter for parameter, _ in held} == {id(each) for each in module.parameters()} else None


def _own(module: nn.Module) -> tuple[Held, list[nn.Module]]:
    """The parameters and the children of a module that was made, or that follows a width."""
    cuts: dict[int, Mapping[int, Blocks]] = {}
    children = dict(module.named_children())
    if isinstance(module, Following):
        cuts = {id(tensor): cut for tensor, cut in module.cut_tensors()}
        children.pop("followed")  # the choices of its widths
    own = _of((each, cuts.get(id(each), {})) for each in module.parameters(recurse=False))
    return own, list(children.values())
