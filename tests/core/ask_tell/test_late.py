"""Results of an older distribution: their weights, and the bias of the update against sums over all points."""

import heapq

import numpy as np
import oracles
import pytest

from asng_core import ASNG, Boolean, Categorical, Integer, Minimizer, Real, Space
from asng_core.ask_tell.late import MAX_AGE, late_weights
from asng_core.ask_tell.results import Drawn, Gathered, Told
from asng_core.distribution.search_distribution import SearchDistribution, recentred


def test_a_present_draw_counts_fully_and_none_counts_more():
    assert late_weights(np.array([0.0, 0.0, 3.0]), np.array([1, 100, 5])).tolist() == [1, 1, 1]
    assert late_weights(np.array([-1.0, -1.0]), np.array([1, 4])) == pytest.approx(np.exp([-1, -1]))
    assert late_weights(np.array([-1.0, -np.inf]), np.array([100, 100])) == pytest.approx([np.exp(-0.2), 0])


def test_what_was_gathered_since_a_generation_is_drawn_in_it_or_later():
    drawn = [Drawn(np.zeros(1), generation) for generation in range(5)]
    told = [Told(each, i, np.zeros(1, dtype=int), 0.0, 0.0) for i, each in enumerate(drawn)]
    since = Gathered(told, drawn).since(3)
    assert ([each.id for each in since.told], [each.generation for each in since.rejected]) == ([3, 4], [3, 4])


def test_results_of_several_objectives_wait_in_a_file():
    optimizer = Minimizer(Space.binary(5), seed=1, population_size=6)
    optimizer.tell(optimizer.ask(3), [(1.0, 2.0), (float("nan"), 1.0), (3.0, -1.0)])
    state = optimizer.state_dict()
    assert len(state["waiting"]["losses"]) == 3
    again = Minimizer(Space.binary(5))
    again.load_state_dict(state)
    assert oracles.exact(again.state_dict()) == oracles.exact(state)
    state["waiting"]["losses"][0] = (1.0, "2")
    with pytest.raises(ValueError, match="a loss must be one real number"):
        again.load_state_dict(state)


@pytest.mark.parametrize("moved", [0.3, 0.8])
def test_the_weights_take_bias_from_the_update(moved):
    """Expected update at theta of draws from another distribution: nearer to the exact natural gradient, in
    direction and in the Fisher metric, than counting them in full. Sums over all points of random losses."""
    sizes, rng = [2, 3, 3], np.random.default_rng(1)
    distribution = SearchDistribution(Space.categorical(sizes), margin=0.01)
    family, codes = distribution.family, oracles.all_codes(sizes)
    draws, cosines, distances = codes.astype(float), [], []
    for _ in range(200):
        then = family.from_marginals([rng.dirichlet(np.full(k, 4.0)) for k in sizes])
        other = family.from_marginals([rng.dirichlet(np.full(k, 4.0)) for k in sizes])
        theta = (1 - moved) * then + moved * other
        f = rng.standard_normal(len(codes))
        log_then, log_now = (family.log_densities(each, draws).sum(axis=1) for each in (then, theta))
        weights = late_weights(log_now - log_then, np.full(len(codes), len(sizes)))
        exact, full, ruled = (
            family.root_fisher(theta, family.natural_gradient(theta, recentred(f, p[:, None] * np.ones(3)), draws))
            for p in (np.exp(log_now), np.exp(log_then), np.exp(log_then) * weights))
        exact, full, ruled = (each / np.linalg.norm(each) for each in (exact, full, ruled))
        cosines.append([full @ exact, ruled @ exact])
        distances.append([np.linalg.norm(full - exact), np.linalg.norm(ruled - exact)])
    (full, ruled), (far, near) = np.mean(cosines, axis=0), np.mean(distances, axis=0)
    assert ruled > full
    assert near < 0.85 * far


def test_results_of_the_present_distribution_are_those_of_plain_asng():
    """Asked one by one and told at once, or as a batch: the same update to the bit."""
    one, batch = (ASNG(Space.categorical([3] * 5), seed=1, population_size=4) for _ in range(2))
    for _ in range(5):
        candidates = [one.ask() for _ in range(4)]
        one.tell(candidates, [c.codes.sum() for c in candidates])
        asked = batch.ask(4)
        batch.tell(asked, asked.codes.sum(axis=1))
    assert one.state_dict()["theta"].tolist() == batch.state_dict()["theta"].tolist()


