"""Objectives, for other processes, that hang, die, or say where they are."""

import math
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from asng_core import Integer, Space, minimize

SPACE = Space({"a": Integer(0, 9), "b": Integer(0, 9)})


def hanging_at_nine(values):
    """0 at once, but never where a is 9."""
    if values["a"] == 9:
        time.sleep(600)
    time.sleep(0.01)
    return float(values["a"] + values["b"])


def noting(values, folder):
    """`hanging_at_nine`, which leaves a file for every call."""
    with open(os.path.join(folder, f"{values['a']}-{values['b']}"), "a") as file:
        file.write("x")
    return hanging_at_nine(values)


def noted_twice(values, folder, seconds=0.02):
    """Leaves a line when it begins and one when it ends."""
    with open(os.path.join(folder, "-".join(map(str, values.values()))), "a") as file:
        file.write("began\n")
        file.flush()
        time.sleep(seconds)
        file.write("ended\n")
    return float(sum(values.values()))


def judged(values):
    """Some points raise, some have failed."""
    if values["a"] % 7 == 3:
        raise ArithmeticError("three")
    return math.nan if values["a"] % 7 == 5 else float(values["a"] - values["b"])


def pid(values):
    time.sleep(0.2)
    return float(os.getpid())


class Sleeping:
    """Leaves a file named by the process, and sleeps."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, values):
        open(os.path.join(self.folder, f"pid{os.getpid()}"), "w").close()
        time.sleep(600)


if __name__ == "__main__":  # python unruly.py FOLDER class|factory|process_timeout
    settings = {"class": {"executor": ProcessPoolExecutor, "n_workers": 2},
                "factory": {"executor": lambda: ProcessPoolExecutor(2), "n_workers": 2},
                "timeout": {"executor": ProcessPoolExecutor, "n_workers": 2, "evaluation_timeout": 500}}[sys.argv[2]]
    result = minimize(Sleeping(sys.argv[1]), SPACE, budget=10, seed=1, **settings)
    print(result.stop_reason)  # noqa: T201
