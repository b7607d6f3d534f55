import contextlib
import json
import os

import cases
import numpy as np
import oracles
import pytest

from asng_core import ASNG, Categorical, Space, checkpoint


def advance(optimizer, iterations):
    for _ in range(iterations):
        batch = optimizer.ask(5)
        optimizer.tell(batch, [float(np.sin(7 * c.codes).sum()) for c in batch])


def state(optimizer):
    return oracles.exact(optimizer.state_dict())


@pytest.mark.parametrize("name", cases.SPACES)
def test_a_loaded_optimizer_continues_bit_for_bit(name, tmp_path):
    space = cases.SPACES[name]()
    optimizer = ASNG(space, seed=1, population_size=4, initial_step_size=0.7, alpha=1.3, margin=0.2)
    advance(optimizer, 7)
    pending, waiting = optimizer.ask(3), optimizer.ask(2)
    optimizer.tell(waiting, [float("nan"), float("inf")])
    optimizer.save(tmp_path / "asng.npz")
    loaded = ASNG.load(tmp_path / "asng.npz", space=space if name == "any objects" else None)
    assert state(loaded) == state(optimizer)
    for one in (optimizer, loaded):
        one.tell(pending, [1.0, 2.0, 2.0])
        advance(one, 10)
    assert state(loaded) == state(optimizer)


def test_a_state_dict_does_not_change_with_its_optimizer():
    optimizer = ASNG(cases.SPACES["mixed"](), seed=1)
    advance(optimizer, 3)
    kept = optimizer.state_dict()
    text = oracles.exact(kept)
    advance(optimizer, 3)
    assert oracles.exact(kept) == text
    now = state(optimizer)
    kept["theta"][:] = 0
    assert state(optimizer) == now


def test_a_space_that_json_cannot_hold_must_be_given(tmp_path):
    space = cases.SPACES["any objects"]()
    ASNG(space).save(tmp_path / "a")
    with pytest.raises(ValueError, match=r"does not hold the values of variable 'op'.*Pass space="):
        ASNG.load(tmp_path / "a")
    assert ASNG.load(tmp_path / "a", space=space).space is space


@pytest.mark.parametrize("other", [Space.binary(3), Space.categorical([3, 4]), Space({"y": Categorical([0, 1, 2])}),
                                   Space({"x0": Categorical([0, True, 2])}),
                                   Space({"x0": Categorical(range(3))}, constraints=[bool])])
def test_a_checkpoint_of_another_space_is_refused(other, tmp_path):
    ASNG(Space.categorical([3])).save(tmp_path / "a")
    optimizer = ASNG(other, seed=1)
    before = state(optimizer)
    with pytest.raises(ValueError, match="must be of this optimizer's space"):
        ASNG.load(tmp_path / "a", space=other)
    with pytest.raises(ValueError, match="must be of this optimizer's space"):
        optimizer.load_state_dict(ASNG(Space.categorical([3])).state_dict())
    assert state(optimizer) == before


@pytest.mark.parametrize("damage", [lambda d: d[: len(d) // 2], lambda d: b"", lambda d: b"not a checkpoint" * 50,
                                    lambda d: d[:200] + bytes(len(d) - 200)])
def test_a_damaged_file_is_explained(damage, tmp_path):
    path = tmp_path / "asng.npz"
    ASNG(cases.SPACES["mixed"]()).save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"not a readable asng_core.ASNG checkpoint"):
        ASNG.load(path)


def test_a_foreign_file_is_explained(tmp_path):
    np.savez(tmp_path / "foreign.npz", x=np.ones(3))
    with pytest.raises(ValueError, match=r"not a readable asng_core.ASNG checkpoint"):
        ASNG.load(tmp_path / "foreign.npz")
    checkpoint.write(tmp_path / "other", {"format": "something else"})
    with pytest.raises(ValueError, match=r"checkpoint of 'something else', not of 'asng_core.ASNG'"):
        ASNG.load(tmp_path / "other")
    with pytest.raises(FileNotFoundError):
        ASNG.load(tmp_path / "missing")


@pytest.mark.parametrize("key", ["theta", "step_size", "rng", "open", "waiting", "best", "settings", "n_asked",
                                 "space"])
def test_an_incomplete_state_is_refused_and_changes_nothing(key):
    optimizer = ASNG(cases.SPACES["mixed"](), seed=1)
    advance(optimizer, 2)
    before, broken = state(optimizer), optimizer.state_dict()
    del broken[key]
    with pytest.raises(ValueError, match="state"):
        optimizer.load_state_dict(broken)
    wrong = optimizer.state_dict() | {key: np.ones(3) if key == "theta" else object()}
    with pytest.raises(ValueError, match="state"):
        optimizer.load_state_dict(wrong)
    assert state(optimizer) == before


