"""Real tables: every method on every table, in five modes.

  noise-free      ten tables, distinct evaluations: log10(fraction of configurations strictly better + 1e-5)
  constrained     GPU kernels, where an invalid configuration cannot be evaluated
  noisy           six tables, an evaluation is one random training seed; the recommended point is scored
  asynchronous    1 to 128 workers with exponential durations, the noisy tables and OneMax
  two-objectives  two tables, hypervolume over that of the whole table; the only score where more is better

    python -m benchmarks.tables noise-free                       every method, 20 seeds; hours
    python -m benchmarks.tables noisy --methods "(1+1) EA"       one method
    python -m benchmarks.tables noise-free --ablate              with one mechanism of `Minimizer` left out
    python -m benchmarks.tables noise-free --stored              what the stored runs say
    python -m benchmarks.tables all --quick                      a check of the whole path, seconds
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from . import store
from .analysis import markdown, plots, scores
from .analysis.scores import Grouped, Records
from .page import Claim, Page
from .problems import runs
from .problems import tables as problems
from .problems.modes import BARS, BUDGET, MODES, SEEDS, Mode, tasks
from .rivals import ABLATED, ENTRIES, METHODS, OURS

QUICK = ("Minimizer", "ASNG", "random search", "(1+1) EA", "regularized evolution")
ABLATED_SEEDS, ABLATED_BUDGET = 10, 500
EARLY = 50  # evaluations, before which the claims are apart
DRAWN = 8  # curves, as many as can be told apart
HEADLINES = {"noise-free": ("ten measured tables of architectures and configurations (score: log10 of the fraction "
                            "that is better; -5 is the optimum)", (100, 200)),
             "noisy": ("six such tables under noise", (100, 200, 500))}


def columns(name: str, records: Records) -> dict[str, Grouped]:
    """What methods are compared by: a heading -> `grouped` scores."""
    if MODES[name].workers:
        scored = [record for record in records if "score" in record["result"]]
        return {f"{n} workers": scores.grouped(scored, lambda result: result["score"][-1], workers=n)
                for n in MODES[name].workers}
    return {f"{budget} evaluations": scores.grouped(records, scores.score_at(budget))
            for budget in _budgets(name, records)}


def _budgets(name: str, records: Records) -> tuple[int, ...]:
    """Those to be shown that the longest runs have."""
    longest = max(len(record["result"]["score"]) for record in records)
    return tuple(budget for budget in MODES[name].budgets if runs.GRID.index(budget) < longest)


def shown(name: str, records: Records) -> dict[str, str]:
    """The tables of a mode, caption -> Markdown."""
    mode, compared = MODES[name], columns(name, records)
    if mode.workers:
        found = {"Evaluations to the optimum of OneMax, and score of the recommended point, by workers":
                 _asynchronous(records, mode.workers)}
    else:
        found = {"Score": scores.score_table(records, _budgets(name, records), mode.tables, mode.decimals)}
        left_out = tuple(table for table in mode.tables if table in problems.LEFT_OUT)
        if left_out:
            found[f"On the tables left out while tuning, {' and '.join(left_out)}"] = scores.score_table(
                records, _budgets(name, records), left_out)
        if mode.run is runs.noise_free:
            compared["log2 evaluations to the optimum"] = scores.grouped(records, scores.log2_to_optimum)
    if OURS in next(iter(compared.values())):
        found["Paired differences"] = scores.comparison(compared, OURS, mode.decimals)
    return found


def _asynchronous(records: Records, workers: tuple[int, ...]) -> str:
    """Per number of workers: evaluations to OneMax's optimum, and the score at the end on the noisy tables."""
    reached, ends = onemax_medians(records, workers), columns("asynchronous", records)
    return markdown.table(
        ["method", *(f"{what}, {n}" for what in ("OneMax", "score") for n in workers)],
        ([method, *map(scores.count, medians),
          *(f"{scores.mean_of(found[method]):.2f}" for found in ends.values())]
         for method, medians in reached.items()))


