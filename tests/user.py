"""A user's program, for type checkers: what public names take and give. Checked, and run, by test_types.py."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from typing_extensions import assert_type

from asng_core import (
    ASNG,
    Batch,
    Best,
    Boolean,
    Candidate,
    Categorical,
    Integer,
    Minimizer,
    Ordinal,
    Progress,
    Real,
    Result,
    Space,
    maximize,
    minimize,
)
from asng_core.logs import CsvLog


def loss(values: dict[str, Any]) -> float:
    return float(values["n"] + values["rate"])


def watch(progress: Progress) -> bool:
    assert_type(progress.n_evaluations, int)
    assert_type(progress.best, Best | None)
    return progress.seconds > 60


def program(folder: str) -> Result:
    space = Space({"op": Categorical(["a", None]), "n": Integer(1, 9), "k": Ordinal([1, 3]), "on": Boolean(),
                   "rate": Real(0.1, 1.0, log=True)}, active_if={"k": {"op": ["a"]}},
                  constraints=[lambda values: bool(values["n"] < 9)])
    assert_type(space.names, tuple[str, ...])
    with CsvLog(f"{folder}/run.csv", space) as log:
        result = minimize(loss, space, budget=8, seed=0, callback=[watch, log], catch=(ValueError,))
    assert_type(result, Result)
    assert_type(result.values, dict[str, Any])
    assert_type(result.loss, float)
    maximize(loss, space, budget=4, executor=ThreadPoolExecutor, n_workers=2, callback=watch, known=result.history)

    optimizer = Minimizer(space, seed=np.random.SeedSequence(1))
    point = optimizer.ask()
    assert_type(point, Candidate)
    mapping: Mapping[str, Any] = point
    optimizer.tell(point, loss(dict(mapping)))
    batch = optimizer.ask(3)
    assert_type(batch, Batch)
    assert_type(batch[0], Candidate)
    assert_type(batch[:2], Batch)
    optimizer.tell(batch, [loss(dict(each)) for each in batch])
    assert_type(optimizer.recommend(), dict[str, Any])
    optimizer.save(f"{folder}/state.asng")

    other = ASNG(space, seed=0)
    assert_type(other.sample(2), Batch)
    assert_type(other.entropy, float)
    assert_type(other.converged, bool)
    assert_type(other.mode(), dict[str, Any])
    return result
