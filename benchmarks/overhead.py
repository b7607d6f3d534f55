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
from pathlib import Path
from typing import Any

import numpy as np

from asng_core import ASNG, Minimizer, Space

from . import store
from .claims import Claim

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


def blocks(results: Path) -> dict[str, str]:
    return {"overhead": table(store.records(results / "overhead.json"))}


def times(records: list[dict[str, Any]]) -> dict[tuple[str, str], float]:
    """(what, of) -> microseconds; of the Minimizer, the mean of the first evaluations."""
    return {(record["task"]["what"], record["task"]["of"]): next(iter(record["result"].values())) for record in records}


def table(records: list[dict[str, Any]]) -> str:
    found = times(records)
    lines = ["| ask + tell of two samples | asng_core | cmaes CatCMAwM | authors' code |", "|---|---|---|---|"]
    lines += [f"| {size} | {found['asng_core', size]:,.0f} us | {found['cmaes CatCMAwM', size]:,.0f} us "
              f"| {AUTHORS[size]:,.0f} us |" for size in SIZES]
    lines += ["", "| Minimizer, ask + tell | mean of the first | around the 1,000th | around the 10,000th |",
              "|---|---|---|---|"]
    for record in records:
        if record["task"]["what"] == "Minimizer":
            (first, mean), *later = record["result"].items()
            cells = [f"{mean:,.0f} us ({first.split()[1]})", *(f"{value:,.0f} us" for _, value in later)]
            lines.append(f"| {record['task']['of']} | " + " | ".join(cells + [""] * (3 - len(cells))) + " |")
    imports = (f"`import {package}`: {found['import', package] / 1e3:.0f} ms" for package in IMPORTS)
    return "\n".join([*lines, "", ", ".join(imports)])


def claims(results: Path) -> list[Claim]:
    records = store.records(results / "overhead.json")
    found = times(records)
    growth = next(record["result"]["10,000th"] / record["result"]["1,000th"] for record in records
                  if (record["task"]["what"], record["task"]["of"]) == ("Minimizer", "30 x 5"))
    imports = (found["import", "asng_core"] - found["import", "numpy"]) / 1e3

    def within(what: str, of: str, limit: float, text: str, others: str = "", headline: bool = False) -> Claim:
        return claim(f"{text} within {limit:,.0f} us", found[what, of] <= limit, f"{found[what, of]:,.0f} us{others}",
                     headline)

    def claim(text: str, met: bool, figure: str, headline: bool = False) -> Claim:
        return Claim(text, met, figure, "overhead.json", "python -m benchmarks.overhead", headline)

    return [*(within("asng_core", size, limit, f"`ASNG`, ask + tell of two samples, {size} categories,",
                     f"; cmaes CatCMAwM {found['cmaes CatCMAwM', size]:,.0f}, authors' code {AUTHORS[size]:,.0f}", True)
              for size, limit in (("30 x 5", 120), ("3,000 x 5", 2000))),
            within("Minimizer", "30 x 5", 500, "`Minimizer`, ask + tell, 30 x 5 categories,", headline=True),
            within("Minimizer", "30 x 5, noisy", 100, "the same under noise"),
            within("Minimizer", "300 x 5", 5000, "the same, 300 x 5 categories,"),
            claim("`Minimizer`, 30 x 5: the 10,000th evaluation costs at most twice the 1,000th", growth <= 2,
                  f"{growth:.2f} times"),
            claim("`import asng_core` takes at most 100 ms more than NumPy's own", imports <= 100,
                  f"{imports:.0f} ms more")]


def main() -> None:
    parser = store.parser("overhead", __doc__)
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the repetitions: a check of the whole path")
    options = parser.parse_args()
    share = {"share": 50} if options.quick else {}
    tasks = [{"what": what, "of": size, **share} for size in SIZES for what in ("asng_core", "cmaes CatCMAwM")]
    tasks += [{"what": "Minimizer", "of": name, **share} for name in RUNS]
    tasks += [{"what": "import", "of": package, **share} for package in IMPORTS]
    print(table(store.measure(options.out / f"overhead{'_quick' if options.quick else ''}.json", run, tasks,
                              parts=lambda _: ("ASNG", "Minimizer"), packages=("numpy", "cmaes"), jobs=1,
                              restart=options.restart)))


if __name__ == "__main__":
    main()
