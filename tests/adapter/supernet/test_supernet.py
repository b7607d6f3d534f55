import copy

import numpy as np
import pytest
import torch
from torch import nn

from asng_core import ASNG, Categorical, Space
from asng_torch import LayerChoice, Supernet

ARCHITECTURE = {"op": "conv 1.0", "body.2": "block", "act": "tanh"}


def test_choices_become_named_variables(supernet):
    assert supernet.space.names == ("op", "body.2", "act")
    assert [v.choices for v in supernet.space.variables.values()] == [
        ("conv 3.0", "conv 1.0", "skip"), ("block", "dropout"), ("relu", "tanh")]


def test_one_label_is_one_decision(supernet):
    with supernet.active(ARCHITECTURE):
        assert [choice.active for choice in supernet.choices["op"]] == [1, 1]


def test_a_module_used_twice_is_one_choice():
    choice = LayerChoice({"a": nn.Linear(2, 2), "b": nn.Identity()})
    assert len(Supernet(nn.Sequential(choice, nn.ReLU(), choice)).space) == 1


def test_the_active_path_is_the_chosen_layers():
    a, b = nn.Linear(3, 3), nn.Linear(3, 3)
    supernet, x = Supernet(nn.Sequential(LayerChoice({"a": a, "b": b}), nn.ReLU())), torch.randn(5, 3)
    for name, layer in (("a", a), ("b", b)):
        with supernet.active({"0": name}):
            assert torch.equal(supernet(x), torch.relu(layer(x)))


def test_only_the_active_path_gets_gradients(supernet):
    with supernet.active(ARCHITECTURE):
        supernet(torch.randn(4, 1, 8, 8)).sum().backward()
    chosen = supernet.module.body[0].candidates
    assert all(p.grad is not None for p in chosen[1].parameters())
    assert all(p.grad is None for i in (0, 2) for p in chosen[i].parameters())


def test_backward_may_run_outside_and_on_any_thread(supernet):
    with supernet.active(ARCHITECTURE):
        loss = supernet(torch.randn(4, 1, 8, 8)).sum()
    loss.backward()
    assert supernet.module.body[0].candidates[1][0].weight.grad is not None


def test_no_active_architecture_is_a_clear_error(supernet):
    x = torch.randn(4, 1, 8, 8)
    with pytest.raises(RuntimeError, match=r"no architecture is active.*with supernet.active"):
        supernet(x)
    with supernet.active(ARCHITECTURE):
        supernet(x)
    with pytest.raises(RuntimeError, match="no architecture is active"):
        supernet(x)


def test_activations_nest_and_survive_errors(supernet):
    other = ARCHITECTURE | {"op": "skip"}
    with supernet.active(other):
        with pytest.raises(ZeroDivisionError), supernet.active(ARCHITECTURE):
            raise ZeroDivisionError
        assert supernet.choices["op"][0].active == 2
    assert supernet.choices["op"][0].active is None


@pytest.mark.parametrize(("architecture", "message"), [
    ({**ARCHITECTURE, "op": "conv 9.0"}, r"variable 'op' must be one of \['conv 3.0'.*got 'conv 9.0'"),
    ({**ARCHITECTURE, "extra": 1}, r"unknown \['extra'\]"),
    ({"op": "skip"}, r"missing \['body.2'\]"),
])
def test_an_architecture_outside_the_space_changes_nothing(supernet, architecture, message):
    with pytest.raises(ValueError, match=message), supernet.active(architecture):
        pass
    assert supernet.choices["op"][0].active is None


def test_candidates_are_compared_under_equal_conditions(supernet):
    """Batch statistics, no buffer touched, no dropout, the same randomness, modes and RNG as before."""
    supernet.train()
    supernet.module.head.eval()
    x, before = torch.randn(16, 1, 8, 8), copy.deepcopy(supernet.state_dict())
    modes, rng = [m.training for m in supernet.modules()], torch.get_rng_state()
    batch = ASNG(supernet.space, seed=1).ask(4)
    draws = []

    def closure(net):
        draws.append(torch.rand(3))
        return net(x).square().mean()

    losses = supernet.losses([*batch, batch[0]], closure)
    assert losses.dtype == np.float64
    assert losses.shape == (5,)
    assert losses[0] == losses[4]
    assert all(torch.equal(draws[0], other) for other in draws)
    assert torch.equal(torch.get_rng_state(), rng)
    assert [m.training for m in supernet.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in supernet.state_dict().items())
    assert all(p.grad is None for p in supernet.parameters())
    reference = copy.deepcopy(supernet).train()  # batch statistics, and dropout off
    [m.eval() for m in reference.modules() if isinstance(m, nn.Dropout)]
    with reference.active(batch[0]), torch.no_grad():
        assert losses[0] == pytest.approx(float(reference(x).square().mean()), rel=1e-6)


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(3), nn.InstanceNorm2d(3, track_running_stats=True),
                                  nn.InstanceNorm2d(3), nn.BatchNorm2d(3, track_running_stats=False)])
