"""Every rule about what `minimize` is given and what its objective returns; see `checks` for how errors read."""

from __future__ import annotations

import math
import os
import pickle
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np

from .. import checks
from ..ask_tell import rules as told_rules
from ..checkpoint import CheckpointError
from ..distribution.pins import fixed_codes
from ..space.space import Space


def function(where: str, value: object) -> Callable[[Any], Any]:
    """Something to call."""
    if not callable(value):
        raise TypeError(f"{where} must be a function from a dict of values to a loss, got {checks.shown(value)}.")
    return value


def callbacks(where: str, value: object) -> list[Callable[[Any], Any]]:
    """What to call with every evaluation: nothing, a function, or several."""
    listed = () if value is None else (value,) if callable(value) else checks.listed(value)
    if listed is None or not all(map(callable, listed)):
        raise TypeError(f"{where} must be a function of a Progress, called after every evaluation, which stops the run "
                        f"by returning True, or a list of such, got {checks.shown(value)}. Use "
                        "callback=lambda progress: ....")
    return [*listed]


def space(where: str, value: object) -> Space:
    """A Space."""
    if not isinstance(value, Space):
        raise TypeError(f"{where} must be a Space, got {checks.shown(value)}. Use Space({{name: variable}}).")
    return value


def initial_points(where: str, value: object, points: Space) -> list[dict[str, Any]]:
    """Points of the space, or parts of some."""
    found = checks.listed(value)
    if found is None or not all(isinstance(each, Mapping) for each in found):
        raise TypeError(f"{where} must be a list of dicts of values, got {checks.shown(value)}."
                        f"{' Put it into a list.' * isinstance(value, Mapping)}")
    for i, each in enumerate(found):
        name = f"{where[:where.index('=')]}=[...]), point {i}"
        fixed_codes(points, each, name)
        try:
            points.encode(each)
        except ValueError:  # a part, the rest of which is chosen
            continue
        if not points.feasible(each):
            raise ValueError(f"{name} must satisfy the space's constraints, got {checks.shown(dict(each))}. "
                             "Leave out what breaks them.")
    return [dict(each) for each in found]


def any_point(where: str, points: Space, n_known: int) -> None:
    """A space in which something was found to evaluate."""
    if not n_known:
        names = ", ".join(points.constraints.names)
        raise ValueError(f"{where} must have points that satisfy its constraints ({names}), but none of those tried "
                         "does. Loosen them.")


def budget(where: str, value: object) -> int:
    """A number of evaluations."""
    if isinstance(value, float) and value.is_integer():
        raise TypeError(f"{where} must be an integer, got {value!r}, a float. Write {int(value)}.")
    number = checks.integer(where, value)
    if number < 1:
        raise ValueError(f"{where} must be at least 1, got {number}. It is the number of evaluations to pay for; "
                         "to stop by something else, give a large budget and timeout=, target= or callback=.")
    return number


def failures(where: str, value: object) -> tuple[type[Exception], ...]:
    """Exception classes, as `except` takes them."""
    listed = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(each, type) and issubclass(each, Exception) for each in listed):
        raise TypeError(f"{where} must be an exception class or a tuple of them, got {checks.shown(value)}. "
                        "Use catch=(ValueError, RuntimeError), or catch=Exception for every error.")
    return listed


def executor(where: str, value: object, n_workers: int | None, timeout: float | None, vectorized: bool) -> None:
    """None, an executor, or a function without arguments that makes one."""
    if value is None:
        if timeout is not None:
            raise ValueError(f"{where[:where.index('(')]}(evaluation_timeout={timeout:g}) must come with an executor, "
                             "since an evaluation in this process cannot be cut short. Pass "
                             "executor=ProcessPoolExecutor.")
        if n_workers is not None and n_workers > 1:
            raise ValueError(f"{where[:where.index('(')]}(n_workers={n_workers}) must come with an executor, got none. "
                             "Pass executor=ThreadPoolExecutor, or a function that makes a ProcessPoolExecutor.")
    elif vectorized:
        raise ValueError(f"{where} must be None with vectorized=True, where one call evaluates a population. "
                         "Leave out one of the two.")
    elif not callable(value) and not is_executor(value):
        raise TypeError(f"{where} must be a concurrent.futures executor, or a function without arguments that makes "
                        f"one, got {checks.shown(value)}. Of a Dask client pass client.get_executor(pure=False).")


def is_executor(value: object) -> bool:
    """Whether it runs functions itself; a class of executors makes one that does."""
    return not isinstance(value, type) and callable(getattr(value, "submit", None))


def made(where: str, value: Any) -> Executor:
    """What a factory of executors returned."""
    if not is_executor(value) or not callable(getattr(value, "shutdown", None)):
        raise TypeError(f"{where} must return a concurrent.futures executor, but returned {checks.shown(value)}.")
    ready: Executor = value
    return ready


