"""A study that workers share: each evaluation once, everywhere the same optimizer, nothing lost with a worker."""

import contextlib
import json
import math
import multiprocessing
import signal
import sqlite3
import threading
import time

import numpy as np
import oracles
import postgres
import pytest

pytest.importorskip("sqlalchemy", reason="pip install 'asng[study]'")

from studying import SPACE, loss, work

from asng_core import ASNG, Boolean, Evaluation, Integer, Minimizer, Space, SpaceExhausted
from asng_core.study import Study, leases


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/runs.db"


def exact(optimizer):
    return oracles.exact(optimizer.state_dict())


def test_one_worker_finds_what_a_minimizer_does(url):
    alone = Minimizer(SPACE, seed=3)
    with Study(url, SPACE, seed=3) as study:
        for _ in range(15):
            candidate, expected = study.ask(), alone.ask()
            assert dict(candidate) == dict(expected)
            assert study.tell(candidate, loss(candidate))
            alone.tell(expected, loss(expected))
        assert exact(study.optimizer()) == exact(alone)


@pytest.mark.parametrize("noisy", [False, True])
def test_the_optimizer_is_rebuilt_to_the_bit_whatever_the_order_of_arrival(url, noisy):
    rng = np.random.default_rng(1)
    workers = [Study(url, SPACE, seed=0, noisy=noisy) for _ in range(3)]
    held = []
    for _ in range(60):
        if held and rng.random() < 0.5:
            worker, candidate = held.pop(rng.integers(len(held)))
            value = math.nan if rng.random() < 0.1 else loss(candidate) + noisy * rng.normal()
            assert workers[worker].tell(candidate, value, violation=rng.integers(-1, 2))
        elif rng.random() < 0.1:
            workers[0].inject({"a": 3, "c": "w", "d": 1}, 0.7)
        else:
            worker = int(rng.integers(3))
            held.append((worker, workers[worker].ask()))
    states = [exact(each.optimizer()) for each in [*workers, Study(url)]]
    assert states[0] == states[1] == states[2] == states[3]
    assert [each.id for each in workers[1].optimizer().pending] == sorted(each.id for _, each in held)
    for each in workers:
        each.close()


def test_no_point_is_asked_twice_and_each_is_stored_once(url):
    one, other = Study(url, SPACE, seed=0), Study(url, SPACE)
    asked = [worker.ask() for _ in range(10) for worker in (one, other)]
    assert [each.id for each in asked] == list(range(20))
    assert len({str(dict(each)) for each in asked}) == 20
    assert one.tell(asked[1], 1.0)  # by its id, whoever asked
    assert not other.tell(asked[1], 5.0)
    assert not other.tell(1, 5.0)
    assert other.optimizer().history.losses.tolist() == [1.0]


def test_a_worker_that_returns_gets_its_candidates_back(url):
    first = Study(url, SPACE, name="returning", seed=0, worker="w1")
    asked = [first.ask(), first.ask()]
    other = Study(url, name="returning", worker="w2")
    assert other.ask().id == 2
    again = Study(url, name="returning", worker="w1")
    back = [again.ask(), again.ask(), again.ask()]
    assert [each.id for each in back] == [0, 1, 3]
    assert [dict(each) for each in back[:2]] == [dict(each) for each in asked]
    assert again.tell(back[0], 1.0)


def test_a_worker_that_is_silent_loses_its_candidate_and_the_first_result_counts(url, monkeypatch):
    silent, other = Study(url, SPACE, seed=0, lease=0.05), Study(url)
    monkeypatch.setattr(silent._renewal, "start", lambda: None)
    lost = silent.ask()
    time.sleep(0.1)
    found = other.ask()
    assert (found.id, dict(found)) == (0, dict(lost))
    assert other.ask().id == 1
    assert silent.tell(lost, 1.0)  # it was late, not dead: what it paid for counts
    assert not other.tell(found, 2.0)
    assert other.result().history.losses.tolist() == [1.0]


