"""What `ask` gives."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..space.space import Space
from .driving import Maker, Run, refused, require
from .problems import SPACES, key
from .registry import check


@check
def asks_legal_points(make: Maker) -> None:
    """Every point is a mapping with exactly the names of the space, and values within it."""
    run = make()
    for _ in range(10):
        points = run.ask()
        for point in points:
            require(isinstance(point, Mapping), f"a point must be a mapping, but is a {type(point).__name__}")
            require(set(point) == set(run.space.names), f"a point has the names {sorted(point)}")
        run.tell(points, run.losses(points))


@check
def asks_the_values_given(make: Maker) -> None:
    """Values come as they were given: the very objects of a list, plain int, float and bool of a range."""
    run = make()
    lists = {name: list(map(variable.decode, range(variable.size))) for name, variable in run.space.variables.items()
             if not variable.continuous}
    for _ in range(10):
        points = run.ask()
        for name, value in ((name, value) for point in points for name, value in point.items()):
            kinds = {type(each) for each in lists[name]} if name in lists else {float}
            require(type(value) in kinds, f"{name} must be a {kinds.pop().__name__}, but is a {type(value).__name__}")
        run.tell(points, run.losses(points))


@check
def asks_as_many_as_wanted(make: Maker) -> None:
    """`ask(n)` gives n points, for small n and large."""
    run = make()
    for n in (1, 2, 7, 33):
        points = list(run.optimizer.ask(run.batch_size or n))
        require(len(points) == (run.batch_size or n), f"ask({n}) gave {len(points)} points")
        run.tell(points, run.losses(points))


@check
def gives_each_point_an_id(make: Maker) -> None:
    """No two points asked have the same id, batches and tells between them or not."""
    run = make()
    ids: list[Any] = []
    for n in (1, 5, 1, 9):
        points = run.ask(n)
        if not hasattr(points[0], "id"):
            raise NotImplementedError("its points have no id")
        ids += [point.id for point in points]
        run.tell(points, run.losses(points))
    require(len(set(ids)) == len(ids), f"{len(ids)} points have {len(set(ids))} ids")


@check
def repeats_by_its_seed(make: Maker) -> None:
    """Equal seeds and equal losses give equal points, to the bit."""
    require(make().steps(10).trace == make().steps(10).trace, "two runs with one seed ask different points")


@check
def differs_by_its_seed(make: Maker) -> None:
    """Another seed gives other points."""
    require(make().steps(6).trace != make(seed=2).steps(6).trace, "two seeds give the same points")


@check
def leaves_global_random_state(make: Maker) -> None:
    """The global generators of NumPy and of `random` are where they were."""
    before = repr(np.random.get_state()), random.getstate()  # noqa: NPY002
    make().steps(6)
    require(before == (repr(np.random.get_state()), random.getstate()), "a global generator has moved")  # noqa: NPY002


@check
def ignores_global_random_state(make: Maker) -> None:
    """What is asked does not depend on the global generators."""
    traces, numpys, pythons = [], np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        for seed in (1, 2):
            np.random.seed(seed)  # noqa: NPY002
            random.seed(seed)
            traces.append(make().steps(6).trace)
    finally:
        np.random.set_state(numpys)  # noqa: NPY002
        random.setstate(pythons)
    require(traces[0] == traces[1], "a global seed changes what is asked")


@check
def asks_without_being_told(make: Maker) -> None:
    """Two hundred points can be open at once, and be told in the end."""
    run = make().freely()
    points = [point for _ in range(50) for point in run.ask()]
    run.tell(points, run.losses(points))
    run.steps(3)


@check
def refuses_numbers_it_cannot_ask(make: Maker) -> None:
    """0, negative, broken and unspoken numbers of points are refused."""
    run = make()
    for n in (0, -1, 1.5, "2"):
        refused(f"ask({n!r})", run.optimizer.ask, n)


@check
def keeps_points_as_asked(make: Maker) -> None:
    """A point that was asked stays as it was, whatever is asked and told after it."""
    run = make()
    points = run.ask(6)
    before = [key(run.space, point) for point in points]
    run.tell(points, run.losses(points))
    run.steps(6)
    require(before == [key(run.space, point) for point in points], "a point asked before has changed")


@check
def is_not_moved_by_a_changed_point(make: Maker) -> None:
    """A point that the caller changes after it was told moves nothing; a point may refuse to be changed."""
    run, twin = make(), make()
    for each in (run, twin):
        points = each.ask()
        each.tell(points, each.losses(points))
        if each is run:
            for point in points:
                _spoil(point)
    _same_best(run, twin)
    run.continues_like(twin, "an optimizer whose points were changed after they were told")


def _spoil(point: Any) -> None:
    try:
        for name in list(point):
            point[name] = None
    except (TypeError, ValueError, AttributeError):
        pass


def _same_best(run: Run, twin: Run) -> None:
    if getattr(run.optimizer, "best", None) is not None:
        found, expected = (dict(each.optimizer.best.values) for each in (run, twin))
        require(found == expected, "the best point changed with a point that the caller changed")


@check
def leaves_the_callers_space(make: Maker) -> None:
    """The mapping of variables that the caller made, and the space, are as before."""
    problem = make().problem
    like = SPACES[problem]()
    variables = dict(like.variables)
    space = Space(variables)
    before = copy.copy(variables), repr(space)
    Run(make.factory(space, seed=1), space, problem).steps(4)
    require((variables, repr(space)) == before, "the caller's variables or space have changed")
