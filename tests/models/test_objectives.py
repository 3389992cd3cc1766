"""Objectives: derivatives by complex steps and differences, batches, rotation, Lipschitz bounds."""

import numpy as np
import pytest
from scipy.special import expit

from theory.models.bases import haar_basis, hadamard_basis, make_basis, power_law, with_spectrum
from theory.models.objectives import (
    LeastSquares,
    Logistic,
    LogSumExp,
    LogSumExpSquares,
    MatrixFactorisation,
    Quadratic,
)

EPS = np.finfo(float).eps


def make(kind):
    rng = np.random.Generator(np.random.Philox(11))
    A, y = rng.standard_normal((6, 4)), rng.standard_normal(6)
    H = with_spectrum(np.array([2.0, 1.0, -0.5, 0.1]), haar_basis(rng.standard_normal((4, 4))))
    return {
        "quadratic": Quadratic(H, rng.standard_normal(4)),
        "least squares": LeastSquares(A, y),
        "logistic": Logistic(A, np.sign(y)),
        "log-sum-exp": LogSumExp(A, y),
        "log-sum-exp of squares": LogSumExpSquares(A, y),
        "factorisation": MatrixFactorisation(rng.standard_normal((5, 2, 3)), y[:5], 2),
    }[kind]


KINDS = (
    "quadratic", "least squares", "logistic", "log-sum-exp", "log-sum-exp of squares",
    "factorisation",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_and_hessian_are_the_derivatives(kind):
    f = make(kind)
    rng = np.random.Generator(np.random.Philox(3))
    theta, v = rng.standard_normal((2, f.dimension))
    h = 1e-4
    slope = (f.value(theta + h * v) - f.value(theta - h * v)) / (2 * h)
    change = (f.gradient(theta + h * v) - f.gradient(theta - h * v)) / (2 * h)
    # Central differences: h^2 times a third derivative of at most ~1e3 here, and rounding eps/h.
    scale = 1 + abs(slope) + np.abs(change).max()
    assert abs(f.gradient(theta) @ v - slope) < 1e3 * h**2 * scale
    assert np.abs(f.hessian(theta) @ v - change).max() < 1e3 * h**2 * scale


@pytest.mark.parametrize("kind", KINDS)
def test_leading_axes_are_trials(kind):
    f = make(kind)
    theta = np.random.Generator(np.random.Philox(4)).standard_normal((2, 3, f.dimension))
    for name, tail in (("value", 0), ("gradient", 1), ("hessian", 2)):
        whole = getattr(f, name)(theta)
        assert whole.shape == (2, 3) + (f.dimension,) * tail
        single = getattr(f, name)(theta[1, 2])
        # The same sums of at most 12 terms, in another order.
        np.testing.assert_allclose(whole[1, 2], single, rtol=1e3 * EPS, atol=1e3 * EPS)


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (0, 4)])
@pytest.mark.parametrize("kind", KINDS[:-1])
def test_value_and_gradient_are_the_two(kind, shape):
    f = make(kind)
    theta = np.random.Generator(np.random.Philox(12)).standard_normal(shape)
    kept = theta.copy()
    value, gradient = f.value_and_gradient(theta)
    assert np.array_equal(value, f.value(theta))
    assert np.array_equal(gradient, f.gradient(theta))
    assert np.array_equal(theta, kept)


@pytest.mark.parametrize("n", [1, 5, 70])
@pytest.mark.parametrize("arranged", [np.ascontiguousarray, np.asfortranarray, lambda A: A[::2]])
def test_gradients_do_not_depend_on_the_memory_layout(arranged, n):
    rng = np.random.Generator(np.random.Philox(13))
    A, theta = arranged(rng.standard_normal((2 * n, 33))), rng.standard_normal((7, 33))
    gradient = LeastSquares(A, np.zeros(len(A))).gradient(theta)
    image, entries = theta @ A.T, np.abs(A)
    # Inner products of 33 and len(A) terms, each in any order and computed on both sides.
    bound = 4 * EPS * (len(A) * np.abs(image) + 33 * (np.abs(theta) @ entries.T)) @ entries
    assert np.all(np.abs(gradient - image @ A) <= bound)


def test_the_logistic_weights_are_right_to_rounding_at_every_margin():
    margins = np.concatenate([np.linspace(-800, 800, 401), [1e-300, np.inf, -np.inf]])
    labels = np.resize([1.0, -1.0], margins.size)
    # With one sample for each margin and one coordinate the gradient is the weight.
    one = [Logistic(np.ones((1, 1)), np.array([y])).gradient(np.array([[m * y]]))
           for m, y in zip(margins, labels, strict=True)]  # fmt: skip
    # exp, sum, quotients here and in `expit`: 8 ulp; beyond the largest exponential 0 is right.
    expected = -labels * expit(-margins)
    np.testing.assert_allclose(np.ravel(one), expected, rtol=8 * EPS, atol=np.finfo(float).tiny)


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_rotation_is_folded_into_the_data(kind):
    f = make(kind)
    rng = np.random.Generator(np.random.Philox(5))
    V, x = haar_basis(rng.standard_normal((4, 4))), rng.standard_normal(4)
    g = f.rotated(V)
    tolerance = {"rtol": 1e3 * EPS, "atol": 1e3 * EPS}
    np.testing.assert_allclose(g.value(x), f.value(V @ x), **tolerance)
    np.testing.assert_allclose(g.gradient(x), V.T @ f.gradient(V @ x), **tolerance)
    np.testing.assert_allclose(g.hessian(x), V.T @ f.hessian(V @ x) @ V, **tolerance)


