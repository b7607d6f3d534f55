"""Toys: evaluations until the optimum is asked, each repeat paid for.

Every instance hides its optimum at a random point, so that no method gains from a favourite value.

    python -m benchmarks.functions            11 seeds, at most 30,000 evaluations
    python -m benchmarks.functions --quick    a check of the whole path, seconds
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asng_core import Space

from . import store
from .problems import DATA
from .rivals import ABLATED, ENTRIES, OURS, Codes, Setting

BUDGET, ABLATED_BUDGET = 30_000, 4_000
RUN = ("ASNG", "ASNG, plain", "(1+1) EA", "local search", "regularized evolution", "regularized evolution, 20",
       "CatCMAwM")


@dataclass(frozen=True)
class Function:
    """A loss to minimize, and its least value."""

    space: Space
    loss: Callable[[Codes], float]
    optimum: float = 0.0


def onemax(sizes: list[int], seed: int) -> Function:
    """The fraction of variables that differ from a hidden point's."""
    target = np.random.default_rng([seed, 2]).integers(sizes)
    return Function(_space(sizes), lambda codes: float((codes != target).mean()))


def leading_ones(d: int, seed: int) -> Function:
    """The fraction of variables that follow the first one unlike a hidden point's, itself included."""
    target = np.random.default_rng([seed, 2]).integers(2, size=d)
    return Function(Space.binary(d), lambda codes: 1 - float((codes == target).cumprod().mean()))


def nk(seed: int) -> Function:
    """Instance `seed` modulo 10 of the NK landscapes in `data/nk`: minus the mean contribution."""
    tables, optima = _nk_instances()
    contributions, optimum = tables[seed % len(tables)], optima[seed % len(tables)]
    n, width = contributions.shape
    k = width.bit_length() - 2
    rows, powers = np.arange(n), 2 ** np.arange(k, -1, -1)
    ring = (rows[:, None] + np.arange(k + 1)) % n
    return Function(Space.binary(n), lambda codes: -float(contributions[rows, codes[ring] @ powers].mean()), optimum)


@cache
def _nk_instances() -> tuple[NDArray[np.float64], list[float]]:
    with np.load(DATA / "nk" / "nk.npz") as file:
        return file["contributions"], file["optima"].tolist()


def _space(sizes: list[int]) -> Space:
    return Space.binary(len(sizes)) if set(sizes) == {2} else Space.categorical(sizes)


FUNCTIONS: dict[str, Callable[[int], Function]] = {
    "OneMax d=100": lambda seed: onemax([2] * 100, seed),
    "LeadingOnes d=50": lambda seed: leading_ones(50, seed),
    "OneMax 30x5": lambda seed: onemax([5] * 30, seed),
    "NK n=18 k=4": nk,
}


def run(method: str, function: str, seed: int, budget: int) -> dict[str, Any]:
    """The "evaluations" until the optimum was asked, or None."""
    problem = FUNCTIONS[function](seed)
    optimizer = ENTRIES[method].load()(Setting(problem.space, budget), seed)
    for n in range(1, budget + 1):
        codes = optimizer.ask()
        loss = problem.loss(codes)
        if loss <= problem.optimum + 1e-12:
            return {"evaluations": n}
        optimizer.tell(codes, loss)
    return {"evaluations": None}


def table(records: list[dict[str, Any]]) -> str:
    """Median (quartiles) of the evaluations; a run that never arrived counts as slower than any other."""
    found: dict[tuple[str, str], list[float]] = {}
    for record in records:
        task, evaluations = record["task"], record["result"]["evaluations"]
        found.setdefault((task["method"], task["function"]), []).append(
            math.inf if evaluations is None else evaluations)
    lines = ["| method | " + " | ".join(FUNCTIONS) + " |", "|---" * (len(FUNCTIONS) + 1) + "|"]
    for method in dict.fromkeys(method for method, _ in found):
        cells = []
        for function in FUNCTIONS:
            q1, median, q3 = np.quantile(found[method, function], [0.25, 0.5, 0.75], method="lower")
            cells.append(f"{_count(median)} ({_count(q1)} to {_count(q3)})")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _count(evaluations: float) -> str:
    return f"{evaluations:,.0f}" if math.isfinite(evaluations) else "not reached"


def main() -> None:
    parser = store.parser("functions", __doc__)
    parser.add_argument("--seeds", type=int, default=11, help="runs per cell (default 11)")
    parser.add_argument("--quick", action="store_true", help="2 seeds, 100 evaluations: a check of the whole path")
    parser.add_argument("--ablate", action="store_true", help="ours, and ours with one mechanism taken out")
    options = parser.parse_args()
    seeds, budget = (2, 100) if options.quick else (options.seeds, ABLATED_BUDGET if options.ablate else BUDGET)
    methods = (OURS, *(name for name, entry in ABLATED.items() if "noise-free" in (entry.only or ("noise-free",)))
               ) if options.ablate else RUN
    tasks = [{"method": method, "function": function, "seed": seed, "budget": budget}
             for method in methods for function in FUNCTIONS for seed in range(seeds)]
    path = options.out / f"functions{'_ablation' if options.ablate else ''}{'_quick' if options.quick else ''}.json"
    print(table(store.measure(path, run, tasks, packages=("numpy", "cmaes"), jobs=options.jobs,
                              restart=options.restart)))


if __name__ == "__main__":
    main()
