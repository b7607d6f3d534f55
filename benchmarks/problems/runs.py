"""One run of one method on a table, in each mode, scored at the checkpoints of `GRID`."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from asng_core.arrays import Codes, Floats

from ..rivals import ENTRIES, Loss, Method, Setting
from . import tables
from .synthetic import SUITE
from .tables import Table

GRID = (5, 7, 10, 14, 20, 30, 50, 70, 100, 140, 200, 300, 500, 700, 1000)  # evaluations
FREE = 20  # known or invalid proposals in a row that are answered from memory, as many as `minimize` answers
ONEMAX = "OneMax d=100"


def distinct(method: Method, table: Table, setting: Setting, rng: np.random.Generator) -> Iterator[Floats]:
    """The losses of up to `budget` different valid points, in order.

    A proposal already evaluated is answered from memory at no charge, an invalid one as NaN; after
    `FREE` such in a row an unseen random point is evaluated instead, and given to the method.
    """
    invalid = np.isnan(table.losses[:, 0])
    seen = invalid.copy()

    def loss(row: int) -> Loss:
        return table.losses[row] if setting.n_objectives > 1 else float(table.losses[row, 0])

    free = 0
    for _ in range(min(setting.budget, int((~invalid).sum()))):
        while free < FREE:
            codes = method.ask()
            row = int(table.index(codes))
            if not seen[row]:
                break
            method.tell(codes, loss(row))
            free += 1
        if free < FREE:
            told = method.tell
        else:
            row = int(rng.choice(np.flatnonzero(~seen)))
            codes, told = np.array(np.unravel_index(row, table.space.sizes)), method.add
        free = 0
        seen[row] = True
        told(codes, loss(row))
        yield table.losses[row]


def noise_free(method: str, table: str, seed: int, budget: int) -> dict[str, Any]:
    """Scores of the best point, and "optimum", the distinct evaluations until it was found, or None."""
    start, data = time.perf_counter(), tables.table(table)
    setting = Setting(data.space, budget, constraint=data.constraint)
    run = distinct(ENTRIES[method].load()(setting, seed), data, setting, np.random.default_rng([seed, 1]))
    best = np.minimum.accumulate(np.array([losses[0] for losses in run]))
    optimum = int(np.argmax(best <= data.optimum)) + 1 if best[-1] <= data.optimum else None
    scores = [round(data.score(best[min(n, len(best)) - 1]), 4) for n in GRID if n <= budget]
    return {"score": scores, "optimum": optimum, "seconds": _since(start)}


def two_objectives(method: str, table: str, seed: int, budget: int) -> dict[str, Any]:
    """Hypervolumes of all evaluated points over the whole table's, every objective scaled to [0, 1],
    reference point (1.1, 1.1)."""
    start, data = time.perf_counter(), tables.table(table)
    setting = Setting(data.space, budget, n_objectives=2)
    run = distinct(ENTRIES[method].load()(setting, seed), data, setting, np.random.default_rng([seed, 1]))
    low, high = data.losses.min(axis=0), data.losses.max(axis=0)
    whole = hypervolume((data.losses - low) / (high - low))
    found = (np.array(list(run)) - low) / (high - low)
    scores = [round(hypervolume(found[:n]) / whole, 5) for n in GRID if n <= budget]
    return {"score": scores, "seconds": _since(start)}


def hypervolume(points: Floats, reference: float = 1.1) -> float:
    """The area that `(n, 2)` points, each within the reference, dominate."""
    x, y = points[np.lexsort((points[:, 1], points[:, 0]))].T
    lowest = np.minimum.accumulate(y)
    return float((np.diff(x, append=reference) * (reference - lowest)).sum())


def noisy(method: str, table: str, seed: int, budget: int) -> dict[str, Any]:
    """Scores of the recommended point; an evaluation is the loss of one random training seed."""
    return asynchronous(method, table, seed, budget, workers=1)


def asynchronous(method: str, table: str, seed: int, budget: int, workers: int) -> dict[str, Any]:
    """Evaluations that take independent exponential times on `workers` workers, told as they end: scores
    of the recommended point, or on OneMax "optimum", the evaluations until it was told, or None."""
    start, rng = time.perf_counter(), np.random.default_rng([seed, 1])
    if table == ONEMAX:
        problem = SUITE[table](seed)
        setting = Setting(problem.space, budget, n_workers=workers)
        run = completed(ENTRIES[method].load()(setting, seed), problem.loss, setting, rng)
        found = next((n for n, loss in enumerate(run, 1) if loss <= problem.optimum), None)
        return {"optimum": found, "seconds": _since(start)}
    data = tables.table(table)
    setting = Setting(data.space, budget, noisy=True, n_workers=workers)
    optimizer = ENTRIES[method].load()(setting, seed)
    scores = []
    for n, _ in enumerate(completed(optimizer, _one_training_seed(data, rng), setting, rng), 1):
        if n in GRID:
            row = int(data.index(optimizer.recommend()))
            scores.append(round(data.score(data.losses[row, 0]), 4))
    return {"score": scores, "seconds": _since(start)}


def completed(method: Method, loss: Callable[[Codes], float], setting: Setting,
              rng: np.random.Generator) -> Iterator[float]:
    """The losses of `budget` evaluations in the order in which the workers end them."""
    running: list[tuple[float, int, Codes]] = []  # (end, number, point)
    for number in range(setting.n_workers):
        heapq.heappush(running, (float(rng.exponential()), number, method.ask()))
    for n in range(setting.budget):
        now, _, codes = heapq.heappop(running)
        result = loss(codes)
        method.tell(codes, result)
        yield result
        heapq.heappush(running, (now + float(rng.exponential()), setting.n_workers + n, method.ask()))


def _one_training_seed(table: Table, rng: np.random.Generator) -> Callable[[Codes], float]:
    per_seed = table.per_seed
    if per_seed is None:
        raise ValueError(f"table {table.name!r} holds no training seeds. Use one of {', '.join(tables.NOISY)}.")

    def loss(codes: Codes) -> float:
        losses = per_seed[int(table.index(codes))]
        return float(rng.choice(losses[~np.isnan(losses)]))
    return loss


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 2)