@pytest.mark.parametrize("space", [Space.categorical([2, 3, 4]), Space({"x": Real(0, 1), "n": Integer(0, 9)})])
def test_late_results_weigh_by_the_ratio_of_their_densities(space):
    optimizer = ASNG(space, seed=1, population_size=4)
    late = optimizer.ask(3)
    draws, before = optimizer.state_dict()["open"]["draws"], optimizer._parts.distribution.theta
    for _ in range(3):
        batch = optimizer.ask(4)
        optimizer.tell(batch, batch.codes.sum(axis=1))
    now = optimizer.ask(3)
    drawn = list(optimizer._parts.ledger._open.values())
    weights = optimizer._parts.ledger.past.weights(drawn, optimizer._parts.distribution)
    family = optimizer._parts.distribution.family
    log_now, log_then = (family.log_densities(theta, draws) for theta in (optimizer._parts.distribution.theta, before))
    ratio = np.exp((log_now - log_then).sum(axis=1))
    assert weights[:3] == pytest.approx(np.repeat(np.minimum(1, ratio)[:, None], len(space), axis=1))
    assert (weights[:3] < 1).any()
    assert (weights[3:] == 1).all()
    optimizer.tell([*late, *now], range(6))


def test_what_is_too_old_counts_for_the_best_only():
    optimizer = ASNG(Space.categorical([2, 2]), seed=1, population_size=2, adapt=False, initial_step_size=1e-3)
    old, older = optimizer.ask(2), optimizer.ask(2)
    for i in range(MAX_AGE + 1):
        batch = optimizer.ask(2)
        optimizer.tell(batch, [i, i + 1])
        if i == MAX_AGE - 1:
            optimizer.tell(old, [0.5, 0.6])
            assert optimizer.generation == i + 2
    generation, theta = optimizer.generation, optimizer.state_dict()["theta"].tolist()
    optimizer.tell(older, [-1.0, 3.0])
    assert optimizer.best.loss == -1
    assert (optimizer.generation, optimizer.state_dict()["theta"].tolist()) == (generation, theta)
    assert len(optimizer.state_dict()["past"]["generations"]) <= 1


def test_past_distributions_are_dropped_when_nothing_open_needs_them():
    optimizer = ASNG(Space.binary(6), seed=1, population_size=2)
    kept = optimizer.ask()
    for _ in range(30):
        batch = optimizer.ask(2)
        optimizer.tell(batch, batch.codes.sum(axis=1))
    assert optimizer.state_dict()["past"]["generations"] == [0]
    optimizer.tell([kept, optimizer.ask()], [1.0, 2.0])
    assert optimizer.state_dict()["past"]["generations"] == []


def test_late_results_continue_bit_for_bit_after_loading(tmp_path):
    space = Space({"a": Categorical(range(3)), "b": Boolean(), "x": Real(0, 1)}, active_if={"x": {"b": [True]}})
    optimizer = ASNG(space, seed=1, population_size=3)
    pending = optimizer.ask(4)
    pinned = optimizer.ask(2, fixed={"b": True})
    for _ in range(4):
        batch = optimizer.ask(3)
        optimizer.tell(batch, [-c["a"] for c in batch])
    optimizer.tell(pending[:2], [1.0, 2.0])
    optimizer.save(tmp_path / "a")
    loaded = ASNG.load(tmp_path / "a")
    for one in (optimizer, loaded):
        one.tell([*pinned, *pending[2:]], [3.0, 1.0, 4.0, 0.0])
        batch = one.ask(3)
        one.tell(batch, [-c["a"] for c in batch])
    assert oracles.exact(loaded.state_dict()) == oracles.exact(optimizer.state_dict())


def asynchronous(n_workers, seed, d=100):
    """Evaluations until OneMax is solved, by workers whose durations vary exponentially."""
    rng, optimizer = np.random.default_rng(seed), ASNG(Space.binary(d), seed=seed)
    running = [(rng.exponential(), i, optimizer.ask()) for i in range(n_workers)]
    heapq.heapify(running)
    for n in range(5000):
        time, i, candidate = heapq.heappop(running)
        if candidate.codes.sum() == d:
            return n + 1
        optimizer.tell(candidate, -candidate.codes.sum())
        heapq.heappush(running, (time + rng.exponential(), n_workers + i, optimizer.ask()))
    return np.inf


def test_thirty_two_workers_solve_onemax_almost_as_fast_as_one():
    assert np.median([asynchronous(32, seed) for seed in range(11)]) <= 700
