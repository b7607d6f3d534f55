"""Synthetic problems: evaluations until the optimum is asked, each repeat paid for.

Every seed hides the optimum at another point (`problems/synthetic.py`). Conditional variables that are inactive
are neutral to the methods that know no conditions.

    python -m benchmarks.functions              11 seeds, at most 30,000 evaluations on the first four problems,
                                                10,000 on the others; about 15 minutes on one core
    python -m benchmarks.functions --ablate     `Minimizer` with one mechanism taken out, at most 4,000 evaluations
    python -m benchmarks.functions --quick      a check of the whole path, seconds
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import store
from .analysis import markdown, plots, scores
from .analysis.scores import Records, count, median
from .page import Claim, Page
from .problems.synthetic import RUGGED, SUITE, Problem
from .rivals import ABLATED, ENTRIES, OURS, Method, Setting

FIRST = ("OneMax d=100", "LeadingOnes d=50", "OneMax 30x5", "NK n=18 k=4")
BUDGETS = dict.fromkeys(FIRST, 30_000) | dict.fromkeys((name for name in SUITE if name not in FIRST), 10_000)
ABLATED_BUDGETS = dict.fromkeys([*SUITE, *RUGGED], 4_000)
RUN = ("Minimizer", "ASNG", "(1+1) EA", "local search", "regularized evolution", "regularized evolution, 20",
       "CatCMAwM")
SEEDS = 11


def to_optimum(method: Method, problem: Problem, budget: int) -> int | None:
    """The evaluations until the optimum is asked, that one included; None if `budget` does not do."""
    for n in range(1, budget + 1):
        codes = method.ask()
        loss = float(problem.loss(codes))
        if loss <= problem.optimum:
            return n
        method.tell(codes, loss)
    return None


def run(method: str, function: str, seed: int, budget: int) -> dict[str, Any]:
    """The "evaluations" until the optimum was asked, or None."""
    problem = (SUITE | RUGGED)[function](seed)
    return {"evaluations": to_optimum(ENTRIES[method].load()(Setting(problem.space, budget), seed), problem, budget)}


def evaluations(records: Records) -> dict[str, dict[str, list[float]]]:
    """method -> problem -> evaluations to the optimum by seed; infinite if it was not reached."""
    found: dict[str, dict[str, list[float]]] = {}
    for record in sorted(records, key=lambda record: (scores.place(record["task"]["method"]), record["task"]["seed"])):
        task, reached = record["task"], record["result"]["evaluations"]
        found.setdefault(task["method"], {}).setdefault(task["function"], []).append(reached or np.inf)
    return found


def tables(records: Records) -> dict[str, str]:
    """Median evaluations; with quartiles, where a run that never arrived counts as slower than any other."""
    found = evaluations(records)
    problems = [problem for problem in SUITE if problem in found[OURS]]
    medians = {problem: [median(each[problem]) for each in found.values()] for problem in problems}
    rows = [[problem, *(f"**{count(n)}**" if n == min(each) else count(n) for n in each)]
            for problem, each in medians.items()]
    quartiles = [[problem, *(_quartiles(each[problem]) for each in found.values())] for problem in problems]
    return {"Median evaluations until the optimum is asked": markdown.table(["problem", *found], rows),
            "Median (quartiles)": markdown.table(["problem", *found], quartiles),
            "Paired differences": scores.comparison({"log2 evaluations to the optimum": logarithms(records)}, OURS)}


def _quartiles(runs: list[float]) -> str:
    q1, q2, q3 = map(count, np.quantile(runs, [0.25, 0.5, 0.75], method="lower"))
    return f"{q2} ({q1} to {q3})"


def logarithms(records: Records) -> dict[str, dict[str, list[float]]]:
    """method -> problem -> log2 of the evaluations to the optimum by seed, of the whole budget if not reached."""
    budgets = {record["task"]["function"]: record["task"]["budget"] for record in records}
    return {method: {problem: np.log2(np.minimum(runs, budgets[problem])).tolist() for problem, runs in each.items()}
            for method, each in evaluations(records).items()}


def draw(records: Records, path: Path) -> None:
    """Medians and quartiles of the evaluations, a row a problem; at the right end what was not reached."""
    found = evaluations(records)
    problems = [problem for problem in SUITE if problem in found[OURS]]
    limit = 2 * max(record["task"]["budget"] for record in records)
    figure, axis = plots.figure(7, 0.45 * len(problems) + 1)
    for i, method in enumerate(found):
        rows = np.arange(len(problems)) + 0.1 * (i - (len(found) - 1) / 2)
        q1, q2, q3 = np.minimum(limit, [np.quantile(found[method][problem], [0.25, 0.5, 0.75], method="lower")
                                        for problem in problems]).T
        look = plots.style(method)
        axis.hlines(rows, q1, q3, color=look["color"], linewidth=1)
        axis.plot(q2, rows, look["marker"], color=look["color"], markersize=5, label=method)
    axis.set_yticks(range(len(problems)), problems)
    axis.set(xscale="log", xlabel="evaluations to the optimum, median and quartiles (right end: not reached)")
    axis.set_ylim(len(problems) - 0.4, -0.6)
    axis.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=4, fontsize=8, frameon=False)
    plots.save(figure, path)


def pages(results: Path) -> list[Page]:
    records = store.records(results / "functions")
    return [Page("functions", {"functions": "python -m benchmarks.functions"}, claims(records), tables(records),
                 partial(draw, records))]


def claims(records: Records) -> list[Claim]:
    """What is claimed of `Minimizer` over the suite."""
    closest, mean, low, high = scores.closest(logarithms(records), OURS, 1)
    medians = {method: {problem: median(runs) for problem, runs in each.items()}
               for method, each in evaluations(records).items()}
    places = {problem: 1 + sum(each[problem] < ours for each in medians.values())
              for problem, ours in medians[OURS].items()}
    worse = ", ".join(f"{problem} ({place})" for problem, place in places.items() if place > 3)
    return [Claim(f"`{OURS}` needs fewer evaluations to the optimum than every rival, over all problems", high < 0,
                  f"{scores.interval(mean, low, high)} log2 evaluations against {closest}, the closest", (OURS,)),
            Claim("on none of them is its median worse than the third", not worse,
                  f"first on {list(places.values()).count(1)} of {len(places)}"
                  + (f"; worse than third on {worse}" if worse else ""), (OURS,))]


def tasks(ablate: bool, seeds: int, budget: int = max(BUDGETS.values())) -> list[dict[str, Any]]:
    """The runs of every method, or of ours with and without its mechanisms."""
    ablated = (name for name, entry in ABLATED.items() if "noise-free" in (entry.only or ("noise-free",)))
    methods, budgets = ((OURS, *ablated), ABLATED_BUDGETS) if ablate else (RUN, BUDGETS)
    return [{"method": method, "function": function, "seed": seed, "budget": min(own, budget)}
            for method in methods for function, own in budgets.items() for seed in range(seeds)]


def main() -> None:
    parser = store.parser("functions", __doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"runs per cell (default {SEEDS})")
    parser.add_argument("--quick", action="store_true", help="2 seeds, 100 evaluations: a check of the whole path")
    parser.add_argument("--ablate", action="store_true", help="ours, and ours with one mechanism taken out")
    options = parser.parse_args()
    name = f"functions{'_ablation' if options.ablate else ''}{'_quick' if options.quick else ''}"
    wanted = tasks(options.ablate, 2, 100) if options.quick else tasks(options.ablate, options.seeds)
    records = store.measure(options.out / name, run, wanted, **store.how(options))
    draw(records, options.out / f"{name}.png")
    print("\n\n".join(tables(records).values()))


if __name__ == "__main__":
    main()
