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

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import problems, runs, scores, store
from .claims import Claim
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
# what `Minimizer` was to reach: mode -> evaluations -> score
BARS = {"noise-free": {50: -3.60, 100: -4.30, 1000: -4.99}, "constrained": {50: -3.60, 100: -4.30}}


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
    mode, compared = MODES[name], columns(name, records)
    if mode.workers:
        parts = [_asynchronous(records, mode.workers)]
    else:
        parts = [scores.score_table(records, _budgets(name, records), mode.tables, mode.decimals)]
        left_out = tuple(table for table in mode.tables if table in problems.LEFT_OUT)
        if left_out:
            parts += ["left out while tuning: " + ", ".join(left_out),
                      scores.score_table(records, _budgets(name, records), left_out)]
        if mode.run is runs.noise_free:
            compared["log2 evaluations to the optimum"] = scores.grouped(records, scores.log2_to_optimum)
    if OURS in next(iter(compared.values())):
        parts.append(scores.comparison(compared, OURS, mode.decimals))
    return "\n\n".join(parts)


def columns(name: str, records: scores.Records) -> dict[str, dict[str, dict[str, list[float]]]]:
    """What methods are compared by: a heading -> `grouped` scores."""
    if MODES[name].workers:
        return {f"{n} workers": scores.grouped(_scored(records), lambda result: result["score"][-1], workers=n)
                for n in MODES[name].workers}
    return {f"{budget} evaluations": scores.grouped(records, scores.score_at(budget))
            for budget in _budgets(name, records)}


def _budgets(name: str, records: scores.Records) -> tuple[int, ...]:
    """Those to be shown that the longest runs have."""
    longest = max(len(record["result"]["score"]) for record in records)
    return tuple(budget for budget in MODES[name].budgets if runs.GRID.index(budget) < longest)


def _scored(records: scores.Records) -> scores.Records:
    return [record for record in records if "score" in record["result"]]


def _asynchronous(records: scores.Records, workers: tuple[int, ...]) -> str:
    """Per number of workers: evaluations to OneMax's optimum, and the score at the end on the noisy tables."""
    reached, ends = onemax_medians(records, workers), columns("asynchronous", records)
    lines = ["| method | " + " | ".join(f"{what}, {n}" for what in ("OneMax", "score") for n in workers) + " |",
             "|---" * (2 * len(workers) + 1) + "|"]
    for method, medians in reached.items():
        means = [scores.mean_interval(found[method])[0] for found in ends.values()]
        lines.append(f"| {method} | " + " | ".join([scores.count(median) for median in medians]
                                                   + [f"{mean:.2f}" for mean in means]) + " |")
    return "\n".join(lines)


def onemax_medians(records: scores.Records, workers: tuple[int, ...]) -> dict[str, list[float]]:
    """method -> median evaluations to OneMax's optimum, per number of workers."""
    onemax = [record for record in records if record["task"]["table"] == runs.ONEMAX]
    found = [scores.grouped(onemax, lambda result: result["optimum"] or np.inf, workers=n) for n in workers]
    return {method: [scores.median(each[method][runs.ONEMAX]) for each in found] for method in found[0]}


def blocks(results: Path) -> dict[str, str]:
    """Tables and picture of each mode, and of the ablations."""
    return {f"tables {name}{' ablation' * ablated}": block(name, stored(results, name, ablated),
                                                          _path(results, name, ablated).with_suffix(".png"))
            for name, ablated in [*((name, False) for name in MODES), ("noise-free", True), ("noisy", True)]}


def block(name: str, records: scores.Records, picture: Path) -> str:
    scores.draw(panels(name, records), MODES[name].label, picture)
    methods = dict.fromkeys(record["task"]["method"] for record in records)
    return f"{report(name, records)}\n\n{caps(name, list(methods))}\n\n![scores](results/{picture.name})"


def _path(results: Path, name: str, ablated: bool) -> Path:
    return results / f"tables_{name}{'_ablation' * ablated}.json"


