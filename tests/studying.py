"""A process that takes part in a shared study."""

import time

from asng_core import Categorical, Integer, Real, Space
from asng_core.study import Study

SPACE = Space({"a": Integer(0, 9), "c": Categorical(["u", "v", "w"]), "x": Real(0, 1), "d": Integer(0, 9)},
              active_if={"x": {"c": ["u", "v"]}})


def loss(values):
    return float((values["a"] - 3) ** 2 + values.get("x", 0.5) + (values["c"] == "u") + values["d"] / 10)


def slow(values):
    time.sleep(0.1)
    return loss(values)


def work(url, lease):
    """What each process does; the first of them begins the study."""
    with Study(url, SPACE, seed=0, lease=lease) as study:
        study.minimize(slow, budget=60)
