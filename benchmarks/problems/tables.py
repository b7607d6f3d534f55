"""Real tables: every configuration measured once and for all, so that a search costs nothing but itself.

Sources and licences: the README beside each file in `data/`. A table holds the loss of every point of
its space, lower being better, at `index(codes)`.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from asng_core import Boolean, Categorical, Ordinal, Space, Variable
from asng_core.arrays import Floats, Ints

DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class Table:
    """`losses` is `(space.size, n_objectives)`, the mean over training seeds, NaN where a point is
    invalid; `per_seed` is `(space.size, n_seeds)` of the first objective, NaN where a seed was not run."""

    name: str
    space: Space
    losses: Floats
    per_seed: Floats | None = None
    constraint: Callable[[Mapping[str, Any]], bool] | None = None

    def __post_init__(self) -> None:
        sizes = self.space.sizes
        object.__setattr__(self, "_strides", np.append(np.cumprod(sizes[:0:-1])[::-1], 1))
        object.__setattr__(self, "_sorted", np.sort(self.losses[~np.isnan(self.losses[:, 0]), 0]))

    def index(self, codes: ArrayLike) -> Any:
        """Rows of `(..., n_variables)` codes."""
        strides: Ints = self._strides  # type: ignore[attr-defined]
        return (np.asarray(codes) * strides).sum(axis=-1)

    def score(self, loss: float) -> float:
        """log10 of the fraction of valid configurations strictly better, plus 1e-5: -5 is the optimum."""
        ranked: Floats = self._sorted  # type: ignore[attr-defined]
        return float(np.log10(np.searchsorted(ranked, loss) / len(ranked) + 1e-5))

    @property
    def optimum(self) -> float:
        return float(self._sorted[0])  # type: ignore[attr-defined]


def _nasbench201(dataset: str) -> Table:
    with np.load(DATA / "nasbench201" / "nasbench201.npz") as file:
        ops, names = file["ops"], file["op_names"].tolist()
        accuracy = file[f"val_acc_seeds_{dataset}"].astype(np.float64)
    edges = ("0->1", "0->2", "1->2", "0->3", "1->3", "2->3")
    space = Space({edge: Categorical(names) for edge in edges})
    rows = np.argsort(ops.astype(np.int64) @ 5 ** np.arange(5, -1, -1))
    return _seeds(f"nasbench201 {dataset}", space, -accuracy[rows])


def _nasbench_macro() -> Table:
    with np.load(DATA / "nasbench_macro" / "nasbench_macro.npz") as file:
        names, accuracy = file["block_names"].tolist(), file["mean_acc"].astype(np.float64)
    return Table("nasbench_macro", Space({f"layer{i}": Categorical(names) for i in range(8)}), -accuracy[:, None])


def _hpobench(dataset: str) -> Table:
    levels = json.loads((DATA / "hpobench_nn" / "space.json").read_text())
    with np.load(DATA / "hpobench_nn" / f"{dataset}.npz") as file:
        accuracy = file["val_acc"].astype(np.float64)
    space = Space({name: Ordinal(values) for name, values in levels.items()})
    return _seeds(f"hpobench_nn {dataset}", space, -accuracy.reshape(-1, accuracy.shape[-1]))


def _fcnet(dataset: str) -> Table:
    levels = json.loads((DATA / "fcnet" / "space.json").read_text())
    with np.load(DATA / "fcnet" / f"{dataset}.npz") as file:
        loss = file["val_loss"].astype(np.float64)
    unordered = ("activation_fn_1", "activation_fn_2", "lr_schedule")
    space = Space({name: (Categorical if name in unordered else Ordinal)(values) for name, values in levels.items()})
    return _seeds(f"fcnet {dataset.split('_')[0]}", space, loss.reshape(-1, loss.shape[-1]))


def _seeds(name: str, space: Space, losses: Floats) -> Table:
    return Table(name, space, np.nanmean(losses, axis=1, keepdims=True), losses)


def _software(name: str) -> Table:
    with gzip.open(DATA / "software_config" / f"{name}.csv.gz", "rt") as file:
        header, *rows = csv.reader(file)
    values = np.array(rows, dtype=np.float64)
    goals = [i for i, column in enumerate(header) if column[-1] in "+-"]
    variables: dict[str, Variable] = {}
    codes = np.empty((len(values), len(header) - len(goals)), dtype=np.int64)
    for i in range(codes.shape[1]):
        levels, codes[:, i] = np.unique(values[:, i], return_inverse=True)
        variables[header[i]] = Boolean() if levels.tolist() == [0, 1] else Ordinal(levels.tolist())
    space = Space(variables)
    losses = values[:, goals] * [-1 if header[i][-1] == "+" else 1 for i in goals]
    table = Table(name, space, losses)
    order = np.argsort(table.index(codes))
    return Table(name, space, losses[order])


def _gemm_valid(v: Mapping[str, Any]) -> bool:
    """The kernel's own rules: tiles divide evenly among threads and vectors."""
    kwg = 32
    return bool(v["MWG"] % (v["MDIMC"] * v["VWM"]) == 0 and v["NWG"] % (v["NDIMC"] * v["VWN"]) == 0
                and v["MWG"] % (v["MDIMA"] * v["VWM"]) == 0 and v["NWG"] % (v["NDIMB"] * v["VWN"]) == 0
                and kwg % (v["MDIMC"] * v["NDIMC"] // v["MDIMA"]) == 0
                and kwg % (v["MDIMC"] * v["NDIMC"] // v["NDIMB"]) == 0)


def _gemm(gpu: str) -> Table:
    with np.load(DATA / "gpu_kernel_tuning" / "gemm.npz") as file:
        configs, time = file["configs"].astype(np.int64), file["time_ms"][:, file["gpus"].tolist().index(gpu)]
        names = file["params"].tolist()
    space = Space({name: Ordinal(np.unique(column).tolist()) for name, column in zip(names, configs.T, strict=True)})
    losses = np.full((int(space.size), 1), np.nan)
    codes = np.stack([np.unique(column, return_inverse=True)[1] for column in configs.T], axis=1)
    table = Table(f"gemm {gpu}", space, losses)
    losses[table.index(codes), 0] = time
    return Table(table.name, space, losses, constraint=_gemm_valid)


_MAKERS: dict[str, Callable[[], Table]] = {
    "nasbench201 cifar100": lambda: _nasbench201("cifar100"),
    "nasbench201 imagenet16": lambda: _nasbench201("imagenet16"),
    "nasbench_macro": _nasbench_macro,
    "hpobench_nn vehicle": lambda: _hpobench("vehicle"),
    "hpobench_nn segment": lambda: _hpobench("segment"),
    "fcnet protein": lambda: _fcnet("protein_structure"),
    "fcnet parkinsons": lambda: _fcnet("parkinsons_telemonitoring"),
    "LLVM": lambda: _software("LLVM"),
    "SS-W": lambda: _software("SS-W"),
    "SS-J": lambda: _software("SS-J"),
    "gemm RTX_2080_Ti": lambda: _gemm("RTX_2080_Ti"),
    "gemm RTX_3090": lambda: _gemm("RTX_3090"),
    "gemm RTX_Titan": lambda: _gemm("RTX_Titan"),
}
PLAIN = tuple(name for name in _MAKERS if not name.startswith("gemm"))
CONSTRAINED = tuple(name for name in _MAKERS if name.startswith("gemm"))
NOISY = PLAIN[:2] + PLAIN[3:7]
LEFT_OUT = ("hpobench_nn vehicle", "hpobench_nn segment")  # while tuning
TWO_OBJECTIVES = ("SS-W", "SS-J")


@cache
def table(name: str) -> Table:
    """The table of that name, read once."""
    return _MAKERS[name]()
