"""How well cheap evidence ranks networks, over all and among the truly best quarter, and what a few trainings add.

    python -m benchmarks.one_shot.ranking    of what `truth` and `side_by_side` have stored, seconds

Kendall's tau with the mean of the seeds that were not looked up. A training is looked up in one seed; the networks that
were trained are left out of what is ranked, so that none is judged by what was seen of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from asng_core.arrays import Floats, Ints

from .. import store
from ..analysis import markdown, plots, scores
from ..page import Claim, Page
from . import side_by_side, space, truth
from .found import kendall, uniform_losses
from .lookups import PRESENT, networks_of
from .spending import predicted

NAME, TRAINED, QUARTER = "one_shot_ranking", (8, 16, 32), 0.25
BARS = {0: 0.30, 16: 0.45}  # trainings -> tau within the best quarter
Rank = Callable[[Floats, Floats, Ints], Floats]  # (losses, accuracies looked up, rows trained) -> predicted losses


def by_shared_weights(losses: Floats, seen: Floats, rows: Ints) -> Floats:
    return losses


def by_cost(losses: Floats, seen: Floats, rows: Ints) -> Floats:
    """The more multiply-adds the better."""
    return -networks_of(PRESENT).costs


def by_ridge(losses: Floats, seen: Floats, rows: Ints, shared: bool = True) -> Floats:
    features = networks_of(PRESENT).features(losses)
    return -predicted(features if shared else features[:, :-1], rows, seen[rows])


# name -> how it ranks, and which networks are trained for it, if any
EVIDENCE: dict[str, tuple[Rank, str]] = {
    "shared weights": (by_shared_weights, ""), "multiply-adds": (by_cost, ""),
    "operations": (partial(by_ridge, shared=False), "drawn"),
    "operations and shared weights": (by_ridge, "drawn"),
    "operations and shared weights, of the best": (by_ridge, "best")}


def taus(rank: Rank, which: str, n: int, table: truth.Table,
         supernets: list[Floats]) -> Iterator[tuple[int, float, float]]:
    """Of each supernet and seed: the supernet, tau over all and within the best quarter."""
    every = space.architectures()
    accuracies = np.array([table.accuracies[table.architectures.index(words)] for words in every])
    for number, losses in enumerate(supernets):
        for seed in range(accuracies.shape[1]):
            drawn = np.random.default_rng([number, seed]).permutation(len(every))
            rows = (np.argsort(losses, kind="stable") if which == "best" else drawn)[:n]
            others = np.delete(accuracies, seed, axis=1).mean(axis=1)
            guess = rank(losses, accuracies[:, seed], rows)
            left = np.setdiff1d(np.arange(len(every)), rows)
            best = np.intersect1d(np.argsort(-others, kind="stable")[: round(QUARTER * len(every))], left)
            yield number, kendall(-guess[left], others[left]), kendall(-guess[best], others[best])


class Ranked:
    """`found`: (evidence, trainings) -> tau over all and within the best quarter `(n_supernets,)` each, by supernet."""

    def __init__(self, table: truth.Table, supernets: list[Floats]) -> None:
        self.found: dict[tuple[str, int], tuple[Floats, Floats]] = {}
        for name, (rank, which) in EVIDENCE.items():
            for n in TRAINED if which else (0,):
                numbers, every, best = map(np.array, zip(*taus(rank, which, n, table, supernets), strict=True))
                self.found[name, n] = tuple(  # type: ignore[assignment]
                    np.array([values[numbers == each].mean() for each in np.unique(numbers)])
                    for values in (every, best))

    def interval(self, key: tuple[str, int], which: int) -> tuple[float, float, float]:
        values = self.found[key][which].tolist()
        return scores.paired_bootstrap({"": values}, {"": [0.0] * len(values)})


def claim(ranked: Ranked) -> Claim:
    best = {n: max((key for key in ranked.found if key[1] == n), key=lambda key: ranked.interval(key, 1)[0])
            for n in BARS}
    reached = {n: ranked.interval(key, 1) for n, key in best.items()}
    return Claim("within the truly best quarter tau at least " + ", ".join(
        f"{bar:.2f} with {n or 'no'} trainings" for n, bar in BARS.items()),
        all(reached[n][0] >= bar for n, bar in BARS.items()), "; ".join(
            f"{scores.interval(*reached[n], sign='')} by {best[n][0]}" for n in BARS), ("asng_torch",))


def pages(results: Path, name: str = NAME) -> list[Page]:
    """`results` must hold the truth and `side_by_side`."""
    ranked = Ranked(truth.Table.load(results / truth.NAME), uniform_losses(store.records(results / side_by_side.NAME)))
    rows = [[name, str(n or ""), *(scores.interval(*ranked.interval((name, n), which), sign="") for which in (0, 1))]
            for name, n in ranked.found]
    files = {truth.NAME: "python -m benchmarks.one_shot.truth --data FOLDER",
             side_by_side.NAME: "python -m benchmarks.one_shot.side_by_side --data FOLDER"}
    return [Page(name, files, [claim(ranked)], {"Kendall's tau with the truth": markdown.table(
        ["evidence", "trainings", "over all", "within the best quarter"], rows)}, partial(draw, ranked))]


def draw(ranked: Ranked, path: Path) -> None:
    """Tau within the best quarter against trainings."""
    figure, axis = plots.figure(6, 3.4)
    for (name, (_, which)), marker in zip(EVIDENCE.items(), "os^vD", strict=True):
        at = TRAINED if which else (0,)
        axis.plot(at, [ranked.interval((name, n), 1)[0] for n in at], marker=marker, label=name)
    axis.axhline(0, color="grey", linewidth=1)
    axis.set(xlabel="trainings", ylabel="Kendall's tau within the best quarter")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    plots.save(figure, path)


def main() -> None:
    options: Any = store.parser("one_shot.ranking", __doc__).parse_args()
    (page,) = pages(store.RESULTS)
    page.draw(options.out / f"{NAME}.png")
    print(page.summary())


if __name__ == "__main__":
    main()