def test_a_lease_is_renewed_as_long_as_its_worker_lives(url, tmp_path, monkeypatch):
    def ends():
        with contextlib.closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
            (found,), = connection.execute("SELECT until FROM asng_leases WHERE id = 0")
        return found
    monkeypatch.setattr(leases, "_SHARE", 6000.0)  # a hundred times a second, of a lease that no load makes end
    slow, other = Study(url, SPACE, seed=0), Study(url)
    candidate = slow.ask()
    for _ in range(3):
        before, deadline = ends(), time.monotonic() + 60
        while ends() == before and time.monotonic() < deadline:
            time.sleep(0.005)
        assert ends() > before
    assert other.ask().id == 1
    slow.close()  # frees it
    assert other.ask().id == candidate.id


def test_a_lease_that_is_freed_while_it_is_renewed_is_free():
    began, ends = threading.Event(), []

    class Slow:
        def renew(self, study, worker, ids, seconds):
            if seconds > 0:
                began.set()
                time.sleep(0.1)
            ends.append(seconds)

    renewal = leases.Renewal(leases.Held(Slow(), "a", "me", 0.01, {0: 0.0}))
    renewal.start()
    assert began.wait(60)
    renewal.free(0)
    renewal.stop()
    assert ends[-1] == -1.0


def test_what_is_released_and_what_an_error_broke_off_is_asked_again(url):
    study, other = Study(url, SPACE, seed=0), Study(url)
    study.release(study.ask())
    assert other.ask().id == 0

    def fails(values):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        study.minimize(fails, budget=10)
    assert other.ask().id == 1
    assert other.ask().id == 2


def test_minimize_counts_the_evaluations_of_all_and_keeps_what_they_said(url):
    def objective(values):
        if values["c"] == "w" and values["d"] > 5:
            raise ArithmeticError("no")
        return Evaluation(loss(values), violation=values["d"] - 8, attributes={"d": values["d"]})
    first = Study(url, SPACE, seed=0)
    first.minimize(objective, budget=12, catch=ArithmeticError)
    result = Study(url).minimize(objective, budget=30, catch=ArithmeticError)
    assert result.n_evaluations == len(result.history) == 30
    assert result.stop_reason == "budget of 30 evaluations used"
    assert result.values["d"] <= 8
    assert abs(result.values["a"] - 3) <= 2
    assert set(result.seconds) == set(range(30))
    assert result.attributes[result.best.id] == {"d": result.values["d"]}
    assert result.n_failed == len(result.errors)
    for number, text in result.errors.items():
        assert "ArithmeticError: no" in text
        assert number not in result.attributes


def test_several_objectives_failures_and_an_exhausted_space(url):
    study = Study(url, Space({"a": Integer(0, 5)}), seed=0)
    result = study.minimize(lambda v: math.nan if v["a"] == 2 else (v["a"], 5 - v["a"]), budget=50)
    assert len(result.front) == 5
    assert "every point" in result.stop_reason
    with pytest.raises(SpaceExhausted):
        study.ask()
    with pytest.raises(ValueError, match="as many losses"):
        Study(url).inject({"a": 0}, 1.0)


def test_wrong_results_change_nothing(url):
    study, elsewhere = Study(url, SPACE, seed=0), Study(url, SPACE, name="another", seed=9)
    candidate, strange = study.ask(), elsewhere.ask()
    for wrong in ("1", None, [[1.0]]):
        with pytest.raises((TypeError, ValueError)):
            study.tell(candidate, wrong)
    with pytest.raises(TypeError, match="JSON"):
        study.tell(candidate, 1.0, attributes={"a": object()})
    with pytest.raises(ValueError, match="which is another study's"):
        study.tell(strange, 1.0)
    with pytest.raises(ValueError, match="never asked candidate 7"):
        study.tell(7, 1.0)
    with pytest.raises(ValueError, match="drawn by sample"):
        study.tell(ASNG(SPACE, seed=0).sample(1)[0], 1.0)
    assert study.tell(candidate, 1.0)
    assert exact(study.optimizer()) == exact(Study(url).optimizer())


