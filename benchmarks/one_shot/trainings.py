"""After the shared weights: which networks to train for real, judged by the ground truth.

    python -m benchmarks.one_shot.trainings            of stored supernets and trainings, some minutes of one core
    python -m benchmarks.one_shot.trainings --quick    a check of the whole path

A strategy is given the uniformly trained supernets of `side_by_side`, all of whose networks have been judged, and a
number of trainings. A training is looked up in one seed of `truth`; what it returns, the best that it has trained by
that seed, is judged by the other seeds, so that no truth leaks.

  k best               the best by the shared weights (the rival to beat)
  ridge                the four best by the shared weights, then each time the best not yet trained by ridge regression
                       on the operations and the loss under shared weights
  staged               `asng_torch.Staged`, whose trainings are looked up: its model of all results, cost among them
  staged, no cost      the same without multiply-adds
  Minimizer, random    without the shared weights
"""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asng_core import ASNG, Minimizer, Space
from asng_core.arrays import Floats, Ints
from asng_torch import Staged, Supernet
from asng_torch.spaces.mini import mini_network

from .. import store
from ..analysis import markdown, plots, scores
from ..page import Claim, Page
from . import side_by_side, space, truth
from .found import UNIFORM, by_seed

NAME, BUDGETS = "one_shot_trainings", (1, 2, 4, 8, 16, 32)
OURS, RIVAL = "staged", "k best"
Look = Callable[[str], float]  # words -> the loss of a training


def best_first(values: Floats) -> Iterator[str]:
    """Words of the least values first."""
    every = space.architectures()
    return (every[i] for i in np.argsort(values, kind="stable"))


def features(losses: Floats) -> Floats:
    """`(n, p)`, standardized: which operation each layer is, and last how good it is under shared weights."""
    table = np.array([[words.split()[layer] == operation for layer in range(space.DEPTH * len(space.WIDTHS))
                       for operation in space.OPERATIONS] for words in space.architectures()], dtype=np.float64)
    every = np.column_stack([table, -losses])
    standardized: Floats = (every - every.mean(axis=0)) / every.std(axis=0)
    return standardized


def predicted(features: Floats, rows: Ints, targets: Floats) -> Floats:
    """`(n,)` by ridge regression of penalty 1 on some of the rows."""
    x, mean = features[rows], targets.mean()
    values: Floats = mean + features @ (x.T @ np.linalg.solve(x @ x.T + np.eye(len(x)), targets - mean))
    return values


def ridge(losses: Floats, look: Look, n: int) -> list[str]:
    """Four to begin with."""
    every, known = space.architectures(), features(losses)
    trained = list(itertools.islice(best_first(losses), min(n, 4)))
    while len(trained) < n:
        rows = np.array([every.index(words) for words in trained])
        guess = predicted(known, rows, np.array([look(words) for words in trained]))
        trained.append(next(words for words in best_first(guess) if words not in trained))
    return trained


def minimizer(losses: Floats, look: Look, n: int, seed: int) -> list[str]:
    """As a user runs it."""
    optimizer, trained = Minimizer(_space(), seed=seed), []
    for _ in range(n):
        candidate = optimizer.ask()
        trained.append(space.in_words(dict(candidate)))
        optimizer.tell(candidate, look(trained[-1]))
    return trained


def staged(losses: Floats, look: Look, n: int, seed: int) -> list[str]:
    """The package's own object, with a training of one length."""
    every = space.architectures()
    known = dict(zip(every, losses.tolist(), strict=True))

    def judged(architectures: Sequence[Mapping[str, Any]]) -> Floats:
        return np.array([known[space.in_words(dict(each))] for each in architectures])

    def train(architecture: Mapping[str, Any], _epochs: int, _seed: int, _path: Path) -> float:
        return look(space.in_words(dict(architecture)))

    with tempfile.TemporaryDirectory() as folder:
        search = Staged(_supernet(), ASNG(_space(), seed=seed), judged, train, trainings=n, epochs=[space.EPOCHS],
                        folder=folder, judged=len(every), seed=seed)
        return [space.in_words(each.architecture) for each in search]


@cache
def _supernet() -> Supernet:
    network = mini_network(widths=space.WIDTHS, depth=space.DEPTH, operations=space.OPERATIONS)
    return Supernet(network, example=torch.zeros(1, 1, 28, 28))


