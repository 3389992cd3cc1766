"""First-order steps, their claims, and what the searches reach."""

from fractions import Fraction

import flint
import numpy as np
import pytest

from proofs_check.adaptive_norms import ellipsoids as checks
from proofs_check.engine import run_proof, run_search
from proofs_check.engine.exact import to_exact
from theory import arrays
from theory.adaptive_norms.ellipsoids import (
    corollary_1,
    equivalence_constant,
    first_order_step,
    in_ellipsoid,
    largest_eps_for_uniform_equivalence,
    lemma_1,
    optimality_gap,
    rmsprop_matrix,
    rmsprop_optimality_gap,
)
from theory.core import Check, Verdict
from theory.matrix_roots import matrix_square_root

UNIT = np.finfo(float).eps


def check(claim, function, kind, **options):
    return Check(kind, claim, function, options)


def searched(claim, function, refine=(), variant=None, seed=1):
    attack = check(claim, function, "search", examples={"quick": 200}, refine=refine)
    statement = claim.variant(variant) if variant else claim.itself()
    return run_search(attack, statement, budget="quick", seed=seed)


def random_definite(d, seed):
    rows = np.random.default_rng(seed).standard_normal((d + 2, d))
    return rows.T @ rows + 0.1 * np.eye(d)


# ---- steps


def test_no_point_of_the_ellipse_is_better_than_the_step():
    matrix, gradient, eta = random_definite(2, 3), np.array([1.0, -2.0]), 0.3
    step = first_order_step(gradient, matrix, eta)
    radius = eta * np.sqrt(gradient @ np.linalg.solve(matrix, gradient))
    angles = np.linspace(0, 2 * np.pi, 10_001)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    edge = radius * np.linalg.solve(np.linalg.cholesky(matrix).T, circle)
    values = gradient @ edge
    assert np.sqrt(step @ matrix @ step) == pytest.approx(radius, rel=64 * UNIT)
    assert values.min() >= gradient @ step * (1 + 64 * UNIT)
    # the grid's nearest point is within half a step of the angle: error 1 - cos(pi/10000)
    assert values.min() == pytest.approx(gradient @ step, rel=1e-7)


def test_diagonal_matrix_as_a_vector():
    gradient, diagonal = np.array([1.0, 2.0, -3.0]), np.array([1.0, 4.0, 0.5])
    full = first_order_step(gradient, np.diag(diagonal), 0.7)
    np.testing.assert_allclose(first_order_step(gradient, diagonal, 0.7), full, rtol=8 * UNIT)


def test_excess_is_an_identity_of_the_slack():
    matrix, gradient = random_definite(4, 5), np.array([1.0, 0.5, -1.0, 2.0])
    competitor, eta = np.array([0.3, -1.0, 2.0, 0.1]), Fraction(1, 3)
    arguments = to_exact({"gradient": gradient, "matrix": matrix, "eta": eta,
                          "competitor": competitor})  # fmt: skip
    lhs, rhs = optimality_gap(**arguments)
    A, g, s, e = (arguments[k] for k in ("matrix", "gradient", "competitor", "eta"))
    slack = e * e * arrays.inverse_quadratic_form(A, g) - arrays.quadratic_form(A, s)
    assert 2 * (rhs - lhs) == slack
    assert (rhs >= lhs) == in_ellipsoid(**arguments)


def test_zero_gradient_has_the_zero_step():
    assert first_order_step(np.zeros(3), np.eye(3), 1.0).tolist() == [0.0, 0.0, 0.0]


def test_step_accepts_its_own_matrices():
    rows = 1e3 * np.random.default_rng(0).standard_normal((30, 6))
    matrix = rmsprop_matrix(rows, 0.95, 1e-8)
    step = first_order_step(rows[-1], matrix, 1.0)
    # backward stable solve: residual below d u cond-free bound ||A|| ||s||
    residual = np.linalg.norm(matrix @ step + rows[-1])
    assert residual <= 100 * UNIT * np.linalg.norm(matrix) * np.linalg.norm(step)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], np.eye(1), 0.0), "eta is 0.0; it must be finite and > 0"),
        (([1.0, 2.0], np.eye(3), 1.0), r"matrix has shape \(3, 3\) and gradient \(2,\)"),
        (([[1.0]], np.eye(1), 1.0), r"gradient has shape \(1, 1\); it must have shape \(d,\)"),
        (([np.nan], np.eye(1), 1.0), r"gradient\[0\] is nan"),
        (([1.0, 2.0], [[1.0, 1.0], [0.0, 1.0]], 1.0), "matrix is not symmetric"),
        (([1.0, 2.0], [[1.0, 2.0], [2.0, 1.0]], 1.0), "matrix is not positive definite"),
        (([1.0, 2.0], [1.0, 0.0], 1.0), "matrix is not positive definite"),
        (([1.0, 2.0], np.ones((2, 3)), 1.0), r"matrix has shape \(2, 3\); it must be \(d, d\)"),
    ],
)
def test_wrong_step_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        first_order_step(*arguments)


# ---- constants


def test_equivalence_constant_is_the_supremum_over_directions():
    matrix = np.array([[0.3, 0.1], [0.1, 2.0]])
    angles = np.linspace(0, np.pi, 200_001)
    w = np.stack([np.cos(angles), np.sin(angles)])
    quotients = np.sqrt(np.sum(w * (matrix @ w), axis=0))
    brute = max(quotients.max(), 1 / quotients.min())
    # second-order error of the grid: (pi/200000)^2 times the condition number, about 1e-9
    assert equivalence_constant(matrix) == pytest.approx(brute, rel=1e-8)
    assert equivalence_constant(matrix) >= brute * (1 - 16 * UNIT)


