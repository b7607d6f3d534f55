"""What elastic layers have in common: they know the widest input they may get, and see which part of it came."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from asng_core import checks

from ..choices.searchable import Blocks, Layout, Searchable, size
from ..choices.value_choice import WidthChoice
from . import parametrized
from .construction import Constructed
from .heads import Heads

Width = WidthChoice | Heads
Cut = Mapping[int, Blocks]  # dimension of a tensor -> what of it is used


class Elastic(Searchable, metaclass=Constructed):
    """A layer that uses, of its weights, those of the channels that come in and of those that it gives.

    It knows what comes in by its width alone, as the first so many channels, or from `sources`, if they are others.

    `received` are the blocks of these channels under the architecture to be derived: a pass of shapes, which
    `derive` runs, notes them, and `derived` cuts the plain layer to them.
    """

    plain_class: ClassVar[type[nn.Module]]
    received: Blocks | None = None
    sources: tuple[Layout, ...] = ()  # a tuple, so that the module does not count as part of this one
    width: Width | None  # who chooses what it gives, if anybody does

    @property
    def group(self) -> int:
        """How many of the channels that come in belong together."""
        return 1

    @property
    @abstractmethod
    def full_input(self) -> int:
        """The most channels, or features, that may come in."""

    @property
    def full_output(self) -> int:
        """The most channels, or features, that it gives."""
        return self.full_input

    @abstractmethod
    def incoming(self, x: Tensor) -> Blocks:
        """The blocks of all channels, or features, that an input consists of."""

    @abstractmethod
    def cuts(self, received: Blocks) -> dict[str, Cut]:
        """Of every tensor what is used for an input of these blocks."""

    @abstractmethod
    def cut(self, received: Blocks) -> nn.Module:
        """The plain layer for an input of these blocks."""

    def used(self, received: Blocks) -> dict[str, Tensor | None]:
        """The tensors, each of what is used for an input of these blocks; None where there is none."""
        return {name: None if (tensor := getattr(self, name)) is None else taken(tensor, cut)
                for name, cut in self.cuts(received).items()}

    def given(self) -> Blocks:
        """The blocks of all that it could give that it gives now, if a choice says so."""
        return ((0, self.full_output),) if self.width is None else self.width.blocks

    def blocks_of(self, width: int) -> Blocks:
        """The blocks of all that may come in that an input of `width` consists of."""
        full_width = self.full_input
        blocks: Blocks = ((0, width),)
        if self.sources:
            (source,) = self.sources
            # more than 1 where the layer reads a flattened map: the features of a channel lie together
            unit = full_width // source.full_width if source.full_width else 0
            if unit * source.full_width != full_width:
                raise ValueError(f"{type(self).__name__}({full_width}, after=...) must be built for all that its "
                                 f"{type(source).__name__} can put out, {source.full_width} channels or a multiple. "
                                 "If what is joined there is elastic, tell it the most of each: widths=.")
            blocks = tuple((start * unit, stop * unit) for start, stop in source.blocks)
            if size(blocks) != width:  # something else lies between the two
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
        parametrized.refresh(self)
        return parametrized.like(self, self.cut(self.received))

    def plain(self, received: Blocks, *args: Any, **kwargs: Any) -> nn.Module:
        """A layer of the plain class, made of these arguments, with what is used for an input of these blocks."""
        tensors = {name: None if (tensor := getattr(self, name)) is None else used_of(tensor, cut)
                   for name, cut in self.cuts(received).items()}
        return plain(self.plain_class, self, tensors, *args, **kwargs)


def sources(source: object) -> tuple[Layout, ...]:
    """The argument `after=` of an elastic layer."""
    if source is None:
        return ()
    if not isinstance(source, Layout):
        raise TypeError("after= must be the elastic.Concatenate, InputChoice, Cell, WidthChoice or elastic.Heads whose "
                        f"output the layer reads, got {type(source).__name__}.")
    return (source,)


def width_and_choice(where: str, width: int | Width) -> tuple[int, Width | None]:
    """The largest width of an output, and who chooses it; `where` is the argument, for errors."""
    if isinstance(width, (WidthChoice, Heads)):
        return width.full_width, width
    return checks.integer(where, width, minimum=1), None


def taken(tensor: Tensor, cut: Cut) -> Tensor:
    """The blocks of a tensor along dimensions; a view where they are one."""
    for dim, blocks in cut.items():
        if blocks != ((0, tensor.shape[dim]),):
            parts = [tensor.narrow(dim, start, stop - start) for start, stop in blocks]
            tensor = parts[0] if len(parts) == 1 else torch.cat(parts, dim)
    return tensor


_cut_once: ContextVar[dict[Any, nn.Parameter] | None] = ContextVar("_cut_once", default=None)


@contextmanager
def ties_kept() -> Iterator[None]:
    """Inside the `with`, one parameter cut alike in several places is one parameter there too."""
    token = _cut_once.set({})
    try:
        yield
    finally:
        _cut_once.reset(token)


def used_of(tensor: Tensor, cut: Cut) -> Tensor:
    """What is used of a tensor, for a derived layer: of a parameter a parameter, whole ones themselves."""
    if not isinstance(tensor, nn.Parameter):
        return taken(tensor, cut)
    narrower = sorted((dim, blocks) for dim, blocks in cut.items() if blocks != ((0, tensor.shape[dim]),))
    if not narrower:
        return tensor
    once = _cut_once.get()
    key = id(tensor), tuple(narrower)  # the parameter outlives the `with`, and so its id
    if once is not None and key in once:
        return once[key]
    made = nn.Parameter(taken(tensor.detach(), cut).clone(), tensor.requires_grad)
    if once is not None:
        once[key] = made
    return made


def plain(kind: type[nn.Module], like: nn.Module, tensors: Mapping[str, Tensor | None], *args: Any,
          **kwargs: Any) -> nn.Module:
    """A layer of `kind`, in the mode of the layer it is cut from, with these parameters, or copies of tensors.

    Draws nothing.
    """
    some = next((tensor for tensor in tensors.values() if tensor is not None), None)
    place: Any = {} if some is None else {"device": some.device, "dtype": some.dtype}
    # skip_init leaves the global generator alone, and so what follows in a seeded run
    layer: nn.Module = nn.utils.skip_init(kind, *args, **kwargs, **place)
    with torch.no_grad():
        for name, tensor in tensors.items():
            if isinstance(tensor, nn.Parameter):
                setattr(layer, name, tensor)
            elif tensor is not None:
                getattr(layer, name).copy_(tensor)
                getattr(layer, name).requires_grad_(getattr(like, name).requires_grad)
    return layer.train(like.training)
