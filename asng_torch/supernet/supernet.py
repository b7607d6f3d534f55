"""Any module that holds choices, as a search space and as the network of any architecture in it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from types import MethodType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch import distributed as dist

from asng_core import Candidate, Space
from asng_core.html import table

from ..choices.mark import holders
from ..choices.searchable import Searchable, member
from ..elastic import parametrized
from ..elastic.elastic import Elastic
from ..networks.modules import Modules
from ..networks.randomness import Randomness
from .architecture import Architecture
from .built import Built
from .conditions import Switches, conditions, in_force, inactive, places, restricted
from .cost import Cost
from .idle import Idle, without_fused_paths
from .inputs import Call
from .meter import Meter
from .ranks import Ranks


class Supernet(Searchable):
    """Wraps a module that holds choices; its candidates share the weights of all architectures.

    >>> from asng_torch import LayerChoice
    >>> net = nn.Sequential(LayerChoice({"linear": nn.Linear(4, 4), "identity": nn.Identity()}), nn.ReLU())
    >>> supernet = Supernet(net, example=torch.ones(1, 4))
    >>> supernet.space
    Space({'0': Categorical(['linear', 'identity'])})
    >>> with supernet.active({"0": "identity"}):
    ...     supernet(torch.ones(1, 4)).tolist()
    [[1.0, 1.0, 1.0, 1.0]]
    >>> supernet.cost({"0": "linear"})
    Cost(parameters=20, multiply_adds=16, trainable=20, activations=16)

    A choice inside a candidate, or a block of a Repeat, is a conditional variable: active where its
    place runs.

    example: inputs of the module: a tuple of its positional arguments, a dict of its arguments by name, or its
        one argument; of tensors, wherever they are in it, only the shapes are kept. Choices whose outputs differ in
        shape are then found now, else at the first forward pass; costs are those of this input, else of one row
        of the first one seen (all of it, where the module does not run on a row).
    fixed: values for part of the variables, which then leave the space.

    Raises ValueError for a label of incompatible choices, or alternatives of different shapes.
    """

    in_force: Tensor  # which architecture is, as a number that processes compare

    def __init__(self, module: nn.Module, *, example: Any = None,
                 fixed: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.module = module
        vars(self)["forward"] = _with_signature_of(module, self)
        without_fused_paths(module)
        for each in module.modules():
            if isinstance(each, Elastic):
                parametrized.check(each)
        self.choices = places(module)  # variable name -> the places it decides
        self._idle, self._ranks = Idle(self.choices), Ranks()
        self.register_buffer("in_force", torch.zeros((), dtype=torch.int64), persistent=False)
        variables = {name: found[0].variable for name, found in self.choices.items()}
        self.fixed = {name: Space(variables).encode_one(name, value)
                      for name, value in _known(fixed or {}, variables).items()}
        self.alternatives, unused = conditions(module, self.choices), set[str]()
        # what hangs on a fixed choice alone is always active, or never
        active_if = restricted(self.alternatives, dict(fixed or {}), unused)
        free = {name: variable for name, variable in variables.items() if name not in {*self.fixed, *unused}}
        if not free:
            raise ValueError("Supernet(fixed=...) must leave at least one variable to choose, got all of them.")
        self.space = Space(free, active_if={name: each for name, each in active_if.items() if name in free})
        left_out = sorted(unused - self.fixed.keys())  # whose codes come behind those of the space
        self._further = [*self.fixed.values(), *(inactive(self.choices[name]) for name in left_out)]
        names = [*self.space.names, *self.fixed, *left_out]
        self._switches = Switches(self.choices, names, holders(module))
        self._listed = Modules(self)
        self.meter = Meter(module, self.choices)
        self.built = Built(module)  # for a reset of what cannot draw itself anew
        if example is not None:
            self.meter.learn(Call.of(example), given=True)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "forward"}  # which no file can hold

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        vars(self)["forward"] = _with_signature_of(self.module, self)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        if self.meter.example is None and not torch.compiler.is_compiling():
            self.meter.learn(Call(args, kwargs))
        vars(self)["ran"] = True
        if self._ranks.said is not None:
            self._ranks.hear(self.in_force)
        return member(self, "module")(*args, **kwargs)

    def derived(self) -> nn.Module:
        return self.module  # of a supernet in the module of another one, whose variables these also are

    def active(self, architecture: Architecture) -> AbstractContextManager[None]:
        """Run as `architecture` inside the `with`. Raises ValueError if it is not in the space."""
        codes = [*self._coded(architecture), *self._further]
        if dist.is_available() and dist.is_initialized():
            self._ranks.say(self.in_force, codes)
        return self._switches.under(codes)

    def codes(self, architecture: Architecture) -> dict[str, float]:
        """The code of every variable, of the fixed ones too. Raises ValueError if it is not in the space."""
        return {**dict(zip(self.space.names, self._coded(architecture), strict=True)), **self.fixed}

    def _coded(self, architecture: Architecture) -> list[float]:
        """The codes of the space's variables, in its order."""
        space = self.space
        if isinstance(architecture, Candidate) and (architecture.space is space or architecture.space == space):
            codes = architecture.codes  # no detour by values
        else:
            codes = space.encode(architecture)
        listed: list[float] = codes.tolist()
        return listed

    def active_codes(self, codes: Mapping[str, float]) -> AbstractContextManager[None]:
        """Run under these codes, one for each variable in use, fixed ones too; nothing is marked."""
        return in_force(self.choices, codes)

    def losses(self, candidates: Sequence[Architecture], closure: Callable[[Supernet], Tensor | float], *,
               stochastic: bool = False) -> NDArray[np.float64]:
        """`(n,)` losses of the candidates: `closure(net)` with each of them active, without gradients.

        Every candidate meets the same conditions: normalization layers use the statistics of the
        batch and leave their buffers alone, unless they are frozen: one in eval mode stays so. All else is in eval
        mode, and the random state is that of before, for each and afterwards. Warns of a choice that an architecture
        says is active, but that does not run.

        stochastic: all else (dropout) stays in the mode it is in, and meets the same randomness with each
            candidate, drawn anew for every call.
        """
        return fetched(self.judge(candidates, closure, stochastic=stochastic))

    def judge(self, candidates: Sequence[Architecture], closure: Callable[[Supernet], Tensor | float], *,
              stochastic: bool = False) -> list[Tensor | float]:
        """`losses` as the closure returned them, for those who have more to fetch from the device."""
        values: list[Tensor | float] = []
        modules = self._listed.current()
        seed = int(torch.randint(2**62, ())) if stochastic else None  # of the CPU's generator, so drawn without waiting
        with torch.no_grad(), modules.batch_statistics(stochastic=stochastic), Randomness(modules.devices) as random:
            for architecture in candidates:
                codes = self.codes(architecture)
                with self.active(architecture):
                    random.again(seed)
                    vars(self)["ran"] = False
                    self._idle.begin()
                    values.append(_number(closure(self)))
                    if self.ran:
                        self._idle.end(self.module, architecture, codes)
            return values

    def cost(self, architecture: Architecture) -> Cost:
        """That of the derived network, for one example. Raises RuntimeError without an example."""
        return self.meter.cost(self.codes(architecture))

    def _repr_html_(self) -> str:
        first, *lines = self.summary().splitlines()
        return table((first,), [(line,) for line in lines])

    def summary(self) -> str:
        """The space and the weights, to be printed: a line for each variable, with its values and places."""
        width = max(map(len, self.choices))
        lines = [f"{len(self.space)} variables, {self.space.size:,} architectures, "
                 f"{sum(parameter.numel() for parameter in self.parameters()):,} shared parameters"]
        for name, found in self.choices.items():
            variable = found[0].variable
            what = repr(variable)
            if name in self.fixed:
                what = f"fixed at {variable.decode(self.fixed[name])!r}"
            elif name not in self.space.variables:
                what = "never used, as what it stands in is never chosen"
            where = f", {len(found)} places" if len(found) > 1 else ""
            when = " or ".join(" and ".join(f"{parent} in {values!r}" for parent, values in each.items())
                               for each in self.alternatives.get(name, ()))
            lines.append(f"{name:<{width}}  {type(found[0]).__name__} {what}{where}" + (f", if {when}" if when else ""))
        return "\n".join(lines)


