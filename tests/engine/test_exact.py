"""Real numbers: exact while they can be, certain always, in balls when they must."""

import math
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.engine.balls import precision
from proofs_check.engine.exact import Real, Undecided, Whole, rational, to_exact, to_float
from theory import arrays

finite = st.floats(-1e300, 1e300)


@given(finite)
def test_a_float_converts_exactly(x):
    assert rational(x) == flint.fmpq(*x.as_integer_ratio())
    assert to_float(to_exact(x)) == x


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=4))
def test_arithmetic_on_floats_is_that_of_their_fractions(values):
    x = to_exact(np.array(values))
    fractions = [Fraction(value) for value in values]
    square = arrays.dot(x, x)
    assert square.is_rational
    assert square == sum(f * f for f in fractions)
    assert (x[0] - 3) / (square + 1) == (fractions[0] - 3) / (sum(f * f for f in fractions) + 1)


def test_scalars_arrays_and_containers_convert_entry_by_entry():
    instance = {"g": np.array([[0.5, 1.0]]), "zero_d": np.array(0.25), "eps": 0.1, "d": 3,
                "p": Fraction(1, 3), "flag": True, "name": "rms", "pair": (1.5, [2.5]),
                "index": np.array([1, 0]), "none": None}  # fmt: skip
    exact = to_exact(instance)
    assert exact["g"].shape == (1, 2)
    assert exact["g"][0, 0] == Fraction(1, 2)
    assert exact["zero_d"][()] == Fraction(1, 4)
    assert exact["eps"] == Fraction(0.1)
    assert exact["p"] == Fraction(1, 3)
    assert exact["pair"][1][0] == Fraction(5, 2)
    assert exact["flag"] is True
    assert exact["name"] == "rms"
    assert exact["none"] is None
    assert exact["index"].dtype.kind == "i"
    assert isinstance(exact["d"], Whole)
    back = to_float(exact)
    assert back["eps"] == 0.1
    assert back["g"].tolist() == [[0.5, 1.0]]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match="must be finite"):
        rational(value)


def test_perfect_squares_stay_rational_and_others_become_balls():
    assert Real(Fraction(9, 4)).sqrt() == Fraction(3, 2)
    assert Real(Fraction(8, 27)).power(Fraction(2, 3)) == Fraction(4, 9)
    root = Real(2).sqrt()
    assert not root.is_rational
    assert root.ball.contains(flint.arb(2).sqrt())
    assert abs(root.approximate() - math.sqrt(2)) < 1e-15


def test_comparisons_are_certain_or_undecided():
    root = Real(2).sqrt()
    assert root > Fraction(14, 10)
    assert root < Fraction(15, 10)
    assert not root > 2
    with pytest.raises(Undecided):
        assert root * root == 2
    with pytest.raises(Undecided):
        assert not root * root > 2


def test_more_bits_decide_what_fewer_do_not():
    # A convergent p/q of sqrt(2) with p^2 - 2 q^2 = 1: above it by about 1e-30.
    p, q = 1, 1
    for _ in range(39):
        p, q = p + 2 * q, p + q
    assert p * p - 2 * q * q == 1
    with precision(53), pytest.raises(Undecided):
        assert Real(2).sqrt() < Fraction(p, q)
    with precision(256):
        assert Real(2).sqrt() < Fraction(p, q)


def test_a_branch_on_an_undecided_number_is_never_taken():
    doubt = Real(2).sqrt() * Real(2).sqrt() - 2
    with pytest.raises(Undecided):
        assert 1 if doubt > 0 else -1
    with pytest.raises(Undecided):
        bool(doubt)
    with pytest.raises(Undecided):
        _ = 1 / doubt


def test_division_by_zero_and_roots_of_negatives_are_errors():
    with pytest.raises(ZeroDivisionError):
        _ = Real(1) / 0
    with pytest.raises(ValueError, match="base >= 0"):
        Real(-2).sqrt()


def test_functions_of_balls_and_constants():
    with precision(128):
        assert abs(Real.pi() - Fraction(314159265358979, 10**14)) < Fraction(1, 10**14)
        assert Real(5).gamma() == 24
        assert abs(Real(1).exp().log() - 1) < Fraction(1, 10**30)
    assert hasattr(Real(1), "mid")
    assert not hasattr(Real(1), "no_such_function")


def test_extremes_are_rigorous_without_an_order():
    root = Real(2).sqrt()
    larger = (root * root).max(2)
    assert larger > Fraction(19, 10)
    assert larger.ball.contains(2)
    assert Real(3).max(4) == 4
    assert Real(3).min(Fraction(5, 2)) == Fraction(5, 2)


@pytest.mark.parametrize("literal", [0.99, 0.5, 1e-3, 2.0, 0.123456, 2.0**-40])
def test_a_short_literal_is_the_number_that_it_spells(literal):
    assert Real(1) * literal == (Fraction(repr(literal)) if literal > 1e-9 else Fraction(literal))


@pytest.mark.parametrize("rounded", [1 / 3, math.sqrt(2), math.pi, 0.1 + 0.2])
def test_a_rounded_float_in_a_formula_is_refused(rounded):
    with pytest.raises(TypeError, match="mixes the rounded float"):
        _ = Real(1) * rounded
    with pytest.raises(TypeError, match="mixes the rounded float"):
        _ = np.float64(rounded) * to_exact(np.array([1.0]))


def test_quotients_and_roots_of_integer_parameters_are_exact():
    d = to_exact(3)
    assert d / 7 == Fraction(3, 7)
    assert 1 / d == Fraction(1, 3)
    assert (2 * d - 2).sqrt() == 2
    assert d**-2 == Fraction(1, 9)
    assert d**2 == 9
    assert arrays.square_root(d + 1) == 2
    assert list(range(d)) == [0, 1, 2]
    assert np.zeros(d).shape == (3,)


def test_the_precision_of_the_context_is_restored_after_an_error():
    before = flint.ctx.prec
    with pytest.raises(ZeroDivisionError), precision(999):
        _ = Real(1) / 0
    assert flint.ctx.prec == before


@given(st.lists(st.lists(st.floats(-4, 4), min_size=3, max_size=3), min_size=3, max_size=3))
def test_gram_matrices_of_floats_are_exactly_semidefinite(rows):
    factor = to_exact(np.array(rows))
    gram = factor @ factor.T
    assert arrays.is_positive_semidefinite(gram)
    shifted = gram + arrays.identity_matrix(3, like=gram) * Fraction(1, 10**40)
    assert arrays.is_positive_definite(shifted)
    assert arrays.solve(shifted, shifted).tolist() == np.eye(3, dtype=int).tolist()
