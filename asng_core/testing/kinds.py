"""Spaces of every kind: legal points over some steps, and the kind's own demands."""

from __future__ import annotations

from .driving import Maker, Run, require
from .problems import narrow_or_flagged
from .registry import check


def _runs(make: Maker, problem: str, k: int = 12) -> Run:
    return make(problem).steps(k)  # every point is encoded, which only a legal one can be


@check
def takes_one_variable(make: Maker) -> None:
    """Spaces of one Boolean and of one Integer."""
    _runs(make, "one boolean")
    _runs(make, "one integer")


@check
def takes_nothing_but_constants(make: Maker) -> None:
    """Every variable has one value."""
    _runs(make, "constants", 3)


@check
def takes_a_constant_among_others(make: Maker) -> None:
    """One variable has one value; the others are searched."""
    run = _runs(make, "a constant among others")
    require(len(set(run.trace)) > 4, "the other variables do not move")


@check
def takes_booleans(make: Maker) -> None:
    """Twenty-five Booleans, whose values are True and False."""
    points = make("booleans").ask(6)
    require(all(value is True or value is False for point in points for value in point.values()),
            "a Boolean's value is neither True nor False")
    _runs(make, "booleans")


@check
def takes_a_large_category(make: Maker) -> None:
    """Ten thousand unordered values."""
    run = _runs(make, "a large category")
    require(len(set(run.trace)) > 4, "it asks the same few points of ten thousand")


@check
def takes_ordered_values(make: Maker) -> None:
    """Ordinals, wide integers, integers in steps."""
    _runs(make, "ordered")


@check
def takes_integers_beyond_32_bits(make: Maker) -> None:
    """Integers of up to 2^53 values, exact."""
    run = _runs(make, "wide integers")
    require(any(point["m"] % 2 for _ in range(10) for point in run.ask(6)) if not run.batch_size else True,
            "the last bit of wide integers is never set")


@check
def takes_reals(make: Maker) -> None:
    """Linear, minute and logarithmic continua, whose bounds hold."""
    _runs(make, "reals")


@check
def takes_conditional_variables(make: Maker) -> None:
    """A point has exactly the variables that are active in it."""
    run = make("conditional")
    for _ in range(12):
        points = run.ask(5)
        for point in points:
            there = {"op"} | ({"kernel"} if point["op"] != "skip" else set())
            there |= {"dilated"} if point["op"] == "conv" else set()
            deep = point["op"] == "conv" and point.get("dilated") is True and point.get("kernel") in (3, 5)
            there |= {"dilation"} if deep or point["op"] == "skip" else set()
            require(set(point) == there, f"{dict(point)} has other variables than are active")
        run.tell(points, run.losses(points))


@check
def keeps_to_constraints(make: Maker) -> None:
    """Every point asked satisfies the constraints."""
    run = make("constrained")
    for _ in range(12):
        points = run.ask(5)
        require(all(map(narrow_or_flagged, points)), "a point breaks the constraint")
        run.tell(points, run.losses(points))


@check
def takes_any_objects_as_values(make: Maker) -> None:
    """Values that are no numbers, cannot be hashed, or are equal and of different types (1, 1.0, True)."""
    run = make("objects")
    values = list(map(run.space.variables["op"].decode, range(10)))
    for _ in range(12):
        points = run.ask(5)
        require(all(any(point["op"] is value for value in values) for point in points), "a value is a copy")
        run.tell(points, run.losses(points))


@check
def takes_a_thousand_variables(make: Maker) -> None:
    """A thousand Booleans."""
    run = _runs(make, "a thousand variables", 3)
    require(len(set(run.trace)) > 4, "it asks the same few points of 2^1000")
