"""Which population size suits ASNG, noise-free: the evidence behind its default.

Evaluations until the optimum is drawn, one update per population, 11 seeds, at most 30,000 evaluations.

    python -m benchmarks.population            about 3 minutes on 2 cores
    python -m benchmarks.population --quick    a check of the whole path, seconds
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from asng_core import ASNG
from asng_core.ask_tell.asng import default_population_size

from . import store
from .analysis import markdown, plots
from .analysis.scores import Records, count, median
from .page import Claim, Page
from .problems.synthetic import Problem, leading_ones, onemax, sphere

BUDGET, SEEDS = 30_000, 11
POPULATIONS = (2, 4, 6, 7, 8, 9, 10, 12, 16, 24)
PROBLEMS = {problem.name: problem for problem in (
    *(onemax(d, 2, np.zeros(d, dtype=np.int64)) for d in (10, 30, 100, 300)),
    *(onemax(d, 5, np.zeros(d, dtype=np.int64)) for d in (30, 100)),
    *(leading_ones(d, 2, np.zeros(d, dtype=np.int64)) for d in (20, 50)),
    *(sphere(d, 101, np.full(d, 33)) for d in (5, 20)),
)}


def to_optimum(problem: Problem, population_size: int, seed: int, budget: int) -> int | None:
    """The evaluations of ASNG until the optimum is drawn; None if `budget` does not do."""
    optimizer = ASNG(problem.space, population_size=population_size, seed=seed)
    while optimizer.n_told < budget:
        batch = optimizer.ask(population_size)
        losses = problem.loss(batch.codes)
        if losses.min() <= problem.optimum:
            return optimizer.n_told + int(losses.argmin()) + 1
        optimizer.tell(batch, losses)
    return None


def run(problem: str, population_size: int, seed: int) -> dict[str, Any]:
    """The "evaluations" until the optimum was drawn, or None."""
    return {"evaluations": to_optimum(PROBLEMS[problem], population_size, seed, BUDGET)}


def medians(records: Records) -> dict[str, dict[int, float]]:
    """problem -> population -> median evaluations."""
    found: dict[str, dict[int, list[float]]] = {}
    for record in records:
        task, reached = record["task"], record["result"]["evaluations"]
        found.setdefault(task["problem"], {}).setdefault(task["population_size"], []).append(reached or np.inf)
    return {problem: {population: median(each[population]) for population in sorted(each)}
            for problem, each in found.items()}


def default(problem: str) -> int:
    """The population that ASNG has by default."""
    return default_population_size(len(PROBLEMS[problem].space))


def table(records: Records) -> str:
    """Median evaluations per problem and population; the default population's column is bold."""
    return markdown.table(["problem", *map(str, POPULATIONS)], (
        [problem, *(f"**{count(found[size])}**" if size == default(problem) else count(found[size])
                    for size in POPULATIONS)] for problem, found in medians(records).items()))


def excess(records: Records) -> dict[str, dict[int, float]]:
    """problem -> population -> median evaluations over those of the best population."""
    return {problem: {size: n / min(found.values()) for size, n in found.items()}
            for problem, found in medians(records).items()}


def draw(records: Records, path: Path) -> None:
    """The excess over the best population; the default is marked."""
    figure, axis = plots.figure(7, 3.9)
    for i, (problem, found) in enumerate(excess(records).items()):
        axis.plot(list(found), list(found.values()), color=f"C{i}", linewidth=1, label=problem)
        axis.plot(default(problem), found[default(problem)], "o", color=f"C{i}", markersize=6)
    axis.axhline(1.25, color="grey", linestyle=":", linewidth=1)
    axis.set(ylim=(0.95, 2.05), xlabel="population size (dot: the default)",
             ylabel="median evaluations / those of the best")
    plots.log_axis(axis, POPULATIONS)
    axis.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    plots.save(figure, path)


def pages(results: Path) -> list[Page]:
    records = store.records(results / "population")
    return [Page("population", {"population": "python -m benchmarks.population"}, [claim(records)],
                 {"Median evaluations until the optimum is drawn, by population size": table(records)},
                 partial(draw, records))]


def claim(records: Records) -> Claim:
    """What is claimed of the default population."""
    found = {problem: each[default(problem)] for problem, each in excess(records).items()}
    worst = max(found, key=found.__getitem__)
    return Claim("`ASNG`'s default population needs at most a quarter more evaluations than the best of "
                 f"{len(POPULATIONS)}, on each of {len(found)} problems", found[worst] <= 1.25,
                 f"at most {found[worst]:.2f} times the best median ({worst}), {SEEDS} seeds", ("ASNG",))


def tasks(problems: Iterable[str], seeds: int) -> list[dict[str, Any]]:
    return [{"problem": problem, "population_size": population, "seed": seed}
            for problem in problems for population in POPULATIONS for seed in range(seeds)]


def main() -> None:
    parser = store.parser("population", __doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"runs per cell (default {SEEDS})")
    parser.add_argument("--quick", action="store_true", help="2 seeds of 2 problems: a check of the whole path")
    options = parser.parse_args()
    wanted = tasks(list(PROBLEMS)[:2], 2) if options.quick else tasks(PROBLEMS, options.seeds)
    path = options.out / f"population{'_quick' if options.quick else ''}"
    print(table(store.measure(path, run, wanted, parts=lambda _: ("ASNG",), **store.how(options))))


if __name__ == "__main__":
    main()
