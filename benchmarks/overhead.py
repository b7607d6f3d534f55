"""What the optimizers themselves cost: ask + tell, and import time.

What is compared is measured by turns in one process, in time of the processor, and of its turns the fastest counts,
since whatever else runs on the machine only adds. ASNG: medians of single calls of two samples, population 2, losses
given; CatCMAwM of cmaes asks and tells its own population, told per two samples. Minimizer: mean of an ask and a tell
over stretches of one run on OneMax. Imports: processes of their own, bytecode compiled before, as an installer does it.

    python -m benchmarks.overhead              two minutes
    python -m benchmarks.overhead --quick      a check of the whole path, seconds
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
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

SIZES = {"30 x 5": (30, 300), "3,000 x 5": (3000, 50)}  # variables, repetitions a turn
TURNS = 10
clock = time.process_time
CATCMAWM = "cmaes CatCMAwM"
# per two samples, measured with the authors' code on 2 cores
AUTHORS = {"30 x 5": 530.0, "3,000 x 5": 136_000.0}
# a run of the Minimizer: sizes, noisy, the ends of what is timed
RUNS = {"30 x 5": ([5] * 30, False, (2_000, 10_000)), "30 x 5, noisy": ([5] * 30, True, (2_000, 10_000)),
        "300 x 2": ([2] * 300, False, (2_000,)), "300 x 5": ([5] * 300, False, (1_000,)),
        "1,000 x 2": ([2] * 1000, False, (1_000,))}
IMPORTS = ("numpy", "asng_core", "cmaes")


def run(what: str, of: str, share: int = 1) -> dict[str, Any]:
    """Microseconds; `share` divides the numbers of repetitions."""
    if what == "import":
        return _imports(max(TURNS // 2 // share, 1))
    if what == "Minimizer":
        sizes, noisy, ends = RUNS[of]
        return _minimizer(sizes, noisy, [end // share for end in ends], 500 // share)
    n_variables, repetitions = SIZES[of]
    return _by_turns({"ASNG": _asng(n_variables), CATCMAWM: _cmaes(n_variables)}, max(repetitions // share, 3))


Once = Callable[[], None]


def _asng(n_variables: int) -> tuple[Once, float]:
    """A call, and the number of pairs of samples that it asks and tells."""
    optimizer, rng = ASNG(Space.categorical([5] * n_variables), seed=0, population_size=2), np.random.default_rng(0)

    def once() -> None:
        batch = optimizer.ask(2)
        optimizer.tell(batch, rng.random(2))
    return once, 1.0


def _cmaes(n_variables: int) -> tuple[Once, float]:
    """The same of CatCMAwM."""
    from cmaes import CatCMAwM

    optimizer, rng = CatCMAwM(c_space=[5] * n_variables, seed=0), np.random.default_rng(0)

    def once() -> None:
        optimizer.tell([(optimizer.ask(), float(rng.random())) for _ in range(optimizer.population_size)])
    return once, int(optimizer.population_size) / 2


def _by_turns(calls: dict[str, tuple[Once, float]], repetitions: int) -> dict[str, float]:
    """name -> the least of the medians of its turns, for two samples."""
    medians: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(TURNS):
        for name, (once, pairs) in calls.items():
            medians[name].append(_median(once, max(round(repetitions / pairs), 2)) / pairs)
    return {name: round(min(turns), 1) for name, turns in medians.items()}


def _imports(turns: int) -> dict[str, float]:
    """name -> the least time that a new process takes to import it."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = folder

        def seconds(package: str) -> float:
            code = f"import time; t = time.process_time(); import {package}; print(time.process_time() - t)"
            return float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True,
                                        env=environment).stdout)
        for package in IMPORTS:
            seconds(package)  # compiles
        found = [[seconds(package) for package in IMPORTS] for _ in range(turns)]
    return dict(zip(IMPORTS, (1e6 * np.min(found, axis=0)).round().tolist(), strict=True))


