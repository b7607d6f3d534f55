"""GPU kernels, tuned by Kernel Tuner with `Minimizer` and with its own strategies, in its simulation mode.

A run's score is the mean over its budget of the way from the median configuration to the optimum; the budget, in
unique configurations, is what random search needs for 95% of that way (`problems/kernels.py`). More is better.

    python -m benchmarks.kernel_tuner                               20 seeds; an hour of one core
    python -m benchmarks.kernel_tuner --methods Minimizer pso       some methods
    python -m benchmarks.kernel_tuner --stored                      what the stored runs say
    python -m benchmarks.kernel_tuner --quick                       a check of the whole path, seconds
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from asng_core.arrays import Floats

from . import store
from .analysis import markdown, plots, scores
from .analysis.scores import Grouped, Records
from .page import Claim, Page
from .problems import kernels
from .problems.kernels import GPUS, TABLES, VARIANTS
from .rivals import OURS

# Kernel Tuner's names, with at most how many seeds; those left out need packages it does not bring (skopt, pyATF), are
# exhaustive, of several objectives, or scipy's for smooth functions
SEEDS = 20
RIVALS = {"random_sample": SEEDS, "genetic_algorithm": SEEDS, "simulated_annealing": SEEDS, "pso": SEEDS,
          "diff_evo": SEEDS, "firefly_algorithm": SEEDS, "mls": SEEDS, "greedy_mls": SEEDS, "greedy_ils": SEEDS,
          "adaptive_tabu_greywolf": SEEDS, "hybrid_vndx": 5, "bayes_opt": 2}
METHODS = {**dict.fromkeys(VARIANTS, SEEDS), **RIVALS}
SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)  # of the budget
QUICK = (OURS, "random_sample", "genetic_algorithm")


def tasks(methods: Sequence[str], seeds: int, tables: Sequence[str] = TABLES, most: int = 10**6) -> list[store.Task]:
    """The runs; the first seeds of all methods come first."""
    return [{"method": method, "table": table, "seed": seed, "budget": min(kernels.kernel(table).budget, most)}
            for seed in range(seeds) for table in tables for method in methods if seed < METHODS[method]]


def parts(task: store.Task) -> Sequence[str]:
    return (OURS,) if task["method"] in VARIANTS else ()


def grouped(records: Records, value: Callable[[Floats, str], Any]) -> Grouped:
    """method -> table -> the value of each run's curve and table."""
    found: Grouped = {}
    for record in sorted(records, key=lambda record: (list(METHODS).index(record["task"]["method"]),
                                                      TABLES.index(record["task"]["table"]), record["task"]["seed"])):
        task = record["task"]
        curve = kernels.curve(task["table"], task["budget"], record["result"]["improvements"])
        found.setdefault(task["method"], {}).setdefault(task["table"], []).append(value(curve, task["table"]))
    return found


def score(curve: Floats, table: str) -> float:
    """The mean over the budget."""
    return float(curve.mean())


def over_random(curve: Floats, table: str) -> float:
    """The mean over the budget of the way from random search's expectation to the optimum."""
    expected = kernels.kernel(table).random_search[:len(curve)]
    return float(((curve - expected) / (1 - expected)).mean())


def after(share: float) -> Callable[[Floats, str], float]:
    """The progress after that share of the budget."""
    return lambda curve, table: float(curve[max(1, round(share * len(curve))) - 1])


def columns(records: Records) -> dict[str, Grouped]:
    """What methods are compared by: all tables, then those of each kernel."""
    found = grouped(records, score)
    every = {"mean": found}
    for kernel in GPUS:
        own = {method: {table: runs for table, runs in each.items() if table.startswith(kernel)}
               for method, each in found.items()}
        if all(own.values()):
            every[kernel] = own
    return every


def tables(records: Records) -> dict[str, str]:
    """Scores, progress along the budget, scores by GPU, differences."""
    every, relative = columns(records), grouped(records, over_random)
    whole = every["mean"]
    along = {share: grouped(records, after(share)) for share in SHARES}
    by_kernel = {kernel: {share: grouped([record for record in records if record["task"]["table"].startswith(kernel)],
                                         after(share)) for share in SHARES} for kernel in GPUS if kernel in every}
    rows = [[method, *(f"{scores.mean_of(found[method]):.3f}" for found in every.values()),
             f"{scores.mean_of(relative[method]):.2f}", _runs(each)] for method, each in whole.items()]
    shown = [table for table in TABLES if all(table in each for each in whole.values())]
    by_gpu = [[f"{table}, {kernels.kernel(table).budget}", *_bold([float(np.mean(each[table]))
                                                                    for each in whole.values()])] for table in shown]
    found = {"Score, and the same counted from random search's expectation instead of the median":
             markdown.table(["method", *every, "over random", "tables x runs"], rows),
             "Progress after shares of the budget": _along(along),
             **{f"The same on {kernel}": _along(found) for kernel, found in by_kernel.items()},
             "Score by kernel, GPU and budget": markdown.table(["table", *whole], by_gpu)}
    if OURS in whole and len(whole) > 1:
        found["Paired differences of the score"] = scores.comparison(every, OURS, 3)
        found["Paired differences of the progress after shares of the budget"] = scores.comparison(
            {f"{share:.0%}": each for share, each in along.items()}, OURS, 3)
    return found


