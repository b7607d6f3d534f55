"""A network whose module is built once more, so that its weights are as its author's constructors draw them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ..choices.choice import Choice
from ..elastic.construction import Construction
from ..elastic.elastic import Elastic
from ..networks.drawing import draw
from ..networks.modules import Modules
from ..networks.normalization import device_of, eval_mode
from ..networks.randomness import Randomness
from .conditions import in_force, places
from .cut import cut
from .supernet import Supernet

Codes = Mapping[str, float]


def built_anew(supernet: Supernet, codes: Codes, factory: Callable[[], nn.Module]) -> nn.Module:
    """The network under these codes of the module that `factory` builds; elastic layers know what they receive.

    In the modes of the supernet, on its device, frozen parameters as they are there. Raises ValueError if the factory
    builds another module.
    """
    elastic = {path: each for path, each in supernet.module.named_modules() if isinstance(each, Elastic)}
    module = _narrow(supernet, codes, factory, elastic) if elastic else _checked(factory(), supernet)
    _keep_frozen(module, supernet.module)
    with _under(module, codes):
        _materialize(module, supernet)
        network, _ = cut(module)
    device = device_of(supernet.module)
    return network if device.type == "meta" else network.to(device)


def _narrow(supernet: Supernet, codes: Codes, factory: Callable[[], nn.Module], elastic: Mapping[str, Elastic]
            ) -> nn.Module:
    """The module with plain layers of these codes' widths in place of its elastic ones, drawn at that width.

    The factory is called twice. The first call shows which elastic layers it builds, in which order; the second one
    gets plain layers in their place, so that whatever the author does to weights is done to those.
    """
    with Randomness(Modules(supernet).current().devices), Construction() as first:
        module = _checked(factory(), supernet)
    plain: dict[int, nn.Module] = {}  # id of an elastic layer of the first call -> what its constructor is to give
    derived = {}  # path -> what is to stand there in the end
    with _under(module, codes):
        for path, each in module.named_modules():
            if path in elastic and isinstance(each, Elastic) and elastic[path].received is not None:
                each.received = elastic[path].received
                plain[id(each)] = _unfrozen(each.cut(each.received or ()))
                derived[path] = _unfrozen(each.derived())
    with Construction([(each, plain.get(id(each))) for each in first.built]):
        module = factory()
    for path, layer in derived.items():
        found = module.get_submodule(path)
        if isinstance(found, Elastic):  # converted: what its author has drawn for the plain layer is cut
            found.received = elastic[path].received
        # a copy of a layer, for one, is not built by a constructor, and so of the width of what it is a copy of
        elif repr(found) != repr(layer) or _shapes(found) != _shapes(layer):
            draw(layer)
            owner, _, name = path.rpartition(".")
            setattr(module.get_submodule(owner), name, layer)
    return module


def _unfrozen(layer: nn.Module) -> nn.Module:
    return copy.deepcopy(layer).requires_grad_(True).train()


def _shapes(module: nn.Module) -> list[torch.Size]:
    return [parameter.shape for parameter in module.parameters()]


def _checked(module: object, supernet: Supernet) -> nn.Module:
    if not isinstance(module, nn.Module):
        raise TypeError("derive(weights=...) must be a function that builds the module the supernet was made of anew, "
                        f"got one that returns {type(module).__name__}.")
    if {id(each) for each in module.parameters()} & {id(each) for each in supernet.parameters()}:
        raise ValueError("derive(weights=...) must be a function that builds a new module, got one that returns "
                         "parameters of the supernet's own. Call the constructor in it.")
    found = {name: (type(every[0]), every[0].variable, len(every)) for name, every in places(module).items()}
    here = {name: (type(every[0]), every[0].variable, len(every)) for name, every in supernet.choices.items()}
    if found != here:
        other = sorted(name for name in {*found, *here} if found.get(name) != here.get(name))
        raise ValueError("derive(weights=...) must be a function that builds the module the supernet was made of, got "
                         f"one that builds another: choices {other[:3]} differ.")
    return module


def _keep_frozen(module: nn.Module, frozen: nn.Module) -> None:
    """Give a module the modes of another, and its frozen parameters; of what is frozen whole, the buffers too."""
    others = dict(frozen.named_modules())
    with torch.no_grad():
        for path, each in module.named_modules():
            other = others.get(path)
            if other is None:
                continue
            each.training = other.training
            theirs = dict(other.named_parameters(recurse=False))
            for name, parameter in each.named_parameters(recurse=False):
                if name in theirs and not is_lazy(theirs[name]) and not is_lazy(parameter):
                    parameter.requires_grad_(theirs[name].requires_grad)
                    if not parameter.requires_grad and parameter.shape == theirs[name].shape:
                        parameter.copy_(theirs[name])
            every = list(other.parameters())
            if every and not any(parameter.requires_grad for parameter in every):
                kept = dict(other.named_buffers())
                for name, buffer in each.named_buffers():
                    if name in kept and kept[name].shape == buffer.shape:
                        buffer.copy_(kept[name])


def _materialize(module: nn.Module, supernet: Supernet) -> None:
    """Let lazy layers see an input, by which they draw their parameters."""
    if any(map(is_lazy, (*module.parameters(), *module.buffers()))):
        with torch.no_grad(), eval_mode(module):
            supernet.meter.needed().zeros(device_of(module)).run(module)


def _under(module: nn.Module, codes: Codes) -> AbstractContextManager[None]:
    """Like `in_force`, also for a module all of whose choices stood in elastic layers."""
    if not any(isinstance(each, Choice) for each in module.modules()):
        return nullcontext()
    return in_force(places(module), codes)


