"""Fidelities: which point, at which price, which run goes on; what each fidelity is worth is learned."""

import copy
import math
import pickle
from unittest.mock import MagicMock, Mock

import numpy as np
import oracles
import pytest
from interrupting import broken_off

from asng_core import Boolean, Categorical, Integer, Minimizer, Ordinal, Real, Space, SpaceExhausted
from asng_core.blackbox.across_fidelities import AcrossFidelities
from asng_core.blackbox.noise_free import NoiseFree
from asng_core.blackbox.surrogate import Surrogate

PRICES = [1, 3, 9, 27]
SPACE = Space({"n": Integer(0, 9), "m": Integer(0, 9), "k": Categorical(["a", "b", "c"]), "b": Boolean()})


def top(v):
    return 1.0 + (v["n"] - 6) ** 2 / 20 + (v["m"] - 2) ** 2 / 30 + {"a": 0.0, "b": 0.4, "c": 0.2}[v["k"]] + 0.3 * v["b"]


def honest(point, fidelity):
    return top(point) + 2 / math.sqrt(fidelity) + 0.1 * math.sin(7 * point["n"] + fidelity) / fidelity


def opposite(point, fidelity):
    return top(point) if fidelity == 27 else -top(point) + 0.05 * math.sin(7 * point["n"] + fidelity)


def useless(point, fidelity):
    if fidelity == 27:
        return top(point)
    key = [point["n"], point["m"], "abc".index(point["k"]), int(point["b"])]
    return float(np.random.default_rng([*key, 5]).normal())


def run(loss, cost, space=SPACE, fidelities=PRICES, **settings):
    optimizer = Minimizer(space, fidelities=fidelities, **settings)
    while optimizer.spent < cost:
        point = optimizer.ask()
        optimizer.tell(point, loss(point, point.fidelity))
    return optimizer


def slow(v):
    return v["lr"] < 0.9


def exact(optimizer):
    return oracles.exact(optimizer.state_dict())


def test_it_finds_the_best_for_the_price_of_a_dozen_full_evaluations():
    found = [run(honest, 12 * 27, seed=seed).recommend() for seed in range(3)]
    assert np.mean([top(point) for point in found]) < 1.15  # of 600 points 1% are better than that


def test_an_anti_correlated_fidelity_is_used_with_its_sign_turned():
    assert all(run(opposite, 15 * 27, seed=seed).trust()[9] < -0.3 for seed in range(2))


def test_a_useless_fidelity_is_ignored():
    optimizer = run(useless, 20 * 27, seed=0)
    assert abs(optimizer.trust()[1]) < 0.3
    assert (optimizer.history.fidelities == 3).sum() >= 18  # what was risked on it cost no more than two evaluations


@pytest.mark.parametrize("settings", [{}, {"continues": False}])
def test_what_reaches_the_highest_first_is_what_would_be_asked_without_fidelities(settings):
    alone, optimizer = Minimizer(SPACE, seed=4), Minimizer(SPACE, fidelities=PRICES, seed=4, **settings)
    for _ in range(6):
        expected = alone.ask()
        point = optimizer.ask()
        while point.fidelity < 27:
            optimizer.tell(point, honest(point, point.fidelity))
            point = optimizer.ask()
        assert dict(point) == dict(expected)
        optimizer.tell(point, top(point))
        alone.tell(expected, top(expected))


@pytest.mark.parametrize("seed", range(3))
def test_no_cheap_result_makes_the_recommendation_worse(seed):
    optimizer = Minimizer(SPACE, fidelities=PRICES, seed=seed)
    while optimizer.spent < 12 * 27:
        point = optimizer.ask()
        optimizer.tell(point, useless(point, point.fidelity))
        if optimizer.best is not None:
            assert top(optimizer.recommend()) <= optimizer.best.loss


def test_best_is_of_the_highest_fidelity():
    optimizer = Minimizer(SPACE, fidelities=PRICES, seed=0)
    while optimizer.best is None:
        point = optimizer.ask()
        optimizer.tell(point, honest(point, point.fidelity))
        assert (optimizer.best is None) == (point.fidelity < 27)
    assert optimizer.best.loss == honest(point, 27)
    assert [each.loss for each in optimizer.front] == [optimizer.best.loss]
    assert optimizer.estimate().n_evaluations in (0, 1)


