"""How much of their time workers wait: `minimize` with several executors, and processes that share a `Study`.

The objective sleeps, 0.3 to 3 seconds, as its point decides: a tenfold spread, evenly in the logarithm. Counted
is the time in which there is work for all: from when the last worker has begun until the last evaluation is handed out.

    python -m benchmarks.workers              1, 2, 4 and 8 workers; 5 minutes, of sleep for the most part
    python -m benchmarks.workers --quick      a check of the whole path, seconds
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from asng_core import Categorical, Evaluation, Integer, Result, Space, minimize

from . import store
from .analysis import markdown
from .analysis.scores import Records
from .page import Claim, Page

WORKERS, EACH = (1, 2, 4, 8), 12  # workers; evaluations for each of them
SHORTEST, SPREAD = 0.3, 10.0  # seconds; the longest to it
IDLE = 0.05  # of the time, at most
SPACE = Space({"algorithm": Categorical(["a", "b", "c"]), **{f"n{i}": Integer(0, 9) for i in range(8)}})


def sleeps(values: dict[str, Any], *, shortest: float) -> Evaluation:
    """Its time has nothing to do with its loss."""
    begun = time.time()  # of one machine, whose processes share it
    number = SPACE.encode(values)
    time.sleep(shortest * SPREAD ** float(np.random.default_rng(number.tolist()).random()))
    return Evaluation(float(((number - 4) ** 2).sum()), attributes={
        "begun": begun, "ended": time.time(), "worker": f"{os.getpid()} {threading.get_ident()}"})


def _threads(objective: Callable[..., Any], workers: int, budget: int) -> Result:
    return minimize(objective, SPACE, budget=budget, seed=0, executor=ThreadPoolExecutor, n_workers=workers)


def _processes(objective: Callable[..., Any], workers: int, budget: int) -> Result:
    return minimize(objective, SPACE, budget=budget, seed=0, executor=ProcessPoolExecutor, n_workers=workers)


def _dask(objective: Callable[..., Any], workers: int, budget: int) -> Result:
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=workers, threads_per_worker=1, processes=False, dashboard_address=None) as cluster, \
            Client(cluster) as client:
        return minimize(objective, SPACE, budget=budget, seed=0, executor=client.get_executor(pure=False),
                        n_workers=workers)


def _ray(objective: Callable[..., Any], workers: int, budget: int) -> Result:
    import ray

    from asng_core.integrations.ray import RayExecutor

    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, object_store_memory=80 * 2**20)
    try:
        return minimize(objective, SPACE, budget=budget, seed=0, executor=RayExecutor())
    finally:
        ray.shutdown()


def _take_part(url: str, objective: Callable[..., Any], budget: int) -> None:
    from asng_core.study import Study

    with Study(url, SPACE, seed=0) as study:
        study.minimize(objective, budget=budget)


def _study(objective: Callable[..., Any], workers: int, budget: int) -> Result:
    from asng_core.study import Study

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/runs.db"
        processes = [get_context("spawn").Process(target=_take_part, args=(url, objective, budget))
                     for _ in range(workers)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        with Study(url) as study:
            return study.result()


METHODS = {"minimize, threads": _threads, "minimize, processes": _processes, "minimize, Dask": _dask,
           "minimize, Ray": _ray, "Study on SQLite, processes": _study}


def run(method: str, workers: int, each: int, shortest: float) -> dict[str, Any]:
    """`busy`: how many evaluations were under way on average while there was work for all."""
    result = METHODS[method](partial(sleeps, shortest=shortest), workers, workers * each)
    said = result.attributes.values()
    if len(said) < workers * each:
        raise RuntimeError(f"the run was ended before its time: {result.stop_reason}.")  # `minimize` takes signals
    begun, ended = (np.array([one[name] for one in said]) for name in ("begun", "ended"))
    starts: dict[str, float] = {}  # of each worker
    for one in sorted(said, key=lambda one: float(one["begun"])):
        starts.setdefault(one["worker"], one["begun"])
    first, last = max(starts.values()), begun.max()
    under_way = (np.clip(ended, first, last) - first).sum() - (np.clip(begun, first, last) - first).sum()
    return {"busy": round(float(under_way / (last - first)), 4), "evaluations": len(begun),
            "seconds": round(float(last - first), 2)}


def _by_method(records: Records) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for record in records:
        found.setdefault(record["task"]["method"], {})[record["task"]["workers"]] = record["result"]["busy"]
    return found


def shown(records: Records) -> dict[str, str]:
    found = _by_method(records)
    counts = sorted({workers for each in found.values() for workers in each})
    rows = [[method, *(f"{each[n]:.2f} ({1 - each[n] / n:.1%})" for n in counts)] for method, each in found.items()]
    return {"Evaluations under way on average (and the share of time in which workers wait), by the number of workers":
            markdown.table(["workers are those of", *map(str, counts)], rows)}


def claims(records: Records) -> list[Claim]:
    found = _by_method(records)
    most = max(workers for each in found.values() for workers in each)
    idle = {method: 1 - each[most] / most for method, each in found.items()}
    return [Claim(f"{most} workers, durations that vary tenfold: workers wait at most {IDLE:.0%} of their time",
                  max(idle.values()) <= IDLE, "; ".join(f"{name} {each:.1%}" for name, each in idle.items()))]


def draw(records: Records, path: Path) -> None:
    from matplotlib.figure import Figure

    axes = (figure := Figure(figsize=(6, 4), layout="constrained")).subplots()
    for method, each in _by_method(records).items():
        axes.plot(list(each), list(each.values()), marker="o", label=method)
    axes.set(xlabel="workers", ylabel="evaluations under way on average")
    axes.legend()
    figure.savefig(path, dpi=110)


def pages(results: Path) -> list[Page]:
    records = store.records(results / "workers")
    return [Page("workers", {"workers": "python -m benchmarks.workers"}, claims(records), shown(records),
                 partial(draw, records))]


def main() -> None:
    parser = store.parser("workers", __doc__)
    parser.add_argument("--quick", action="store_true", help="1 and 2 workers, short sleep, without clusters")
    options = parser.parse_args()
    name = f"workers{'_quick' if options.quick else ''}"
    methods = [method for method in METHODS if not options.quick or not method.endswith(("Dask", "Ray"))]
    tasks = [{"method": method, "workers": workers, "each": 3 if options.quick else EACH,
              "shortest": 0.02 if options.quick else SHORTEST}
             for method in methods for workers in (WORKERS[:2] if options.quick else WORKERS)]
    # one after the other, in this process, which starts others
    records = store.measure(options.out / name, run, tasks, parts=lambda task: (), packages=("numpy",),
                            **{**store.how(options), "jobs": 0})
    draw(records, options.out / f"{name}.png")
    print("\n\n".join(shown(records).values()))


if __name__ == "__main__":
    main()
