"""Stored runs resume, know their source, and are measured again on demand."""

import json
import lzma
from functools import partial

import numpy as np
import pytest
from objectives import doubled

from benchmarks import store

RIVAL = {"x": 1, "method": "random search"}
OURS = {"x": 1, "method": "Minimizer"}
measure = partial(store.measure, parts=lambda _: (), jobs=0)


def wrong(path):
    """Have all that is stored be wrong, to see what is measured again."""
    file = path.with_name(path.name + store.SUFFIX)
    content = json.loads(lzma.decompress(file.read_bytes()))
    for record in content["records"]:
        record["result"]["y"] = -1
    file.write_bytes(lzma.compress(json.dumps(content).encode()))


def results(records):
    return [record["result"]["y"] for record in records]


@pytest.mark.parametrize("jobs", [0, 1])
def test_stored_results_resume_and_keep_the_order(tmp_path, jobs):
    path = tmp_path / "r"
    assert results(measure(path, doubled, [{"x": 2}, {"x": 1}], jobs=jobs)) == [4, 2]
    assert [file.name for file in tmp_path.iterdir()] == ["r.json.xz"]
    wrong(path)  # what is stored is not measured again
    assert results(measure(path, doubled, [{"x": 3}, {"x": 2}], jobs=jobs)) == [6, -1]
    assert results(store.stored(path, [{"x": 9}, {"x": 2}])) == [-1]
    assert results(measure(path, doubled, [{"x": 2}], jobs=jobs, restart=True)) == [4]
    assert results(store.stored(path, [{"x": 1}])) == [-1]  # of other tasks


def test_a_run_that_is_stopped_goes_on(tmp_path):
    path, done = tmp_path / "r", []

    def stopped(x):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(x)
        return {"y": 2 * x}

    measure(path, doubled, [{"x": 0}])
    folded = (tmp_path / "r.json.xz").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        measure(path, stopped, [{"x": x} for x in range(5)])
    assert (tmp_path / "r.json.xz").read_bytes() == folded  # it is not rewritten on the way
    with (tmp_path / "r.partial.jsonl").open("a") as file:
        file.write('{"task": {"x": 3}, "resu')  # killed while writing
    assert len(store.records(path)) == 3
    assert store.names(tmp_path) == ["r"]
    del done[:]
    with pytest.raises(KeyboardInterrupt):
        measure(path, stopped, [{"x": x} for x in range(6)])
    assert done == [3, 4]
    assert results(measure(path, doubled, [{"x": x} for x in range(6)])) == [0, 2, 4, 6, 8, 10]
    assert not (tmp_path / "r.partial.jsonl").exists()


def test_nothing_stored_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"r\.json\.xz holds no run. Measure it by its command"):
        store.records(tmp_path / "r")


def test_a_run_knows_its_source_and_is_measured_again_on_demand(tmp_path, monkeypatch):
    path = tmp_path / "r"
    measure = partial(store.measure, path, doubled, [OURS, RIVAL], jobs=0)
    assert store.oldest(measure()) == {}
    wrong(path)
    monkeypatch.setitem(store.BEHAVIOURS, "ASNG", store.BEHAVIOURS["ASNG"] + 5)  # of another part
    assert results(measure(refresh=True)) == [-1, -1]
    monkeypatch.setitem(store.BEHAVIOURS, "Minimizer", store.BEHAVIOURS["Minimizer"] + 2)
    assert store.oldest(store.records(path)) == {"Minimizer": 2}
    assert results(measure()) == [-1, -1]
    assert results(measure(refresh=True)) == [2, -1]  # runs of rivals hold nothing of ours
    assert store.oldest(store.records(path)) == {}
    behaviours = [source["behaviours"] for source in store.sources(store.records(path))]
    assert sorted(map(len, behaviours)) == [0, 1]
    assert np.isin(store.BEHAVIOURS["Minimizer"], [each.get("Minimizer") for each in behaviours])
