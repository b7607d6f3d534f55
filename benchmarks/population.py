"""Which population size suits plain ASNG, noise-free: the evidence behind its default.

Evaluations until the optimum is drawn, one update per population, 11 seeds, at most 30,000 evaluations.

    python -m benchmarks.population            about 3 minutes on 2 cores
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asng_core import ASNG, Integer, Space
from asng_core.optimizer import default_population_size

from . import store

BUDGET = 30_000
POPULATIONS = (2, 4, 6, 7, 8, 9, 10, 12, 16, 24)
Codes = NDArray[np.int64]


def onemax(codes: Codes) -> NDArray[Any]:
    """How many variables are not at their best value, category 0."""
    return np.asarray((codes != 0).sum(axis=1))


def leading_ones(codes: Codes) -> NDArray[Any]:
    """How many variables follow the first one that is not at its best value, itself included."""
    return np.asarray(codes.shape[1] - (codes == 0).cumprod(axis=1).sum(axis=1))


def sphere(codes: Codes) -> NDArray[Any]:
    """Squared distance to position 33 of 0..100 in every variable."""
    return np.asarray(((codes - 33) ** 2).sum(axis=1))


PROBLEMS: dict[str, tuple[Callable[[], Space], Callable[[Codes], NDArray[Any]]]] = {
    "OneMax d=10": (lambda: Space.binary(10), onemax),
    "OneMax d=30": (lambda: Space.binary(30), onemax),
    "OneMax d=100": (lambda: Space.binary(100), onemax),
    "OneMax d=300": (lambda: Space.binary(300), onemax),
    "OneMax 30x5": (lambda: Space.categorical([5] * 30), onemax),
    "OneMax 100x5": (lambda: Space.categorical([5] * 100), onemax),
    "LeadingOnes d=20": (lambda: Space.binary(20), leading_ones),
    "LeadingOnes d=50": (lambda: Space.binary(50), leading_ones),
    "integer sphere d=5": (lambda: Space({f"x{i}": Integer(0, 100) for i in range(5)}), sphere),
    "integer sphere d=20": (lambda: Space({f"x{i}": Integer(0, 100) for i in range(20)}), sphere),
}


def run(problem: str, population_size: int, seed: int) -> dict[str, Any]:
    """The evaluations until the optimum was drawn, or None."""
    make, loss = PROBLEMS[problem]
    optimizer = ASNG(make(), population_size=population_size, seed=seed)
    while optimizer.n_told < BUDGET:
        batch = optimizer.ask(population_size)
        losses = loss(batch.codes)
        if losses.min() == 0:
            return {"evaluations": optimizer.n_told + int(losses.argmin()) + 1}
        optimizer.tell(batch, losses)
    return {"evaluations": None}


def table(records: list[dict[str, Any]]) -> str:
    """Median evaluations per problem and population; the default population's column is bold."""
    lines = ["| problem | " + " | ".join(map(str, POPULATIONS)) + " |", "|---" * (len(POPULATIONS) + 1) + "|"]
    for problem, (make, _) in PROBLEMS.items():
        row = []
        for population in POPULATIONS:
            found = [record["result"]["evaluations"] or math.inf for record in records
                     if (record["task"]["problem"], record["task"]["population_size"]) == (problem, population)]
            median = float(np.quantile(found, 0.5, method="lower"))
            text = f"{median:,.0f}" if math.isfinite(median) else "not reached"
            row.append(f"**{text}**" if population == default_population_size(len(make())) else text)
        lines.append(f"| {problem} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = store.parser("population", __doc__)
    parser.add_argument("--seeds", type=int, default=11, help="runs per cell (default 11)")
    options = parser.parse_args()
    tasks = [{"problem": problem, "population_size": population, "seed": seed}
             for problem in PROBLEMS for population in POPULATIONS for seed in range(options.seeds)]
    print(table(store.measure(options.out / "population.json", run, tasks, jobs=options.jobs,
                              restart=options.restart)))


if __name__ == "__main__":
    main()
