"""`ask`, `tell`, `inject`, `sample` and `load_state_dict` happen whole or not at all, wherever they break off."""

import itertools
import sys

import numpy as np
import pytest
from interrupting import Torn, broken_off

from asng_core import ASNG, Boolean, Categorical, Integer, Minimizer, Real, Space
from asng_core.checkpoint import packed

MIXED = Space({"op": Categorical(["conv", "pool", "skip"]), "width": Integer(8, 256, log=True), "x": Real(0, 1),
               "flag": Boolean()}, active_if={"x": {"op": ["conv", "pool"]}},
              constraints=[lambda values: values["width"] <= 200 or values["flag"]])


def loss(point):
    return abs(point["width"] - 60) / 60 + (point["op"] != "pool") + point.get("x", 0.3)


def losses(optimizer, batch, n_objectives):
    if "width" not in optimizer.space.names:
        return [1.0] * len(batch)
    if n_objectives == 1:
        return [loss(point) for point in batch]
    return [(loss(point), point["width"] / 100, -point["width"])[:n_objectives] for point in batch]


# maker, results before the calls, objectives: among them a full model, a restart, an update in each
OPTIMIZERS = {
    "ASNG": (lambda: ASNG(MIXED, seed=1, population_size=4), 12, 1),
    "Minimizer": (lambda: Minimizer(MIXED, seed=1, population_size=4), 28, 1),
    "Minimizer at the start": (lambda: Minimizer(MIXED, seed=1, population_size=4), 0, 1),
    "Minimizer, two objectives": (lambda: Minimizer(MIXED, seed=1, population_size=4), 20, 2),
    "Minimizer, a full model": (lambda: Minimizer(MIXED, seed=1, population_size=4), 200, 1),
    "Minimizer, a new run": (lambda: Minimizer(Space.binary(6), seed=1, population_size=4), 0, 1),
    "noisy": (lambda: Minimizer(MIXED, seed=1, population_size=4, noisy=True), 28, 1),
    "noisy, a full basis": (lambda: Minimizer(MIXED, seed=1, population_size=4, noisy=True), 230, 1),
}


def _tell(optimizer, part, n_objectives):
    told = losses(optimizer, optimizer.pending, n_objectives)
    return lambda: optimizer.tell(optimizer.pending[part], told[part])


CALLS = {  # name -> (optimizer, objectives) -> the call
    "ask": lambda optimizer, n: lambda: optimizer.ask(3),
    "ask, pinned": lambda optimizer, n: lambda: optimizer.ask(2, fixed={"flag": True}),
    "ask, mirrored": lambda optimizer, n: lambda: optimizer.ask(2, mirrored=True),
    "sample": lambda optimizer, n: lambda: optimizer.sample(2),
    "tell": lambda optimizer, n: _tell(optimizer, slice(1, 5), n),
    "tell one": lambda optimizer, n: _tell(optimizer, 0, n),
    "inject": lambda optimizer, n: lambda: optimizer.inject(INJECTED, losses(optimizer, [INJECTED], n)[0]),
    "load": lambda optimizer, n: lambda: optimizer.load_state_dict(OTHER[kind(optimizer)]),
}
INJECTED = {"op": "skip", "width": 77, "flag": True}


def kind(optimizer):
    return type(optimizer), getattr(optimizer, "noisy", False)


def prepared(name):
    make, n, n_objectives = OPTIMIZERS[name]
    optimizer = make()
    if name.endswith("new run"):  # that is over with the next result
        while optimizer._parts.policy._archive.stalled < optimizer._parts.policy._patience - 3:
            point = optimizer.ask(mirrored=True)
            optimizer.tell(point, 1.0)
        optimizer.ask(5, mirrored=True)
        return optimizer, 1
    while optimizer.n_told < n:
        batch = optimizer.ask(min(4, n - optimizer.n_told))
        optimizer.tell(batch, losses(optimizer, batch, n_objectives))
    optimizer.ask(5)
    return optimizer, n_objectives


def loaded(optimizer, state):
    twin = type(optimizer)(optimizer.space, **{"noisy": optimizer.noisy} if isinstance(optimizer, Minimizer) else {})
    twin.load_state_dict(state)
    return twin


