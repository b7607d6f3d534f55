"""Any batch and any loss: closures, networks that take their loss themselves, several sources, scaled gradients."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from asng_core import ASNG
from asng_torch import LayerChoice, Search, Supernet
from asng_torch.data import TensorLoader
from asng_torch.search.batches import moved

META = torch.device("meta")


class Pair(NamedTuple):
    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Graph:
    nodes: dict[str, Tensor]
    name: str = "graph"


class Movable:
    def to(self, device):
        return f"on {device}"


class Regression(nn.Module):
    """Called by keywords alone, it returns its loss, as the models of transformers do."""

    def __init__(self):
        super().__init__()
        self.layer = LayerChoice({"linear": nn.Linear(3, 1), "deep": nn.Sequential(nn.Linear(3, 8), nn.Tanh(),
                                                                                  nn.Dropout(0.5), nn.Linear(8, 1))})

    def forward(self, *, inputs, labels=None):
        outputs = self.layer(inputs)[:, 0]
        return {"outputs": outputs} | ({} if labels is None else {"loss": (outputs - labels).square().mean()})


def dicts(n=64, size=8):
    x = torch.randn(n, 3, generator=torch.Generator().manual_seed(0))
    return [{"inputs": x[i:i + size], "labels": x[i:i + size].sum(dim=1)} for i in range(0, n, size)]


def build(criterion=None, train=None, valid=None, steps=6, fused=False, **options):
    torch.manual_seed(0)
    supernet = Supernet(Regression())
    return Search(supernet, ASNG(supernet.space, population_size=2, seed=0),
                  torch.optim.SGD(supernet.parameters(), 0.1, fused=fused), criterion, train or dicts(),
                  valid or dicts(), steps=steps, **options)


def test_every_structure_is_moved_and_kept():
    x = torch.ones(2)
    batch = {"pair": Pair(x, x), "list": [x, "text", 3], "graph": Graph({"a": x}), "own": Movable(), "none": None}
    there = moved(batch, META)
    assert isinstance(there["pair"], Pair)
    assert there["pair"].y.device == there["list"][0].device == there["graph"].nodes["a"].device == META
    assert there["list"][1:] == ["text", 3]
    assert (there["graph"].name, there["own"], there["none"]) == ("graph", "on meta", None)
    assert x.device.type == "cpu"


def test_a_network_may_take_its_loss_itself():
    records = list(build(steps=60))
    assert records[-1].train_loss < 0.2 * records[0].train_loss


def test_a_closure_gets_the_network_and_the_batch():
    def closure(net, batch):
        assert batch.keys() == {"inputs", "labels"}
        return net(**batch)["loss"]

    own, closed = list(build()), list(build(closure=closure))
    assert [record.train_loss for record in own] == [record.train_loss for record in closed]
    assert np.array_equal(own[-1].valid_losses, closed[-1].valid_losses)


def test_inputs_that_are_a_mapping_are_given_by_keywords():
    pairs = [({"inputs": batch["inputs"]}, batch["labels"]) for batch in dicts()]
    search = build(lambda outputs, labels: (outputs["outputs"] - labels).square().mean(), pairs, pairs)
    assert [record.train_loss for record in search] == [record.train_loss for record in build()]


def test_a_network_without_a_loss_is_explained():
    batches = [{"inputs": batch["inputs"]} for batch in dicts()]
    with pytest.raises(TypeError, match=r"must return its loss, as outputs.loss or outputs\['loss'\], got dict"):
        list(build(train=batches, valid=batches))


@pytest.mark.parametrize(("closure", "message"), [
    (lambda net, batch: None, "got NoneType"), (lambda net, batch: 0.5, "got float"),
    (lambda net, batch: batch["inputs"], r"got a tensor of shape \(\d+, \d+\)")])
def test_a_loss_that_is_no_tensor_of_one_number_is_explained(closure, message):
    with pytest.raises(TypeError, match=rf"Search\(closure=...\) must return the mean loss, .* {message}"):
        list(build(closure=closure))
    with pytest.raises(TypeError, match=r"Search\(criterion\) must return the mean loss, .*shape"):
        list(build(lambda outputs, labels: outputs["outputs"], pairs(), pairs()))


def pairs():
    return [({"inputs": batch["inputs"]}, batch["labels"]) for batch in dicts()]


def test_several_sources_come_together_and_are_resumed_each(tmp_path):
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(1))

    def made():
        sources = {"labeled": TensorLoader(x[:12], x[:12].sum(dim=1), 4), "plain": TensorLoader(x, x, 8, seed=1)}

        def closure(net, batch):
            (inputs, labels), (further, _) = batch["labeled"], batch["plain"]
            return net(inputs=inputs, labels=labels)["loss"] + 0.01 * net(inputs=further)["outputs"].square().mean()

        return build(None, sources, {name: TensorLoader(x, x.sum(dim=1), 8) for name in sources}, closure=closure)

    whole = list(made())
    broken = made()
    for record in broken:
        if record.step == 4:
            broken.save(tmp_path / "search.safetensors")
            break
    resumed = made()
    resumed.resume(tmp_path / "search.safetensors")
    assert [record.train_loss for record in resumed] == [record.train_loss for record in whole[4:]]
    with pytest.raises(ValueError, match="was of other sources"):
        build(None, {"other": dicts()}, dicts()).resume(tmp_path / "search.safetensors")


def test_validation_may_be_stochastic():
    plain, stochastic = (list(build(steps=2, stochastic=each))[-1].valid_losses for each in (False, True))
    assert not np.array_equal(plain, stochastic)


def test_gradients_of_float16_are_scaled_and_an_overflow_leaves_the_weights_alone():
    search = build(autocast=torch.float16, steps=40)
    scaler, before = search.shared_weights._scaler, search.supernet.module.layer.candidates[0].weight.clone()
    scaler._init_scale = 2.0**40  # which float16 cannot hold
    steps = iter(search)
    next(steps)
    assert torch.equal(search.supernet.module.layer.candidates[0].weight, before)
    assert search.n_skipped == 1
    assert scaler.get_scale() == 2.0**39
    scaler.update(128.0)
    records = list(steps)
    assert search.n_skipped == 1
    assert records[-1].train_loss < records[0].train_loss


def test_a_scaled_search_and_a_plain_one_do_not_take_each_others_state():
    with pytest.raises(ValueError, match="a scale of gradients"):
        build().load_state_dict(build(autocast=torch.float16).state_dict())


@pytest.mark.parametrize("fused", [False, True])
def test_a_step_waits_for_the_device_once_for_all_numbers_or_before_if_the_optimizer_cannot_tell(monkeypatch, fused):
    """On the CPU a transfer is a call of these; each of them would wait for a GPU."""
    search, counted = build(clip=1.0, steps=3, train=[*dicts()], valid=[*dicts()], fused=fused), []
    steps = iter(search)
    next(steps)
    for name in ("item", "tolist", "cpu", "numpy", "__float__", "__int__", "__bool__", "__index__", "__array__"):
        monkeypatch.setattr(Tensor, name, counting(name, getattr(Tensor, name), counted))
    with Copies() as copies:
        next(steps)
    monkeypatch.undo()
    assert counted == ["tolist"] * (1 if fused else 2)
    assert copies.found == []


def counting(name, real, counted):
    def method(self, *args, **kwargs):
        counted.append(name)
        return real(self, *args, **kwargs)
    return method


class Copies(TorchDispatchMode):
    """What reads a number out of a tensor below Python's methods."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.overloadpacket in (torch.ops.aten._local_scalar_dense, torch.ops.aten.is_nonzero):
            self.found.append(function)
        return function(*args, **(kwargs or {}))
