"""Every family against sums over all its points: sampling, gradients, Fisher metric, limits."""

import cases
import numpy as np
import oracles
import pytest
import scipy.stats

from asng_core.families.categorical import CategoricalFamily
from asng_core.families.coordinates import Interval, LogPositions, Positions
from asng_core.families.gaussian import GaussianFamily
from asng_core.families.normal import entropy
from asng_core.families.product import ProductFamily

ONE = np.array([1.0])


ALL = {**cases.FAMILIES, **cases.CONTINUOUS_FAMILIES}


@pytest.fixture(params=cases.FAMILIES)
def case(request):
    family, theta, (draws, weights) = cases.FAMILIES[request.param]()
    return family, theta, draws, weights


@pytest.fixture(params=ALL)
def any_case(request):
    family, theta, (draws, weights) = ALL[request.param]()
    return family, theta, draws, weights


def gradients(family, theta, draws):
    """The natural gradient of each draw's log-probability, (n, n_parameters)."""
    return np.array([family.natural_gradient(theta, ONE, draw[None]) for draw in draws])


def test_probabilities_of_all_points_sum_to_one(case):
    family, theta, _, _ = case
    log_probabilities = family.log_probabilities(theta, oracles.all_codes(family.sizes))
    assert np.exp(log_probabilities.sum(axis=1)).sum() == pytest.approx(1, abs=1e-12)


def test_samples_are_as_frequent_as_their_probabilities(case):
    family, theta, _, _ = case
    n = 20_000
    codes = family.codes(family.sample(theta, n, np.random.default_rng(1)))
    for i, size in enumerate(family.sizes):
        point = family.mode(theta)
        points = np.tile(point, (size, 1))
        points[:, i] = np.arange(size)
        expected = n * np.exp(family.log_probabilities(theta, points)[:, i])
        observed = np.bincount(codes[:, i], minlength=size)
        common = expected > 5
        chi2 = ((observed - expected)[common] ** 2 / expected[common]).sum()
        assert scipy.stats.chi2.sf(chi2, max(common.sum() - 1, 1)) > 1e-3


def test_variables_are_drawn_independently(any_case):
    family, theta, _, _ = any_case
    draws = family.sample(theta, 20_000, np.random.default_rng(2))[:, family.sizes != 1]
    correlation = np.corrcoef(draws, rowvar=False) - np.eye(draws.shape[1])
    assert np.abs(correlation).max() < 0.03


def test_expected_natural_gradient_of_the_log_probability_is_zero(any_case):
    family, theta, draws, weights = any_case
    assert weights @ gradients(family, theta, draws) == pytest.approx(0, abs=1e-12)


def test_root_fisher_coordinates_of_a_draw_have_unit_covariance(any_case):
    """The natural gradient of a draw has covariance F^-1, so that F^(1/2) turns it into the identity."""
    family, theta, draws, weights = any_case
    roots = np.array([family.root_fisher(theta, gradient) for gradient in gradients(family, theta, draws)])
    assert roots.shape[1] == family.n_theta
    assert (roots * weights[:, None]).T @ roots == pytest.approx(np.eye(family.n_theta), abs=1e-10)


def test_entropy_is_that_of_the_rounded_distribution(case):
    family, theta, _, _ = case
    codes = oracles.all_codes(family.sizes)
    log_probability = family.log_probabilities(theta, codes).sum(axis=1)
    assert family.entropy(theta).sum() == pytest.approx(-(np.exp(log_probability) * log_probability).sum(), abs=1e-9)


def test_leaving_probability_is_that_of_any_other_code(case):
    family, theta, _, _ = case
    codes = family.codes(family.sample(theta, 50_000, np.random.default_rng(3)))
    assert (codes != family.mode(theta)).mean(axis=0) == pytest.approx(family.leaving_probability(theta), abs=0.01)


