"""What every source of candidates owes the screening; a new one is a row of `cases.SOURCES`."""

import cases
import numpy as np
import pytest

from asng_core import Minimizer, Space
from asng_core.blackbox.noise_free import NoiseFree
from asng_core.blackbox.sources import Recombined, Sampled, proposed
from asng_core.distribution.geometry import Geometry
from asng_core.distribution.search_distribution import SearchDistribution


@pytest.mark.parametrize("space", cases.SPACES)
@pytest.mark.parametrize("name", cases.SOURCES)
def test_candidates_are_as_many_as_promised_legal_and_repeatable(name, space):
    source, space = cases.SOURCES[name], cases.SPACES[space]()
    geometry = Geometry(SearchDistribution(space))
    best = cases.random_codes(space, np.random.default_rng(1), 5)
    before = best.copy()
    first, again = (proposed([source], best, geometry, np.random.default_rng(2)) for _ in range(2))
    assert first.shape == (source.n, len(space))
    space.checked(geometry.distribution.codes(first))
    assert (first == again).all()
    np.testing.assert_array_equal(best, before)


def test_sources_add_up_and_those_without_parents_need_none():
    geometry, rng = Geometry(SearchDistribution(Space.binary(5))), np.random.default_rng(0)
    sources = (Recombined(3), Sampled(4))
    assert proposed(sources, np.zeros((2, 5), dtype=int), geometry, rng).shape == (7, 5)
    assert proposed(sources, np.empty((0, 5), dtype=int), geometry, rng).shape == (4, 5)
    assert proposed((), np.zeros((2, 5), dtype=int), geometry, rng).shape == (0, 5)


@pytest.mark.parametrize("name", cases.SOURCES)
def test_an_optimizer_with_this_source_alone_asks_new_points(name):
    mechanisms = NoiseFree(sources=(cases.SOURCES[name],), unscreened=(cases.SOURCES[name],))
    optimizer = Minimizer(Space.categorical([3] * 5), seed=0, mechanisms=mechanisms)
    for _ in range(60):
        point = optimizer.ask()
        optimizer.tell(point, float(point.codes.sum()))
    assert len(np.unique(optimizer.history.codes, axis=0)) == 60
