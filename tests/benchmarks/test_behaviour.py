"""Stored runs repeat: asng behaves as when they were measured, or says that it does not."""

import numpy as np
import pytest

from benchmarks import functions, population, store, toy
from benchmarks.problems import kernels, pseudo_boolean, runs

REPEATED = {"toy": toy.run, "population": population.run, "functions": functions.run, "tables_noisy": runs.noisy,
            "tables_noise-free": runs.noise_free, "tables_asynchronous": runs.asynchronous,
            "pbo_noise-free": pseudo_boolean.run, "pbo_noisy": pseudo_boolean.run, "kernel_tuner": kernels.run}


@pytest.mark.parametrize("method", ["Minimizer", "ASNG"])
@pytest.mark.parametrize("name", REPEATED)
def test_stored_runs_of_this_behaviour_repeat(name, method):
    if REPEATED[name] is pseudo_boolean.run:
        pytest.importorskip("ioh")
    if REPEATED[name] is kernels.run:
        pytest.importorskip("kernel_tuner", exc_type=ImportError)
    found = [record for record in store.records(store.RESULTS / name)
             if record["task"].get("workers", 8) == 8 and record["task"].get("algorithm", "ASNG") == "ASNG"
             and record["task"].get("method", "ASNG") == method]
    current = [record for record in found if not store.behind(record["source"])]
    if not current:
        pytest.skip("measured before the last change of behaviour" if found else "no run of it")
    same = [without_time(REPEATED[name](**record["task"])) == without_time(record["result"])
            for record in sorted(current, key=cost)[:2]]
    # rounding differs between processors, and moves some
    assert any(same), f"{method} behaves differently: raise store.BEHAVIOURS (CONTRIBUTING.md)"


def without_time(result):
    return {key: value for key, value in result.items() if key != "seconds"}


def cost(record):
    result = record["result"]
    return result.get("seconds") or result.get("evaluations") or result.get("iterations") or np.inf


@pytest.mark.parametrize("name", store.names(store.RESULTS))
def test_a_stored_run_knows_the_parts_of_asng_that_its_method_depends_on(name):
    known = {"Minimizer": {"Minimizer"}, "Minimizer, fidelities": {"fidelities"}, "ASNGSampler": {"Minimizer"},
             "ASNG": {"ASNG"}, "SNG": {"ASNG"},
             "staged": {"Minimizer", "fidelities", "asng_torch"}}
    for record in store.records(store.RESULTS / name):
        method, parts = record["task"].get("method"), set(record["source"]["behaviours"])
        assert parts <= set(store.BEHAVIOURS)
        if method is None:
            assert parts
        else:
            assert parts == known.get(method, known.get(method.partition(", ")[0], set()))
