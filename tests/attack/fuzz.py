"""Coverage-guided fuzzing (atheris) of every reader of files and texts, behind the digests: see `readers`.

    PYTHONPATH=.:tests python -m attack.fuzz --seconds 60 [--readers ASNG journal ...] [--jobs 2] [--out runs/fuzz]

Every reader has so many seconds, in a process of its own, or `--inputs`, whichever ends first. The inputs follow from
`--seed`, by default another one each time: with one given, a slower machine reads the first of the same. What it finds
is an error that is not the documented one, or an input that takes 20 s or 2 GB. The first of each kind is kept in the
folder, with its traceback, and the exit status is 1.
New coverage is kept there too, and gone on from; `python -m attack.fuzz --keep` writes the smallest of it to `corpus`.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")
STRANGE = [None, True, False, -1, 0, 1, 2, 3, 10**19, -(10**30), 0.5, -0.0, 1e308, float("nan"), float("inf"), "", "x",
           "1", "<f8", [], {}, [[]], [0], [None], {"__array__": "array0"}, {"__pairs__": [[1, 2]]},
           {"__pairs__": [[[], 0]]}, {"a": 1}]
NUMBERS = [float("nan"), float("inf"), -1.0, -0.0, 0.5, 1e308, 5e-324, 3.0, 2.0**53]


# mutations that leave JSON as JSON: what libFuzzer alone hardly finds


def nodes(tree):
    """Every place in a tree, as (container, key)."""
    if isinstance(tree, (dict, list)):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield tree, key
            yield from nodes(value)


def tree_changed(text, rng):
    root = [json.loads(text)]
    for _ in range(rng.choice([1, 1, 2, 4])):
        places = list(nodes(root))
        where, key = rng.choice(places)
        value, action = where[key], rng.randrange(6)
        if isinstance(value, str) and value[:1] in ("{", "[") and rng.random() < 0.9:  # JSON in JSON, in safetensors
            where[key] = tree_changed(value, rng).decode()
            continue
        if action == 0 and where is not root:
            del where[key]
        elif action == 1:
            other, at = rng.choice(places)
            where[key] = json.loads(json.dumps(other[at]))  # an error if it was deleted: another mutation then
        elif action == 2 and isinstance(where, list) and where is not root:
            where.insert(key, json.loads(json.dumps(value)))
        elif action == 3 and type(value) in (int, float):
            where[key] = value + rng.choice([-1, 1, 0.5, -value, value])
        elif action == 4 and isinstance(where, dict):
            where[rng.choice(["x", "", *where])] = value
        else:
            where[key] = rng.choice(STRANGE)
    return json.dumps(root[0], separators=(",", ":")).encode()  # as safetensors writes it


def array_changed(arrays, rng):
    import struct
    changed = bytearray(arrays)
    for _ in range(rng.choice([1, 1, 3])):
        at = rng.randrange(max(1, len(arrays) // 8)) * 8
        number = rng.choice([struct.pack("<d", rng.choice(NUMBERS)), struct.pack("<q", rng.choice([-1, 0, 1, 2**62]))])
        changed[at : at + 8] = number
    return bytes(changed[: len(arrays)])


def mutator(atheris):
    def mutate(data, limit, seed):
        rng = random.Random(seed)
        header, zero, arrays = data.partition(b"\0")
        if arrays and rng.random() < 0.2:
            return (header + zero + array_changed(arrays, rng))[:limit]
        if rng.random() < 0.75:
            lines = header.split(b"\n")
            i = rng.randrange(len(lines))
            try:
                lines[i] = tree_changed(lines[i], rng)
                return (b"\n".join(lines) + zero + arrays)[:limit]
            except (ValueError, KeyError, IndexError, TypeError, RecursionError, OverflowError):
                pass
        room = max(1, limit - len(arrays) - 1)
        return (atheris.Mutate(header[:room], room) + zero + arrays)[:limit]

    return mutate


# readers, each in a process of its own, forked from one that has imported and instrumented all


def of(error):
    """What tells one finding from another: the error and where in the package it came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/asng_" in frame.filename]
    last = frames[-1] if frames else traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}-{Path(last.filename).stem}-{last.lineno}"


