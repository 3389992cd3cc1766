"""Hessians and diagonal statistics against second differences and direct definitions."""

import itertools

import numpy as np
import pytest

from theory.local_geometry import hessian_diagonal as hd
from theory.models import deep_linear, two_layer

RNG = np.random.default_rng(8)


def test_hessian_is_the_derivative_of_the_gradient():
    d, n = 3, 4
    w, W, A = RNG.standard_normal(d), RNG.standard_normal((d, n)), RNG.standard_normal(n)
    H = hd.two_layer_hessian(w, W, A)

    def gradient(theta):
        gw, gW = two_layer.gradients(theta[d * n :], theta[: d * n].reshape(d, n), A)
        return np.concatenate([gW.ravel(), gw])

    theta, h = np.concatenate([W.ravel(), w]), 1e-4
    for direction in RNG.standard_normal((4, d * n + d)):
        plus, minus = gradient(theta + h * direction), gradient(theta - h * direction)
        # The gradient is cubic along a line: truncation h^2 |g'''| / 6 with |g'''| below 1e3.
        np.testing.assert_allclose((plus - minus) / (2 * h), H @ direction, atol=1e3 * h**2)
    np.testing.assert_array_equal(H, H.T)
    np.testing.assert_allclose(np.diag(H), hd.two_layer_hessian_diagonal(w, W), rtol=1e-14)


def test_diagonal_of_any_layer_of_a_deep_network():
    sizes, m = [3, 4, 2, 5], 6
    weights = [RNG.standard_normal((b, a)) for a, b in itertools.pairwise(sizes)]
    X, Y = RNG.standard_normal((3, m)), RNG.standard_normal((5, m))
    for layer in (1, 2, 3):
        diagonal = hd.deep_linear_hessian_diagonal(weights, X, layer)
        assert diagonal.shape == weights[layer - 1].shape
        for i, j in np.ndindex(diagonal.shape):

            def loss(s, layer=layer, i=i, j=j):
                moved = [W.copy() for W in weights]
                moved[layer - 1][i, j] += s
                return deep_linear.loss(moved, X, Y)

            # Quadratic in one entry: the second difference is exact up to rounding.
            second = loss(1.0) - 2 * loss(0.0) + loss(-1.0)
            assert second == pytest.approx(diagonal[i, j], abs=1e-12 * loss(1.0) + 1e-12)


def test_statistics_on_small_examples():
    x = np.array([4.0, -8.0, 1.0, 2.0])
    assert hd.r_med(x) == 8 / 3
    assert hd.max_over_min(x) == 8
    assert hd.quantile_ratio(x, 0.5, 0.0) == 3
    assert hd.max_over_min(np.array([0.0, 1.0])) == np.inf
    assert np.isnan(hd.r_med(np.zeros(3)))
    np.testing.assert_array_equal(hd.r_med(np.stack([x, 2 * x]), axis=1), [8 / 3, 8 / 3])
    np.testing.assert_array_equal(hd.r_med(np.stack([x, 2 * x], axis=1), axis=0), [8 / 3, 8 / 3])


def test_r_opt_of_a_uniform_matrix_grows_like_the_root_of_its_size():
    n = 50
    assert hd.r_opt(np.ones((n, n))) == pytest.approx(np.sqrt(n - 1), rel=1e-14)
    assert hd.r_opt(np.eye(3)) == 0
    with pytest.raises(ValueError, match="diagonal entry"):
        hd.r_opt(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="square"):
        hd.r_opt(np.ones((2, 3)))


def test_singular_uniformity_at_full_rank_is_that_of_the_row_norms():
    M = RNG.standard_normal((5, 7))
    expected = hd.r_med(np.sum(M * M, axis=1))
    assert hd.singular_uniformity(M, 5) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="rank is 6"):
        hd.singular_uniformity(M, 6)


def test_bad_diagonals_are_told():
    with pytest.raises(ValueError, match="NaN"):
        hd.r_med(np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="entries along"):
        hd.r_med(np.zeros((3, 0)))
    with pytest.raises(ValueError, match=r"upper is 1\.5"):
        hd.quantile_ratio(np.ones(3), 1.5, 0.5)


def test_strict_array_api():
    xp = pytest.importorskip("array_api_strict")
    w, W, A = RNG.standard_normal(3), RNG.standard_normal((3, 3)), RNG.standard_normal(3)
    strict = [xp.asarray(x) for x in (w, W, A)]
    np.testing.assert_array_equal(
        np.asarray(hd.two_layer_hessian(*strict)), hd.two_layer_hessian(w, W, A)
    )
    diagonal = hd.two_layer_hessian_diagonal(*strict[:2])
    assert float(hd.r_med(diagonal)) == hd.r_med(hd.two_layer_hessian_diagonal(w, W))
