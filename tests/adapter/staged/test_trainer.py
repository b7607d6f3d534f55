"""One training, in parts or at once."""

import math
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import forked
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from trainings import ARCHITECTURE, SUPERNET, X, Y, loader, network

from asng_core import ASNG
from asng_torch import Staged, Trainer, derive
from asng_torch.data import ResumableLoader, TensorLoader
from asng_torch.staged.trainer import state_of, weights_of
from asng_torch.train.settings import TrainSettings


def trainer(rate=0.2):
    return Trainer(partial(derive, SUPERNET, weights=network), loader,
                   TensorLoader(X[40:], Y[40:], 7, shuffle=False), TrainSettings(4, 10, rate))


def test_a_training_in_parts_is_the_training_at_once(tmp_path):
    paths = [state_of(tmp_path, name) for name in ("parts", "once")]
    random = torch.get_rng_state()
    for epochs in (1, 1, 3, 4):  # the same twice: as after a crash that the state survived
        in_parts = trainer()(ARCHITECTURE, epochs, 5, paths[0])
    at_once = trainer()(ARCHITECTURE, 4, 5, paths[1])
    assert in_parts == at_once
    parts, once = (load_file(weights_of(path)) for path in paths)
    assert all(torch.equal(parts[name], once[name]) for name in once)
    assert torch.equal(torch.get_rng_state(), random)
    assert trainer()(ARCHITECTURE, 4, 6, tmp_path / "other.state.safetensors") != at_once


def test_the_weights_are_those_of_the_derived_network(tmp_path):
    path = state_of(tmp_path, "a")
    loss = trainer()(ARCHITECTURE, 2, 5, path)
    derived = derive(SUPERNET, ARCHITECTURE, weights=network)
    derived.load_state_dict(load_file(weights_of(path)))
    derived.eval()
    with torch.no_grad():
        assert float(nn.functional.cross_entropy(derived(X[40:]), Y[40:])) == pytest.approx(loss, rel=1e-5)


def test_a_training_that_diverges_has_failed(tmp_path):
    assert math.isnan(trainer(1e30)(ARCHITECTURE, 4, 5, state_of(tmp_path, "a")))


def test_it_must_have_something_to_validate_on(tmp_path):
    empty = Trainer(partial(derive, SUPERNET, weights=network), loader, [], TrainSettings(1, 10, 0.1))
    with pytest.raises(ValueError, match="valid_loader"):
        empty(ARCHITECTURE, 1, 0, state_of(tmp_path, "a"))


@pytest.mark.parametrize("shuffled", [
    TensorLoader(X, Y, 7), ResumableLoader(TensorDataset(X, Y), 7), DataLoader(TensorDataset(X, Y), 7, shuffle=True)],
    ids=lambda loader: type(loader).__name__)
def test_networks_are_judged_alike(shuffled):
    with pytest.raises(ValueError, match="shuffle=False"):
        Trainer(partial(derive, SUPERNET, weights=network), loader, shuffled, TrainSettings(1, 10, 0.1))
    for same in (ResumableLoader(TensorDataset(X, Y), 7, shuffle=False), DataLoader(TensorDataset(X, Y), 7)):
        Trainer(partial(derive, SUPERNET, weights=network), loader, same, TrainSettings(1, 10, 0.1))


def losses(architectures):
    return SUPERNET.losses(architectures, lambda net: nn.functional.cross_entropy(net(X), Y))


@pytest.mark.attack
def test_processes_train_what_this_one_would(tmp_path):
    with ProcessPoolExecutor(2, mp_context=forked.context("trainings")) as executor:
        staged = {n: Staged(SUPERNET, ASNG(SUPERNET.space, seed=0), losses, trainer(), trainings=4, epochs=[4],
                            folder=tmp_path / str(n), judged=4, executor=executor if n > 1 else None, n_workers=n)
                  for n in (1, 2)}
        here, there = ({str(each.architecture): each.loss for each in sorted(one, key=lambda each: each.weights)}
                       for one in staged.values())
    assert len(there) == 4
    assert here.keys() == there.keys()  # of four architectures
    assert {path.name for path in (tmp_path / "2").glob("network-*.safetensors")} >= {
        each.weights.name for each in staged[2].trained}
    assert staged[2].best.loss == min(there.values())


def test_it_ends_when_every_architecture_is_trained(tmp_path):
    staged = Staged(SUPERNET, ASNG(SUPERNET.space, seed=0), losses, trainer(), trainings=9, epochs=[1, 4],
                    folder=tmp_path, judged=4)
    trained = list(staged)
    assert len({str(each.architecture) for each in trained if each.epochs == 4}) == 4
    assert staged.spent == 4


def test_a_staged_search_of_real_networks_goes_on_bit_for_bit(tmp_path):
    def staged(folder, resume=False):
        return Staged(SUPERNET, ASNG(SUPERNET.space, seed=0), losses, trainer(), trainings=3, epochs=[1, 4],
                      folder=folder, judged=4, resume=resume)

    whole = staged(tmp_path / "whole")
    list(whole)
    for _ in staged(tmp_path / "a"):
        break
    resumed = staged(tmp_path / "a", resume=True)
    list(resumed)
    assert [(each.architecture, each.epochs, each.loss) for each in resumed.trained] == [
        (each.architecture, each.epochs, each.loss) for each in whole.trained]
    one, other = (load_file(each.best.weights) for each in (whole, resumed))
    assert all(torch.equal(one[name], other[name]) for name in one)