def _space() -> Space:
    return _supernet().space


@cache
def costs() -> Floats:
    """Multiply-adds of all."""
    return np.array([_supernet().cost(space.from_words(words)).multiply_adds for words in space.architectures()],
                    dtype=np.float64)


# name -> (losses under shared weights, look, n, seed) -> words in the order trained
STRATEGIES: dict[str, Callable[[Floats, Look, int, int], list[str]]] = {
    OURS: staged,
    RIVAL: lambda losses, look, n, seed: list(itertools.islice(best_first(losses), n)),
    "ridge": lambda losses, look, n, seed: ridge(losses, look, n),
    "Minimizer": minimizer,
    "k largest": lambda losses, look, n, seed: list(itertools.islice(best_first(-costs()), n)),
    "random": lambda losses, look, n, seed: np.random.default_rng(seed).permutation(space.architectures())[:n].tolist(),
}


def run(strategy: str, supernet: int, seed: int, budgets: Sequence[int]) -> dict[str, Any]:
    """Of each budget the words of the networks trained."""
    torch.set_num_threads(1)
    losses, table = supernets()[supernet], truth.Table.load(store.RESULTS / truth.NAME)
    return {"trained": [STRATEGIES[strategy](losses, lambda words: -table.accuracy(words, seed), n,
                                             len(STRATEGIES) * supernet + seed) for n in budgets]}


@cache
def supernets(results: Path = store.RESULTS) -> list[Floats]:
    """Of each uniformly trained one the losses of all architectures."""
    return [np.array(record["result"]["losses"]) for record in by_seed(store.records(
        results / side_by_side.NAME)) if record["task"]["kind"] == UNIFORM]


def tasks(*, quick: bool = False) -> list[dict[str, Any]]:
    budgets, n = ((1, 2, 4), 2) if quick else (BUDGETS, len(supernets()))
    return [{"strategy": strategy, "supernet": supernet, "seed": seed, "budgets": list(budgets)}
            for supernet in range(n) for seed in range(truth.SEEDS) for strategy in STRATEGIES]


class Judged:
    """`regrets` and `ranks` of each strategy `(n_runs, n_budgets)`, by the seeds that were not looked up."""

    def __init__(self, records: list[dict[str, Any]], table: truth.Table) -> None:
        self.budgets: list[int] = records[0]["task"]["budgets"]
        counts = Counter(record["task"]["supernet"] for record in records)
        records = [record for record in records  # of supernets on which all have run
                   if counts[record["task"]["supernet"]] == max(counts.values())]
        found: dict[str, list[tuple[tuple[int, int], list[tuple[float, int]]]]] = {}
        for record in records:
            task = record["task"]
            found.setdefault(task["strategy"], []).append(((task["supernet"], task["seed"]), [
                self.judge(trained, task["seed"], table) for trained in record["result"]["trained"]]))
        ordered = {name: np.array([each for _, each in sorted(runs)]) for name, runs in found.items()}
        self.regrets = {name: each[:, :, 0] for name, each in ordered.items()}
        self.ranks = {name: each[:, :, 1] for name, each in ordered.items()}

    @staticmethod
    def judge(trained: list[str], seed: int, table: truth.Table) -> tuple[float, int]:
        best = max(trained, key=lambda words: table.accuracy(words, seed))
        others = np.delete(table.accuracies, seed, axis=1).mean(axis=1)
        lacks = others - others[table.architectures.index(best)]
        return float(lacks.max()) / table.seed_std, int((lacks > 0).sum()) + 1

    def difference(self, name: str, i: int) -> tuple[float, float, float]:
        """Regret of ours minus its own at the budget of that number: mean and 95% interval; runs of one supernet and
        those of one seed are no independent runs, so that supernets are drawn, with all theirs."""
        gaps = (self.regrets[OURS] - self.regrets[name])[:, i].reshape(-1, truth.SEEDS).mean(axis=1)
        return scores.paired_bootstrap({"": gaps.tolist()}, {"": [0.0] * len(gaps)})


