"""What `tell` takes, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .driving import Maker, Run, refused, require, shuffled
from .registry import check


def _best_is_right(run: Run) -> None:
    """Where the optimizer says what is best, it is the lowest loss told."""
    if hasattr(run.optimizer, "best"):
        lowest = min(value for _, value in run.told)
        require(run.optimizer.best.loss == lowest, f"best.loss is {run.optimizer.best.loss}, lowest told {lowest}")


@check
def leaves_what_it_is_told(make: Maker) -> None:
    """The caller's lists of points and losses are as before."""
    run = make()
    points = run.ask()
    losses: list[float] = run.losses(points)[::-1]
    listed, numbers = list(points), list(losses)
    run.optimizer.tell(listed, numbers)
    require(numbers == losses and len(listed) == len(points) and all(map(_is, listed, points)),
            "tell changed the list that it was given")


def _is(a: object, b: object) -> bool:
    return a is b


@check
def is_told_in_any_order(make: Maker) -> None:
    """Points are told in another order than asked."""
    run = make()
    for seed in range(6):
        points = shuffled(run.ask(8), seed)
        run.tell(points, run.losses(points))
    _best_is_right(run)


@check
def is_told_in_parts(make: Maker) -> None:
    """A batch is told one by one and in parts, with asking in between."""
    run = make().freely()
    for _ in range(5):
        points = run.ask(7)
        for part in (points[:1], points[1:4], points[4:]):
            run.tell(part, run.losses(part))
            other = run.ask(1)
            run.tell(other, run.losses(other))
    _best_is_right(run)


@check
def is_told_late(make: Maker) -> None:
    """Results that come after two hundred others are taken, the best of all among them."""
    run = make().freely()
    late = run.ask(3)
    run.steps(50)
    run.tell(late, [-100.0, 5.0, 1.0])
    _best_is_right(run)
    run.steps(4)


@check
def refuses_a_point_told_before(make: Maker) -> None:
    """A result is counted once."""
    run = make()
    points = run.ask(6)
    run.tell(points, run.losses(points))
    refused("a point that was told before", run.optimizer.tell, points, run.losses(points))
    run.steps(5)
    refused("a point that was told long before", run.optimizer.tell, points, run.losses(points))


@check
def refuses_a_point_twice_in_one_tell(make: Maker) -> None:
    """The same point twice in one call is refused."""
    run = make()
    points = run.ask(3)
    doubled = [*points[:-1], points[0]] if run.batch_size else [*points, points[0]]
    refused("a point twice in one tell", run.optimizer.tell, doubled, run.losses(doubled))


@check
def refuses_a_point_not_asked_yet(make: Maker) -> None:
    """A point is refused that only a like optimizer has asked, further on."""
    run, ahead = make(), make()
    run.steps(2)
    points = ahead.steps(5).ask()
    refused("a point that was never asked", run.optimizer.tell, points, run.losses(points))


@check
def refuses_a_point_of_another(make: Maker) -> None:
    """A point is refused that an optimizer with another seed asked, while as many are open here."""
    run, other = make(), make(seed=2)
    run.ask(5)
    points = other.ask(5)
    refused("a point that another optimizer asked", run.optimizer.tell, points, run.losses(points))


@check
def refuses_what_is_no_point(make: Maker) -> None:
    """None, numbers, text and plain objects are refused in the place of points."""
    run = make()
    n = len(run.ask(2))
    for value in (None, 3, "point", object()):
        refused(f"{value!r} in the place of a point", run.optimizer.tell, [value] * n, [1.0] * n)


@check
def refuses_another_number_of_losses(make: Maker) -> None:
    """Fewer or more losses than points are refused."""
    run = make()
    points = run.ask(3)
    losses: list[float] = run.losses(points)
    refused("a loss without a point", run.optimizer.tell, [], [1.0])
    for wrong in (losses[:-1], [*losses, 1.0], []):
        refused(f"{len(wrong)} losses for {len(points)} points", run.optimizer.tell, points, wrong)


REFUSED: dict[str, Any] = {"the text '1.0'": "1.0", "bytes": b"1.0", "None": None, "a dict": {"loss": 1.0},
                           "a complex number": 1j, "an object": object()}


@check
def refuses_text_as_a_loss(make: Maker) -> None:
    """Text that looks like a number is refused: an objective that returns it has a bug."""
    run = make()
    points = run.ask(3)
    for name in ("the text '1.0'", "bytes"):
        refused(f"{name} as a loss", run.optimizer.tell, points, [REFUSED[name]] * len(points))


@check
def refuses_what_is_no_number(make: Maker) -> None:
    """None, dicts, complex numbers and objects are refused as losses."""
    run = make()
    points = run.ask(3)
    for name in ("None", "a dict", "a complex number", "an object"):
        refused(f"{name} as a loss", run.optimizer.tell, points, [REFUSED[name]] * len(points))


def _unchanged(make: Maker, n: int, calls: Callable[[list[Any]], list[tuple[Any, Any]]]) -> None:
    """Fail if a run goes on in another way after calls that raise than without them."""
    run, twin = make().steps(3), make().steps(3)
    points, theirs = run.ask(n), twin.ask(n)
    for arguments in calls(points):
        try:
            run.optimizer.tell(*arguments)
        except Exception:
            continue
        raise NotImplementedError("it refuses too little for this check")
    for each, asked in ((run, points), (twin, theirs)):
        each.tell(asked, each.losses(asked))
    run.continues_like(twin, "an optimizer that refused some calls")


@check
def is_not_changed_by_what_it_refuses(make: Maker) -> None:
    """After calls that raised, what was asked can be told, and all goes on as if they had not been."""
    _unchanged(make, 1, lambda points: [(points, ["a"] * len(points)), (points, [b"1"] * len(points)),
                                        ([object()] * len(points), [1.0] * len(points))])


@check
def takes_a_batch_whole_or_not_at_all(make: Maker) -> None:
    """A call whose last loss or last point is refused has told none of the others."""
    if getattr(make().optimizer, "one_by_one", False):
        raise NotImplementedError("it is told one point at a time")
    _unchanged(make, 4, lambda points: [(points, [0.5] * (len(points) - 1) + ["a"]), (points, [0.5] * len(points[1:])),
                                        ([*points[:-1], object()], [0.5] * len(points)),
                                        ([*points[:-1], points[0]], [0.5] * len(points))])
