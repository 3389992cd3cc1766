import numpy as np
import pytest
from scipy import integrate, special, stats

from proofs_check.local_geometry.order_statistics import ratio_law
from theory.laws import GAUSSIAN_MEDIAN, MaxOverMedian, StableLemma35, max_over_order_statistic


@pytest.mark.parametrize(("d", "r"), [
    (2, 1.3), (3, 1.2), (3, 40.0), (4, 1.2), (4, 1.9999), (4, 2.0), (4, 700.0), (5, 1.1), (5, 6.0),
    (9, 3.0), (33, 6.0), (33, 25.0), (129, 12.0), (257, 19.0), (1025, 25.0),
])  # fmt: skip
def test_cdf_lies_in_rigorous_enclosures(d, r):
    # The promise is 1e-10; the balls are narrower than 1e-13.
    assert float(abs(ratio_law(d, r) - MaxOverMedian(d).cdf(r)).upper()) < 1e-10


@pytest.mark.parametrize("d", [4, 5, 6, 7, 8, 16, 33, 64, 256, 1001])
def test_interpolation_agrees_with_quadrature(d):
    law = MaxOverMedian(d)
    r = np.concatenate([law.sample(np.random.default_rng(d), 1500), np.geomspace(1.0, 1e9, 500)])
    assert np.max(np.abs(law.cdf(r) - (1.0 - law.sf(r)))) < 1e-10


@pytest.mark.parametrize("r", [1.4, 3.0, 12.0])
def test_even_d_against_an_adaptive_double_integral(r):
    """d = 6 from the joint density of the two middle values, without our nodes."""

    def inside(x):
        return special.erf(x / np.sqrt(2.0))

    def integrand(a, b):
        above = max(inside(np.sqrt(r * (a * a + b * b) / 2.0)) - inside(b), 0.0)
        return np.exp(-(a * a + b * b) / 2.0) * inside(a) ** 2 * above**2

    value, error = integrate.dblquad(integrand, 0.0, 9.0, 0.0, lambda b: b, epsabs=1e-11)
    expected = 720.0 / 4.0 * 2.0 / np.pi * value
    # Where r < 2 the integrand has a kink, which the adaptive rule resolves to its own error.
    assert MaxOverMedian(6).cdf(r) == pytest.approx(expected, abs=180 * error + 1e-10)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 6, 9, 64])
def test_cdf_is_a_distribution_function(d):
    law = MaxOverMedian(d)
    r = np.concatenate([[-1.0, 0.0, 0.999], np.geomspace(1.0, 1e12, 4000), [np.inf]])
    values = law.cdf(r)
    # Cubic interpolation may dip by its own error.
    assert np.all(np.diff(values) >= -1e-10)
    assert values[:3].tolist() == [0.0, 0.0, 0.0]
    assert law.sf(r) == pytest.approx(1.0 - values, abs=1e-10)
    assert values[-1] == pytest.approx(1.0, abs=1e-15)
    assert law.cdf(1.0) == (1.0 if d == 1 else 0.0)
    assert isinstance(law.cdf(3.0), float)
    assert law.cdf(np.full((2, 3), 3.0)).shape == (2, 3)


def test_sf_keeps_the_digits_of_the_tail():
    """Far out P(R > r) falls like r^(-(k+1)/2), k = d // 2."""
    for d, power in ((4, 1.5), (5, 1.5), (6, 2.0), (9, 2.5)):
        low, high = MaxOverMedian(d).sf(np.array([1e5, 1e7]))
        # The next term is smaller by 1/r^(1/2) at least.
        assert np.log(low / high) / np.log(100.0) == pytest.approx(power, abs=0.01)


@pytest.mark.parametrize("d", [2, 3, 4, 5, 8, 16, 33, 257])
def test_ppf_inverts_the_cdf(d):
    law = MaxOverMedian(d)
    p = np.array([1e-6, 0.01, 0.3, 0.5, 0.9, 0.9999])
    assert law.cdf(law.ppf(p)) == pytest.approx(p, abs=1e-10)
    assert law.ppf(0.0) == pytest.approx(1.0)
    assert law.ppf(1.0) == (2.0 if d == 2 else np.inf)
    if d > 3:
        assert law.sf(law.ppf(1.0 - 1e-12)) == pytest.approx(1e-12, rel=1e-3)


