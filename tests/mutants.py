"""For each check of `asng_core.testing` an optimizer that it must fail: the reference with one fault."""

import math
import random

import numpy as np
from conforming import Point, Reference

from asng_core import Categorical

MUTANTS = {}  # check -> class


def fails(check):
    def enter(mutant):
        mutant.__qualname__ = mutant.__name__ = f"fails_{check}"
        globals()[mutant.__name__] = MUTANTS[check] = mutant  # where another process finds it
        return mutant

    return enter


# asking

@fails("asks_legal_points")
class _(Reference):
    def point(self, codes, id):
        return Point({**super().point(codes, id), "extra": 1}, id)


@fails("asks_the_values_given")
class _(Reference):
    def point(self, codes, id):
        return Point({name: np.float64(value) if type(value) in (int, float) else value
                      for name, value in super().point(codes, id).items()}, id)


@fails("asks_as_many_as_wanted")
class _(Reference):
    def count(self, n):
        return min(super().count(n), 32)


class Reused(dict):
    """A point whose id another one had before."""

    @property
    def id(self):
        return self.number % 10


@fails("gives_each_point_an_id")
class _(Reference):
    def point(self, codes, id):
        point = Reused(super().point(codes, id))
        point.number = id
        return point

    def ids(self, points):
        return super().ids([Point(point, point.number) for point in points])


@fails("repeats_by_its_seed")
class _(Reference):
    def __init__(self, space, *, seed=None):
        super().__init__(space)


@fails("differs_by_its_seed")
class _(Reference):
    def __init__(self, space, *, seed=None):
        super().__init__(space, seed=7)


@fails("leaves_global_random_state")
class _(Reference):
    def draw(self):
        random.random()
        return super().draw()


@fails("ignores_global_random_state")
class _(Reference):
    def __init__(self, space, *, seed=None):
        super().__init__(space, seed=seed + random.getstate()[1][5])


@fails("asks_without_being_told")
class _(Reference):
    def ask(self, n):
        if len(self.open) > 100:
            raise RuntimeError("tell first")
        return super().ask(n)


@fails("refuses_numbers_it_cannot_ask")
class _(Reference):
    def count(self, n):
        return max(1, int(n))


@fails("keeps_points_as_asked")
class _(Reference):
    def ask(self, n):
        points = super().ask(n)
        for old, new in zip(getattr(self, "last", []), points, strict=False):
            old.update(new)  # the same objects are handed out again
        self.last = points
        return points


@fails("is_not_moved_by_a_changed_point")
class _(Reference):
    @property
    def best(self):
        return None if self.found is None else type(super().best)(self.kept, self.found[1])

    def tell(self, points, losses):
        before = self.found
        super().tell(points, losses)
        if self.found is not before:
            self.kept = points[int(np.argmin(losses))]


@fails("leaves_the_callers_space")
class _(Reference):
    def __init__(self, space, *, seed=None):
        super().__init__(space, seed=seed)
        space.variables["flag"] = Categorical([False, True])


# telling

@fails("leaves_what_it_is_told")
class _(Reference):
    def tell(self, points, losses):
        super().tell(points, losses)
        points.sort(key=lambda point: -point.id)
        losses.sort()


@fails("is_told_in_any_order")
class _(Reference):
    def ids(self, points):
        ids = super().ids(points)
        if ids != sorted(ids):
            raise ValueError("in the order asked, please")
        return ids


@fails("is_told_in_parts")
class _(Reference):
    def tell(self, points, losses):
        if len(points) != len(self.open):
            raise ValueError("all at once, please")
        super().tell(points, losses)


@fails("is_told_late")
class _(Reference):
    def note(self, codes, loss):
        if loss != -100:  # what comes late is dropped
            super().note(codes, loss)


class Forgetful(Reference):
    """Takes whatever looks like a point."""

    def tell(self, points, losses):
        for point, value in zip(points, map(self.loss, losses), strict=True):
            self.open.pop(point.id, None)
            self.note(self.space.encode(point), value)


@fails("refuses_a_point_told_before")
class _(Forgetful):
    pass


@fails("refuses_a_point_twice_in_one_tell")
class _(Forgetful):
    pass


@fails("refuses_a_point_not_asked_yet")
class _(Forgetful):
    pass


@fails("refuses_a_point_of_another")
class _(Reference):
    def ids(self, points):
        if not all(point.id in self.open for point in points):
            raise ValueError("not open")
        return [point.id for point in points]


@fails("refuses_what_is_no_point")
class _(Reference):
    def tell(self, points, losses):
        kept = [(point, loss) for point, loss in zip(points, losses, strict=False) if isinstance(point, Point)]
        super().tell([point for point, _ in kept], [loss for _, loss in kept])


