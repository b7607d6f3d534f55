"""DEHB (Awad, Mallik, Hutter, IJCAI 2021): differential evolution within Hyperband, its defaults."""

from __future__ import annotations

import tempfile
from typing import Any

import ConfigSpace
import numpy as np
from dehb import DEHB as Library

from asng_core.arrays import Codes

from .fidelities import HighestSeen, Ladder


class DEHB(HighestSeen):
    """Its ask and tell; ordered variables as integers, as its differences need them."""

    def __init__(self, ladder: Ladder, seed: int) -> None:
        self.ladder, space = ladder, ladder.space
        configurations = ConfigSpace.ConfigurationSpace(seed=seed)
        for name, variable in space.variables.items():
            configurations.add(ConfigSpace.UniformIntegerHyperparameter(name, 0, variable.size - 1) if variable.ordered
                               else ConfigSpace.CategoricalHyperparameter(name, list(range(variable.size))))
        self.folder = tempfile.TemporaryDirectory()
        self.library = Library(cs=configurations, min_fidelity=ladder.fidelities[0], eta=3, n_workers=1, seed=seed,
                               max_fidelity=ladder.fidelities[-1], output_path=self.folder.name, save_freq="end",
                               log_level="ERROR")
        self.job: dict[str, Any] = {}

    def ask(self) -> tuple[Codes, int]:
        self.job = self.library.ask()
        config = self.job["config"]
        return (np.array([config[name] for name in self.ladder.space.names], dtype=np.int64),
                self.ladder.nearest(self.job["fidelity"]))

    def tell(self, codes: Codes, fidelity: int, loss: float) -> None:
        self.see(codes, fidelity, loss)
        self.library.tell(self.job, {"fitness": loss, "cost": float(self.ladder.fidelities[fidelity])})
