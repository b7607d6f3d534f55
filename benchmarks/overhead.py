"""What the optimizers themselves cost: ask + tell, and import time.

ASNG: medians of single calls of two samples, population 2, losses given; CatCMAwM of cmaes asks and
tells its own population, told per two samples. Minimizer: mean of an ask and a tell over stretches of one
run on OneMax. Absolute times depend on the machine, so run it on an idle one.

    python -m benchmarks.overhead              about a minute
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from asng_core import ASNG, Minimizer, Space

from . import store

SIZES = {"30 x 5": (30, 3000), "3,000 x 5": (3000, 500)}  # variables, repetitions
# per two samples, measured with the authors' code on 2 cores
AUTHORS = {"30 x 5": 530.0, "3,000 x 5": 136_000.0}
# a run of the Minimizer: sizes, noisy, the ends of the stretches that are timed
RUNS = {"30 x 5": ([5] * 30, False, (2_000, 9_500, 10_000)), "30 x 5, noisy": ([5] * 30, True, (2_000, 9_500, 10_000)),
        "300 x 2": ([2] * 300, False, (2_000,)), "300 x 5": ([5] * 300, False, (1_000,))}
IMPORTS = ("numpy", "asng_core", "cmaes")


def run(what: str, of: str) -> dict[str, Any]:
    """Microseconds."""
    if what == "import":
        code = f"import time; t = time.perf_counter(); import {of}; print((time.perf_counter() - t) * 1e6)"
        times = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
                 for _ in range(11)]
        return {"microseconds": float(np.median(times))}
    if what == "Minimizer":
        return _minimizer(*RUNS[of])
    n_variables, repetitions = SIZES[of]
    rng = np.random.default_rng(0)
    if what == "cmaes CatCMAwM":
        return {"microseconds": _cmaes(n_variables, repetitions // 10, rng)}
    optimizer = ASNG(Space.categorical([5] * n_variables), seed=0, population_size=2)

    def once() -> None:
        batch = optimizer.ask(2)
        optimizer.tell(batch, rng.random(2))

    return {"microseconds": _median(once, repetitions)}


def _minimizer(sizes: list[int], noisy: bool, ends: tuple[int, ...]) -> dict[str, Any]:
    """Mean microseconds of an ask and a tell up to each end, and around the 1,000th."""
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
        result |= {"1,000th": (spent[1_250] - spent[750]) / 500, "10,000th": (spent[ends[2]] - spent[ends[1]]) / 500}
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


def main() -> None:
    options = store.parser("overhead", __doc__).parse_args()
    tasks = [{"what": what, "of": size} for size in SIZES for what in ("asng_core", "cmaes CatCMAwM")]
    tasks += [{"what": "Minimizer", "of": name} for name in RUNS]
    tasks += [{"what": "import", "of": package} for package in IMPORTS]
    records = store.measure(options.out / "overhead.json", run, tasks, packages=("numpy", "cmaes"), jobs=1,
                            restart=options.restart)
    print("| ask + tell of two samples | asng_core | cmaes CatCMAwM | authors' code |\n|---|---|---|---|")
    found = {(record["task"]["what"], record["task"]["of"]): record["result"].get("microseconds") for record in records}
    for size in SIZES:
        print(f"| {size} | {found['asng_core', size]:,.0f} us | {found['cmaes CatCMAwM', size]:,.0f} us "
              f"| {AUTHORS[size]:,.0f} us |")
    print("\n| Minimizer, ask + tell | mean of the first | around the 1,000th | around the 10,000th |")
    print("|---|---|---|---|")
    for record in records:
        if record["task"]["what"] == "Minimizer":
            (first, mean), *later = record["result"].items()
            cells = [f"{mean:,.0f} us ({first.split()[1]})", *(f"{value:,.0f} us" for _, value in later)]
            print(f"| {record['task']['of']} | " + " | ".join(cells + [""] * (3 - len(cells))) + " |")
    print("\n" + ", ".join(f"import {package}: {found['import', package] / 1e3:.0f} ms" for package in IMPORTS))


if __name__ == "__main__":
    main()