@fails("refuses_another_number_of_losses")
class _(Reference):
    def tell(self, points, losses):
        n = min(len(points), len(losses))
        super().tell(points[:n], losses[:n])


class Obliging(Reference):
    """Makes a number of anything."""

    def loss(self, value):
        try:
            return float(value)
        except (TypeError, ValueError):
            return math.nan


@fails("refuses_text_as_a_loss")
class _(Obliging):
    pass


@fails("refuses_what_is_no_number")
class _(Obliging):
    def loss(self, value):
        return super().loss(value if not isinstance(value, (str, bytes)) else object())


@fails("is_not_changed_by_what_it_refuses")
class _(Reference):
    def tell(self, points, losses):
        self.rng.random()
        super().tell(points, losses)


@fails("takes_a_batch_whole_or_not_at_all")
class _(Reference):
    def tell(self, points, losses):
        if len(points) != len(losses):
            raise ValueError("as many losses as points")
        for point, value in zip(points, losses, strict=True):
            super().tell([point], [value])


# losses and what is best

@fails("takes_nan_as_a_failure")
class _(Reference):
    def better(self, loss):
        return self.found is None or not loss >= self.found[1]


@fails("survives_failures_alone")
class _(Reference):
    def better(self, loss):
        return self.found is None or loss < self.found[1]


@fails("takes_infinite_losses")
class _(Reference):
    def loss(self, value):
        if math.isinf(super().loss(value)):
            raise ValueError("finite losses, please")
        return super().loss(value)


@fails("takes_ties")
class _(Reference):
    def tell(self, points, losses):
        if len(points) > 1:
            1 / np.ptp(losses).item()
        super().tell(points, losses)


@fails("takes_huge_and_tiny_losses")
class _(Reference):
    def loss(self, value):
        return math.sqrt(int(super().loss(value) * 10) ** 2 * 1.0)


@fails("takes_integers")
class _(Reference):
    def loss(self, value):
        return 1.0 if isinstance(value, int) else super().loss(value)


@fails("takes_numpy_scalars")
class _(Reference):
    def loss(self, value):
        if type(value) is not float:
            raise TypeError("a float, please")
        return value


@fails("takes_arrays_of_one_number")
class _(Reference):
    def loss(self, value):
        return super().loss(round(float(value)) if isinstance(value, np.ndarray) else value)


@fails("sees_the_order_of_losses_alone")
class _(Reference):
    def better(self, loss):
        return not math.isnan(loss) and (self.found is None or loss < self.found[1] - 0.05)


@fails("is_moved_by_losses")
class _(Reference):
    def draw(self):
        return self.anywhere()


class Best(Reference):
    """Says itself what is best."""

    @property
    def best(self):
        return type("Best", (), {"values": {}, "loss": math.inf})


@fails("has_no_best_before_it_is_told")
class _(Best):
    pass


@fails("knows_the_best")
class _(Reference):
    def __init__(self, space, *, seed=None):
        super().__init__(space, seed=seed)
        self.latest = None

    def note(self, codes, loss):
        super().note(codes, loss)
        self.latest = codes, loss

    @property
    def best(self):
        if self.latest is None:
            return None
        return type("Best", (), {"values": self.space.values(self.latest[0][None])[0], "loss": self.latest[1]})


@fails("keeps_the_first_of_equals")
class _(Reference):
    def better(self, loss):
        return not math.isnan(loss) and (self.found is None or loss <= self.found[1])


# kinds of spaces

def _raises(condition):
    class Raising(Reference):
        def __init__(self, space, *, seed=None):
            if condition(space):
                raise ValueError("not such a space")
            super().__init__(space, seed=seed)

    return Raising


fails("takes_one_variable")(_raises(lambda space: len(space) == 1))
fails("takes_nothing_but_constants")(_raises(lambda space: (space.sizes == 1).all()))
fails("takes_a_large_category")(_raises(lambda space: space.sizes.max() > 1000))
fails("takes_a_thousand_variables")(_raises(lambda space: len(space) > 100))


@fails("takes_a_constant_among_others")
class _(Reference):
    def anywhere(self):
        codes = super().anywhere()
        return np.zeros_like(codes) if (self.space.sizes == 1).any() else codes


@fails("takes_booleans")
class _(Reference):
    def point(self, codes, id):
        return Point({name: int(value) if isinstance(value, bool) else value
                      for name, value in super().point(codes, id).items()}, id)


@fails("takes_ordered_values")
class _(Reference):
    def point(self, codes, id):
        return Point({name: value + 1 if type(value) is int and value > 100 else value
                      for name, value in super().point(codes, id).items()}, id)


