"""Conditional variables, against recursion over the conditions and sums over all points."""

import itertools
import time

import cases
import numpy as np
import oracles
import pytest

from asng_core import ASNG, Boolean, Categorical, Integer, Ordinal, Real, Space
from asng_core.distribution.search_distribution import SearchDistribution, recentred

CONDITIONAL = {
    "one child": ({"a": Categorical([1, 2, 3]), "b": Boolean()}, {"b": {"a": [1, 3]}}),
    "several parents": ({"a": Boolean(), "b": Ordinal([1, 2, 3]), "c": Integer(0, 3)},
                        {"c": {"a": [True], "b": [2, 3]}}),
    "alternatives": ({"c": Boolean(), "a": Categorical(["x", "y", "z"]), "b": Boolean()},
                     {"c": [{"a": ["x"]}, {"a": ["y", "z"], "b": [True]}]}),
    "nested, the child listed first": (
        {"d": Integer(1, 3), "c": Boolean(), "b": Categorical([0, 1, 2]), "a": Boolean(), "free": Ordinal([1, 2])},
        {"b": {"a": [True]}, "c": [{"b": [0, 2]}], "d": [{"c": [True]}, {"b": [1], "a": [True]}]}),
    "never active": ({"a": Categorical([1, 2]), "b": Categorical([1, 2, 3]), "c": Boolean()},
                     {"b": {"a": [1]}, "c": {"a": [2], "b": [1]}}),
    "a chain": ({f"v{i}": Boolean() for i in range(9)}, {f"v{i}": {f"v{i - 1}": [True]} for i in range(1, 9)}),
    "two components": ({f"{n}{i}": Integer(1, 3) for i in range(2) for n in "pc"},
                       {f"c{i}": {f"p{i}": [1, 2]} for i in range(2)}),
    "a parent in steps": ({"x": Real(0, 1, step=0.25), "n": Integer(0, 100, step=50), "y": Boolean()},
                          {"y": {"x": [0.25, 1.0], "n": [50, 100]}}),
}


def points(variables):
    """Every combination of values, the inactive ones' too."""
    values = [[variable.decode(code) for code in range(variable.size)] for variable in variables.values()]
    return [dict(zip(variables, each, strict=True)) for each in itertools.product(*values)]


@pytest.fixture(params=CONDITIONAL)
def conditional(request):
    variables, active_if = CONDITIONAL[request.param]
    return Space(variables, active_if=active_if), active_if


def test_activity_is_that_of_the_recursion(conditional):
    space, active_if = conditional
    every = points(space.variables)
    active = space.active(oracles.all_codes(space.sizes))
    assert [{name for name, there in zip(space.names, row, strict=True) if there} for row in active] == [
        oracles.active_by_recursion(active_if, point) for point in every]
    masked = space.masked(oracles.all_codes(space.sizes))
    assert np.array_equal(space.active(masked), active)  # whatever the inactive hold
    assert np.array_equal(masked == -1, ~active)


def test_size_counts_distinct_points(conditional):
    space, _ = conditional
    assert space.size == len(set(map(tuple, space.masked(oracles.all_codes(space.sizes)).tolist())))


def test_values_name_exactly_the_active_variables(conditional):
    space, active_if = conditional
    for point, codes in zip(points(space.variables), oracles.all_codes(space.sizes), strict=True):
        names = oracles.active_by_recursion(active_if, point)
        values = {name: value for name, value in point.items() if name in names}
        masked = space.masked(codes[None])[0]
        assert space.decode(masked) == values
        assert space.encode(values).tolist() == masked.tolist()
        for name in space.names:
            changed = {k: v for k, v in values.items() if k != name} if name in names else values | {name: point[name]}
            assert not space.contains(changed)


def test_size_is_counted_without_enumerating():
    """Fifty parents of a child each, and a chain of two hundred."""
    pairs = Space({f"{n}{i}": Categorical(range(5)) for n in "pc" for i in range(50)},
                  active_if={f"c{i}": {f"p{i}": [0, 1]} for i in range(50)})
    assert pairs.size == (2 * 5 + 3) ** 50
    chain = Space({f"v{i}": Boolean() for i in range(200)}, active_if={f"v{i}": {f"v{i - 1}": [True]}
                                                                       for i in range(1, 200)})
    assert chain.size == 201


