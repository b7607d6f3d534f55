"""`ASNGSampler` in Optuna, beside Optuna's multivariate TPE and `Minimizer` used directly.

Scores as in `tables noise-free`; and how long Optuna takes for a trial around the 1,000th of a study in memory, of 30
categories of 5 choices whose values cost nothing.

    python -m benchmarks.optuna_sampler              10 seeds, 200 trials; a quarter of an hour of one core
    python -m benchmarks.optuna_sampler --quick      a check of the whole path, seconds
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import store
from .analysis import markdown, plots, scores
from .analysis.scores import Records
from .page import Claim, Page
from .problems import runs
from .problems import tables as problems
from .rivals import ENTRIES, OURS, Setting

SAMPLER, TPE = "ASNGSampler", "Optuna TPE"
METHODS, SEEDS, BUDGETS = (OURS, SAMPLER, TPE), 10, (50, 100, 200)
TRIALS, STRETCH, REPEATS = 1000, 50, 3  # of what is timed: trials, the last of them that count, runs
SHARE = 0.2  # of TPE's time for a trial


def run(method: str, table: str, seed: int, budget: int) -> dict[str, Any]:
    """A search of a table; or of "time", the "milliseconds" of one of the last trials."""
    if table != "time":
        return runs.noise_free(method, table, seed, budget)
    from asng_core import Space

    space, rng = Space.categorical([5] * 30), np.random.default_rng(seed)
    optimizer, target = ENTRIES[method].load()(Setting(space, budget), seed), rng.integers(space.sizes)
    for n in range(budget):
        if n == budget - STRETCH:
            start = time.perf_counter()
        codes = optimizer.ask()
        optimizer.tell(codes, float((codes != target).sum()))
    return {"milliseconds": round(1000 * (time.perf_counter() - start) / STRETCH, 3)}


def tasks(seeds: int, budget: int, trials: int, tables: tuple[str, ...] = problems.PLAIN) -> list[dict[str, Any]]:
    searched = [{"method": method, "table": table, "seed": seed, "budget": budget}
                for method in METHODS for seed in range(seeds) for table in tables]
    return searched + [{"method": method, "table": "time", "seed": seed, "budget": trials}
                       for seed in range(min(seeds, REPEATS)) for method in METHODS[1:]]  # by turns


def _split(records: Records) -> tuple[Records, dict[str, float]]:
    """The searches; method -> the least milliseconds of a trial."""
    timed = [record for record in records if record["task"]["table"] == "time"]
    return ([record for record in records if record["task"]["table"] != "time"],
            {method: min(record["result"]["milliseconds"] for record in timed if record["task"]["method"] == method)
             for method in METHODS[1:]})


def budgets(records: Records) -> tuple[int, ...]:
    longest = max(len(record["result"]["score"]) for record in records)
    return tuple(budget for budget in BUDGETS if runs.GRID.index(budget) < longest)


def shown(records: Records) -> dict[str, str]:
    """The tables, caption -> Markdown."""
    searches, times = _split(records)
    left_out = tuple(table for table in problems.PLAIN if table in problems.LEFT_OUT)
    columns = {f"{budget} trials": scores.grouped(searches, scores.score_at(budget)) for budget in budgets(searches)}
    found = {"Score": scores.score_table(searches, budgets(searches), problems.PLAIN)}
    if any(record["task"]["table"] in left_out for record in searches):
        found[f"On the tables left out while tuning, {' and '.join(left_out)}"] = scores.score_table(
            searches, budgets(searches), left_out)
    found["Paired differences"] = scores.comparison(columns, SAMPLER)
    found[f"Milliseconds for a trial around the {TRIALS:,}th"] = markdown.table(
        ["sampler", "milliseconds"], [[method, f"{each:.2f}"] for method, each in times.items()])
    return found


def claims(records: Records) -> list[Claim]:
    searches, times = _split(records)
    by_budget = {budget: scores.differences(scores.grouped(searches, scores.score_at(budget)), SAMPLER)
                 for budget in budgets(searches)}
    heads = " / ".join(map(str, by_budget))

    def figure(rival: str) -> str:
        return "; ".join(scores.interval(*each[rival]) for each in by_budget.values())

    return [
        Claim(f"{heads} trials: in Optuna `{SAMPLER}` is ahead of multivariate TPE by more than chance",
              all(each[TPE][2] < 0 for each in by_budget.values()), figure(TPE), (OURS,)),
        Claim(f"{heads} trials: `{SAMPLER}` is as good as `{OURS}` used directly, up to chance",
              all(each[OURS][1] <= 0 <= each[OURS][2] for each in by_budget.values()), figure(OURS), (OURS,)),
        Claim(f"around the {TRIALS:,}th trial a trial takes at most a fifth of TPE's time",
              times[SAMPLER] <= SHARE * times[TPE], f"{times[SAMPLER]:.2f} ms against {times[TPE]:.2f} ms", (OURS,))]


def draw(records: Records, path: Path) -> None:
    """Mean scores with their 95% band against trials."""
    searches, _ = _split(records)
    found = scores.grouped(searches, lambda result: result["score"])
    grid = runs.GRID[: max(len(record["result"]["score"]) for record in searches)]
    bands = {method: scores.mean_band({table: np.array(each) for table, each in found[method].items()})
             for method in found}
    plots.curves({method: mean for method, (mean, *_) in bands.items()}, grid,
                 ("trials", "log10(fraction better + 1e-5)"), (10, 30, 100), path,
                 bands={method: band for method, (_, *band) in bands.items()})


def pages(results: Path) -> list[Page]:
    records = store.records(results / "optuna_sampler")
    return [Page("optuna_sampler", {"optuna_sampler": "python -m benchmarks.optuna_sampler"}, claims(records),
                 shown(records), partial(draw, records))]


def main() -> None:
    parser = store.parser("optuna_sampler", __doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"runs per table (default {SEEDS})")
    parser.add_argument("--quick", action="store_true", help="two tables, 2 seeds, 50 trials")
    options = parser.parse_args()
    name = f"optuna_sampler{'_quick' if options.quick else ''}"
    wanted = tasks(2, 50, 2 * STRETCH, problems.PLAIN[:2]) if options.quick else tasks(
        options.seeds, max(BUDGETS), TRIALS)
    records = store.measure(options.out / name, run, wanted, packages=("numpy", "optuna"), **store.how(options))
    draw(records, options.out / f"{name}.png")
    print("\n\n".join(shown(records).values()))


if __name__ == "__main__":
    main()