def test_recommend_needs_no_evaluation_at_the_highest():
    optimizer = Minimizer(SPACE, fidelities=PRICES, seed=0)
    with pytest.raises(RuntimeError, match="needs results"):
        optimizer.estimate()
    points = optimizer.ask(4)
    optimizer.tell(points, [honest(point, 1) for point in points])
    assert optimizer.best is None
    assert optimizer.recommend() == dict(min(points, key=top))


def test_asking_what_is_best_moves_no_search():
    optimizer = run(honest, 60, seed=0)
    before = exact(optimizer)
    optimizer.recommend(), optimizer.estimate(), optimizer.trust(), optimizer.costs, optimizer.pending
    assert exact(optimizer) == before


def test_a_run_goes_up_and_pays_the_difference():
    optimizer, reached, paid = Minimizer(SPACE, fidelities=PRICES, seed=0), {}, 0
    for _ in range(150):
        point = optimizer.ask()
        assert point.reached == reached.get(point.run)
        assert point.cost == point.fidelity - (point.reached or 0)
        assert point.run == point.id or point.run in optimizer.continuable
        reached[point.run], paid = point.fidelity, paid + point.cost
        optimizer.tell(point, honest(point, point.fidelity))
        assert optimizer.spent == paid
        assert (point.run in optimizer.continuable) == (point.fidelity < 27)
    known = list(zip(map(bytes, optimizer.history.codes), optimizer.history.fidelities, strict=True))
    assert len(set(known)) == len(known)  # the memo is by point and fidelity
    assert (np.bincount(optimizer.history.fidelities) > 0).all()


def test_without_continuing_every_evaluation_is_a_run():
    optimizer, paid = Minimizer(SPACE, fidelities=PRICES, continues=False, seed=0), 0
    for _ in range(60):
        point = optimizer.ask()
        assert (point.run, point.reached, point.cost) == (point.id, None, point.fidelity)
        optimizer.tell(point, honest(point, point.fidelity))
        paid += point.fidelity
    assert optimizer.spent == paid
    assert not optimizer.continuable
    with pytest.raises(RuntimeError, match="continues=True"):
        optimizer.report(optimizer.ask(), 27, 1.0)


def test_a_failed_run_is_over_and_its_point_is_asked_nowhere_again():
    optimizer = Minimizer(SPACE, fidelities=PRICES, seed=0)
    points = optimizer.ask(6)
    optimizer.tell(points, [math.nan, math.inf, 1.0, 2.0, 3.0, 4.0])
    for _ in range(60):
        point = optimizer.ask()
        assert dict(point) != dict(points[0])
        optimizer.tell(point, honest(point, point.fidelity))
    assert points[0].run not in optimizer.continuable
    assert optimizer.n_failed == 1


def test_reports_decide_whether_to_go_on():
    optimizer, stopped, finished = Minimizer(SPACE, fidelities=PRICES, seed=0), 0, 0
    for _ in range(60):
        point = optimizer.ask()
        for fidelity in [each for each in PRICES if each > (point.reached or 0)]:
            goes_on = optimizer.report(point, fidelity, honest(point, fidelity))
            assert (point.id in {each.id for each in optimizer.pending}) == goes_on
            if not goes_on:
                break
        assert not goes_on
        stopped, finished = stopped + (fidelity < 27), finished + (fidelity == 27)
        with pytest.raises(ValueError, match="told before"):
            optimizer.tell(point, 1.0)
    assert stopped > finished > 1
    assert top(optimizer.recommend()) < 1.4


def test_tell_after_reports_is_of_the_next_fidelity():
    optimizer = Minimizer(SPACE, fidelities=PRICES, seed=0)
    while not optimizer.report(point := optimizer.ask(), point.fidelity, honest(point, point.fidelity)):
        pass
    now = next(each for each in optimizer.pending if each.id == point.id)
    assert (now.reached, now.run) == (point.fidelity, point.run)
    with pytest.raises(ValueError, match="above the one"):
        optimizer.report(point, point.fidelity, 1.0)
    optimizer.tell(point, 1.0)
    assert optimizer.history.fidelities[-1] == PRICES.index(now.fidelity)


