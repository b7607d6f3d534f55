"""A search interrupted and resumed: to the bit, or refused with nothing changed."""

import copy

import numpy as np
import pytest
import torch
from searches import assert_equal, build, criterion, state
from torch import nn

from asng_core import ASNG
from asng_torch import checkpoint
from asng_torch.spaces import mini_network

OPTIONS = {
    "plain": {}, "zeroed": {"set_to_none": False}, "averaged": {"ema": 0.9, "clip": 1.0, "accumulate": 2},
    "several limits": {"optimizer": lambda space: [ASNG(space, population_size=2, seed=i) for i in range(2)],
                       "cost": lambda architecture: sum("conv" in each for each in architecture.values()),
                       "limit": [1, 3]},
    "warm-up": {"warmup": 5, "autocast": torch.bfloat16}, "scaled": {"autocast": torch.float16, "stochastic": True},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_resumed_search_ends_bit_for_bit_where_an_uninterrupted_one_does(tmp_path, options):
    whole = build(**options)
    list(whole)
    for stop in (1, 4, 5, 9):
        broken = build(**options)
        for record in broken:
            if record.step == stop:
                broken.save(tmp_path / "search.safetensors")
            if record.step == stop + 1:
                break
        resumed = build(**options)
        with torch.no_grad():
            for parameter in resumed.supernet.parameters():
                parameter.fill_(7.0)
        resumed.resume(tmp_path / "search.safetensors")
        assert resumed.step == stop
        assert [record.step for record in resumed] == list(range(stop + 1, 13))
        assert_equal(state(resumed), state(whole))


def test_a_damaged_or_foreign_checkpoint_is_explained(tmp_path):
    path = tmp_path / "a.safetensors"
    build().save(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"not a readable asng_torch.Search checkpoint"):
        build().resume(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"not a readable asng_torch.Search checkpoint"):
        build().resume(path)
    checkpoint.write(path, {"format": "other"})
    with pytest.raises(ValueError, match=r"checkpoint of 'other', not of 'asng_torch.Search'"):
        build().resume(path)
    with pytest.raises(FileNotFoundError):
        build().resume(tmp_path / "missing")


def test_a_checkpoint_of_another_space_is_refused_and_changes_nothing(tmp_path):
    path = tmp_path / "a.safetensors"
    build().save(path)
    search = build(net=lambda: mini_network(widths=(4, 6), depth=1))
    before = state(search)
    with pytest.raises(ValueError, match="must be of this optimizer's space"):
        search.resume(path)
    assert_equal(state(search), before)


def test_a_state_of_another_network_is_refused_and_changes_nothing(tmp_path):
    """The same space, wider layers: refused after the optimizer's state would have fit."""
    path = tmp_path / "a.safetensors"
    search = build(net=lambda: nn.Sequential(mini_network(widths=(6, 8), depth=2), nn.Dropout(0.3)))
    full = build()
    list(full)
    full.save(path)
    before, theta = copy.deepcopy(search.state_dict()), search.optimizer.state_dict()["theta"]
    with pytest.raises(ValueError, match=r"must be what Search.state_dict\(\) returned for the same search.*size"):
        search.resume(path)
    assert np.array_equal(search.optimizer.state_dict()["theta"], theta)
    assert repr(search.state_dict()) == repr(before)
    with pytest.raises(ValueError, match="'version'"):
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
        return build(scheduler=lambda weights, steps: torch.optim.lr_scheduler.MultiStepLR(weights, [3, 6]))

    first, resumed = with_steps(), with_steps()
    for record in first:
        if record.step == 2:
            first.save(tmp_path / "a")
    resumed.resume(tmp_path / "a")
    list(resumed)
    assert_equal(state(resumed), state(first))
    assert resumed.scheduler.get_last_lr() == first.scheduler.get_last_lr() == [pytest.approx(0.05 * 0.01)]


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


def test_counters_are_resumed(tmp_path):
    search = build(steps=30)
    search.objective.criterion = lambda outputs, targets: criterion(outputs, targets) * float("nan")
    for record in search:
        if record.step == 12:
            search.save(tmp_path / "a")
            break
    resumed = build(steps=30)
    resumed.objective.criterion = search.objective.criterion
    resumed.resume(tmp_path / "a")
    assert resumed.n_skipped == 12
    with pytest.raises(RuntimeError, match="20 steps in a row, up to step 20"):
        list(resumed)


def test_another_pytorch_or_number_of_threads_warns_and_goes_on(tmp_path):
    search = build()
    next(iter(search))
    for key, value, message in (("torch", "1.0", "saved with PyTorch 1.0 and goes on with 2"),
                                ("threads", 7, "saved with threads = 7 and goes on with 1:")):
        resumed = build()
        with pytest.warns(UserWarning, match=message):
            resumed.load_state_dict(search.state_dict() | {key: value})
        assert resumed.step == 1
        assert_equal(state(resumed), state(search))


def test_loaders_that_cannot_be_resumed_are_named_once(tmp_path):
    search = build()
    search.valid_loader = list(search.valid_loader)
    with pytest.warns(UserWarning, match=r"Search\(valid_loader\) has no state_dict\(\)"):
        search.save(tmp_path / "a")
    search.save(tmp_path / "a")
    build().resume(tmp_path / "a")


def test_the_state_of_another_loader_is_refused_and_changes_nothing():
    searches = [build(), build(seed=1)]
    for search in searches:
        next(iter(search))
    before = repr(searches[1].state_dict())
    with pytest.raises(ValueError, match="TensorLoader over the same examples"):
        searches[1].load_state_dict(searches[0].state_dict())
    assert repr(searches[1].state_dict()) == before
    searches[1].train_loader = list(searches[1].train_loader)
    with pytest.raises(ValueError, match=r"its train_loader could be resumed, .* no load_state_dict"):
        searches[1].load_state_dict(searches[0].state_dict())


@pytest.mark.parametrize(("saved", "here", "message"), [
    ({"ema": 0.9}, {}, "one has an average, the other has none"), ({}, {"ema": 0.9}, "the other has none"),
    (OPTIONS["several limits"], {}, "longer|shorter"),
    ({"scheduler": lambda weights, steps: None}, {}, "one has a scheduler, the other has none"),
])
def test_the_state_of_another_kind_of_search_is_refused(saved, here, message):
    with pytest.raises(ValueError, match=message):
        build(**here).load_state_dict(build(**saved).state_dict())


def test_a_state_of_several_processes_is_refused():
    state = build().state_dict()
    with pytest.raises(ValueError, match="it is of 2 processes, here are 1"):
        build().load_state_dict(state | {"processes": state["processes"] * 2})
