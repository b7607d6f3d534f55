"""A choice between inputs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from torch import Tensor, nn

from asng_core import Categorical, checks

from ..networks import derived
from .choice import Choice
from .mark import marked
from .searchable import Joining, Layout, checked_widths, shapes


class InputChoice(Choice, Joining):
    """Called with a sequence of `n` tensors, it returns one of them, or `choose` of them joined.

    The values are positions 0..n-1, or tuples of `choose` positions.

    reduce: how several are joined: "sum", "mean" or "concat" (along dimension 1). An elastic layer
        built with `after=` this choice uses, of its columns for all inputs, those of the chosen ones.
    widths: for "concat" of inputs whose width is chosen, the most channels of each: a number, or the Concatenate,
        InputChoice, Cell, WidthChoice or elastic.Heads that the input comes out of.

    >>> InputChoice(3, choose=2).variable
    Categorical([(0, 1), (0, 2), (1, 2)])
    """

    def __init__(self, n: int, *, choose: int = 1, reduce: Literal["sum", "mean", "concat"] = "sum",
                 widths: Sequence[int | Layout] | None = None, label: str | None = None) -> None:
        n = checks.integer("InputChoice(n)", n, minimum=1)
        choose = checks.integer("InputChoice(choose=...)", choose)
        if not 1 <= choose <= n:
            raise ValueError(f"InputChoice(choose=...) must be within 1..{n}, the number of inputs, got {choose!r}.")
        if reduce not in ("sum", "mean", "concat"):
            raise ValueError(f"InputChoice(reduce=...) must be 'sum', 'mean' or 'concat', got {reduce!r}.")
        known = None if widths is None else checked_widths("InputChoice(widths=...)", widths)
        if known is not None and (reduce != "concat" or len(known) != n):
            raise ValueError(f"InputChoice(widths=...) must have one entry for each of {n} inputs, and needs "
                             f"reduce='concat', got {len(known)} and {reduce!r}.")
        values = range(n) if choose == 1 else itertools.combinations(range(n), choose)
        super().__init__(Categorical(values), label)
        self.n, self.reduce, self.widths = n, reduce, known

    @property
    def chosen(self) -> tuple[int, ...]:
        """Positions of the inputs in force."""
        value = self.value
        return value if isinstance(value, tuple) else (value,)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        if len(inputs) != self.n:
            raise ValueError(f"InputChoice({self.n}) must be called with {self.n} inputs, got {len(inputs)}.")
        if self.reduce == "concat":
            # the columns of all n inputs side by side, of which those of the chosen ones are there
            self.lay(inputs, [x.shape[1] for x in inputs] if self.widths is None else self.widths, self.chosen)
        joined = derived.join([inputs[i] for i in self.chosen], self.reduce)
        return marked(joined, self.code)  # type: ignore[no-any-return]

    def derived(self) -> nn.Module:
        return derived.Inputs(self.chosen, self.reduce)

    def kept(self) -> Iterable[nn.Module]:
        return ()

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found = list(shapes(args[0] if args else kwargs["inputs"]))
        if self.reduce != "concat" and len(set(found)) > 1:
            raise ValueError(f"InputChoice must be called with inputs of one shape, got {found}. "
                             "Match channels and resolution, or use reduce='concat'.")