def _minimizer(sizes: list[int], noisy: bool, ends: list[int], stretch: int) -> dict[str, Any]:
    """Mean microseconds of an ask and a tell: up to the first end, around the 1,000th, over the last stretch; and what
    two samples cost CatCMAwM meanwhile."""
    target, rng = np.random.default_rng(0).integers(sizes), np.random.default_rng(1)
    optimizer = Minimizer(Space.categorical(sizes), seed=0, noisy=noisy)
    beside, pairs = _cmaes(len(sizes))
    spent, others = np.empty(ends[-1]), []
    for i in range(ends[-1]):
        start = clock()
        point = optimizer.ask()
        optimizer.tell(point, float((point.codes != target).sum()) + noisy * rng.standard_normal())
        spent[i] = 1e6 * (clock() - start)
        if i % max(ends[0] // TURNS, 1) == 0:
            others.append(_median(beside, 10) / pairs)
    result = {f"first {ends[0]}": spent[: ends[0]].mean()}
    if len(ends) > 1:
        result |= {"1,000th": spent[ends[0] // 2 - stretch // 2 :][:stretch].mean(),
                   "10,000th": spent[-stretch:].mean()}
    return {name: round(float(value), 1) for name, value in {**result, CATCMAWM: float(np.median(others))}.items()}


def _median(once: Once, repetitions: int) -> float:
    times = []
    for _ in range(repetitions):
        start = clock()
        once()
        times.append(clock() - start)
    return float(np.median(times)) * 1e6


Times = dict[tuple[str, str], dict[str, float]]  # (what, of) -> name or stretch -> microseconds


def times(records: list[dict[str, Any]]) -> Times:
    return {(record["task"]["what"], record["task"]["of"]): record["result"] for record in records}


def first(found: Times, of: str) -> float:
    """Of the Minimizer, the mean of the first evaluations."""
    return next(iter(found["Minimizer", of].values()))


def table(found: Times) -> str:
    """Microseconds; a row a size."""
    head = ["variables x values", "`ASNG`, two samples", "cmaes CatCMAwM", "authors' code", "`Minimizer`, the first",
            "around the 1,000th", "around the 10,000th"]
    rows = []
    for size in (*SIZES, *(of for of in RUNS if of not in SIZES)):
        pair = [f"{value:,.0f}" for value in found.get(("ask + tell", size), {}).values()] or [""] * 2
        stretches = [f"{value:,.0f}" for name, value in found.get(("Minimizer", size), {}).items() if name != CATCMAWM]
        rows.append([size, *pair, f"{AUTHORS[size]:,.0f}" if size in AUTHORS else "", *stretches])
    return markdown.table(head, rows)


def imports(found: Times) -> str:
    return ", ".join(f"`import {package}`: {spent / 1e3:.0f} ms" for package, spent in
                     found["import", "all"].items()) + "."


def draw(found: Times, path: Path) -> None:
    """A bar a cost, in microseconds."""
    rows: dict[str, list[float]] = {}
    for size in SIZES:
        rows |= {f"{name}, {size}": [spent] for name, spent in found["ask + tell", size].items()}
        rows[f"authors' code, {size}"] = [AUTHORS[size]]
    rows |= {f"Minimizer, {size}": [first(found, size)] for size in RUNS}
    plots.bars(rows, [""], "microseconds of ask + tell (Minimizer: one point, the others: two)", path, log=True)


def pages(results: Path) -> list[Page]:
    found = times(store.records(results / "overhead"))
    return [Page("overhead", {"overhead": "python -m benchmarks.overhead"}, claims(found),
                 {"Microseconds of ask + tell": table(found)}, partial(draw, found), imports(found))]


def claims(found: Times) -> list[Claim]:
    run, packages = found["Minimizer", "30 x 5"], found["import", "all"]
    growth, ratio = run["10,000th"] / run["1,000th"], first(found, "30 x 5") / run[CATCMAWM]
    more = packages["asng_core"] / packages["numpy"] - 1

    def beside(size: str) -> Claim:
        ours, theirs = found["ask + tell", size].values()
        return Claim(f"`ASNG`, ask + tell of two samples, {size} categories: no slower than cmaes' CatCMAwM",
                     ours <= theirs, f"{ours:,.0f} us against {theirs:,.0f}; authors' code {AUTHORS[size]:,.0f}",
                     ("ASNG",))

    def within(size: str, limit: float, text: str) -> Claim:
        cost = first(found, size)
        return Claim(f"{text} within {limit:,.0f} us", cost <= limit, f"{cost:,.0f} us", ("Minimizer",))

    return [beside("30 x 5"), beside("3,000 x 5"),
            Claim("`Minimizer`, ask + tell, 30 x 5 categories, the first 2,000: at most 4.5 times CatCMAwM's two "
                  "samples", ratio <= 4.5, f"{first(found, '30 x 5'):,.0f} us, {ratio:.1f} times", ("Minimizer",)),
            *(within(size, limit, f"`Minimizer`, ask + tell, {words},") for size, words, limit in (
                ("30 x 5", "30 x 5 categories", 500), ("30 x 5, noisy", "30 x 5 under noise", 100),
                ("300 x 5", "300 x 5 categories", 5000))),
            Claim("`Minimizer`, 30 x 5: the 10,000th evaluation costs at most twice the 1,000th", growth <= 2,
                  f"{growth:.2f} times", ("Minimizer",)),
            Claim("`import asng_core` takes at most as long again as NumPy's own", more <= 1, f"{more:.2f} times its "
                  f"{packages['numpy'] / 1e3:.0f} ms more", ("ASNG", "Minimizer"))]


def main() -> None:
    parser = store.parser("overhead", __doc__)
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the repetitions: a check of the whole path")
    options = parser.parse_args()
    share = {"share": 50} if options.quick else {}
    tasks = [{"what": what, "of": size, **share} for what, sizes in (
        ("ask + tell", SIZES), ("Minimizer", RUNS), ("import", ("all",))) for size in sizes]
    one_at_a_time = {**store.how(options), "jobs": min(options.jobs, 1)}
    found = times(store.measure(options.out / f"overhead{'_quick' if options.quick else ''}", run, tasks,
                                parts=lambda _: ("ASNG", "Minimizer"), packages=("numpy", "cmaes"), **one_at_a_time))
    print(f"{table(found)}\n\n{imports(found)}")


if __name__ == "__main__":
    main()
