"""A cell: a small graph whose edges and operations are chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from asng_core import checks

from ..networks import derived
from .candidates import Candidates
from .searchable import Joining, member, shapes
from .value_choice import ValueChoice


class Cell(Joining):
    """`n_nodes` nodes in a row, each the sum of `picks` operations on earlier maps; loose ends concatenated.

    A map is one of the cell's inputs, 0..n_inputs-1, or the output of an earlier node, from n_inputs
    on. Node i has, for each pick j, the variables `node{i}_input{j}` and `node{i}_operation{j}`, after the label,
    or the module's qualified name, and a dot. Nodes that no other reads are concatenated along
    dimension 1; an elastic layer built with `after=` this cell uses, of its columns for all nodes,
    those of the nodes present.

    operations: name -> function of (node, map read) that makes the module; one module for each node,
        input and operation, the same for all picks of the node. All outputs must have one shape.

    >>> cell = Cell({"linear": lambda node, source: nn.Linear(8, 8), "identity": lambda node, source: nn.Identity()},
    ...             n_inputs=1, n_nodes=2)
    >>> [cell.node1_input0.variable, cell.node1_operation0.variable]
    [Categorical([0, 1]), Categorical(['linear', 'identity'])]

    Source: the search space of ENAS (Pham et al., 2018) as Akimoto et al., 2019, section 3.2, use it.
    """

    run = staticmethod(derived.run_cell)  # what counts costs has a quicker one

    def __init__(self, operations: Mapping[str, Callable[[int, int], nn.Module]], *, n_inputs: int = 2,
                 n_nodes: int = 4, picks: int = 2, label: str | None = None) -> None:
        if not isinstance(operations, Mapping) or not operations:
            raise TypeError("Cell(operations) must map at least one name to a function that makes a module, "
                            f"got {checks.shown(operations)}.")
        n_inputs, n_nodes, picks = (checks.integer(f"Cell({name}=...)", number, minimum=1) for name, number in
                                    (("n_inputs", n_inputs), ("n_nodes", n_nodes), ("picks", picks)))
        super().__init__()
        self.names, self.n_inputs, self.n_nodes, self.picks = tuple(operations), n_inputs, n_nodes, picks
        self.operations = nn.ModuleList(  # [node][input][operation]
            nn.ModuleList(Candidates({name: make(node, source) for name, make in operations.items()})
                          for source in range(n_inputs + node)) for node in range(n_nodes))
        # [node][pick]: the names of its two choices
        self._choices = [[(f"node{node}_input{pick}", f"node{node}_operation{pick}") for pick in range(picks)]
                         for node in range(n_nodes)]
        prefix = "" if label is None else f"{label}."
        for node in range(n_nodes):
            for pick in range(picks):
                for what, values in (("input", range(n_inputs + node)), ("operation", self.names)):
                    name = f"node{node}_{what}{pick}"
                    self.add_module(name, ValueChoice(values, label=label and prefix + name))

    def edges(self) -> list[list[tuple[int, str]]]:
        """For every node its picks in force: (source, name of the operation)."""
        return [[(member(self, source).value, member(self, operation).value) for source, operation in node]
                for node in self._choices]

    def forward(self, *inputs: Tensor) -> Tensor:
        if len(inputs) != self.n_inputs:
            raise ValueError(f"Cell(n_inputs={self.n_inputs}) must be called with {self.n_inputs} inputs, "
                             f"got {len(inputs)}.")
        picked = self._picked()
        loose = derived.loose_ends(picked, self.n_inputs)
        maps = self.run(inputs, picked)
        width = maps[-1].shape[1]  # of every node alike, as their sums need it
        # of `n_nodes * width` columns, those of the nodes present, for the layers built with `after=` this cell
        self.join(self.n_nodes * width, [(node * width, (node + 1) * width) for node in loose])
        return torch.cat([maps[self.n_inputs + node] for node in loose], dim=1)

    def _picked(self) -> list[list[tuple[int, nn.Module]]]:
        """For every node its picks in force: (source, operation). By codes, which are the positions of the values."""
        choices, picked = vars(self)["_modules"], []
        for node, names in enumerate(self._choices):
            operations = vars(member(self, "operations", str(node)))["_modules"]  # of every map, the candidates
            codes = [(choices[source].code, choices[operation].code) for source, operation in names]
            picked.append([(source, operations[str(source)][operation]) for source, operation in codes])
        return picked

    def derived(self) -> nn.Module:
        return derived.Cell(self._picked(), self.n_inputs)

    def kept(self) -> Iterable[nn.Module]:
        return [operation for picks in self._picked() for _, operation in picks]

    def check(self, args: tuple[Tensor, ...], kwargs: dict[str, Tensor]) -> None:
        maps = [*args, *kwargs.values()]
        for node in range(self.n_nodes):
            outputs = [(source, name, operation(maps[source]))
                       for source, candidates in enumerate(member(self, "operations", str(node)))
                       for name, operation in zip(self.names, candidates, strict=True)]
            if len({shapes(output) for _, _, output in outputs}) > 1:
                raise ValueError(f"Cell(operations) must give outputs of one shape, got at node {node} " + ", ".join(
                    f"{name!r} on map {source}: {shapes(output)}" for source, name, output in outputs)
                    + ". Match channels, stride and padding.")
            maps.append(outputs[0][2])  # any: their shapes are alike
