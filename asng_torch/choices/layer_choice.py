"""A choice between layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from asng_core import Categorical

from .candidates import Candidates
from .choice import Choice
from .mark import marked
from .searchable import member, shapes


class LayerChoice(Choice):
    """Runs one of several modules, called alike; their names are the variable's values.

    >>> LayerChoice({"conv3x3": nn.Conv2d(8, 8, 3, padding=1), "identity": nn.Identity()}).variable
    Categorical(['conv3x3', 'identity'])

    uses: of an output, what the network goes on with, and so what must have one shape: of `nn.LSTM` and `nn.GRU`, for
        one, `lambda output: output[0]`. By default all of it.

    An attribute that all candidates have, such as `weight` or `in_features`, is that of the one in force; outside of an
    active architecture, what they agree on.
    """

    def __init__(self, candidates: Mapping[str, nn.Module], *, label: str | None = None,
                 uses: Callable[[Any], Any] | None = None) -> None:
        if not isinstance(candidates, Mapping) or not candidates:
            raise TypeError(f"LayerChoice(candidates) must map at least one name to a module, got {candidates!r}.")
        for name, module in candidates.items():
            if not isinstance(name, str) or not isinstance(module, nn.Module):
                raise TypeError("LayerChoice(candidates) must map names to modules, "
                                f"got {name!r}: {type(module).__name__}.")
        super().__init__(Categorical(candidates), label)
        self.candidates, self.uses = Candidates(candidates), uses

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        code = self.code
        return marked(member(self, "candidates")[code](*args, **kwargs), code)

    def __getattr__(self, name: str) -> Any:  # what is not found otherwise
        try:
            return super().__getattr__(name)
        except AttributeError:
            candidates = vars(self).get("_modules", {}).get("candidates")
            if candidates is None or name.startswith("__") or not all(hasattr(each, name) for each in candidates):
                raise
        found = [getattr(each, name) for each in candidates]
        if self.active is not None:
            return found[self.code]
        plain = not isinstance(found[0], (Tensor, nn.Module)) and not callable(found[0])
        if plain and all(type(each) is type(found[0]) and each == found[0] for each in found):
            return found[0]
        raise AttributeError(f"LayerChoice has the {name!r} of the candidate in force, and no architecture is active. "
                             "Ask inside `with supernet.active(architecture):`.")

    def branches(self) -> Iterable[tuple[nn.Module, Sequence[str]]]:
        return [(module, [name]) for name, module in zip(self.values, self.candidates, strict=True)]

    def derived(self) -> nn.Module:
        return self.candidates[self.code]

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        # with all of them on the same inputs, whichever is in force
        outputs = [(name, module(*args, **kwargs)) for name, module in zip(self.values, self.candidates, strict=True)]
        found = {name: shapes(output if self.uses is None else self.uses(output)) for name, output in outputs}
        if len(set(map(repr, found.values()))) > 1:
            raise ValueError("LayerChoice(candidates) must give outputs of one shape, got "
                             f"{', '.join(f'{name!r}: {shape}' for name, shape in found.items())} "
                             f"for an input of {shapes(args)}. Match channels, stride and padding, or "
                             "say what of them the network uses: LayerChoice(..., uses=lambda output: output[0]).")
