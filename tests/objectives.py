"""Objectives that another process can import."""

import os
import time

# a local cluster of Dask gives a worker up for good that is missing 15 s after it died, be it because it died again
PATIENT_DASK = {"distributed.deploy.lost-worker-timeout": "10 minutes"}


def distance(values):
    """Of whole numbers from 5."""
    return float(sum(abs(value - 5) for value in values.values()))


def deadly_at_nine(values):
    """`distance`, but any 9 takes the process with it."""
    if 9 in values.values():
        os._exit(1)
    return distance(values)


def always_deadly(values):
    os._exit(1)


def deadly_once(values, flag):
    """`distance`, but the first call anywhere takes the process with it."""
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return distance(values)
    os._exit(1)


def failing_at_nine(values):
    if 9 in values.values():
        raise ArithmeticError("nine")
    return distance(values)


def always_failing(values):
    raise ArithmeticError("always")


def endless(values):
    time.sleep(60)


def doubled(x, method="ours"):
    """A benchmark's run."""
    return {"y": 2 * x}
