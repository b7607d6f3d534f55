"""The recorded trajectories of the published update, reproduced through the public interface."""

from pathlib import Path

import numpy as np
import oracles
import pytest

from asng_core import ASNG, Batch, Space
from asng_core.families.categorical import CategoricalFamily
from asng_core.families.coordinates import Positions
from asng_core.families.gaussian import GaussianFamily
from asng_core.families.product import ProductFamily
from asng_core.ranking import ranks, utilities

GOLDEN = Path(__file__).parents[2] / "golden"


def assert_recorded(actual, expected):
    assert np.max(np.abs(actual - expected) / np.maximum(1, np.abs(expected))) <= 1e-7


def tell_codes(optimizer, codes, losses):
    """Tell losses of given points, as if the optimizer had asked just them."""
    state = optimizer.state_dict()
    ids = list(range(optimizer.n_asked, optimizer.n_asked + len(codes)))
    state["open"] = oracles.opened(ids, codes, state["generation"])
    state["n_asked"] += len(codes)
    optimizer.load_state_dict(state)
    optimizer.tell(Batch(optimizer.space, codes.astype(np.int64), ids), losses)


@pytest.mark.parametrize("name", ["uniform_30x5_lam2", "ragged_lam4", "binary_50_lam6_ties", "ragged_lam10_noise"])
def test_recorded_trajectory_is_reproduced(name):
    record = np.load(GOLDEN / f"{name}.npz")
    optimizer = ASNG(Space.categorical(record["categories"].tolist()), population_size=2)
    for t in range(len(record["codes"])):
        tell_codes(optimizer, record["codes"][t], record["losses"][t])
        state = optimizer.state_dict()
        assert_recorded(state["theta"], np.concatenate([row[:k] for row, k in zip(
            record["theta"][t + 1], record["categories"], strict=True)]))
        assert_recorded(state["step_size"]["Delta"], record["Delta"][t + 1])
        assert_recorded(state["step_size"]["gamma"], record["gamma"][t + 1])
        assert_recorded(state["step_size"]["s"], record["s"][t + 1])


def test_recorded_mixed_single_steps_are_reproduced():
    record = np.load(GOLDEN / "mixed_single_step_lam4.npz")
    categories, low = record["categories"], record["ranges"][:, 0]
    sizes = record["ranges"][:, 1] - low + 1
    family = ProductFamily([
        (CategoricalFamily(categories, margin=1 / 3), np.arange(3)),
        (GaussianFamily(Positions(sizes), margin=1 / 3, sigma_min=0.25), np.arange(3, 6)),
    ])

    def theta(probabilities, moments):
        means, stds = moments[0], np.sqrt(moments[1] - moments[0] ** 2)
        return np.concatenate([*(row[:k] for row, k in zip(probabilities, categories, strict=True)), means - low, stds])

    for t in range(len(record["losses"])):
        before = theta(record["cat0"][t], record["int0"][t])
        draws = np.concatenate([record["codes"][t], record["z"][t] - low], axis=1)
        gradient = family.natural_gradient(before, utilities(ranks(record["losses"][t])), draws)
        length = np.linalg.norm(family.root_fisher(before, gradient))
        assert_recorded(len(draws) / length, record["eps"][t])
        assert_recorded(family.step(before, gradient, 1 / length), theta(record["cat1"][t], record["int1"][t]))
