import json
import os

import pytest
import torch
from torch import nn

from asng_core import ASNG, Categorical, CheckpointError, Integer, Ordinal, Real, Space
from asng_torch import InputChoice, Supernet, ValueChoice
from asng_torch.supernet.architecture import load_architecture, save_architecture

SPACE = Space({"combination": Categorical([(0, 1), (0, 2), (1, 2)]), "flag": Categorical([True, 1, 1.0, None]),
               "width": Ordinal([16, 32]), "depth": Integer(1, 10**9), "rate": Real(0.0, 1.0),
               "op": Categorical(["a", "b"])},
              active_if={"rate": {"op": ["b"]}})


def test_every_value_comes_back_of_its_type(tmp_path):
    for architecture in map(dict, ASNG(SPACE, seed=0).sample(30)):
        save_architecture(tmp_path / "a.json", "mine", architecture, {"accuracy": 0.9, "losses": [1, 2.5]})
        loaded = load_architecture(tmp_path / "a.json", SPACE, space_name="mine")
        assert loaded == architecture
        assert [type(value) for value in loaded.values()] == [type(value) for value in architecture.values()]
    content = json.loads((tmp_path / "a.json").read_text())
    assert list(content) == ["space", "architecture", "metrics"]
    assert content["metrics"] == {"accuracy": 0.9, "losses": [1, 2.5]}
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_combination_of_inputs_runs_when_it_comes_back(tmp_path):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.pick = InputChoice(3, choose=2)

        def forward(self, x):
            return self.pick([x, 2 * x, 3 * x])

    supernet = Supernet(Two())
    save_architecture(tmp_path / "a.json", "two", {"pick": (0, 2)})
    with supernet.active(load_architecture(tmp_path / "a.json", supernet.space)):
        assert float(supernet(torch.ones(1, 1))) == 4


def test_values_that_json_cannot_hold_are_explained_and_nothing_is_written(tmp_path):
    supernet = Supernet(nn.ModuleList([ValueChoice([nn.functional.relu, nn.functional.silu], label="act")]))
    with pytest.raises(TypeError, match=r"got <function relu.* of 'act'. Give the choice's values names: ValueChoice"):
        save_architecture(tmp_path / "a.json", "x", supernet.space.decode([0]))
    with pytest.raises(TypeError, match=r"save_architecture\(metrics\) must hold numbers, finite ones"):
        save_architecture(tmp_path / "a.json", "x", {"a": 1}, {"loss": float("nan")})
    assert not list(tmp_path.iterdir())


def test_files_that_do_not_fit_are_explained(tmp_path):
    path, space = tmp_path / "a.json", Space({"op": Categorical(["a", "b"])})
    save_architecture(path, "mine", {"op": "c"})
    with pytest.raises(ValueError, match=r"holds an architecture of space 'mine', not of 'other'"):
        load_architecture(path, space, space_name="other")
    with pytest.raises(ValueError, match=r"a.json' holds no architecture of this space: variable 'op' must be one of"):
        load_architecture(path, space)
    save_architecture(path, "mine", {"op": "a", "other": 1})
    with pytest.raises(ValueError, match=r"holds no architecture of this space: .*other"):
        load_architecture(path, space)
    save_architecture(path, "mine", {"op": ["a"]})
    with pytest.raises(ValueError, match="holds no architecture of this space"):
        load_architecture(path, space)
    for text in ("{", "[]", "{}", '{"space": "mine", "architecture": 3}'):
        path.write_text(text)
        with pytest.raises(ValueError, match="must be an architecture file"):
            load_architecture(path, space)
    with pytest.raises(FileNotFoundError):
        load_architecture(tmp_path / "none.json", space)


@pytest.mark.parametrize("content", [b"[" * 10**5, "{\"space\": \"\u00e4\"}".encode("latin-1"), b"\xff\xfe{", b"\x00",
                                     b'{"space": "mine", "architecture": ' + b'{"a":' * 10**5 + b"1" + b"}" * 10**5,
                                     b'{"space": "mine", "architecture": {"depth": [1]}}',
                                     b'{"space": "mine", "architecture": {"rate": {"a": [1]}}}',
                                     b'{"space": "mine", "architecture": {"depth": NaN}}',
                                     b'{"space": "mine", "architecture": {"depth": 1e999}}'])
def test_a_hostile_file_is_refused_at_once_and_by_name(content, tmp_path):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.json' (must be an architecture file|holds no architecture)"):
        load_architecture(tmp_path / "a.json", SPACE)
