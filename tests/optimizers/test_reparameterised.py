"""Optimizers in another basis: equivariance of SGD, the folded objective, structures, errors."""

import numpy as np
import pytest

from theory.models.bases import haar_basis
from theory.models.objectives import LogSumExp
from theory.optimizers import adagrad, adam, rmsprop, sgd, sgd_momentum
from theory.optimizers.reparameterised import Basis, BlockBasis, Reparameterised

EPS = np.finfo(float).eps
STEPS = 40


@pytest.fixture
def rng():
    return np.random.Generator(np.random.Philox(21))


def run(optimizer, f, theta):
    state = optimizer.init(theta)
    path = [theta]
    for _ in range(STEPS):
        theta, state = optimizer.update(f.gradient(theta), state, theta)
        path.append(theta)
    return np.array(path)


@pytest.mark.parametrize("optimizer", [sgd(0.1), sgd_momentum(0.05, 0.9)])
def test_sgd_is_equivariant_to_rounding(rng, optimizer):
    f = LogSumExp(rng.standard_normal((8, 5)), np.zeros(8))
    V, start = haar_basis(rng.standard_normal((5, 5))), rng.standard_normal(5)
    plain = run(optimizer, f, start)
    turned = run(Reparameterised(optimizer, Basis(V)), f, start)
    # Each step turns vectors of norm ~3 twice: 2 d eps, and errors add up over the steps.
    atol = STEPS * 20 * 5 * EPS * np.abs(plain).max()
    np.testing.assert_allclose(turned, plain, rtol=0, atol=atol)


@pytest.mark.parametrize("make", [adagrad, rmsprop, adam])
def test_a_basis_is_the_rotated_objective_and_changes_the_path(rng, make):
    optimizer = make(0.05)
    f = LogSumExp(rng.standard_normal((8, 5)), np.zeros(8))
    V, start = haar_basis(rng.standard_normal((5, 5))), rng.standard_normal(5)
    inside = run(optimizer, f.rotated(V), V.T @ start)
    turned = run(Reparameterised(optimizer, Basis(V)), f, start)
    # Divisions by roots of small sums amplify rounding: no more than 1e4 over these steps.
    np.testing.assert_allclose(turned, inside @ V.T, rtol=0, atol=1e4 * STEPS * EPS)
    assert np.abs(turned - run(optimizer, f, start)).max() > 1e-3


def test_kronecker_rotation_of_a_matrix_is_the_kronecker_product_on_its_entries(rng):
    left, right = haar_basis(rng.standard_normal((2, 2))), haar_basis(rng.standard_normal((3, 3)))
    W = rng.standard_normal((4, 2, 3))
    inside = Basis(right, left).inwards(W)
    expected = W.reshape(4, 6) @ np.kron(left, right)
    np.testing.assert_allclose(inside.reshape(4, 6), expected, rtol=0, atol=50 * EPS)
    np.testing.assert_allclose(Basis(right, left).outwards(inside), W, rtol=0, atol=50 * EPS)


def test_blocks_are_the_block_diagonal_basis(rng):
    blocks = (
        haar_basis(rng.standard_normal((2, 2))),
        np.eye(1),
        haar_basis(rng.standard_normal((3, 3))),
    )
    V = np.zeros((6, 6))
    V[:2, :2], V[2:3, 2:3], V[3:, 3:] = blocks
    theta = rng.standard_normal((5, 6))
    basis = BlockBasis(blocks)
    np.testing.assert_allclose(basis.inwards(theta), theta @ V, rtol=0, atol=50 * EPS)
    np.testing.assert_allclose(basis.outwards(basis.inwards(theta)), theta, rtol=0, atol=50 * EPS)


def test_trees_take_a_basis_for_each_array_and_none_for_those_left_alone(rng):
    V = haar_basis(rng.standard_normal((3, 3)))
    params = {"w": rng.standard_normal(3), "b": np.array([1.0, 2.0])}
    gradient = {"w": rng.standard_normal(3), "b": np.array([0.5, -1.0])}
    optimizer = Reparameterised(adagrad(0.1), {"w": Basis(V), "b": None})
    moved, state = optimizer.update(gradient, optimizer.init(params), params)
    assert state.step == 1
    # The first Adagrad step is lr times the signs of the gradient, in the basis of each array.
    step = 0.1 * np.sign(V.T @ gradient["w"])
    np.testing.assert_allclose(moved["w"], params["w"] - V @ step, rtol=0, atol=1e-7)
    np.testing.assert_allclose(moved["b"], [0.9, 2.1], rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: Basis(np.ones((2, 3))), "V has shape (2, 3); it must be a square"),
        (lambda: Basis(2 * np.eye(2)), "V is not orthogonal"),
        (lambda: Basis(np.eye(2), np.full((2, 2), np.nan)), "left has entries that are not finite"),
        (lambda: BlockBasis((np.eye(2), np.ones((2, 2)))), "blocks[1] is not orthogonal"),
        (lambda: Basis(np.eye(2)).inwards(np.ones(3)), "the basis needs (..., 2)"),
        (lambda: Basis(np.eye(2), np.eye(3)).inwards(np.ones((2, 2))), "needs (..., 3, 2)"),
        (lambda: BlockBasis((np.eye(2),)).inwards(np.ones(3)), "the blocks need (..., 2)"),
    ],
)  # fmt: skip
def test_bad_bases_are_named(call, told):
    with pytest.raises(ValueError) as caught:
        call()
    assert told in str(caught.value)
