"""The loop: packaged and spelled out, interrupted and resumed."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from asng_core import ASNG
from asng_torch import LayerChoice, Search, Supernet, checkpoint
from asng_torch.data import TensorLoader
from asng_torch.spaces import mini_network
from asng_torch.train import cosine

criterion = nn.functional.cross_entropy


def build(seed=0, steps=12):
    torch.manual_seed(seed)
    supernet = Supernet(nn.Sequential(mini_network(widths=(4, 6), depth=2), nn.Dropout(0.3)))
    x, y = torch.randn(70, 1, 28, 28), torch.randint(10, (70,))
    weights = torch.optim.SGD(supernet.parameters(), 0.05, momentum=0.9, weight_decay=1e-3)
    loaders = [TensorLoader(x[part], y[part], 8, seed=seed) for part in (slice(0, 36), slice(36, 70))]
    return Search(supernet, ASNG(supernet.space, population_size=2, seed=seed), weights, criterion, *loaders,
                  steps=steps, scheduler=cosine(weights, steps))


def state(search):
    return {name: value.clone() for name, value in search.supernet.state_dict().items()} | {
        "theta": torch.from_numpy(search.optimizer.state_dict()["theta"])}


def assert_equal(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_the_packaged_loop_is_the_spelled_out_one():
    search, own = build(steps=4), build(steps=4)
    torch.manual_seed(1)
    records = list(search)

    torch.manual_seed(1)
    supernet, optimizer, weights = own.supernet, own.optimizer, own.weights
    losses = []
    for (x, y), (xv, yv) in zip(own.train_loader, own.valid_loader, strict=True):
        for arch in optimizer.sample(2):
            with supernet.active(arch):
                (criterion(supernet(x), y) / 2).backward()
        weights.step()
        weights.zero_grad()
        own.scheduler.step()
        batch = optimizer.ask(2)
        losses.append(supernet.losses(batch, lambda net, xv=xv, yv=yv: criterion(net(xv), yv)))
        optimizer.tell(batch, losses[-1])
    assert_equal(state(search), state(own))
    assert [record.step for record in records] == [1, 2, 3, 4]
    assert all(np.array_equal(record.valid_losses, expected) for record, expected in zip(records, losses, strict=True))


def test_records_tell_what_a_step_saw():
    record = next(iter(build()))
    assert record.step == 1
    assert record.valid_losses.shape == (2,)
    assert np.isfinite(record.train_loss)


def test_a_resumed_search_ends_bit_for_bit_where_an_uninterrupted_one_does(tmp_path):
    whole = build()
    list(whole)
    for stop in (1, 4, 5, 9):
        broken = build()
        for record in broken:
            if record.step == stop:
                broken.save(tmp_path / "search.safetensors")
            if record.step == stop + 1:
                break
        resumed = build()
        with torch.no_grad():
            for parameter in resumed.supernet.parameters():
                parameter.fill_(7.0)
        resumed.load(tmp_path / "search.safetensors")
        assert resumed.step == stop
        assert [record.step for record in resumed] == list(range(stop + 1, 13))
        assert_equal(state(resumed), state(whole))


def test_a_loop_left_by_break_goes_on_where_it_was():
    whole, broken = build(), build()
    torch.manual_seed(1)
    list(whole)
    torch.manual_seed(1)
    while broken.step < 12:
        next(iter(broken))
    assert_equal(state(broken), state(whole))


def test_the_search_finds_the_layer_that_can_solve_the_task():
    """Targets need the sign of a product of two inputs: only the wide path can learn it."""
    torch.manual_seed(0)
    x = torch.randn(2000, 2)
    y = (x.prod(dim=1) > 0).long()
    net = nn.Sequential(LayerChoice({"narrow": nn.Linear(2, 32), "pass": nn.Sequential(nn.Linear(2, 32), nn.Tanh())},
                                    label="layer"), nn.Linear(32, 2))
    supernet = Supernet(net)
    weights = torch.optim.SGD(supernet.parameters(), 0.2, momentum=0.9)
    search = Search(supernet, ASNG(supernet.space, population_size=2, seed=0), weights, criterion,
                    TensorLoader(x[:1000], y[:1000], 50), TensorLoader(x[1000:], y[1000:], 50), steps=600)
    for _ in search:
        pass
    assert search.optimizer.mode() == {"layer": "pass"}
    assert search.optimizer.converged


@pytest.mark.parametrize(("change", "message"), [
    ({"warmup": 4}, r"Search\(warmup=...\) must be within 0..steps = 3, got 4"),
    ({"steps": 0}, r"Search\(steps=...\) must be at least 1, got 0"),
    ({"optimizer": ASNG(Supernet(mini_network(depth=1)).space)}, "must be over the supernet's space"),
])
def test_bad_arguments_are_explained(change, message):
    good = build()
    arguments = {"supernet": good.supernet, "optimizer": good.optimizer, "weights": good.weights, "steps": 3,
                 "criterion": criterion, "train_loader": good.train_loader, "valid_loader": good.valid_loader}
    with pytest.raises(ValueError, match=message):
        Search(**(arguments | change))


def test_an_empty_loader_is_explained():
    search = build()
    search.valid_loader = []
    with pytest.raises(ValueError, match=r"Search\(valid_loader\) must yield at least one batch"):
        next(iter(search))


def test_a_damaged_or_foreign_checkpoint_is_explained(tmp_path):
    path = tmp_path / "a.safetensors"
    build().save(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"not a readable asng_torch.Search checkpoint"):
        build().load(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"not a readable asng_torch.Search checkpoint"):
        build().load(path)
    checkpoint.write(path, {"format": "other"})
    with pytest.raises(ValueError, match=r"checkpoint of 'other', not of 'asng_torch.Search'"):
        build().load(path)
    with pytest.raises(FileNotFoundError):
        build().load(tmp_path / "missing")


def test_a_checkpoint_of_another_space_is_refused_and_changes_nothing(tmp_path):
    path, search = tmp_path / "a.safetensors", build()
    build().save(path)
    search.supernet = Supernet(mini_network(widths=(4, 6), depth=1))
    search.optimizer = ASNG(search.supernet.space, seed=3)
    before = state(search)
    with pytest.raises(ValueError, match="must be of this optimizer's space"):
        search.load(path)
    assert_equal(state(search), before)


def test_a_state_of_another_network_is_refused_and_changes_nothing(tmp_path):
    """The same space, wider layers: refused after the optimizer's state would have fit."""
    path, search = tmp_path / "a.safetensors", build()
    search.supernet = Supernet(nn.Sequential(mini_network(widths=(6, 8), depth=2), nn.Dropout(0.3)))
    search.weights = torch.optim.SGD(search.supernet.parameters(), 0.1)
    search.scheduler = cosine(search.weights, 12)
    full = build()
    list(full)
    full.save(path)
    before, theta = copy.deepcopy(search.state_dict()), search.optimizer.state_dict()["theta"]
    with pytest.raises(ValueError, match=r"must be what Search.state_dict\(\) returned for the same search.*size"):
        search.load(path)
    assert np.array_equal(search.optimizer.state_dict()["theta"], theta)
    assert repr(search.state_dict()) == repr(before)
    with pytest.raises(ValueError, match="'optimizer'"):
        search.load_state_dict({"format": "asng_torch.Search", "scheduler": {}})