OTHER = {kind(made): made.state_dict()
         for made in (ASNG(MIXED, seed=2, population_size=4), Minimizer(MIXED, seed=2, population_size=4),
                      Minimizer(MIXED, seed=2, population_size=4, noisy=True))}


def lines(n, rng):
    """Numbers of lines: the first 40, then ever larger steps, so that long calls take no longer."""
    line = 0
    while True:
        yield line
        line += 1 if line < n else int(rng.integers(1, 2 + line // n * 8))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["", "every line"])
def test_a_call_that_breaks_off_anywhere_has_changed_nothing_or_all(name, call, every):
    if name.endswith("new run") and call in ("ask, pinned", "inject", "load"):
        pytest.skip("of another space")
    optimizer, n_objectives = prepared(name)
    before = optimizer.state_dict()
    twin = loaded(optimizer, before)
    CALLS[call](twin, n_objectives)()
    allowed = packed(before), packed(twin.state_dict())
    seen = {allowed[0]}
    for line in itertools.count() if every else lines(40, np.random.default_rng(0)):
        error = (KeyboardInterrupt, MemoryError, Torn, RuntimeError)[line % 4]("raised by the test")
        reached = broken_off(CALLS[call](optimizer, n_objectives), line, error)
        after = packed(optimizer.state_dict())
        assert after in allowed, f"torn at line {line}"
        seen.add(after)
        if not reached:
            break
        if after != allowed[0] or after == allowed[1]:
            optimizer = loaded(optimizer, before)
    assert after == allowed[1] or call == "sample"
    batch = optimizer.pending if len(optimizer.pending) else optimizer.ask(3)
    optimizer.tell(batch, losses(optimizer, batch, n_objectives))
    optimizer.ask(3)


@pytest.mark.parametrize("name", ["ASNG", "Minimizer", "noisy"])
def test_what_breaks_off_the_undoing_too_is_undone_by_the_next_call(name):
    optimizer, n_objectives = prepared(name)
    before = packed(optimizer.state_dict())
    for line in range(8):
        call, undo = CALLS["tell"](optimizer, n_objectives), optimizer._parts.undo
        optimizer._parts.ledger.drop_past = lambda: 1 / 0
        optimizer._parts.policy.update = lambda *arguments: 1 / 0
        optimizer._parts.undo = lambda line=line, undo=undo: broken_off(undo, line, KeyboardInterrupt()) and 1 / 0
        with pytest.raises(ZeroDivisionError):
            call()
        del optimizer._parts.undo, optimizer._parts.ledger.drop_past, optimizer._parts.policy.update
        assert packed(optimizer.state_dict()) == before
        optimizer = loaded(optimizer, optimizer.state_dict())


def test_a_call_begins_with_the_undoing_of_what_the_last_one_left():
    optimizer, n_objectives = prepared("ASNG")
    twin = loaded(optimizer, optimizer.state_dict())
    parts = optimizer._parts
    parts.undo = parts.policy.update = lambda *arguments: 1 / 0
    with pytest.raises(ZeroDivisionError):
        CALLS["tell"](optimizer, n_objectives)()
    del parts.undo, parts.policy.update
    np.testing.assert_array_equal(optimizer.ask(3).codes, twin.ask(3).codes)
    assert packed(optimizer.state_dict()) == packed(twin.state_dict())


@pytest.mark.parametrize("name", ["ASNG", "Minimizer", "noisy"])
def test_losses_and_constraints_of_the_user_that_raise_change_nothing(name, monkeypatch):
    class Loss(float):
        def __float__(self):
            raise KeyboardInterrupt

    optimizer, _ = prepared(name)
    before = packed(optimizer.state_dict())
    with pytest.raises(KeyboardInterrupt):
        optimizer.tell(optimizer.pending[:2], [1.0, Loss(1.0)])
    calls = itertools.count()
    monkeypatch.setattr(MIXED.constraints, "predicates", (lambda values: next(calls) < 3 or sys.exit(1),))
    with pytest.raises(SystemExit):
        optimizer.ask(20)
    assert packed(optimizer.state_dict()) == before
