import math
from fractions import Fraction

import numpy as np
import pytest
import sympy

from proofs_check.adaptive_norms.spectra import pairings, trace_moment
from simulations.adaptive_norms.spectra import trace_of_powers
from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream
from theory.adaptive_norms.spectra import marchenko_pastur_moment, wishart_moment


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_one_row_is_a_chi_square(k):
    # d = 1: E (chi^2_n / n)^k = (1 + 0/n)(1 + 2/n)...(1 + 2(k-1)/n).
    n = 7
    exact = math.prod(Fraction(n + 2 * j, n) for j in range(k))
    assert wishart_moment(k, Fraction(1), Fraction(n)) == exact


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_transposition(k):
    # X X' and X' X have the same nonzero eigenvalues: d n^k m(d, n) = n d^k m(n, d).
    d, n = Fraction(3), Fraction(8)
    assert d * n**k * wishart_moment(k, d, n) == n * d**k * wishart_moment(k, n, d)


def test_fourth_moment_of_the_limit_and_the_catalan_numbers():
    assert [marchenko_pastur_moment(k, 1) for k in (1, 2, 3, 4)] == [1, 2, 5, 14]
    c = sympy.Symbol("c")
    assert sympy.expand(marchenko_pastur_moment(4, c)) == c**3 + 6 * c**2 + 6 * c + 1


def test_limit_by_the_density():
    """Moments by Gauss-Chebyshev quadrature of the Marchenko-Pastur density, c = 1/2."""
    c = 0.5
    low, high = (1 - math.sqrt(c)) ** 2, (1 + math.sqrt(c)) ** 2
    angle = np.arange(1, 400) * math.pi / 400
    x = (low + high) / 2 + (high - low) / 2 * np.cos(angle)
    weights = math.pi / 400 * ((high - low) / 2 * np.sin(angle)) ** 2 / (2 * math.pi * c * x)
    for k in (1, 2, 3, 4):
        assert weights @ x**k == pytest.approx(marchenko_pastur_moment(k, c), rel=1e-12)


def test_pairings_are_counted_by_double_factorials():
    assert [len(list(pairings(tuple(range(2 * k))))) for k in (1, 2, 3, 4)] == [1, 3, 15, 105]


def test_trace_moment_has_every_pairing():
    d, n = sympy.symbols("d n", integer=True, positive=True)
    for k in (1, 2, 3, 4):
        assert trace_moment(k).subs({d: 1, n: 1}) == sympy.factorial2(2 * k - 1)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_sampler_is_the_trace_of_the_power(k):
    def draw():
        return Stream(select_backend("numpy"), key=1, block=0)

    found = trace_of_powers(draw(), 4, k=k, d=3, n=5, law="gaussian")["moment"]
    x = np.asarray(draw().normal((4, 3, 5)))
    w = x @ np.swapaxes(x, 1, 2) / 5
    exact = [np.trace(np.linalg.matrix_power(m, k)) / 3 for m in w]
    assert found == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("function", [lambda k: wishart_moment(k, 2, 3),
                                      lambda k: marchenko_pastur_moment(k, 0.5)])  # fmt: skip
def test_order_out_of_range(function):
    with pytest.raises(ValueError, match=r"k is 5; it must be an integer in \[1, 4\]"):
        function(5)
