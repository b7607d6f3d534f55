"""A damaged state is refused by a ValueError with nothing changed, or is a state like any other."""

import copy
import functools
import itertools
import math
import warnings

import numpy as np
import oracles
import pytest

from asng_core import ASNG, Boolean, Categorical, CheckpointError, Integer, Minimizer, Real, Space, checkpoint

SPACE = Space({"op": Categorical(["conv", "pool", "skip"]), "width": Integer(8, 256, log=True), "x": Real(0, 1),
               "n": Integer(0, 30), "flag": Boolean()}, active_if={"x": {"op": ["conv", "pool"]}},
              constraints=[lambda values: values["width"] <= 200 or values["flag"]])


def loss(point, n):
    value = abs(point["width"] - 60) / 60 + (point["op"] != "pool") + point.get("x", 0.3)
    return value if n == 1 else (value, point["n"])


OPTIMIZERS = {  # maker, objectives, results
    "ASNG": (lambda: ASNG(SPACE, seed=1, population_size=4), 1, 18),
    "Minimizer": (lambda: Minimizer(SPACE, seed=1, population_size=4), 1, 22),
    "two objectives": (lambda: Minimizer(SPACE, seed=1, population_size=4), 2, 22),
    "noisy": (lambda: Minimizer(SPACE, seed=1, population_size=4, noisy=True), 1, 26),
}


@functools.cache
def prepared(name):
    make, n, results = OPTIMIZERS[name]
    optimizer = make()
    while optimizer.n_told < results:
        point = optimizer.ask()
        optimizer.tell(point, np.nan if n == 1 and point.id % 9 == 8 else loss(point, n))
    pinned = optimizer.ask(2, fixed={"flag": True})
    optimizer.ask(5)
    optimizer.tell(pinned[0], loss(pinned[0], n))
    optimizer.recommend() if n == 1 else None
    return optimizer.state_dict()


