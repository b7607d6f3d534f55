"""What may be looked up of a ground whose every network has been trained, and what that costs.

The unit is processor seconds: those stored with each training, validation included, and with each supernet, the judging
of all networks included. A training goes on from where one of the same network stands, for the difference; what is
known costs nothing, at most `FREE` times in a row.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from asng_core.arrays import Floats
from asng_torch import Supernet

from .. import store
from ..problems.fidelities import FREE
from . import space, supernets, truth
from .found import UNIFORM, by_seed
from .grounds import GROUNDS
from .grounds.curves import Curves
from .grounds.ground import TESTED

PRESENT = "operations"  # the ground of `truth`
SUPERNETS = "one_shot_trainings_supernets"  # of that one, short ones: 1.3 trainings and half of one for the judging
RECIPE, N_SUPERNETS = {"steps": 300, "judged": 128}, 20


class Networks:
    """All of a ground, a row each. codes: `(n, n_variables)`. costs: `(n,)` multiply-adds."""

    def __init__(self, supernet: Supernet) -> None:
        self.supernet = supernet
        self.sizes = tuple(int(size) for size in supernet.space.sizes)
        self.codes = np.array(list(itertools.product(*map(range, self.sizes))))
        self.architectures: list[dict[str, Any]] = [dict(supernet.space.decode(codes)) for codes in self.codes]

    def row(self, codes: Any) -> int:
        """Of `(n_variables,)` codes."""
        return int(np.ravel_multi_index(tuple(np.asarray(codes, dtype=np.int64)), self.sizes))

    @cached_property
    def costs(self) -> Floats:
        return np.array([self.supernet.cost(each).multiply_adds for each in self.architectures], dtype=np.float64)

    def features(self, losses: Floats) -> Floats:
        """`(n, p)`, standardized: which value each variable has, and last how good it is under shared weights."""
        every = np.column_stack([*(self.codes[:, i] == value for i, size in enumerate(self.sizes)
                                   for value in range(size)), -losses]).astype(np.float64)
        standardized: Floats = (every - every.mean(axis=0)) / every.std(axis=0)
        return standardized


@dataclass(frozen=True)
class Known:
    """Of a ground, by row of `networks` and by seed.

    words: of each network. epochs: at which trainings were looked at, the last being a full one's.
    losses, seconds: `(n, n_seeds, n_epochs)`, minus the accuracy on the test, and until then.
    """

    networks: Networks
    words: list[str]
    epochs: tuple[int, ...]
    losses: Floats
    seconds: Floats

    @property
    def accuracies(self) -> Floats:
        """`(n, n_seeds)` of full trainings: those of one seed are looked up, the others judge."""
        return np.asarray(-self.losses[:, :, -1])

    @cached_property
    def seed_std(self) -> float:
        """Standard deviation of one training around its network's mean, over the better half of the networks."""
        better = np.argsort(-self.accuracies.mean(axis=1), kind="stable")[: len(self.words) // 2]
        return float(np.sqrt(self.accuracies[better].var(axis=1, ddof=1).mean()))

    @property
    def unit(self) -> float:
        """Seconds of a full training, mean over the networks."""
        return float(self.seconds[:, :, -1].mean())

    def judged(self, row: int, seed: int) -> tuple[float, int]:
        """Regret of a network in standard deviations of a training, and its rank, by the seeds other than this one."""
        others = np.delete(self.accuracies, seed, axis=1).mean(axis=1)
        lacks = others - others[row]
        return float(lacks.max()) / self.seed_std, int((lacks > 0).sum()) + 1

    def ceiling(self) -> tuple[float, float]:
        """Mean regret and median rank of who knows one training of each network."""
        regrets, ranks = zip(*(self.judged(int(np.argmin(self.losses[:, seed, -1])), seed)
                               for seed in range(self.losses.shape[1])), strict=True)
        return float(np.mean(regrets)), float(np.median(ranks))


@cache
def known(ground: str, results: Path = store.RESULTS) -> Known:
    if ground == PRESENT:
        return _present(results)
    curves, networks = Curves.load(ground, results), networks_of(ground)
    words = [GROUNDS[ground].in_words(each) for each in networks.architectures]
    rows = [curves.architectures.index(each) for each in words]
    return Known(networks, words, TESTED, -curves.accuracies[rows], curves.seconds[rows])


def _present(results: Path) -> Known:
    """Trainings of one length. Their seconds are not stored: a pass
    is taken to last as long as one of the supernet's, which trains the same networks on batches of the same size."""
    table, networks = truth.Table.load(results / truth.NAME), networks_of(PRESENT)
    words = [space.in_words(each) for each in networks.architectures]
    accuracies = table.accuracies[[table.architectures.index(each) for each in words]]
    trained = [record["result"] for record in _of_present(store.RESULTS)]
    passes = space.EPOCHS * -(-len(space.tensors(None)[0]) // space.BATCH)
    seconds = passes * sum(each["seconds"] for each in trained) / sum(each["training_passes"] for each in trained)
    return Known(networks, words, (space.EPOCHS,), -accuracies[:, :, None], np.full((*accuracies.shape, 1), seconds))


@cache
def networks_of(ground: str) -> Networks:
    return Networks(GROUNDS[ground].supernet(0))


@cache
def shared(ground: str) -> list[tuple[Floats, float]]:
    """Of each uniformly trained supernet the losses of all networks, by rows, and what it took, in seconds."""
    if ground != PRESENT:
        return supernets.load(ground, UNIFORM)
    words = space.architectures()
    rows = [words.index(space.in_words(each)) for each in networks_of(ground).architectures]
    return [(np.array(record["result"]["losses"])[rows],
             record["result"]["seconds"] + record["result"]["judging"]["seconds"])
            for record in _of_present(store.RESULTS)]


def _of_present(results: Path) -> list[dict[str, Any]]:
    return by_seed(store.records(results / SUPERNETS))


def supernet_tasks() -> list[dict[str, Any]]:
    """Of `side_by_side.run`."""
    return [{"kind": UNIFORM, "seed": seed, "recipe": RECIPE} for seed in range(N_SUPERNETS)]


class Spent(Exception):
    """The budget does not allow what was about to be done."""


class Book:
    """One search's: what it has spent, in seconds, and which network it would return.

    Until it knows better that is one drawn at random; then the best of those that were trained longest.
    """

    def __init__(self, known: Known, weights: tuple[Floats, float], seed: int, limit: float, number: int) -> None:
        """weights: losses under shared weights, and their seconds. seed: that it looks up. limit: in seconds. number:
        of the run, by which a network is drawn."""
        self.known, self.limit, self._weights, self._seed = known, limit, weights, seed
        self.spent, self._free = 0.0, 0
        self.reached = np.full(len(known.words), -1)  # by row, the highest of the epochs that were looked at
        self._best: tuple[int, float] = (0, np.inf)  # minus the position of its epochs, loss
        self._answers: list[tuple[float, int]] = [(0.0, int(np.random.default_rng(number).integers(len(known.words))))]

    @property
    def last(self) -> int:
        return len(self.known.epochs) - 1

    def _spend(self, seconds: float) -> None:
        if self.spent + seconds > self.limit:
            raise Spent
        self.spent += seconds

    def judge(self) -> Floats:
        """`(n,)` losses of all networks under shared weights, whose training and judging it pays."""
        losses, seconds = self._weights
        self._spend(seconds)
        self.answer(int(np.argmin(losses)))
        return losses

    def train(self, row: int, to: int | None = None) -> float:
        """Minus the accuracy of a network after that one of `epochs`, by default of a full training."""
        to = self.last if to is None else to
        self._spend(self._price(row, to))
        self.reached[row] = max(self.reached[row], to)
        loss = float(self.known.losses[row, self._seed, to])
        if (-to, loss) < self._best:
            self._best = -to, loss
            self.answer(row)
        return loss

    def _price(self, row: int, to: int) -> float:
        seconds, before = self.known.seconds[row, self._seed], int(self.reached[row])
        self._free = self._free + 1 if to <= before else 0
        if to <= before:
            return 0.0 if self._free <= FREE else float(seconds[to])
        return float(seconds[to] - (seconds[before] if before >= 0 else 0.0))

    def answer(self, row: int) -> None:
        """From now on it would return this one."""
        self._answers.append((self.spent, row))

    def returned(self, budget: float) -> int:
        """The row of what it would have returned after so many seconds."""
        return next(row for spent, row in reversed(self._answers) if spent <= budget)

