"""From modules to a space: conditions, labels, fixed choices, the summary."""

import pytest
import torch
from choices_networks import OwnCell, Widths
from torch import nn

from asng_core import Categorical, Integer, Ordinal, Real
from asng_torch import (
    Cell,
    InputChoice,
    KernelChoice,
    LayerChoice,
    Repeat,
    Supernet,
    ValueChoice,
    WidthChoice,
    derive,
    elastic,
)


def op(label=None, **candidates):
    return LayerChoice(candidates or {"a": nn.Linear(3, 3), "b": nn.Identity()}, label=label)


def nested():
    inner = nn.Sequential(op("inner"), nn.ReLU())
    return nn.Sequential(op("outer", deep=nn.Sequential(op("middle", with_inner=inner, without=nn.Tanh())),
                            flat=nn.Identity()))


def test_nested_choices_are_conditional_through_all_levels():
    space = Supernet(nested()).space
    assert space.names == ("outer", "middle", "inner")
    assert space.size == 1 + 1 + 2
    assert space.contains({"outer": "deep", "middle": "with_inner", "inner": "a"})
    assert space.contains({"outer": "flat"})
    assert not space.contains({"outer": "flat", "inner": "a"})


def test_a_choice_in_two_branches_is_active_in_either_and_one_outside_always():
    shared = op("shared")
    either = Supernet(nn.Sequential(op("x", a=shared, b=nn.Tanh()), op("y", a=nn.Sequential(shared), b=nn.Tanh())))
    assert either.space.size == 3 * 2 + 1
    always = Supernet(nn.Sequential(op("x", a=shared, b=nn.Tanh()), shared))
    assert always.space.conditions is None


def test_a_block_is_active_where_the_depth_reaches_it():
    space = Supernet(Repeat([op("first"), op("second")], minimum=1, label="depth")).space
    assert space.size == 2 + 4
    assert space.contains({"depth": 1, "first": "a"})


def test_a_label_within_its_own_branch_runs_under_that_value_alone():
    supernet = Supernet(op("x", a=nn.Sequential(op("x", a=nn.Linear(3, 3), b=op("never"))), b=nn.Identity()))
    assert supernet.space.names == ("x",)
    assert isinstance(derive(supernet, {"x": "a"})[0], nn.Linear)


def test_fixed_choices_leave_the_space_and_take_what_hangs_on_them_along():
    supernet, x = Supernet(nested(), fixed={"middle": "without"}), torch.randn(2, 3)
    assert supernet.space.names == ("outer",)
    with supernet.active({"outer": "deep"}):
        assert torch.equal(supernet(x), torch.tanh(x))
    assert isinstance(derive(supernet, {"outer": "deep"})[0][0], nn.Tanh)
    assert Supernet(nested(), fixed={"outer": "deep"}).space.size == 3
    assert "never used" in supernet.summary()
    assert "fixed at 'without'" in supernet.summary()


@pytest.mark.parametrize(("fixed", "message"), [
    ({"outre": 1}, r"must name variables of the module, got unknown \['outre'\]; there are \['outer', 'middle'"),
    ({"outer": "shallow"}, r"variable 'outer' must be one of \['deep', 'flat'\].*got 'shallow'"),
    ({"outer": "flat"}, "must leave at least one variable to choose"),
])
def test_bad_fixed_values_are_explained(fixed, message):
    with pytest.raises(ValueError, match=message):
        Supernet(nested(), fixed=fixed)


def test_the_summary_tells_space_places_and_conditions():
    text = Supernet(nn.Sequential(nested(), op("twice"), op("twice"))).summary()
    assert text.splitlines()[0].startswith("4 variables, 8 architectures, ")
    assert "twice   LayerChoice Categorical(['a', 'b']), 2 places" in text
    assert "if outer in ['deep'] and middle in ['with_inner']" in text


def test_variables_are_of_the_kind_asked_for():
    variables = Supernet(Widths()).space.variables
    assert variables["trunk"] == Ordinal([4, 8])
    assert variables["stem.kernel"] == Ordinal([1, 3])
    assert variables["side.width"] == Integer(2, 6, step=2)
    assert variables["mix"] == Ordinal([4, 8])  # 3, 5 and 9 in multiples of 4
    assert ValueChoice(Real(0, 1)).variable == Real(0, 1)
    cell = Supernet(OwnCell()).space
    assert len(cell) == 3 * 4
    assert cell.variables["cell.node2_input1"] == Categorical([0, 1, 2, 3])


