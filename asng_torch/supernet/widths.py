"""Which layer cannot follow the width of another: found on a pass of shapes, and said with the repair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import nn

from ..choices.choice import Choice
from ..elastic.convert import has_elastic_form
from ..elastic.elastic import Elastic


class ShapesDiffer(ValueError):
    """Alternatives whose outputs differ in shape."""


class WidthsDiffer(ShapesDiffer):
    """A layer that does not take what another gives at its narrowest."""


class Running:
    """Which modules of a network run, from the outside in; where a pass breaks off, it stays as it was."""

    def __init__(self, module: nn.Module) -> None:
        self.paths = {id(each): path for path, each in module.named_modules()}
        self.now: list[nn.Module] = []
        self.finished: list[nn.Module] = []

    def clear(self) -> None:
        """Begin anew."""
        self.now, self.finished = [], []

    def begin(self, module: nn.Module, args: Any) -> None:
        self.now.append(module)

    def end(self, module: nn.Module, args: Any, output: Any) -> None:
        self.finished.append(self.now.pop())

    def explained(self, name: str, places: Sequence[Choice], error: Exception) -> str:
        """What to say of an error under the narrowest value of a variable that these places share."""
        choices = {id(place) for place in places}
        givers = [each for each in self.finished
                  if isinstance(each, Elastic) and any(id(inner) in choices for inner in each.modules())]
        given = self._named(givers[-1]) if givers else "what follows it"
        if not self.now:
            return f"the width {name!r}, of {given}, does not fit: {error}"
        last = self.now[-1]
        repair = "Make it elastic too, as it stands: elastic.convert(layer)." if has_elastic_form(last) else (
            "Give widths that must agree one label; let what is no layer of PyTorch's, or a parameter, follow: "
            "elastic.follow(module, attribute=width).")
        return (f"{self._named(last)} cannot follow the width {name!r} of {given} to its narrowest: "
                f"{str(error).strip()} {repair}")

    def _named(self, module: nn.Module) -> str:
        path, kind = self.paths.get(id(module), ""), type(module).__name__
        kind = f"elastic.{kind}" if isinstance(module, Elastic) else kind
        return f"{kind} at {path!r}" if path else f"the {kind} itself"


@contextmanager
def followed(module: nn.Module) -> Iterator[Running]:
    """Watch, inside the `with`, which modules run."""
    running = Running(module)
    hooks = [hook for each in module.modules() for hook in (
        each.register_forward_pre_hook(running.begin), each.register_forward_hook(running.end))]
    try:
        yield running
    finally:
        for hook in hooks:
            hook.remove()