def test_a_state_dict_does_not_change_with_its_search():
    search = build()
    next(iter(search))
    kept = search.state_dict()
    reference = state(search)
    list(search)
    search.load_state_dict(kept)
    assert_equal(state(search), reference)


def test_a_multistep_scheduler_resumes(tmp_path):
    def with_steps():
        search = build()
        search.scheduler = torch.optim.lr_scheduler.MultiStepLR(search.weights, [3, 6])
        return search

    first, resumed = with_steps(), with_steps()
    for record in first:
        if record.step == 2:
            first.save(tmp_path / "a")
    resumed.load(tmp_path / "a")
    list(resumed)
    assert_equal(state(resumed), state(first))
    assert resumed.scheduler.get_last_lr() == first.scheduler.get_last_lr() == [pytest.approx(0.05 * 0.01)]


def test_warmup_trains_the_weights_alone():
    search = build()
    search.warmup = 5
    theta = search.optimizer.state_dict()["theta"]
    for record in search:
        assert len(record.valid_losses) == (0 if record.step <= 5 else 2)
        if record.step == 5:
            assert search.optimizer.n_asked == 0
            assert np.array_equal(search.optimizer.state_dict()["theta"], theta)
    assert search.optimizer.n_told == 14


def test_tensors_of_every_kind_come_back(tmp_path):
    shared = torch.randn(4, 4)
    tree = {"format": "t", "tied": [shared, shared], "view": shared.t(), "zero": torch.tensor(3), "none": None,
            "half": torch.ones(2, dtype=torch.bfloat16), "array": np.arange(3), "text": "x", "inf": float("inf"),
            "empty": torch.empty(0), "deep": {"a": [{"b": torch.ones(1)}]}}
    checkpoint.write(tmp_path / "t", tree)
    back = checkpoint.read(tmp_path / "t", "t")
    assert torch.equal(back["tied"][1], shared)
    assert torch.equal(back["view"], shared.t())
    assert back["half"].dtype == torch.bfloat16
    assert back["zero"].shape == ()
    assert back["array"].tolist() == [0, 1, 2]
    assert back["inf"] == float("inf")
    assert torch.equal(back["deep"]["a"][0]["b"], torch.ones(1))
