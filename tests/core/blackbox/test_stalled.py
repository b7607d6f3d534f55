"""What a run does when it no longer improves."""

import numpy as np
import pytest

from asng_core import Categorical, Integer, Minimizer, Real, Space, SpaceExhausted
from asng_core.blackbox.archive import Archive, doubt, patience
from asng_core.blackbox.history import History
from asng_core.blackbox.pool import Pool
from asng_core.blackbox.sources import SOURCES, Differences, Mutants, Sampled, proposed
from asng_core.distribution.geometry import Geometry
from asng_core.distribution.search_distribution import SearchDistribution


@pytest.mark.parametrize(("loss", "least", "most"), [
    (lambda codes: 0.0, 0.44, 0.6),  # flat: every other evaluation, more at the start
    (lambda codes: -float(codes @ 0.7 ** np.arange(20)), 0.7, 1.0)])
def test_the_model_is_asked_less_once_a_run_has_stalled(monkeypatch, loss, least, most):
    by_model, take = [], Pool.take
    monkeypatch.setattr(Pool, "take", lambda *args, **kwargs: by_model.append(0) or take(*args, **kwargs))
    optimizer = Minimizer(Space.binary(20), seed=0)
    while optimizer.n_told < 200 and not (optimizer.n_told and optimizer.best.loss < loss(np.ones(20)) + 0.01 < 0):
        point = optimizer.ask()
        optimizer.tell(point, loss(point.codes))
    assert least < len(by_model) / optimizer.n_told <= most


def test_doubt_grows_to_every_other_evaluation_and_patience_outlasts_it():
    assert [doubt(stalled, 10) for stalled in (0, 2, 5, 50)] == [0.0, 0.2, 0.5, 0.5]
    assert doubt(1, 0) == 0.5
    assert all(doubt(patience(d), d) == 0.5 for d in (1, 10, 1000))


def test_of_equal_results_the_newest_are_the_parents():
    space, archive = Space.binary(4), Archive()
    history = History(space)
    for i, loss in enumerate([1.0, 0.0, 0.0, 2.0, 0.0]):
        history.append(i, np.array([i % 2, i // 2 % 2, i // 4, 0]), loss, 0.0)
        archive.insert(history, [i])
    assert archive.rows == [4, 2, 1, 0, 3]
    assert archive.stalled == 3


SPACE = Space({f"c{i}": Categorical(list("abc")) for i in range(15)} | {f"i{i}": Integer(0, 99) for i in range(5)})


def test_a_mutant_differs_in_a_few_variables_and_seldom_in_many():
    distribution = SearchDistribution(SPACE, margin=0.05, initial_step_size=1.0, alpha=1.5, adapt=True)
    geometry, rng = Geometry(distribution), np.random.default_rng(0)
    parent = np.repeat(distribution.sample(1, rng), 20_000, axis=0)
    differ = (geometry.neighbours(parent, rng, heavy_tailed=True) != parent).sum(axis=1)
    powers = np.arange(1, 11) ** -1.5
    assert np.bincount(differ, minlength=11)[1:] / 20_000 == pytest.approx(powers / powers.sum(), abs=0.012)
    assert differ.min() == 1
    near = (geometry.neighbours(parent, rng) != parent).sum(axis=1)
    assert near.min() == 1
    assert near.mean() == pytest.approx(1 / 0.7, abs=0.02)


def test_candidates_recombine_the_best_points():
    geometry = Geometry(SearchDistribution(Space.binary(40)))
    ends = np.stack([np.zeros(40, dtype=int), np.ones(40, dtype=int)])
    candidates = proposed(SOURCES, ends, geometry, np.random.default_rng(0))
    uneven = np.abs(candidates.sum(axis=1) - 20)
    assert (uneven[10:20] < 12).sum() >= 3  # of zeros and ones, half of each, unless the parents are one
    assert (uneven[20:] > 12).all()


def test_without_the_model_a_point_is_a_draw_or_a_mutant_of_the_best_with_even_chances():
    optimizer = Minimizer(Space.binary(40), seed=0)
    optimizer.inject(optimizer.space.decode(np.zeros(40, dtype=int)), 0.0)
    optimizer.inject(optimizer.space.decode(np.ones(40, dtype=int)), 1.0)
    ones = np.array([optimizer._parts.policy._drawn().sum(axis=1).min() for _ in range(400)])
    draws = ones > 8  # the least of five: of uniform draws about 16, of mutants of the zeros about 1
    assert draws.mean() == pytest.approx(0.5, abs=0.08)
    assert np.median(ones[~draws]) == 1


REALS = Space({"a": Real(0, 1), "b": Real(0, 1), "n": Integer(0, 9), "c": Categorical(list("xyz"))})


def test_differences_move_along_the_archive_by_about_its_width():
    geometry = Geometry(SearchDistribution(REALS))
    archive = np.array([[0.5 + t, 0.5 - 2 * t, 4, 1] for t in (-1e-5, 0, 1e-5)])
    draws = proposed([Differences(4000)], archive, geometry, np.random.default_rng(0))
    steps = draws[:, :2] - [0.5, 0.5]
    assert np.allclose(steps[:, 1], -2 * steps[:, 0], atol=1e-12)  # in its direction, which is no axis's
    assert 0.5e-5 < np.median(np.abs(steps[steps[:, 0] != 0, 0])) < 2e-5
    assert (draws[:, 2:] == [4, 1]).all()  # in which the archive does not differ


def test_differences_leave_categories_and_stay_within_ranges():
    geometry, rng = Geometry(SearchDistribution(REALS)), np.random.default_rng(0)
    archive = np.array([[0.0, 1.0, 0, 0], [1.0, 0.0, 9, 2]])
    draws = proposed([Differences(500)], archive, geometry, rng)
    assert (draws[:, :3].min(axis=0) == [0, 0, 0]).all()
    assert (draws[:, :3].max(axis=0) == [1, 1, 9]).all()
    assert set(draws[:, 3]) == {0, 2}


def test_without_the_model_a_space_with_a_real_has_mutants_differences_and_quadratics():
    optimizer = Minimizer(REALS, seed=0)
    for i in range(10):
        optimizer.inject({"a": 0.5 + i * 1e-6, "b": 0.5, "n": 4, "c": "x"}, float(i))
    policy = optimizer._parts.policy
    proposals = [policy._drawn() for _ in range(600)]
    none = np.mean([not len(draws) for draws in proposals])  # no quadratic without two directions
    near = np.mean([len(draws) > 0 and np.abs(draws[:, 0] - 0.5).max() < 1e-3 for draws in proposals])
    assert none == pytest.approx(1 / 3, abs=0.07)
    assert 1 / 3 < near < 0.6  # differences, and mutants of other variables
    assert {type(source) for source in policy._sources} == {Mutants, Differences}
    assert {type(source) for source in Minimizer(SPACE)._parts.policy._sources} == {Mutants, Sampled}


def test_a_space_of_constants_is_exhausted_however_often_its_point_was_injected():
    optimizer = Minimizer(Space({"a": Categorical(["only"]), "b": Integer(3, 3)}), seed=0)
    for _ in range(10):
        optimizer.inject({"a": "only", "b": 3}, 1.0)
    with pytest.raises(SpaceExhausted):
        optimizer.ask()
