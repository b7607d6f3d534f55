"""Stored runs: one compressed file a benchmark, and beside it, while it is measured, the runs that have ended.

    results/NAME.json.xz          {"sources": [...], "records": [...]}: read it by `xzcat`, or by Python's `lzma.open`
    results/NAME.partial.jsonl    a line a run, appended as it ends; folded in when all have, read until then

A record is a task, what it gave, and its source: date, machine, versions, and what the `BEHAVIOURS` of asng were that
it depends on.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

from asng_core import checkpoint

from .rivals import ENTRIES

# How many times seeded runs of a part of asng have come to give, or cost, something else (CONTRIBUTING.md).
BEHAVIOURS = {"ASNG": 1, "Minimizer": 12, "fidelities": 4, "asng_torch": 2}
Task = dict[str, Any]
Record = dict[str, Any]  # "task", "result", "source"
RESULTS = Path(__file__).parent / "results"
SUFFIX, PARTIAL = ".json.xz", ".partial.jsonl"


def of_method(task: Task) -> Sequence[str]:
    """The parts of asng that a task's method depends on."""
    return ENTRIES[task["method"]].parts


def measure(path: Path, run: Callable[..., dict[str, Any]], tasks: Sequence[Task], *,
            parts: Callable[[Task], Sequence[str]] = of_method, packages: Sequence[str] = ("numpy",), jobs: int = 1,
            restart: bool = False, refresh: bool = False) -> list[Record]:
    """Call `run(**task)` for every task that is not stored at `path`; all records, in the tasks' order.

    Stopped at any minute, it loses the runs that were under way. Tasks and results are JSON.

    path: without suffix, `RESULTS / "toy"`.
    parts: the keys of `BEHAVIOURS` that a task's result depends on.
    packages: whose versions are noted, beside those of the tasks' methods.
    jobs: processes; 0 measures in this one.
    restart: measure these tasks again, whatever is stored.
    refresh: measure those of them again that are behind the `BEHAVIOURS`.
    """
    known = _read(path)
    if restart:
        known = {key: record for key, record in known.items() if key not in set(map(_key, tasks))}
        _write(path, known)
    missing = [task for task in tasks
               if _key(task) not in known or (refresh and behind(known[_key(task)]["source"]))]
    session = {"date": date.today().isoformat(), "machine": machine(),
               "versions": {package: version(package) for package in ("asng", *packages, *_libraries(missing))}}
    if missing:
        with _appending(path) as partial:
            for task, result in tqdm(_results(run, missing, jobs), total=len(missing), desc=path.name):
                source = {**session, "behaviours": {part: BEHAVIOURS[part] for part in parts(task)}}
                known[_key(task)] = {"task": task, "result": result, "source": source}
                partial.write(json.dumps(known[_key(task)]) + "\n")
                partial.flush()
    if _beside(path, PARTIAL).exists():
        _write(path, known)
    return [known[_key(task)] for task in tasks]


def _libraries(tasks: Sequence[Task]) -> dict[str, None]:
    """The packages of the tasks' methods."""
    entries = (ENTRIES[task["method"]] for task in tasks if task.get("method") in ENTRIES)
    return dict.fromkeys(entry.package for entry in entries if entry.package)


def _results(run: Callable[..., dict[str, Any]], tasks: Sequence[Task],
             jobs: int) -> Iterator[tuple[Task, dict[str, Any]]]:
    """Each task and what it gave, as they end."""
    if not jobs:
        yield from ((task, run(**task)) for task in tasks)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:  # fork and threads do not mix
        futures = {pool.submit(run, **task): task for task in tasks}
        try:
            yield from ((futures[future], future.result()) for future in as_completed(futures))
        except BaseException:  # Ctrl-C would otherwise wait for all that are queued
            pool.shutdown(cancel_futures=True)
            raise


def records(path: Path) -> list[Record]:
    """All that is stored at the path."""
    found = list(_read(path).values())
    if not found:
        raise FileNotFoundError(f"{_beside(path, SUFFIX)} holds no run. Measure it by its command in "
                                "benchmarks/README.md.")
    return found


def stored(path: Path, tasks: Sequence[Task]) -> list[Record]:
    """The records of those tasks that are stored."""
    known = _read(path)
    return [known[key] for key in map(_key, tasks) if key in known]