def test_candidates_are_mappings_over_the_active_variables():
    space = cases.SPACES["conditional"]()
    for candidate in ASNG(space, seed=1).ask(50):
        assert dict(candidate) == space.decode(candidate.codes)
        assert len(candidate) == len(dict(candidate))
        for name in space.names:
            assert (name in candidate) == (name in dict(candidate))


def test_conditional_spaces_are_rebuilt_compared_and_shown(conditional):
    space, active_if = conditional
    assert Space.from_description(space.describe()) == space
    assert space != Space(space.variables)
    child = next(iter(active_if))
    assert repr({child: space.conditions.values(space.variables)[child]})[1:-1] in repr(space)


def test_the_gradient_is_the_natural_gradient_of_the_loss_where_the_variable_is_active(conditional):
    """Sums over all points: P(active) times F^-1 d/dtheta E[f | active], by differences."""
    space, _ = conditional
    rng = np.random.default_rng(1)
    codes = oracles.all_codes(space.sizes)
    draws, active = codes.astype(float), space.active(codes)
    f = rng.standard_normal(len(codes))
    f = np.array([f[np.flatnonzero((space.masked(codes) == row).all(axis=1))[0]] for row in space.masked(codes)])
    family = Space({name: Categorical(range(size)) for name, size in zip(space.names, space.sizes, strict=True)})
    distribution = SearchDistribution(family)  # probabilities for all, so that points can be enumerated
    theta = distribution.family.from_marginals([rng.dirichlet(np.full(size, 5.0)) for size in space.sizes])
    starts = np.cumsum(space.sizes) - space.sizes

    def conditional_mean(theta, i):
        p = np.prod(theta[codes + starts], axis=1) * active[:, i]
        return p @ f / p.sum() if p.sum() > 0 else 0.0

    p = np.prod(theta[codes + starts], axis=1)
    gradient = distribution.family.natural_gradient(theta, recentred(f, p[:, None] * active), draws)
    for i, (start, size) in enumerate(zip(starts, space.sizes, strict=True)):
        q, h = theta[start : start + size], 1e-6
        slopes = []
        for k in range(size):
            up, down = theta.copy(), theta.copy()
            up[start + k] += h
            down[start + k] -= h
            slopes.append((conditional_mean(up, i) - conditional_mean(down, i)) / (2 * h))
        expected = (p @ active[:, i]) * q * (np.array(slopes) - q @ slopes)  # F^-1 on the simplex
        assert gradient[start : start + size] == pytest.approx(expected, abs=1e-8)


def test_a_variable_inactive_in_all_results_stays():
    space = Space({"a": Boolean(), "b": Categorical([1, 2, 3]), "x": Real(0, 1)},
                  active_if={"b": {"a": [True]}, "x": {"a": [True]}})
    optimizer = ASNG(space, seed=1, init={"a": [1 - 1e-9, 1e-9]}, margin=1e-9)
    before = optimizer.distribution()
    for loss in range(20):
        batch = optimizer.ask(8)
        assert all(dict(candidate) == {"a": False} for candidate in batch)
        optimizer.tell(batch, [loss + i for i in range(8)])
    assert optimizer.distribution()["b"].tolist() == before["b"].tolist()
    assert optimizer.distribution()["x"] == before["x"]


def test_a_conditional_optimum_is_found():
    space = cases.SPACES["conditional"]()
    best = {"op": "conv", "kernel": 5, "dilated": True, "dilation": 7}
    optimizer = ASNG(space, seed=3)
    for _ in range(400):
        batch = optimizer.ask(12)
        optimizer.tell(batch, [sum(c.get(name) != value for name, value in best.items()) for c in batch])
    assert optimizer.mode() == best
    assert optimizer.converged