def test_a_lost_state_begins_anew_and_is_charged():
    optimizer = Minimizer(SPACE, fidelities=PRICES, seed=0)
    while (point := optimizer.ask()).reached is None or len(optimizer.continuable) < 2:
        optimizer.tell(point, honest(point, point.fidelity))
    spent = optimizer.spent
    optimizer.lose(point.run)
    assert optimizer.pending[0].reached is None
    assert optimizer.pending[0].cost == point.fidelity
    optimizer.tell(point, honest(point, point.fidelity))
    assert optimizer.spent == spent + point.fidelity
    paused = min(optimizer.continuable - {point.run})
    optimizer.lose(paused)
    assert paused not in optimizer.continuable
    with pytest.raises(ValueError, match="number of a run"):
        optimizer.lose(10**6)


def test_costs_are_learned():
    optimizer = Minimizer(SPACE, fidelities=PRICES, seed=0)
    for _ in range(40):
        point = optimizer.ask()
        cost = 10 * point.fidelity**2 - 10 * (point.reached or 0) ** 2
        optimizer.tell(point, honest(point, point.fidelity), costs=cost)
    assert optimizer.costs == pytest.approx({each: 10 * each**2 for each in PRICES})
    assert optimizer.ask().cost > 5


def test_what_costs_nothing_is_never_asked_but_guides():
    space = Space({f"x{i}": Boolean() for i in range(8)})
    optimizer = Minimizer(space, fidelities={"count": 0, "proxy": 0, "short": 3, "full": 30}, seed=0)
    every = [{f"x{i}": bool(n >> i & 1) for i in range(8)} for n in range(256)]

    def full(values):
        return sum(values.values()) + 0.3 * values["x0"]

    for values in every:
        optimizer.inject(values, -sum(values.values()), fidelity="count")  # of the other sign
        optimizer.inject(values, full(values) + 0.5 * values["x1"], fidelity="proxy")
    assert (optimizer.best, optimizer.spent, optimizer.n_told) == (None, 0.0, 0)
    for _ in range(6):
        point = optimizer.ask()
        assert point.fidelity in ("short", "full")
        optimizer.tell(point, full(point) + (point.fidelity == "short"))
    assert full(optimizer.recommend()) <= 1.0


def test_of_several_losses_injected_the_newest_counts():
    optimizer = Minimizer(SPACE, fidelities=PRICES, seed=0)
    one, other = (dict(point) for point in optimizer.sample(2))
    for loss in (5.0, 1.0, 3.0):
        optimizer.inject(one, loss, fidelity=27)
    optimizer.inject(other, 2.0)
    assert optimizer.recommend() == other


def test_many_are_asked_at_once_and_none_twice():
    """Cheap ones too, once there is trust."""
    optimizer = run(honest, 10 * 27, seed=1)
    for _ in range(6):
        batch = optimizer.ask(6)
        assert len({(bytes(code), point.fidelity) for code, point in zip(batch.codes, batch, strict=True)}) == 6
        assert len({point.run for point in batch}) == 6
        optimizer.tell(batch, [honest(point, point.fidelity) for point in batch])
    fidelities = np.bincount(optimizer.history.fidelities)
    assert fidelities[0] > 1.5 * fidelities[3]


def test_max_cost_is_kept():
    optimizer = Minimizer(SPACE, fidelities=PRICES, seed=0)
    batch = optimizer.ask(20, max_cost=5)
    assert sum(point.cost for point in batch) <= 5
    assert len(optimizer.ask(3, max_cost=0.5)) == 0
    with pytest.raises(RuntimeError, match="nothing to ask"):
        optimizer.ask(max_cost=0.5)


def test_a_small_space_is_asked_to_its_end():
    space = Space({"x": Boolean(), "y": Ordinal([1, 2, 3])})
    optimizer = Minimizer(space, fidelities=[1, 2], seed=0)
    for _ in range(12):
        point = optimizer.ask()
        optimizer.tell(point, point["y"] + point["x"])
    assert np.bincount(optimizer.history.fidelities).tolist() == [6, 6]
    with pytest.raises(SpaceExhausted):
        optimizer.ask()


