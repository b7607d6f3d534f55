"""What the optimizers themselves cost: ask + tell, and import time.

ASNG: medians of single calls of two samples, population 2, losses given; CatCMAwM of cmaes asks and
tells its own population, told per two samples. Minimizer: mean of an ask and a tell over stretches of one
run on OneMax. Absolute times depend on the machine, so run it on an idle one.

    python -m benchmarks.overhead              about a minute
    python -m benchmarks.overhead --quick      a check of the whole path, seconds
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from asng_core import ASNG, Minimizer, Space

from . import store
from .analysis import markdown, plots
from .page import Claim, Page

SIZES = {"30 x 5": (30, 3000), "3,000 x 5": (3000, 500)}  # variables, repetitions
# per two samples, measured with the authors' code on 2 cores
AUTHORS = {"30 x 5": 530.0, "3,000 x 5": 136_000.0}
# a run of the Minimizer: sizes, noisy, the ends of what is timed
RUNS = {"30 x 5": ([5] * 30, False, (2_000, 10_000)), "30 x 5, noisy": ([5] * 30, True, (2_000, 10_000)),
        "300 x 2": ([2] * 300, False, (2_000,)), "300 x 5": ([5] * 300, False, (1_000,))}
IMPORTS = ("numpy", "asng_core", "cmaes")


def run(what: str, of: str, share: int = 1) -> dict[str, Any]:
    """Microseconds; `share` divides the numbers of repetitions."""
    if what == "import":
        code = f"import time; t = time.perf_counter(); import {of}; print((time.perf_counter() - t) * 1e6)"
        times = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
                 for _ in range(max(11 // share, 1))]
        return {"microseconds": float(np.median(times))}
    if what == "Minimizer":
        sizes, noisy, ends = RUNS[of]
        return _minimizer(sizes, noisy, [end // share for end in ends], 500 // share)
    n_variables, repetitions = SIZES[of]
    repetitions //= share
    rng = np.random.default_rng(0)
    if what == "cmaes CatCMAwM":
        return {"microseconds": _cmaes(n_variables, repetitions // 10, rng)}
    optimizer = ASNG(Space.categorical([5] * n_variables), seed=0, population_size=2)

    def once() -> None:
        batch = optimizer.ask(2)
        optimizer.tell(batch, rng.random(2))

    return {"microseconds": _median(once, repetitions)}


def _minimizer(sizes: list[int], noisy: bool, ends: list[int], stretch: int) -> dict[str, Any]:
    """Mean microseconds of an ask and a tell: up to the first end, around the 1,000th, over the last stretch."""
    target, rng = np.random.default_rng(0).integers(sizes), np.random.default_rng(1)
    optimizer = Minimizer(Space.categorical(sizes), seed=0, noisy=noisy)
    stamps = [time.perf_counter()]
    for _ in range(ends[-1]):
        point = optimizer.ask()
        optimizer.tell(point, float((point.codes != target).sum()) + noisy * rng.standard_normal())
        stamps.append(time.perf_counter())
    spent = 1e6 * np.array(stamps)
    result = {f"first {ends[0]}": (spent[ends[0]] - spent[0]) / ends[0]}
    if len(ends) > 1:
        around = ends[0] // 2 + np.array([-1, 1]) * (stretch // 2)
        result |= {"1,000th": np.diff(spent[around])[0] / np.diff(around)[0],
                   "10,000th": (spent[ends[1]] - spent[ends[1] - stretch]) / stretch}
    return {name: round(float(value), 1) for name, value in result.items()}


def _cmaes(n_variables: int, repetitions: int, rng: np.random.Generator) -> float:
    from cmaes import CatCMAwM

    optimizer = CatCMAwM(c_space=[5] * n_variables, seed=0)

    def once() -> None:
        optimizer.tell([(optimizer.ask(), float(rng.random())) for _ in range(optimizer.population_size)])

    return 2 * _median(once, max(repetitions, 5)) / int(optimizer.population_size)


def _median(once: Callable[[], None], repetitions: int) -> float:
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        once()
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e6


Times = dict[tuple[str, str], dict[str, float]]  # (what, of) -> stretch -> microseconds


def times(records: list[dict[str, Any]]) -> Times:
    return {(record["task"]["what"], record["task"]["of"]): record["result"] for record in records}


def first(found: Times, what: str, of: str) -> float:
    """Of the Minimizer, the mean of the first evaluations."""
    return next(iter(found[what, of].values()))


def table(found: Times) -> str:
    """Microseconds; a row a size."""
    head = ["variables x values", "`ASNG`, two samples", "cmaes CatCMAwM", "authors' code", "`Minimizer`, the first",
            "around the 1,000th", "around the 10,000th"]
    rows = []
    for size in (*SIZES, *(of for of in RUNS if of not in SIZES)):
        pair = [f"{first(found, what, size):,.0f}" if (what, size) in found else ""
                for what in ("ASNG", "cmaes CatCMAwM")]
        stretches = [f"{value:,.0f}" for value in found.get(("Minimizer", size), {}).values()]
        rows.append([size, *pair, f"{AUTHORS[size]:,.0f}" if size in AUTHORS else "", *stretches])
    return markdown.table(head, rows)


def imports(found: Times) -> str:
    return ", ".join(f"`import {package}`: {first(found, 'import', package) / 1e3:.0f} ms" for package in IMPORTS) + "."


def draw(found: Times, path: Path) -> None:
    """A bar a cost, in microseconds."""
    rows: dict[str, list[float]] = {}
    for size in SIZES:
        rows |= {f"{name}, {size}": [first(found, name, size)] for name in ("ASNG", "cmaes CatCMAwM")}
        rows[f"authors' code, {size}"] = [AUTHORS[size]]
    rows |= {f"Minimizer, {size}": [first(found, "Minimizer", size)] for size in RUNS}
    plots.bars(rows, [""], "microseconds of ask + tell (Minimizer: one point, the others: two)", path, log=True)


def pages(results: Path) -> list[Page]:
    found = times(store.records(results / "overhead"))
    return [Page("overhead", {"overhead": "python -m benchmarks.overhead"}, claims(found),
                 {"Microseconds of ask + tell": table(found)}, partial(draw, found), imports(found))]


def claims(found: Times) -> list[Claim]:
    run = found["Minimizer", "30 x 5"]
    growth = run["10,000th"] / run["1,000th"]
    more = (first(found, "import", "asng_core") - first(found, "import", "numpy")) / 1e3

    def within(what: str, of: str, limit: float, text: str, others: str = "") -> Claim:
        cost = first(found, what, of)
        return Claim(f"{text} within {limit:,.0f} us", cost <= limit, f"{cost:,.0f} us{others}", (what,))

    return [*(within("ASNG", size, limit, f"`ASNG`, ask + tell of two samples, {size} categories,",
                     f"; cmaes CatCMAwM {first(found, 'cmaes CatCMAwM', size):,.0f}, "
                     f"authors' code {AUTHORS[size]:,.0f}")
              for size, limit in (("30 x 5", 120), ("3,000 x 5", 2000))),
            *(within("Minimizer", size, limit, f"`Minimizer`, ask + tell, {words},") for size, words, limit in (
                ("30 x 5", "30 x 5 categories", 500), ("30 x 5, noisy", "30 x 5 under noise", 100),
                ("300 x 5", "300 x 5 categories", 5000))),
            Claim("`Minimizer`, 30 x 5: the 10,000th evaluation costs at most twice the 1,000th", growth <= 2,
                  f"{growth:.2f} times", ("Minimizer",)),
            Claim("`import asng_core` takes at most 100 ms more than NumPy's own", more <= 100, f"{more:.0f} ms more",
                  ("ASNG", "Minimizer"))]


def main() -> None:
    parser = store.parser("overhead", __doc__)
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the repetitions: a check of the whole path")
    options = parser.parse_args()
    share = {"share": 50} if options.quick else {}
    tasks = [{"what": what, "of": size, **share} for size in SIZES for what in ("ASNG", "cmaes CatCMAwM")]
    tasks += [{"what": "Minimizer", "of": name, **share} for name in RUNS]
    tasks += [{"what": "import", "of": package, **share} for package in IMPORTS]
    one_at_a_time = {**store.how(options), "jobs": min(options.jobs, 1)}
    found = times(store.measure(options.out / f"overhead{'_quick' if options.quick else ''}", run, tasks,
                                parts=lambda _: ("ASNG", "Minimizer"), packages=("numpy", "cmaes"), **one_at_a_time))
    print(f"{table(found)}\n\n{imports(found)}")


if __name__ == "__main__":
    main()
