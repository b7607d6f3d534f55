"""Cheap trainings first: real learning curves, searched at four fidelities under a total cost.

Score: log10 of the recommended point's rank by its full training, over the number of configurations, at so many full
trainings' cost. A training that goes on pays the difference, a loss that is known nothing, for every method.

    python -m benchmarks.fidelities                       every method; hours of one core
    python -m benchmarks.fidelities --methods DEHB BOHB   some
    python -m benchmarks.fidelities --stored              what the stored runs say
    python -m benchmarks.fidelities --quick               a check of the whole path, seconds
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from asng_core.arrays import Floats

from . import store
from .analysis import markdown, plots, scores
from .analysis.scores import Grouped, Records
from .page import Claim, Page
from .problems import curves as problems
from .problems.fidelities import GRID, run
from .rivals import ENTRIES, FIDELITIES

NAME, OURS, ALONE = "fidelities", "Minimizer, fidelities", "Minimizer"
METHODS = (*FIDELITIES, ALONE, "random search")
SEEDS = 10  # runs per table
LONGER, MISLED_SEEDS = range(5, 10), range(5)  # of longer runs on large tables, of those on misled ones
SHORT, LONG, MISLED = 20, 100, 130  # full trainings, of all tables, of those of 1,000 points, of misled ones
BUDGETS, LATE, SURE, EQUAL = (2, 5, 10, 20), (50, 100), (10, 20), (20, 50, 100)
EXCESS = 1.05  # the most that misleading fidelities may cost
TABLES = problems.MADE
LARGE = tuple(name for name in TABLES if problems.SPACES[name].size >= 1000)


def tasks(methods: Sequence[str], seeds: int = SEEDS) -> list[dict[str, Any]]:
    """A seed of all after the other, then the longer runs; misled tables for ours and `Minimizer` alone."""
    short = [_task(method, table, seed, SHORT) for seed in range(seeds) for method in methods
             if seed < ENTRIES[method].seeds for table in TABLES]
    longer = [_task(method, table, seed, LONG) for seed in LONGER for method in methods
              if ENTRIES[method].budget > SHORT for table in LARGE]
    misled = [_task(method, table + problems.MISLED, seed, MISLED) for seed in MISLED_SEEDS
              for method in methods if method in (OURS, ALONE) for table in LARGE]
    return short + longer + misled


def _task(method: str, table: str, seed: int, budget: int) -> dict[str, Any]:
    return {"method": method, "table": table, "seed": seed, "budget": min(budget, ENTRIES[method].budget)}


def at(records: Records, budget: float, tables: Sequence[str]) -> Grouped:
    """The scores at that budget: of the longer runs beyond `SHORT`, else of the others."""
    position = GRID.index(budget)
    found = scores.grouped([record for record in records if record["task"]["table"] in tables
                            and (record["task"]["budget"] > SHORT) == (budget > SHORT)
                            and len(record["result"]["score"]) > position],
                           lambda result: result["score"][position])
    return {method: found[method] for method in METHODS if method in found}


def columns(records: Records) -> dict[int, Grouped]:
    """Budget -> scores, later ones on the large tables alone; without a run of ours none."""
    found = {budget: at(records, budget, TABLES if budget <= SHORT else LARGE) for budget in (*BUDGETS, *LATE)}
    return {budget: each for budget, each in found.items() if OURS in each}


def score_table(records: Records, tables: Sequence[str]) -> str:
    """Mean scores per method and budget."""
    by_budget = {budget: at(records, budget, [name for name in tables if budget <= SHORT or name in LARGE])
                 for budget in (*BUDGETS, *LATE)}
    by_budget = {budget: each for budget, each in by_budget.items() if each}
    first = next(iter(by_budget.values()))
    rows = [[method, *(f"{scores.mean_of(each[method]):.2f}" if method in each else "" for each in by_budget.values()),
             f"{len(runs)} x {min(map(len, runs.values()))}"] for method, runs in first.items()]
    return markdown.table(["method", *map(str, by_budget), "runs"], rows)


def by_table(records: Records, budget: int) -> str:
    """Mean scores per table and method."""
    found = at(records, budget, TABLES)
    rows = [[table, *(f"{np.mean(runs[table]):.2f}" if table in runs else "" for runs in found.values())]
            for table in TABLES if any(table in runs for runs in found.values())]
    return markdown.table(["table", *found], rows)


def excess(records: Records) -> dict[int, tuple[float, float, float]]:
    """Budget -> the cost at which ours is as good on misled tables as `Minimizer` alone there, over the budget, and
    its 95% interval: tables are redrawn, and within each its seeds."""
    misled = [record for record in records if record["task"]["table"].endswith(problems.MISLED)]
    found = scores.grouped(misled, lambda result: result["score"])
    if not {OURS, ALONE} <= found.keys():
        return {}
    tables = [table for table in found[ALONE] if table in found[OURS]]
    n = min(len(found[method][table]) for method in (OURS, ALONE) for table in tables)
    ours, alone = (np.array([found[method][table][:n] for table in tables]) for method in (OURS, ALONE))
    rng, drawn = np.random.default_rng(0), []
    for _ in range(scores.DRAWS):
        rows = rng.integers(len(tables), size=(len(tables), 1))
        seeds = rng.integers(n, size=(len(tables), n))
        drawn.append((ours[rows, seeds], alone[rows, seeds]))
    found_at = {}
    for budget in (budget for budget in EQUAL if GRID.index(budget) < ours.shape[-1]):
        low, high = np.quantile([_cost_of(some, others, budget) for some, others in drawn], [0.025, 0.975])
        found_at[budget] = (_cost_of(ours, alone, budget) / budget, float(low) / budget, float(high) / budget)
    return found_at


def _cost_of(ours: Floats, alone: Floats, budget: int) -> float:
    """Of the mean curve of ours until the other's score at the budget, linear between checkpoints; the last one if it
    is not reached. Curves are `(n_tables, n_seeds, n)`."""
    goal = alone[..., GRID.index(budget)].mean()
    mean = np.minimum.accumulate(ours.mean(axis=(0, 1)))
    grid = np.array(GRID[:len(mean)])
    if mean[-1] > goal:
        return float(grid[-1])
    n = int(np.argmax(mean <= goal))
    return float(np.interp(-goal, -mean[n - 1:n + 1], grid[n - 1:n + 1])) if n else float(grid[0])


def shown(records: Records) -> dict[str, str]:
    """The tables, caption -> Markdown."""
    found = {"Score": score_table(records, TABLES)}
    measured = {record["task"]["table"] for record in records}
    left_out = [table for table in problems.LEFT_OUT if table in measured]
    if left_out:
        found[f"On the tables left out while tuning, {', '.join(left_out)}"] = score_table(records, left_out)
    each = columns(records)
    found["Paired differences"] = scores.comparison({f"{budget}": runs for budget, runs in each.items()}, OURS)
    for budget in SURE:
        if budget in each:
            found[f"Score at {budget}, by table"] = by_table(records, budget)
    if ratios := excess(records):
        found["Where lower fidelities mislead: cost to reach the score of `Minimizer` without them, over its own"] = (
            markdown.table(["full trainings", "ratio"], [[str(budget), scores.interval(*ratio, sign="")]
                                                         for budget, ratio in ratios.items()]))
    return found


def claims(records: Records) -> list[Claim]:
    each = {budget: scores.differences(found, OURS) for budget, found in columns(records).items()}
    found = []
    for budgets, where in ((BUDGETS, "all tables"), (LATE, "the tables of 1,000 points")):
        # that of one rival alone, ours without fidelities, says nothing of the others
        here = {budget: each[budget] for budget in budgets if len(each.get(budget, ())) > 1}
        if here:
            worse = {budget: max(rivals, key=lambda name: rivals[name][0]) for budget, rivals in here.items()}
            found.append(Claim(
                f"{' / '.join(map(str, here))} full trainings, {where}: no rival has a better mean score",
                all(here[budget][name][0] <= 0 for budget, name in worse.items()),
                "; ".join(f"{name} {scores.interval(*here[budget][name])}" for budget, name in worse.items())))
    sure = {budget: [name for name, (_, _, high) in each[budget].items() if high >= 0] for budget in SURE
            if each.get(budget)}
    if sure:
        found.append(Claim(
            f"{' / '.join(map(str, sure))} full trainings: ahead of all rivals but at most one by more than chance",
            all(len(names) <= 1 for names in sure.values()),
            "; ".join(f"at {budget} not of {', '.join(names)}" if names else f"at {budget} of all"
                      for budget, names in sure.items())))
    if ratios := excess(records):
        found.append(Claim(
            f"where lower fidelities mislead, the score of `Minimizer` without them at {' / '.join(map(str, ratios))} "
            "full trainings costs at most 5% more",
            all(ratio <= EXCESS for ratio, _, _ in ratios.values()),
            "; ".join(scores.interval(*ratio, sign="") for ratio in ratios.values())))
    return found


def draw(records: Records, path: Path) -> None:
    """Mean scores with their 95% band against the cost, on all tables."""
    short = [record for record in records if record["task"]["budget"] <= SHORT]
    found = scores.grouped(short, lambda result: result["score"])
    bands = {method: scores.mean_band({table: np.array(each) for table, each in found[method].items()})
             for method in METHODS if method in found}
    plots.curves({method: mean for method, (mean, *_) in bands.items()}, GRID,
                 ("cost, in full trainings", "log10(rank / configurations)"), (1, 2, 5, 10, 20), path,
                 bands={method: band for method, (_, *band) in bands.items()}, ours=OURS)


def pages(results: Path) -> list[Page]:
    records = store.records(results / NAME)
    return [Page(NAME, {NAME: f"python -m benchmarks.{NAME}"}, claims(records), shown(records), partial(draw, records))]


def main() -> None:
    parser = store.parser(NAME, __doc__)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS, metavar="METHOD",
                        help="of " + ", ".join(METHODS) + "; NePS needs NEPS_PYTHON (rivals/neps.py)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"runs per table (default {SEEDS})")
    parser.add_argument("--stored", action="store_true", help="measure nothing, show what is stored")
    parser.add_argument("--quick", action="store_true", help="the three that need no library: two tables, 2 seeds")
    options = parser.parse_args()
    name = f"{NAME}{'_quick' if options.quick else ''}"
    if options.quick:
        wanted = [_task(method, table, seed, 5) for method in (OURS, ALONE, "random search") for seed in range(2)
                  for table in (TABLES[0], TABLES[-1])]
    else:
        wanted = tasks(options.methods, options.seeds)
    records = store.compared(options, name, run, wanted)
    draw(records, options.out / f"{name}.png")
    print("\n\n".join(f"{caption}:\n\n{table}" for caption, table in shown(records).items()))


if __name__ == "__main__":
    main()