def test_what_waits_for_results_is_not_exhausted():
    optimizer = Minimizer(Space({"x": Boolean()}), fidelities=[1, 2], seed=0)
    batch = optimizer.ask(5)
    assert len(batch) == 2
    assert len(optimizer.ask(5)) == 0
    optimizer.tell(batch, [1.0, 2.0])
    assert len(optimizer.ask(5)) == 2


@pytest.mark.parametrize("settings", [{}, {"noisy": True}, {"continues": False}])
def test_it_continues_to_the_bit(settings, tmp_path):
    space = Space({"lr": Real(1e-3, 1.0, log=True), "k": Categorical(["a", "b", "c"]), "m": Integer(1, 8)},
                  active_if={"m": {"k": ["a", "b"]}}, constraints=[slow])

    def loss(v, fidelity):
        return abs(math.log10(v["lr"]) + 2) + v.get("m", 4) / 10 + 1 / fidelity

    one = run(loss, 100, space, seed=3, **settings)
    points = one.ask(3)
    one.tell(points[0], 1.0)
    one.save(tmp_path / "state")
    others = [Minimizer.load(tmp_path / "state", space), copy.deepcopy(one), pickle.loads(pickle.dumps(one))]
    for each in (one, *others):
        each.tell(points[1:], [2.0, 1.5])
        for _ in range(12):
            point = each.ask()
            each.tell(point, loss(point, point.fidelity))
    assert all(exact(other) == exact(one) for other in others)


def test_a_replicate_under_noise_is_a_run_of_its_own():
    rng = np.random.default_rng(0)
    space = Space({"x": Integer(0, 3)})
    optimizer = run(lambda v, fidelity: v["x"] + rng.normal() / 2, 300, space, noisy=True, seed=0)
    begun = {}
    for number, code in zip(optimizer.history.runs, optimizer.history.codes[:, 0], strict=True):
        begun.setdefault(int(code), set()).add(int(number))
    assert max(map(len, begun.values())) > 1
    assert optimizer.recommend() == {"x": 0}
    assert optimizer.estimate().deviation > 0


@pytest.mark.parametrize(("wrong", "error", "words"), [
    ({"fidelities": [1]}, ValueError, "at least 2"), ({"fidelities": [3, 1]}, ValueError, "rise"),
    ({"fidelities": [0, 1]}, ValueError, "rise"), ({"fidelities": 3}, TypeError, "list of costs"),
    ({"fidelities": {"a": 0, "b": 0}}, ValueError, "end with"), ({"fidelities": ["a", "b"]}, TypeError, "number"),
    ({"fidelities": [1, 2], "continues": 1}, TypeError, "True or False"), ({"fidelities": {True: 1, 2: 2}}, TypeError,
                                                                           "text or numbers")])
def test_what_are_no_fidelities_is_refused(wrong, error, words):
    with pytest.raises(error, match=words):
        Minimizer(SPACE, **wrong)


def test_cheap_evidence_needs_the_kernel_of_a_gaussian_process():
    other = Mock(**{"surrogate.return_value": MagicMock(spec=Surrogate, capacity=200)})
    with pytest.raises(TypeError, match="must have a GaussianProcess"):
        Minimizer(SPACE, fidelities=PRICES, mechanisms=AcrossFidelities(alone=NoiseFree(model=other)))


def test_without_fidelities_there_is_nothing_of_them():
    optimizer = Minimizer(SPACE, seed=0)
    point = optimizer.ask()
    assert (point.fidelity, point.run, point.reached, point.cost) == (None,) * 4
    assert optimizer.fidelities == ()
    for call in (lambda: optimizer.spent, lambda: optimizer.report(point, 1, 1.0), lambda: optimizer.ask(max_cost=1),
                 lambda: optimizer.tell(point, 1.0, costs=1.0), lambda: optimizer.inject(point, 1.0, fidelity=1)):
        with pytest.raises(RuntimeError, match=r"needs Minimizer\(fidelities"):
            call()
    assert "fidelity" not in optimizer.history.records()[0:1]


