import math

import mpmath
import numpy as np
import pytest
from scipy import integrate

from simulations.adaptive_norms.ols_share import draw_entries
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from theory.adaptive_norms.product_laws import (
    LAWS,
    entry_moments,
    gamma_ratio,
    mean_absolute_sum,
    product_complement,
)

SMOOTH = (("gaussian", None), ("laplace", None), ("student_t", 3.0), ("student_t", 10.0))
OTHERS = (("uniform", None), ("exponential", None), ("skewed", None))


@pytest.mark.parametrize("x", [0.5, 1.0, 3.5, 29.5, 29.9, 30.0, 31.5, 500.0, 5e5, 5e11])
def test_gamma_ratio_keeps_its_digits(x):
    with mpmath.workdps(60):
        exact = mpmath.exp(mpmath.loggamma(mpmath.mpf(x) + 0.5) - mpmath.loggamma(mpmath.mpf(x)))
    # Two values of the library's Gamma function, each good to a few units in the last place.
    assert gamma_ratio(x) == pytest.approx(float(exact), rel=1e-14)


@pytest.mark.parametrize("x", [0.0, -1.0, math.nan])
def test_gamma_ratio_rejects(x):
    with pytest.raises(ValueError, match="it must be > 0"):
        gamma_ratio(x)


@pytest.mark.parametrize("n", [1, 2, 3, 17, 1000, 10**12])
def test_quadrature_against_the_gaussian_form(n):
    # 960 terms, each rounded: 1e-13 leaves room for the sum.
    exact = 2 / math.sqrt(math.pi) * gamma_ratio(n / 2)
    assert mean_absolute_sum(n, "gaussian") == pytest.approx(exact, rel=1e-13)


def test_one_product_has_independent_factors():
    for (law, degrees), first in {("laplace", None): math.sqrt(0.5),
                                  ("uniform", None): math.sqrt(3) / 2,
                                  ("exponential", None): 2 / math.e,
                                  ("student_t", 3.0): 2 / math.pi}.items():  # fmt: skip
        assert mean_absolute_sum(1, law, degrees) == pytest.approx(first**2, rel=1e-12)


def test_two_uniform_products():
    # E|a U + b V| = a/2 + b^2/(6a) for a >= b >= 0 and U, V uniform on [-1, 1], averaged: 10/9.
    assert mean_absolute_sum(2, "uniform") == pytest.approx(10 / 9, rel=1e-9)


def test_two_laplace_products():
    # E|a X + b Y| = (a^2 + ab + b^2)/(a + b) for X, Y of density exp(-|x|)/2; a, b like |X|, in
    # polar coordinates: a + b ~ Gamma(2), a/(a + b) uniform; the unit variance takes 1/2.
    value, _ = integrate.quad(lambda u: 2 * (u * u + u * (1 - u) + (1 - u) ** 2) / 2, 0, 1)
    assert mean_absolute_sum(2, "laplace") == pytest.approx(value, rel=1e-12)


def test_heavy_tails_against_independent_values():
    for degrees, deficits in ((3.0, (0.2555, 0.1566, 0.0937)), (2.2, (0.680, 0.605, 0.539))):
        found = [1 - mean_absolute_sum(n, "student_t", degrees) / math.sqrt(2 * n / math.pi)
                 for n in (8, 32, 128)]  # fmt: skip
        # The references are rounded to the digits shown.
        assert found == pytest.approx(deficits, abs=5.01e-5 if degrees == 3 else 5.01e-4)


def test_student_tends_to_gaussian():
    # e_n depends on the fourth moment 3 + 6/degrees to first order.
    for degrees in (400.0, 4e4):
        ratio = mean_absolute_sum(6, "student_t", degrees) / mean_absolute_sum(6, "gaussian")
        assert 0 < 1 - ratio < 1 / degrees


@pytest.mark.parametrize(("law", "degrees"), SMOOTH + OTHERS)
def test_no_more_than_the_root_mean_square(law, degrees):
    ratios = [mean_absolute_sum(n, law, degrees) / math.sqrt(n) for n in (1, 2, 5, 40, 3000)]
    assert max(ratios) < 1


# At 3 degrees the second term is of order t^3 log t, which is not small enough.
@pytest.mark.parametrize(("law", "degrees"), [*OTHERS, *(s for s in SMOOTH if s[1] != 3.0)])
def test_complement_starts_like_half_the_square(law, degrees):
    t = np.asarray([1e-7, 1e-6])
    assert product_complement(t, law, degrees).real / t**2 == pytest.approx(0.5, rel=1e-9)


def test_exponential_complement_where_the_two_forms_meet():
    below, above = product_complement(np.asarray([0.01 - 1e-12, 0.01 + 1e-12]), "exponential")
    # The direct form loses 1e-16/t^2 = 1e-12 to cancellation; the points differ by 2e-10 of it.
    assert abs(below - above) < 1e-9 * abs(above)


@pytest.mark.parametrize("t", [0.02, 0.7, 1.3, 20.0])
def test_exponential_complement_by_direct_integration(t):
    def kernel(s, part):
        value = np.exp(-s) * (1 - np.exp(-1j * t * (s - 1)) / (1 - 1j * t * (s - 1)))
        return value.real if part == "real" else value.imag

    # The integrand varies on the scale 1/t around s = 1.
    cuts = [1 + shift / t for shift in (-20, -5, 5, 20) if 0 < 1 + shift / t < 60]
    real, imaginary = (
        integrate.quad(kernel, 0, 60, args=(part,), limit=2000, epsabs=1e-13, points=cuts)[0]
        for part in ("real", "imaginary")
    )
    found = product_complement(np.asarray([t]), "exponential")[0]
    assert abs(found - (real + 1j * imaginary)) < 1e-10


@pytest.mark.parametrize("law", [law for law in LAWS if law != "student_t"])
def test_moments_are_those_of_the_sampled_law(law):
    stream = Stream(select_backend("numpy"), key=5, block=0)
    x = np.asarray(draw_entries(stream, law, (400_000,)))
    for order, expected in zip((1, 2, 3, 4), (0.0, 1.0, *entry_moments(law)[:2]), strict=True):
        powers = x**order
        error = powers.std() / math.sqrt(x.size)
        # Five standard errors; signs have none in even powers.
        assert abs(powers.mean() - expected) <= 5 * error + 1e-12


def test_student_moments():
    assert entry_moments("student_t", 10.0) == pytest.approx((0, 4, 0, 40))
    with pytest.raises(ValueError, match="the sixth moment needs degrees > 6"):
        entry_moments("student_t", 5.0)


def test_errors_name_the_allowed_values():
    with pytest.raises(ValueError, match="law is 'cauchy'; it must be one of gaussian, rademacher"):
        mean_absolute_sum(3, "cauchy")
    with pytest.raises(ValueError, match="student_t needs a number > 2"):
        mean_absolute_sum(3, "student_t", 2.0)
    with pytest.raises(ValueError, match="it must be None for the law 'gaussian'"):
        mean_absolute_sum(3, "gaussian", 4.0)
    with pytest.raises(ValueError, match="use the closed form"):
        mean_absolute_sum(3, "rademacher")
