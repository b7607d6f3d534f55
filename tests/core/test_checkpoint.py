import hashlib
import json
import os
import signal
import subprocess
import sys
import tracemalloc

import cases
import numpy as np
import oracles
import pytest

from asng_core import ASNG, Categorical, CheckpointError, Space, checkpoint


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
    content = (tmp_path / "a.npz").read_bytes()
    length = int.from_bytes(content[40:48], "little")
    header = json.loads(content[48 : 48 + length])
    assert {entry["dtype"] for entry in header["arrays"]} <= {"<f8", "<i8", "|b1"}
    assert header["state"]["space"]["variables"]["flag"] == {"kind": "Boolean", "size": 2, "values": [False, True]}


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
    lambda s: s.update(format="asng_core.Minimizer"),
    lambda s: s.pop("format"),
    lambda s: s.update(theta=["a"] * 9),
])
def test_a_poisoned_state_is_refused_and_changes_nothing(poison):
    optimizer = ASNG(cases.SPACES["mixed"](), seed=1)
    before, broken = state(optimizer), optimizer.state_dict()
    poison(broken)
    with pytest.raises(ValueError, match=r"state must be what ASNG.state_dict\(\) returned"):
        optimizer.load_state_dict(broken)
    assert state(optimizer) == before


def test_any_damaged_byte_and_any_cut_is_explained(tmp_path):
    path = tmp_path / "asng.npz"
    ASNG(Space.binary(2), seed=1).save(path)
    whole = path.read_bytes()
    for position in range(len(whole)):
        flipped = bytes([whole[position] ^ (1 << position % 8)])
        for content in (whole[:position] + flipped + whole[position + 1 :], whole[:position], whole + flipped):
            path.write_bytes(content)
            with pytest.raises(CheckpointError, match=r"not a readable asng_core\.ASNG checkpoint"):
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
    dead, living = 4194305, os.getppid()  # more than a pid can be; the process that runs this one
    left = [f".a+b.{dead}.tmp", f".a+b.{10**30}.tmp"]
    others = [f".a+b.c.{dead}.tmp", f".b.{dead}.tmp", ".a+b.tmp", f"a+b.{dead}.tmp", f".aab.{dead}.tmp",
              f".a+b.{living}.tmp"]
    for name in left + others:
        (tmp_path / name).write_bytes(b"half")
    checkpoint.atomically(tmp_path / "a+b", lambda file: file.write(b"whole"))
    assert (tmp_path / "a+b").read_bytes() == b"whole"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a+b", *others])


