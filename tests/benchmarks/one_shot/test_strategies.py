"""One-shot strategies: small runs, and easy losses."""

from types import SimpleNamespace

import pytest
import torch
from easy_truth import TARGET, judge, mistakes
from torch import nn

from asng_torch import LayerChoice, Supernet
from asng_torch.data import TensorLoader
from benchmarks.one_shot import designs, side_by_side, space, strategies
from benchmarks.one_shot.strategies import gradient, search, setup, uniform
from benchmarks.one_shot.strategies.setup import Recipe, Setup

SMALL = Recipe(**side_by_side.QUICK)
EVERY = space.architectures()


@pytest.mark.parametrize("name", strategies.RUNS)
def test_every_strategy_spends_the_same_number_of_passes(name):
    setup = Setup(SMALL, seed=0)
    assert strategies.RUNS[name](setup) in EVERY
    budget = SMALL.training_passes + SMALL.validation_passes
    spent = setup.passes.training + setup.passes.validation
    assert spent == budget or (name.startswith("HPO") and spent == budget // 47 * 47)


@pytest.mark.parametrize("change", [{"batch": 16}, {"batch": 256}, {"population": 8}])
def test_other_batches_and_populations_see_as_many_images(change):
    recipes = Recipe(), Recipe(**change)
    images = [recipe.batch * recipe.training_passes for recipe in recipes]
    assert images[0] == images[1]
    assert len({recipe.batch * recipe.judging_passes for recipe in recipes}) == 1


@pytest.mark.parametrize("policy", ["tracked", "recalibrated"])
def test_networks_are_judged_by_running_statistics(policy):
    setup = Setup(Recipe(steps=4, judged=64, batch_norm=policy), seed=0)
    uniform.uniform(setup)
    losses = setup.judge(EVERY[:2] * 2)
    assert losses[:2] == pytest.approx(losses[2:])
    assert losses[0] != losses[1]


def test_the_best_of_those_drawn_is_picked():
    drawn = []

    def watched(architectures):
        drawn.extend(architectures)
        return judge(architectures)

    words = uniform.best_of_random(watched, 30, seed=1)
    assert len(set(drawn)) == 30
    assert mistakes(words) == judge(drawn).min()
    assert uniform.exhaustive(judge, 30, seed=1) == TARGET


def test_evolution_finds_the_best_and_judges_none_twice():
    judged = []

    def watched(architectures):
        judged.extend(architectures)
        return judge(architectures)

    found = [uniform.evolution(watched, 90, seed) for seed in range(5)]
    assert len(judged) == 450
    assert all(len(set(judged[start:start + 90])) == 90 for start in range(0, 450, 90))
    assert found.count(TARGET) >= 4


def test_reinforce_solves_an_easy_loss():
    optimizer = search.Reinforce(space.supernet(0).space, seed=0)
    for _ in range(500):
        batch = optimizer.ask(2)
        optimizer.tell(batch, judge(map(space.in_words, batch)))
    assert space.in_words(optimizer.recommend()) == TARGET
    assert optimizer.entropy < 0.7


class Evidence(nn.Module):
    """Speaks for the right class, more or less."""

    def __init__(self, strength):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([strength, 0.0]), requires_grad=False)

    def forward(self, x):
        return x + self.weight


class Layers(nn.Module):
    """Four choices, of each of which one operation speaks for the right class."""

    def __init__(self):
        super().__init__()
        self.free = nn.Parameter(torch.zeros(2))
        self.layers = nn.ModuleList(
            LayerChoice({name: Evidence(float(name == right)) for name in space.OPERATIONS}, label=f"layer {i}")
            for i, right in enumerate(TARGET.split(), 1))

    def forward(self, x):
        return sum(layer(x) for layer in self.layers) + 0 * self.free


def easy(steps):
    loader = TensorLoader(torch.zeros(64, 2), torch.zeros(64, dtype=torch.int64), 8)
    supernet = Supernet(Layers())
    return SimpleNamespace(recipe=Recipe(steps=steps), seed=0, supernet=supernet, train=loader, valid=loader,
                           passes=setup.Passes(), weights=lambda: torch.optim.SGD(supernet.parameters(), 0.1))


@pytest.mark.parametrize(("strategy", "steps"), [(gradient.gdas, 100), (gradient.darts, 400)])
def test_gradients_solve_an_easy_loss(strategy, steps):
    assert strategy(easy(steps)) == TARGET


def test_a_path_has_the_gradients_of_its_outputs():
    net, x = Supernet(Layers()), torch.tensor([[0.3, -0.2]])
    hard = nn.functional.one_hot(torch.tensor([2, 0, 1, 3]), 4).float().requires_grad_()
    with gradient.mixture(net, hard, whole=False):
        out = net(x)
    assert torch.equal(out, sum(layer.candidates[code](x) for layer, code in zip(
        net.module.layers, (2, 0, 1, 3), strict=True)))
    (3 * out[0, 0] - out[0, 1]).backward()
    outputs = net.module.layers[0].candidates[2](x)[0]
    assert hard.grad[0].tolist() == pytest.approx([2, 2, float(3 * outputs[0] - outputs[1]), 2])
    with net.active(space.from_words(TARGET)):
        assert torch.equal(net(x), 4 * x + torch.tensor([4.0, 0.0]))  # no hook is left


def test_a_mixture_is_the_weighted_sum():
    net, x = Supernet(Layers()), torch.tensor([[0.3, -0.2]])
    weights = torch.softmax(torch.randn(4, 4, generator=torch.Generator().manual_seed(0)), 1)
    with gradient.mixture(net, weights, whole=True):
        out = net(x)
    right = weights[range(4), [list(space.OPERATIONS).index(name) for name in TARGET.split()]].sum()
    torch.testing.assert_close(out, 4 * x + torch.stack([right, torch.zeros(())]))


def test_fixed_designs_have_one_size():
    sizes = {sum(parameter.numel() for parameter in designs.network(name, 0).parameters()) for name in designs.DESIGNS}
    assert len(sizes) == 1
    assert designs.network("Inception-like", 0)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
