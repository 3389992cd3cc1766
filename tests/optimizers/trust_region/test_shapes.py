"""Evolving ellipsoids against the matrices of the papers, and their limits."""

import numpy as np
import pytest

from theory.adaptive_norms.preconditioners import (
    adagrad_diagonal,
    adagrad_matrix,
    rmsprop_diagonal,
    rmsprop_matrix,
)
from theory.optimizers.trust_region.shapes import GradientShape, OwnShape, make_shape

UNIT = np.finfo(float).eps
ROWS = np.random.default_rng(3).standard_normal((9, 4)) * np.array([1.0, 10.0, 0.1, 1.0])


def last_ellipsoid(shape, rows=ROWS):
    state = shape.init()
    for iteration, row in enumerate(rows):
        state, ellipsoid = shape.update(state, row, np.zeros(rows.shape[1]), iteration)
    return ellipsoid


@pytest.mark.parametrize(
    ("rule", "diagonal", "expected"),
    [
        ("adagrad", True, adagrad_diagonal(ROWS, 1e-3)),
        ("adagrad", False, adagrad_matrix(ROWS, 1e-3)),
        ("rmsprop", True, rmsprop_diagonal(ROWS, 0.75, 1e-3)),
        ("rmsprop", False, rmsprop_matrix(ROWS, 0.75, 1e-3)),
    ],
)
def test_power_one_is_the_paper_s_matrix(rule, diagonal, expected):
    shape = GradientShape(rule, 4, power=1.0, diagonal=diagonal, decay=0.75, eps=1e-3)
    # a dozen roundings of entries, relative to the largest
    np.testing.assert_allclose(last_ellipsoid(shape).matrix, expected, rtol=0,
                               atol=64 * UNIT * np.max(expected))  # fmt: skip


@pytest.mark.parametrize("diagonal", [True, False])
@pytest.mark.parametrize("rule", ["adagrad", "rmsprop"])
def test_half_power_squares_to_the_whole(rule, diagonal):
    half, one = (
        last_ellipsoid(GradientShape(rule, 4, power=power, diagonal=diagonal)).matrix
        for power in (0.5, 1.0)
    )
    square = half * half if diagonal else half @ half
    np.testing.assert_allclose(square, one, rtol=0, atol=64 * UNIT * np.max(one))


@pytest.mark.parametrize("diagonal", [True, False])
@pytest.mark.parametrize("power", [0.5, 1.0])
def test_scaled_determinant_is_one_and_the_shape_the_same(diagonal, power):
    plain, scaled = (
        last_ellipsoid(GradientShape("rmsprop", 4, power, diagonal, scale_determinant=scale)).matrix
        for scale in (False, True)
    )
    log_det = np.sum(np.log(scaled)) if diagonal else np.linalg.slogdet(scaled)[1]
    # the sum of four logarithms; their error is u cond(A) for the full matrix, below 1e5 here
    assert log_det == pytest.approx(0.0, abs=1e-9)
    ratio = plain[plain != 0] / scaled[plain != 0]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)


def test_one_gradient_leaves_eps_in_the_other_directions():
    gradient = np.array([[3.0, 4.0]])
    ellipsoid = last_ellipsoid(GradientShape("adagrad", 2, 1.0, diagonal=False, eps=1e-6), gradient)
    low, high = ellipsoid.spectrum
    assert high == pytest.approx(25.0 + 1e-6, rel=8 * UNIT)
    # eigh finds the zero of a matrix of norm 25 up to 25 u
    assert low == pytest.approx(1e-6, abs=16 * 25 * UNIT)


def test_full_ellipsoid_of_huge_gradients_stays_definite():
    rows = 1e9 * np.random.default_rng(0).standard_normal((3, 6))
    ellipsoid = last_ellipsoid(GradientShape("adagrad", 6, 1.0, diagonal=False, eps=1e-8), rows)
    assert np.isfinite(ellipsoid.solve(rows[0])).all()
    assert ellipsoid.condition < 1.0 / UNIT


@pytest.mark.parametrize("diagonal", [True, False])
def test_squares_that_overflow_are_an_error(diagonal):
    shape = GradientShape("rmsprop", 2, diagonal=diagonal)
    with pytest.raises(OverflowError, match="overflows float64"):
        shape.update(shape.init(), np.array([1e200, 0.0]), np.zeros(2), 0)


def test_update_does_not_change_its_arguments():
    shape = GradientShape("adagrad", 2)
    state, gradient = shape.init(), np.array([1.0, 2.0])
    shape.update(state, gradient, np.zeros(2), 0)
    assert state.tolist() == [0.0, 0.0]
    assert gradient.tolist() == [1.0, 2.0]


def test_function_of_the_user_sees_where_the_run_is():
    seen = []

    def own(iteration, x, gradient):
        seen.append((iteration, x.tolist(), gradient.tolist()))
        return [1.0 + iteration, 1.0]

    shape = OwnShape(own, 2)
    _, ellipsoid = shape.update(shape.init(), np.array([1.0, 2.0]), np.array([3.0, 4.0]), 5)
    assert seen == [(5, [3.0, 4.0], [1.0, 2.0])]
    assert ellipsoid.matrix.tolist() == [6.0, 1.0]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("cubic", "ellipsoid is 'cubic'; it must be 'spherical', 'adagrad', 'rmsprop'"),
        ([1.0, 0.0], r"ellipsoid\[1\] is 0"),
        ([[1.0, 2.0], [2.0, 1.0]], "ellipsoid is not positive definite"),
        ([[1.0, 2.0], [0.0, 1.0]], "ellipsoid is not symmetric"),
        ([1.0, 1.0, 1.0], r"ellipsoid has shape \(3,\)"),
        ([1.0, np.nan], r"ellipsoid\[1\] is nan"),
    ],
)
def test_wrong_ellipsoids_are_named(value, message):
    with pytest.raises(ValueError, match=message):
        make_shape(value, 2, power=0.5, diagonal=True, decay=0.9, eps=1e-8, scale_determinant=False)
