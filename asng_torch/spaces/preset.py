"""What a search space comes with: its networks, the settings it is searched and retrained with, what it can show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from torch import nn

from asng_core import ASNG, checks

from ..cells.draw import draw_cell
from ..cells.genotype import Picks
from ..data import Augment
from ..supernet.architecture import Architecture
from ..train.settings import TrainSettings


@dataclass(frozen=True)
class SearchSettings:
    """How the shared weights and the distribution are trained: SGD with momentum, cosine annealing.

    `population_size` is 2 as in the ICML 2019 paper's one-shot searches: every architecture costs a pass.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float = 0.9  # of SGD, as in all published one-shot recipes here
    nesterov: bool = False
    weight_decay: float = 0.0
    clip: float | None = None  # of the gradients' norm
    set_to_none: bool = True  # False: weights outside the path move by momentum and decay
    warmup_share: float = 0.0  # of the steps, which train weights alone
    population_size: int = 2
    mirrored: bool = False
    anneal: Literal["step", "epoch"] = "step"  # when the learning rate is lowered
    last_learning_rate: float = 0.0  # what it falls to
    augment: Augment | None = None
    optimizer: Callable[..., ASNG] = ASNG  # (space, population_size=..., seed=...) -> the optimizer

    def __post_init__(self) -> None:
        checks.integer("SearchSettings(epochs)", self.epochs, minimum=1)
        checks.integer("SearchSettings(batch_size)", self.batch_size, minimum=1)
        checks.real("SearchSettings(learning_rate)", self.learning_rate)
        for name in ("set_to_none", "mirrored", "nesterov"):
            checks.truth(f"SearchSettings({name}=...)", getattr(self, name))


@dataclass(frozen=True)
class Preset:
    """One way to run a space. `network` and `final` are arguments of the functions of `SearchSpace`.

    side: of the images, where it is not the space's.
    """

    search: SearchSettings
    retrain: TrainSettings
    network: Mapping[str, Any] = field(default_factory=dict)
    final: Mapping[str, Any] = field(default_factory=dict)
    side: int | None = None


@dataclass(frozen=True)
class SearchSpace:
    """A published search space.

    network: (in_channels, classes, **preset.network) -> the module with choices that is searched.
    final: (architecture, in_channels, classes, **preset.final) -> the plain network of an
        architecture, with fresh weights, as it is retrained: often wider and deeper.
    side: of the square images it takes, to which smaller ones are zero-padded.
    notation: architecture -> how others publish it, if they do.
    cells: architecture -> its cells to be drawn, by title: each one's edges and number of inputs.
    first_node: the number of a cell's first node, where the notation does not count the nodes from 0.
    """

    name: str
    source: str
    task: Literal["classification", "inpainting"]
    side: int
    network: Callable[..., nn.Module]
    final: Callable[..., nn.Module]
    presets: Mapping[str, Preset]
    notation: Callable[[Architecture], str] | None = None
    cells: Callable[[Architecture], Mapping[str, tuple[Picks, int]]] | None = None
    first_node: int = 0

    def published(self, architecture: Architecture) -> str | None:
        """An architecture as others publish it; None where there is no such notation."""
        return None if self.notation is None else self.notation(architecture)

    def draw(self, architecture: Architecture, folder: Path) -> None:
        """A picture of each cell, if the space has cells, named by its title: "normal cell" in normal_cell.png."""
        for title, (picks, n_inputs) in ({} if self.cells is None else self.cells(architecture)).items():
            draw_cell(picks, n_inputs, folder / f"{title.replace(' ', '_')}.png", title=title,
                      first_node=self.first_node)