def test_a_result_that_the_database_did_not_take_is_not_known(url, monkeypatch):
    study = Study(url, SPACE, seed=0)
    candidate = study.ask()
    from asng_core.study.tables import Changing

    with monkeypatch.context() as broken:
        broken.setattr(Changing, "append", lambda *_: (_ for _ in ()).throw(OSError("gone")))
        with pytest.raises(OSError, match="gone"):
            study.tell(candidate, 1.0)
        with pytest.raises(OSError, match="gone"):
            study.ask()
    assert exact(study.optimizer()) == exact(Study(url).optimizer())
    assert study.ask().id == 1
    assert study.tell(candidate, 1.0)


def test_what_another_processor_asked_is_taken_as_it_is(url, caplog, tmp_path):
    study = Study(url, SPACE, seed=0)
    for _ in range(12):
        candidate = study.ask()
        study.tell(candidate, loss(candidate))
    with sqlite3.connect(tmp_path / "runs.db") as connection:  # as if the sixth had been asked by another release
        (content,), = connection.execute("SELECT content FROM asng_events WHERE number = 10")
        codes = json.loads(content)["ask"]
        codes[0] = (codes[0] + 1) % 10
        connection.execute("UPDATE asng_events SET content = ? WHERE number = 10", (json.dumps({"ask": codes}),))
    other = Study(url)
    candidate = other.ask()
    assert "as they are" in caplog.text
    assert other.tell(candidate, loss(candidate))
    history = other.optimizer().history
    assert len(history) == 13
    assert history.codes[5].tolist()[0] == codes[0]
    assert other.minimize(loss, budget=30).n_evaluations == 30


@pytest.mark.parametrize(("arguments", "words"), [
    ({"url": 3}, r"Study\(url\) must be a database's URL"), ({"url": "sqlite://"}, "file that processes can share"),
    ({"name": ""}, r"Study\(name=...\) must have 1 to 200"), ({"lease": 0}, r"Study\(lease=...\)"),
    ({"seed": -1}, r"Study\(seed=...\)"), ({"space": None}, "is not there. Pass a space"),
    ({"space": 7}, r"Study\(space\) must be a Space"), ({"noisy": 1}, r"Study\(noisy=...\)"),
    ({"worker": 5}, r"Study\(worker=...\) must be text"),
])
def test_wrong_arguments(url, arguments, words):
    with pytest.raises((TypeError, ValueError), match=words):
        Study(**{"url": url, "space": SPACE, **arguments})


def test_a_study_is_joined_with_what_it_was_begun_with(url):
    Study(url, SPACE, seed=0, noisy=True)
    with pytest.raises(ValueError, match="its variable 'a' has size=10, not 9"):
        Study(url, Space({**SPACE.variables, "a": Integer(0, 8)}, active_if={"x": {"c": ["u", "v"]}}))
    with pytest.raises(ValueError, match=r"Study\(noisy=False\) must be as the study 'study' was begun"):
        Study(url, noisy=False)
    assert Study(url).space == SPACE
    assert Study(url).optimizer().noisy
    assert not Study(url, Space({"a": Boolean()}), name="another").optimizer().noisy


# processes


def shared_by_processes(url):
    """Four of them, one of which is killed on the way."""
    spawned = multiprocessing.get_context("spawn")
    processes = [spawned.Process(target=work, args=(url, 2.0)) for _ in range(4)]
    for process in processes:
        process.start()
    with Study(url, SPACE) as watching:
        deadline = time.monotonic() + 60
        while watching.result().n_evaluations < 12 and time.monotonic() < deadline:
            time.sleep(0.1)
        processes[0].kill()
        for process in processes:
            process.join(120)
        assert [process.exitcode for process in processes] == [-signal.SIGKILL, 0, 0, 0]
        assert watching.result().n_evaluations >= 59
        time.sleep(2.1)  # what the one had may have become free after the others had left
        result = watching.minimize(loss, budget=60)
        assert sorted(result.history.ids.tolist()) == list(range(60))
        assert len({str(values) for values in result.history.values}) == 60
        with Study(url) as new:
            assert exact(watching.optimizer()) == exact(new.optimizer())


@pytest.mark.hosts
def test_processes_share_a_file_of_sqlite(url):
    shared_by_processes(url)


@pytest.mark.hosts
def test_processes_share_a_postgresql_server():
    with postgres.server() as url:
        shared_by_processes(url)
        test_a_worker_that_returns_gets_its_candidates_back(url)
