"""Hard constraints, and failures that only an evaluation tells of: see `problems/constrained.py`.

  hard      five families of which independent draws are hardly ever feasible; the rivals repair what they propose. A
            gap is the best loss less the best that any method found, over what separates that from the median of
            random feasible points
  failing   GPU kernels, four in five invalid, which nobody knows before: an invalid one is paid for. Scores as on the
            tables

    python -m benchmarks.constraints              every method, 2 seeds; a minute on one core
    python -m benchmarks.constraints --stored     what the stored runs say
    python -m benchmarks.constraints --quick      a check of the whole path, seconds
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path

import numpy as np

from . import store
from .analysis import markdown, plots, scores
from .analysis.scores import Grouped, Records
from .page import Claim, Page
from .problems import runs, tables
from .problems.constrained import GRID, HARD, reference, run
from .rivals import OURS

BUDGET, SEEDS = 300, 2
METHODS = {"hard": (OURS, "random search", "(1+1) EA", "local search", "annealing", "regularized evolution, 20"),
           "failing": (OURS, "random search", "(1+1) EA", "local search", "regularized evolution, 20", "Optuna TPE")}
EVERY = tuple(dict.fromkeys(method for methods in METHODS.values() for method in methods))
SHOWN = (50, 100, 300)
QUICK = (OURS, "(1+1) EA", "random search")


def tasks(methods: Sequence[str], seeds: int, budget: int = BUDGET, *, hard: Sequence[str] = HARD,
          failing: Sequence[str] = tables.CONSTRAINED) -> list[store.Task]:
    """The runs; `table` is the problem."""
    return [{"kind": kind, "method": method, "table": table, "seed": seed, "budget": budget}
            for kind, problems in (("hard", hard), ("failing", failing)) for method in methods
            if method in METHODS[kind] for seed in range(seeds) for table in problems]


def columns(records: Records) -> dict[str, dict[int, Grouped]]:
    """Kind -> evaluations -> gaps, or scores."""
    hard = [record for record in records if record["task"]["kind"] == "hard"]
    failing = [record for record in records if record["task"]["kind"] == "failing"]
    best: dict[tuple[str, int], float] = {}  # of an instance
    for record in hard:
        instance = record["task"]["table"], record["task"]["seed"]
        best[instance] = min(best.get(instance, np.inf), record["result"]["best"][-1])
    gaps = []
    for record in hard:
        instance = record["task"]["table"], record["task"]["seed"]
        way = reference(*instance) - best[instance]
        gaps.append({**record, "result": [(loss - best[instance]) / way for loss in record["result"]["best"]]})
    longest = max(record["task"]["budget"] for record in records)
    budgets = [n for n in SHOWN if n <= longest]
    return {"hard": {n: scores.grouped(gaps, itemgetter(GRID.index(n))) for n in budgets},
            "failing": {n: scores.grouped(failing, scores.score_at(n)) for n in budgets}}


def shown(records: Records) -> dict[str, str]:
    """Means over problems and seeds, and by problem."""
    found = columns(records)
    hard, failing = found["hard"], found["failing"]
    failed = scores.grouped([record for record in records if record["task"]["kind"] == "failing"],
                            lambda result: result["failed"])
    last = list(hard.values())[-1]
    made = {"Mean gap under hard constraints": markdown.table(["method", *map(str, hard), "problems x runs"], (
        [method, *(f"{scores.mean_of(each[method]):.3f}" for each in hard.values()), _runs(of)]
        for method, of in last.items()))}
    made["Mean score where invalid kernels are found out by evaluating them"] = markdown.table(
        ["method", *map(str, failing), "of these failed", "tables x runs"], (
            [method, *(f"{scores.mean_of(each[method]):.2f}" for each in failing.values()), f"{scores.mean_of(of):.0f}",
             _runs(of)] for method, of in failed.items()))
    made[f"Mean gap by problem after {list(hard)[-1]} evaluations"] = markdown.table(["problem", *last], (
        [problem, *(f"{np.mean(of[problem]):.3f}" for of in last.values())] for problem in last[OURS]))
    for kind, each in found.items():
        made[f"Paired differences, {kind}"] = scores.comparison({str(n): of for n, of in each.items()}, OURS, 3)
    return made


def _runs(of: dict[str, list[float]]) -> str:
    return f"{len(of)} x {min(map(len, of.values()))}"


def claims(records: Records) -> Iterator[Claim]:
    """Of each kind: none better in the mean, and ahead by more than chance."""
    for kind, what in (("hard", "hard constraints"), ("failing", "failures told")):
        found = columns(records)[kind]
        means = [{method: scores.mean_of(of) for method, of in each.items()} for each in found.values()]
        ours = [each.pop(OURS) for each in means]
        best = [min(each.values()) for each in means]
        closest = {n: scores.closest(each, OURS, 1) for n, each in found.items()}
        heads = f"{what}, {' / '.join(map(str, found))} evaluations"
        figures = [" / ".join(f"{value:.2f}" for value in values) for values in (ours, best)]
        yield Claim(f"{heads}: none of {len(means[0])} others is better than `{OURS}` in the mean",
                    all(a <= b for a, b in zip(ours, best, strict=True)), f"{figures[0]}; the best other {figures[1]}",
                    (OURS,))
        yield Claim(f"{heads}: `{OURS}` is ahead of each of them by more than chance",
                    all(high < 0 for *_, high in closest.values()), "; ".join(
                        f"{scores.interval(mean, low, high)} of {method}" for method, mean, low, high
                        in closest.values()), (OURS,))


def draw(records: Records, path: Path) -> None:
    """Scores where failures are told, with ours' band."""
    found = scores.grouped([record for record in records if record["task"]["kind"] == "failing"],
                           lambda result: result["score"])
    bands = {method: scores.mean_band({table: np.array(each) for table, each in of.items()})
             for method, of in found.items()}
    grid = runs.GRID[: len(bands[OURS][0])]
    plots.curves({method: mean for method, (mean, *_) in bands.items()}, grid,
                 ("evaluations, failed ones too", "log10(fraction better + 1e-5)"), (10, 30, 100, 300), path,
                 bands={OURS: bands[OURS][1:]})


def page(records: Records) -> Page:
    return Page("constraints", {"constraints": "python -m benchmarks.constraints"}, list(claims(records)),
                shown(records), partial(draw, records))


def pages(results: Path) -> list[Page]:
    return [page(store.records(results / "constraints"))]


def main() -> None:
    options = store.comparison("constraints", __doc__, EVERY, seeds=SEEDS,
                               quick="3 methods, 2 seeds of 3 problems, 50 evaluations").parse_args()
    name = "constraints" + "_quick" * options.quick
    wanted = (tasks(QUICK, 2, SHOWN[0], hard=HARD[:2], failing=tables.CONSTRAINED[:1]) if options.quick else
              tasks(options.methods, options.seeds))
    page(store.compared(options, name, run, wanted)).show(options.out, name)


if __name__ == "__main__":
    main()
