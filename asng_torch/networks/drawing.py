"""Drawing the parameters of plain modules anew, by the modules' own rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from .modules import Modules

_POWER_ITERATIONS = 15  # as many as PyTorch's spectral_norm begins with


def rule_of(module: nn.Module) -> Callable[[], Any] | None:
    """What draws a module's own parameters anew, if anything does."""
    if isinstance(module, parametrize.ParametrizationList):
        return _nothing  # the module whose tensor it makes draws that
    # PyTorch's own attention layers spell it with an underscore
    rule = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
    return rule if callable(rule) else None


def _nothing() -> None:
    """Draw nothing."""


def draw(network: nn.Module) -> None:
    """Let every module that can draw its parameters anew, from PyTorch's global generator.

    Frozen parameters stay as they are, and so do modules of which all are, with their buffers. A module without a rule
    is left alone.
    """
    frozen = [(parameter, parameter.detach().clone()) for parameter in network.parameters()
              if not parameter.requires_grad]
    modules = Modules(network).current()
    still = set(map(id, modules.norms)) - set(map(id, modules.moving()))  # frozen normalization
    with torch.no_grad():  # children stand after their parents in modules()
        for module in reversed(modules.all):  # a module's own rule has the last word over its children's
            own, rule = [*module.parameters(recurse=False)], rule_of(module)
            if _computed(module):
                own += module.parametrizations.parameters()  # type: ignore[union-attr]
            if rule is None or id(module) in still or (own and not any(each.requires_grad for each in own)):
                continue
            _through(module, rule)
        for parameter, value in frozen:
            parameter.copy_(value)


def _computed(module: nn.Module) -> bool:
    return parametrize.is_parametrized(module)


def _through(module: nn.Module, rule: Callable[[], Any]) -> None:
    """Let a rule draw, also where what it draws is computed from parameters of another form."""
    if _computed(module):
        lists: dict[str, Any] = dict(module.parametrizations.items())  # type: ignore[union-attr, operator]
        with parametrize.cached():  # so that the rule draws into the very tensors that stand here
            drawn = {name: getattr(module, name) for name in lists}
            rule()
        for name, steps in lists.items():
            _invert(steps, drawn[name])
        return
    hooks = [hook for hook in vars(module)["_forward_pre_hooks"].values()
             if isinstance(hook, (WeightNorm, SpectralNorm))]
    for hook in hooks:  # old style: a plain attribute, which a hook computes before every pass
        setattr(module, hook.name, getattr(module, hook.name).detach().clone())
    rule()
    for hook in hooks:
        weight = getattr(module, hook.name)
        if isinstance(hook, WeightNorm):
            getattr(module, f"{hook.name}_g").copy_(torch.norm_except_dim(weight, 2, hook.dim))
            getattr(module, f"{hook.name}_v").copy_(weight)
            setattr(module, hook.name, hook.compute_weight(module))
        else:
            getattr(module, f"{hook.name}_orig").copy_(weight)
            for _ in range(_POWER_ITERATIONS):
                setattr(module, hook.name, hook.compute_weight(module, do_power_iteration=True))


def _invert(steps: Any, drawn: Tensor) -> None:
    """Give a ParametrizationList the originals of a tensor, as registering it did."""
    originals: Any = drawn
    for step in reversed(list(steps)):
        if hasattr(step, "right_inverse"):  # without one, the tensor itself was taken
            originals = step.right_inverse(originals)
    if isinstance(originals, Tensor):
        steps.original.copy_(originals)
    else:
        for i, original in enumerate(originals):
            getattr(steps, f"original{i}").copy_(original)
    for step in steps:
        if hasattr(step, "n_power_iterations"):  # its buffers follow the weight in training mode alone
            training, _ = step.training, step.train()
            for _ in range(_POWER_ITERATIONS):
                steps()
            step.train(training)
