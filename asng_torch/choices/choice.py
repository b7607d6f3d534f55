"""A variable of the search space that sits in a network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn

from asng_core import Variable

from .searchable import Searchable


class Choice(Searchable):
    """A module whose behaviour depends on one variable of the search space.

    `variable` is that variable, `label` its name in the space, by default the module's qualified
    name; one variable decides all choices of one label. `active` is the code of the value in force, set by
    `Supernet.active`, and -1 (NaN in a continuum) if the variable is inactive there; a plain attribute, as CUDA runs
    backward passes on threads of its own.
    """

    active: float | None
    ran = False  # since somebody last said so

    def __init__(self, variable: Variable, label: str | None) -> None:
        super().__init__()
        self.variable, self.label, self.active = variable, label, None

    def branches(self) -> Iterable[tuple[nn.Module, Sequence[Any]]]:
        """The modules that run only under some values of the variable, with these values."""
        return ()

    @property
    def values(self) -> list[Any]:
        """All values of the variable. Raises ValueError for a continuum."""
        if self.variable.continuous:
            raise ValueError(f"{type(self).__name__} needs a variable of finitely many values, got {self.variable!r}.")
        return [self.variable.decode(code) for code in range(self.variable.size)]

    @property
    def widest(self) -> float:
        """The code under which this choice makes its network no narrower or shorter than under any other."""
        return 0  # what a width does not depend on is as wide under its first value as under any

    @property
    def narrowest(self) -> float:
        """The code under which layers behind this choice receive the least, as short and wide otherwise as can be."""
        return self.widest

    @property
    def value(self) -> Any:
        """The value in force. Raises RuntimeError if there is none."""
        return self.variable.decode(self.code)

    @property
    def code(self) -> Any:
        """The code in force. Raises RuntimeError if there is none."""
        active = self.active
        if type(active) is int and active >= 0:  # so it is hundreds of times a pass
            vars(self)["ran"] = True  # nn.Module takes long to find out that a truth is no parameter
            return active
        if active is None:
            raise RuntimeError("no architecture is active, so this choice has nothing to run. "
                               "Call the supernet inside `with supernet.active(architecture):`.")
        if math.isnan(active) if self.variable.continuous else active == -1:
            raise RuntimeError(f"{type(self).__name__} {self.label or ''} runs although the active architecture has no "
                               "value for it: it stands inside a candidate, or block, that is not chosen. "
                               "Give what runs in several places to Supernet's module outside of the choice too.")
        vars(self)["ran"] = True
        # beside a continuous variable, all codes come as floats
        return active if self.variable.continuous else int(active)

    def extra_repr(self) -> str:
        return f"{self.variable!r}, label={self.label!r}"