def _with_signature_of(module: nn.Module, supernet: Supernet) -> Any:
    """The supernet's forward pass, with the arguments of the module's: others look there for what it takes."""
    forward = type(supernet).forward

    def signed(self: Supernet, *args: Any, **kwargs: Any) -> Any:
        return forward(self, *args, **kwargs)

    with suppress(TypeError, ValueError):  # of what is written in C, nothing is known
        known = inspect.signature(module.forward)
        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        vars(signed)["__signature__"] = known.replace(parameters=[own, *known.parameters.values()])
    return MethodType(signed, supernet)


def _number(loss: Tensor | float) -> Tensor | float:
    if isinstance(loss, Tensor) and loss.numel() != 1:
        raise ValueError("Supernet.losses(closure) must return one number, got a tensor of shape "
                         f"{tuple(loss.shape)}. Take its mean.")
    return loss


def _known(fixed: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapping[str, Any]:
    unknown = [name for name in fixed if name not in variables]
    if unknown:
        raise ValueError(f"Supernet(fixed=...) must name variables of the module, got unknown {unknown}; "
                         f"there are {list(variables)}.")
    return fixed


def fetched(values: Sequence[Tensor | float]) -> NDArray[np.float64]:
    """`(n,)` numbers, all of them by one transfer, the one time that this waits for the device."""
    tensors = [value.detach().reshape(()) for value in values if isinstance(value, Tensor)]
    if len(tensors) == len(values) and len({each.device for each in tensors}) == 1:
        widest = functools.reduce(torch.promote_types, [each.dtype for each in tensors])
        return np.array(torch.stack([each.to(widest) for each in tensors]).tolist(), dtype=np.float64)
    return np.array([float(value) for value in values], dtype=np.float64)
