"""One-shot strategies, side by side and robust: small runs, easy losses, and reports on a made-up truth."""

import json
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from asng_torch import LayerChoice, Supernet
from asng_torch.data import TensorLoader
from benchmarks import store
from benchmarks.one_shot import designs, robustness, side_by_side, space, strategies, truth
from benchmarks.one_shot.strategies import Recipe, Setup

EVERY = space.architectures()
TARGET = "5x5 3x3 max 1x1"
SMALL = Recipe(**side_by_side.QUICK)


def mistakes(words):
    return sum(a != b for a, b in zip(words.split(), TARGET.split(), strict=True))


def judge(architectures):
    return np.array([float(mistakes(words)) for words in architectures])


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
    strategies.uniform(setup)
    losses = setup.judge(EVERY[:2] * 2)
    assert losses[:2] == pytest.approx(losses[2:])
    assert losses[0] != losses[1]


def test_the_best_of_those_drawn_is_picked():
    drawn = []

    def watched(architectures):
        drawn.extend(architectures)
        return judge(architectures)

    words = strategies.best_of_random(watched, 30, seed=1)
    assert len(set(drawn)) == 30
    assert mistakes(words) == judge(drawn).min()
    assert strategies.exhaustive(judge, 30, seed=1) == TARGET


def test_evolution_finds_the_best_and_judges_none_twice():
    judged = []

    def watched(architectures):
        judged.extend(architectures)
        return judge(architectures)

    found = [strategies.evolution(watched, 90, seed) for seed in range(5)]
    assert len(judged) == 450
    assert all(len(set(judged[start:start + 90])) == 90 for start in range(0, 450, 90))
    assert found.count(TARGET) >= 4


def test_reinforce_solves_an_easy_loss():
    optimizer = strategies.Reinforce(space.supernet(0).space, seed=0)
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
                           passes=strategies.Passes(), weights=lambda: torch.optim.SGD(supernet.parameters(), 0.1))


@pytest.mark.parametrize(("strategy", "steps"), [(strategies.gdas, 100), (strategies.darts, 400)])
def test_gradients_solve_an_easy_loss(strategy, steps):
    assert strategy(easy(steps)) == TARGET


def test_a_path_has_the_gradients_of_its_outputs():
    net, x = Supernet(Layers()), torch.tensor([[0.3, -0.2]])
    hard = nn.functional.one_hot(torch.tensor([2, 0, 1, 3]), 4).float().requires_grad_()
    with strategies.mixture(net, hard, whole=False):
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
    with strategies.mixture(net, weights, whole=True):
        out = net(x)
    right = weights[range(4), [list(space.OPERATIONS).index(name) for name in TARGET.split()]].sum()
    torch.testing.assert_close(out, 4 * x + torch.stack([right, torch.zeros(())]))


def test_fixed_designs_have_one_size():
    sizes = {sum(parameter.numel() for parameter in designs.network(name, 0).parameters()) for name in designs.DESIGNS}
    assert len(sizes) == 1
    assert designs.network("Inception-like", 0)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_kendall_counts_pairs():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 9))
    pairs = [np.sign((a[i] - a[j]) * (b[i] - b[j])) for i in range(9) for j in range(i)]
    assert side_by_side.kendall(a, b) == pytest.approx(np.mean(pairs))
    stats = pytest.importorskip("scipy.stats")
    a, b = a.round(), b.round()
    assert side_by_side.kendall(a, b) == pytest.approx(stats.kendalltau(a, b)[0])