def onemax_medians(records: Records, workers: tuple[int, ...]) -> dict[str, list[float]]:
    """method -> median evaluations to OneMax's optimum, per number of workers."""
    onemax = [record for record in records if record["task"]["table"] == runs.ONEMAX]
    found = [scores.grouped(onemax, lambda result: result["optimum"] or np.inf, workers=n) for n in workers]
    return {method: [scores.median(each[method][runs.ONEMAX]) for each in found] for method in found[0]}


def claims(name: str, records: Records) -> Iterator[Claim]:
    """That ours has the best mean, that this is no chance, and that it reaches what it was to reach."""
    mode, compared = MODES[name], columns(name, records)
    budgets, unit = [column.split()[0] for column in compared], next(iter(compared)).split()[1]
    heads = f"{' / '.join(budgets)} {unit}"
    ours, best = _means(name, compared)
    surely = {column: scores.closest(found, OURS, mode.sign) for column, found in compared.items()}
    unsure = {column.split()[0]: found for column, found in surely.items()
              if max(mode.sign * bound for bound in found[2:]) >= 0}
    ahead = [head for head in budgets if head not in unsure]

    def claim(text: str, met: bool, figure: str) -> Claim:
        return Claim(text, bool(met), figure, ("Minimizer",))

    early = 0 if mode.workers else sum(int(budget) < EARLY for budget in budgets)
    for part in (slice(early), slice(early, None)):
        if budgets[part]:
            yield claim(f"{' / '.join(budgets[part])} {unit}: none of {len(next(iter(compared.values()))) - 1} others "
                        f"has a better mean score than `{OURS}`",
                        all(mode.sign * (a - b) <= 0 for a, b in zip(ours[part], best[part], strict=True)),
                        f"{_numbers(mode, ours[part])}; the best other {_numbers(mode, best[part])}")
    yield claim(f"`{OURS}` is ahead of each of them by more than chance", not unsure,
                "; ".join([*([f"at {', '.join(ahead)} {unit}"] if ahead else []),
                           *(f"not at {head}, of {method} {scores.interval(mean, low, high, mode.decimals)}"
                             for head, (method, mean, low, high) in unsure.items())]))
    bars = {budget: bar for budget, bar in BARS.get(name, {}).items() if f"{budget} evaluations" in compared}
    if bars:
        reached = [scores.mean_interval(compared[f"{budget} evaluations"][OURS]) for budget in bars]
        yield claim(f"{' / '.join(map(str, bars))} evaluations: a score of at most "
                    f"{_numbers(mode, list(bars.values()))}",
                    all(round(mean, 2) <= bar for (mean, *_), bar in zip(reached, bars.values(), strict=True)),
                    "; ".join(scores.interval(*found, sign="") for found in reached))
    if mode.workers:
        medians = onemax_medians(records, mode.workers)
        own = medians.pop(OURS)
        fewest = np.min(list(medians.values()), axis=0).tolist()
        yield claim(f"{runs.ONEMAX}, {heads}: `{OURS}` needs the fewest evaluations to the optimum, medians",
                    all(a < b for a, b in zip(own, fewest, strict=True)),
                    f"{' / '.join(map(scores.count, own))}; the best other {' / '.join(map(scores.count, fewest))}")


def _means(name: str, compared: dict[str, Grouped]) -> tuple[list[float], list[float]]:
    """The mean score of ours and of the best other, a column each."""
    sign = MODES[name].sign
    means = [{method: scores.mean_of(each) for method, each in found.items()} for found in compared.values()]
    ours = [found.pop(OURS) for found in means]
    return ours, [float(sign * np.nanmin([sign * mean for mean in found.values()])) for found in means]


def _numbers(mode: Mode, found: Sequence[float]) -> str:
    return " / ".join(f"{value:.{mode.decimals}f}" for value in found)