def test_equivalence_constant_of_several_matrices_serves_all():
    stack = np.stack([np.diag([1.0, 9.0]), np.diag([0.04, 1.0])])
    assert equivalence_constant(stack) == pytest.approx(5.0, rel=8 * UNIT)
    assert equivalence_constant(np.eye(3)) == 1.0


@pytest.mark.parametrize(
    "matrix", [np.ones(2), np.ones((1, 1, 1, 1)), -np.eye(2), np.zeros((2, 2))]
)
def test_wrong_matrix_has_no_constant(matrix):
    with pytest.raises(ValueError, match="matrix"):
        equivalence_constant(matrix)


@pytest.mark.parametrize("bound", [0.0, 1e-3, 1.0, 37.0, 1e4, 1e100])
def test_threshold_is_the_root_to_rounding(bound):
    eps = largest_eps_for_uniform_equivalence(bound)
    product = Fraction(eps) * (Fraction(bound) ** 2 + Fraction(eps))
    # a handful of roundings, doubled by the quadratic
    assert abs(product - 1) <= 16 * Fraction(UNIT)


def test_threshold_rejects_a_negative_bound():
    with pytest.raises(ValueError, match=r"bound is -1\.0; it must be finite and >= 0"):
        largest_eps_for_uniform_equivalence(-1.0)


# ---- square roots


def test_ball_root_contains_the_exact_root():
    root = np.array([[Fraction(3), Fraction(1)], [Fraction(1), Fraction(2)]], dtype=object)
    found = matrix_square_root(to_exact(root @ root))
    for ball, exact in zip(found.ravel(), root.ravel(), strict=True):
        assert ball.ball.contains(flint.fmpq(exact.numerator, exact.denominator))
        assert ball.radius() < 1e-10


def test_ball_root_of_an_ill_conditioned_matrix():
    matrix = np.diag([1e-8, 1.0, 1e8]) + 1e-9 * np.ones((3, 3))
    found = matrix_square_root(to_exact(matrix))
    square = found @ found - to_exact(matrix)
    assert all(entry.ball.contains(0) for entry in square.ravel())


def test_root_of_an_indefinite_matrix_of_balls_is_refused():
    with pytest.raises(ZeroDivisionError, match="not certainly positive definite"):
        matrix_square_root(to_exact(np.array([[1.0, 2.0], [2.0, 1.0]])))


def test_float_root_squares_back():
    matrix = random_definite(5, 9)
    root = matrix_square_root(matrix)
    np.testing.assert_allclose(root @ root, matrix, rtol=0, atol=50 * UNIT * np.linalg.norm(matrix))


# ---- claims


@pytest.mark.parametrize(
    ("claim", "function", "cited"),
    [
        (lemma_1, checks.completing_the_square, []),
        (corollary_1, checks.square_root_norm, ["the square root exists"]),
    ],
)
def test_proofs_cite_little_and_prove_no_mutant(claim, function, cited):
    proof = check(claim, function, "proof", scope="all d")
    evidence = run_proof(proof, claim.itself())
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    assert evidence.data["cited"] == cited
    for variant in claim.variants():
        assert run_proof(proof, variant).verdict is not Verdict.PROVED, variant.label


@pytest.mark.parametrize(
    ("claim", "function", "refine"),
    [
        (lemma_1, checks.competitors, ("competitor", "gradient")),
        (corollary_1, checks.rmsprop_competitors, ("competitor",)),
    ],
)
def test_searches_reach_the_boundary(claim, function, refine):
    evidence = searched(claim, function, refine)
    assert evidence.verdict is Verdict.SUPPORTED, evidence.summary
    # competitors on the boundary have equality; they are placed within 2^-40 of it
    assert 1 - 1e-9 <= evidence.data["tightness"] <= 1


def test_a_radius_two_per_cent_larger_is_refuted():
    found = searched(lemma_1, checks.competitors, variant="radius two per cent larger")
    assert found.verdict is Verdict.REFUTED
    assert "exact rationals" in found.data["arithmetic"]


def test_rmsprop_step_is_not_optimal_in_the_ellipse_of_lemma_2():
    matrix, gradient = np.diag([1.0, 4.0]), np.array([1.0, 1.0])
    step = first_order_step(gradient, matrix_square_root(matrix), 1.0)
    best = first_order_step(gradient, matrix, 1.0)
    best = best * np.sqrt((step @ matrix @ step) / (best @ matrix @ best))
    assert gradient @ best == pytest.approx(gradient @ step * np.sqrt(10 / 9), rel=16 * UNIT)


def test_float_formula_of_corollary_1_agrees_with_balls():
    instance = {"gradients": np.array([[1.0, 2.0], [0.5, -1.0]]), "beta": 0.5, "eps": 0.125,
                "eta": 1.0, "competitor": np.array([-0.25, 0.5])}  # fmt: skip
    floats = rmsprop_optimality_gap(**instance)
    balls = rmsprop_optimality_gap(**to_exact(instance))
    for number, ball in zip(floats, balls, strict=True):
        assert number == pytest.approx(ball.approximate(), rel=1e3 * UNIT)
