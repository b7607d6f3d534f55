"""The long attack: what `make attack` does in small and the same each time, in shards that are seeded by their number.

    PYTHONPATH=.:tests python -m attack.long --out runs/attack --jobs 2 [--parts machine files ...]

A hundred shards of each part make 5,000 x 200 steps of the state machine, 10^6 random and 10^6 targeted flips, as many
forged files, 5,000 processes killed while they save, 10,000 runs of `minimize` that were stopped, and 2,000 x 10 that
ended in every way. A shard that has ended is a line of `done.jsonl` in the folder and is not run again: the command
goes on where it was stopped. Any number of processes on several machines share the work by `--first` and `--last`. A
failure is written with its steps, and ends with exit status 1 after all other shards have run.
"""

import argparse
import json
import random
import sys
import tempfile
import time
import traceback
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import forked
import machines
from attack import test_faults, test_files, test_resuming, test_running
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.stateful import run_state_machine_as_test

LIMITS = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


def machine(number, folder):
    limits = settings(max_examples=50, stateful_step_count=200, phases=[Phase.generate, Phase.shrink], print_blob=True,
                      **LIMITS)
    run_state_machine_as_test(seed(number)(machines.Machine), settings=limits)


def files(number, folder):
    rng = random.Random(number)
    for kind in test_files.KINDS:
        n = 10_000 // len(test_files.KINDS) + 1
        test_files.check_damaged(kind, n, 1, rng, folder / "a")
        test_files.check_forged(kind, n, rng, folder / "a")


def kills(number, folder):
    forking, rng = forked.context("saving"), random.Random(number)
    for _ in range(50):
        test_faults.kill(forking, folder / "a", rng)


def resuming(number, folder):
    @seed(number)
    @settings(max_examples=100, print_blob=True, **LIMITS)
    @given(**test_resuming.CASES)
    def stopped(**case):
        test_resuming.check_resuming(**case, folder=folder)

    stopped()


def running(number, folder):
    warnings.simplefilter("ignore", RuntimeWarning)
    test_running.attack(seed(number), max_examples=20, stateful_step_count=10)


PARTS = {each.__name__: each for each in (machine, files, kills, resuming, running)}


def shard(part, number):
    """One shard's record."""
    start, failure = time.time(), None
    with tempfile.TemporaryDirectory() as folder:
        try:
            PARTS[part](number, Path(folder))
        except Exception:
            failure = traceback.format_exc()
    return {"part": part, "shard": number, "seconds": round(time.time() - start, 1), "failure": failure}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, default=99)
    parser.add_argument("--jobs", type=int, default=1)
    given_ = parser.parse_args()
    given_.out.mkdir(parents=True, exist_ok=True)
    log = given_.out / "done.jsonl"
    records = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    done = {(each["part"], each["shard"]) for each in records}
    left = [(part, number) for number in range(given_.first, given_.last + 1) for part in given_.parts
            if (part, number) not in done]
    with ProcessPoolExecutor(given_.jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for future in as_completed([pool.submit(shard, *each) for each in left]):
            records.append(future.result())
            with log.open("a") as file:
                file.write(json.dumps(records[-1]) + "\n")
    failed = [(each["part"], each["shard"]) for each in records if each["failure"]]
    seconds = sum(each["seconds"] for each in records)
    sys.stdout.write(f"{len(records)} shards, {seconds:.0f} s; failed: {failed or 'none'}\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
