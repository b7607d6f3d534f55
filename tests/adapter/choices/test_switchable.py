"""What is true of `Switchable` alone; what it shares with every choice is in `test_every_choice.py`."""

import pytest
import torch
from torch import nn

from asng_core import Real
from asng_torch import LayerChoice, Supernet, Switchable, ValueChoice, WidthChoice, elastic

SHARED = nn.BatchNorm1d(3)


def pick(names=("a", "b")):
    return LayerChoice({name: nn.Linear(3, 3) for name in names}, label="pick")


def network(choice, make=lambda: nn.BatchNorm1d(3)):
    return nn.Sequential(choice, Switchable(make, by=[choice]))


def test_statistics_are_those_of_the_value_in_force():
    supernet = Supernet(network(pick()))
    with supernet.active({"pick": "b"}):
        supernet(torch.randn(8, 3) + 5)
    first, second = supernet.module[1].layers
    assert first.num_batches_tracked == 0
    assert second.num_batches_tracked == 1


def test_weights_go_by_values_not_by_their_order():
    one, other = Supernet(network(pick())), Supernet(network(pick("ba")))
    with one.active({"pick": "b"}):
        one(torch.randn(8, 3) + 5)
    other.load_state_dict(one.state_dict())
    x = torch.randn(2, 3)
    for name in "ab":
        with one.eval().active({"pick": name}), other.eval().active({"pick": name}):
            assert torch.equal(one(x), other(x))


def test_layers_stand_in_the_order_of_the_values_of_several_choices():
    width, kernel = WidthChoice([1, 2, 3]), ValueChoice([0.5, "1.0"])
    layer = Switchable(lambda: elastic.Linear(3, 2), by=[width, kernel])
    assert [key for key in layer.state_dict() if key.endswith("bias")] == [
        f"layers.{width}, {value}.bias" for width in (1, 2, 3) for value in ("0%2E5", "'1%2E0'")]


@pytest.mark.parametrize(("make", "by", "error", "words"), [
    (lambda: nn.BatchNorm1d(3), [], TypeError, "at least one choice"),
    (lambda: nn.BatchNorm1d(3), pick(), TypeError, "must be a sequence of at least one choice"),
    (lambda: nn.BatchNorm1d(3), [nn.ReLU()], TypeError, "at least one choice"),
    (lambda: nn.BatchNorm1d(3), [ValueChoice(Real(0, 1))], ValueError, "finitely many values"),
    (lambda: 3, [pick()], TypeError, "a function that makes a module, got 3"),
    (lambda: SHARED, [pick()], ValueError, "a new module at each call"),
    (pick, [pick()], ValueError, "Make them outside")])
def test_what_cannot_be_is_refused(make, by, error, words):
    with pytest.raises(error, match=words):
        Switchable(make, by=by)


def test_a_choice_that_stands_nowhere_else_is_named():
    supernet = Supernet(nn.Sequential(pick(), Switchable(lambda: nn.Linear(3, 3), by=[ValueChoice([1, 2])])))
    with supernet.active({"pick": "a"}), pytest.raises(RuntimeError, match="stands nowhere in the network"):
        supernet(torch.randn(2, 3))
