"""GPU kernels whose every configuration was measured, as searches of Kernel Tuner in its simulation mode.

A search's progress is how far its best kernel so far has come from the median of all configurations to the
optimum: 0 at the median and before, 1 at the optimum. Its budget is that of random search: as many unique
configurations, failed ones included, as it needs to come 95% of the way on average.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import tempfile
import time
import warnings
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from asng_core.arrays import Floats

from ..rivals import OURS
from .tables import DATA

SHARE = 0.95
GPUS = {"gemm": ("RTX_2080_Ti", "RTX_3090", "RTX_Titan"),
        "convolution": ("A100", "A4000", "A6000", "MI250X", "W6600", "W7800")}
TABLES = tuple(f"{kernel} {gpu}" for kernel, gpus in GPUS.items() for gpu in gpus)
VARIANTS: dict[str, dict[str, Any]] = {OURS: {}, f"{OURS}, own beginning": {"beginning": 0}}
_GEMM = ("MWG % (MDIMC * VWM) == 0", "NWG % (NDIMC * VWN) == 0", "MWG % (MDIMA * VWM) == 0",
         "NWG % (NDIMB * VWN) == 0", "KWG % ((MDIMC * NDIMC) / MDIMA) == 0", "KWG % ((MDIMC * NDIMC) / NDIMB) == 0")


class Kernel:
    """The table of a kernel on a GPU; times in milliseconds, NaN where a configuration failed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kernel, self.gpu = name.split()
        meta = json.loads((DATA / "gpu_kernel_tuning" / "meta.json").read_text())[self.kernel]
        self.tune_params: dict[str, list[int]] = meta["tune_params"]
        self.restrictions: list[str] = list(meta.get("constraints", _GEMM))
        self.problem_size: tuple[int, ...] = tuple(meta[self.gpu]["problem_size"])
        with np.load(DATA / "gpu_kernel_tuning" / f"{self.kernel}.npz") as file:
            rows, measured = file["configs"].tolist(), file["params"].tolist()
            self.times: Floats = file["time_ms"][:, file["gpus"].tolist().index(self.gpu)].astype(np.float64)
        # parameters of one value are no columns of the table
        self.configs = [tuple({**{key: values[0] for key, values in self.tune_params.items()},
                               **dict(zip(measured, row, strict=True))}.values()) for row in rows]

    @cached_property
    def sorted(self) -> Floats:
        """The times of the configurations that run, ascending."""
        return np.sort(self.times[~np.isnan(self.times)])

    def progress(self, milliseconds: Any) -> Floats:
        """From 0, at the median or worse or failed, to 1 at the optimum."""
        median, best = float(np.median(self.sorted)), self.sorted[0]
        found: Floats = np.clip((median - np.nan_to_num(milliseconds, nan=np.inf)) / (median - best), 0, 1)
        return found

    @cached_property
    def random_search(self) -> Floats:
        """Its expected progress after 1, 2, ... configurations, drawn without repetition; up to the budget."""
        n_all = len(self.times)
        progress = np.append(self.progress(self.sorted), np.zeros(n_all - len(self.sorted)))
        none_before = np.ones(n_all)  # [k]: the probability that none of the best k has been drawn
        expected: list[float] = []
        while not expected or expected[-1] < SHARE:
            drawn = len(expected)
            none_before *= np.clip((n_all - drawn - np.arange(n_all)) / (n_all - drawn), 0, None)
            expected.append(float((none_before - np.append(none_before[1:], 0)) @ progress))
        return np.array(expected)

    @property
    def budget(self) -> int:
        """The unique configurations that a search may evaluate."""
        return len(self.random_search)

    @cached_property
    def cache(self) -> dict[str, Any]:
        """What Kernel Tuner's simulation mode reads, as JSON."""
        names = list(self.tune_params)
        times = [ms if np.isfinite(ms) else "CompilationFailedConfig" for ms in self.times.tolist()]
        timings = dict.fromkeys(("compile_time", "verification_time", "benchmark_time", "strategy_time",
                                 "framework_time"), 0)
        return {"schema_version": "1.0.0", "device_name": self.gpu, "kernel_name": self.kernel,
                "problem_size": list(self.problem_size), "tune_params_keys": names, "tune_params": self.tune_params,
                "objective": "time",
                "cache": {",".join(map(str, config)): {
                    **dict(zip(names, config, strict=True)), "time": ms, "times": [ms], **timings,
                    "timestamp": "2025-01-01 00:00:00+00:00"}
                    for config, ms in zip(self.configs, times, strict=True)}}


@cache
def kernel(name: str) -> Kernel:
    """The kernel and GPU of that name, read once."""
    return Kernel(name)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Of this process, gone with it."""
    return tempfile.TemporaryDirectory(prefix="kernel_tuner")


def cache_file(name: str) -> Path:
    """The table as a file for Kernel Tuner."""
    path = Path(_folder().name) / f"{name.replace(' ', '_')}.json"
    if not path.exists():
        path.write_text(json.dumps(kernel(name).cache))
    return path


def run(method: str, table: str, seed: int, budget: int) -> dict[str, Any]:
    """A search by ours or by a strategy of Kernel Tuner, of `budget` unique configurations.

    "improvements": `[n, milliseconds]` of each configuration that was better than all before; "evaluations" and
    "failed" configurations, "seconds" of the whole search.
    """
    import kernel_tuner

    from asng_core.integrations.kernel_tuner import strategy

    known, began = kernel(table), time.perf_counter()
    random.seed(seed)  # what Kernel Tuner's own strategies draw from
    np.random.seed(seed)  # noqa: NPY002
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results, _ = kernel_tuner.tune_kernel(
            known.kernel, "", known.problem_size, [], known.tune_params, restrictions=known.restrictions, lang="C",
            strategy=strategy(seed=seed, **VARIANTS[method]) if method in VARIANTS else method,
            strategy_options={"max_fevals": budget}, cache=str(cache_file(table)), simulation_mode=True, quiet=True)
    seconds = time.perf_counter() - began
    unique: dict[tuple[Any, ...], float | None] = {}
    for result in results:  # repeats among them
        unique.setdefault(tuple(result[name] for name in known.tune_params),
                          None if "__error__" in result else result["time"])
    improvements: list[list[float]] = []
    for n, milliseconds in enumerate(unique.values(), 1):
        if milliseconds is not None and (not improvements or milliseconds < improvements[-1][1]):
            improvements.append([n, milliseconds])
    return {"improvements": improvements, "evaluations": len(unique),
            "failed": sum(each is None for each in unique.values()), "seconds": round(seconds, 2)}


def curve(table: str, budget: int, improvements: Sequence[Sequence[float]]) -> Floats:
    """The progress after 1, 2, ... `budget` unique configurations; a search that ended early stays where it was."""
    best = np.full(budget, np.nan)
    for n, milliseconds in improvements:
        best[int(n) - 1:] = milliseconds
    return kernel(table).progress(best)