def test_a_real_value_is_handed_over_as_drawn():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = ValueChoice(Real(0.0, 1.0))

        def forward(self, x):
            return x * self.scale()

    supernet, x = Supernet(Scaled()), torch.ones(2)
    with supernet.active({"scale": 0.25}):
        assert supernet(x).tolist() == [0.25, 0.25]
    assert derive(supernet, {"scale": 0.25})(x).tolist() == [0.25, 0.25]


def test_a_choice_that_runs_where_it_is_inactive_is_an_error():
    inner = op("inner")

    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.outer = op("outer", a=inner, b=nn.Identity())

        def forward(self, x):
            return self.outer.candidates[0](x)  # whatever is chosen

    supernet = Supernet(Odd())
    with supernet.active({"outer": "b"}), pytest.raises(RuntimeError, match="inner runs although the active arch"):
        supernet(torch.ones(1, 3))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: nn.Sequential(op("x", a=nn.Linear(6, 4), b=nn.Linear(6, 5))),
     r"at '0': LayerChoice.*'a': \(2, 4\), 'b': \(2, 5\)"),
    (lambda: Repeat([nn.Linear(6, 7), nn.Linear(7, 6)]), r"Repeat\(blocks\) must keep the shape.*\(2, 7\) -> \(2, 6\)"),
    (lambda: Cell({"a": lambda *_: nn.Linear(6, 6), "b": lambda *_: nn.Linear(6, 5)}, n_inputs=1),
     r"'b' on map 0: \(2, 5\)"),
])
def test_alternatives_of_different_shapes_are_named_at_construction_or_at_the_first_forward(make, message):
    x = torch.randn(2, 6)
    with pytest.raises(ValueError, match=message):
        Supernet(make(), example=x)
    supernet = Supernet(make())
    architecture = supernet.space.decode([0] * len(supernet.space))
    with supernet.active(architecture), pytest.raises(ValueError, match=message.replace("2, ", "1, ")):
        supernet(x)


def test_inputs_of_different_shapes_are_named():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers, self.pick = nn.ModuleList([nn.Linear(6, 4), nn.Linear(6, 5)]), InputChoice(2)

        def forward(self, x):
            return self.pick([layer(x) for layer in self.layers])

    with pytest.raises(ValueError, match=r"at 'pick': InputChoice must be .* one shape, got \[\(2, 4\), \(2, 5\)\]"):
        Supernet(Net(), example=torch.randn(2, 6))


def test_a_network_that_cannot_run_without_data_searches_all_the_same():
    class Data(nn.Module):
        def __init__(self):
            super().__init__()
            self.op = op("op")

        def forward(self, x):
            return self.op(x) if float(x.sum()) > 0 else self.op(-x)

    supernet = Supernet(Data())
    with supernet.active({"op": "b"}):
        assert supernet(torch.ones(2, 3)).sum() == 6
    assert supernet.cost({"op": "a"}).multiply_adds == 9  # on zeros, with data
    assert isinstance(derive(supernet, {"op": "a"}).op, nn.Linear)