def crafted(header, body=b""):
    """A file whose digest is right, whatever it holds."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    content = len(text).to_bytes(8, "little") + text + body
    return checkpoint.MAGIC + hashlib.sha256(content).digest() + content


ONE = {"dtype": "<f8", "shape": [1]}
CRAFTED = {
    "a longer header": checkpoint.MAGIC + hashlib.sha256(b"\xff" * 8).digest() + b"\xff" * 8,
    "no JSON": crafted(b"{"), "another encoding": crafted('{"\u00e4": 1}'.encode("utf-16")),
    "deep": crafted(b"[" * 100_000 + b"]" * 100_000), "deep dicts": crafted(b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    "no dict": crafted([1]), "no arrays": crafted({"state": {}}), "no state": crafted({"arrays": []}),
    "arrays of nothing": crafted({"state": {}, "arrays": [1]}),
    "a scalar as state": crafted({"state": 1, "arrays": []}), "a list as state": crafted({"state": [], "arrays": []}),
    "an array as state": crafted({"state": {"__array__": "array0"}, "arrays": [ONE]}, b"12345678"),
    "a huge array": crafted({"state": {}, "arrays": [{"dtype": "<f8", "shape": [2**60]}]}),
    "a huge product": crafted({"state": {}, "arrays": [{"dtype": "<f8", "shape": [2**31, 2**31, 2**31]}]}),
    "a negative length": crafted({"state": {}, "arrays": [{"dtype": "<f8", "shape": [-1, -1]}]}, b"12345678"),
    "a shape of text": crafted({"state": {}, "arrays": [{"dtype": "<f8", "shape": "12"}]}),
    "a truth value as length": crafted({"state": {}, "arrays": [{"dtype": "<f8", "shape": [True]}]}, b"12345678"),
    "objects": crafted({"state": {}, "arrays": [{"dtype": "|O8", "shape": [1]}]}, b"12345678"),
    "a type that is a list": crafted({"state": {}, "arrays": [{"dtype": ["<f8"], "shape": [1]}]}, b"12345678"),
    "a missing array": crafted({"state": {"format": {"__array__": "array7"}}, "arrays": []}),
    "an array without a name": crafted({"state": {"format": {"__array__": []}}, "arrays": []}),
    "pairs that are none": crafted({"state": {"__pairs__": [[1]]}, "arrays": []}),
    "keys that are lists": crafted({"state": {"__pairs__": [[[1], 1]]}, "arrays": []}),
    "more behind": crafted({"state": {"format": "f"}, "arrays": [ONE]}, b"123456789"),
    "less behind": crafted({"state": {"format": "f"}, "arrays": [ONE, ONE]}, b"12345678"),
    "many lists": crafted(b'{"state":[' + b"[]," * 2_000_000 + b"1]}"),
    "many dicts": crafted(b"[" + b"{}," * 1_000_000 + b"1]"),
    "of the first releases": b"PK\x03\x04" + bytes(100),
}


def longer_by(n):
    """A file that says its header is so many bytes longer than it is."""
    text = json.dumps({"state": {"format": "f"}, "arrays": []}).encode()
    body = (len(text) + n).to_bytes(8, "little") + text
    return checkpoint.MAGIC + hashlib.sha256(body).digest() + body


REASONS = {
    "a longer header": "its header is longer than the file.",
    "no JSON": "its header cannot be parsed (JSONDecodeError).",
    "many lists": "its header would take much more memory than the file has.", "no dict": "its header names no arrays.",
    "arrays of nothing": "an array has no type or no shape.", "a huge array": "an array is longer than the file.",
    "a negative length": "an array has the type '<f8' and the shape (-1, -1).",
    "an array as state": "its header names no state.",
    "a missing array": "its header does not fit its arrays (KeyError).", "more behind": "it is longer than its arrays.",
    "less behind": "an array is longer than the file.",
}


@pytest.mark.parametrize("name", REASONS)
def test_a_refusal_says_what_is_wrong(name, tmp_path):
    (tmp_path / "a").write_bytes(CRAFTED[name])
    with pytest.raises(CheckpointError) as refusal:
        checkpoint.read(tmp_path / "a", "kind")
    assert str(refusal.value) == (f"{str(tmp_path / 'a')!r} is not a readable kind checkpoint: {REASONS[name]} Was it "
                                  "written by save(), and completely?")


def test_a_refusal_is_no_longer_than_a_reader_reads(tmp_path):
    (tmp_path / "a").write_bytes(crafted({"state": {"format": "x" * 10**6}, "arrays": []}))
    with pytest.raises(CheckpointError, match=r"a checkpoint of 'x+\.\.\., not of 'kind'") as refusal:
        checkpoint.read(tmp_path / "a", "kind")
    assert len(str(refusal.value)) < 1000
    state = ASNG(Space.binary(2), seed=1).state_dict()
    state["space"]["variables"]["x1"]["size"] = 10**4000
    with pytest.raises(ValueError, match=r"has size=10+\.\.\., not 2") as refusal:
        ASNG(Space.binary(2)).load_state_dict(state)
    assert len(str(refusal.value)) < 1000


@pytest.mark.parametrize("n", [1, 8, 16])
def test_a_header_longer_than_the_file_is_refused(n):
    with pytest.raises(CheckpointError, match=r"its header is longer than the file\."):
        checkpoint.unpacked(longer_by(n))
    assert checkpoint.unpacked(longer_by(0)) == {"format": "f"}


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_file_is_refused_before_it_takes_memory(name, tmp_path):
    (tmp_path / "a").write_bytes(CRAFTED[name])
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="not a readable"):
            checkpoint.read(tmp_path / "a", "anything")
        assert tracemalloc.get_traced_memory()[1] < 3 * len(CRAFTED[name]) + 64 * 2**20
    finally:
        tracemalloc.stop()


def test_a_file_that_is_a_link_stays_one_and_keeps_its_mode(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "real").write_bytes(b"old")
    (tmp_path / "folder" / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("folder/real")
    checkpoint.atomically(tmp_path / "link", lambda file: file.write(b"new"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "real").read_bytes() == b"new"
    assert (tmp_path / "folder" / "real").stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in (tmp_path / "folder").iterdir()] == ["real"]


def test_a_big_space_is_saved_and_loaded(tmp_path):
    optimizer = ASNG(Space.binary(20_000), seed=1)
    optimizer.save(tmp_path / "a")
    assert state(ASNG.load(tmp_path / "a")) == state(optimizer)


def test_to_ask_whether_a_process_lives_does_it_no_harm(monkeypatch):
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert checkpoint._lives(process.pid)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not checkpoint._lives(process.pid)

    def forbidden(pid, number):
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbidden)
    assert checkpoint._lives(1)  # another user's


def test_where_asking_would_end_a_process_nothing_is_swept(tmp_path, monkeypatch):
    target = tmp_path / "a"
    left = tmp_path / f".a.{2**22 + 1}.tmp"  # of no process: Linux has no higher number than 2^22
    left.touch()
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        checkpoint._sweep(target)
    assert left.exists()
    checkpoint._sweep(target)
    assert not left.exists()


def test_a_file_is_told_from_others_by_its_digest(tmp_path):
    written = [checkpoint.write(tmp_path / name, {"format": name}) for name in "ab"]
    assert written[0] != written[1]
    for name, digest in zip("ab", written, strict=True):
        content = (tmp_path / name).read_bytes()
        assert checkpoint.digest(tmp_path / name) == digest == hashlib.sha256(content[40:]).hexdigest()


def test_a_pipe_or_a_folder_is_neither_replaced_nor_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    optimizer = ASNG(Space.binary(2), seed=1)
    for path in (tmp_path / "pipe", tmp_path / "link", tmp_path):
        for call in (optimizer.save, ASNG.load):
            with pytest.raises(OSError, match="must be a file, and this is a folder, a device or a pipe"):
                call(path)
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "pipe"]
