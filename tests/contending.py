"""One of several processes that want to run on one checkpoint: `python contending.py CHECKPOINT LOG BUDGET`.

Whoever has the file evaluates a few points and lets go of it, until the budget is used. Every evaluation is a line of
the log; what was refused is printed, and the losses in the end.
"""

import os
import sys
import time

import killed

from asng_core import minimize

SHARE = 3  # evaluations before another one may have it


def main(path, log, budget):
    descriptor, refused = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), []

    def objective(values):
        os.write(descriptor, f"{sorted(values.items())!r}\n".encode())
        time.sleep(0.002)
        return killed.loss(values)

    def enough(progress):
        began.append(progress)
        return len(began) >= SHARE

    began = []
    while True:
        began.clear()
        try:
            result = minimize(objective, killed.SPACE, budget=budget, seed=1, checkpoint=path,
                              callback=enough)
        except RuntimeError as error:
            refused.append(str(error))
            time.sleep(0.005)
            continue
        if result.n_evaluations == budget:
            return refused, result.history.losses.tolist()
        time.sleep(0.01)


if __name__ == "__main__":
    print(repr(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))  # noqa: T201
