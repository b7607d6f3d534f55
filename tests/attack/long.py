"""The long attack: the state machine on 5,000 x 200 steps, in shards that are seeded by their number.

    PYTHONPATH=.:tests python -m attack.long --out runs/attack --jobs 2

A shard that has ended is a line of `done.jsonl` in the folder and is not run again: the command goes on where it was
stopped. Any number of processes on several machines share the work by `--first` and `--last`. A failure is written
with its steps, and ends with exit status 1 after all other shards have run.
"""

import argparse
import json
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import machines
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test


def shard(number, examples, steps):
    """One shard's record."""
    limits = settings(max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
                      phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck), print_blob=True)
    start, failure = time.time(), None
    try:
        run_state_machine_as_test(seed(number)(machines.Machine), settings=limits)
    except Exception:
        failure = traceback.format_exc()
    return {"shard": number, "examples": examples, "steps": steps, "seconds": round(time.time() - start, 1),
            "failure": failure}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, default=99)
    parser.add_argument("--examples", type=int, default=50, help="a shard")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    log = given.out / "done.jsonl"
    records = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    done = {each["shard"] for each in records if (each["examples"], each["steps"]) == (given.examples, given.steps)}
    left = [number for number in range(given.first, given.last + 1) if number not in done]
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for future in as_completed([pool.submit(shard, number, given.examples, given.steps) for number in left]):
            records.append(future.result())
            with log.open("a") as file:
                file.write(json.dumps(records[-1]) + "\n")
    failed = [each["shard"] for each in records if each["failure"]]
    sys.stdout.write(f"{len(records)} shards, {sum(each['examples'] for each in records)} runs, "
                     f"{sum(each['seconds'] for each in records):.0f} s; failed: {failed or 'none'}\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
