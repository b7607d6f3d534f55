"""The plain network in a module with choices: what the architecture in force leaves of it."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn

from ..choices.searchable import Searchable
from ..elastic.elastic import ties_kept

Copies = dict[int, Any]  # deepcopy's memo: id of an object -> what stands for it in the copy


def cut(module: nn.Module) -> tuple[nn.Module, Copies]:
    """A copy of what runs under the architecture in force, each choice by what was chosen, and what became of what."""
    copies: Copies = {}
    kept: list[Any] = copies.setdefault(id(copies), [])  # deepcopy's own way to keep what the memo knows by id alive
    for each in module.modules():
        for value in vars(each).values():
            # what a hook has computed and left as an attribute, as old-style weight_norm does, deepcopy would refuse
            if isinstance(value, Tensor) and not value.is_leaf:
                kept.append(value)
                copies[id(value)] = value.detach().clone()
    with ties_kept():
        _resolve(module, copies, set())
        return copy.deepcopy(module, copies), copies


def _resolve(module: nn.Module, copies: Copies, seen: set[int]) -> None:
    """Put, for deepcopy, what was chosen in place of every choice.

    Deepcopy takes what the memo holds in place of a copy; only what runs is gone through, and inner
    choices are resolved before the modules that hold them, so that nothing unchosen is ever copied.
    """
    if id(module) in seen:
        return
    seen.add(id(module))
    if isinstance(module, Searchable):
        plain = module.derived()
        _resolve(plain, copies, seen)  # which may hold choices itself
        copies[id(module)] = copy.deepcopy(plain, copies)
        copies[id(copies)].append(plain)
    else:
        for child in module.children():
            _resolve(child, copies, seen)
