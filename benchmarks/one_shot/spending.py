"""Ways to spend a budget of processor seconds on a ground: which networks to train, and how long.

With shared weights, of a uniformly trained supernet:
  k best               the best by the shared weights, one after the other (the rival to beat)
  ridge                the four best by the shared weights, then each time the best not yet trained by ridge regression
                       on the values of the variables and the loss under shared weights
  staged               `asng_torch.Staged`: its model of all results, cost among them, and its short trainings
Without:
  Minimizer            full trainings alone
  Minimizer, fidelities, and the libraries of `rivals.FIDELITIES`: short trainings too
  k largest, random    the most multiply-adds first, any
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from asng_core import ASNG
from asng_core.arrays import Floats, Ints
from asng_torch import Staged
from asng_torch.staged.trainer import lengths

from ..problems.fidelities import made
from ..rivals import ENTRIES, FIDELITIES
from ..rivals.fidelities import Ladder
from .lookups import Book

OURS, RIVAL = "staged", "k best"
FIRST = 4  # of `ridge`
FACTOR = 3  # of successive halving: a training is three times as long as one a step shorter
Strategy = Callable[[Book, int], None]  # (book, seed): until the book raises `Spent`, or it wants no more


def predicted(features: Floats, rows: Ints, targets: Floats) -> Floats:
    """`(n,)` by ridge regression of penalty 1 on some of the rows."""
    x, mean = features[rows], targets.mean()
    values: Floats = mean + features @ (x.T @ np.linalg.solve(x @ x.T + np.eye(len(x)), targets - mean))
    return values


def in_order(book: Book, rows: Iterable[Any]) -> None:
    for row in rows:
        book.train(int(row))


def best_first(book: Book, seed: int) -> None:
    in_order(book, np.argsort(book.judge(), kind="stable"))


def largest_first(book: Book, seed: int) -> None:
    in_order(book, np.argsort(-book.known.networks.costs, kind="stable"))


def at_random(book: Book, seed: int) -> None:
    in_order(book, np.random.default_rng(seed).permutation(len(book.known.words)))


def ridge(book: Book, seed: int) -> None:
    losses = book.judge()
    features, trained = book.known.networks.features(losses), dict[int, float]()
    for row in itertools.islice(np.argsort(losses, kind="stable").tolist(), FIRST):
        trained[row] = book.train(row)
    while len(trained) < len(losses):
        guess = predicted(features, np.array(list(trained)), np.array(list(trained.values())))
        guess[list(trained)] = np.inf
        row = int(np.argmin(guess))
        trained[row] = book.train(row)


def staged(book: Book, seed: int) -> None:
    """The package's own object, its epochs those of the command line; what is left must allow one full training."""
    known, networks = book.known, book.known.networks
    losses = book.judge()
    trainings = (book.limit - book.spent) / known.unit
    if trainings < 1:
        return
    space = networks.supernet.space

    def judged(architectures: Sequence[Mapping[str, Any]]) -> Floats:
        return losses[[networks.row(space.encode(each)) for each in architectures]]

    def train(architecture: Mapping[str, Any], epochs: int, _seed: int, path: Path) -> float:
        path.touch()  # it can go on from there
        return book.train(networks.row(space.encode(architecture)), known.epochs.index(epochs))

    with tempfile.TemporaryDirectory() as folder:
        search = Staged(networks.supernet, ASNG(space, seed=seed), judged, train, trainings=trainings, seed=seed,
                        epochs=[each for each in lengths(known.epochs[-1]) if each in known.epochs], folder=folder,
                        judged=len(losses))
        for _ in search:
            if search.best is None:
                book.answer(networks.row(space.encode(search.recommend())))


def without(method: str, book: Book, seed: int) -> None:
    """A method that knows nothing of shared weights; to it a step of the ladder is as long as three below."""
    steps, networks = tuple(FACTOR**i for i in range(len(book.known.epochs))), book.known.networks
    space = networks.supernet.space
    climber = made(method, Ladder(space, steps, True, book.limit / book.known.unit), seed)
    while True:
        codes, to = climber.ask()
        climber.tell(codes, to, book.train(networks.row(codes), to))
        book.answer(networks.row(climber.recommend()))


STRATEGIES: dict[str, Strategy] = {
    OURS: staged, RIVAL: best_first, "ridge": ridge, "Minimizer": partial(without, "Minimizer"),
    **{method: partial(without, method) for method in FIDELITIES},
    "k largest": largest_first, "random": at_random}
PLANNED = (OURS,)  # told its budget beforehand: a run for each


def strategies(n_epochs: int) -> list[str]:
    """Those for a ground whose trainings were looked at after so many numbers of epochs."""
    return [name for name in STRATEGIES if n_epochs > 1 or name not in FIDELITIES]


def parts(task: Mapping[str, Any]) -> tuple[str, ...]:
    """Of asng, what a task depends on."""
    method = task["method"]
    return ("Minimizer", "fidelities", "asng_torch") if method == OURS else (
        tuple(ENTRIES[method].parts) if method in ENTRIES else ())