def names(results: Path) -> list[str]:
    """Of all that is stored in the folder."""
    return sorted({path.name.removesuffix(suffix) for suffix in (SUFFIX, PARTIAL)
                   for path in results.glob(f"*{suffix}")})


def sources(found: Sequence[Record]) -> list[dict[str, Any]]:
    """What measured them: "date", "machine", "versions" and "behaviours" of each session and part."""
    distinct = {id(record["source"]): record["source"] for record in found}  # most records share theirs
    return list({_key(source): source for source in distinct.values()}.values())


def behind(source: dict[str, Any]) -> dict[str, int]:
    """Part -> changes of behaviour since; empty for a run that would repeat, or of a rival."""
    changes = {part: BEHAVIOURS[part] - number for part, number in source["behaviours"].items()}
    return {part: n for part, n in changes.items() if n}


def oldest(found: Sequence[Record]) -> dict[str, int]:
    """Part -> changes of behaviour since the oldest of its runs."""
    changes: dict[str, int] = {}
    for source in sources(found):
        changes |= {part: max(n, changes.get(part, 0)) for part, n in behind(source).items()}
    return changes


def parser(module: str, doc: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark has; `doc` is the module's, its claim and commands."""
    options = argparse.ArgumentParser(prog=f"python -m benchmarks.{module}", description=doc,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--jobs", type=int, default=os.cpu_count(),
                         help="processes (default: one a core; 0: in this one)")
    options.add_argument("--refresh", action="store_true", help="measure again what is behind asng's behaviour")
    options.add_argument("--restart", action="store_true", help="measure again whatever is stored, instead of resuming")
    options.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    return options


def comparison(module: str, doc: str | None, methods: Sequence[str], *, quick: str,
               seeds: int | None = None) -> argparse.ArgumentParser:
    """Those of a comparison of methods; `quick` says what --quick does."""
    options = parser(module, doc)
    options.add_argument("--methods", nargs="+", choices=methods, default=list(methods), metavar="METHOD",
                         help="of " + ", ".join(methods))
    if seeds is not None:
        options.add_argument("--seeds", type=int, default=seeds, help=f"runs of a problem (default {seeds})")
    options.add_argument("--stored", action="store_true", help="measure nothing, show what is stored")
    options.add_argument("--quick", action="store_true", help=quick)
    return options


def compared(options: argparse.Namespace, name: str, run: Callable[..., dict[str, Any]], tasks: Sequence[Task],
             **measured: Any) -> list[Record]:
    """What a comparison shows, once what its options ask for is measured: all that is stored, since a method is shown
    beside the others."""
    path = options.out / name
    if not options.stored:
        measure(path, run, tasks, **measured, **how(options))
    return records(path)


def how(options: argparse.Namespace) -> dict[str, Any]:
    """The keywords of `measure` that are among the options."""
    return {"jobs": options.jobs, "restart": options.restart, "refresh": options.refresh}


def _key(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _read(path: Path) -> dict[str, Record]:
    """Key of the task -> record; a run that has just ended replaces the one that is folded in."""
    found: dict[str, Record] = {}
    folded, partial = _beside(path, SUFFIX), _beside(path, PARTIAL)
    if folded.exists():
        content = json.loads(lzma.decompress(folded.read_bytes()))
        for record in content["records"]:
            found[_key(record["task"])] = {**record, "source": content["sources"][record["source"]]}
    for line in partial.read_text().splitlines() if partial.exists() else ():
        try:
            record = json.loads(line)
        except ValueError:  # cut short when the run was stopped
            continue
        found[_key(record["task"])] = record
    return found


def _write(path: Path, known: dict[str, Record]) -> None:
    """Compress all, a line a record; what has been appended is then among it."""
    found = sources(list(known.values()))
    numbered = [{**record, "source": found.index(record["source"])} for record in known.values()]
    text = json.dumps({"sources": found, "records": numbered}).replace('{"task"', '\n{"task"')
    data = lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.atomically(_beside(path, SUFFIX), lambda file: file.write(data))
    _beside(path, PARTIAL).unlink(missing_ok=True)


def _appending(path: Path) -> Any:
    """The file of the runs that have ended, open behind its last line."""
    partial = _beside(path, PARTIAL)
    partial.parent.mkdir(parents=True, exist_ok=True)
    file = partial.open("a")
    if file.tell() and not partial.read_text().endswith("\n"):
        file.write("\n")
    return file


def machine() -> str:
    """The processor, the number of cores and the Python version, in words."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"