def stored(results: Path, name: str, ablated: bool = False) -> scores.Records:
    """All records of a mode, ours first."""
    found = store.records(_path(results, name, ablated))
    return sorted(found, key=lambda record: list(ENTRIES).index(record["task"]["method"]))


def claims(results: Path) -> list[Claim]:
    return [claim for name in MODES for claim in _claims(name, stored(results, name))]


def _claims(name: str, records: scores.Records) -> Iterator[Claim]:
    """That ours has the best mean, that this is no chance, and that it reaches what it was to reach."""
    mode, compared = MODES[name], columns(name, records)
    heads = " / ".join(column.split()[0] for column in compared) + " " + next(iter(compared)).split()[1]
    means = {column: {method: scores.mean_interval(runs)[0] for method, runs in found.items()}
             for column, found in compared.items()}
    ours = [found.pop(OURS) for found in means.values()]
    best = [mode.sign * np.nanmin([mode.sign * mean for mean in found.values()]) for found in means.values()]
    surely = {column: scores.closest(found, OURS, mode.sign) for column, found in compared.items()}

    def claim(text: str, met: bool, figure: str, headline: bool = False) -> Claim:
        return Claim(f"{name} tables{text}", bool(met), figure, f"tables_{name}.json",
                     f"python -m benchmarks.tables {name}", headline)

    def numbers(found: list[float]) -> str:
        return " / ".join(f"{value:.{mode.decimals}f}" for value in found)

    yield claim(f", {heads}: none of {len(next(iter(means.values())))} others has a better mean score than `Minimizer`",
                all(mode.sign * (a - b) <= 0 for a, b in zip(ours, best, strict=True)),
                f"{numbers(ours)}; the best other {numbers(best)}", headline=True)
    yield claim(": `Minimizer` is ahead of each of them by more than chance",
                all(max(mode.sign * low, mode.sign * high) < 0 for _, _, low, high in surely.values()),
                "least surely, " + "; ".join(f"{column.split()[0]}: of {method} "
                                             f"{scores.interval(difference, low, high, mode.decimals)}"
                                             for column, (method, difference, low, high) in surely.items()))
    bars = {budget: bar for budget, bar in BARS.get(name, {}).items() if f"{budget} evaluations" in compared}
    if bars:
        reached = [scores.mean_interval(compared[f"{budget} evaluations"][OURS]) for budget in bars]
        budgets = " / ".join(map(str, bars))
        yield claim(f", {budgets} evaluations: a score of at most {numbers(list(bars.values()))}",
                    all(round(mean, 2) <= bar for (mean, *_), bar in zip(reached, bars.values(), strict=True)),
                    "; ".join(scores.interval(*found, sign="") for found in reached))
    if mode.workers:
        medians = onemax_medians(records, mode.workers)
        own = medians.pop(OURS)
        fewest = np.min(list(medians.values()), axis=0).tolist()
        yield claim(f", {runs.ONEMAX}, {heads}: `Minimizer` needs the fewest evaluations to the optimum, medians",
                    all(a < b for a, b in zip(own, fewest, strict=True)),
                    f"{' / '.join(map(scores.count, own))}; the best other {' / '.join(map(scores.count, fewest))}",
                    headline=True)


def panels(name: str, records: scores.Records) -> dict[str, scores.Records]:
    """What the figure shows side by side; many methods in two halves, ours in both."""
    workers = MODES[name].workers
    if workers:
        return {f"workers: {n}": [record for record in _scored(records) if record["task"]["workers"] == n]
                for n in workers}
    methods = dict.fromkeys(record["task"]["method"] for record in records)
    if len(methods) <= 10:
        return {name: records}
    return {f"{name}, {title}": [record for record in records if record["task"]["method"] == OURS
                                 or bool(ENTRIES[record["task"]["method"]].library) is libraries]
            for title, libraries in (("basic methods", False), ("libraries", True))}


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
        print(f"## {name}\n\n{block(name, records, path.with_suffix('.png'))}\n")


if __name__ == "__main__":
    main()