def test_a_step_toward_one_point_ends_at_the_margin(case):
    """One meaning of the margin: the probability with which a converged variable leaves its mode."""
    family, theta, _, _ = case
    codes = family.sizes // 2
    for _ in range(300):
        theta = family.step(theta, family.natural_gradient(theta, ONE, family.draws(codes)[None]), 0.1)
    assert family.mode(theta).tolist() == codes.tolist()
    # the logarithm of a value is not quite in the middle of its bin
    tolerance = 0.02 if isinstance(getattr(family, "coordinates", None), LogPositions) else 1e-6
    expected = np.where(family.sizes > 1, cases.MARGIN, 0)
    assert family.leaving_probability(theta) == pytest.approx(expected, abs=tolerance)
    assert family.settled(theta, cases.MARGIN).all()


def test_large_steps_stay_within_the_limits(case):
    family, theta, draws, _ = case
    for draw in draws[:: max(1, len(draws) // 50)]:
        after = family.step(theta, family.natural_gradient(theta, ONE, draw[None]), 1e6)
        probabilities = np.exp(family.log_probabilities(after, oracles.all_codes(family.sizes)).sum(axis=1))
        assert np.isfinite(after).all()
        assert probabilities.sum() == pytest.approx(1)
        assert family.leaving_probability(after).max() < 1


def test_natural_gradient_of_an_expected_loss_matches_its_derivative():
    """sum_c p(c) f(c) (T(c) - theta) = F^-1 dJ/dtheta, in the coordinates of all but the last category."""
    family, theta, (draws, weights) = cases.FAMILIES["categorical"]()
    f = np.random.default_rng(4).random(len(draws))
    estimate = family.natural_gradient(theta, weights * f, draws)
    start = 0
    for i, size in enumerate(family.sizes):
        p = theta[start : start + size]
        # dJ/dtheta_k with theta_K = 1 - sum of the others
        score = np.array([(draws[:, i] == k) / p[k] - (draws[:, i] == size - 1) / p[-1] for k in range(size - 1)])
        derivative = score.reshape(size - 1, len(f)) @ (weights * f)
        fisher = np.diag(1 / p[:-1]) + 1 / p[-1]
        if size > 1:
            assert estimate[start : start + size - 1] == pytest.approx(np.linalg.solve(fisher, derivative), abs=1e-12)
        assert estimate[start : start + size].sum() == pytest.approx(0, abs=1e-12)
        start += size


def test_gaussian_gradient_and_step_are_those_of_the_expectation_parameters():
    """Against G = sum_j u_j (T(z_j) - E[T]) with T(z) = (z, z^2), formed directly."""
    family, theta, _ = cases.FAMILIES["gaussian"]()
    (m, s), rng = np.split(theta, 2), np.random.default_rng(5)
    draws, utilities = family.sample(theta, 6, rng), np.array([1.0, 1, 0, 0, -1, -1])
    moments = np.stack([m, m**2 + s**2])
    direct = np.einsum("j,jki->ki", utilities, np.stack([draws, draws**2], axis=1) - moments)
    gradient = family.natural_gradient(theta, utilities, draws)
    for i in range(2):
        variance_of_t = np.array([[s[i] ** 2, 2 * m[i] * s[i] ** 2],
                                  [2 * m[i] * s[i] ** 2, 4 * m[i] ** 2 * s[i] ** 2 + 2 * s[i] ** 4]])
        length = np.sqrt(direct[:, i] @ np.linalg.solve(variance_of_t, direct[:, i]))  # F = Cov(T)^-1
        assert np.linalg.norm(family.root_fisher(theta, gradient).reshape(2, 2)[:, i]) == pytest.approx(length)
    after = family.step(theta, gradient, 0.02)
    new = moments + 0.02 * direct
    assert after == pytest.approx(np.concatenate([new[0], np.sqrt(new[1] - new[0] ** 2)]), abs=1e-12)


def test_fisher_length_of_categoricals_is_the_sum_over_categories():
    family, theta, (draws, _) = cases.FAMILIES["categorical"]()
    gradient = family.natural_gradient(theta, np.array([1.0, -0.5, -0.5]), draws[[0, 11, 23]])
    assert np.linalg.norm(family.root_fisher(theta, gradient)) == pytest.approx(np.sqrt((gradient**2 / theta).sum()))


def test_relabelling_the_categories_permutes_gradient_and_step():
    family, theta, _ = cases.FAMILIES["categorical"]()
    rng = np.random.default_rng(6)
    codes, utilities = family.sample(theta, 5, rng), np.array([1.0, 1, 0, -1, -1])
    orders = [rng.permutation(size) for size in family.sizes]  # new position -> old category
    flat = np.concatenate([order + start for order, start in zip(orders, np.cumsum(family.sizes) - family.sizes,
                                                                strict=True)])
    relabelled = np.stack([np.argsort(order)[codes[:, i].astype(int)] for i, order in enumerate(orders)], axis=1)
    gradient = family.natural_gradient(theta, utilities, codes)
    permuted = family.natural_gradient(theta[flat], utilities, relabelled.astype(float))
    assert permuted == pytest.approx(gradient[flat], abs=1e-15)
    length = np.linalg.norm(family.root_fisher(theta, gradient))
    assert np.linalg.norm(family.root_fisher(theta[flat], permuted)) == pytest.approx(length, abs=1e-13)
    assert family.step(theta[flat], permuted, 0.4) == pytest.approx(family.step(theta, gradient, 0.4)[flat], abs=1e-15)


def test_a_product_of_one_is_the_one():
    one, theta, _ = cases.FAMILIES["categorical"]()
    product = ProductFamily([(one, np.arange(4))])
    draws = one.sample(theta, 7, np.random.default_rng(7))
    assert np.array_equal(draws, product.sample(theta, 7, np.random.default_rng(7)))
    gradient = one.natural_gradient(theta, np.linspace(-1, 1, 7), draws)
    assert np.array_equal(gradient, product.natural_gradient(theta, np.linspace(-1, 1, 7), draws))
    assert np.array_equal(one.root_fisher(theta, gradient), product.root_fisher(theta, gradient))
    assert np.array_equal(one.step(theta, gradient, 0.1), product.step(theta, gradient, 0.1))


def test_the_mode_is_the_first_of_equally_likely_categories():
    family = CategoricalFamily(np.array([3, 4]), 0.1)
    assert family.mode(np.array([0.4, 0.2, 0.4, 0.25, 0.25, 0.25, 0.25])).tolist() == [0, 0]


def test_a_million_variables_are_sampled_without_drift():
    """The running sum over all variables must not leak from one to the next."""
    sizes = np.full(1_000_000, 5)
    family = CategoricalFamily(sizes, 1e-6)
    theta = np.tile([0.1, 0.2, 0.4, 0.2, 0.1], len(sizes))
    codes = family.sample(theta, 1, np.random.default_rng(8))[0]
    for part in (codes[:200_000], codes[-200_000:]):
        assert np.bincount(part.astype(int), minlength=5) / len(part) == pytest.approx(theta[:5], abs=0.005)


@pytest.mark.parametrize("sigma", [0.4, 30.0, 1e6, 2.0**51])
@pytest.mark.parametrize("mean", [0.0, 0.3, 0.5, 1.0])
def test_gaussians_over_huge_ranges_keep_their_precision(sigma, mean):
    family = GaussianFamily(Positions(np.array([2**53 + 1])), 0.1)
    theta = np.array([np.rint(mean * 2**53), sigma])
    codes = family.codes(family.sample(theta, 2000, np.random.default_rng(9)))
    assert codes.min() >= 0
    assert codes.max() <= 2**53
    if sigma < 2**51:
        inner = np.array([[int(theta[0]) + 1 if mean < 1 else int(theta[0]) - 1]])
        expected = scipy.stats.norm.cdf(1.5 / sigma) - scipy.stats.norm.cdf(0.5 / sigma)
        assert np.exp(family.log_probabilities(theta, inner))[0, 0] == pytest.approx(expected, rel=1e-7)
        gaussian = np.log(sigma * np.sqrt(2 * np.pi * np.e))
        if mean in (0.3, 0.5) and sigma > 1:
            assert family.entropy(theta)[0] == pytest.approx(gaussian, abs=1e-3)
    assert 0 <= family.entropy(theta)[0] <= np.log(2.0**53)
    assert 0 <= family.leaving_probability(theta)[0] <= 1


@pytest.mark.parametrize("sigma", [1e3, 1e6, 1e12])
def test_bins_much_narrower_than_sigma_have_the_density_as_probability(sigma):
    family = GaussianFamily(Positions(np.array([2**53])), 0.1)
    mean = 2.0**52
    log_probability = family.log_probabilities(np.array([mean, sigma]), np.array([[int(mean + sigma)]]))[0, 0]
    assert log_probability == pytest.approx(scipy.stats.norm.logpdf(1) - np.log(sigma), abs=1e-6)


def test_categories_are_drawn_by_the_inverse_of_their_distribution_function():
    class Given:
        def __init__(self, uniform):
            self.uniform = uniform

        def random(self, shape):
            return np.full(shape, self.uniform)

    family, theta, _ = cases.FAMILIES["categorical"]()  # 0.2 0.5 0.3 | 0.6 0.4 | 1 | 0.1 0.2 0.3 0.4
    for uniform, expected in ((0.0, [0, 0, 0, 0]), (0.1 - 1e-9, [0, 0, 0, 0]), (0.1 + 1e-9, [0, 0, 0, 1]),
                              (0.2 + 1e-9, [1, 0, 0, 1]), (0.6 - 1e-9, [1, 0, 0, 2]), (0.6 + 1e-9, [1, 1, 0, 3]),
                              (0.7 + 1e-9, [2, 1, 0, 3]), (1 - 2**-53, [2, 1, 0, 3])):
        assert family.sample(theta, 2, Given(uniform)).tolist() == [expected, expected]


def test_far_tails_have_finite_log_probabilities():
    family = GaussianFamily(Positions(np.array([30])), 0.1)
    log_probability = family.log_probabilities(np.array([0.0, 1.0]), np.array([[25]]))[0, 0]
    assert log_probability == pytest.approx(scipy.stats.norm.logsf(24.5), rel=1e-6)


def test_codes_stand_for_draws_and_back(any_case):
    family, theta, _, _ = any_case
    codes = family.codes(family.sample(theta, 200, np.random.default_rng(10)))
    assert family.codes(family.draws(codes)) == pytest.approx(codes, rel=1e-12)


def test_log_densities_are_those_of_the_draws(any_case):
    """Against the derivative of log p along the natural gradient of one draw: its squared Fisher length."""
    family, theta, draws, _ = any_case
    for draw in draws[:: max(1, len(draws) // 20)]:
        gradient = family.natural_gradient(theta, ONE, draw[None])
        h = 1e-6
        after, before = (family.log_densities(family.step(theta, gradient, length), draw[None]).sum()
                         for length in (h, -h))
        length = np.linalg.norm(family.root_fisher(theta, gradient))
        assert (after - before) / (2 * h) == pytest.approx(length**2, rel=1e-5)


def test_cells_that_no_float_gives_a_probability_add_nothing_to_the_entropy():
    near = scipy.stats.norm.cdf([-1.5, -0.5, 0.5, 1.5], scale=0.5)
    p = np.diff([0.0, *near, 1.0])
    found = entropy(np.array([-1.5, -0.5, 0.5, 1.5, 60.0]), 0.5, np.ones(6))
    assert found == pytest.approx(-(p * np.log(p)).sum())


def test_the_cells_of_a_long_log_scale_are_between_its_values():
    coordinates, last = LogPositions(np.array([2**30]), np.array([1.0])), 2**30 - 1
    inner, codes = coordinates.cells(0, 10.0, 3.0)
    edges = np.exp(inner + 10.0) - 1.0
    assert 500 < len(edges) == len(codes) - 1 <= 2000
    np.testing.assert_allclose(edges, np.floor(edges) + 0.5, atol=1e-3)
    assert (edges[0], edges[-1]) == (pytest.approx(0.5), pytest.approx(last - 0.5))
    np.testing.assert_allclose(codes[1:-1], np.diff(edges), atol=1e-3)


def test_log_densities_are_scipys():
    family, theta = GaussianFamily(Positions(np.array([30, 9])), 0.1), np.array([3.0, 7.0, 2.0, 0.5])
    mean, std, draws = theta[:2], theta[2:], np.array([[0.0, 7.5], [29.0, 8.0]])
    assert family.log_densities(theta, draws) == pytest.approx(scipy.stats.norm.logpdf(draws, mean, std))


def test_theta_is_rebuilt_from_its_marginals(any_case):
    family, theta, _, _ = any_case
    limited = family.from_marginals(family.marginals(theta))
    assert family.from_marginals(family.marginals(limited)) == pytest.approx(limited, abs=1e-12)
    assert limited == pytest.approx(theta, abs=0.06)  # the margin lifts what is below it


def test_utilities_per_variable_are_those_of_each_variable_alone(any_case):
    family, theta, draws, _ = any_case
    rng = np.random.default_rng(11)
    u = rng.standard_normal((6, len(family.sizes)))
    u -= u.mean(axis=0)
    draws = draws[rng.integers(len(draws), size=6)]
    together = family.root_fisher(theta, family.natural_gradient(theta, u, draws))
    alone = 0
    for i in range(len(family.sizes)):
        only = np.where(np.arange(len(family.sizes)) == i, u, 0.0)
        column = family.natural_gradient(theta, u[:, i], draws) - family.natural_gradient(theta, only, draws)
        alone = alone + family.root_fisher(theta, family.natural_gradient(theta, only, draws))
        # what remains of the gradient without variable i's part has nothing of variable i
        assert family.marginals(column)[i] == pytest.approx(0, abs=1e-12)
    assert together == pytest.approx(alone, abs=1e-12)


def test_mirrored_gaussians_are_antithetic_and_distributed_alike(any_case):
    family, theta, _, _ = any_case
    draws = family.sample(theta, 20_001, np.random.default_rng(12), mirrored=True)
    plain = family.sample(theta, 20_001, np.random.default_rng(13))
    for i, marginal in enumerate(family.marginals(theta)):
        if family.sizes[i] == 0 or (draws[:, i] != np.rint(draws[:, i])).any():
            assert draws[:-1:2, i] + draws[1::2, i] == pytest.approx(2 * marginal[0])
        assert draws[:, i].std() == pytest.approx(plain[:, i].std(), rel=0.03)


def test_densities_of_a_continuum_integrate_to_one():
    family, theta, _ = cases.CONTINUOUS_FAMILIES["interval"]()
    x = np.linspace(0, 1, 20_001)
    codes = family.codes(np.stack([x, x], axis=1))
    mean, sigma = np.split(theta, 2)
    inside = scipy.stats.norm.cdf((1 - mean) / sigma) - scipy.stats.norm.cdf(-mean / sigma)
    assert np.exp(family.log_probabilities(theta, codes)).mean(axis=0) == pytest.approx(inside, abs=1e-3)


def test_a_continuum_reaches_its_bounds_exactly_and_never_passes_them():
    axes = Interval(np.array([0.1, 0.3]), np.array([0.7, 1e300]), np.array([False, True]))
    assert axes.codes(np.array([[-1.0, 0.0], [2.0, 1.0]])).tolist() == [[0.1, 0.3], [0.7, 1e300]]


def test_the_entropy_of_a_continuum_is_that_of_its_thousandths():
    family, theta, _ = cases.CONTINUOUS_FAMILIES["interval"]()
    grid = GaussianFamily(Positions(np.array([1001, 1001])), cases.MARGIN)
    assert family.entropy(theta) == pytest.approx(grid.entropy(theta * 1000))
    assert family.normalized_entropy(theta) == pytest.approx(grid.normalized_entropy(theta * 1000))


def test_a_continuum_is_settled_within_a_tenth_of_its_smallest_sigma():
    family, _, _ = cases.CONTINUOUS_FAMILIES["interval"]()
    assert family.settled(np.array([0.5, 0.5, 1.09e-3, 1.11e-3]), cases.MARGIN).tolist() == [True, False]


@pytest.mark.parametrize(("n", "margin"), [(2, 0.25), (3, 0.25), (2, 0.1), (10, 0.25), (10, 0.01), (1000, 0.001)])
def test_a_variable_has_converged_where_the_documented_rule_says(n, margin):
    least = max(1 - 2 * margin, (1 + 1 / n - margin) / 2)
    family = CategoricalFamily(np.array([n]), margin)
    for probability, settled in ((least - 1e-9, False), (least + 1e-9, True)):
        theta = np.full(n, (1 - probability) / (n - 1))
        theta[0] = probability
        assert family.settled(theta, margin).tolist() == [settled]