def future(where: str, pool: Executor, value: object) -> Future[Any]:
    """What can be waited for, which an executor gave for work."""
    if not isinstance(value, Future):
        raise TypeError(f"{where} must be a concurrent.futures executor, got {checks.shown(pool)}, whose submit() "
                        f"returns a {type(value).__name__}. Of a Dask client pass client.get_executor(pure=False).")
    return value


def picklable(objective: object, points: Space) -> None:
    """What goes to another process: the objective and values."""
    for what, each, repair in (
            (_name(objective), objective, "Define the function at the top level of a module, not as a lambda or within "
                                          "another function, or pass a thread pool"),
            ("the space's values", list(points.variables.values()), "Name them by text, and look them up in the "
                                                                    "objective")):
        try:
            pickle.dumps(each)
        except Exception as error:  # pickling runs code of the object's
            raise TypeError(f"{what} must be picklable to go to another process, got {checks.shown(each)} ({error}). "
                            f"{repair}.") from error


def file(where: str, value: object) -> Path:
    """Where a file is, or can be written."""
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{where} must be a path, got {checks.shown(value)}.")
    path = Path(value)
    if path.is_dir():
        raise ValueError(f"{where} must be a file, but {os.fspath(path)!r} is a folder. Add a file's name.")
    if not path.parent.is_dir():
        raise ValueError(f"{where} must be in a folder that exists, but {os.fspath(path.parent)!r} does not. "
                         "Create it.")
    return path


def resumed(where: str, state: Mapping[str, Any], *, noisy: bool, maximize: bool) -> tuple[int, ...]:
    """Ids of failed evaluations that an earlier release left to be told, of a checkpoint of a run with these settings.

    Raises CheckpointError if what `minimize` adds to a state is not what it adds.
    """
    try:
        extras = checked_extras(state.get("minimize", {"maximize": False}))  # of Minimizer.save
        then = checks.truth("noisy", state["settings"]["noisy"])
    except (LookupError, TypeError, ValueError) as error:
        raise CheckpointError(f"{where} cannot be resumed: {error!r}") from error
    for name, ours, theirs in (("noisy", noisy, then), ("maximize", maximize, extras["maximize"])):
        if ours != theirs:
            function = "maximize" if theirs else "minimize"
            rule = f"noisy={theirs}" if name == "noisy" else f"{function}()"
            raise ValueError(f"{where} is of a run with {rule}, and goes on in one only. Use {rule}, "
                             "or another path for a new run.")
    return tuple(extras.get("failed", []))


def checked_extras(extras: Any) -> Mapping[str, Any]:
    """What a run adds to its optimizer's state. Raises LookupError, TypeError or ValueError for anything else."""
    checks.mapping("minimize", extras)
    checks.truth("maximize", extras["maximize"])
    for number in [*extras.get("failed", []), *extras.get("taken", [])]:
        checks.integer("a number of evaluations", number, minimum=0)
    for name, kind in (("errors", str), ("seconds", (int, float)), ("attributes", dict)):
        for number, each in extras.get(name, []):
            checks.integer("an id", number)
            if not isinstance(each, kind):
                raise TypeError(f"{name} must not have {checks.shown(each)}.")
    made, failed = extras.get("taken", [0, 0])
    if made < failed or not isinstance(extras.get("supersedes"), (str, type(None))):
        raise ValueError("its evaluations do not add up, or it supersedes no file.")
    return dict(extras)


def one_loss(objective: object, values: Mapping[str, Any], value: object, known: tuple[int, ...] | None) -> Any:
    """What an objective returned for one point: a float, a tuple of them, or None for a failed evaluation.

    `known` is the shape of one evaluation's losses, if that is known: () or (n_objectives,).
    """
    try:
        found = told_rules.objectives([value], 1, None)[0]
    except (TypeError, ValueError):
        raise TypeError(f"{_name(objective)} must return one number, or one for each of several objectives, but for "
                        f"{checks.shown(dict(values))} returned {checks.shown(value)} ({type(value).__name__}). "
                        "For a failed evaluation return float('nan').") from None
    if isinstance(found, float) and math.isnan(found):
        return None
    if known is not None and np.shape(found) != known:
        raise ValueError(f"{_name(objective)} must return as many losses each time, {max([*known, 1])} so far, but "
                         f"for {checks.shown(dict(values))} returned {checks.shown(value)}.")
    return found


def many_losses(objective: object, value: object, n: int, known: tuple[int, ...] | None) -> list[Any]:
    """What a vectorized objective returned for `n` points."""
    try:
        return told_rules.objectives(value, n, known)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{_name(objective)}, vectorized, must return (n,) losses, or (n, n_objectives), for a dict "
                          f"of (n,) arrays: {error}") from None


def single_objective(where: str, shape: tuple[int, ...]) -> None:
    """A setting that needs losses that are one number."""
    if shape:
        raise ValueError(f"{where} must be left out with several objectives, got losses of {shape[0]}. "
                         "Use callback= to stop.")


def _name(objective: object) -> str:
    return f"objective {getattr(objective, '__qualname__', None) or checks.shown(objective)}"
