"""Long runs: combinatorial problems of 100 to 1,000 variables, 10,000 evaluations, each repeat paid for.

A run is scored by its best loss so far: what is left, in percent, of the way from the best of 100 random points to the
best that any method found on the instance. Simulated annealing is run for each budget anew, with a schedule made for
it; the others know no budget.

    python -m benchmarks.long_runs              5 seeds; two hours on one core
    python -m benchmarks.long_runs --stored     what the stored runs say
    python -m benchmarks.long_runs --quick      a check of the whole path, seconds
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import store
from .analysis import markdown, plots, scores
from .analysis.scores import Grouped, Records
from .page import Claim, Page
from .problems.combinatorial import LONG
from .rivals import ENTRIES, OURS, Method, Setting

GRID = (100, 200, 500, 1000, 2000, 5000, 10_000)  # evaluations
BUDGETS = (5000, 10_000)  # what claims are made of
SEEDS = 5
RIVALS = ("ASNG", "annealing", "local search", "(1+1) EA", "fast GA", "regularized evolution", "CatCMAwM",
          "random search", "nevergrad 1+1")
ABLATED = "Minimizer, no walk"
SCHEDULED = "annealing"  # whose runs are made for one budget each
# method -> problem -> seeds, of those that take minutes there; none of the others' problems
CAPPED = {"CatCMAwM": {"OneMax 1000": 1, "max-cut 500": 1},
          "nevergrad 1+1": dict.fromkeys(LONG, 1) | {"OneMax 1000": 0, "max-cut 500": 0}}
QUICK = (OURS, SCHEDULED, "random search")


def run(method: str, problem: str, seed: int, budget: int) -> dict[str, Any]:
    """The least "losses" so far at the evaluations of `GRID` up to the budget."""
    start, instance = time.perf_counter(), LONG[problem](seed)
    optimizer: Method = ENTRIES[method].load()(Setting(instance.space, budget), seed)
    losses = np.empty(budget)
    for i in range(budget):
        codes = optimizer.ask()
        losses[i] = instance.loss(codes)
        optimizer.tell(codes, float(losses[i]))
    least = np.minimum.accumulate(losses)
    return {"losses": [round(float(least[n - 1]), 6) for n in GRID if n <= budget],
            "seconds": round(time.perf_counter() - start, 1)}


def tasks(methods: Sequence[str], seeds: int, budgets: Sequence[int] = BUDGETS,
          problems: Sequence[str] = tuple(LONG)) -> list[dict[str, Any]]:
    """The runs; a seed is an instance and what a method draws."""
    return [{"method": method, "problem": problem, "seed": seed, "budget": budget}
            for method in methods for problem in problems
            for seed in range(min(seeds, CAPPED.get(method, {}).get(problem, seeds)))
            for budget in (budgets if method == SCHEDULED else (max(budgets),))]


def left(records: Records) -> dict[int, Grouped]:
    """Evaluations -> method -> problem -> by seed the percentage that is left."""
    least: dict[tuple[str, int], float] = {}
    random: dict[tuple[str, int], float] = {}
    for record in records:
        task, losses = record["task"], record["result"]["losses"]
        key = task["problem"], task["seed"]
        least[key] = min(least.get(key, np.inf), losses[-1])
        if task["method"] == "random search":
            random[key] = losses[0]
    found: dict[int, Grouped] = {}
    for record in sorted(records, key=lambda record: (scores.place(record["task"]["method"]), record["task"]["seed"])):
        task, losses = record["task"], record["result"]["losses"]
        key = task["problem"], task["seed"]
        for n, loss in zip(GRID, losses, strict=False):
            if task["method"] != SCHEDULED or n == task["budget"]:
                of = found.setdefault(n, {}).setdefault(task["method"], {}).setdefault(task["problem"], [])
                of.append(100 * (loss - least[key]) / max(random[key] - least[key], 1e-9))
    return found


def budgets(records: Records) -> list[int]:
    """What the runs were made for."""
    return sorted({record["task"]["budget"] for record in records})


def tables(records: Records) -> dict[str, str]:
    """Means over problems along the run, losses by problem, paired differences."""
    found, ends = left(records), budgets(records)
    means = [[method, *(f"{scores.mean_of(found[n][method]):.2f}" if method in found[n] else "" for n in found),
              _runs(of)] for method, of in found[ends[-1]].items()]
    made = {"Left of the way to the best that any found, in percent, mean over problems and seeds, after so many "
            "evaluations": markdown.table(["method", *(f"{n:,}" for n in found), "problems x runs"], means)}
    for n in ends:
        rows = [[problem, *_bold([float(np.mean(of.get(problem, np.nan))) for of in found[n].values()])]
                for problem in found[n][OURS]]
        made[f"The same by problem, after {n:,}"] = markdown.table(["problem", *found[n]], rows)
    losses: dict[str, dict[str, list[float]]] = {}
    for record in records:
        if record["task"]["budget"] == ends[-1]:
            losses.setdefault(record["task"]["problem"], {}).setdefault(record["task"]["method"], []).append(
                record["result"]["losses"][-1])
    methods = list(found[ends[-1]])
    made[f"Mean loss after {ends[-1]:,}"] = markdown.table(["problem", *methods], (
        [problem, *(f"{np.mean(of[method]):,.2f}" if method in of else "" for method in methods)]
        for problem, of in losses.items()))
    made["Paired differences of what is left"] = scores.comparison({f"{n:,}": found[n] for n in ends}, OURS)
    return made


def _bold(values: Sequence[float]) -> list[str]:
    least = np.nanmin(values)
    return ["" if np.isnan(value) else f"**{value:.2f}**" if value == least else f"{value:.2f}" for value in values]


def _runs(of: dict[str, list[float]]) -> str:
    numbers = sorted({len(runs) for runs in of.values()})
    return f"{len(of)} x {' to '.join(map(str, sorted({numbers[0], numbers[-1]})))}"


def claims(records: Records) -> list[Claim]:
    """That none is better in the mean, that ours is ahead by more than chance, and that none is so on a problem."""
    every, ends = left(records), budgets(records)
    better, figures, unsure, closest, beaten = False, [], False, [], []
    for n in ends:
        found = {method: of for method, of in every[n].items() if method != ABLATED}
        ours = found[OURS]
        means = {method: scores.mean_of(of) for method, of in found.items() if method != OURS and len(of) == len(ours)}
        best, mean = min(means, key=means.__getitem__), scores.mean_of(ours)
        better |= mean > means[best]
        figures.append(f"{mean:.2f}% ({best} {means[best]:.2f}%)")
        rival, difference, low, high = scores.closest(found, OURS, 1)
        unsure |= high >= 0
        closest.append(f"{scores.interval(difference, low, high)} against {rival}")
        beaten += [f"{problem} at {n:,} ({method})" for problem in ours for method, of in found.items()
                   if method != OURS and len(of.get(problem, ())) > 2
                   and scores.paired_bootstrap({problem: ours[problem]}, {problem: of[problem]})[1] > 0]
    several = f"{' / '.join(f'{n:,}' for n in ends)} evaluations"
    return [Claim(f"{several}: none has less left, in the mean, than `{OURS}`", not better,
                  f"{', '.join(figures)}, the best other in brackets", (OURS,)),
            Claim(f"{several}: `{OURS}` is ahead of each of them by more than chance", not unsure, "; ".join(closest),
                  (OURS,)),
            Claim(f"{several}: on no problem is another method ahead of `{OURS}` by more than chance", not beaten,
                  f"on {', '.join(beaten)}" if beaten else f"on none of {len(LONG)}", (OURS,))]


def draw(records: Records, path: Path) -> None:
    """What is left against evaluations, the mean over problems and seeds; annealing at the budgets of its schedules."""
    found = left(records)
    whole = found[budgets(records)[-1]]
    most = max(map(len, whole.values()))
    methods = [method for method, of in whole.items() if len(of) == most]
    plots.curves({method: [scores.mean_of(each[method]) if method in each else np.nan for each in found.values()]
                  for method in methods}, list(found), ("evaluations", "% left of the way to the best found"), found,
                 path, yscale="log")


def caps() -> str:
    """How much of the slow methods is run."""
    capped = [f"{method} {seeds or 'no'} seed{'s' * (seeds != 1)} on {problem}"
              for method, of in CAPPED.items() for problem, seeds in of.items()]
    return f"Capped: {'; '.join(capped)}."


def page(records: Records) -> Page:
    return Page("long_runs", {"long_runs": "python -m benchmarks.long_runs"}, claims(records), tables(records),
                partial(draw, records), caps())


def pages(results: Path) -> list[Page]:
    return [page(store.records(results / "long_runs"))]


def main() -> None:
    options = store.comparison("long_runs", __doc__, (OURS, *RIVALS, ABLATED), seeds=SEEDS,
                               quick="3 methods, 2 problems, 2 seeds, 200 evaluations").parse_args()
    name = "long_runs" + "_quick" * options.quick
    wanted = (tasks(QUICK, 2, (100, 200), ("max-cut 100", "integers 100 x 20")) if options.quick else
              tasks(list(dict.fromkeys((OURS, *options.methods))), options.seeds))  # ours is what is compared with
    page(store.compared(options, name, run, wanted)).show(options.out, name)


if __name__ == "__main__":
    main()
