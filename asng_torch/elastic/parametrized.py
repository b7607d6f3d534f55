"""Weights of elastic layers that are computed from others, as `weight_norm` does, and stay so in the derived layer."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

Hook = WeightNorm | SpectralNorm  # PyTorch's old style: a plain attribute, computed before every pass


def check(module: nn.Module) -> None:
    """Raises ValueError if a weight is computed in a way that a part of it does not bear, as `spectral_norm` does."""
    if parametrize.is_parametrized(module):
        for name in _parametrizations(module):
            weight = getattr(module, name).detach()
            half = weight[: max(1, len(weight) // 2)].clone()  # as a narrower layer has
            holder = nn.Module()
            holder.register_parameter(name, nn.Parameter(half.clone()))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of buffers that do not fit
                    _register(holder, module, name)
                kept = half.is_meta or torch.allclose(getattr(holder, name), half, atol=1e-5)
            except (RuntimeError, ValueError):
                kept = False
            if not kept:
                kinds = [type(step).__name__ for step in _parametrizations(module)[name]]
                raise ValueError(_refusal(module, name, kinds))
    for hook in _hooks(module):
        if isinstance(hook, SpectralNorm):
            raise ValueError(_refusal(module, hook.name, ["SpectralNorm"]))


def _refusal(module: nn.Module, name: str, kinds: list[str]) -> str:
    return ("an elastic layer's parametrization must be one that a part of its weight can have too, as weight_norm, "
            f"got {', '.join(kinds)} for {name!r} of {type(module).__name__}. Parametrize the derived network.")


def refresh(module: nn.Module) -> None:
    """Compute what old-style hooks compute, which is else as of the last pass."""
    for hook in _hooks(module):
        arguments: dict[str, Any] = {"do_power_iteration": False} if isinstance(hook, SpectralNorm) else {}
        setattr(module, hook.name, hook.compute_weight(module, **arguments).detach())


def like(module: nn.Module, plain: nn.Module) -> nn.Module:
    """A plain layer, its weights computed as the elastic one's are."""
    if parametrize.is_parametrized(module):
        for name, steps in _parametrizations(module).items():
            _register(plain, module, name)
            flags = dict(steps.named_parameters())
            for inner, parameter in _parametrizations(plain)[name].named_parameters():
                parameter.requires_grad_(flags[inner].requires_grad)
    for hook in _hooks(module):
        if isinstance(hook, WeightNorm):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # that there is a new style
                nn.utils.weight_norm(plain, hook.name, hook.dim)
            setattr(plain, hook.name, getattr(plain, hook.name).detach())  # until the first pass
    return plain


def _register(plain: nn.Module, module: nn.Module, name: str) -> None:
    for step in _parametrizations(module)[name]:
        parametrize.register_parametrization(plain, name, copy.deepcopy(step))


def _parametrizations(module: nn.Module) -> dict[str, Any]:
    found: Any = module.parametrizations
    return dict(found.items())


def _hooks(module: nn.Module) -> Iterator[Hook]:
    return (hook for hook in vars(module)["_forward_pre_hooks"].values()
            if isinstance(hook, (WeightNorm, SpectralNorm)))