@pytest.mark.parametrize(("d", "median"), [(16, 8.8), (64, 14.3), (256, 19.9), (1024, 25.4)])
def test_reference_medians(d, median):
    # The references have one decimal.
    assert MaxOverMedian(d).ppf(0.5) == pytest.approx(median, abs=0.06)


def test_means():
    assert MaxOverMedian(1).mean() == 1.0
    assert MaxOverMedian(2).mean() == pytest.approx(1.0 + 2.0 / np.pi)
    assert MaxOverMedian(3).mean() == np.inf
    y = np.linspace(0.0, 18.0, 1201)
    for d in (4, 5, 8, 17, 64, 257):
        law = MaxOverMedian(d)
        # E R = 1 + int P(R > r) dr in y = log r; beyond, P(R > r) falls like r^(-(k+1)/2).
        tails = law.sf(np.exp(y))
        total = 1.0 + integrate.simpson(tails * np.exp(y), x=y)
        total += tails[-1] * np.exp(18.0) / ((d // 2 + 1) / 2 - 1)
        # The tail's next term is r^(-1/2) = 1e-4 of its 1e-4.
        assert law.mean() == pytest.approx(total, rel=1e-7)


@pytest.mark.parametrize("d", [1, 2, 4, 7, 40])
def test_samples_follow_the_law(d):
    law = MaxOverMedian(d)
    drawn = law.sample(np.random.default_rng(5), (40, 50))
    assert drawn.shape == (40, 50)
    assert np.array_equal(drawn, law.sample(np.random.default_rng(5), (40, 50)))
    assert law.sample(np.random.default_rng(0), 3).shape == (3,)
    if d > 1:
        # Type I error 1e-6 on a fixed seed.
        assert stats.kstest(drawn.ravel(), law.cdf).pvalue > 1e-6


def test_the_test_of_samples_can_fail():
    drawn = MaxOverMedian(7).sample(np.random.default_rng(5), 2000)
    assert stats.kstest(drawn, MaxOverMedian(9).cdf).pvalue < 1e-6


def test_large_d_tends_to_the_largest_square_over_the_median_of_one():
    d = 200_001
    r = 4.0 * np.log(d)
    limit = special.erf(np.sqrt(GAUSSIAN_MEDIAN * r / 2.0)) ** d
    # The median's relative error is 1/sqrt(d), times 2 log d in the exponent.
    assert MaxOverMedian(d).cdf(r) == pytest.approx(limit, abs=2 * np.log(d) / np.sqrt(d))
    assert stats.norm.ppf(0.75) ** 2 == pytest.approx(GAUSSIAN_MEDIAN, rel=1e-14)


def test_order_statistics():
    r = np.array([1.0, 1.5, 7.0, np.inf])
    assert max_over_order_statistic(9, 5)(r) == pytest.approx(MaxOverMedian(9).cdf(r), abs=1e-10)
    lower, upper = (max_over_order_statistic(8, j)(r[1:3]) for j in (4, 5))
    middle = MaxOverMedian(8).cdf(r[1:3])
    assert np.all((lower < middle) & (middle < upper))
    assert max_over_order_statistic(4, 4)(np.array([0.5, 1.0])).tolist() == [0.0, 1.0]
    squares = np.sort(np.random.default_rng(2).standard_normal((3000, 8)) ** 2, axis=1)
    # PyTorch's median of an even number is the lower of the two middle values.
    assert stats.kstest(squares[:, 7] / squares[:, 3], max_over_order_statistic(8, 4)).pvalue > 1e-6


@pytest.mark.parametrize(("call", "message"), [
    (lambda: MaxOverMedian(0), "d is 0"),
    (lambda: MaxOverMedian(2.5), "d is 2.5"),
    (lambda: MaxOverMedian(True), "d is True"),
    (lambda: MaxOverMedian(5).cdf(np.nan), "r has NaN"),
    (lambda: MaxOverMedian(5).cdf("x"), "r is 'x'"),
    (lambda: MaxOverMedian(5).ppf(1.5), "p is 1.5"),
    (lambda: StableLemma35().ppf(-0.1), "p is -0.1"),
    (lambda: max_over_order_statistic(4, 5), "j is 5"),
    (lambda: max_over_order_statistic(4, 0), "j is 0"),
])  # fmt: skip
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


STABLE = StableLemma35()
SCIPY = stats.levy_stable(1, 1, loc=1.0 - np.euler_gamma, scale=np.pi / 2.0)


def test_stable_law_against_scipy():
    z = np.array([-3.0, -2.0, -1.0, 0.0, 0.5, 1.0, 3.0, 10.0, 60.0])
    # SciPy's quadrature is good to about 1e-8.
    assert STABLE.cdf(z) == pytest.approx(SCIPY.cdf(z), abs=1e-7)
    p = np.array([0.1, 0.3, 0.5, 0.8])
    shifted = SCIPY.ppf(p) + np.log(np.pi / 2.0)
    true = STABLE.ppf(p)
    # A SciPy without the missing shift would agree as it is.
    assert true == pytest.approx(shifted, abs=1e-5) or true == pytest.approx(SCIPY.ppf(p), abs=1e-5)


def test_stable_characteristic_function():
    """Log of E exp(iuZ) = -pi/2 |u| - iu log|u| + i(1 - gamma)u, from 200,000 draws."""
    drawn = STABLE.sample(np.random.default_rng(11), 200_000)
    for u in (0.3, 1.0, 2.0):
        exponent = -np.pi / 2.0 * u - 1j * u * np.log(u) + 1j * (1.0 - np.euler_gamma) * u
        found = np.mean(np.exp(1j * u * drawn))
        # Each part has standard error at most 1/sqrt(200,000) = 0.0022; 5 of them.
        assert abs(found - np.exp(exponent)) < 0.0022 * 5 * np.sqrt(2.0)


def test_stable_samples_follow_the_law():
    drawn = STABLE.sample(np.random.default_rng(3), (50, 100))
    assert drawn.shape == (50, 100)
    assert stats.kstest(drawn.ravel(), STABLE.cdf).pvalue > 1e-6
    # The shift that SciPy's quantiles lack is seen at once.
    assert stats.kstest(drawn.ravel() + np.log(np.pi / 2.0), STABLE.cdf).pvalue < 1e-6


def test_stable_tail_and_ends():
    z = np.geomspace(1e2, 1e12, 6)
    # P(Z > z) = (1 + O(log z/z))/z; no mean.
    assert np.all(np.abs(STABLE.sf(z) * z - 1.0) < 2.0 * np.log(z) / z)
    inner = np.linspace(-4.0, 500.0, 700)
    assert np.max(np.abs(STABLE.cdf(inner) + STABLE.sf(inner) - 1.0)) < 1e-10
    assert STABLE.cdf(np.array([-np.inf, -30.0, np.inf])).tolist() == [0.0, 0.0, 1.0]
    assert STABLE.sf(np.array([-np.inf, np.inf])).tolist() == [1.0, 0.0]
    assert STABLE.ppf(np.array([0.0, 1.0])).tolist() == [-np.inf, np.inf]
    p = np.array([1e-9, 0.01, 0.5, 0.999])
    assert STABLE.cdf(STABLE.ppf(p)) == pytest.approx(p, abs=1e-10)
    assert STABLE.sf(STABLE.ppf(1.0 - 1e-12)) == pytest.approx(1e-12, rel=1e-3)


def test_mean_reciprocal_of_gaussians_tends_to_the_stable_law():
    """Lemma 35, sharp: (1/d) sum 1/|X_i| = kappa (log(kappa d) + (log 2 - gamma)/2 + Z_d)."""
    d, kappa = 20_000, np.sqrt(2.0 / np.pi)
    rng = np.random.default_rng(8)
    means = np.array([np.mean(1.0 / np.abs(rng.standard_normal(d))) for _ in range(600)])
    z = means / kappa - np.log(kappa * d) - (np.log(2.0) - np.euler_gamma) / 2.0
    assert stats.kstest(z, STABLE.cdf).pvalue > 1e-6
    assert stats.kstest(z + 1.0, STABLE.cdf).pvalue < 1e-6
