"""What is reported of one-shot searches, on a made-up truth."""

import json

import numpy as np
import pytest
from easy_truth import TARGET, judge, mistakes

from benchmarks import store
from benchmarks.one_shot import designs, found, ranking, robustness, side_by_side, space, strategies, truth

EVERY = space.architectures()


def test_kendall_counts_pairs():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 9))
    pairs = [np.sign((a[i] - a[j]) * (b[i] - b[j])) for i in range(9) for j in range(i)]
    assert found.kendall(a, b) == pytest.approx(np.mean(pairs))
    stats = pytest.importorskip("scipy.stats")
    a, b = a.round(), b.round()
    assert found.kendall(a, b) == pytest.approx(stats.kendalltau(a, b)[0])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A made-up truth, in which only mistakes count, and what each strategy found: n mistakes, n its number."""
    folder, rng, ordered = tmp_path_factory.mktemp("results"), np.random.default_rng(0), sorted(EVERY, key=mistakes)

    def write(name, run, tasks):
        store.measure(folder / name, run, tasks, parts=lambda _: (), jobs=0)

    def trained(architecture, seed):
        noise = 1e-6 * EVERY.index(architecture) + 1e-3 * rng.normal()
        return {"accuracy": 0.9 - 0.02 * mistakes(architecture) + noise}

    def searched(kind, seed, epochs=None, recipe=None):
        if epochs is not None:
            return {"accuracy": 0.8 + 0.01 * seed}
        spent = {"seconds": 1.0, "wall": 2.0, "memory": 300}
        return {"found": ordered[0 if kind == "ASNG" else 200 + seed], "training_passes": 1200,
                "validation_passes": 720, **spent,
                "losses": (judge(EVERY) + 0.01 * rng.random(len(EVERY))).tolist(), "judging": spent}

    write(truth.NAME, trained, [{"architecture": words, "seed": seed} for seed in range(3) for words in EVERY])
    write(side_by_side.NAME, searched, side_by_side.tasks())
    write(robustness.NAME, lambda seed, **_: {"found": ordered[5 + seed]},
          [task for task in robustness.tasks() if task["label"] != "3.0"])
    return folder


def test_strategies_are_reported(results, tmp_path):
    (page,) = side_by_side.pages(results)
    text, _ = page.tables.values()
    page.draw(tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()
    ours, worse = (next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
                   for name in ("ASNG", "SNG"))
    assert "| 1.0 (1.0 to 1.0) | 0.00 |" in ours
    assert "1200 + 720" in worse
    assert "ASNG's ranks 1.0 (median; 1, 1," in page.note
    best, better, tau = page.claims
    assert best.met
    assert not better.met  # than those that search the uniformly trained supernet, which finds the best too
    assert tau.met
    assert {line.split(" |")[0] for line in text.splitlines()[2:17]} == {
        f"| {name}" for name in (*strategies.SEARCHES, "uniform, SPOS", "uniform, evolution",
                                 "uniform, exhaustive (more compute)", *designs.DESIGNS)}


def test_lookups_cost_their_share_of_the_judging(results):
    runs = found.found(store.records(results / side_by_side.NAME))
    spos, every = runs["uniform, SPOS"][0], runs["uniform, exhaustive"][0]
    assert (spos.training_passes, spos.validation_passes) == (1200, 720)
    assert spos.seconds == pytest.approx(1 + 90 / 256)
    assert (every.validation_passes, every.seconds, every.words) == (2048, 2.0, TARGET)


def test_robustness_is_reported(results, tmp_path):
    (page,) = robustness.pages(results)
    page.draw(tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()
    by_alpha = page.tables["Median true rank by alpha"].splitlines()
    assert by_alpha[0] == "| alpha | 1.1 | 1.5 | 3.0 |"
    table = truth.Table.load(results / truth.NAME)
    changed = np.median([table.rank(words) for words in sorted(EVERY, key=mistakes)[5:8]])
    assert by_alpha[2] == f"| ASNG | {changed:.0f} | **1** | not run |"
    (claim,) = page.claims
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
def test_they_run_from_the_command_line(module, results, command, monkeypatch):
    monkeypatch.setattr(store, "RESULTS", results)
    printed = command(module)
    assert command(module, "--stored") == printed
    assert "| ASNG |" in printed


def test_evidence_is_ranked_by_networks_that_were_not_trained(results, tmp_path):
    (page,) = ranking.pages(results)
    (text,) = page.tables.values()
    rows = {(line.split(" | ")[0][2:], line.split(" | ")[1]): line for line in text.splitlines()[2:]}
    assert len(rows) == 2 + 3 * len(ranking.TRAINED)
    tau = {key: [float(cell.split()[0]) for cell in line.split(" | ")[2:]] for key, line in rows.items()}
    every, best = tau["shared weights", ""]
    assert every > 0.5  # they know the made-up truth but for noise
    assert best > 0.2
    assert abs(tau["multiply-adds", ""][0]) < 0.3  # of which that truth knows nothing
    assert tau["operations", "32"][0] > tau["operations", "8"][0]
    assert "with no trainings, 0.45 with 16" in page.claims[0].text
    page.draw(tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()
    seen = []

    def rank(losses, accuracies, rows):
        seen.append((len(rows), accuracies.shape))
        return -accuracies

    table = truth.Table.load(results / truth.NAME)
    supernets = found.uniform_losses(store.records(results / side_by_side.NAME))
    ranked = list(ranking.taus(rank, "drawn", 200, table, supernets[:2]))
    assert seen == [(200, (256,))] * 6
    assert [number for number, *_ in ranked] == [0, 0, 0, 1, 1, 1]
    assert all(-1 <= tau <= 1 for _, *both in ranked for tau in both)
