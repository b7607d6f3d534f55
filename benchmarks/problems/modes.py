"""The modes in which methods are run on tables: which tables, how much, and what was to be reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..rivals import ENTRIES
from . import runs
from . import tables as problems

SEEDS, BUDGET = 20, 1000


@dataclass(frozen=True)
class Mode:
    """Which runs, and the budgets that the tables show."""

    run: Callable[..., dict[str, Any]]
    tables: tuple[str, ...]
    budgets: tuple[int, ...] = (20, 30, 50, 100, 200, 500, 1000)
    label: str = "log10(fraction better + 1e-5)"
    workers: tuple[int, ...] = ()
    decimals: int = 2
    sign: int = 1  # -1 where more is better


MODES = {
    "noise-free": Mode(runs.noise_free, problems.PLAIN),
    "constrained": Mode(runs.noise_free, problems.CONSTRAINED),
    "noisy": Mode(runs.noisy, problems.NOISY, (100, 200, 500, 1000)),
    "asynchronous": Mode(runs.asynchronous, (runs.ONEMAX, *problems.NOISY), workers=(1, 8, 32, 128)),
    "two-objectives": Mode(runs.two_objectives, problems.TWO_OBJECTIVES, (200, 1000), "hypervolume / whole table's",
                           decimals=3, sign=-1),
}
# what `Minimizer` was to reach, set before it was measured: mode -> evaluations -> score
BARS = {"noise-free": {50: -3.70, 100: -4.40, 200: -4.80, 1000: -4.99}, "constrained": {50: -3.60, 100: -4.30}}


def tasks(name: str, methods: Sequence[str], seeds: int, budget: int) -> list[dict[str, Any]]:
    """The runs of a mode: every method that can take part, within its caps."""
    mode, found = MODES[name], []
    for method in methods:
        entry = ENTRIES[method]
        if name in (entry.only or MODES) and name not in entry.load().lacks:
            found += [{"method": method, "table": table, "seed": seed, **({"workers": workers} if workers else {}),
                       "budget": min(budget, entry.budget_in(name)) * (3 if table == runs.ONEMAX else 1)}
                      for seed in range(min(seeds, entry.seeds)) for table in mode.tables
                      for workers in mode.workers or (0,)]
    return found
