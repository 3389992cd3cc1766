import array_api_strict
import flint
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from theory.adaptive_norms.diagonal_share import (
    average_not_dominated,
    average_not_dominated_nonnegative,
    diagonal_share,
    mean_absolute_inner_product,
    ols_share,
    ols_share_limit,
    proposition_1,
    row_dominance_margin,
    weighted_average_share,
    wigner_expected_share,
    wigner_share,
)
from theory.core import Statement

square = st.integers(1, 5).flatmap(
    lambda d: arrays(np.float64, (d, d), elements=st.floats(-1e3, 1e3, allow_subnormal=False))
)


def exact(rows):
    matrix = np.empty(np.shape(rows), dtype=object)
    for index in np.ndindex(matrix.shape):
        matrix[index] = flint.fmpq(int(np.asarray(rows)[index]))
    return matrix


@given(square)
def test_share_is_a_fraction_of_the_entries(matrix):
    if not matrix.any():
        return
    share = diagonal_share(matrix)
    d = len(matrix)
    on = sum(abs(matrix[i, i]) for i in range(d))
    whole = sum(abs(matrix[i, j]) for i in range(d) for j in range(d))
    # Two sums of at most 25 terms and a quotient: relative error below 60 units of rounding.
    assert share == pytest.approx(on / whole, rel=60 * np.finfo(float).eps)
    # The magnitude of the whole is at least that of the diagonal, up to rounding of the sums.
    assert 0.0 <= share <= 1.0 + 60 * np.finfo(float).eps


@given(square, st.floats(1e-3, 1e3), st.randoms(use_true_random=False))
def test_share_ignores_scale_sign_and_simultaneous_permutation(matrix, scale, random):
    if not matrix.any():
        return
    order = random.sample(range(len(matrix)), len(matrix))
    changed = -scale * matrix[np.ix_(order, order)]
    assert diagonal_share(changed) == pytest.approx(diagonal_share(matrix), rel=1e-13)


def test_share_of_a_batch_in_strict_arrays():
    batch = np.random.default_rng(0).normal(size=(3, 4, 4))
    strict = diagonal_share(array_api_strict.asarray(batch))
    assert strict.shape == (3,)
    singly = [diagonal_share(matrix) for matrix in batch]
    assert np.from_dlpack(strict) == pytest.approx(singly, rel=1e-14)


def test_share_is_exact_on_rationals_and_symbols():
    assert diagonal_share(exact([[1, -2], [3, 4]])) == flint.fmpq(1, 2)
    a = sympy.Symbol("a", positive=True)
    matrix = np.array([[a, -a], [-a, 3 * a]], dtype=object)
    assert sympy.simplify(diagonal_share(matrix) - sympy.Rational(2, 3)) == 0


def test_known_shares():
    assert diagonal_share(np.eye(4)) == 1.0
    assert diagonal_share(np.ones((4, 4))) == 0.25
    assert diagonal_share([[1, 2], [2, 1]]) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 3)), r"shape \(2, 3\)"),
        (np.ones(3), r"shape \(3,\)"),
        (np.ones((0, 0)), r"shape \(0, 0\)"),
        (np.zeros((2, 2)), "zero"),
        (np.stack([np.eye(2), np.zeros((2, 2))]), "zero"),
        (np.array([[np.nan, 1.0], [1.0, 1.0]]), "NaN or infinite"),
        (np.array([[np.inf, 1.0], [1.0, 1.0]]), "NaN or infinite"),
    ],
)
def test_share_refuses_what_has_none(matrix, message):
    with pytest.raises(ValueError, match=message):
        diagonal_share(matrix)


def test_row_margin():
    assert row_dominance_margin(np.array([[1.0, 2.0], [2.0, 10.0]])) == -1.0
    assert row_dominance_margin(np.array([[5.5, 2.0], [2.0, 5.5]])) == 3.5
    assert row_dominance_margin(exact([[3, -1], [2, 2]])) == 0


def test_wigner_share_on_arrays_and_symbols():
    d, s1, s2 = sympy.symbols("d s1 s2", positive=True)
    claimed = wigner_share(d, s1, s2) - 1 / (1 + (d - 1) * s2 / s1)
    assert sympy.simplify(claimed) == 0
    assert wigner_share(np.array([1.0, 2.0, 4.0])) == pytest.approx([1.0, 0.5, 0.25])
    # Gaussian orthogonal ensemble, variances 2:1.
    assert wigner_share(5, np.sqrt(2.0)) == pytest.approx(1 / (1 + 4 / np.sqrt(2.0)))


def test_the_topic_exports_both_baselines():
    # E|x y| of two standard normals is 2/pi; the expected share is above 1/d.
    assert float(mean_absolute_inner_product(1)) == pytest.approx(2 / np.pi, rel=1e-12)
    assert float(ols_share(10, 32)) > float(ols_share_limit(10, 32))
    assert wigner_expected_share(10) > 0.1


def test_the_counterexamples_to_the_remark():
    rowwise = exact([[[1, 2], [2, 10]], [[10, 2], [2, 1]]])
    signed = exact([[[1, 2], [2, 1]], [[1, -2], [-2, 1]]])
    statement: Statement = average_not_dominated.itself()
    for matrices, reading in ((rowwise, "rowwise"), (signed, "share")):
        assert statement.hypotheses_hold(matrices=matrices, reading=reading)
        lhs, rhs = statement.formula(matrices, reading)
        assert lhs > rhs
    # With the signs removed the second is no counterexample: the corrected claim covers it.
    assert weighted_average_share(abs(signed), [1, 1]) == flint.fmpq(1, 3)
    assert average_not_dominated.corrected_by == average_not_dominated_nonnegative.id


@given(square, square, st.floats(0.01, 10.0))
def test_average_of_magnitudes_lies_between(first, second, weight):
    if first.shape != second.shape or not (first.any() and second.any()):
        return
    pair = [abs(first), abs(second)]
    shares = [diagonal_share(matrix) for matrix in pair]
    share = weighted_average_share(pair, [weight, 1.0])
    # 1e-13: about 100 roundings of sums of at most 25 nonnegative terms.
    assert min(shares) - 1e-13 <= share <= max(shares) + 1e-13


def test_proposition_1_equals_its_footnote_for_equal_laws():
    formula = proposition_1.formula
    assert formula(7) == pytest.approx(1 / 7)
    assert formula(7, 2.0, 2.0, diagonal="gaussian") == pytest.approx(1 / 7)
