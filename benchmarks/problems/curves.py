"""Learning curves: every configuration trained once, its validation loss at each of four fidelities.

Made by `python -m benchmarks.curves NAME`, stored in `data/curves`, where the README names the data.
Lower losses are better. A fidelity is the number of epochs (or of so many boosting iterations, or a 27th of the
data), and what it costs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from asng_core import Boolean, Categorical, Integer, Ordinal, Space
from asng_core.arrays import Floats

from .. import store
from .tables import DATA

FIDELITIES = (1, 3, 9, 27)
FOLDER = DATA / "curves"


@dataclass(frozen=True)
class Curves:
    """`losses` is `(space.size, n_fidelities)`, of one training seed.

    continues: a training goes on from a lower fidelity and pays the difference; one on a share of the data begins anew.
    """

    name: str
    space: Space
    losses: Floats
    continues: bool

    @cached_property
    def _ranked(self) -> Floats:
        return np.sort(self.losses[:, -1])

    def row(self, codes: ArrayLike) -> int:
        """Of `(n_variables,)` codes."""
        return int(np.ravel_multi_index(tuple(np.asarray(codes, dtype=np.int64)), tuple(self.space.sizes)))

    def codes(self, row: int) -> Any:
        """`(n_variables,)` of a row."""
        return np.array(np.unravel_index(row, tuple(self.space.sizes)))

    def score(self, row: int) -> float:
        """log10 of the rank of its full training, 1 for the best, over the number of configurations."""
        return float(np.log10((np.searchsorted(self._ranked, self.losses[row, -1]) + 1) / len(self._ranked)))


def _boosting(losses: tuple[str, ...], **more: Any) -> Space:
    return Space({"loss": Categorical(losses), "max_depth": Integer(1, 5),
                  "learning_rate": Ordinal([0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0]),
                  "subsample": Ordinal([0.4, 0.7, 1.0]), "max_features": Ordinal([0.1, 0.3, 1.0]), **more})


def _perceptron(batches: tuple[int, ...]) -> Space:
    return Space({"activation": Categorical(["relu", "tanh", "logistic"]), "solver": Categorical(["adam", "sgd"]),
                  "learning_rate_init": Ordinal([3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]), "batch_size": Ordinal(batches),
                  "width": Ordinal([8, 24, 72]), "depth": Integer(1, 2), "alpha": Ordinal([1e-6, 1e-3, 1.0])})


def _linear(*losses: str) -> Space:
    return Space({"loss": Categorical(losses), "penalty": Categorical(["l2", "l1"]),
                  "alpha": Ordinal([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]),
                  "learning_rate": Categorical(["constant", "invscaling"]),
                  "eta0": Ordinal([1e-4, 1e-3, 3e-3, 1e-2, 1e-1, 1.0]), "average": Boolean()})


def _network(rates: list[float], **more: Any) -> Space:
    operation = Categorical(["conv 3x3", "separable 5x5"])
    return Space({"learning_rate": Ordinal(rates), **more, "batch": Ordinal([64, 256]), "width": Ordinal([4, 8]),
                  "first": operation, "second": operation, "augment": Boolean()})


SPACES: dict[str, Space] = {
    "boosting diabetes by iterations": _boosting(("squared_error", "absolute_error", "huber")),
    "boosting breast cancer by iterations": _boosting(("log_loss", "exponential"),
                                                      min_samples_leaf=Ordinal([1, 10])),
    "MLP diabetes by epochs": _perceptron((16, 64)),
    "SGD diabetes by epochs": _linear("squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"),
    "SGD digits by share": _linear("log_loss", "hinge", "modified_huber", "perceptron"),
    "MLP breast cancer by share": _perceptron((16, 64)),
    "networks by epochs": _network([3e-3, 1e-2, 3e-2, 1e-1, 3e-1], weight_decay=Ordinal([1e-5, 1e-2])),
    "networks by epochs, Adam": _network([3e-4, 1e-3, 3e-3, 1e-2, 3e-2]),
}
LEFT_OUT = ("MLP diabetes by epochs", "MLP breast cancer by share", "networks by epochs, Adam")  # while tuning
MISLED = " misled"  # ends the name of curves whose lower fidelities say nothing of the highest


@cache
def curves(name: str) -> Curves:
    """The curves of that name, read once; after `MISLED` with each lower fidelity permuted by itself."""
    if name.endswith(MISLED):
        true = curves(name.removesuffix(MISLED))
        rng = np.random.default_rng(len(true.losses))
        lower = rng.permuted(true.losses[:, :-1], axis=0)
        return replace(true, name=name, losses=np.column_stack([lower, true.losses[:, -1]]))
    space = SPACES[name]
    found = {record["task"]["row"]: record["result"]["losses"] for record in store.records(FOLDER / file_of(name))}
    losses = np.array([found[row] for row in range(int(space.size))], dtype=float)  # NaN where it diverged
    if losses.shape[1] == FIDELITIES[-1]:
        losses = losses[:, np.array(FIDELITIES) - 1]
    worst = np.nanmax(losses, axis=0)  # of what ended, at each fidelity: what one that diverged counts as
    return Curves(name, space, np.where(np.isnan(losses), worst, losses), not name.endswith("by share"))


def values(name: str, row: int) -> dict[str, Any]:
    """The configuration of a row of that space."""
    space = SPACES[name]
    return dict(space.decode(np.array(np.unravel_index(row, tuple(space.sizes)))))


def file_of(name: str) -> str:
    return name.lower().replace(",", "").replace(" ", "_")


MADE = tuple(name for name in SPACES if (FOLDER / f"{file_of(name)}{store.SUFFIX}").exists())  # all of its rows
