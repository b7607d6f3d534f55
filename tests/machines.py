"""State machines: every public call of an optimizer, in any order, beside books kept in the plainest way."""

import copy
import math
import tempfile
from pathlib import Path

import drawn
import numpy as np
import oracles
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from interrupting import broken_off

from asng_core import ASNG, Batch, Candidate, Minimizer, SpaceExhausted
from asng_core.families.categorical import CategoricalFamily
from asng_core.families.product import ProductFamily

ERRORS = (TypeError, ValueError)
TAKEN = ("best",)  # None is a state's best before there is one


def exact(optimizer):
    return oracles.exact(optimizer.state_dict())


class Machine(RuleBasedStateMachine):
    """One optimizer. `open` and `told` are the books."""

    SPACES = drawn.spaces()

    @initialize(data=st.data(), kind=st.sampled_from(["ASNG", "SNG", "Minimizer", "noisy", "two objectives"]),
                seed=st.integers(0, 2**32 - 1), size=st.sampled_from([None, None, 2, 3, 20]))
    def begin(self, data, kind, seed, size):
        space = data.draw(self.SPACES)
        if kind in ("ASNG", "SNG"):
            self.optimizer = ASNG(space, seed=seed, population_size=size, adapt=kind == "ASNG")
        else:
            self.optimizer = Minimizer(space, seed=seed, population_size=size, noisy=kind == "noisy")
        self.kind, self.space, self.seed, self.several = kind, space, seed, kind == "two objectives"
        self.open, self.told, self.n_asked, self.n_failed, self.best = {}, [], 0, 0, None
        self.exhausted = False

    # asking

    @rule(n=st.one_of(st.none(), st.integers(1, 5)), mirrored=st.booleans(), data=st.data())
    def ask(self, n, mirrored, data):
        fixed = self._fixed(data)
        before = exact(self.optimizer)
        try:
            points = self.optimizer.ask(n, mirrored=mirrored, fixed=fixed)
        except (SpaceExhausted, RuntimeError) as error:
            self.unchanged(before, error)
            return
        points = [points] if n is None else list(points)
        assert len(points) <= (n or 1)
        assert len(points) == (n or 1) or self.kind != "ASNG"
        for point in points:
            assert point.id == self.n_asked
            assert self.space.contains(dict(point))
            assert all(point.get(name, value) == value for name, value in (fixed or {}).items())
            self.open[point.id] = point
            self.n_asked += 1

    def _fixed(self, data):
        if data.draw(st.integers(0, 4)) or self.space.conditions or self.space.constraints:
            return None
        names = data.draw(st.lists(st.sampled_from(self.space.names[:8]), max_size=2, unique=True))
        return {name: self.space.variables[name].decode(self._code(name, data)) for name in names}

    def _code(self, name, data):
        variable = self.space.variables[name]
        if variable.continuous:
            return data.draw(st.floats(variable.low, variable.high))
        return data.draw(st.integers(0, variable.size - 1))

    @rule(n=st.sampled_from([0, -1, 1.5, "2", True, 1j]))
    def ask_what_cannot_be_asked(self, n):
        self.refused(lambda: self.optimizer.ask(n))

    @rule(n=st.integers(1, 3), mirrored=st.booleans())
    def sample_and_tell(self, n, mirrored):
        points = self.optimizer.sample(n, mirrored=mirrored)
        assert len(points) == n
        assert all(self.space.contains(dict(point)) for point in points)
        self.refused(lambda: self.optimizer.tell(points, self.numbers([1.0] * n)))

    # telling

    def numbers(self, losses):
        return [(loss, 1.0) for loss in losses] if self.several else losses

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def tell(self, data):
        ids = data.draw(st.lists(st.sampled_from(sorted(self.open)), min_size=1, max_size=8, unique=True))
        points = [self.open[number] for number in ids]
        losses = data.draw(st.lists(drawn.LOSSES, min_size=len(ids), max_size=len(ids)))
        violations = data.draw(st.one_of(st.none(), st.lists(drawn.VIOLATIONS, min_size=len(ids), max_size=len(ids))))
        given = points[0] if len(points) == 1 and data.draw(st.booleans()) else points
        single = isinstance(given, Candidate)
        numbers = self.numbers(losses)
        if violations is None:
            self.optimizer.tell(given, numbers[0] if single else numbers)
        else:
            self.optimizer.tell(given, numbers[0] if single else numbers, violations[0] if single else violations)
        for number, loss, excess in zip(ids, losses, violations or [0.0] * len(ids), strict=True):
            point = self.open.pop(number)
            self.told.append(point)
            self.n_failed += math.isnan(float(loss))
            self.note(dict(point), loss, excess, number)

    def note(self, values, loss, excess, number):
        excess = sum(max(each, 0.0) for each in (excess if isinstance(excess, list) else [excess]))
        loss = float(loss)
        if excess <= 0 and not math.isnan(loss) and (self.best is None or loss < self.best[1]):
            self.best = values, loss, number

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def tell_no_losses(self, data):
        points = list(self.open.values())[:4]
        losses = [*self.numbers([1.0] * (len(points) - 1)), data.draw(drawn.NO_LOSSES)]
        if losses[-1] == [[1.0]] and not isinstance(self.optimizer, ASNG):
            losses[-1] = "x"
        self.refused(lambda: self.optimizer.tell(points, losses))
        self.refused(lambda: self.optimizer.tell(points, self.numbers([1.0] * (len(points) + 1))))
        wrong = [0.0] * (len(points) - 1) + [data.draw(drawn.NO_VIOLATIONS)]
        self.refused(lambda: self.optimizer.tell(points, self.numbers([1.0] * len(points)), wrong))

    @rule(data=st.data())
    def tell_what_is_not_open(self, data):
        strange = [Candidate(self.space, np.zeros(len(self.space), dtype=self.space.dtype), self.n_asked + 7)]
        strange += self.told[-2:]
        if self.open:
            strange.append([next(iter(self.open.values()))] * 2)
            number, point = next(iter(self.open.items()))
            others = ASNG(self.space, seed=self.seed + 1).sample(3)
            strange += [Candidate(self.space, each.codes, number) for each in others
                        if dict(each) != dict(point)]
        wrong = data.draw(st.sampled_from(strange))
        points = [*list(self.open.values())[1:3], *(wrong if isinstance(wrong, list) else [wrong])]
        self.refused(lambda: self.optimizer.tell(points, self.numbers([1.0] * len(points))))

    @rule(what=st.sampled_from([None, 3, "x", [], [None], object()]))
    def tell_no_points(self, what):
        self.refused(lambda: self.optimizer.tell(what, [1.0]))

    @rule(loss=drawn.LOSSES, excess=drawn.VIOLATIONS)
    def inject(self, loss, excess):
        point = dict(ASNG(self.space, seed=self.seed + len(self.told)).sample(1)[0])
        self.optimizer.inject(point, (loss, 2.0) if self.several else loss, violation=excess)
        self.note(point, loss, excess, None)

    @rule(loss=drawn.NO_LOSSES)
    def inject_what_is_none(self, loss):
        point = dict(ASNG(self.space, seed=self.seed).sample(1)[0])
        if loss != [[1.0]]:
            self.refused(lambda: self.optimizer.inject(point, loss))
        self.refused(lambda: self.optimizer.inject({**point, "unknown": 1}, self.numbers([1.0])[0]))
        self.refused(lambda: self.optimizer.inject(3, self.numbers([1.0])[0]))

    # interrupted

    @rule(data=st.data(), what=st.sampled_from(["ask", "tell", "inject", "sample"]),
          line=st.one_of(st.integers(0, 80), st.integers(0, 3000)))
    def interrupt(self, data, what, line):
        """Ctrl-C at any line: the call has happened whole, or not at all."""
        point = dict(ASNG(self.space, seed=self.seed + len(self.told)).sample(1)[0])
        ids = sorted(self.open)[:3]
        if what == "tell" and not ids:
            return
        numbers = self.numbers([float(number % 3) for number in ids])
        n = data.draw(st.integers(1, 4))

        def call(optimizer):
            return {"ask": lambda: optimizer.ask(n), "sample": lambda: optimizer.sample(n),
                    "tell": lambda: optimizer.tell([self.open[number] for number in ids], numbers),
                    "inject": lambda: optimizer.inject(point, self.numbers([1.5])[0])}[what]

        before, twin = exact(self.optimizer), copy.deepcopy(self.optimizer)
        try:
            call(twin)()
        except RuntimeError:  # nothing left to ask
            return
        allowed = before, exact(twin)
        broken_off(call(self.optimizer), line, KeyboardInterrupt("raised by the test"))
        after = exact(self.optimizer)
        assert after in allowed, f"{what} is torn at line {line}"
        if after == before:  # it has not happened
            return
        if what == "ask":
            self.open.update((each.id, each) for each in self.optimizer.pending if each.id >= self.n_asked)
            self.n_asked = self.optimizer.n_asked
        elif what == "tell":
            for number in ids:
                told = self.open.pop(number)
                self.told.append(told)
                self.note(dict(told), float(number % 3), 0.0, number)
        elif what == "inject":
            self.note(point, 1.5, 0.0, None)

    # looking

    @rule()
    def look(self):
        before, optimizer = exact(self.optimizer), self.optimizer
        assert self.space.contains(optimizer.mode()) or self.space.constraints
        if not self.several:
            assert self.space.contains(optimizer.recommend())
            assert optimizer.recommend() == optimizer.recommend()
        repr(optimizer.pending), optimizer.converged, optimizer.summary()
        assert 0 <= optimizer.entropy <= 1 + 1e-9
        assert math.isfinite(optimizer.step_size)
        for each in optimizer.distribution().values():
            assert np.isfinite(np.concatenate([np.ravel(part) for part in each] if isinstance(each, tuple) else [each])
                               ).all()
        if isinstance(optimizer, Minimizer):
            assert len(optimizer.history) == len(optimizer.history.losses) == len(optimizer.history.values)
            assert all(self.space.contains(each.values) for each in optimizer.front)
        assert exact(optimizer) == before, "looking has changed the state"

    # copies and files

    @rule(how=st.sampled_from(["copy", "file", "state"]), goes_on=st.booleans())
    def copied(self, how, goes_on):
        other = self.another(how)
        assert exact(other) == exact(self.optimizer)
        if goes_on:
            self.optimizer = other
            return
        twin = copy.deepcopy(self.optimizer)
        for each in (other, twin):
            self.a_little(each)
        assert exact(other) == exact(twin), f"a {how} goes on in another way"

    @rule()
    def a_copy_leaves_the_original(self):
        before = exact(self.optimizer)
        self.a_little(copy.deepcopy(self.optimizer))
        assert exact(self.optimizer) == before, "a copy has moved the original"
        copy_ = copy.deepcopy(self.optimizer)
        self.a_little(copy_)

    def a_little(self, optimizer):
        if self.open:
            optimizer.tell(list(self.open.values()), self.numbers([float(i) for i in self.open]))
        for _ in range(2):
            try:
                points = optimizer.ask(3)
            except RuntimeError:
                return
            optimizer.tell(points, self.numbers([float(np.nan_to_num(point.codes.astype(float)).sum() % 7)
                                                 for point in points]))

    def another(self, how):
        if how == "copy":
            return copy.deepcopy(self.optimizer)
        if how == "state":
            noisy = {"noisy": True} if self.kind == "noisy" else {}
            other = type(self.optimizer)(self.space, seed=5, **noisy)
            other.load_state_dict(self.optimizer.state_dict())
            return other
        with tempfile.TemporaryDirectory() as folder:
            self.optimizer.save(Path(folder) / "a")
            return type(self.optimizer).load(Path(folder) / "a", space=self.space)

    @rule(key=st.integers(0, 30), value=st.sampled_from([None, "x", -1, [], {}, math.nan, object()]))
    def load_a_broken_state(self, key, value):
        state = self.optimizer.state_dict()
        name = sorted(state)[key % len(state)]
        if type(state[name]) is not type(value) and name not in TAKEN:
            self.refused(lambda: self.optimizer.load_state_dict({**state, name: value}))
        if name not in ("given", "walk", "kernel"):  # which earlier files of this version do not have
            del state[name]
            self.refused(lambda: self.optimizer.load_state_dict(state))

    # what always holds

    def unchanged(self, before, error):
        assert exact(self.optimizer) == before, f"{error!r} has changed the state"

    def refused(self, call):
        """A call raises, and has changed nothing."""
        before = exact(self.optimizer)
        try:
            call()
        except ERRORS:
            assert exact(self.optimizer) == before, "a call that raised has changed the state"
            return
        raise AssertionError("a call that must be refused was not")

    @invariant()
    def the_books_agree(self):
        if not hasattr(self, "optimizer"):
            return
        optimizer = self.optimizer
        assert (optimizer.n_asked, optimizer.n_told, optimizer.n_failed) == (
            self.n_asked, len(self.told), self.n_failed)
        assert list(optimizer.pending.ids) == sorted(self.open)
        assert np.array_equal(optimizer.pending.codes, np.array([point.codes for point in self.open.values()]).reshape(
            optimizer.pending.codes.shape), equal_nan=self.space.dtype.kind == "f")
        assert isinstance(optimizer.pending, Batch)
        if not self.several:
            best = optimizer.best
            assert (best is None) == (self.best is None)
            assert best is None or (best.values, best.loss, best.id) == self.best

    @invariant()
    def theta_is_legal(self):
        if not hasattr(self, "optimizer"):
            return
        distribution = self.optimizer._parts.distribution
        assert np.isfinite(distribution.theta).all()
        whole = distribution.family
        for family, _, part in (whole._members if isinstance(whole, ProductFamily) else  # one alone is no product
                                [(whole, slice(None), slice(None))]):
            theta = distribution.theta[part]
            if isinstance(family, CategoricalFamily):
                sums = np.add.reduceat(theta, family._starts)
                assert np.allclose(sums, 1.0, rtol=0, atol=1e-9 * family.sizes.max())
                assert (theta >= family._minimum_flat * (1 - 1e-9)).all(), "below the margin"
            else:
                mean, sigma = np.split(theta, 2)
                assert (mean >= family.coordinates.low).all()
                assert (mean <= family.coordinates.high).all()
                assert (sigma > 0).all()
                assert (sigma >= family._sigma_min(mean) * (1 - 1e-9)).all(), "narrower than the margin"


class LargeMachine(Machine):
    """Sizes at which what is quadratic, or goes through all values, shows."""

    SPACES = st.sampled_from(sorted(drawn.LARGE)).map(lambda name: drawn.LARGE[name]())