def headline(name: str, records: Records) -> str:
    """The sentence for the project's README, of the modes that are shown there."""
    if name not in HEADLINES:
        return ""
    what, budgets = HEADLINES[name]
    compared = columns(name, records)
    compared = {column: compared[column] for budget in budgets if (column := f"{budget} evaluations") in compared}
    ours, best = _means(name, compared)
    others = len(next(iter(compared.values()))) - 1
    return (f"On {what}, `{OURS}` scores {_numbers(MODES[name], ours)} after "
            f"{' / '.join(column.split()[0] for column in compared)} evaluations, the best of {others} others "
            f"{_numbers(MODES[name], best)}")


def draw(name: str, records: Records, path: Path) -> None:
    """Mean score with its 95% band against evaluations, or against workers where there are several."""
    mode, compared = MODES[name], columns(name, records)
    drawn = scores.leading(compared, DRAWN, mode.sign, (OURS, "ASNG"))
    if mode.workers:
        ends = {method: np.array([scores.mean_interval(found[method]) for found in compared.values()]).T
                for method in drawn}
        plots.curves({method: mean for method, (mean, *_) in ends.items()}, mode.workers,
                     ("workers", f"score after {BUDGET:,} evaluations"), mode.workers, path,
                     bands={method: band for method, (_, *band) in ends.items()})
        return
    found = scores.grouped(records, lambda result: result["score"])
    bands = {method: scores.mean_band({table: np.array(each) for table, each in found[method].items()})
             for method in drawn}
    plots.curves({method: mean for method, (mean, *_) in bands.items()}, runs.GRID, ("evaluations", mode.label),
                 (10, 30, 100, 300, 1000), path, bands={method: band for method, (_, *band) in bands.items()})


def caps(name: str, methods: Sequence[str]) -> str:
    """How much of the slow methods is run."""
    capped = []
    for entry, method in ((ENTRIES[method], method) for method in methods if method in ENTRIES):
        limits = [f"{limit} {what}" for limit, full, what in ((entry.budget_in(name), BUDGET, "evaluations"),
                                                              (entry.seeds, SEEDS, "seeds")) if limit < full]
        capped += [f"{method} {' and '.join(limits)}"] if limits else []
    return f"Capped: {'; '.join(capped)}." if capped else "No method is capped."


def page(name: str, results: Path) -> Page:
    """That of a mode."""
    file = f"tables_{name}"
    return _page(name, file, store.records(results / file))


def _page(name: str, file: str, records: Records) -> Page:
    methods = sorted({record["task"]["method"] for record in records}, key=scores.place)
    ours = OURS in methods and len(methods) > 1
    return Page(file, {file: f"python -m benchmarks.tables {name}"}, list(claims(name, records)) if ours else [],
                shown(name, records), partial(draw, name, records), caps(name, methods),
                headline(name, records) if ours else "")


def pages(results: Path) -> list[Page]:
    return [page(name, results) for name in MODES]


def main() -> None:
    parser = store.comparison("tables", __doc__, list(METHODS), seeds=SEEDS,
                              quick="cheap methods, 2 seeds, 200 evaluations")
    parser.add_argument("mode", choices=[*MODES, "all"])
    parser.add_argument("--ablate", action="store_true", help="ours, and ours with one mechanism taken out")
    options = parser.parse_args()
    methods, seeds, budget = (QUICK, 2, 200) if options.quick else (options.methods, options.seeds, BUDGET)
    suffix = "_quick" if options.quick else ""
    if options.ablate:
        methods, suffix = (OURS, *ABLATED), "_ablation" + suffix
        seeds, budget = min(seeds, ABLATED_SEEDS), min(budget, ABLATED_BUDGET)
    for name in MODES if options.mode == "all" else (options.mode,):
        file = f"tables_{name}{suffix}"
        wanted = [task for task in tasks(name, methods, seeds, budget)
                  if not options.ablate or task["table"] not in problems.LEFT_OUT]  # it decides what stays
        records = store.compared(options, file, MODES[name].run, wanted)
        print(f"## {name}\n")
        _page(name, file, records).show(options.out, file)


if __name__ == "__main__":
    main()
