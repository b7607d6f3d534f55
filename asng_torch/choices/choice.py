"""The contract of a choice: a variable of the search space that sits in a network."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import nn

from asng_core import Variable


class Choice(nn.Module, ABC):
    """A module whose behaviour depends on one variable of the search space.

    `variable` is that variable, `label` its name in the space, by default the module's qualified
    name; choices of one label share one variable. `active` is the code of the value in force, set by
    `Supernet.active`; a plain attribute, as CUDA runs backward passes on threads of its own.
    """

    active: int | None

    def __init__(self, variable: Variable, label: str | None) -> None:
        super().__init__()
        self.variable, self.label, self.active = variable, label, None

    @abstractmethod
    def chosen(self, code: int) -> nn.Module:
        """What stands in this module's place in the derived network."""

    def active_code(self) -> int:
        """The code in force. Raises RuntimeError if no architecture is active."""
        if self.active is None:
            raise RuntimeError("no architecture is active, so this choice has nothing to run. "
                               "Call the supernet inside `with supernet.active(architecture):`.")
        return self.active