def each_of(names, jobs, folder, limits):
    """Fuzz these readers; their exit statuses are left in their folders."""
    import atheris
    with atheris.instrument_imports(include=["asng_core", "asng_torch"], enable_loader_override=False):
        from attack.readers import READERS
        for name in names:
            for each in READERS[name].seeds():
                READERS[name].read(each)
    left, running = list(names), {}
    while left or running:
        while left and len(running) < jobs:
            name = left.pop(0)
            if (pid := os.fork()) == 0:
                one(name, folder / name, limits)
            running[pid] = name
        pid, status = os.wait()
        (folder / running.pop(pid) / "status").write_text(str(os.waitstatus_to_exitcode(status)))


def one(name, out, limits):
    """Fuzz one reader until libFuzzer ends this process."""
    import atheris
    from attack import readers
    try:
        log = os.open(out / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1), os.dup2(log, 2)
        readers.PLACE = Path(tempfile.mkdtemp(dir=readers.PLACE))
        read = readers.READERS[name].read
        for i, each in enumerate(readers.READERS[name].seeds()):
            (out / "seeds" / f"seed-{i}").write_bytes(each)

        def target(data):
            try:
                read(data)
            except Exception as error:
                path = out / f"found-{of(error)}"
                if not path.exists():
                    path.write_bytes(data)
                    path.with_name(f"trace-{path.name}").write_text(traceback.format_exc())

        kept = [str(CORPUS / name)] if (CORPUS / name).is_dir() else []
        places = [f"-artifact_prefix={out}/found-", str(out / "new"), str(out / "seeds"), *kept]
        atheris.Setup([sys.argv[0], *limits, *places], target, custom_mutator=mutator(atheris))
        atheris.Fuzz()
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(1)


def fuzzed(names, jobs, folder, limits):
    """Of each reader the findings, how many inputs were read, and how much was covered."""
    for name in names:
        for each in ("seeds", "new"):
            (folder / name / each).mkdir(parents=True, exist_ok=True)
        for each in [*(folder / name / "seeds").iterdir(), *(folder / name).glob("status")]:
            each.unlink()
    code = f"from attack import fuzz; fuzz.each_of({names!r}, {jobs}, fuzz.Path({str(folder)!r}), {limits!r})"
    tests = Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": f"{tests.parent}{os.pathsep}{tests}", "PYTHONHASHSEED": "0"}
    with (folder / "log").open("w") as log:
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, env=environment, stdout=log,
                       stderr=log)
    return {name: summary(folder / name) for name in names}


def summary(out):
    text, status = (out / "log").read_text(errors="replace"), (out / "status").read_text()
    executed = re.findall(r"number_of_executed_units: (\d+)", text)
    covered = re.findall(r" ft: (\d+)", text)
    found = sorted(each.name for each in out.glob("found-*"))
    if not executed or (status != "0" and not found):
        found.append(f"exit status {status}: {out / 'log'}")
    return found, int(executed[-1]) if executed else 0, int(covered[-1]) if covered else 0


def keep(folder, most=24, size=4096):
    """The smallest new inputs of each reader become the corpus."""
    for new in folder.glob("*/new"):
        target = CORPUS / new.parent.name
        target.mkdir(parents=True, exist_ok=True)
        every = [each.read_bytes() for each in [*target.iterdir(), *new.iterdir()]]
        for each in target.iterdir():
            each.unlink()
        for i, each in enumerate(sorted({each for each in every if len(each) <= size}, key=len, reverse=True)[:most]):
            (target / f"{i:02}").write_bytes(each)


def main():
    from attack.readers import READERS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="each reader")
    parser.add_argument("--readers", nargs="+", choices=READERS, default=list(READERS))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--inputs", type=int, default=-1, help="each reader; -1: no limit")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    out = given.out or Path(tempfile.mkdtemp())
    if given.keep:
        return keep(out)
    limits = [f"-max_total_time={given.seconds}", f"-runs={given.inputs}", f"-seed={given.seed}", "-timeout=20",
              "-rss_limit_mb=2048", "-max_len=200000", "-len_control=0", "-print_final_stats=1"]
    done = fuzzed(given.readers, given.jobs, out, limits)
    for name, (found, executed, covered) in done.items():
        sys.stdout.write(f"{name:12} {executed:9,} inputs, {covered:6,} features; found: {', '.join(found) or '-'}\n")
    return any(found for found, _, _ in done.values())


if __name__ == "__main__":
    sys.exit(main())
