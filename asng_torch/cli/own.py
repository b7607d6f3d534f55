"""A network, and data, of the user's own, by the names of functions that make them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from ..data import ImageData
from ..spaces import SPACES, mini
from ..spaces.preset import SearchSpace
from ..supernet.derive import derive_fresh
from .arguments import CommandError


def is_own(name: str) -> bool:
    """Whether a name of a space or of data is that of a function, "module:function"."""
    return ":" in name


def space_of(name: str) -> SearchSpace:
    """A published space, or one of the network that a function makes, with the settings of the mini space."""
    if not is_own(name):
        return SPACES[name]
    make = _function("--network", name)

    def network(**sizes: int) -> nn.Module:
        taken = inspect.signature(make).parameters
        made = make(**{key: value for key, value in sizes.items() if key in taken})
        if not isinstance(made, nn.Module):
            raise CommandError(f"--network {name} must return a torch.nn.Module, got {type(made).__name__}")
        return made

    def final(architecture: Mapping[str, Any], **sizes: int) -> nn.Module:
        return derive_fresh(network, architecture, **sizes)

    presets = {key: replace(preset, network={}, final={}, side=None) for key, preset in mini.PRESETS.items()}
    return SearchSpace(name, "a network of your own", "classification", 0, network, final, presets)


def data_of(name: str) -> ImageData:
    """What a function returns: an ImageData, or training inputs and labels, test inputs and labels."""
    with torch.device("cpu"):  # the network that it is for may be under construction on the meta device
        made = _function("--data", name)()
    if isinstance(made, ImageData):
        return made
    if not (isinstance(made, tuple) and len(made) == 4 and all(isinstance(each, Tensor) for each in made)
            and not made[1].is_floating_point() and not made[3].is_floating_point()):
        raise CommandError(f"--data {name} must return an asng_torch.data.ImageData, or four tensors: training inputs, "
                           "their classes as whole numbers, test inputs, theirs")
    inputs, labels, test_inputs, test_labels = made
    classes = tuple(map(str, range(int(torch.cat([labels, test_labels]).max()) + 1)))
    return ImageData(inputs, labels, test_inputs, test_labels, (), (), classes)  # no mean: inputs stay as they are


def _function(option: str, name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    try:
        made: Callable[..., Any] = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise CommandError(f"{option} {name} must be module:function, of a module that can be imported here: {error}") \
            from error
    return made
