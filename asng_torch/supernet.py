"""Any module that holds choices, as a search space and as the network of any architecture in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from asng_core import Space, Variable

from .choices.choice import Choice

Architecture = Mapping[str, Any]  # variable name -> value: a Candidate or a plain dict


class Supernet(nn.Module):
    """Wraps a module that holds choices; its candidates share the weights of all architectures.

    >>> from asng_torch import LayerChoice
    >>> net = nn.Sequential(LayerChoice({"linear": nn.Linear(4, 4), "identity": nn.Identity()}), nn.ReLU())
    >>> supernet = Supernet(net)
    >>> supernet.space
    Space({'0': Categorical(['linear', 'identity'])})
    >>> with supernet.active({"0": "identity"}):
    ...     supernet(torch.ones(1, 4)).tolist()
    [[1.0, 1.0, 1.0, 1.0]]

    A choice inside a candidate is a variable like any other, idle while its candidate is.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.choices: dict[str, list[Choice]] = {}  # variable name -> the places it decides
        variables: dict[str, Variable] = {}
        labels: dict[str, str | None] = {}
        for path, child in module.named_modules():
            if isinstance(child, Choice):
                name = child.label or path or type(child).__name__
                if variables.setdefault(name, child.variable) != child.variable:
                    raise ValueError(f"choices of one label must have the same candidates, but label {name!r} has "
                                     f"{variables[name]!r} and, at {path!r}, {child.variable!r}. Rename one.")
                if labels.setdefault(name, child.label) != child.label:
                    raise ValueError(f"label {name!r} is also the qualified name of a choice without one. Rename it.")
                self.choices.setdefault(name, []).append(child)
        if not variables:
            raise ValueError("Supernet(module) must hold at least one choice, got none. "
                             "Replace a layer by LayerChoice({name: layer, ...}).")
        self.space = Space(variables)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @contextmanager
    def active(self, architecture: Architecture) -> Iterator[None]:
        """Run as `architecture` inside the `with`. Raises ValueError if it is not in the space."""
        codes = self.space.encode(architecture).tolist()
        before = [[choice.active for choice in places] for places in self.choices.values()]
        for places, code in zip(self.choices.values(), codes, strict=True):
            for choice in places:
                choice.active = code
        try:
            yield
        finally:
            for places, earlier in zip(self.choices.values(), before, strict=True):
                for choice, code in zip(places, earlier, strict=True):
                    choice.active = code

    def losses(self, candidates: Sequence[Architecture],
               closure: Callable[[Supernet], torch.Tensor | float]) -> NDArray[np.float64]:
        """`(n,)` losses of the candidates: `closure(net)` with each of them active, without gradients.

        Every candidate meets the same conditions: normalization layers use the statistics of the
        batch and leave their buffers alone, all else is in eval mode, and the random state is that
        of before, for each and afterwards.
        """
        values = []
        with torch.no_grad(), _validation_mode(self):
            for architecture in candidates:
                with self.active(architecture), _random_state_kept(self):
                    values.append(closure(self))
        return np.array([float(value) for value in values])  # last, as it waits for the device


@contextmanager
def _validation_mode(module: nn.Module) -> Iterator[None]:
    """Eval mode, but normalization by batch statistics, with no buffer touched."""
    training = [(child, child.training) for child in module.modules()]
    tracking = [(child, child.track_running_stats, child.running_mean, child.running_var)
                for child, _ in training if isinstance(child, _NormBase)]
    try:
        module.eval()
        for norm, *_ in tracking:
            # in training mode and without running statistics to track, PyTorch uses the batch's
            norm.training, norm.track_running_stats = True, False
            norm.running_mean = norm.running_var = None
        yield
    finally:
        for child, flag in training:
            child.training = flag
        for norm, flag, mean, variance in tracking:
            norm.track_running_stats, norm.running_mean, norm.running_var = flag, mean, variance


@contextmanager
def _random_state_kept(module: nn.Module) -> Iterator[None]:
    devices = {parameter.device for parameter in module.parameters() if parameter.device.type == "cuda"}
    with torch.random.fork_rng(devices=list(devices)):
        yield