def test_the_file_holds_no_pickle(tmp_path):
    ASNG(cases.SPACES["any objects"]()).save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        header = json.loads(archive["header"].tobytes())
        assert all(archive[name].dtype != object for name in archive.files)
    assert header["space"]["variables"]["flag"] == {"kind": "Boolean", "size": 2, "values": [False, True]}


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "asng.npz"
    ASNG(Space.binary(2)).save(path)
    old = path.read_bytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ASNG(Space.binary(3)).save(path)
    assert path.read_bytes() == old
    assert [entry.name for entry in tmp_path.iterdir()] == ["asng.npz"]


@pytest.mark.parametrize("name", ["__array__", "__pairs__", "with.dots", ""])
def test_variables_of_any_name_are_saved(name, tmp_path):
    optimizer = ASNG(Space({name: Categorical([1, 2])}), seed=1)
    optimizer.save(tmp_path / "a")
    assert state(ASNG.load(tmp_path / "a")) == state(optimizer)


@pytest.mark.parametrize("poison", [
    lambda s: s["waiting"].update(losses=["a", None], draws=np.zeros((2, 4))),
    lambda s: s["theta"].fill(np.nan),
    lambda s: s["step_size"].update(Delta=0.0),
    lambda s: s["step_size"]["s"].fill(np.inf),
    lambda s: s["open"].update(ids=["x"], draws=np.zeros((1, 4))),
    lambda s: s["open"].update(ids=[0], draws=np.zeros((1, 4)), generations=[-7], pinned=[[]]),
    lambda s: s["open"].update(ids=[0], draws=np.zeros((1, 4)), generations=[0], pinned=[[9]]),
    lambda s: s["past"].update(generations=[0], values=np.full((1, 9), np.nan)),
    lambda s: s["past"].update(generations=[0], values=np.zeros((1, 3))),
    lambda s: s["waiting"].update(losses=[1.0], violations=["a"], ids=[0], draws=np.zeros((1, 4))),
    lambda s: s.update(n_failed=-1),
    lambda s: s.update(rejected={"draws": np.zeros((2, 3))}),
    lambda s: s.update(best={"codes": np.array([0, 99, 0, 0]), "loss": 1.0, "id": 0}),
    lambda s: s.update(version=99),
    lambda s: s.update(theta=["a"] * 9),
])
def test_a_poisoned_state_is_refused_and_changes_nothing(poison):
    optimizer = ASNG(cases.SPACES["mixed"](), seed=1)
    before, broken = state(optimizer), optimizer.state_dict()
    poison(broken)
    with pytest.raises(ValueError, match=r"state must be what ASNG.state_dict\(\) returned"):
        optimizer.load_state_dict(broken)
    assert state(optimizer) == before


def test_any_damaged_byte_is_explained_or_harmless(tmp_path):
    path = tmp_path / "asng.npz"
    ASNG(Space.binary(2), seed=1).save(path)
    whole = path.read_bytes()
    for position in range(0, len(whole), 7):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        with contextlib.suppress(ValueError):  # and no other error
            ASNG.load(path)
    path.write_bytes(whole)
    assert ASNG.load(path).n_asked == 0


def test_a_checkpoint_of_other_conditions_is_refused(tmp_path):
    variables = {"a": Categorical([1, 2]), "b": Categorical([1, 2])}
    optimizer = ASNG(Space(variables, active_if={"b": {"a": [1]}}))
    optimizer.save(tmp_path / "a")
    assert ASNG.load(tmp_path / "a").space == optimizer.space
    for other in (Space(variables), Space(variables, active_if={"b": {"a": [2]}})):
        with pytest.raises(ValueError, match="must be of this optimizer's space"):
            ASNG.load(tmp_path / "a", space=other)


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    left = [".a+b.1.tmp", ".a+b.4194304.tmp"]
    others = [".a+b.c.1.tmp", ".b.1.tmp", ".a+b.tmp", "a+b.1.tmp", ".aab.1.tmp"]
    for name in left + others:
        (tmp_path / name).write_bytes(b"half")
    checkpoint.atomically(tmp_path / "a+b", lambda file: file.write(b"whole"))
    assert (tmp_path / "a+b").read_bytes() == b"whole"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a+b", *others])
