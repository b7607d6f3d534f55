"""Real tables: every method on every table, in five modes.

  noise-free      ten tables, distinct evaluations: log10(fraction of configurations strictly better + 1e-5)
  constrained     GPU kernels, where an invalid configuration cannot be evaluated
  noisy           six tables, an evaluation is one random training seed; the recommended point is scored
  asynchronous    1 to 128 workers with exponential durations, the noisy tables and OneMax
  two-objectives  two tables, hypervolume over that of the whole table; the only score where more is better

    python -m benchmarks.tables noise-free                       every method, 20 seeds; hours
    python -m benchmarks.tables noisy --methods "(1+1) EA"       one method
    python -m benchmarks.tables noise-free --ablate              what each mechanism of ours is worth
    python -m benchmarks.tables noise-free --stored              what the stored runs say
    python -m benchmarks.tables all --quick                      a check of the whole path, seconds
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import problems, runs, scores, store
from .rivals import ABLATED, ENTRIES, METHODS, OURS

SEEDS, BUDGET = 20, 1000
QUICK = ("ASNG", "ASNG, plain", "random search", "(1+1) EA", "regularized evolution")


@dataclass(frozen=True)
class Mode:
    """Which runs, and the budgets that the tables show."""

    run: Callable[..., dict[str, Any]]
    tables: tuple[str, ...]
    budgets: tuple[int, ...] = (50, 100, 200, 500, 1000)
    label: str = "log10(fraction better + 1e-5)"
    workers: tuple[int, ...] = ()


MODES = {
    "noise-free": Mode(runs.noise_free, problems.PLAIN),
    "constrained": Mode(runs.noise_free, problems.CONSTRAINED),
    "noisy": Mode(runs.noisy, problems.NOISY, (100, 200, 500, 1000)),
    "asynchronous": Mode(runs.asynchronous, (runs.ONEMAX, *problems.NOISY), workers=(1, 8, 32, 128)),
    "two-objectives": Mode(runs.two_objectives, problems.TWO_OBJECTIVES, (200, 1000), "hypervolume / whole table's"),
}


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


def report(name: str, records: scores.Records) -> str:
    """The tables of a mode."""
    mode = MODES[name]
    if mode.workers:
        return _asynchronous(records, mode.workers)
    longest = max(len(record["result"].get("score", ())) for record in records)
    budgets = tuple(budget for budget in mode.budgets if runs.GRID.index(budget) < longest)
    parts = [scores.score_table(records, budgets, mode.tables, 4 if name == "two-objectives" else 2)]
    left_out = tuple(table for table in mode.tables if table in problems.LEFT_OUT)
    if left_out:
        parts += ["left out while tuning: " + ", ".join(left_out), scores.score_table(records, budgets, left_out)]
    columns = {str(budget): scores.grouped(records, scores.score_at(budget)) for budget in budgets}
    if mode.run is runs.noise_free:
        columns["log2 evaluations to the optimum"] = scores.grouped(records, scores.log2_to_optimum)
    return "\n\n".join([*parts, *_comparison(columns)])


def _comparison(columns: dict[str, dict[str, dict[str, list[float]]]]) -> list[str]:
    return [scores.comparison(columns, OURS)] if OURS in next(iter(columns.values())) else []


def _asynchronous(records: scores.Records, workers: tuple[int, ...]) -> str:
    """Per number of workers: evaluations to OneMax's optimum, and the score at the end on the noisy tables."""
    onemax = [record for record in records if record["task"]["table"] == runs.ONEMAX]
    noisy = [record for record in records if record["task"]["table"] != runs.ONEMAX]
    reached = {n: scores.grouped(onemax, lambda result: result["optimum"] or np.inf, workers=n) for n in workers}
    ends = {n: scores.grouped(noisy, lambda result: result["score"][-1], workers=n) for n in workers}
    lines = ["| method | " + " | ".join(f"{what}, {n}" for what in ("OneMax", "score") for n in workers) + " |",
             "|---" * (2 * len(workers) + 1) + "|"]
    for method in ends[workers[0]]:
        medians = [np.quantile(reached[n][method][runs.ONEMAX], 0.5, method="lower") for n in workers]
        means = [np.mean([np.mean(found) for found in ends[n][method].values()]) for n in workers]
        lines.append(f"| {method} | " + " | ".join(
            [f"{median:.0f}" if np.isfinite(median) else "not reached" for median in medians]
            + [f"{mean:.2f}" for mean in means]) + " |")
    differences = _comparison({f"score, {n}": found for n, found in ends.items()})
    return "\n\n".join(["\n".join(lines), *differences])


def panels(name: str, records: scores.Records) -> dict[str, scores.Records]:
    """What the figure shows side by side."""
    if not MODES[name].workers:
        return {name: records}
    return {f"{n} workers": [record for record in records
                             if record["task"]["workers"] == n and "score" in record["result"]]
            for n in MODES[name].workers}


def caps(name: str, methods: Sequence[str]) -> str:
    """How much of the slow methods is run."""
    capped = []
    for method in methods:
        entry = ENTRIES[method]
        limits = [f"{limit} {what}" for limit, full, what in ((entry.budget_in(name), BUDGET, "evaluations"),
                                                              (entry.seeds, SEEDS, "seeds")) if limit < full]
        capped += [f"{method} {' and '.join(limits)}"] if limits else []
    return f"Capped: {'; '.join(capped)}." if capped else "No method is capped."


def main() -> None:
    parser = store.parser("tables", __doc__)
    parser.add_argument("mode", choices=[*MODES, "all"])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS), metavar="METHOD",
                        help="of " + ", ".join(METHODS))
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"runs per table (default {SEEDS})")
    parser.add_argument("--ablate", action="store_true", help="ours, and ours with one mechanism taken out")
    parser.add_argument("--stored", action="store_true", help="measure nothing, show what is stored")
    parser.add_argument("--quick", action="store_true", help="cheap methods, 2 seeds, 200 evaluations")
    options = parser.parse_args()
    methods, seeds, budget = (QUICK, 2, 200) if options.quick else (options.methods, options.seeds, BUDGET)
    suffix = "_quick" if options.quick else ""
    if options.ablate:
        methods, suffix = (OURS, *ABLATED), "_ablation" + suffix
    for name in MODES if options.mode == "all" else (options.mode,):
        path = options.out / f"tables_{name}{suffix}.json"
        wanted = tasks(name, methods, seeds, budget)
        libraries = dict.fromkeys(library for method in methods if (library := ENTRIES[method].library))
        records = store.stored(path, wanted) if options.stored else store.measure(
            path, MODES[name].run, wanted, packages=("numpy", *libraries), jobs=options.jobs, restart=options.restart)
        scores.draw(panels(name, records), MODES[name].label, path.with_suffix(".png"))
        print(f"## {name}\n\n{report(name, records)}\n\n{caps(name, methods)}\n")


if __name__ == "__main__":
    main()
