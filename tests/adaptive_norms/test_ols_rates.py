import itertools
import math

import numpy as np
import pytest
from scipy import integrate

from simulations.adaptive_norms.ols_rates import normal_mixture, size_biased, skewed_products
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from theory.adaptive_norms.ols_rates import (
    expected_share,
    gaussian_share_moments,
    heavy_tail_deficit,
    second_order_coefficient,
    third_order_coefficient,
    two_row_expected_share,
)
from theory.adaptive_norms.ols_share import mean_absolute_inner_product
from theory.adaptive_norms.product_laws import entry_moments

LAWS = [("gaussian", None), ("uniform", None), ("laplace", None), ("exponential", None),
        ("skewed", None), ("student_t", 10.0)]  # fmt: skip


def scaled_gap(n, law, degrees=None):
    e_n = mean_absolute_inner_product(n, law, degrees)
    return n * (e_n / math.sqrt(2 * n / math.pi) - 1)


def stream(key):
    return Stream(select_backend("numpy"), key=key, block=0)


@pytest.mark.parametrize(("law", "degrees"), LAWS)
def test_both_coefficients_against_the_exact_mean(law, degrees):
    """The gap closes like n^-2, so that both terms of the expansion are the true ones."""
    third, fourth = entry_moments(law, degrees)[:2]
    remainders = []
    for n in (2**16, 2**18):
        two_terms = (
            second_order_coefficient(third, fourth) + third_order_coefficient(law, degrees) / n
        )
        remainders.append(abs(scaled_gap(n, law, degrees) - two_terms))
    # n (ratio - 1) at n = 2^18 keeps 1e-13 n = 3e-8; an n^-2 term falls by 16.
    assert remainders[1] < max(3e-7, remainders[0] / 12)


def test_published_coefficients_at_small_n():
    assert scaled_gap(32, "laplace") == pytest.approx(-1.114, abs=5e-4)
    assert scaled_gap(32, "exponential") == pytest.approx(-1.621, abs=5e-4)


def test_gaussian_series():
    # e_n/sqrt(2n/pi) = 1 - 1/(4n) + 1/(32 n^2) + 5/(128 n^3) + O(n^-4).
    n = 1000
    assert scaled_gap(n, "gaussian") == pytest.approx(-1 / 4 + 1 / (32 * n), abs=1e-7)


def test_deficits_fall_and_vanish():
    deficits = [heavy_tail_deficit(n, 2.2) for n in (1, 10, 10**3, 10**6, 10**12)]
    assert all(a > b > 0 for a, b in itertools.pairwise(deficits))
    assert heavy_tail_deficit(10**12, 4.5) < 1e-6
    with pytest.raises(ValueError, match="n is 0; it must be >= 1"):
        heavy_tail_deficit(0, 3.0)


@pytest.mark.parametrize(("d", "n"), [(2, 2), (3, 4), (6, 3)])
def test_share_moments_by_simulation(d, n):
    trials = 60_000
    x = np.asarray(stream(17).normal((trials, d, n)))
    h = np.abs(x @ np.swapaxes(x, 1, 2))
    diagonal = np.trace(h, axis1=1, axis2=2)
    off = h.sum(axis=(1, 2)) - diagonal
    moments = gaussian_share_moments(d, n)
    centred = [diagonal - moments.mean_diagonal, off - moments.mean_off]
    pairs = {"mean_diagonal": diagonal, "mean_off": off, "variance_diagonal": centred[0] ** 2,
             "covariance": centred[0] * centred[1], "variance_off": centred[1] ** 2}  # fmt: skip
    residual = diagonal - moments.share_of_expectation * (diagonal + off)
    for name, sample in {**pairs, "residual_variance": residual**2}.items():
        error = sample.std() / math.sqrt(trials)
        # Six standard errors: squares are skewed.
        assert abs(sample.mean() - getattr(moments, name)) < 6 * error, name


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9, 50])
def test_two_rows_by_integration(n):
    # r = 2x'y/(|x|^2 + |y|^2) = sin(theta) has a density proportional to cos(theta)^(n-1).
    weight = integrate.quad(lambda a: math.cos(a) ** (n - 1), 0, math.pi / 2)[0]
    value = integrate.quad(lambda a: math.cos(a) ** (n - 1) / (1 + math.sin(a)), 0, math.pi / 2)[0]
    assert two_row_expected_share(n) == pytest.approx(value / weight, rel=1e-10)


def test_two_rows_near_the_removable_point_and_errors():
    assert two_row_expected_share(2) == math.log(2)
    with pytest.raises(ValueError, match="n is 0; it must be >= 1"):
        two_row_expected_share(0)


def test_covariance_identity_on_a_sample():
    """The empirical law of any sample is a law: the identity holds for it to rounding."""
    generator = np.random.default_rng(2)
    diagonal, off = generator.exponential(size=(2, 50))
    total = diagonal + off
    share = diagonal / total
    covariance = np.mean(share * total) - share.mean() * total.mean()
    left, right = expected_share(share.mean(), diagonal.mean(), total.mean(), covariance)
    assert left == pytest.approx(right, rel=1e-13)


def test_delta_method_is_good_to_its_order():
    moments = gaussian_share_moments(2, 400)
    _, approximate = expected_share(
        0.0, moments.mean_diagonal, moments.mean_total, moments.share_covariance
    )
    correction = approximate - moments.share_of_expectation
    # The relative remainder falls like n^(-1/2): 6.8 % at n = 64.
    assert approximate - two_row_expected_share(400) == pytest.approx(0, abs=0.04 * correction)


@pytest.mark.parametrize(("law", "degrees", "n"), [("laplace", None, 6), ("student_t", 10.0, 5)])
def test_normal_mixture_means_the_exact_coefficient(law, degrees, n):
    sample = normal_mixture(stream(8), 100_000, law=law, degrees=degrees, n=n)["coefficient"]
    error = sample.std() / math.sqrt(sample.size)
    assert abs(sample.mean() - scaled_gap(n, law, degrees)) < 5 * error


@pytest.mark.parametrize(("law", "n"), [("skewed", 3), ("rademacher", 4), ("rademacher", 5)])
def test_control_variates_leave_the_mean(law, n):
    sample = skewed_products(stream(9), 100_000, law=law, degrees=None, n=n)["coefficient"]
    error = sample.std() / math.sqrt(sample.size)
    assert abs(sample.mean() - scaled_gap(n, law)) < 5 * error


@pytest.mark.parametrize(("n", "degrees"), [(8, 3.0), (32, 2.2)])
def test_change_of_measure_leaves_the_mean(n, degrees):
    """Against S_n itself; five standard errors of both, with the heavy tail bounded at 40 sd."""
    biased = size_biased(stream(10), 40_000, n=n, degrees=degrees)["deficit"]
    error = biased.std() / math.sqrt(biased.size)
    assert abs(biased.mean() - heavy_tail_deficit(n, degrees)) < 5 * error
    source, scale = stream(11), (degrees - 2) / degrees
    products = source.student_t(degrees, (200_000, n)) * source.student_t(degrees, (200_000, n))
    absolute = np.abs(products.sum(axis=1)) * scale / math.sqrt(2 * n / math.pi)
    # The truncated mean is a lower bound of the mean up to five standard errors.
    clipped = np.minimum(absolute, 40)
    assert clipped.mean() < 1 - biased.mean() + 5 * (clipped.std() / math.sqrt(2e5) + error)
    assert clipped.mean() > 0.9 * (1 - biased.mean())