def test_elastic_layers_need_a_shape_to_be_derived():
    supernet = Supernet(Widths())
    architecture = supernet.space.decode([0] * len(supernet.space))
    with pytest.raises(RuntimeError, match=r"Use Supernet\(module, example=inputs\)"):
        derive(supernet, architecture)
    with supernet.active(architecture):
        supernet(torch.randn(2, 3, 6, 6))
    assert derive(supernet, architecture).stem.out_channels == 4


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: WidthChoice([0, 4]), ValueError, r"WidthChoice\(widths\) must be at least 1, got 0"),
    (lambda: WidthChoice([3, 4], divisor=0), ValueError, r"WidthChoice\(divisor=...\) must be at least 1, got 0"),
    (lambda: WidthChoice(Integer(3, 4), divisor=2), TypeError, r"Use Integer\(low, high, step=divisor\)"),
    (lambda: WidthChoice(Real(1, 4)), ValueError, "finitely many values"),
    (lambda: KernelChoice([3, 4]), ValueError, r"must be all odd or all even to share a middle, got \[3, 4\]"),
    (lambda: ValueChoice("relu"), TypeError, r"ValueChoice\(values\) must be a sequence of values"),
    (lambda: InputChoice(0), ValueError, r"InputChoice\(n\) must be at least 1, got 0"),
    (lambda: InputChoice(2, choose=3), ValueError, r"choose=...\) must be within 1..2, the number of inputs, got 3"),
    (lambda: InputChoice(2, reduce="max"), ValueError, "must be 'sum', 'mean' or 'concat', got 'max'"),
    (lambda: InputChoice(2)([torch.ones(1)]), ValueError, "must be called with 2 inputs, got 1"),
    (lambda: Repeat([]), TypeError, "sequence of at least one module"),
    (lambda: Repeat([nn.ReLU()], minimum=2), ValueError, r"must be within 0..1, the number of blocks, got 2"),
    (lambda: Cell({}), TypeError, "at least one name to a function"),
    (lambda: Cell({"a": lambda *_: nn.ReLU()}, n_nodes=0), ValueError, r"Cell\(n_nodes=...\) must be at least 1"),
    (lambda: Cell({"a": lambda *_: nn.ReLU()}, n_inputs=True), TypeError, r"Cell\(n_inputs=...\) must be an integer"),
    (lambda: Cell({"a": lambda *_: nn.ReLU()}, picks=1.5), TypeError, r"Cell\(picks=...\) must be an integer, got 1.5"),
    (lambda: InputChoice(True), TypeError, r"InputChoice\(n\) must be an integer, got True"),
    (lambda: InputChoice(2, choose=True), TypeError, r"InputChoice\(choose=...\) must be an integer, got True"),
    (lambda: Repeat([nn.ReLU()], minimum=True), TypeError, r"Repeat\(minimum=...\) must be an integer, got True"),
    (lambda: WidthChoice([True, 4]), TypeError, r"WidthChoice\(widths\) must be an integer, got True"),
    (lambda: WidthChoice([4, 8.5], divisor=4), TypeError, r"WidthChoice\(widths\) must be an integer, got 8.5"),
    (lambda: WidthChoice([3, 4], divisor=True), TypeError, r"WidthChoice\(divisor=...\) must be an integer, got True"),
    (lambda: WidthChoice(Categorical(["4"])), TypeError, r"WidthChoice\(widths\) must be an integer, got '4'"),
    (lambda: KernelChoice([True, 3]), TypeError, r"KernelChoice\(sides\) must be an integer, got True"),
    (lambda: elastic.Conv2d(True, 4, 3), TypeError, r"Conv2d\(in_channels\) must be an integer, got True"),
    (lambda: elastic.Conv2d(4, 0, 3), ValueError, r"Conv2d\(out_channels\) must be at least 1, got 0"),
    (lambda: elastic.Linear(4, True), TypeError, r"Linear\(out_features\) must be an integer, got True"),
    (lambda: elastic.Linear("4", 4), TypeError, r"Linear\(in_features\) must be an integer, got '4'"),
    (lambda: elastic.BatchNorm2d(True), TypeError, r"BatchNorm2d\(num_features\) must be an integer, got True"),
    (lambda: elastic.Concatenate(4, True), TypeError, r"Concatenate\(widths\) must be an integer, got True"),
    (lambda: elastic.Conv2d(4, WidthChoice([2, 4]), 3, groups=4), ValueError, "must leave out_channels a number"),
    (lambda: elastic.Conv2d(4, 4, KernelChoice([3, 5])), ValueError, r"For stride 1: padding=2"),
    (lambda: elastic.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), ValueError, "Pad before it"),
    (lambda: elastic.Linear(4, 4, after=nn.ReLU()), TypeError, "after= must be the elastic.Concatenate"),
    (lambda: elastic.Linear(4, 4)(torch.ones(1, 5)), ValueError, "built for at most 4 channels, or features, got 5"),
    (lambda: elastic.Concatenate(2, 3)(torch.ones(1, 2)), ValueError, r"of at most these channels, .*got \[2\]"),
    (lambda: elastic.Conv2d(4, 4, 1, groups=2)(torch.ones(1, 3, 1, 1)), ValueError, "Give the WidthChoice before it d"),
])
def test_bad_choices_say_what_to_do(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_elastic_layer_used_at_two_widths_is_named():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.narrow, self.shared = elastic.Linear(6, WidthChoice([3, 6])), elastic.Linear(6, 6)

        def forward(self, x):
            return self.shared(x) + self.shared(self.narrow(x))

    supernet = Supernet(Twice(), example=torch.ones(1, 6))
    with pytest.raises(ValueError, match="used twice in one architecture with different inputs"):
        derive(supernet, {"narrow.width": 3})
    assert derive(supernet, {"narrow.width": 6}) is not None