@pytest.mark.parametrize(("active_if", "error", "message"), [
    ({"b": {"z": [1]}}, ValueError, r"the condition of 'b' must name variables of the space, got 'z'.*names are \['a'"),
    ({"z": {"a": [1]}}, ValueError, r"Space\(active_if\) must name variables of the space, got 'z'"),
    ({"b": {"a": [7]}}, ValueError, r"condition of 'b' must list values of 'a', which must be one of \[1, 2\].*got 7"),
    ({"b": {"a": [True]}}, ValueError, r"must list values of 'a'.*got True"),
    ({"b": {"a": 1}}, TypeError, r"the condition of 'b' on 'a' must be a list of values, got 1. Put it into a list"),
    ({"b": {"a": []}}, ValueError, r"the condition of 'b' on 'a' must hold at least one value"),
    ({"b": {"x": [0.5]}}, ValueError, r"'x' is a continuous Real. Give that one a step"),
    ({"b": {}}, TypeError, r"the condition of 'b' must be a dict \{parent: values\}, or a list of such dicts"),
    ({"b": []}, TypeError, r"the condition of 'b' must be a dict"),
    ({"b": "a"}, TypeError, r"the condition of 'b' must be a dict"),
    (["b"], TypeError, r"Space\(active_if\) must map names to conditions such as"),
    ({"a": {"a": [1]}}, ValueError, r"must not run in a circle, got 'a' <- 'a'. Remove one"),
    ({"a": {"b": [False]}, "b": {"c": [1]}, "c": [{"a": [2]}]}, ValueError,
     r"must not run in a circle, got '\w' <- '\w' <- '\w' <- '\w'"),
])
def test_bad_conditions_say_what_to_do(active_if, error, message):
    with pytest.raises(error, match=message):
        Space({"a": Categorical([1, 2]), "b": Boolean(), "c": Categorical([1, 2]), "x": Real(0, 1)},
              active_if=active_if)


@pytest.mark.parametrize(("values", "message"), [
    ({"op": "skip", "dilation": 2, "kernel": 3}, r"inactive \['kernel'\] \(condition not met\)"),
    ({"op": "pool"}, r"missing \['kernel'\]"),
])
def test_values_of_inactive_variables_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        cases.SPACES["conditional"]().encode(values)


@pytest.mark.parametrize(("codes", "message"), [
    ([2, 1, -1, 0], r"codes of variable 1 \('kernel'\) must be -1 .*condition not being met"),
    ([1, -1, -1, -1], r"codes of variable 1 \('kernel'\) must hold its value"),
    ([-1, -1, -1, -1], r"codes of variable 0 must be within 0..2, got -1"),
])
def test_codes_that_do_not_fit_the_conditions_are_named(codes, message):
    with pytest.raises(ValueError, match=message):
        cases.SPACES["conditional"]().decode(codes)


@pytest.mark.parametrize("seed", range(40))
def test_size_of_random_conditions_is_that_of_all_points(seed):
    rng = np.random.default_rng(seed)
    names = [f"v{i}" for i in range(7)]
    variables = {name: Categorical(range(int(rng.integers(1, 4)))) for name in names}
    active_if = {}
    for i in range(2, 7):
        alternatives = []
        for _ in range(int(rng.integers(1, 4))):
            parents = rng.choice(names[:i], int(rng.integers(1, min(i, 4))), replace=False).tolist()
            alternatives.append({parent: rng.choice(variables[parent].size, int(rng.integers(
                1, variables[parent].size + 1)), replace=False).tolist() for parent in parents})
        active_if[names[i]] = alternatives
    order = rng.permutation(names)
    space = Space({name: variables[name] for name in order}, active_if=active_if)
    assert space.size == len(set(map(tuple, space.masked(oracles.all_codes(space.sizes)).tolist())))


@pytest.mark.parametrize("alternatives", [1, 2])
@pytest.mark.parametrize("n", [9, 14])
def test_size_of_many_children_that_share_many_parents_is_counted_quickly(n, alternatives):
    rng = np.random.default_rng(alternatives)
    parents = {f"p{i}": Categorical([0, 1, 2]) for i in range(n)}

    def condition():
        return {name: rng.choice(3, int(rng.integers(1, 3)), replace=False).tolist() for name in parents}

    space = Space({**parents, **{f"c{i}": Integer(1, 5) for i in range(8)}},
                  active_if={f"c{i}": [condition() for _ in range(alternatives)] for i in range(8)})
    begun = time.process_time()
    size = space.size
    assert time.process_time() - begun < 5
    if n < 14:
        codes = np.stack(np.unravel_index(np.arange(3**n), (3,) * n), axis=1)
        active = space.active(np.concatenate([codes, np.zeros((len(codes), 8), dtype=np.int64)], axis=1))[:, n:]
        assert size == int((5 ** active.sum(axis=1)).sum())