def leaves(tree, path=()):
    """Paths to every leaf; of long lists to some elements. Every node is one as well."""
    if path:
        yield path
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, (*path, key))
    elif isinstance(tree, (list, tuple)):
        for i in sorted({0, len(tree) // 2, len(tree) - 1} & set(range(len(tree)))):
            yield from leaves(tree[i], (*path, i))


def damages(value):
    """What may stand in its place, by name."""
    for other in (None, "text", -1, 10**30, 1.5, float("nan"), float("inf"), 1e300, -1e300, 0, True, [], {}, [[]],
                  b"", (), [None], {"a": 1}, 2**62, np.empty(0), np.array(["x"]), np.zeros((2, 2)), object()):
        yield f"{other!r:.30}", other
    if isinstance(value, np.ndarray):
        for dtype in (np.float32, np.int8, np.complex128, object, str):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield f"as {dtype.__name__}", value.astype(dtype)
        for name, change in (("cut", lambda a: a[:-1]), ("longer", lambda a: np.concatenate([a, a[-1:]])),
                             ("turned", lambda a: a.T), ("flat", np.ravel), ("deeper", lambda a: a[None]),
                             ("doubled", lambda a: np.concatenate([a, a]))):
            if value.size:
                yield name, change(value)
        if value.size:
            for fill, place in itertools.product((np.nan, np.inf, -1, 0, 1e300, 1e-320, 0.5, 7, 2**40), (0, -1, None)):
                integer = float(fill).is_integer() and abs(fill) < 2**60
                changed = value.copy() if integer else value.astype(np.float64)
                changed.reshape(-1)[slice(None) if place is None else place] = fill
                yield f"{fill} at {place}", changed
    elif isinstance(value, list):
        yield "cut", value[:-1]
        yield "doubled", value + value
        yield "turned round", value[::-1]
        yield "of one", value[:1] * len(value)
        yield "as an array", np.array(value, dtype=object)
    elif isinstance(value, dict):
        for key in value:
            yield f"without {key}", {other: kept for other, kept in value.items() if other != key}
        yield "with more", {**value, "more": 1}
    elif isinstance(value, (int, float)):
        for other in (value + 1, value - 1, -value, value * 1000, float(value), str(value)):
            yield repr(other), other


def replaced(tree, path, value):
    if not path:
        return value
    node = copy.copy(tree) if not isinstance(tree, tuple) else list(tree)
    node[path[0]] = replaced(tree[path[0]], path[1:], value)
    return node


def damaged(name):
    """Every damage of every leaf: its name, and the state."""
    state = prepared(name)
    for path in leaves(state):
        if path[0] in ("format", "space"):
            continue
        node = functools.reduce(lambda node, key: node[key], path, state)
        for what, other in damages(node):
            yield f"{'.'.join(map(str, path))}: {what}", replaced(state, path, other)


def outcome(name, optimizer, before, state):
    """In what a damaged state differs from what it may be; None if in nothing."""
    n = OPTIMIZERS[name][1]
    try:
        optimizer.load_state_dict(state)
    except ValueError:
        return None if oracles.exact(optimizer.state_dict()) == before else "refused, but changed"
    except Exception as error:
        return f"not a ValueError: {error!r:.200}"
    try:
        for _ in range(20):
            point = optimizer.ask()
            optimizer.tell(point, loss(point, n))
        optimizer.tell(optimizer.pending[:2], [loss(point, n) for point in optimizer.pending[:2]])
        optimizer.mode(), optimizer.entropy, optimizer.converged, optimizer.summary(), optimizer.distribution()
        if n == 1:
            optimizer.recommend()
        _ = optimizer.best if n == 1 else optimizer.front
        after = optimizer.state_dict()
        OPTIMIZERS[name][0]().load_state_dict(after)
        if not np.isfinite(after["theta"]).all() or not np.isfinite(optimizer.step_size):
            return "not finite"
    except Exception as error:
        return f"accepted, then {error!r:.200}"
    return None


def found(name, sampled):
    make = OPTIMIZERS[name][0]
    optimizer = make()
    before = oracles.exact(optimizer.state_dict())
    problems = {}
    for what, state in sampled:
        if (problem := outcome(name, optimizer, before, state)) is not None:
            problems[what] = problem
        if optimizer.n_asked:
            optimizer = make()
    return problems


@pytest.mark.parametrize("n", [40, pytest.param(200, marks=pytest.mark.attack)])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_damaged_states_are_refused_or_work(name, n):
    every = list(damaged(name))
    chosen = np.random.default_rng(0).choice(len(every), 3 * n if name == "ASNG" else n, replace=False)
    assert found(name, [every[i] for i in chosen]) == {}


DESCRIBED = Space({"op": Categorical(["a", "b"]), "n": Integer(1, 9, log=True), "k": Integer(2, 8, step=2),
                   "x": Real(0, 1), "g": Real(0, 1, step=0.1), "flag": Boolean()},
                  active_if={"x": {"op": ["a"], "k": [2, 4]}, "g": [{"n": [1]}, {"flag": [True]}]})


def test_a_damaged_description_is_refused_or_works(tmp_path):
    state = ASNG(DESCRIBED, seed=1).state_dict()
    for path in leaves(state["space"], ("space",)):
        for other in (None, "a", -1, 7, 1.5, [], {}, 10**400, 1e308, math.inf, math.nan):
            (tmp_path / "a").write_bytes(checkpoint.packed(replaced(state, path, other)))
            try:
                optimizer = ASNG.load(tmp_path / "a")
            except CheckpointError:
                continue
            optimizer.ask(2)
            optimizer.summary()
            optimizer.space.decode(optimizer.space.encode(optimizer.mode()))


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_damage_is_refused_or_works(name):
    assert found(name, damaged(name)) == {}


@pytest.mark.parametrize(("column", "words"), [(-1, "a pinned column must be at least 0, got"), (5, "must be below 5")])
def test_a_pinned_column_is_one_of_the_space(column, words):
    optimizer = ASNG(SPACE, seed=1)
    optimizer.ask(fixed={"flag": True})
    state = optimizer.state_dict()
    state["open"]["pinned"] = [[column]]
    with pytest.raises(ValueError, match=words):
        ASNG(SPACE).load_state_dict(state)


def test_what_an_open_draw_was_drawn_from_is_not_left_out():
    optimizer = ASNG(SPACE, seed=1, population_size=2)
    late = optimizer.ask()
    while optimizer.generation == 0:
        point = optimizer.ask()
        optimizer.tell(point, loss(point, 1))
    assert late.id in optimizer.pending.ids
    state = optimizer.state_dict()
    state["past"] = {"generations": [], "values": state["past"]["values"][:0]}
    with pytest.raises(ValueError, match="the distribution of a draw is missing"):
        ASNG(SPACE).load_state_dict(state)
