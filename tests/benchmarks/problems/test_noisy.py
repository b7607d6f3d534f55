"""The generated problems under noise against enumeration."""

import numpy as np
import pytest

from benchmarks.problems import noisy


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", noisy.KINDS)
def test_the_optimum_is_known_and_the_loss_is_scaled(kind, seed):
    problem = noisy.problem(kind, 5, seed)
    sizes = problem.space.sizes
    losses = problem.loss(np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1))
    assert problem.loss(problem.point) == problem.optimum == pytest.approx(losses.min(), abs=1e-9)
    assert (losses.mean(), losses.std()) == (pytest.approx(0, abs=1e-9), pytest.approx(1))


def test_where_variables_interact_half_of_the_variance_is_theirs_alone():
    problem = noisy.problem("interacting", 5, 0)
    sizes = problem.space.sizes
    losses = problem.loss(np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1)).reshape(sizes)
    alone = [losses.mean(axis=tuple(j for j in range(5) if j != i)) for i in range(5)]
    assert sum(each.var() for each in alone) == pytest.approx(0.5)


def test_a_run_scores_the_recommended_point_by_its_true_loss():
    found = noisy.run("random search", "separable", 6, 0.1, 0, 100)
    assert len(found["regret"]) == 3  # after 20, 50 and 100 evaluations
    assert min(found["regret"]) >= 0
    assert noisy.run("random search", "separable", 6, 0.1, 0, 100)["regret"] == found["regret"]
