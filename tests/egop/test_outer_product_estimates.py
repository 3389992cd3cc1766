"""The EGOP and its bases: closed forms, streaming, few samples, structure, bad input."""

import itertools

import numpy as np
import pytest

from theory.egop.estimators import (
    GradientMoments,
    average_over_units,
    block_eigenbases,
    kronecker_eigenbases,
    random_completion,
    randomized_eigenbasis,
    sample_eigenbasis,
)
from theory.egop.outer_product import (
    density,
    egop,
    egop_least_squares,
    egop_quadratic,
    eigenbasis,
    stable_rank,
)

EPS = np.finfo(float).eps


@pytest.fixture
def rng():
    return np.random.Generator(np.random.Philox(7))


def symmetric(rng, d):
    G = rng.standard_normal((d, d))
    return G + G.T


def test_the_exact_egop_of_a_quadratic_is_the_mean_over_a_law_with_that_covariance(rng):
    # Points +-c sqrt(d) e_i have mean zero and covariance c^2 I: the expectation is a finite sum.
    d, c = 5, 0.7
    H, minimizer = symmetric(rng, d), rng.standard_normal(d)
    points = c * np.sqrt(d) * np.vstack([np.eye(d), -np.eye(d)])
    expected = egop((points - minimizer) @ H)
    # Rounding: sums of 2 d^2 products of entries bounded by the largest of the result.
    np.testing.assert_allclose(
        egop_quadratic(H, minimizer, c), expected, rtol=0, atol=100 * d * EPS * expected.max()
    )


def test_least_squares_agrees_with_the_quadratic_of_the_same_minimiser(rng):
    A, y = rng.standard_normal((7, 4)), rng.standard_normal(7)
    minimizer = np.linalg.lstsq(A, y)[0]
    expected = egop_quadratic(A.T @ A, minimizer, 1.3)
    atol = 1e3 * EPS * expected.max()  # the solution's condition number is about 10
    np.testing.assert_allclose(egop_least_squares(A, y, 1.3), expected, rtol=0, atol=atol)


def test_streaming_and_merging_equal_all_at_once(rng):
    G = rng.standard_normal((103, 6))
    parts = [GradientMoments(6).add(G[:40]), GradientMoments(6).add(G[40:41]).add(G[41:])]
    merged = parts[1].merge(parts[0])
    assert merged.count == 103
    np.testing.assert_allclose(
        merged.egop(), egop(G), rtol=0, atol=103 * EPS * np.abs(G).max() ** 2
    )


def test_few_samples_give_the_leading_pairs_of_the_full_matrix(rng):
    G = rng.standard_normal((5, 40))
    values, V = sample_eigenbasis(G)
    assert V.shape == (40, 5)
    full = eigenbasis(egop(G))
    np.testing.assert_allclose(values, full.eigenvalues[:5], rtol=40 * 40 * EPS)
    np.testing.assert_allclose(egop(G) @ V, V * values, rtol=0, atol=1e3 * EPS * values[0])


def test_randomized_basis_finds_a_dominant_subspace(rng):
    d, rank = 60, 4
    scales = np.concatenate([[30.0, 20.0, 15.0, 10.0], np.full(d - 4, 0.1)])
    G = rng.standard_normal((200, d)) * scales
    exact = eigenbasis(egop(G))
    found = randomized_eigenbasis(G, rank, rng.standard_normal((200, 8)))
    # The gap is (0.1/10)^2; two power steps leave (1e-4)^5 of the angle, far below rounding.
    np.testing.assert_allclose(found.eigenvalues, exact.eigenvalues[:rank], rtol=1e-10)
    overlap = np.linalg.svd(exact.V[:, :rank].T @ found.V, compute_uv=False)
    np.testing.assert_allclose(overlap, 1.0, rtol=0, atol=1e-10)


def test_completion_is_orthogonal_and_keeps_the_given_columns(rng):
    V = np.linalg.qr(rng.standard_normal((9, 4)))[0]
    whole = random_completion(V, rng.standard_normal((9, 5)))
    np.testing.assert_array_equal(whole[:, :4], V)
    np.testing.assert_allclose(whole.T @ whole, np.eye(9), rtol=0, atol=100 * EPS)


def test_completion_is_uniform_in_the_complement(rng):
    # The first added column is uniform on the sphere of a plane: E (first coordinate)^2 = 1/2.
    n = 4000
    partial = np.eye(3)[:, 2:]
    first = [random_completion(partial, rng.standard_normal((3, 2)))[0, 1] for _ in range(n)]
    square = np.square(first)
    assert abs(square.mean() - 0.5) < 4 * square.std() / np.sqrt(n)
    assert abs(np.mean(first)) < 4 * np.std(first) / np.sqrt(n)  # no preferred sign


