"""Weights go by the names of candidates, not by their positions."""

import copy

import pytest
import torch
from torch import nn

from asng_torch import Cell, LayerChoice, Supernet


def network(names):
    return nn.Sequential(LayerChoice({name: nn.Linear(3, 3) for name in names}), nn.ReLU())


NAMES = ["conv 3.0", "a", "keys", "training", "", "100%", "half", "0"]


def test_candidates_in_another_order_load_into_those_of_the_same_names():
    first, other = Supernet(network(NAMES)), Supernet(network(NAMES[::-1]))
    other.load_state_dict(first.state_dict())
    x = torch.randn(2, 3)
    for name in NAMES:
        with first.active({"0": name}), other.active({"0": name}):
            assert torch.equal(first(x), other(x))


def test_operations_of_a_cell_in_another_order_load_into_those_of_the_same_names():
    def cell(names):
        return Cell({name: lambda *_: nn.Linear(3, 3) for name in names}, n_inputs=1, n_nodes=2, picks=1, label="cell")

    first, other = Supernet(cell("ab")), Supernet(cell("ba"))
    other.load_state_dict(first.state_dict())
    architecture = {"cell.node0_input0": 0, "cell.node0_operation0": "a", "cell.node1_input0": 1,
                    "cell.node1_operation0": "b"}
    x = torch.randn(2, 3)
    with first.active(architecture), other.active(architecture):
        assert torch.equal(first(x), other(x))


def test_every_name_is_part_of_a_path_that_pytorch_finds():
    supernet, x = Supernet(network(NAMES)), torch.randn(2, 3)
    keys = {name.split(".")[3] for name in supernet.state_dict()}
    assert keys == {"conv 3%2E0", "a", "keys", "training%", "%", "100%25", "half%", "0"}
    for name, module in supernet.named_modules():
        assert supernet.get_submodule(name) is module
    doubled = {name: 2 * value for name, value in supernet.state_dict().items()}
    with supernet.active({"0": "conv 3.0"}):
        called = torch.func.functional_call(supernet, doubled, (x,))
        assert torch.allclose(called, 2 * supernet(x))
    twin = copy.deepcopy(supernet)
    assert list(twin.state_dict()) == list(supernet.state_dict())


def test_another_candidate_or_a_file_by_positions_is_refused():
    supernet = Supernet(network(["a", "b"]))
    with pytest.raises(RuntimeError, match=r"Missing key.*candidates\.b\.weight"):
        supernet.load_state_dict(Supernet(network(["a", "c"])).state_dict())
    by_position = {name.replace(".a.", ".0.").replace(".b.", ".1."): value
                   for name, value in supernet.state_dict().items()}
    for strict in (True, False):
        with pytest.raises(RuntimeError, match=r"by their positions \['0', '1'\], as files of earlier versions .* "
                                               r"these are \['a', 'b'\]"):
            supernet.load_state_dict(by_position, strict=strict)
