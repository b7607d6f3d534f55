"""The file of tensors and all else: whatever is wrong with it is one error, and no byte changes unseen."""

import hashlib

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

from asng_core import CheckpointError
from asng_torch import checkpoint

STATE = {"format": "t", "weights": torch.arange(6.0).reshape(2, 3), "theta": np.arange(3), "step": 7, "name": "a\"b"}


@pytest.fixture
def path(tmp_path):
    checkpoint.write(tmp_path / "t", STATE)
    return tmp_path / "t"


def test_every_flip_and_every_cut_is_refused(path):
    whole = path.read_bytes()
    for position in range(len(whole)):
        flipped = bytes([whole[position] ^ (1 << position % 8)])
        for content in (whole[:position] + flipped + whole[position + 1 :], whole[:position], whole + flipped):
            path.write_bytes(content)
            with pytest.raises(CheckpointError, match=r"'.*t' is not a readable t checkpoint"):
                checkpoint.read(path, "t")
    path.write_bytes(whole)
    assert checkpoint.read(path, "t")["step"] == 7


def sealed(data):
    """With the right digest, whatever it holds."""
    return data.replace(b"0" * 64, hashlib.sha256(data).hexdigest().encode())


CRAFTED = {
    "no digest": save({"a": torch.ones(2)}, metadata={"tree": "{}", "numpy": "[]"}),
    "two digests": sealed(save({}, metadata={"asng_sha256": "0" * 64, "x": '"asng_sha256":"' + "1" * 64 + '"'})),
    "no tree": sealed(save({"a": torch.ones(2)}, metadata={"asng_sha256": "0" * 64})),
    "no JSON": sealed(save({}, metadata={"asng_sha256": "0" * 64, "tree": "{", "numpy": "[]"})),
    "deep": sealed(save({}, metadata={"asng_sha256": "0" * 64, "tree": "[" * 10**5 + "]" * 10**5, "numpy": "[]"})),
    "a missing tensor": sealed(save({}, metadata={"asng_sha256": "0" * 64, "tree": '{"format": {"__array__": "a"}}',
                                                  "numpy": "[]"})),
    "a list of nothing": sealed(save({}, metadata={"asng_sha256": "0" * 64, "tree": "[]", "numpy": "7"})),
    "a list as state": sealed(save({}, metadata={"asng_sha256": "0" * 64, "tree": "[]", "numpy": "[]"})),
    "a tensor as state": sealed(save({"a": torch.ones(2)}, metadata={
        "asng_sha256": "0" * 64, "tree": '{"__array__": "a"}', "numpy": "[]"})),
    "a long header": b"\xff" * 8 + b'"asng_sha256":"' + b"0" * 64 + b'"',
    "a header of nothing": sealed((90).to_bytes(8, "little") + b'{"asng_sha256":"' + b"0" * 64 + b'"}' + b" " * 8),
    "nothing": b"",
}


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_file_is_refused(name, path):
    path.write_bytes(CRAFTED[name])
    with pytest.raises(CheckpointError, match="is not a readable t checkpoint"):
        checkpoint.read(path, "t")


def test_an_array_that_is_named_twice_is_one(path):
    path.write_bytes(sealed(save({"a": torch.ones(2)}, metadata={
        "asng_sha256": "0" * 64, "tree": '{"format": "t", "x": {"__array__": "a"}}', "numpy": '["a", "a"]'})))
    assert checkpoint.read(path, "t")["x"].tolist() == [1, 1]


def test_safetensors_alone_reads_the_tensors(path):
    assert sorted(map(str, load_file(path).values())) == sorted(map(str, (torch.arange(3), STATE["weights"])))


def test_a_digest_in_the_state_is_not_taken_for_the_files(tmp_path):
    state = {"format": "t", "text": '"asng_sha256":"' + "0" * 64 + '"'}
    checkpoint.write(tmp_path / "t", state)
    assert checkpoint.read(tmp_path / "t", "t") == state
