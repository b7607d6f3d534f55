"""Arguments that a function does not have, explained by those that it has."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# what other tuners call it
_HERE = {"n_trials": "budget", "n_iter": "budget", "n_calls": "budget", "max_evals": "budget", "maxiter": "budget",
         "n_jobs": "n_workers, with executor", "random_state": "seed", "x0": "initial_points",
         "callbacks": "callback", "storage": "checkpoint"}


def explained(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, which raises TypeError with the argument meant, or with all that there are, for an unknown one."""
    known = [*inspect.signature(function).parameters]

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in known:
                repair = f"Use {_HERE[name]}=" if name in _HERE else f"It takes {', '.join(known)}"
                raise TypeError(f"{function.__name__}() has no argument {name!r}. {repair}.")
        return function(*args, **kwargs)

    return called
