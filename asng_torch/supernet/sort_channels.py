"""The most important channels first, so that the narrow architectures of a trained network keep them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..choices.input_choice import InputChoice
from ..choices.searchable import Blocks
from ..choices.value_choice import WidthChoice
from ..elastic.elastic import Elastic
from ..elastic.follow import Following
from ..networks.normalization import eval_mode
from .conditions import in_force
from .supernet import Supernet

Codes = Mapping[str, float]  # of every variable


@dataclass(frozen=True)
class _Part:
    """Of a tensor along a dimension, what belongs to the channels of a width: `unit` of it to each group of them."""

    tensor: Tensor
    dim: int
    start: int
    unit: int

    def of(self, whole: Tensor, groups: int) -> Tensor:
        return whole.narrow(self.dim, self.start, groups * self.unit)

    def permute(self, order: Tensor) -> None:
        part = self.of(self.tensor, len(order))
        places = (order[:, None] * self.unit + torch.arange(self.unit)).flatten().to(part.device)
        part.copy_(part.index_select(self.dim, places))

    def summed(self, whole: Tensor, groups: int) -> Tensor:
        """`(groups,)` of a tensor of the shape of this one."""
        others = [dim for dim in range(whole.dim()) if dim != self.dim]
        part = self.of(whole, groups)
        return (part.sum(others) if others else part).reshape(groups, self.unit).sum(1).cpu()


def sort_channels(supernet: Supernet, closure: Callable[[Supernet], Tensor], *,
                  importance: Literal["magnitude", "gradient"] = "magnitude") -> dict[str, list[int]]:
    """Put the most important channels of every chosen width first; at full width the function stays as it is.

    The narrower widths keep the first channels. Once, on a trained network that was made elastic, this says which
    those are: all layers that give or receive a width are permuted alike, heads as wholes, groups too.

    closure: of the supernet, a tensor that shows whether its function is the same as before, to 1e-4 of its
        largest number; a loss if the gradient counts. A width whose channels cannot change places, as something
        behind them depends on their position, stays as it is.
    importance: of a channel, "magnitude" sums the absolute weights that it has to do with, "gradient" the squared
        sums of weight times gradient, which estimate the change of the loss without it (Molchanov et al., 2019).

    >>> from torch import nn
    >>> from asng_torch import Supernet
    >>> from asng_torch.elastic import Linear
    >>> net = nn.Sequential(Linear(1, WidthChoice([2, 3]), bias=False), Linear(3, 1, bias=False))
    >>> with torch.no_grad():
    ...     net[0].weight.copy_(torch.tensor([[1.0], [3.0], [2.0]])), net[1].weight.fill_(1.0)  # doctest: +ELLIPSIS
    (...)
    >>> supernet, x = Supernet(net, example=torch.ones(1, 1)), torch.ones(5, 1)
    >>> sort_channels(supernet, lambda net: net(x))
    {'0.width': [1, 2, 0]}

    Returns for every variable that was sorted where its channels, or groups of them, come from. Raises RuntimeError if
    the supernet has seen no input.
    """
    if importance not in ("magnitude", "gradient"):
        raise ValueError(f"sort_channels(importance=...) must be 'magnitude' or 'gradient', got {importance!r}.")
    widest = {name: found[0].widest for name, found in supernet.choices.items()}
    # what is joined, and so which columns are read, hangs on the input chosen: all of them count
    full = [{**widest, name: code} for name, found in supernet.choices.items() if isinstance(found[0], InputChoice)
            for code in range(found[0].variable.size)] or [widest]
    orders = {}
    for name, found in supernet.choices.items():
        choice = found[0]
        if isinstance(choice, WidthChoice) and len(choice.values) > 1:
            parts, groups = _parts(supernet, choice, name, full)
            if parts:
                order = _order(supernet, closure, importance, parts, groups, widest)
                if _sorted(supernet, closure, parts, order, full):
                    orders[name] = order.tolist()
    return orders


def _parts(supernet: Supernet, choice: WidthChoice, name: str, full: Sequence[Codes]) -> tuple[list[_Part], int]:
    """What the channels of a width have to do with, and in how many groups they can change places; else nothing."""
    least, most = min(choice.values), choice.largest
    lost, together = [], 1  # runs of what a tensor loses when the width is at its least; channels that belong together
    for codes in full:
        wide, narrow = (dict(supernet.meter.widths(each)) for each in (codes, {**codes, name: choice.narrowest}))
        for layer in (each for each in wide if each.group > 1):
            for start, stop in _lost(wide[layer] or (), narrow[layer] or ()):
                together = math.lcm(together, layer.group * (most - least) // (stop - start))
        uses = dict(_uses(supernet, codes, wide))
        left = dict(_uses(supernet, {**codes, name: choice.narrowest}, narrow))
        lost += [(place, tensor, run) for place, (tensor, blocks) in uses.items() if place in left
                 for run in _lost(blocks, left[place][1])]
    parts = {}
    for (key, dim), tensor, (start, stop) in lost:
        unit, rest = divmod((stop - start) * together, most - least)
        if rest or most % together or least % together:
            return [], 0
        first = start - least // together * unit
        parts[key, dim, first] = _Part(tensor.detach(), dim, first, unit)
    return list(parts.values()), most // together


def _uses(supernet: Supernet, codes: Codes,
          received: dict[Elastic, Blocks | None]) -> Iterator[tuple[tuple[int, int], tuple[Tensor, Blocks]]]:
    """Of every tensor that is cut, along which dimension to what."""
    with in_force(supernet.choices, codes):
        for module in supernet.module.modules():
            if isinstance(module, Elastic) and (blocks := received[module]) is not None:
                for name, cut in module.cuts(blocks).items():
                    tensor = getattr(module, name)
                    if tensor is not None:
                        yield from (((id(tensor), dim), (tensor, each)) for dim, each in cut.items())
            elif isinstance(module, Following):
                for tensor, cut in module.cut_tensors():
                    yield from (((id(tensor), dim), (tensor, each)) for dim, each in cut.items())


def _lost(wide: Blocks, narrow: Blocks) -> list[tuple[int, int]]:
    """The runs of channels that are in the first and not in the second."""
    there = {i for start, stop in narrow for i in range(start, stop)}
    gone = [i for start, stop in wide for i in range(start, stop) if i not in there]
    first = [i for n, i in enumerate(gone) if n == 0 or gone[n - 1] != i - 1]
    last = [i + 1 for n, i in enumerate(gone) if n == len(gone) - 1 or gone[n + 1] != i + 1]
    return list(zip(first, last, strict=True))


def _order(supernet: Supernet, closure: Callable[[Supernet], Tensor], importance: str, parts: list[_Part], groups: int,
           widest: Codes) -> Tensor:
    """`(groups,)` positions, those of the most important first."""
    weights = [part for part in parts if part.tensor.is_floating_point()]
    if importance == "magnitude":
        scores = sum((part.summed(part.tensor.abs(), groups) for part in weights), torch.zeros(groups))
        return torch.argsort(scores, descending=True, stable=True)
    gradients = _gradients(supernet, closure, widest)
    scores = torch.zeros(groups)
    for part in weights:
        gradient = gradients.get(part.tensor.data_ptr())
        if gradient is not None:
            scores += part.summed(part.tensor * gradient, groups).square()
    return torch.argsort(scores, descending=True, stable=True)


def _gradients(supernet: Supernet, closure: Callable[[Supernet], Tensor],
               widest: Codes) -> dict[int, Tensor]:
    """Of what the closure returns at full width, for every parameter by where its data lie."""
    parameters = [each for each in supernet.parameters() if each.requires_grad]
    with eval_mode(supernet), supernet.active_codes(widest), torch.enable_grad():
        found = torch.autograd.grad(closure(supernet).sum(), parameters, allow_unused=True)
    return {parameter.data_ptr(): gradient for parameter, gradient in zip(parameters, found, strict=True)
            if gradient is not None}


def _sorted(supernet: Supernet, closure: Callable[[Supernet], Tensor], parts: list[_Part], order: Tensor,
            full: Sequence[Codes]) -> bool:
    """Permute the parts, if the function stays as it is by it."""
    with torch.no_grad(), eval_mode(supernet):
        before = _outputs(supernet, closure, full)
        for part in parts:
            part.permute(order)
        same = all(bool((after - output).abs().max() <= 1e-4 * output.abs().max())
                   for output, after in zip(before, _outputs(supernet, closure, full), strict=True))
        if not same:
            back = torch.argsort(order)
            for part in parts:
                part.permute(back)
    return same


def _outputs(supernet: Supernet, closure: Callable[[Supernet], Tensor], full: Sequence[Codes]) -> list[Tensor]:
    outputs = []
    for codes in full:
        with supernet.active_codes(codes):
            outputs.append(closure(supernet))
    return outputs
