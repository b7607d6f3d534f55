"""`minimize` by turns alone, in threads and in processes, and ended in every way, beside the plainest books."""

import math
import multiprocessing
import signal
import tempfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import unruly
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from asng_core import Categorical, Integer, Minimizer, Space, minimize

SPACE = Space({"a": Integer(0, 40), "b": Integer(0, 9), "c": Categorical(["u", "v", "w"])})
WORKERS = 3


class Trouble(Exception):
    pass


class Machine(RuleBasedStateMachine):
    """One checkpoint. `known`: the evaluations told so far, in their order."""

    pool = None  # of processes, for all runs

    @initialize(seed=st.integers(0, 2**32), noisy=st.booleans(), budget=st.integers(1, 60))
    def begin(self, seed, noisy, budget):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "run"
        self.seed, self.noisy, self.budget = seed, noisy, budget
        self.known, self.calls, self.lost = [], 0, 0

    @rule(where=st.sampled_from(["alone", "threads", "a pool of threads", "processes"]), at=st.integers(1, 12),
          end=st.sampled_from(["stop", "callback", "interrupt", "signal", "objective", "interrupt, then signals"]))
    def run(self, where, at, end):
        """Until `at` evaluations have ended in this run."""
        seen, calls = [], []

        def callback(progress):
            seen.append(progress)
            if len(seen) < at or end == "objective":
                return None
            if end == "stop":
                return True
            if end == "callback":
                raise Trouble
            if end == "signal" or len(seen) > at:
                signal.raise_signal(signal.SIGINT)
                return None
            raise KeyboardInterrupt

        def objective(values):
            calls.append(values)
            if end == "objective" and len(calls) == at:
                raise Trouble
            return unruly.judged(values)

        in_processes = where == "processes"
        result, raised = self.minimize(unruly.judged if in_processes else objective, where, callback)
        assert not raised or end in ("callback", "objective")
        assert result is not None or not seen
        self.calls += 0 if in_processes else len(calls)
        self.lost += WORKERS
        self.check(result, [progress.values for progress in seen])
        if in_processes:
            self.calls = -math.inf  # nobody has counted

    def minimize(self, objective, where, callback=None):
        executor = {"alone": None, "threads": ThreadPoolExecutor, "processes": self.pool,
                    "a pool of threads": lambda: ThreadPoolExecutor(WORKERS)}[where]
        settings_ = {} if executor is None else {"executor": executor, "n_workers": WORKERS}
        try:
            return minimize(objective, SPACE, budget=self.budget, seed=self.seed, noisy=self.noisy, callback=callback,
                            checkpoint=self.path, catch=ArithmeticError, **settings_), False
        except Trouble as error:
            return getattr(error, "result", None), True

    def check(self, result, seen):
        """What was told is told still, in its order, and no more than was evaluated."""
        if result is None:  # nothing was evaluated yet
            return
        history = result.history
        rows = list(zip(history.ids.tolist(), map(tuple, history.codes.tolist()), map(repr, history.losses.tolist()),
                        strict=True))
        assert rows[: len(self.known)] == self.known, "what was told has changed"
        assert {str(values) for values in seen} <= {str(values) for values in history.values}
        self.known = rows
        assert result.n_evaluations == len(rows) <= self.budget
        assert len({number for number, _, _ in rows}) == len(rows), "an evaluation counts twice"
        assert self.noisy or len({codes for _, codes, _ in rows}) == len(rows), "a point was paid for twice"
        for values, loss in zip(history.values, history.losses.tolist(), strict=True):
            assert repr(loss) == repr(math.nan if values["a"] % 7 in (3, 5) else unruly.judged(values))
        assert result.n_failed == np.isnan(history.losses).sum()
        assert self.calls <= len(rows) + self.lost, "evaluated more often than was lost in flight"

    def teardown(self):
        if not hasattr(self, "path"):
            return
        with self.folder:
            result, _ = self.minimize(unruly.judged, "alone")
            self.calls = -math.inf
            self.check(result, [])
            assert result.n_evaluations == self.budget
            assert result.stop_reason.startswith(f"budget of {self.budget} evaluation")
            assert Minimizer.load(self.path).n_told == self.budget
            assert [each.name for each in self.path.parent.iterdir()] == ["run"]


def attack(drawn=lambda machine: machine, **limits):
    """`drawn`: a seed, of what is not `derandomize`d."""
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        class WithPool(Machine):
            pass

        WithPool.pool = pool
        run_state_machine_as_test(drawn(WithPool), settings=settings(
            deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True, **limits))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_runs_that_end_in_every_way():
    attack(max_examples=12, stateful_step_count=5, derandomize=True)


@pytest.mark.attack
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_many_runs_that_end_in_every_way():
    attack(max_examples=40, stateful_step_count=10, derandomize=True)
