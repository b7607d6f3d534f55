"""A run of `minimize` that another process may kill: `python killed.py CHECKPOINT LOG BUDGET WORKERS [NOISY]`.

Every evaluation writes "began" and its point to the log, and "ended" once the run has been told of it.
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from asng_core import Categorical, Integer, Real, Space, minimize

SPACE = Space({"a": Integer(0, 9), "b": Integer(0, 9), "x": Real(0, 1), "c": Categorical(["u", "v", "w"])})


def loss(values):
    if values["a"] == 9:
        return float("nan")
    return float(np.sin(3 * values["a"]) + values["b"] / 10 + values["x"] ** 2 + (values["c"] == "u"))


def run(path, log, budget, workers, noisy=False):
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(word, values):
        os.write(descriptor, f"{word} {sorted(values.items())!r}\n".encode())

    def objective(values):
        note("began", values)
        time.sleep(0.004)
        if values["b"] == 3 and values["c"] == "v":
            raise ArithmeticError("three")
        return loss(values)

    settings = {"executor": lambda: ThreadPoolExecutor(workers), "n_workers": workers} if workers else {}
    return minimize(objective, SPACE, budget=budget, seed=1, checkpoint=path, noisy=noisy, catch=ArithmeticError,
                    callback=lambda progress: note("ended", progress.values), **settings)


if __name__ == "__main__":
    result = run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), len(sys.argv) > 5)
    print(result.n_evaluations, result.stop_reason)  # noqa: T201
