"""Stored results: one JSON file per benchmark, filled as runs finish, so that a stopped one resumes.

Each record names its source: date, machine, versions, and what the `BEHAVIOURS` of asng were that it depends on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

from asng_core import checkpoint

from .rivals import ENTRIES

# How many times seeded runs of a part of asng have come to give, or cost, something else (CONTRIBUTING.md). A run
# that is more than one change behind is measured again.
BEHAVIOURS = {"ASNG": 1, "Minimizer": 3, "asng_torch": 1}
Task = dict[str, Any]
RESULTS = Path(__file__).parent / "results"


def of_method(task: Task) -> Sequence[str]:
    """The parts of asng that a task's method depends on."""
    return ENTRIES[task["method"]].parts


def measure(path: Path, run: Callable[..., dict[str, Any]], tasks: Sequence[Task], *,
            parts: Callable[[Task], Sequence[str]] = of_method, packages: Sequence[str] = ("numpy",), jobs: int = 1,
            restart: bool = False) -> list[dict[str, Any]]:
    """Call `run(**task)` for every task not yet in the file at `path`; all records, in the tasks' order.

    A record is its task and what `run` returned, both JSON. Each task runs in a process of its own
    pool of `jobs`; the file is rewritten after each.

    parts: the keys of `BEHAVIOURS` that a task's result depends on.
    """
    before = {"sources": [], "records": []} if restart or not path.exists() else _read(path)
    known = {_key(record["task"]): record for record in before["records"]}
    session = {"date": date.today().isoformat(), "machine": machine(),
               "versions": {package: version(package) for package in ("asng", *packages)}}
    sources = list(before["sources"])
    missing = [task for task in tasks if _key(task) not in known or _behind(known[_key(task)], sources) > 1]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:  # fork and threads do not mix
        futures = {pool.submit(run, **task): task for task in missing}
        for future in tqdm(as_completed(futures), total=len(missing), desc=path.stem, disable=not missing):
            task = futures[future]
            source = {**session, "behaviours": {part: BEHAVIOURS[part] for part in parts(task)}}
            if source not in sources:
                sources.append(source)
            known[_key(task)] = {"task": task, "result": future.result(), "source": sources.index(source)}
            _write(path, sources, list(known.values()))
    return [known[_key(task)] for task in tasks]


def records(path: Path) -> list[dict[str, Any]]:
    """All that are in the file."""
    return list(_read(path)["records"])


def sources(path: Path) -> list[dict[str, Any]]:
    """What measured the file: "date", "machine", "versions" and "behaviours" of each session and part."""
    return list(_read(path)["sources"])


def behind(path: Path) -> int:
    """How many changes of behaviour the oldest run in the file has seen since."""
    stored = _read(path)
    return max(_behind(record, stored["sources"]) for record in stored["records"])


def stored(path: Path, tasks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of those tasks that are in the file."""
    known = {_key(record["task"]): record for record in records(path)}
    return [known[key] for key in map(_key, tasks) if key in known]


def parser(module: str, doc: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark has; `doc` is the module's, its claim and commands."""
    options = argparse.ArgumentParser(prog=f"python -m benchmarks.{module}", description=doc,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one a core)")
    options.add_argument("--restart", action="store_true", help="forget stored runs instead of resuming")
    options.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    return options


def _key(task: dict[str, Any]) -> str:
    return json.dumps(task, sort_keys=True)


def _behind(record: dict[str, Any], sources: list[dict[str, Any]]) -> int:
    """0 for a run of a rival, which depends on nothing of ours."""
    behaviours: dict[str, int] = sources[record["source"]]["behaviours"]
    return max((BEHAVIOURS[part] - number for part, number in behaviours.items()), default=0)


def _read(path: Path) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(path.read_text())
    return stored


def _write(path: Path, sources: list[dict[str, Any]], records: list[dict[str, Any]]) -> None:
    text = json.dumps({"sources": sources, "records": records}).replace('{"task"', '\n{"task"')  # a line a record
    path.parent.mkdir(exist_ok=True)
    checkpoint.atomically(path, lambda file: file.write(text.encode()))


def machine() -> str:
    """The processor, the number of cores and the Python version, in words."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"
