"""Forward passes without data: to check shapes, to see widths, to count costs."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ..choices.searchable import Blocks, Searchable
from ..elastic.elastic import Elastic
from ..networks.modules import Modules
from .conditions import Places
from .cost import Cost, made
from .inputs import Call
from .tally import Spent
from .twin import ItselfAsTwin, MetaTwin, Twin
from .widths import ShapesDiffer, WidthsDiffer, followed

_MOST = 2**12  # architectures whose costs are kept


class Meter:
    """Runs passes over a module with choices, or its twin: to check shapes, to see widths, to count.

    A plain object, so that its twin is no part of the supernet's parameters.

    example: the shapes of one call; None as long as none was seen.
    """

    def __init__(self, module: nn.Module, places: Places) -> None:
        self.module, self.places = module, places
        self.example: Call | None = None
        self._problem: Exception | None = None  # why what was seen serves as no example
        self._made: Twin | None = None
        self._listed, self._seen = Modules(module), list[nn.Module]()  # all modules, and those that the twin is of
        self._own: dict[int, nn.Parameter] = {}  # id of a parameter of the twin -> the module's
        # by the codes of all variables in use: what a pass spends, and the parameters held with their numbers
        self._counted: dict[tuple[float | None, ...], tuple[Spent, list[tuple[nn.Parameter, int]]]] = {}

    def learn(self, call: Call, *, given: bool = False) -> None:
        """Take a call as the example, and check shapes with it.

        given: by the user, who means it as it is. Else it is the first one seen, of which one row is taken, if
        it runs; where it does not even run as it is, the module is none the worse: it searches, without costs.
        """
        if self._problem is not None:
            return
        # one row, as costs are those of one input; a module may want more, as of lists of images and of graphs
        problems = []
        for example in (call,) if given else (call.row(), call):
            for kind in (MetaTwin, ItselfAsTwin):
                try:
                    self.example = example.on_meta()
                    self._make(kind(self.module, self.places, example))
                    self.check()
                    return
                except Exception as error:  # of the user's forward pass, whatever it does on a device without data
                    problems.append(error)
                    self._made = self.example = None
        self._problem = next((each for each in problems if isinstance(each, ShapesDiffer)), problems[-1])
        if given or isinstance(self._problem, ShapesDiffer):
            problem, self._problem = self._problem, None
            raise problem

    def _make(self, twin: Twin) -> None:
        """Measure on this one from now on."""
        self._made, self._seen = twin, self._listed.current().all
        self._own = dict(zip(map(id, twin.parameters), self.module.parameters(), strict=True))
        self._counted.clear()

    def check(self) -> None:
        """Run every choice's alternatives, all at its widest, and then at the least widths.

        Raises ValueError if their outputs differ in shape, or a layer cannot follow a width.
        """
        widest = {name: found[0].widest for name, found in self.places.items()}
        self._check(widest)
        narrow = {name: found[0].narrowest for name, found in self.places.items()
                  if found[0].narrowest != found[0].widest}
        if not narrow:
            return
        first: Exception | None = None
        with followed(self._twin.module) as running:
            try:
                self._check({**widest, **narrow})
            except Exception as error:  # of PyTorch, or of a layer, whatever it says to a width that does not fit
                first = error
            # for each one alone: which of them it is, or that two must agree, as all do at their narrowest
            for name, code in narrow.items() if first or len(narrow) > 1 else ():
                running.clear()
                codes = {**widest, name: code}
                try:
                    self._check(codes) if first else self._pass(codes, [])  # alternatives may each have their width
                except Exception as error:
                    raise WidthsDiffer(running.explained(name, self._twin.places[name], error)) from error
        if first:  # of no width alone
            raise first

    def widths(self, codes: Mapping[str, float]) -> list[tuple[Elastic, Blocks | None]]:
        """Every elastic layer with what it receives under these codes; those of alternatives that do not run too."""
        twins = _elastic(self._twin.module)
        for module in twins:
            module.received = None
        self._check(codes)
        return [(module, twin.received) for module, twin in zip(_elastic(self.module), twins, strict=True)]

    def _check(self, codes: Mapping[str, float]) -> None:
        self._pass(codes, [module.register_forward_hook(_checking(path), with_kwargs=True)
                           for path, module in self._twin.module.named_modules() if isinstance(module, Searchable)])

    def cost(self, codes: Mapping[str, float]) -> Cost:
        """The cost of the architecture of these codes; what is counted is memorized, what is frozen asked for."""
        twin = self._twin
        key = tuple(None if math.isnan(code) else code for code in codes.values())  # NaN differs from itself
        if key not in self._counted:
            if len(self._counted) >= _MOST:
                self._counted.clear()
            with twin.under(codes), self._widths_noted(twin):
                spent = twin.spent()
                # of the module itself, of which the twin may be a copy; of a layer made on the way the copy's
                self._counted[key] = spent, [(self._own.get(id(parameter), parameter), numbers)
                                             for parameter, numbers in twin.holdings.held()]
        spent, held = self._counted[key]
        return made(sum([numbers for _, numbers in held]),
                    sum([numbers for parameter, numbers in held if parameter.requires_grad]), spent)

    def show_widths(self, codes: Mapping[str, float]) -> None:
        """Let every elastic layer of the module know what it receives under these codes: `derived` cuts it to that.

        Raises RuntimeError without an example, ValueError for a layer that receives different channels in two places.
        """
        elastic = _elastic(self.module)
        if not elastic:
            return
        twins = _elastic(self._twin.module)  # in the same order
        for module in twins:
            module.received = None
        seen: dict[int, Blocks | None] = {}
        self._pass(codes, [module.register_forward_hook(_alike(seen)) for module in twins])
        for module, twin in zip(elastic, twins, strict=True):
            module.received = twin.received

    def _pass(self, codes: Mapping[str, float], hooks: list[RemovableHandle]) -> None:
        """One forward pass of the twin under these codes, after which the hooks are gone."""
        twin = self._twin
        try:
            with twin.under(codes), self._widths_noted(twin):
                twin.spent()
        finally:
            for hook in hooks:
                hook.remove()

    @contextmanager
    def _widths_noted(self, twin: Twin) -> Iterator[None]:
        """Every elastic layer that runs knows what it has received."""
        hooks = [each.register_forward_hook(_noting, with_kwargs=True, prepend=True) for each in twin.elastic]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def needed(self) -> Call:
        """The example. Raises RuntimeError if there is none."""
        if self.example is None:
            why = f" ({type(self._problem).__name__}: {self._problem})" if self._problem else ""
            raise RuntimeError("costs, and deriving elastic layers, need the shapes of the inputs, and a forward pass "
                               f"that runs on zeros of these shapes{why}. Use Supernet(module, example=inputs).")
        return self.example

    @property
    def _twin(self) -> Twin:
        self.needed()
        if self._made is None:
            raise RuntimeError("costs need an example.")
        if self._listed.current().all is not self._seen:  # a module was put in, taken out or replaced
            self._make(type(self._made)(self.module, self.places, self._made.call))
            self.check()
        return self._made

    def __deepcopy__(self, memo: dict[int, Any]) -> Meter:
        twin = Meter(*copy.deepcopy((self.module, self.places), memo))
        twin.example, twin._problem = self.example, self._problem
        if self._made is not None:
            made = self._twin
            # the same one, as its parameters are of the type of the example, whatever those of the copy have become
            twin._make(ItselfAsTwin(twin.module, twin.places, made.call) if isinstance(made, ItselfAsTwin) else made)
        return twin


def _elastic(module: nn.Module) -> list[Elastic]:
    return [each for each in module.modules() if isinstance(each, Elastic)]


def _checking(path: str) -> Callable[[Any, tuple[Any, ...], dict[str, Any], Any], None]:
    def hook(module: Searchable, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        try:
            module.check(args, kwargs)
        except ValueError as error:
            raise ShapesDiffer(f"at {path!r}: {error}") from None
    return hook


def _noting(module: Elastic, args: tuple[Tensor, ...], kwargs: dict[str, Tensor], output: Tensor) -> None:
    module.received = module.incoming(args[0] if args else next(iter(kwargs.values())))


def _alike(seen: dict[int, Blocks | None]) -> Callable[[Any, tuple[Any, ...], Any], None]:
    def hook(module: Elastic, args: tuple[Any, ...], output: Any) -> None:
        if seen.setdefault(id(module), module.received) != module.received:
            raise ValueError(f"{type(module).__name__} is used twice in one architecture with different inputs, "
                             f"channels {seen[id(module)]} and {module.received}, so no plain layer can stand there. "
                             "Give each place its own layer.")
    return hook