def claims(judged: Judged) -> list[Claim]:
    at = [i for i, n in enumerate(judged.budgets) if n >= 8]
    words = " / ".join(str(judged.budgets[i]) for i in at)
    gaps = [judged.difference(RIVAL, i) for i in at]
    best = {name: [float(each[:, i].mean()) for i in range(len(judged.budgets))]
            for name, each in judged.regrets.items()}
    from_two = [i for i, n in enumerate(judged.budgets) if n >= 2]
    ahead = [judged.budgets[i] for i in from_two if best[OURS][i] <= min(each[i] for each in best.values())]
    ranks = [float(np.median(judged.ranks[OURS][:, i])) for i in at]
    share = 0.02 * len(space.architectures())
    return [
        Claim(f"{words} trainings: less regret than the {RIVAL} of the uniform supernet, beyond chance at two of them",
              all(gap[0] < 0 for gap in gaps) and sum(gap[2] < 0 for gap in gaps) >= 2,
              "; ".join(scores.interval(*gap) for gap in gaps)),
        Claim("no strategy has less mean regret at any budget from two trainings on", ahead == [
            judged.budgets[i] for i in from_two], f"at {', '.join(map(str, ahead)) or 'none'} of "
            f"{', '.join(str(judged.budgets[i]) for i in from_two)}"),
        Claim(f"16 trainings: median true rank within the best 2% (at most {share:.1f})",
              16 in judged.budgets and ranks[[judged.budgets[i] for i in at].index(16)] <= share,
              f"{words}: {' / '.join(f'{rank:.1f}' for rank in ranks)}")]


def table_of(judged: Judged) -> str:
    rows = []
    for name, regrets in judged.regrets.items():
        rows.append([name, *(f"{regrets[:, i].mean():.2f} ({np.median(judged.ranks[name][:, i]):.1f})"
                             for i in range(len(judged.budgets)))])
    return markdown.table(["strategy", *map(str, judged.budgets)], rows)


def differences(judged: Judged) -> str:
    return markdown.table(["strategy", *map(str, judged.budgets)], (
        [name, *(scores.interval(*judged.difference(name, i)) for i in range(len(judged.budgets)))]
        for name in judged.regrets if name != OURS))


def note(judged: Judged, table: truth.Table) -> str:
    n = len(judged.regrets[OURS])
    known = [Judged.judge(table.architectures, seed, table) for seed in range(truth.SEEDS)]
    return (f"{n} runs: {n // truth.SEEDS} supernets, each with {truth.SEEDS} seeds to look up. Regret in standard "
            f"deviations of a training. The ceiling, one training of every network known: "
            f"{np.mean([regret for regret, _ in known]):.2f} ({np.median([rank for _, rank in known]):.1f}).")


def pages(results: Path, name: str = NAME) -> list[Page]:
    """`results` must hold the truth too."""
    table = truth.Table.load(results / truth.NAME)
    judged = Judged(store.records(results / name), table)
    return [Page(name, {name: "python -m benchmarks.one_shot.trainings"}, claims(judged),
                 {"Regret, and median true rank, by the number of trainings": table_of(judged),
                  "Regret of staged minus that of each (95%)": differences(judged)},
                 partial(draw, judged), note(judged, table))]


def draw(judged: Judged, path: Path) -> None:
    """Mean regret against trainings."""
    figure, axis = plots.figure(6, 3.6)
    for (name, regrets), marker in zip(judged.regrets.items(), "os^vDx", strict=True):
        axis.plot(judged.budgets, regrets.mean(axis=0), marker=marker, label=name,
                  linewidth=2.5 if name == OURS else 1.2)
    plots.log_axis(axis, judged.budgets, "x")
    axis.set(xlabel="trainings", ylabel="regret, deviations of a training")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    plots.save(figure, path)


def parts(task: dict[str, Any]) -> tuple[str, ...]:
    return {OURS: ("Minimizer", "fidelities", "asng_torch"), "Minimizer": ("Minimizer",)}.get(task["strategy"], ())


def main() -> None:
    parser = store.parser("one_shot.trainings", __doc__)
    parser.add_argument("--quick", action="store_true", help="2 supernets, up to 4 trainings: a check of the path")
    options = parser.parse_args()
    name = f"{NAME}{'_quick' * options.quick}"
    records = store.measure(options.out / name, run, tasks(quick=options.quick), parts=parts,
                            packages=("numpy", "torch"), **store.how(options))
    table = truth.Table.load(store.RESULTS / truth.NAME)
    judged = Judged(records, table)
    draw(judged, options.out / f"{name}.png")
    print("\n\n".join([table_of(judged), differences(judged), note(judged, table)]))


if __name__ == "__main__":
    main()
