"""Stored runs repeat: asng behaves as when they were measured, or says that it does not."""

import numpy as np
import pytest

from benchmarks import functions, population, store, toy
from benchmarks.problems import pseudo_boolean, runs

REPEATED = {"toy": toy.run, "population": population.run, "functions": functions.run, "tables_noisy": runs.noisy,
            "tables_noise-free": runs.noise_free, "tables_asynchronous": runs.asynchronous,
            "pbo_noise-free": pseudo_boolean.run, "pbo_noisy": pseudo_boolean.run}
SHORT = 300  # evaluations that are repeated where scores are stored on the way


@pytest.mark.parametrize("name", REPEATED)
def test_stored_runs_of_this_behaviour_repeat(name):
    if REPEATED[name] is pseudo_boolean.run:
        pytest.importorskip("ioh")
    current = [record for record in store.records(store.RESULTS / name)
               if record["source"]["behaviours"] and not store.behind(record["source"])
               and record["task"].get("workers", 8) == 8 and record["task"].get("algorithm", "ASNG") == "ASNG"]
    cheapest = sorted(current, key=cost)
    sample = [record for method in ("Minimizer", "ASNG")
              for record in [each for each in cheapest if each["task"].get("method", "ASNG") == method][:2]]
    if not sample:
        pytest.skip("all were measured before the last change of behaviour")
    same = [repeats(record, REPEATED[name]) for record in sample]
    # rounding differs between processors, and moves some
    assert sum(same) >= len(same) / 2, "asng behaves differently: raise store.BEHAVIOURS (CONTRIBUTING.md)"


def repeats(record, run):
    task, result = record["task"], record["result"]
    if "score" not in result:
        return without_time(run(**task)) == without_time(result)
    again = run(**{**task, "budget": min(SHORT, task["budget"])})
    found = result.get("optimum")
    return (again["score"] == result["score"][:len(again["score"])]
            and again.get("optimum") == (found if (found or np.inf) <= SHORT else None))


def without_time(result):
    return {key: value for key, value in result.items() if key != "seconds"}


def cost(record):
    result = record["result"]
    return result.get("seconds") or result.get("evaluations") or result.get("iterations") or np.inf


@pytest.mark.parametrize("name", store.names(store.RESULTS))
def test_a_stored_run_knows_the_parts_of_asng_that_its_method_depends_on(name):
    known = {"Minimizer": {"Minimizer"}, "ASNG": {"ASNG"}, "SNG": {"ASNG"}}
    for record in store.records(store.RESULTS / name):
        method, parts = record["task"].get("method"), set(record["source"]["behaviours"])
        assert parts <= set(store.BEHAVIOURS)
        if method is None:
            assert parts
        else:
            assert parts == known.get(method.partition(", ")[0] if method.startswith("Minimizer") else method, set())
