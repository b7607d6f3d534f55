"""Evaluation by a real local cluster of Ray."""

import os
import signal

import pytest

pytest.importorskip("ray", reason="pip install 'asng[ray]'")

import ray

from asng_core import Integer, Space, minimize

pytestmark = [pytest.mark.hosts, pytest.mark.filterwarnings("ignore")]  # Ray's own, of sockets and futures

SPACE = Space({"a": Integer(0, 9), "b": Integer(0, 9)})


@pytest.fixture(scope="module", autouse=True)
def cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
             object_store_memory=80 * 2**20)
    yield
    ray.shutdown()


def test_a_search_runs_on_the_cluster():
    from asng_core.integrations.ray import RayExecutor

    here = os.getpid()

    def objective(values):
        assert os.getpid() != here
        if values["b"] == 7:
            raise ArithmeticError("seven")
        return (values["a"] - 3) ** 2 + values["b"]
    executor = RayExecutor()
    assert executor._max_workers == 2
    result = minimize(objective, SPACE, budget=60, seed=0, executor=executor, catch=ArithmeticError)
    assert result.loss == 0
    assert result.n_evaluations == 60
    assert all("seven" in text for text in result.errors.values())


def test_a_worker_that_dies_is_made_up_for_and_one_that_always_dies_ends_the_run(tmp_path):
    from asng_core.integrations.ray import RayExecutor

    def dies_once(values):
        try:
            (tmp_path / str(sorted(values.items()))).touch(exist_ok=False)
        except FileExistsError:
            return float(values["a"])
        if values["a"] == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return float(values["a"])
    result = minimize(dies_once, SPACE, budget=15, seed=0, executor=RayExecutor(max_retries=2))
    assert result.n_evaluations == 15

    def dies(values):
        os.kill(os.getpid(), signal.SIGKILL)
    with pytest.raises(ray.exceptions.WorkerCrashedError):
        minimize(dies, SPACE, budget=5, seed=0, executor=RayExecutor(max_retries=0))


def test_tasks_take_what_they_are_said_to_need():
    from asng_core.integrations.ray import RayExecutor

    assert RayExecutor(num_cpus=2)._max_workers == 1
