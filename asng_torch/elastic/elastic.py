"""What elastic layers have in common: they know the widest input they may get, and see which part of it came."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from asng_core import checks

from ..choices.searchable import Blocks, Joining, Searchable
from ..choices.value_choice import WidthChoice


class Elastic(Searchable):
    """A layer that uses, of its weights, those of the channels that come in.

    `received` are the blocks of these channels under the architecture to be derived: a pass of shapes, which
    `derive` runs, notes them, and `derived` cuts the plain layer to them.
    """

    received: Blocks | None = None
    sources: tuple[Joining, ...] = ()  # a tuple, so that the module does not count as part of this one

    @abstractmethod
    def incoming(self, x: Tensor) -> Blocks:
        """The blocks of all channels, or features, that an input consists of."""

    def blocks_of(self, width: int, full_width: int) -> Blocks:
        """The blocks of `full_width` channels, or features, that an input of `width` consists of."""
        blocks: Blocks = ((0, width),)
        if self.sources:
            (source,) = self.sources
            # more than 1 where the layer reads a flattened map: the features of a channel lie together
            unit = full_width // source.full_width if source.full_width else 0
            if unit * source.full_width != full_width:
                raise ValueError(f"{type(self).__name__}({full_width}, after=...) must be built for all that its "
                                 f"{type(source).__name__} can put out, {source.full_width} channels or a multiple.")
            blocks = tuple((start * unit, stop * unit) for start, stop in source.blocks)
            if sum(stop - start for start, stop in blocks) != width:  # something else lies between the two
                raise ValueError(f"{type(self).__name__}(after=...) must read what its {type(source).__name__} put "
                                 f"out last, {blocks} of {full_width} channels, got {width}.")
        if width > full_width:
            raise ValueError(f"{type(self).__name__} was built for at most {full_width} channels, or features, "
                             f"got {width}.")
        return blocks

    def derived(self) -> nn.Module:
        if self.received is None:
            raise RuntimeError(f"{type(self).__name__} cannot be derived, as the forward pass of this architecture "
                               "does not call it, so nobody knows which width it receives. Take it out, or call it.")
        return self.cut(self.received)

    @abstractmethod
    def cut(self, received: Blocks) -> nn.Module:
        """The plain layer for an input of these blocks."""


def sources(source: object) -> tuple[Joining, ...]:
    """The argument `after=` of an elastic layer."""
    if source is None:
        return ()
    if not isinstance(source, Joining):
        raise TypeError("after= must be the elastic.Concatenate, InputChoice or Cell whose output the layer reads, "
                        f"got {type(source).__name__}.")
    return (source,)


def width_and_choice(where: str, width: int | WidthChoice) -> tuple[int, WidthChoice | None]:
    """The largest width of an output, and who chooses it; `where` is the argument, for errors."""
    if isinstance(width, WidthChoice):
        return width.largest, width
    return checks.integer(where, width, minimum=1), None


def taken(weight: Tensor, blocks: Blocks, dim: int) -> Tensor:
    """The blocks of a weight along a dimension; a view where they are one."""
    parts = [weight.narrow(dim, start, stop - start) for start, stop in blocks]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim)


def plain(kind: type[nn.Module], like: nn.Module, tensors: dict[str, Tensor | None], *args: Any,
          **kwargs: Any) -> nn.Module:
    """A layer of `kind`, in the mode of the layer it is cut from, with copies of these tensors; draws nothing."""
    some = next((tensor for tensor in tensors.values() if tensor is not None), None)
    place: Any = {} if some is None else {"device": some.device, "dtype": some.dtype}
    # skip_init leaves the global generator alone, and so what follows in a seeded run
    layer: nn.Module = nn.utils.skip_init(kind, *args, **kwargs, **place)
    with torch.no_grad():
        for name, tensor in tensors.items():
            if tensor is not None:
                getattr(layer, name).copy_(tensor)
                getattr(layer, name).requires_grad_(getattr(like, name).requires_grad)
    return layer.train(like.training)
