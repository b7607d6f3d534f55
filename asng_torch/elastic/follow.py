"""Attributes of any module that follow a width."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from torch import Tensor, nn

from ..choices.searchable import Searchable, size
from ..choices.value_choice import WidthChoice
from .elastic import Cut, Width, taken, used_of
from .heads import Heads

_M = TypeVar("_M", bound=nn.Module)
Follows = Width | Mapping[int, Width]


def follow(module: _M, **attributes: Follows) -> _M:
    """Let attributes of a module, which its own `forward` reads, follow widths; returns the module itself.

    For modules that are not your own. A number, such as how many heads there are, is the width in force; of a tuple of
    numbers that one follows which is the largest width. A tensor, parameter or buffer, is cut along the dimension
    that is as long as the width can be, or along those of a mapping from dimensions to widths. What the module
    holds and saves stays whole; outside of an active architecture it is as it was. Derived, it is of its own class.

    Raises AttributeError for what the module lacks, ValueError for what does not fit the width, TypeError for what is
    neither number nor tensor.

    >>> import torch
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.gamma = nn.Parameter(torch.ones(8))
    ...     def forward(self, x):
    ...         return x * self.gamma
    >>> width = WidthChoice([4, 8], label="width")
    >>> scale = follow(Scale(), gamma=width)
    >>> width.active = 0
    >>> scale(torch.ones(1, 4)).shape
    torch.Size([1, 4])
    """
    for name, widths in attributes.items():
        _check(module, name, widths)
    earlier = module.follows if isinstance(module, Following) else {}
    plain = module.plain_class if isinstance(module, Following) else type(module)
    follows: dict[str, Follows] = {**earlier, **{
        name: widths if not isinstance(stored := getattr(module, name), Tensor) or isinstance(widths, Mapping)
        else {list(stored.shape).index(widths.full_width): widths} for name, widths in attributes.items()}}
    module.__class__ = type(f"Following{plain.__name__}", (Following, plain), {
        "plain_class": plain, **{name: _property(name) for name in follows}})
    following: Any = module
    following.follows = follows
    # as children, so that the choices count as the module's
    following.followed = nn.ModuleList(dict.fromkeys(width for each in follows.values() for width in _widths(each)))
    return module


class Following(Searchable):
    """A module of another class whose attributes are those of the active architecture."""

    plain_class: type[nn.Module]
    follows: dict[str, Follows]

    def cut_tensors(self) -> Iterator[tuple[Tensor, Cut]]:
        """The whole tensors among them, each with what of it is used in the active architecture."""
        for name, widths in self.follows.items():
            if isinstance(widths, Mapping):
                yield _place(self, name)[name], _blocks(widths)

    def derived(self) -> nn.Module:
        plain: Any = self.plain_class.__new__(self.plain_class)
        plain.__dict__ = {name: copy.copy(value) if isinstance(value, dict) else value
                          for name, value in vars(self).items() if name != "follows"}
        del plain.__dict__["_modules"]["followed"]
        for name, widths in self.follows.items():
            place = _place(plain, name)
            place[name] = _in_force(place[name], widths, used_of)
        return plain  # type: ignore[no-any-return]


def _property(name: str) -> property:
    def read(self: Any) -> Any:
        stored, widths = _place(self, name)[name], self.follows[name]
        return _in_force(stored, widths, taken) if all(map(_active, _widths(widths))) else stored

    def write(self: Any, value: Any) -> None:
        _place(self, name)[name] = value

    return property(read, write)


def _check(module: nn.Module, name: str, widths: Follows) -> None:
    """Raise what `follow` promises for an attribute that cannot follow these widths."""
    where, each = f"elastic.follow({name}=...)", _widths(widths)
    if not all(isinstance(width, (WidthChoice, Heads)) for width in each):
        raise TypeError(f"{where} must be a WidthChoice, elastic.Heads, or a mapping from dimensions to them, got "
                        f"{widths!r}.")
    if not any(name in place for place in _places(module)):
        raise AttributeError(f"{where} must name an attribute of the {type(module).__name__} itself, which has none of "
                             "this name. Follow that of the module which holds it.")
    stored = getattr(module, name)
    if isinstance(stored, Tensor):
        dims = widths if isinstance(widths, Mapping) else {
            dim: widths for dim, length in enumerate(stored.shape) if length == widths.full_width}
        if len(dims) != 1 and not isinstance(widths, Mapping):
            raise ValueError(f"{where} must fit one dimension of a tensor of shape {tuple(stored.shape)}, of at most "
                             f"{each[0].full_width}, but fits {len(dims)}. Say which: {{dimension: width}}.")
        for dim, width in dims.items():
            if not 0 <= dim < stored.dim() or stored.shape[dim] != width.full_width:
                raise ValueError(f"{where} must map dimensions to widths of at most their length, got {dim} to at most "
                                 f"{width.full_width} for a tensor of shape {tuple(stored.shape)}.")
    elif isinstance(widths, Mapping) or isinstance(stored, bool) or not isinstance(stored, (int, tuple, list)):
        raise TypeError(f"{where} must follow one width with a number or a tuple, or some with a tensor, got "
                        f"{type(stored).__name__} and {type(widths).__name__}.")
    elif widths.full_width not in (stored if isinstance(stored, (tuple, list)) else (stored,)):
        raise ValueError(f"{where} must be, or hold, the largest width, {widths.full_width}, got {stored!r}.")


def _places(module: nn.Module) -> tuple[dict[str, Any], ...]:
    own = vars(module)
    return own["_parameters"], own["_buffers"], own


def _place(module: nn.Module, name: str) -> dict[str, Any]:
    """Which dictionary of a module holds its attribute of this name."""
    return next(place for place in _places(module) if name in place)


def _widths(widths: Follows) -> list[Width]:
    return list(widths.values()) if isinstance(widths, Mapping) else [widths]


def _blocks(widths: Mapping[int, Width]) -> Cut:
    return {dim: width.blocks for dim, width in widths.items()}


def _active(width: Width) -> bool:
    return all(choice.active is not None for choice in width.modules() if isinstance(choice, WidthChoice))


def _in_force(stored: Any, widths: Follows, cut: Any) -> Any:
    """What a stored attribute is in the active architecture."""
    if isinstance(widths, Mapping):
        return cut(stored, _blocks(widths))
    width = size(widths.blocks)
    if isinstance(stored, int):
        return width
    return type(stored)(width if each == widths.full_width else each for each in stored)