@fails("takes_integers_beyond_32_bits")
class _(Reference):
    def anywhere(self):
        codes = super().anywhere()
        return np.where(self.space.sizes > 2**31, codes.astype(np.int64) // 2**9 * 2**9, codes).astype(codes.dtype)


@fails("takes_reals")
class _(Reference):
    def point(self, codes, id):
        return Point({name: value * 2 if type(value) is float else value
                      for name, value in super().point(codes, id).items()}, id)


@fails("takes_conditional_variables")
class _(Reference):
    def point(self, codes, id):
        return Point({**dict.fromkeys(self.space.names), **super().point(codes, id)}, id)


@fails("keeps_to_constraints")
class _(Reference):
    def propose(self):
        return self.space.masked(self.draw()[None])[0]


@fails("takes_any_objects_as_values")
class _(Reference):
    def point(self, codes, id):
        return Point({name: list(value) if isinstance(value, list) else value
                      for name, value in super().point(codes, id).items()}, id)


# copies and files

@fails("goes_on_after_pickling")
class _(Reference):
    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "rng"}

    def __setstate__(self, state):
        self.__dict__.update(state, rng=np.random.default_rng(0))


@fails("goes_on_after_deepcopy")
class _(Reference):
    def __deepcopy__(self, memo):
        new = type(self)(self.space, seed=0)
        new.open, new.found, new.n_asked = dict(self.open), self.found, self.n_asked
        return new


@fails("is_not_moved_by_its_copy")
class _(Reference):
    def __deepcopy__(self, memo):
        new = type(self)(self.space, seed=0)
        vars(new).update(vars(self))  # shares the generator and what is open
        return new


class Bound(Point):
    def __reduce__(self):
        raise TypeError("a point is bound to its optimizer")


@fails("takes_pickled_points_back")
class _(Reference):
    def point(self, codes, id):
        return Bound(super().point(codes, id), id)


class Loading(Reference):
    """Changed by what `amended` makes of the state that is loaded."""

    @classmethod
    def restored(cls, space, state):
        return super().restored(space, cls.amended(state))


@fails("goes_on_after_save_and_load")
class _(Loading):
    @staticmethod
    def amended(state):
        return {**state, "rng": {**state["rng"], "has_uint32": 0, "state": {**state["rng"]["state"], "state": 5}}}


@fails("saves_with_points_open")
class _(Loading):
    @staticmethod
    def amended(state):
        return {**state, "open": {}}


@fails("keeps_its_best_in_a_file")
class _(Loading):
    @staticmethod
    def amended(state):
        return {**state, "found": None}


@fails("is_not_moved_by_saving")
class _(Reference):
    def save(self, path):
        super().save(path)
        self.rng.random()


@fails("goes_on_in_a_fresh_process")
class _(Reference):
    """What the process knows is not in the file."""

    seeds = {}  # noqa: RUF012

    def text(self):
        self.seeds["rng"] = self.rng.bit_generator.state
        return super().text()

    @classmethod
    def restored(cls, space, state):
        new = super().restored(space, state)
        new.rng.bit_generator.state = cls.seeds.get("rng", np.random.default_rng(0).bit_generator.state)
        return new


class Trusting(Reference):
    """Believes what it can make something of."""

    @classmethod
    def load(cls, path, space):
        try:
            return super().load(path, space)
        except ValueError:
            return cls(space, seed=0)


@fails("refuses_a_file_cut_short")
class _(Trusting):
    pass


@fails("refuses_a_file_with_a_flipped_bit")
class _(Trusting):
    pass


@fails("says_that_a_save_failed")
class _(Reference):
    def save(self, path):
        try:
            super().save(path)
        except OSError:
            return


# long runs

@fails("stays_finite_in_a_thousand_calls")
class _(Reference):
    total = 0.0

    def note(self, codes, loss):
        super().note(codes, loss)
        self.total = self.total + loss * 1e300 - (self.total + loss * 1e300)

    def state_dict(self):
        return {**super().state_dict(), "total": self.total}


@fails("survives_a_thousand_random_calls")
class _(Reference):
    def tell(self, points, losses):
        if self.n_asked - min(point.id for point in points) > 12:
            raise KeyError("forgotten")
        super().tell(points, losses)


@fails("computes_without_warnings")
class _(Reference):
    def tell(self, points, losses):
        super().tell(points, losses)
        np.divide(losses, np.ptp(losses) if np.isfinite(losses).all() else 1.0)


@fails("slows_down_at_most_linearly")
class _(Reference):
    def note(self, codes, loss):
        super().note(codes, loss)
        sum(range(self.n_asked**3 // 500))


@fails("slows_down_at_most_linearly_in_variables")
class _(Reference):
    def note(self, codes, loss):
        super().note(codes, loss)
        for _ in range(2):  # by so much that a machine with other work shows it too
            np.ones(16 * len(codes) ** 2).sum()


