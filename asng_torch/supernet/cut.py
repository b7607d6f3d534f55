"""The plain network in a module with choices: what the architecture in force leaves of it."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn

from ..choices.searchable import Searchable
from ..elastic import parametrized
from ..elastic.elastic import ties_kept
from ..networks import derived

# the attributes of a module by which it knows its hooks: the hooks, and what is said of some of them
_HOOKS = ("_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_forward_hooks", "_forward_hooks_with_kwargs",
          "_forward_hooks_always_called", "_backward_pre_hooks", "_backward_hooks")

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
        network = copy.deepcopy(module, copies)
    for each in network.modules():
        hooks = vars(each)["_forward_hooks"]
        for key in [key for key in hooks if not isinstance(key, int)]:  # of `Switches`, if an architecture is active
            del hooks[key]
    return network, copies


def _hooked(plain: nn.Module, module: Searchable) -> nn.Module:
    """What stands for `module`, with the hooks that a user has registered there."""
    hooks = {name: {key: hook for key, hook in vars(module)[name].items()
                    if isinstance(key, int) and not isinstance(hook, parametrized.Hook)} for name in _HOOKS}
    if any(hooks.values()):
        if any(part is plain for part in module.modules()):  # it may stand elsewhere too, and has hooks of its own
            plain = derived.Blocks(plain)
        for name, found in hooks.items():
            vars(plain)[name].update(found)
        vars(plain)["_is_full_backward_hook"] = vars(module)["_is_full_backward_hook"]
    return plain


def _resolve(module: nn.Module, copies: Copies, seen: set[int]) -> None:
    """Put, for deepcopy, what was chosen in place of every choice.

    Deepcopy takes what the memo holds in place of a copy; only what runs is gone through, and inner
    choices are resolved before the modules that hold them, so that nothing unchosen is ever copied.
    """
    if id(module) in seen:
        return
    seen.add(id(module))
    if isinstance(module, Searchable):
        plain = _hooked(module.derived(), module)
        _resolve(plain, copies, seen)  # which may hold choices itself
        copies[id(module)] = copy.deepcopy(plain, copies)
        copies[id(copies)].append(plain)
    else:
        for child in module.children():
            _resolve(child, copies, seen)
