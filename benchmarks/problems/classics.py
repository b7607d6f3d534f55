"""Combinatorial classics of Bayesian optimization, each shifted: no optimum sits at a special point.

    problem              variables                  source
    Ising                24 booleans                BOCS: edges of a 4 x 4 Ising model that are kept
    contamination        25 booleans                BOCS: stages of a food chain at which to act
    pest control         25 of 5 categories         COMBO: stations, and which of four pesticides to use at each
    LABS                 50 booleans                Packebusch and Mertens, J. Phys. A 49, 2016
    MaxSAT               60 booleans                generated weighted clauses of three literals
    Ackley 20x11         20 of 11 categories        Ackley's function on a grid, the categories' order hidden
    Ackley 53            50 booleans, 3 reals       CASMOPOLITAN (Wan et al., ICML 2021)

Sources: BOCS, Baptista and Poloczek, ICML 2018; COMBO, Oh et al., NeurIPS 2019. Why shifted: Papenmeier, Nardi and
Poloczek, "Bounce", NeurIPS 2023, where methods fail then that are ahead otherwise.

A seed makes an instance: its data, and a random relabelling of each variable's categories (of reals a shift). What is
simulated uses the same random numbers at each evaluation, so that the loss is a function.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from asng_core import Boolean, Real, Space, Variable
from asng_core.arrays import Codes, Floats, Ints

from ..rivals import ENTRIES, Setting

Loss = Callable[[Codes], float]  # of `(n_variables,)` codes
N_SAMPLES = 100  # of a simulation
LIMIT = 0.1  # contaminated, or infested, share that is tolerated
CLAUSES = 258  # 4.3 a variable: about where random clauses of three literals cease to be satisfiable


@dataclass(frozen=True)
class Classic:
    """A loss to minimize over `(n_variables,)` codes."""

    space: Space
    loss: Loss


def relabelled(k: int, d: int, loss: Callable[[Ints], float], rng: np.random.Generator) -> Classic:
    """d variables of k categories, whose codes stand for others: a random permutation each."""
    labels = rng.permuted(np.tile(np.arange(k), (d, 1)), axis=1)
    rows = np.arange(d)
    space = Space.binary(d) if k == 2 else Space.categorical([k] * d)
    return Classic(space, lambda codes: loss(labels[rows, codes]))


def beta(uniform: Floats, b: Floats | float) -> Floats:
    """Draws of Beta(1, b) by the inverse of its distribution function."""
    return np.asarray(1 - (1 - uniform) ** (1 / np.asarray(b)))


class Ising:
    """Kullback-Leibler divergence of a sparse model from the whole one, and `penalty` for each edge kept.

    Nodes of a `side` x `side` grid are +1 or -1, p(z) ~ exp(sum over edges of J z z'), J uniform on 0.05 to 5 with
    a random sign; the expectations and both normalizers are sums over all states.
    """

    def __init__(self, side: int, penalty: float, rng: np.random.Generator) -> None:
        self.penalty, grid = penalty, np.arange(side**2).reshape(side, side)
        across, down = (grid[:, :-1], grid[:, 1:]), (grid[:-1], grid[1:])
        first, second = (np.concatenate([across[i].ravel(), down[i].ravel()]) for i in (0, 1))
        self.couplings = rng.uniform(0.05, 5, len(first)) * rng.choice([-1, 1], len(first))
        # the last node is +1: turning all of them changes nothing
        states = np.array(list(itertools.product((-1, 1), repeat=side**2 - 1)), dtype=np.int8)
        states = np.concatenate([states, np.ones((len(states), 1), dtype=np.int8)], axis=1)
        self.products = (states[:, first] * states[:, second]).astype(np.float64)  # (n_states, n_edges)
        energies = self.products @ self.couplings
        self.log_normalizer = _log_sum_exp(energies)
        self.moments = np.exp(energies - self.log_normalizer) @ self.products  # E_p[z z'] of each edge

    def __call__(self, kept: Ints) -> float:
        q = self.couplings * kept
        divergence = (self.couplings - q) @ self.moments + _log_sum_exp(self.products @ q) - self.log_normalizer
        return float(divergence + self.penalty * kept.sum())


def _log_sum_exp(values: Floats) -> float:
    top = values.max()
    return float(top + np.log(np.exp(values - top).sum()))


class Contamination:
    """Stages of a food chain: acting at one costs 1 and reduces contamination, which else spreads; the share of
    simulations above the limit at each stage is added, and `penalty` for each act.

    Beta(1, 30) at first, Beta(1, 17/3) the spread, Beta(1, 3/7) the reduction.
    """

    def __init__(self, d: int, penalty: float, rng: np.random.Generator) -> None:
        self.penalty = penalty
        self.start = beta(rng.random(N_SAMPLES), 30)
        self.spread = beta(rng.random((d, N_SAMPLES)), 17 / 3)
        self.reduction = beta(rng.random((d, N_SAMPLES)), 3 / 7)

    def __call__(self, acts: Ints) -> float:
        share, above = self.start, 0.0
        for act, spread, reduction in zip(acts, self.spread, self.reduction, strict=True):
            share = (1 - reduction) * share if act else share + spread * (1 - share)
            above += float((share > LIMIT).mean())
        return above + (1 + self.penalty) * float(acts.sum())


class PestControl:
    """Stations in a row, at each none or one of four pesticides: prices, and the share of simulations above the limit.

    What has often been used becomes cheaper and, as pests develop tolerance, weaker: Beta(1, b) of the pests die, b
    growing with each use.
    """

    prices = np.array([0, 1.0, 0.8, 0.7, 0.5])
    discounts = np.array([0, 0.2, 0.3, 0.3, 0.0])  # at most, if it is used at every station
    weakness = np.array([1, 2 / 7, 3 / 7, 3 / 7, 5 / 7])  # b at first
    tolerance = np.array([0, 1 / 7, 2.5 / 7, 2 / 7, 0.5 / 7])  # what b grows by, if it is used at every station

    def __init__(self, d: int, rng: np.random.Generator) -> None:
        self.start = beta(rng.random(N_SAMPLES), 30)
        self.spread = beta(rng.random((d, N_SAMPLES)), 17 / 3)
        self.killed = rng.random((d, N_SAMPLES))

    def __call__(self, used: Ints) -> float:
        d = len(used)
        share, above, b = self.start, 0.0, self.weakness.copy()
        for kind, spread, killed in zip(used, self.spread, self.killed, strict=True):
            above += float((share > LIMIT).mean())
            share = (1 - beta(killed, b[kind])) * share if kind else share + spread * (1 - share)
            b[kind] += self.tolerance[kind] / d
        times = np.bincount(used, minlength=5)
        return above + float(times @ (self.prices * (1 - self.discounts * times / d)))


def labs(bits: Ints) -> float:
    """Low autocorrelation of a binary sequence: the sum of its squared aperiodic autocorrelations."""
    signs = 1 - 2 * bits
    correlations = np.correlate(signs, signs, "full")[len(signs):]
    return float(correlations @ correlations)


class MaxSat:
    """The weight of the clauses that are not satisfied, as a share of all; weights are uniform on 0 to 1."""

    def __init__(self, d: int, n_clauses: int, rng: np.random.Generator) -> None:
        self.variables = rng.random((n_clauses, d)).argsort(axis=1)[:, :3]
        self.satisfying = rng.integers(2, size=(n_clauses, 3))
        weights = rng.random(n_clauses)
        self.weights = weights / weights.sum()

    def __call__(self, bits: Ints) -> float:
        broken = (bits[self.variables] != self.satisfying).all(axis=1)
        return float(self.weights @ broken)


def ackley(x: Floats) -> float:
    """Ackley's function: 0 at the origin, about 22 far away from it."""
    return float(20 + math.e - 20 * np.exp(-0.2 * np.sqrt((x**2).mean())) - np.exp(np.cos(2 * np.pi * x).mean()))


def ackley_mixed(rng: np.random.Generator) -> Classic:
    """50 booleans, 0 or 1, and 3 reals within 1 of the origin, whose optimum is moved by up to a half."""
    flipped, shift = rng.integers(2, size=50), rng.uniform(-0.5, 0.5, 3)
    variables: dict[str, Variable] = {f"x{i}": Boolean() for i in range(50)}
    space = Space({**variables, **{f"x{i}": Real(-1, 1) for i in range(50, 53)}})
    return Classic(space, lambda codes: ackley(np.concatenate([codes[:50] != flipped, codes[50:] - shift])))


_AXIS = np.linspace(-32.768, 32.768, 11)  # of Ackley's function on a grid
_MADE: dict[str, Callable[[np.random.Generator], Classic]] = {
    "Ising": lambda rng: relabelled(2, 24, Ising(4, 0.01, rng), rng),
    "contamination": lambda rng: relabelled(2, 25, Contamination(25, 0.01, rng), rng),
    "pest control": lambda rng: relabelled(5, 25, PestControl(25, rng), rng),
    "LABS": lambda rng: relabelled(2, 50, labs, rng),
    "MaxSAT": lambda rng: relabelled(2, 60, MaxSat(60, CLAUSES, rng), rng),
    "Ackley 20x11": lambda rng: relabelled(11, 20, lambda codes: ackley(_AXIS[codes]), rng),
    "Ackley 53": ackley_mixed,
}
PROBLEMS = tuple(_MADE)


def instance(problem: str, seed: int) -> Classic:
    """That of a seed; with its own random numbers, since methods draw theirs from the seed alone."""
    return _MADE[problem](np.random.default_rng([seed, 2]))


GRID = (10, 14, 20, 30, 50, 70, 100, 140, 200, 260, 320)  # evaluations
FREE = 20  # proposals in a row that are answered from memory, as many as `minimize` answers


@cache
def reference(problem: str, seed: int) -> float:
    """The median loss of 100 random points."""
    made, rng = instance(problem, seed), np.random.default_rng([seed, 3])
    setting = Setting(made.space, 0)
    return float(np.median([made.loss(setting.random(rng)) for _ in range(100)]))


def run(method: str, table: str, seed: int, budget: int) -> dict[str, Any]:
    """The best losses after those of `GRID` evaluations that are at most `budget`.

    A known point is answered from memory at no charge; after `FREE` of them in a row a random point is evaluated
    instead, and given to the method.
    """
    start, made, rng = time.perf_counter(), instance(table, seed), np.random.default_rng([seed, 1])
    setting = Setting(made.space, budget)
    optimizer, known = ENTRIES[method].load()(setting, seed), dict[bytes, float]()
    best, kept = np.inf, []
    for n in range(1, budget + 1):
        told = optimizer.tell
        for _ in range(FREE):
            codes = optimizer.ask()
            if codes.tobytes() not in known:
                break
            optimizer.tell(codes, known[codes.tobytes()])
        while codes.tobytes() in known:
            codes, told = setting.random(rng), optimizer.add
        loss = known[codes.tobytes()] = made.loss(codes)
        told(codes, loss)
        best = min(best, loss)
        if n in GRID:
            kept.append(best)
    return {"best": kept, "seconds": round(time.perf_counter() - start, 2)}