def test_no_normalization_layers_buffers_are_touched(norm):
    supernet = Supernet(nn.Sequential(LayerChoice({"a": nn.ReLU()}), norm))
    before = copy.deepcopy(supernet.state_dict())
    supernet.losses([{"0": "a"}], lambda net: net(torch.randn(4, 3, 5, 5)).mean())
    after = supernet.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_a_failing_closure_leaves_the_supernet_as_it_was(supernet):
    supernet.train()
    with pytest.raises(ZeroDivisionError):
        supernet.losses(ASNG(supernet.space).ask(2), lambda net: 1 / 0)
    assert all(m.training for m in supernet.modules())
    assert all(m.track_running_stats for m in supernet.modules() if isinstance(m, nn.BatchNorm2d))
    assert supernet.choices["op"][0].active is None


def test_a_deep_copy_shares_nothing(supernet):
    twin = copy.deepcopy(supernet)
    with twin.active(ARCHITECTURE):
        assert supernet.choices["op"][0].active is None
        twin(torch.randn(2, 1, 8, 8)).sum().backward()
    assert all(p.grad is None for p in supernet.parameters())


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: Supernet(nn.Linear(2, 2)), ValueError, r"at least one choice, got none. Replace a layer by LayerChoice"),
    (lambda: LayerChoice({}), TypeError, "at least one name to a module"),
    (lambda: LayerChoice([nn.ReLU()]), TypeError, "at least one name to a module"),
    (lambda: LayerChoice({"a": torch.relu}), TypeError, "map names to modules, got 'a'"),
    (lambda: LayerChoice({1: nn.ReLU()}), TypeError, "map names to modules, got 1"),
    (lambda: Supernet(nn.Sequential(*(LayerChoice({name: nn.ReLU()}, label="x") for name in "ab"))),
     ValueError, r"one label must have the same kind and candidates, but label 'x' has .*'a'.* at '1', .*'b'"),
])
def test_bad_choices_say_what_to_do(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_candidate_runs_by_its_codes_if_it_is_of_this_space_and_else_by_its_values():
    supernet = Supernet(nn.Sequential(LayerChoice({"a": nn.Linear(3, 3), "b": nn.Tanh()}, label="x"),
                                      LayerChoice({"c": nn.ReLU(), "d": nn.Identity()}, label="y")))
    turned = ASNG(Space({"y": Categorical(["d", "c"]), "x": Categorical(["b", "a"])}), seed=0)
    for candidate in (*ASNG(supernet.space, seed=0).sample(8), *ASNG(copy.deepcopy(supernet.space), seed=0).sample(8),
                      *turned.sample(8)):
        assert supernet.codes(candidate) == supernet.codes(dict(candidate))
    with pytest.raises(ValueError, match="'z'"):
        supernet.codes(ASNG(Space({"z": Categorical(["a"]), "y": Categorical(["c", "d"])}), seed=0).ask())


def test_activations_of_two_supernets_over_one_network_go_by_the_inner_one():
    net = nn.Sequential(LayerChoice({"a": nn.Identity(), "b": nn.ReLU()}))
    first, second = Supernet(net), Supernet(net)
    with first.active({"0": "b"}):
        with second.active({"0": "a"}):
            assert first(-torch.ones(1)) == -1
        assert first(-torch.ones(1)) == 0


def test_the_losses_of_tensors_and_of_numbers_leave_the_device_alike(supernet):
    batch, values = ASNG(supernet.space, seed=1).ask(3), [0.1, float("inf"), float("nan")]
    for make in (torch.tensor, float, lambda value: torch.tensor([value]), lambda value: torch.tensor(value).double()):
        in_turn = iter(values)
        losses = supernet.losses(batch, lambda net, make=make, numbers=in_turn: make(next(numbers)))
        assert losses.dtype == np.float64
        assert np.allclose(losses, values, equal_nan=True)
    mixed = iter([torch.tensor(1.0), 2.0, torch.tensor(3.0, dtype=torch.bfloat16)])
    assert supernet.losses(batch, lambda net: next(mixed)).tolist() == [1, 2, 3]


def test_a_loss_that_is_no_single_number_is_explained(supernet):
    with pytest.raises(ValueError, match=r"losses\(closure\) must return one number, got a tensor of shape \(4, 2\)"):
        supernet.losses(ASNG(supernet.space, seed=1).ask(2), lambda net: torch.zeros(4, 2))


def test_notebooks_show_a_supernet_as_a_table_whose_text_is_escaped():
    net = nn.Sequential(LayerChoice({"<b>": nn.Identity(), "tanh": nn.Tanh()}, label="<i>"))
    text = Supernet(net)._repr_html_()
    assert text.count("<tr>") == 2  # the head, and a row for the variable
    assert "&lt;i&gt;" in text
    assert "<b>" not in text
