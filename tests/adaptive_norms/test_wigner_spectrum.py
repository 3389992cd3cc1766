from fractions import Fraction

import numpy as np
import pytest
import sympy

from proofs_check.adaptive_norms.wigner_spectrum import pairings, wick_sum
from theory.adaptive_norms.wigner_spectrum import GOE_MOMENTS, catalan, goe_moment


@pytest.mark.parametrize("order", list(GOE_MOMENTS))
def test_one_dimension_is_a_normal_variable_of_variance_two(order):
    double_factorial = int(np.prod(range(1, order, 2)))
    assert goe_moment(Fraction(1), order) == double_factorial * 2 ** (order // 2)


@pytest.mark.parametrize("order", [2, 4, 6])
def test_two_dimensions_by_hand(order):
    """tr W^order of [[a, b], [b, c]] through the moments of three independent normals."""
    a, b, c = sympy.symbols("a b c")
    trace = sympy.Poly((sympy.Matrix([[a, b], [b, c]]) ** order).trace(), a, b, c)
    variances = (1, sympy.Rational(1, 2), 1)
    mean = 0
    for powers, coefficient in trace.terms():
        moments = (0 if p % 2 else sympy.factorial2(p - 1) * v ** (p // 2)
                   for p, v in zip(powers, variances, strict=True))  # fmt: skip
        mean += coefficient * sympy.prod(moments)
    assert goe_moment(Fraction(2), order) == Fraction(int(mean.p), int(mean.q)) / 2


def test_wick_sum_counts_every_pairing():
    assert len(list(pairings(tuple(range(6))))) == 15
    d = sympy.Symbol("d")
    assert sympy.expand(wick_sum(4, d) * d**2).subs(d, 1) == 3 * 4


def test_limits_are_catalan_numbers():
    for order in GOE_MOMENTS:
        assert goe_moment(1e12, order) == pytest.approx(catalan(order // 2), rel=1e-10)
    with pytest.raises(ValueError, match="order is 3"):
        goe_moment(4, 3)


def test_arrays_of_dimensions():
    d = np.array([4.0, 8.0])
    assert goe_moment(d, 4) == pytest.approx([goe_moment(4, 4), goe_moment(8, 4)])
