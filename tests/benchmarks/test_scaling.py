"""Exponents, and the sweeps that they are fitted to."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import scaling


def test_it_runs_from_the_command_line(command, monkeypatch, tmp_path):
    for title, sweep in scaling.SWEEPS.items():  # the two smallest sizes that exponents are fitted to
        sizes = [size for size in sweep.sizes if size >= sweep.fitted_from][:2]
        monkeypatch.setitem(scaling.SWEEPS, title, replace(sweep, sizes=sizes))
    printed = command(scaling)
    assert all(f"{title}:" in printed for title in scaling.SWEEPS)
    assert (tmp_path / "scaling_quick.png").exists()


def test_exponents_are_those_of_power_laws():
    rng = np.random.default_rng(0)
    exact = {d: [3 * d**1.5] * 5 for d in (10, 30, 100)}
    assert scaling.exponent(exact) == pytest.approx((1.5, 1.5, 1.5, np.log(3)))
    noisy = {d: [*(3 * d**1.5 * np.exp(rng.normal(scale=0.3, size=11))), np.inf] for d in (10, 30, 100, 300)}
    slope, low, high, _ = scaling.exponent(noisy)
    assert low < 1.5 < high < slope + 0.3 < low + 0.6
    assert scaling.theoretical(scaling.SWEEPS["LeadingOnes, k = 2, against d"], "RLS", [10, 50]) == pytest.approx(2)


def test_sweeps_cross_without_running_twice():
    wanted = [frozenset(task.items()) for task in scaling.tasks(2)]
    assert len(wanted) == len(set(wanted))
    records = [{"task": task, "result": {"evaluations": task["d"]}} for task in scaling.tasks(2)]
    for sweep in scaling.SWEEPS.values():
        found = scaling.measured(records, sweep, "ASNG")
        assert list(found) == list(sweep.sizes)
        assert {len(runs) for runs in found.values()} == {2}
