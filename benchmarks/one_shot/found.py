"""What each strategy found, of the stored runs, and how well supernets rank networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asng_core.arrays import Floats

from . import space, strategies, truth
from .strategies.setup import Recipe

OURS, UNIFORM = "ASNG", "uniform"  # tasks of their own: the search, and the supernet of uniformly drawn networks


@dataclass(frozen=True)
class Found:
    """By one run: the architecture in words, and what it took."""

    words: str
    training_passes: int
    validation_passes: int
    seconds: float
    wall: float
    memory: float


def found(records: Sequence[dict[str, Any]]) -> dict[str, list[Found]]:
    """Strategy -> its runs by seed; those on the uniformly trained supernet look up the stored losses."""
    runs: dict[str, list[Found]] = {name: [] for name in (*strategies.SEARCHES, *strategies.ON_UNIFORM)}
    for record in by_seed(records):
        task, result = record["task"], record["result"]
        if task["kind"] in strategies.SEARCHES:
            runs[task["kind"]].append(Found(*(result[key] for key in (
                "found", "training_passes", "validation_passes", "seconds", "wall", "memory"))))
        elif task["kind"] == UNIFORM:
            for name in strategies.ON_UNIFORM:
                runs[name].append(looked_up(name, task, result))
    return {name: each for name, each in runs.items() if each}


def looked_up(name: str, task: dict[str, Any], result: dict[str, Any]) -> Found:
    """What a strategy would have found on the trained supernet, judging as many networks as it can afford."""
    recipe = Recipe(**task["recipe"])
    losses = dict(zip(space.architectures(), result["losses"], strict=True))
    judged = 0

    def judge(words: list[str]) -> Floats:
        nonlocal judged
        judged += len(words)
        return np.array([losses[each] for each in words])

    words = strategies.ON_UNIFORM[name](judge, recipe.affordable, task["seed"])
    share, judging = judged / len(losses), result["judging"]
    return Found(words, result["training_passes"], judged * recipe.judging_passes,
                 result["seconds"] + share * judging["seconds"], result["wall"] + share * judging["wall"],
                 max(result["memory"], judging["memory"]))


def by_seed(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(records, key=lambda record: int(record["task"]["seed"]))


def uniform_losses(records: Sequence[dict[str, Any]]) -> list[Floats]:
    """Of each uniformly trained supernet, by seed, the losses of all networks."""
    return [np.array(record["result"]["losses"]) for record in by_seed(records) if record["task"]["kind"] == UNIFORM]


def taus(records: Sequence[dict[str, Any]], kind: str, table: truth.Table, share: float = 1.0) -> list[float]:
    """By seed, how that supernet's ranking of the truly best `share` of all networks agrees with the truth."""
    best = np.argsort(-table.means, kind="stable")[:round(share * len(table))]
    return [kendall(-np.array(record["result"]["losses"])[best], table.means[best]) for record in by_seed(records)
            if record["task"]["kind"] == kind]


def own_ranks(records: Sequence[dict[str, Any]]) -> list[int]:
    """By seed, the rank of ASNG's network among all by the losses on its own supernet's weights."""
    results = [record["result"] for record in by_seed(records) if record["task"]["kind"] == OURS]
    at = [result["losses"][space.architectures().index(result["found"])] for result in results]
    return [int((np.array(result["losses"]) < loss).sum()) + 1 for result, loss in zip(results, at, strict=True)]


def kendall(a: Floats, b: Floats) -> float:
    """Kendall's tau-b."""
    signs = [np.sign(np.subtract.outer(values, values)) for values in (a, b)]
    return float((signs[0] * signs[1]).sum() / np.sqrt(np.prod([np.abs(sign).sum() for sign in signs])))
