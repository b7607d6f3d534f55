"""Ways of sharing weights, and what is reported of them, on a ground of nine tiny networks."""

import numpy as np
import pytest
import torch
from torch import nn

from asng_torch import ValueChoice, WidthChoice, elastic
from asng_torch.train.settings import TrainSettings
from benchmarks import store
from benchmarks.one_shot import sharing, supernets
from benchmarks.one_shot.grounds import GROUNDS
from benchmarks.one_shot.grounds.ground import Data, Ground, Part


class Signed(nn.Module):
    """By its sign the gradients of all before it turn round."""

    def __init__(self):
        super().__init__()
        self.sign = ValueChoice([-1, 0.5, 1], label="sign")

    def forward(self, x):
        return self.sign() * x


def network(_apart):
    width = WidthChoice([2, 3, 4], label="width")
    return nn.Sequential(elastic.Linear(3, width), elastic.BatchNorm1d(4), nn.ReLU(), elastic.Linear(4, 2), Signed())


def data(_folder=None):
    x = torch.randn(48, 3, generator=torch.Generator().manual_seed(0))
    parts = Part(x, (x[:, 0] > 0).long())
    return Data(*(Part(*(each[rows] for each in parts)) for rows in (slice(16), slice(16, 32), slice(32, 48))))


@pytest.fixture(scope="module")
def ground():
    made = Ground("images", network, data, TrainSettings(2, 8, 0.1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(GROUNDS, "images", made)
        yield made


@pytest.mark.parametrize("option", sharing.OPTIONS)
def test_every_way_spends_the_same_passes_and_judges_all(ground, option):
    def run():
        shared = sharing.Shared(ground, seed=1, passes=24)
        return sharing.OPTIONS[option](shared)(), shared.spent

    losses, spent = run()
    assert losses.shape == (9,)
    assert np.isfinite(losses).all()
    assert len(set(losses.tolist())) == 9
    assert spent == 24
    assert np.array_equal(losses, run()[0])


def test_no_more_passes_are_spent_than_there_are(ground):
    shared = sharing.Shared(ground, seed=0, passes=5)
    before = [each.clone() for each in shared.supernet.parameters()]
    assert shared.step(shared.drawn(4))
    assert not shared.step(shared.drawn(2))
    assert shared.spent == 4
    assert shared.left == pytest.approx(0.2)
    assert any(not torch.equal(a, b) for a, b in zip(before, shared.supernet.parameters(), strict=True))


def test_distilled_networks_learn_the_outputs_of_the_first(ground):
    shared = sharing.Shared(ground, seed=0, passes=4)
    first = shared.every[-1]
    for each in shared.supernet.parameters():
        each.register_hook(lambda gradient: seen.append(gradient.norm()))
    seen = []
    shared.backward([first, first], distilled=True)
    taught = len(seen) // 2
    assert max(seen[taught:]) < 1e-6 < max(seen[:taught])  # it has nothing to learn from itself


def test_balanced_draws_have_each_value_as_often(ground):
    drawn = sharing.Shared(ground, seed=0, passes=1).balanced(6)
    for name, values in ground.values.items():
        assert sorted(each[name] for each in drawn) == sorted([*values, *values])


def test_the_variable_is_found_whose_values_pull_apart(ground):
    assert {sharing.most_disputed(sharing.Shared(ground, seed, 12), 12) for seed in range(4)} == {"sign"}


def test_weights_of_a_split_supernet_are_their_own(ground):
    shared = sharing.Shared(ground, seed=0, passes=60)
    losses = sharing.split(shared)()
    together = [loss for loss, each in zip(shared.losses(), shared.every, strict=True) if each["sign"] == 1]
    apart = [loss for loss, each in zip(losses, shared.every, strict=True) if each["sign"] == 1]
    assert np.mean(apart) < np.mean(together)  # those that pull the other way no longer do


def test_the_larger_a_network_the_later_its_rate_falls(ground, monkeypatch):
    shared = sharing.Shared(ground, seed=0, passes=200)
    seen, step = [], shared.step

    def noted(architectures, optimizer, decay):
        seen.append((architectures[0]["width"], shared.left, decay))
        return step(architectures, optimizer, decay)

    monkeypatch.setattr(shared, "step", noted)
    sharing.aware(shared, rate=True)
    for width, power in ((2, 4), (4, 0.25)):
        assert all(decay == pytest.approx(left**power) for each, left, decay in seen if each == width)


@pytest.fixture(scope="module")
def results(ground, tmp_path_factory):
    """A made-up truth, in which the sign counts more than the width, and two seeds of every way."""
    folder = tmp_path_factory.mktemp("results")

    def trained(ground, architecture, seed):
        width, sign = map(float, architecture.split())
        return {"losses": [1.0], "accuracies": [0.5 + 0.1 * sign + 0.01 * width + 0.001 * seed], "seconds": [2.0]}

    def put(name, run, tasks):
        store.measure(folder / name, run, tasks, parts=lambda _: (), jobs=0)

    assert list(ground.values) == ["width", "sign"]
    put("one_shot_images", trained, [{"ground": "images", "architecture": words, "seed": seed}
                                     for seed in range(2) for words in ground.architectures])
    put(supernets.NAME, supernets.run, [{**task, "seed": seed} for task in supernets.tasks(quick=True)
                                        for seed in range(2)])
    return folder


def test_what_is_stored_is_read_by_seed(results, ground):
    (losses, seconds), _ = supernets.load("images", "uniform", results / supernets.NAME)
    assert losses == pytest.approx(sharing.uniform(sharing.Shared(ground, 0, 20))(), abs=1e-4)
    assert 0 < seconds < 5
    assert supernets.load("text", "uniform", results / supernets.NAME) == []


def test_ways_are_reported(results):
    (page,) = supernets.pages(results)
    (text,) = page.tables.values()
    rows = {line.split(" | ")[0][2:]: line.split(" | ") for line in text.splitlines()[2:]}
    assert rows.keys() >= {*sharing.OPTIONS, "multiply-adds", "uniform, multiply-adds", supernets.CEILING}
    assert rows[supernets.CEILING][3:5] == ["1.00 (1.00 to 1.00)"] * 2
    more, fewer = (float(rows[name][3].split()[0]) for name in ("multiply-adds", "fewer multiply-adds"))
    assert more == -fewer > 0
    assert rows["multiply-adds"][4].startswith("1.00")  # the best two differ in their widths alone
    assert rows["uniform"][5] == rows["multiply-adds"][5] == ""
    assert "(" in rows["sandwich"][5]
    assert "without a training" in page.claims[0].text
    page.draw(results / "a.png")
    assert (results / "a.png").exists()
