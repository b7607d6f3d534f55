"""The classics against brute force, and their shifts."""

import itertools

import numpy as np
import pytest

from benchmarks import classics as benchmark
from benchmarks.problems import classics
from benchmarks.problems.classics import PROBLEMS, Contamination, Ising, MaxSat, PestControl
from benchmarks.rivals import Setting
from benchmarks.rivals.classic import RandomSearch

BITS = {n: np.array(list(itertools.product((0, 1), repeat=n))) for n in (4, 10)}


def test_ising_is_the_divergence_of_enumerated_models():
    model = Ising(2, 0.1, np.random.default_rng(0))
    edges = [(0, 1), (2, 3), (0, 2), (1, 3)]
    states = 2 * np.array(list(itertools.product((0, 1), repeat=4))) - 1

    def probabilities(couplings):
        weights = np.exp(sum(j * states[:, a] * states[:, b] for j, (a, b) in zip(couplings, edges, strict=True)))
        return weights / weights.sum()
    p = probabilities(model.couplings)
    for kept in BITS[4]:
        q = probabilities(model.couplings * kept)
        assert model(kept) == pytest.approx(p @ np.log(p / q) + 0.1 * kept.sum())
    assert model(np.ones(4, dtype=int)) == pytest.approx(0.4)
    assert (np.abs(model.couplings) >= 0.05).all()


@pytest.mark.parametrize(("n", "energy"), [(4, 2), (10, 13)])
def test_labs_has_the_optima_of_the_literature(n, energy):
    assert min(map(classics.labs, BITS[n])) == energy


def test_labs_of_barker_sequences():
    barker = np.array([0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0])  # of length 13: no sidelobe above 1
    assert classics.labs(barker) == classics.labs(1 - barker) == 6


def test_unsatisfied_clauses_are_weighed():
    problem = MaxSat(10, 40, np.random.default_rng(0))
    for bits in BITS[10][::97]:
        broken = [weight for variables, wanted, weight in zip(problem.variables, problem.satisfying, problem.weights,
                                                              strict=True)
                  if not any(bits[i] == w for i, w in zip(variables, wanted, strict=True))]
        assert problem(bits) == pytest.approx(sum(broken))
    assert len(set(map(len, map(set, problem.variables.tolist())))) == 1  # three different variables each


def test_acting_everywhere_costs_and_never_acting_contaminates():
    chain = Contamination(25, 0.01, np.random.default_rng(0))
    everywhere, nowhere = chain(np.ones(25, dtype=int)), chain(np.zeros(25, dtype=int))
    assert 25.25 <= everywhere < 26
    assert 20 < nowhere <= 25


def test_pests_develop_tolerance_and_pesticides_become_cheaper():
    field = PestControl(25, np.random.default_rng(0))
    losses = {kind: field(np.full(25, kind)) for kind in range(5)}
    assert 20 < losses[0] <= 25  # nothing is paid
    assert losses[4] > 25 * 0.5  # no discount
    assert losses[1] >= 25 * 1.0 * 0.8
    assert min(losses[kind] for kind in (1, 2, 3)) > 0


def test_beta_draws_are_those_of_its_distribution():
    uniform = (np.arange(10_000) + 0.5) / 10_000
    for b in (3 / 7, 17 / 3, 30):
        assert classics.beta(uniform, b).mean() == pytest.approx(1 / (1 + b), rel=1e-2)


def test_ackley_is_zero_at_its_shifted_optimum_only():
    assert classics.ackley(np.zeros(5)) == pytest.approx(0, abs=1e-12)
    losses = [classics.ackley(np.array([x])) for x in (0, 0.1, 1, 10)]
    assert losses == sorted(losses)


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_seed_makes_an_instance_and_its_labels(name):
    rng = np.random.default_rng(0)
    one, same, other = (classics.instance(name, seed) for seed in (0, 0, 1))
    draws = [rng.uniform(one.space.lows, one.space.highs) for _ in range(5)]
    codes = [np.where(one.space.continuous, draw, np.rint(draw)).astype(one.space.dtype) for draw in draws]
    losses = [one.loss(each) for each in codes]
    assert losses == [same.loss(each) for each in codes]
    assert losses != [other.loss(each) for each in codes]
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("name", PROBLEMS)
def test_no_instance_follows_from_the_random_numbers_that_methods_draw(name):
    first = [classics.instance(name, seed).loss(np.array(RandomSearch(
        Setting(classics.instance(name, seed).space, 1), seed).ask())) for seed in range(8)]
    assert np.median(first) > np.median([classics.reference(name, seed) for seed in range(8)]) * 0.8


def test_relabelling_moves_no_value():
    problem = classics.relabelled(2, 4, lambda bits: float(bits @ [1, 2, 4, 8]), np.random.default_rng(3))
    assert sorted(map(problem.loss, BITS[4])) == list(range(16))
    assert [problem.loss(bits) for bits in BITS[4]] != list(range(16))


def test_known_points_are_free_and_the_best_never_rises():
    result = classics.run("CatCMAwM", "LABS", 0, 20)
    assert result["best"] == sorted(result["best"], reverse=True)
    assert len(result["best"]) == 3


def test_the_slow_have_fewer_runs():
    planned = benchmark.tasks(benchmark.METHODS)
    assert sum(task["method"] == "SMAC3" for task in planned) == len(PROBLEMS)
    assert sum(task["method"] == "Minimizer" for task in planned) == 10 * len(PROBLEMS)


def test_gaps_are_between_the_best_known_and_random_points_and_compared_on_shared_instances():
    def record(method, seed, loss):
        task = {"method": method, "table": "LABS", "seed": seed, "budget": 320}
        return {"task": task, "result": {"best": [loss] * len(classics.GRID)}}
    middle = [classics.reference("LABS", seed) for seed in (0, 1)]
    records = [record("Minimizer", 0, 100.0), record("Minimizer", 1, 100.0), record("SMAC3", 0, middle[0])]
    assert benchmark.gaps(records)[200] == {"Minimizer": {"LABS": [0, 0]}, "SMAC3": {"LABS": [1]}}
    first, none = benchmark.claims(records)[:2]
    assert first.met
    assert none.met
    ahead = [*records[:2], record("SMAC3", 0, 50.0)]
    assert "SMAC3 (LABS)" in benchmark.claims(ahead)[1].figure


def test_the_benchmark_runs(command, tmp_path):
    printed = command(benchmark)
    assert "| Ackley 53 |" in printed
    assert (tmp_path / "classics_quick.png").exists()
    assert command(benchmark, "--stored") == printed