@pytest.fixture
def results(tmp_path):
    """A made-up truth, in which only mistakes count, and what each strategy found: n mistakes, n its number."""
    rng = np.random.default_rng(0)

    def write(name, records):
        (tmp_path / f"{name}.json").write_text(json.dumps({"sources": [], "records": [
            {"task": task, "result": result} for task, result in records]}))

    write(truth.NAME, [({"architecture": words, "seed": seed},
                        {"accuracy": 0.9 - 0.02 * mistakes(words) + 1e-6 * i + 1e-3 * rng.normal()})
                       for (i, words), seed in product(enumerate(EVERY), range(3))])
    ordered = sorted(EVERY, key=mistakes)

    def result(task):
        if "epochs" in task:
            return {"accuracy": 0.8 + 0.01 * task["seed"]}
        spent = {"seconds": 1.0, "wall": 2.0, "memory": 300}
        found = ordered[0 if task["kind"] == "ASNG" else 200 + task["seed"]]
        return {"found": found, "training_passes": 1200, "validation_passes": 720, **spent,
                "losses": (judge(EVERY) + 0.01 * rng.random(len(EVERY))).tolist(), "judging": spent}

    write(side_by_side.NAME, [(task, result(task)) for task in side_by_side.tasks()])
    write(robustness.NAME, [(task, {"found": ordered[5 + task["seed"]]}) for task in robustness.tasks()
                            if task["label"] != "3.0"])
    return tmp_path


def test_strategies_are_reported(results):
    (text,) = side_by_side.blocks(results).values()
    assert (results / f"{side_by_side.NAME}.png").exists()
    ours, worse = (next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
                   for name in ("ASNG", "SNG"))
    assert "| 1.0 (1.0 to 1.0) | 0.00 |" in ours
    assert "1200 + 720" in worse
    assert "ASNG's ranks 1.0 (median; 1, 1," in text
    best, better, tau = side_by_side.claims(results)
    assert best.met
    assert not better.met  # than those that search the uniformly trained supernet, which finds the best too
    assert tau.met
    assert {line.split(" |")[0] for line in text.splitlines()[2:17]} == {
        f"| {name}" for name in (*strategies.SEARCHES, "uniform, SPOS", "uniform, evolution",
                                 "uniform, exhaustive (more compute)", *designs.DESIGNS)}


def test_lookups_cost_their_share_of_the_judging(results):
    runs = side_by_side.found(store.records(results / f"{side_by_side.NAME}.json"))
    spos, every = runs["uniform, SPOS"][0], runs["uniform, exhaustive"][0]
    assert (spos.training_passes, spos.validation_passes) == (1200, 720)
    assert spos.seconds == pytest.approx(1 + 90 / 256)
    assert (every.validation_passes, every.seconds, every.words) == (2048, 2.0, TARGET)


def test_robustness_is_reported(results):
    (text,) = robustness.blocks(results).values()
    assert (results / f"{robustness.NAME}.png").exists()
    assert "| alpha | 1.1 | 1.5 | 3.0 |" in text
    table = truth.Table.load(results / f"{truth.NAME}.json")
    changed = np.median([table.rank(words) for words in sorted(EVERY, key=mistakes)[5:8]])
    assert text[text.index("| alpha |"):].splitlines()[2] == f"| ASNG | {changed:.0f} | **1** | not run |"
    (claim,) = robustness.claims(results)
    assert claim.met
    n = len([task for task in robustness.tasks() if task["kind"] == "ASNG" and task["label"] != "3.0"])
    assert f"{n + robustness.SEEDS} searches" in claim.figure


def test_a_changed_setting_is_never_the_default():
    tasks = robustness.tasks()
    assert len({json.dumps(task) for task in tasks}) == len(tasks)
    for kind, factors in robustness.FACTORS.items():
        changed = sum(task["kind"] == kind and task["seed"] == 0 for task in tasks)
        assert changed == sum(len(robustness.GRID[factor][1]) - 1 for factor in factors)


@pytest.mark.slow
@pytest.mark.parametrize("module", [side_by_side, robustness])
def test_they_run_from_the_command_line(module, results, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(store, "RESULTS", results)
    arguments = ["benchmark", "--quick", "--jobs", "1", "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", arguments)
    module.main()
    printed = capsys.readouterr().out
    monkeypatch.setattr("sys.argv", [*arguments, "--stored"])
    module.main()
    assert capsys.readouterr().out == printed
    assert "| ASNG |" in printed
