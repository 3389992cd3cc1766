"""The matrices of Adagrad and RMSProp against the recursion, exact arithmetic and PyTorch."""

from fractions import Fraction

import array_api_strict
import numpy as np
import pytest

from theory.adaptive_norms.ellipsoids import (
    adagrad_diagonal,
    adagrad_matrix,
    rmsprop_diagonal,
    rmsprop_matrix,
)
from theory.adaptive_norms.preconditioners import adam_form

UNIT = np.finfo(float).eps


@pytest.fixture
def gradients():
    return np.random.default_rng(7).standard_normal((12, 5))


def recursion(gradients, old, new):
    total = np.zeros((gradients.shape[1],) * 2)
    for row in gradients:
        total = old * total + new * np.outer(row, row)
    return total


def rounding(gradients):
    # t+1 products and sums of each entry, each with relative error u, in either formula
    return 4 * (len(gradients) + 3) * UNIT * np.sum(gradients**2)


def test_matrices_follow_the_recursions(gradients):
    eye = 0.25 * np.eye(5)
    np.testing.assert_allclose(adagrad_matrix(gradients, 0.25), recursion(gradients, 1, 1) + eye,
                               rtol=0, atol=rounding(gradients))  # fmt: skip
    for beta in (0.0, 0.9, 0.999):
        expected = recursion(gradients, beta, 1 - beta) + eye
        np.testing.assert_allclose(rmsprop_matrix(gradients, beta, 0.25), expected, rtol=0,
                                   atol=rounding(gradients))  # fmt: skip


def test_diagonals_are_those_of_the_matrices(gradients):
    for full, diagonal in (
        (adagrad_matrix(gradients, 0.5), adagrad_diagonal(gradients, 0.5)),
        (rmsprop_matrix(gradients, 0.9, 0.5), rmsprop_diagonal(gradients, 0.9, 0.5)),
    ):
        np.testing.assert_allclose(diagonal, np.diag(full), rtol=0, atol=rounding(gradients))


def test_matrices_are_exactly_symmetric(gradients):
    matrix = rmsprop_matrix(gradients * 1e3, 0.97, 1e-8)
    assert np.array_equal(matrix, matrix.T)


def test_latest_gradient_weighs_most():
    rows = np.array([[1.0, 0.0], [0.0, 1.0]])
    diagonal = rmsprop_diagonal(rows, 0.75, 1e-300)
    assert diagonal.tolist() == [0.75 * 0.25, 0.25]


def test_rationals_stay_rational():
    rows = np.array([[Fraction(1), Fraction(1, 3)], [Fraction(2), Fraction(0)]], dtype=object)
    matrix = rmsprop_matrix(rows, Fraction(1, 2), Fraction(1, 7))
    assert matrix.tolist() == [[Fraction(1, 4) + 2 + Fraction(1, 7), Fraction(1, 12)],
                               [Fraction(1, 12), Fraction(1, 36) + Fraction(1, 7)]]  # fmt: skip


def test_integers_are_not_truncated():
    rows = np.array([[1, 0], [0, 1]])
    assert rmsprop_diagonal(rows, 0.5, 0.125).tolist() == [0.375, 0.625]


def test_single_precision_is_kept(gradients):
    assert adagrad_matrix(gradients.astype(np.float32), 0.5).dtype == np.float32


def test_another_array_library(gradients):
    strict = array_api_strict.asarray(gradients)
    matrix = rmsprop_matrix(strict, 0.9, 0.1)
    assert type(matrix) is type(strict)
    np.testing.assert_allclose(np.asarray(matrix), rmsprop_matrix(gradients, 0.9, 0.1),
                               rtol=0, atol=rounding(gradients))  # fmt: skip
    diagonal = rmsprop_diagonal(strict, 0.9, 0.1)
    np.testing.assert_allclose(np.asarray(diagonal), np.diag(np.asarray(matrix)), rtol=0,
                               atol=rounding(gradients))  # fmt: skip


def test_bias_correction_makes_weights_of_total_one():
    rows = np.ones((7, 1))
    assert adam_form(rows, 0.9, 0.0)[0, 0] == pytest.approx(1.0, rel=16 * UNIT)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: adagrad_matrix(np.ones(3), 1.0), r"gradients has shape \(3,\); it must be"),
        (lambda: adagrad_matrix(np.ones((0, 3)), 1.0), r"gradients has shape \(0, 3\)"),
        (lambda: adagrad_matrix([[1.0, np.nan]], 1.0), r"gradients\[0, 1\] is nan; it must be fin"),
        (lambda: adagrad_matrix([[np.inf, 1.0]], 1.0), r"gradients\[0, 0\] is inf"),
        (lambda: adagrad_matrix([["a"]], 1.0), "gradients is .* it must be an array of real"),
        (lambda: adagrad_matrix(np.ones((1, 1)) * 1j, 1.0), "gradients has dtype complex128"),
        (lambda: adagrad_matrix(np.ones((2, 2)), 0.0), "eps is 0.0; it must be finite and > 0"),
        (lambda: adagrad_diagonal(np.ones((2, 2)), -1.0), "eps is -1.0"),
        (lambda: adagrad_diagonal(np.ones((2, 2)), float("nan")), "eps is nan"),
        (lambda: rmsprop_matrix(np.ones((2, 2)), 1.0, 1.0), r"beta is 1.0; it must be in \[0, 1\)"),
        (lambda: rmsprop_diagonal(np.ones((2, 2)), -0.1, 1.0), "beta is -0.1"),
        (lambda: rmsprop_diagonal(np.ones((2, 2)), float("nan"), 1.0), "beta is nan"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.torch
@pytest.mark.parametrize("beta", [0.0, 0.9, 0.999])
def test_state_of_pytorch(gradients, beta):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `peers`)")
    eps = 0.125  # a power of two: subtracting it again costs one rounding only

    def state(optimizer_class, name, **options):
        weight = torch.zeros(gradients.shape[1], dtype=torch.float64, requires_grad=True)
        optimizer = optimizer_class([weight], lr=0.1, **options)
        for row in gradients:
            weight.grad = torch.from_numpy(row.copy())
            optimizer.step()
        return optimizer.state[weight][name].numpy()

    for theirs, ours in (
        (state(torch.optim.Adagrad, "sum"), adagrad_diagonal(gradients, eps)),
        (state(torch.optim.RMSprop, "square_avg", alpha=beta),
         rmsprop_diagonal(gradients, beta, eps)),
    ):  # fmt: skip
        np.testing.assert_allclose(ours - eps, theirs, rtol=0, atol=rounding(gradients))