def _along(found: dict[float, Grouped]) -> str:
    """A row a method, a column a share of the budget."""
    return markdown.table(["method", *(f"{share:.0%}" for share in found)], (
        [method, *_means(found, method)] for method in next(iter(found.values()))))


def _means(found: dict[float, Grouped], method: str) -> list[str]:
    return [f"{scores.mean_of(each[method]):.3f}" for each in found.values()]


def _runs(each: dict[str, list[float]]) -> str:
    numbers = {len(runs) for runs in each.values()}
    return f"{len(each)} x {' to '.join(map(str, sorted({min(numbers), max(numbers)})))}"


def _bold(values: list[float]) -> list[str]:
    return [f"**{value:.3f}**" if value == max(values) else f"{value:.3f}" for value in values]


def claims(records: Records) -> list[Claim]:
    """That no strategy of Kernel Tuner has a better mean, nor on one of the kernels, and that this is no chance."""
    made = []
    compared = [record for record in records if record["task"]["method"] in (OURS, *RIVALS)]
    for name, found in columns(compared).items():
        means = {method: scores.mean_of(runs) for method, runs in found.items()}
        ours = means.pop(OURS)
        best = max(means, key=means.__getitem__)
        where = "over all kernels and GPUs" if name == "mean" else f"on {name}"
        made.append(Claim(f"{where} none of {len(means)} strategies of Kernel Tuner has a better mean score than "
                          f"`{OURS}`", ours >= means[best], f"{ours:.3f}; the best other {means[best]:.3f} ({best})",
                          (OURS,)))
        if name == "mean":
            rival, mean, low, high = scores.closest(found, OURS, -1)
            made.append(Claim(f"`{OURS}` is ahead of each of them by more than chance", low > 0,
                              f"{'' if low > 0 else 'not '}of {rival}, the closest, "
                              f"{scores.interval(mean, low, high, 3)}", (OURS,)))
    return made


def draw(records: Records, path: Path) -> None:
    """Progress against the share of the budget, the mean over tables and runs; ours with its band."""
    shares = np.linspace(0.02, 1, 50)
    found = grouped(records, lambda curve, _: curve[np.maximum(1, np.round(shares * len(curve))).astype(int) - 1])
    figure, axis = plots.figure(7, 4.2)
    for number, (method, each) in enumerate(found.items()):
        mean, low, high = scores.mean_band({table: np.array(runs) for table, runs in each.items()})
        axis.plot(100 * shares, mean, color=plots.HUES[number], label=method, linestyle="-" if number < 7 else "--",
                  linewidth=2.5 if method == OURS else 1.2)
        if method == OURS:
            axis.fill_between(100 * shares, low, high, color=plots.HUES[number], alpha=0.15, linewidth=0)
    axis.set(xlabel="% of the budget", ylabel="way from the median to the optimum", ylim=(0.4, 1))
    axis.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    plots.save(figure, path)


def caps() -> str:
    """How much of the slow strategies is run."""
    capped = [f"{method} {seeds} seeds" for method, seeds in METHODS.items() if seeds < SEEDS]
    return f"Capped: {'; '.join(capped)}."


def page(records: Records) -> Page:
    return Page("kernel_tuner", {"kernel_tuner": "python -m benchmarks.kernel_tuner"}, claims(records),
                tables(records), partial(draw, records), caps())


def pages(results: Path) -> list[Page]:
    return [page(store.records(results / "kernel_tuner"))]


def main() -> None:
    options = store.comparison("kernel_tuner", __doc__, list(METHODS), seeds=SEEDS,
                               quick="3 methods, 2 tables, 2 seeds, 30 configurations").parse_args()
    name = "kernel_tuner" + "_quick" * options.quick
    wanted = (tasks(QUICK, 2, (TABLES[0], TABLES[-1]), 30) if options.quick else
              tasks(options.methods, options.seeds))
    records = store.compared(options, name, kernels.run, wanted, parts=parts, packages=("numpy", "kernel-tuner"))
    page(records).show(options.out, name)


if __name__ == "__main__":
    main()
