"""What the optimizer itself costs: ask + tell of two samples, population 2, and import time.

Medians of single calls, losses given; CatCMAwM of cmaes asks and tells its own population, told per
two samples. Absolute times depend on the machine, so run it on an idle one.

    python -m benchmarks.overhead              about half a minute
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from asng_core import ASNG, Space

from . import store

SIZES = {"30 x 5": (30, 3000), "3,000 x 5": (3000, 500)}  # variables, repetitions
# per two samples, measured with the authors' code on 2 cores
AUTHORS = {"30 x 5": 530.0, "3,000 x 5": 136_000.0}
IMPORTS = ("numpy", "asng_core", "cmaes")


def run(what: str, of: str) -> dict[str, Any]:
    """Microseconds."""
    if what == "import":
        code = f"import time; t = time.perf_counter(); import {of}; print((time.perf_counter() - t) * 1e6)"
        times = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
                 for _ in range(11)]
        return {"microseconds": float(np.median(times))}
    n_variables, repetitions = SIZES[of]
    rng = np.random.default_rng(0)
    if what == "cmaes CatCMAwM":
        return {"microseconds": _cmaes(n_variables, repetitions // 10, rng)}
    optimizer = ASNG(Space.categorical([5] * n_variables), seed=0, population_size=2)

    def once() -> None:
        batch = optimizer.ask(2)
        optimizer.tell(batch, rng.random(2))

    return {"microseconds": _median(once, repetitions)}


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
    tasks += [{"what": "import", "of": package} for package in IMPORTS]
    records = store.measure(options.out / "overhead.json", run, tasks, packages=("numpy", "cmaes"), jobs=1,
                            restart=options.restart)
    print("| ask + tell of two samples | asng_core | cmaes CatCMAwM | authors' code |\n|---|---|---|---|")
    found = {(record["task"]["what"], record["task"]["of"]): record["result"]["microseconds"] for record in records}
    for size in SIZES:
        print(f"| {size} | {found['asng_core', size]:,.0f} us | {found['cmaes CatCMAwM', size]:,.0f} us "
              f"| {AUTHORS[size]:,.0f} us |")
    print("\n" + ", ".join(f"import {package}: {found['import', package] / 1e3:.0f} ms" for package in IMPORTS))


if __name__ == "__main__":
    main()