def test_wrong_calls_change_nothing():
    optimizer = run(honest, 40, seed=0)
    point = optimizer.ask()
    before = exact(optimizer)
    for call in (lambda: optimizer.report(point, 2, 1.0), lambda: optimizer.report(point, 27, "x"),
                 lambda: optimizer.report(point, 27, 1.0, cost=-1), lambda: optimizer.tell(point, 1.0, costs=-1.0),
                 lambda: optimizer.tell(point, (1.0, 2.0)), lambda: optimizer.tell([point], [1.0], costs=[1.0, 2.0]),
                 lambda: optimizer.inject(point, 1.0, fidelity="27"), lambda: optimizer.ask(max_cost="x")):
        with pytest.raises((TypeError, ValueError)):
            call()
    assert exact(optimizer) == before


def test_history_tells_fidelity_and_run_and_comes_back_as_a_table():
    optimizer = run(honest, 40, seed=0)
    other = Minimizer(SPACE, fidelities=PRICES, seed=1)
    other.inject_frame(optimizer.history)
    assert other.history.fidelities.tolist() == optimizer.history.fidelities.tolist()
    assert other.best[:2] == optimizer.best[:2]
    with pytest.raises(ValueError, match="row 0: fidelity"):
        other.inject_frame([{**other.history.records()[0], "fidelity": 5}])
    record = optimizer.history.records()[-1]
    assert record["fidelity"] in PRICES
    assert record["run"] in range(optimizer.n_asked)


@pytest.mark.parametrize("seed", range(3))
def test_any_calls_in_any_order_keep_the_books(seed):
    """What was spent, what is open, what can go on, beside books kept in the plainest way; states load at any time, and
    what is broken off at whatever line has happened whole or not at all."""
    rng = np.random.default_rng(seed)
    optimizer = Minimizer(SPACE, fidelities=PRICES, noisy=seed == 2, seed=seed)
    open_, reached, spent, n_told = {}, {}, 0.0, 0
    for _ in range(45):
        what = rng.integers(6) if open_ else 0
        if what == 0:
            for point in optimizer.ask(int(rng.integers(1, 4))):
                assert point.reached == reached.get(point.run)
                open_[point.id] = point
        elif what in (1, 2):
            point = open_.pop(int(rng.choice(list(open_))))
            loss = math.nan if rng.random() < 0.1 else honest(point, point.fidelity)
            optimizer.tell(point, loss)
            spent, n_told = spent + point.fidelity - (reached.get(point.run) or 0), n_told + 1
            reached[point.run] = point.fidelity
        elif what == 3:
            point = open_[int(rng.choice(list(open_)))]
            goes_on = optimizer.report(point, point.fidelity, honest(point, point.fidelity))
            spent += point.fidelity - (reached.get(point.run) or 0)
            reached[point.run] = point.fidelity
            open_ = {each.id: each for each in optimizer.pending}
            assert (point.id in open_) == goes_on
            n_told += not goes_on
        elif what == 4:
            point = open_[int(rng.choice(list(open_)))]
            optimizer.lose(point.run)
            reached[point.run] = None
            open_ = {each.id: each for each in optimizer.pending}
        else:
            other = Minimizer(SPACE, fidelities=PRICES)
            other.load_state_dict(optimizer.state_dict())
            assert exact(other) == exact(optimizer)
            before = exact(optimizer)
            line, pressed = int(rng.integers(2000)), KeyboardInterrupt("raised by the test")
            broken_off(lambda asked=other: asked.ask(2), line, pressed)
            if other.n_asked == optimizer.n_asked:
                assert exact(other) == before
        assert (optimizer.spent, optimizer.n_told) == (pytest.approx(spent), n_told)
        assert {each.id for each in optimizer.pending} == set(open_)


def pinned_loss(p):
    return abs(p["n"] - 20) + abs(p["m"] - 30) + 1 / p.fidelity


@pytest.mark.parametrize("noisy", [False, True])
def test_pinned_runs_reach_the_highest_fidelity_as_others_do(noisy):
    space = Space({"n": Integer(1, 50), "m": Integer(1, 50), "b": Boolean()})
    reached = []
    for fixed in ({"b": True}, None):
        optimizer = Minimizer(space, fidelities=[1, 3, 9], seed=0, noisy=noisy)
        for _ in range(100):
            candidate = optimizer.ask(fixed=fixed)
            assert fixed is None or candidate["b"]
            optimizer.tell(candidate, pinned_loss(candidate))
        reached.append(int((optimizer.history.fidelities == 2).sum()))
    assert reached[0] >= reached[1] / 2 > 4


