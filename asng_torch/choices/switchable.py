"""A layer that is not shared by the values of a choice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from .candidates import Candidates
from .choice import Choice
from .searchable import Searchable, member


class Switchable(Searchable):
    """Runs the layer that belongs to the values in force of choices that stand elsewhere in the network.

    Weights that all values share rank networks worse where what they work on differs. Normalization is the cheapest
    to take apart: switchable batch normalization has scale, shift and statistics for each width (Yu et al., Slimmable
    Neural Networks, ICLR 2019), here for whatever is chosen:

    >>> from asng_torch import KernelChoice, Supernet, WidthChoice, derive, elastic
    >>> width, kernel = WidthChoice([8, 16]), KernelChoice([3, 5])
    >>> net = nn.Sequential(elastic.Conv2d(3, width, kernel, padding=2),
    ...                     Switchable(lambda: elastic.BatchNorm2d(16), by=[width, kernel]))
    >>> len(net[1].layers), Supernet(net).space
    (4, Space({'0.width': Ordinal([8, 16]), '0.kernel': Ordinal([3, 5])}))

    make: a function without arguments that makes a new layer at each call, alike each time. Choices in it must be made
        outside, so that all layers have the same ones. by: a layer is made for each combination of their values.

    Raises TypeError or ValueError for others.
    """

    def __init__(self, make: Callable[[], nn.Module], by: Sequence[Choice]) -> None:
        super().__init__()
        if not isinstance(by, Sequence) or not by or not all(isinstance(choice, Choice) for choice in by):
            raise TypeError(f"Switchable(by=...) must be a sequence of at least one choice, got {by!r}.")
        self.by = tuple(by)  # so that the choices do not count as parts of this one
        names = [", ".join(map(repr, values)) for values in itertools.product(*(choice.values for choice in by))]
        layers = [make() for _ in names]
        if not all(isinstance(layer, nn.Module) for layer in layers):
            raise TypeError(f"Switchable(make) must be a function that makes a module, got {layers[0]!r} of it.")
        if len(set(map(id, layers))) < len(layers):
            raise ValueError("Switchable(make) must make a new module at each call, got one of them twice. "
                             "Build it inside: lambda: nn.BatchNorm2d(16).")
        choices = [{id(part) for part in layer.modules() if isinstance(part, Choice)} for layer in layers]
        if any(each != choices[0] for each in choices):
            raise ValueError("Switchable(make) must not make choices, each layer of which would be a variable of its "
                             "own. Make them outside, and hand them to the layers.")
        self.layers = Candidates(dict(zip(names, layers, strict=True)))

    @property
    def in_force(self) -> nn.Module:
        """The layer that runs. Raises RuntimeError if no architecture is active."""
        position = 0
        for choice in self.by:
            if choice.active is None:
                raise RuntimeError("no architecture is active, or a choice of Switchable(by=...) stands nowhere in the "
                                   "network. Call the supernet inside `with supernet.active(architecture):`, and give "
                                   "the choice to one of its layers too.")
            position = position * choice.variable.size + choice.code
        layer: nn.Module = member(self, "layers")[position]
        return layer

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.in_force(*args, **kwargs)

    def derived(self) -> nn.Module:
        return self.in_force