def test_block_bases_are_those_of_the_diagonal_blocks(rng):
    G = rng.standard_normal((30, 5))
    first, second = block_eigenbases(G, [2, 3])
    np.testing.assert_allclose(
        second.eigenvalues, np.linalg.eigvalsh(egop(G)[2:, 2:])[::-1], rtol=1e3 * EPS
    )
    assert first.V.shape == (2, 2)


def test_kronecker_bases_diagonalise_the_row_and_column_moments(rng):
    G = rng.standard_normal((20, 3, 4))
    left, right = kronecker_eigenbases(G.reshape(20, 12), (3, 4))
    rows = sum(g @ g.T for g in G) / 20
    columns = sum(g.T @ g for g in G) / 20
    for basis, moment in ((left, rows), (right, columns)):
        inside = basis.V.T @ moment @ basis.V
        atol = 100 * EPS * moment.max()
        np.testing.assert_allclose(inside, np.diag(basis.eigenvalues), rtol=0, atol=atol)


def test_average_over_units_is_the_average_over_all_permutations(rng):
    units, rest, d = np.array([[0, 4], [2, 5], [6, 1]]), [3], 7
    M = symmetric(rng, d)
    total = np.zeros((d, d))
    for order in itertools.permutations(range(3)):
        index = np.arange(d)
        index[units.ravel()] = units[list(order)].ravel()
        total += M[np.ix_(index, index)]
    assert rest == [3]
    np.testing.assert_allclose(average_over_units(M, units), total / 6, rtol=0, atol=50 * EPS * 4)


def test_stable_rank_and_density_at_their_extremes():
    assert stable_rank(np.ones(9)) == 9.0
    assert stable_rank([5.0, 0.0, 0.0]) == 1.0
    assert density(np.eye(4)[1]) == pytest.approx(0.5, abs=4 * EPS)
    assert density(np.full(4, -1e200)) == pytest.approx(1.0, abs=4 * EPS)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: egop(np.zeros((0, 3))), "gradients has shape (0, 3)"),
        (lambda: egop([[1.0, np.nan]]), "gradients has entries that are not finite"),
        (lambda: egop_quadratic(np.ones((2, 3)), np.ones(2), 1.0), "hessian has shape (2, 3)"),
        (lambda: egop_quadratic([[1, 2], [0, 1]], [0, 0], 1.0), "hessian is not symmetric"),
        (lambda: egop_quadratic(np.eye(2), np.ones(3), 1.0), "minimizer has length 3"),
        (lambda: egop_quadratic(np.eye(2), np.ones(2), 0.0), "c is 0.0; it must be a finite"),
        (lambda: egop_quadratic(np.eye(2), np.ones(2), -1.0), "c is -1.0"),
        (lambda: egop_quadratic(np.eye(2), np.ones(2), float("nan")), "c is nan"),
        (lambda: egop_least_squares(np.ones((3, 2)), np.ones(2), 1.0), "y has length 2"),
        (lambda: eigenbasis([[0.0, 1.0], [1.0, 0.0]]), "none may be negative"),
        (lambda: stable_rank([1.0, -1.0]), "eigenvalues range over [-1, 1]"),
        (lambda: stable_rank([]), "eigenvalues has shape (0,)"),
        (lambda: density([0.0, 0.0]), "v is zero"),
        (lambda: GradientMoments(0), "dimension is 0"),
        (lambda: GradientMoments(2).egop(), "at least one sample"),
        (lambda: GradientMoments(2).add(np.ones((1, 3))), "gradients have 3 columns"),
        (lambda: GradientMoments(2).merge(GradientMoments(3)), "other has dimension 3"),
        (lambda: randomized_eigenbasis(np.ones((4, 3)), 3, np.ones((4, 2))), "rank is 3"),
        (lambda: random_completion(np.ones((3, 2)), np.ones((3, 1))), "not orthonormal"),
        (lambda: block_eigenbases(np.ones((4, 3)), [1, 1]), "sizes are [1, 1]"),
        (lambda: kronecker_eigenbases(np.ones((4, 3)), (2, 2)), "shape is (2, 2)"),
        (lambda: average_over_units(np.eye(3), [[0, 1], [1, 2]]), "distinct coordinates"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, told):
    with pytest.raises(ValueError) as caught:
        call()
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