@pytest.mark.parametrize("kind", ["logistic", "log-sum-exp"])
def test_hessian_lipschitz_constants_bound_every_difference(kind):
    f = make(kind)
    H = f.hessian_lipschitz()
    theta = 2 * np.random.Generator(np.random.Philox(6)).standard_normal((200, 2, 4))
    gaps = np.linalg.norm(f.hessian(theta[:, 0]) - f.hessian(theta[:, 1]), 2, axis=(-2, -1))
    ratios = gaps / np.linalg.norm(theta[:, 0] - theta[:, 1], axis=-1)
    assert ratios.max() <= H


def test_the_logistic_constant_is_attained_for_one_datum():
    # sigma'' is largest at margins +-log(2 + sqrt 3); the Hessian moves fastest there.
    f = Logistic(np.array([[2.0]]), np.array([1.0]))
    at = np.array([np.log(2 + np.sqrt(3)) / 2])
    h = 1e-4
    rate = abs(f.hessian(at + h) - f.hessian(at - h)).item() / (2 * h)
    # The difference quotient at an inflection of the rate loses a term of order h^2.
    assert rate == pytest.approx(f.hessian_lipschitz(), rel=100 * h**2)


def test_factorisation_products_agree_with_the_hessian():
    f = make("factorisation")
    theta, v = np.random.Generator(np.random.Philox(8)).standard_normal((2, f.dimension))
    np.testing.assert_allclose(f.hvp(theta, v), f.hessian(theta) @ v, rtol=1e3 * EPS, atol=1e-12)


def test_the_factorisation_constant_is_attained_by_one_product():
    # f = (l r)^2/2 along v = (1, 1)/sqrt 2 at theta = B v: f(t v) = t^4/8, so that v' Hess v has
    # the slope 3 t; the constant is 3 B.
    f, B, h = MatrixFactorisation(np.ones((1, 1, 1)), np.zeros(1), 1), 2.0, 1e-6
    v = np.array([1.0, 1.0]) / np.sqrt(2)
    change = np.linalg.norm(f.hessian(B * v) - f.hessian((B - h) * v), 2) / h
    assert change == pytest.approx(f.hessian_lipschitz(B), rel=2 * h)


def test_bases_are_orthogonal_and_as_dense_as_they_say():
    rng = np.random.Generator(np.random.Philox(9))
    for kind in ("axis", "haar", "hadamard", "sparse"):
        V = make_basis(kind, rng.standard_normal((16, 16)))
        np.testing.assert_allclose(V.T @ V, np.eye(16), rtol=0, atol=16 * 10 * EPS)
        entries = (V != 0).sum(axis=0)
        assert entries.max() <= {"axis": 1, "sparse": 4}.get(kind, 16)
    np.testing.assert_array_equal(np.abs(hadamard_basis(16)), 0.25)
    np.testing.assert_array_equal(power_law(3, 1.0), [1.0, 0.5, 1 / 3])


def test_haar_has_no_preferred_sign():
    rng = np.random.Generator(np.random.Philox(10))
    corner = np.array([haar_basis(rng.standard_normal((3, 3)))[0, 0] for _ in range(4000)])
    assert abs(corner.mean()) < 4 * corner.std() / np.sqrt(4000)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: hadamard_basis(12), "d is 12; it must be a power of two"),
        (lambda: haar_basis(np.ones((2, 3))), "normals have shape (2, 3)"),
        (lambda: make_basis("wavelet", np.eye(4)), "one of axis, haar, hadamard, sparse"),
    ],
)
def test_bad_input_is_named(call, told):
    with pytest.raises(ValueError) as caught:
        call()
    assert told in str(caught.value)


@pytest.mark.parametrize("kind", [LeastSquares, Logistic])
@pytest.mark.parametrize(
    ("data", "point", "target", "expected"),
    [(int, int, float, float), (int, int, int, None), (int, float, int, float),
     (np.float32, np.float32, float, float), (np.float32, np.float32, np.float32, np.float32)],
)  # fmt: skip
def test_gradients_have_the_type_of_their_arithmetic(kind, data, point, target, expected):
    A, y = np.arange(-6, 6).reshape(4, 3), np.array([1, -1, 1, 1])
    theta = np.array([[1, -2, 1], [0, 1, -1]])
    found = kind(A.astype(data), y.astype(target)).gradient(theta.astype(point))
    whole = kind(A.astype(float), y.astype(float)).gradient(theta.astype(float))
    # A sum of integers stays one for least squares.
    assert found.dtype == (expected or (int if kind is LeastSquares else float))
    eps = np.finfo(found.dtype).eps if found.dtype.kind == "f" else 0.0
    # Sums of 4 terms, each with a few roundings.
    assert np.allclose(found, whole, rtol=0, atol=32 * eps * np.abs(whole).max())


@pytest.mark.parametrize("kind", [LeastSquares, Logistic])
def test_labels_with_axes_of_their_own(kind):
    A = np.random.Generator(np.random.Philox(14)).standard_normal((4, 3))
    y, theta = np.where(np.arange(20).reshape(5, 4) % 3, 1.0, -1.0), np.ones(3)
    found = kind(A, y).gradient(theta)
    assert found.shape == (5, 3)
    alone = [kind(A, row).gradient(theta) for row in y]
    assert np.allclose(found, alone, rtol=0, atol=32 * EPS * np.abs(found).max())
