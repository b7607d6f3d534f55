"""Generated problems under noise: sums of effects of variables, and of pairs of them, whose optimum is known.

A third of the variables each are categories (3 to 6), integers (5 to 20 values) and booleans, in random order. What a
variable contributes by itself is random: of categories independent numbers, of an integer the distance from a hidden
value, to a hidden power between 1 and 2; where variables interact, half of the variance is of pairs, each variable with
two others, that two effects multiplied give, twice. Scaled to mean 0 and variance 1 over all points; the noise is
Gaussian, of a deviation relative to that. Every seed is another problem, and no optimum is at a special point.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from asng_core import Boolean, Categorical, Integer, Space, Variable
from asng_core.arrays import Codes, Floats

from ..rivals import ENTRIES, Setting
from .synthetic import Problem

DIMENSIONS = (6, 12, 25, 50, 100)
DEVIATIONS = (0.1, 0.3, 1.0, 3.0)
KINDS = ("separable", "interacting")
GRID = (20, 50, 100, 200, 500, 1000, 2000)  # evaluations after which the recommended point is scored


def problem(kind: str, d: int, seed: int) -> Problem:
    """A problem of one of the `KINDS`; its loss has mean 0 and variance 1 over all points."""
    rng = np.random.default_rng([seed, d, KINDS.index(kind)])
    variables = {f"x{i}": _variable(each, rng) for i, each in enumerate(rng.permuted(np.arange(d) % 3).tolist())}
    space = Space(variables)
    effects = [_effect(each, rng) * rng.lognormal(sigma=0.5) for each in variables.values()]
    ring, pairs = rng.permutation(d), list[Floats]()
    if kind == "interacting":
        ends = [(list(variables.values())[i], list(variables.values())[j]) for i, j in _around(ring)]
        pairs = [np.outer(_effect(a, rng), _effect(b, rng)) + np.outer(_effect(a, rng), _effect(b, rng)) / 2
                 for a, b in ends]
        pairs = _scaled([pair / pair.std() for pair in pairs], 0.5)
    effects = _scaled(effects, 0.5 if pairs else 1.0)

    def loss(codes: Codes) -> Any:
        alone = sum(effect[codes[..., i]] for i, effect in enumerate(effects))
        return alone + sum((pair[codes[..., i], codes[..., j]]
                            for (i, j), pair in zip(_around(ring), pairs, strict=bool(pairs))), start=np.float64(0.0))
    point = _best_on_ring(ring, effects, pairs) if pairs else np.array([int(np.argmin(each)) for each in effects])
    return Problem(f"{kind} d={d}", space, loss, float(loss(point)), point)


def _variable(kind: int, rng: np.random.Generator) -> Variable:
    if kind == 0:
        return Categorical(range(int(rng.integers(3, 7))))
    return Integer(0, int(rng.integers(4, 20))) if kind == 1 else Boolean()


def _effect(variable: Variable, rng: np.random.Generator) -> Floats:
    """`(k,)` contributions of its values, of mean 0 and variance 1."""
    k = int(variable.size)
    if isinstance(variable, Integer):
        effect = np.abs(np.arange(k) - rng.uniform(0, k - 1)) ** rng.uniform(1, 2)
    else:
        effect = rng.standard_normal(k)
    effect = effect - effect.mean()
    return np.asarray(effect / effect.std())


def _scaled(parts: list[Floats], variance: float) -> list[Floats]:
    """The parts, whose variances sum to this."""
    factor = np.sqrt(variance / sum(part.var() for part in parts))
    return [part * factor for part in parts]


def _around(ring: Codes) -> list[tuple[int, int]]:
    return list(zip(ring.tolist(), np.roll(ring, -1).tolist(), strict=True))


def _best_on_ring(ring: Codes, effects: Sequence[Floats], pairs: Sequence[Floats]) -> Codes:
    """The codes of least loss, by dynamic programming: given the first variable's value, the others are a chain."""
    best, codes = np.inf, np.empty(len(ring), dtype=np.int64)
    for first in range(len(effects[ring[0]])):
        sums, chosen = np.where(np.arange(len(effects[ring[0]])) == first, 0.0, np.inf), []
        for i, pair in zip(ring, pairs, strict=True):
            table = (sums + effects[i])[:, None] + pair  # (values of this variable, values of the next)
            chosen.append(table.argmin(axis=0))
            sums = table.min(axis=0)
        if sums[first] < best:
            best, value = sums[first], first  # back where it began
            for i, back in zip(ring[::-1], chosen[::-1], strict=True):
                value = codes[i] = back[value]
    return codes


def run(method: str, kind: str, d: int, deviation: float, seed: int, budget: int) -> dict[str, Any]:
    """The "regret" of the recommended point at the evaluations of `GRID`: its true loss over the optimum's, relative to
    that of a random point; 0 is the optimum, 1 as good as random."""
    start, made, rng = time.perf_counter(), problem(kind, d, seed), np.random.default_rng([seed, 1])
    optimizer, regrets = ENTRIES[method].load()(Setting(made.space, budget, noisy=True), seed), []
    for n in range(1, budget + 1):
        codes = optimizer.ask()
        optimizer.tell(codes, float(made.loss(codes)) + deviation * rng.standard_normal())
        if n in GRID:
            regrets.append(round(1 - float(made.loss(optimizer.recommend())) / made.optimum, 5))
    return {"regret": regrets, "seconds": round(time.perf_counter() - start, 2)}