def test_pins_in_turn_go_on_with_their_own_runs():
    space = Space({"n": Integer(1, 50), "m": Integer(1, 50), "b": Boolean()})
    optimizer = Minimizer(space, fidelities=[1, 3, 9], seed=0)
    for i in range(120):
        candidate = optimizer.ask(fixed={"b": bool(i % 2)})
        assert candidate["b"] == i % 2
        optimizer.tell(candidate, pinned_loss(candidate))
    assert (optimizer.history.fidelities == 2).sum() > 10


def test_what_is_pinned_is_exhausted_when_all_of_it_has_reached_the_highest_fidelity():
    optimizer = Minimizer(Space({"n": Integer(1, 5), "b": Boolean()}), fidelities=[1, 3, 9], seed=0)
    for _ in range(15):
        candidate = optimizer.ask(fixed={"b": True})
        optimizer.tell(candidate, candidate["n"] + 1 / candidate.fidelity)
    with pytest.raises(SpaceExhausted):
        optimizer.ask(fixed={"b": True})
    highest = optimizer.history.codes[optimizer.history.fidelities == 2]
    assert len(highest) == len(np.unique(highest, axis=0)) == 5


@pytest.mark.parametrize("noisy", [False, True])
def test_a_run_that_goes_on_pinned_can_be_saved(noisy, tmp_path):
    space = Space({"n": Integer(1, 5), "m": Integer(1, 50)})
    for seed in range(6):
        optimizer = Minimizer(space, fidelities=[1, 3, 9], seed=seed, noisy=noisy)
        for i in range(18):
            candidate = optimizer.ask(fixed={"n": 3}) if i % 2 else optimizer.ask()
            optimizer.save(tmp_path / "a")
            assert Minimizer.load(tmp_path / "a", space=space).pending[0].codes.tolist() == candidate.codes.tolist()
            optimizer.tell(candidate, abs(candidate["n"] - 2) + abs(candidate["m"] - 2) + 1 / candidate.fidelity)


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("costs", [{1: 0.0, 3: 0.0}, {1: 0.0, 3: 2.0}, {1: 1.0, 3: 0.0}])
def test_what_costs_nothing_ends_no_search(noisy, costs):
    optimizer = Minimizer(Space({"n": Integer(1, 100)}), fidelities=[1, 3], seed=0, noisy=noisy)
    for _ in range(40):
        candidate = optimizer.ask()
        optimizer.tell(candidate, float(candidate["n"]), costs=costs[candidate.fidelity])
    assert (optimizer.history.fidelities == 1).any()
    assert optimizer.spent == pytest.approx(sum(costs[(1, 3)[i]] for i in optimizer.history.fidelities))


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
def test_an_ask_that_finds_nothing_changes_nothing(noisy, mirrored):
    optimizers = [Minimizer(Space({"n": Integer(1, 100)}), fidelities=[1, 3], seed=0, noisy=noisy) for _ in range(2)]
    with pytest.raises(RuntimeError, match="nothing to ask for now"):
        optimizers[0].ask(max_cost=0.5, mirrored=mirrored)
    assert oracles.exact(optimizers[0].state_dict()) == oracles.exact(optimizers[1].state_dict())


def test_a_failure_below_does_not_undo_what_is_known_at_the_highest():
    optimizer = Minimizer(Space({"n": Integer(1, 9)}), fidelities=[1, 3], seed=0)
    optimizer.inject({"n": 1}, 0.5)
    optimizer.inject({"n": 1}, math.nan, fidelity=1)
    optimizer.inject({"n": 2}, 7.0)
    assert optimizer.recommend() == optimizer.best.values == {"n": 1}


def test_to_lose_what_has_ended_changes_no_search():
    def run(losing):
        optimizer = Minimizer(SPACE, fidelities=PRICES, seed=3)
        while optimizer.spent < 300:
            candidate = optimizer.ask()
            optimizer.tell(candidate, honest(candidate, candidate.fidelity))
            if losing and candidate.fidelity == 27:
                optimizer.lose(candidate.run)
        return optimizer.history.fidelities.tolist()

    assert run(losing=True) == run(losing=False)
