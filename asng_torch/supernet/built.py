"""What a supernet's weights were when it was built: those that nothing can draw anew, and a note of the others."""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ..elastic.elastic import Elastic
from ..networks.drawing import rule_of
from .cut import Copies


class _Note(NamedTuple):
    """Of a tensor of n numbers: their shape, mean and standard deviation; and the one number that all are, or NaN."""

    shape: torch.Size
    mean: float
    deviation: float
    constant: float


class Built:
    """The weights of a module as its constructor left them, as far as a reset without a factory needs them.

    Of a module without `reset_parameters()`: copies in host memory, of what takes gradients alone. Of any other, four
    numbers for each parameter, which tell whether its `reset_parameters()` draws as the constructor did.
    A module on the meta device has nothing to be noted.
    """

    def __init__(self, module: nn.Module) -> None:
        self.copies: dict[str, Tensor] = {}
        self.notes: dict[str, _Note] = {}
        drawn = {id(parameter) for each in module.modules() if rule_of(each) is not None
                 for parameter in each.parameters(recurse=False)}
        noted: dict[str, tuple[torch.Size, Tensor]] = {}
        for name, parameter in module.named_parameters():  # each once, wherever else it stands
            if is_lazy(parameter) or parameter.is_meta or not parameter.requires_grad:
                continue
            if id(parameter) not in drawn:
                self.copies[name] = parameter.detach().to("cpu", copy=True)
            elif parameter.numel() > 1:
                noted[name] = parameter.shape, _moments(parameter)
        if noted:  # one transfer from the device for all
            rows = torch.stack([row for _, row in noted.values()]).tolist()
            for (name, (shape, _)), (mean, deviation, low, high) in zip(noted.items(), rows, strict=True):
                self.notes[name] = _Note(shape, mean, deviation, low if low == high else math.nan)

    def put_back(self, module: nn.Module, copies: Copies) -> None:
        """Constants, and what nothing can draw, into the copies of a module's parameters; warns of other draws.

        module: the one that was noted; copies: `cut`'s, whose parameters have been drawn anew.
        """
        unlike = []
        with torch.no_grad():
            for name, parameter in _counterparts(module, copies).items():
                if not parameter.requires_grad:
                    continue
                if name in self.copies:
                    parameter.copy_(self.copies[name])
                elif (note := self.notes.get(name)) is not None:
                    if not math.isnan(note.constant):
                        parameter.fill_(note.constant)
                    elif parameter.shape == note.shape and _differs(note, _moments(parameter).tolist()):
                        unlike.append(f"{name!r} (mean {note.mean:.2g}, deviation {note.deviation:.2g})")
        if unlike:
            warnings.warn(f"derive(weights='reset') draws {len(unlike)} parameters by reset_parameters() alone, "
                          f"not as they were when the supernet was built: {', '.join(unlike[:3])}"
                          f"{', ...' if unlike[3:] else ''}. To have them as your constructor draws them: "
                          "derive(..., weights=factory).", UserWarning, stacklevel=4)

    def __deepcopy__(self, memo: object) -> Built:
        return self  # never changed


def _moments(parameter: Tensor) -> Tensor:
    """`(4,)`: mean, standard deviation, smallest, largest."""
    numbers = parameter.detach().float()
    variance, mean = torch.var_mean(numbers, correction=0)
    return torch.stack([mean, variance.sqrt(), *torch.aminmax(numbers)])


def _differs(note: _Note, found: list[float]) -> bool:
    """Whether two draws of n numbers hardly come from one distribution."""
    mean, deviation, *_ = found
    error = 8 / math.sqrt(note.shape.numel())  # in deviations; 5 standard errors of a difference are 7.1 / sqrt(n)
    scale = max(note.deviation, deviation)
    return abs(mean - note.mean) > error * scale or abs(deviation - note.deviation) > error * scale


def _counterparts(module: nn.Module, copies: Copies) -> dict[str, nn.Parameter]:
    """The name of a parameter in the module -> its copy, for those that have one."""
    found: dict[str, nn.Parameter] = {}
    for path, each in module.named_modules():
        plain = copies.get(id(each))
        if isinstance(each, Elastic) and isinstance(plain, nn.Module):  # whose parameters go by the same names
            own = dict(plain.named_parameters())
            found.update((f"{path}.{name}" if path else name, own[name]) for name, _ in each.named_parameters()
                         if name in own)
        else:
            found.update((name, copies[id(parameter)]) for name, parameter in
                         each.named_parameters(path, recurse=False) if id(parameter) in copies)
    return found
