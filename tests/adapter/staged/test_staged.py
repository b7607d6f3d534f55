"""The staged search on made-up trainings: what it spends, finds, keeps and repeats."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from asng_core import ASNG, CheckpointError
from asng_torch import LayerChoice, Staged, Supernet, checkpoint
from asng_torch.staged.goal import COST, SHARED
from asng_torch.staged.trainer import state_of, weights_of

OPERATIONS = {"wide": 8, "narrow": 2, "none": 0}
LAYERS = 4


class Layer(nn.Module):
    """Of so many parameters, whatever it computes."""

    def __init__(self, size):
        super().__init__()
        self.inside = nn.Linear(4, size) if size else None

    def forward(self, x):
        return x if self.inside is None else x + self.inside(x).mean(dim=1, keepdim=True)


@pytest.fixture(scope="module")
def supernet():
    torch.manual_seed(0)
    layers = [LayerChoice({name: Layer(size) for name, size in OPERATIONS.items()}, label=f"layer {i}")
              for i in range(LAYERS)]
    return Supernet(nn.Sequential(*layers), example=torch.zeros(1, 4))


def truth(architecture):
    """The loss of a full training: wide layers are best, the first ones count most."""
    return sum({"wide": 0.0, "narrow": 0.5, "none": 1.0}[operation] / (i + 1)
               for i, operation in enumerate(architecture.values()))


def shared(sign=1.0):
    """Losses under shared weights that say a part of the truth, or of its opposite."""
    return lambda architectures: np.array([sign * truth(each) + 0.1 * len(set(each.values()))
                                           for each in architectures])


class Trainings:
    """A made-up training: after some epochs a loss is a mixture of the truth and of 3; counts what it is asked."""

    def __init__(self):
        self.calls = []

    def __call__(self, architecture, epochs, seed, path):
        reached = int(path.read_text()) if path.exists() else 0
        self.calls.append((dict(architecture), reached, epochs, seed))
        path.write_text(str(epochs))
        weights_of(path).write_text(f"weights after {epochs}")
        return truth(architecture) * epochs / 9 + 3 * (1 - epochs / 9)

    @property
    def epochs(self):
        return sum(epochs - reached for _, reached, epochs, _ in self.calls)


def made(supernet, folder, train, **changed):
    arguments = {"losses": shared(), "trainings": 4, "epochs": [1, 3, 9], "folder": folder, "seed": 0, **changed}
    losses = arguments.pop("losses")
    n = len(changed.get("limit", [0]))
    optimizers = [ASNG(supernet.space, seed=i) for i in range(n)]
    return Staged(supernet, optimizers, losses, train, **arguments)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_budget_is_spent_and_not_passed(supernet, tmp_path, n):
    train = Trainings()
    staged = made(supernet, tmp_path / "a", train, trainings=n)
    every = list(staged)
    assert n - 1 < staged.spent <= n
    assert train.epochs == pytest.approx(9 * staged.spent)
    assert len(every) == len(train.calls)
    assert list(staged) == []


def test_the_best_is_trained_in_full_and_kept(supernet, tmp_path):
    staged = made(supernet, tmp_path, Trainings(), trainings=6)
    for each in staged:
        assert each.weights.read_text() == f"weights after {each.epochs}"
    full = [each for each in staged.trained if each.epochs == 9]
    assert staged.best == min(full, key=lambda each: each.loss)
    assert all(each.weights.exists() for each in staged.trained)
    assert len({each.weights for each in staged.trained}) == len(staged.trained)
    assert truth(staged.best.architecture) == 0


def test_what_it_would_derive_is_trained_in_the_end(supernet, tmp_path):
    staged = made(supernet, tmp_path, Trainings(), trainings=3)
    list(staged)
    assert staged.recommend() in [each.architecture for each in staged.trained if each.epochs == 9]
    assert staged.estimate().mean == pytest.approx(staged.best.loss, abs=0.05)


def test_before_any_training_it_derives_what_shared_weights_say(supernet, tmp_path):
    staged = made(supernet, tmp_path, Trainings())
    assert staged.best is None
    assert staged.estimate() is None
    assert staged.recommend() == {f"layer {i}": "wide" for i in range(LAYERS)}
    assert set(staged.trust()) == {COST, SHARED, 1, 3, 9}


def test_evidence_that_says_the_opposite_is_found_out(supernet, tmp_path):
    staged = made(supernet, tmp_path, Trainings(), losses=shared(-1.0), trainings=12, epochs=[9])
    list(staged)
    assert staged.trust()[SHARED] < 0
    assert truth(staged.best.architecture) <= 0.125


def test_an_interrupted_one_goes_on_bit_for_bit(supernet, tmp_path):
    def start(folder, **changed):
        return made(supernet, tmp_path / folder, Trainings(), trainings=2.5, judged=30, **changed)

    whole = [(each.architecture, each.epochs, each.loss) for each in start("whole")]
    for stop in (1, len(whole) - 1):
        found = []
        for each in start(str(stop)):
            found.append((each.architecture, each.epochs, each.loss))
            if len(found) == stop:
                break
        resumed = start(str(stop), resume=True, losses=None)  # nothing is judged again
        found += [(each.architecture, each.epochs, each.loss) for each in resumed]
        assert found == whole


def test_an_error_costs_no_more_than_its_training(supernet, tmp_path):
    whole = [each.architecture for each in made(supernet, tmp_path / "whole", Trainings())]
    train = Trainings()

    def failing(*arguments):
        if len(train.calls) == 2:
            raise OSError("the disk is full")
        return train(*arguments)

    with pytest.raises(OSError, match="disk"):
        list(made(supernet, tmp_path / "a", failing))
    resumed = made(supernet, tmp_path / "a", train, resume=True)
    list(resumed)
    assert [architecture for architecture, *_ in train.calls] == whole


def test_what_was_trained_outlives_a_disk_that_is_full_when_the_state_is_saved(supernet, tmp_path, monkeypatch):
    train, write = Trainings(), checkpoint.write

    def full(path, state):
        if len(train.calls) == 1:
            raise OSError("the disk is full")
        write(path, state)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write", full)
        with pytest.raises(OSError, match="disk"):
            list(made(supernet, tmp_path, train, epochs=[9]))
    staged = made(supernet, tmp_path, train, epochs=[9], resume=True)
    list(staged)
    assert train.calls[1][:3] == (train.calls[0][0], 9, 9)  # it was there, and is judged alone
    assert train.epochs == 9 * staged.spent


def test_a_run_whose_state_is_gone_begins_anew_at_full_price(supernet, tmp_path):
    train = Trainings()
    staged = made(supernet, tmp_path, train, trainings=5)
    for _ in staged:
        for path in tmp_path.glob("*.state.safetensors"):
            path.unlink()
    assert all(reached == 0 for _, reached, _, _ in train.calls)
    assert train.epochs == pytest.approx(9 * staged.spent)
    assert staged.spent <= 5


def test_states_that_no_run_goes_on_from_are_removed(supernet, tmp_path):
    staged = made(supernet, tmp_path, Trainings(), trainings=5)
    list(staged)
    left = set(tmp_path.glob("*.state.safetensors"))
    assert left == {state_of(tmp_path, f"network-0-{run}") for run in staged.goals[0].minimizer.continuable} & left
    finished = [each.weights.with_suffix(".state.safetensors") for each in staged.trained if each.epochs == 9]
    assert not any(path.exists() for path in finished)


def test_a_failed_training_is_never_the_best(supernet, tmp_path):
    def train(architecture, epochs, seed, path):
        return math.nan if architecture["layer 0"] == "wide" else truth(architecture)

    staged = made(supernet, tmp_path, train, trainings=8, epochs=[9])
    list(staged)
    assert staged.best.architecture["layer 0"] != "wide"


def test_several_trainings_run_at_a_time(supernet, tmp_path):
    train = Trainings()
    with ThreadPoolExecutor(3) as executor:
        staged = made(supernet, tmp_path, train, trainings=6, executor=executor, n_workers=3)
        list(staged)
    assert 5 < staged.spent <= 6
    assert staged.best.epochs == 9
    assert train.epochs == pytest.approx(9 * staged.spent)


def test_several_limits_give_a_front_of_trained_networks(supernet, tmp_path):
    limits = [40, 80, 200]
    staged = made(supernet, tmp_path, Trainings(), trainings=4, epochs=[9], cost="parameters", limit=limits)
    list(staged)
    front = staged.front()
    assert staged.best == front[0]
    for limit, trained in zip(limits, front, strict=True):
        assert supernet.cost(trained.architecture).parameters <= limit
        assert trained.epochs == 9
    losses = [trained.loss for trained in front]
    assert losses == sorted(losses, reverse=True)  # what is within one limit is within the next


@pytest.mark.parametrize(("changed", "match"), [
    ({"epochs": []}, "must rise"), ({"epochs": [3, 3]}, "must rise"), ({"epochs": [0, 3]}, "at least 1"),
    ({"trainings": 0}, "trainings"), ({"judged": 0}, "judged"), ({"n_workers": 0}, "n_workers"),
    ({"n_workers": 2}, r"n_workers=2\) must come with an executor"),
    ({"losses": lambda each: np.zeros(3)}, "one for each of"),
    ({"cost": "parameters", "limit": [100, 200], "trainings": 1}, "one for each limit, 2"),
])
def test_bad_input_names_its_argument(supernet, tmp_path, changed, match):
    with pytest.raises(ValueError, match=match):
        made(supernet, tmp_path / "a", Trainings(), **changed)


@pytest.mark.parametrize(("changed", "match"), [
    ({"epochs": 9}, r"epochs=\.\.\.\) must be a list"),
    ({"executor": ThreadPoolExecutor}, r"executor=\.\.\.\) must be an executor"),
    ({"losses": 3}, r"losses\) must be a function"),
])
def test_input_of_another_kind_names_its_argument(supernet, tmp_path, changed, match):
    with pytest.raises(TypeError, match=match):
        made(supernet, tmp_path / "a", Trainings(), **changed)
    with pytest.raises(TypeError, match=r"train\) must be a function"):
        made(supernet, tmp_path / "a", None)


@pytest.mark.parametrize("told", ["good", None, np.array([1.0, 2.0]), 1j])
def test_a_training_that_tells_no_loss_is_named(supernet, tmp_path, told):
    with pytest.raises(TypeError, match=r"train\) must return a loss, a number, got .* of \{'layer 0'"):
        list(made(supernet, tmp_path, lambda *arguments: told))


def test_a_folder_that_holds_another_is_refused(supernet, tmp_path):
    for _ in made(supernet, tmp_path, Trainings()):
        break
    with pytest.raises(ValueError, match="resume=True"):
        made(supernet, tmp_path, Trainings())
    with pytest.raises(ValueError, match=r"folder\) must be a folder"):
        made(supernet, tmp_path / "staged.safetensors", Trainings())


@pytest.mark.parametrize(("changed", "match"), [
    ({"epochs": [3, 9]}, r"epochs is \[3, 9\] here, \[1, 3, 9\] in the state"),
    ({"seed": 5}, "seed is 5 here, 0 in the state"),
    ({"cost": "parameters", "limit": [100, 200]}, r"limits is \[100\.0, 200\.0\] here, \[100\.0\] in the state"),
    ({"cost": "parameters", "limit": [120]}, r"limits is \[120\.0\] here, \[100\.0\] in the state"),
    ({}, r"limits is \[inf\] here, \[100\.0\] in the state"),
    ({"cost": "multiply_adds", "limit": [100]}, "constraints have changed"),
])
def test_another_one_does_not_go_on_with_a_state(supernet, tmp_path, changed, match):
    limited = {"cost": "parameters", "limit": [100]}
    for _ in made(supernet, tmp_path, Trainings(), **limited):
        break
    before = (tmp_path / "staged.safetensors").read_bytes()
    with pytest.raises(ValueError, match=f"same staged search: .*{match}"):
        made(supernet, tmp_path, Trainings(), resume=True, **({**limited, **changed} if changed else {}))
    assert (tmp_path / "staged.safetensors").read_bytes() == before
    made(supernet, tmp_path, Trainings(), resume=True, trainings=9, **limited)  # more trainings are no other search


def test_two_at_a_time_do_not_share_a_folder(supernet, tmp_path):
    under_way = iter(made(supernet, tmp_path, Trainings()))
    next(under_way)
    second = made(supernet, tmp_path, Trainings(), resume=True)
    with pytest.raises(RuntimeError, match="in use by process"):
        next(iter(second))
    under_way.close()
    assert list(made(supernet, tmp_path, Trainings(), resume=True))


def test_a_damaged_state_is_refused(supernet, tmp_path):
    staged = made(supernet, tmp_path, Trainings())
    for _ in staged:
        break
    staged.path.write_bytes(staged.path.read_bytes()[:-5])
    with pytest.raises(CheckpointError):
        made(supernet, tmp_path, Trainings(), resume=True)
