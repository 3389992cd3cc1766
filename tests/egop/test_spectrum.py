"""Eigenvalues in balls, the spectra of Lemmas 11, 18 and 19, and what their searches reach."""

from fractions import Fraction

import flint
import numpy as np
import pytest

from proofs_check.egop import spectrum as checks
from proofs_check.egop import spectrum_taylor as taylor_checks
from proofs_check.engine import run_proof, run_search
from proofs_check.engine.exact import to_exact
from simulations.egop.spectrum_taylor import GaussianPoints
from theory.core import Check, Verdict
from theory.egop.eigenvalues import eigenvalue, eigenvalues
from theory.egop.outer_product import egop_least_squares
from theory.egop.spectrum import (
    composed_spectrum,
    least_squares_outer_product,
    least_squares_spectrum,
    lemma_18,
    lemma_19,
)
from theory.egop.spectrum_taylor import lemma_11, lemma_11_root_scale, root_scale_sides
from theory.scalars import NotExact

UNIT = np.finfo(float).eps
SEARCHES = [
    (lemma_19, checks.data_and_targets),
    (lemma_18, checks.data_and_weights),
    (lemma_11, taylor_checks.problems),
    (lemma_11_root_scale, taylor_checks.problems_with_positions),
]


# ---- eigenvalues


def test_balls_contain_known_eigenvalues():
    # Q of a reflection, (3, 4)/5: eigenvalues 2 and -7 exactly
    Q = np.array([[Fraction(3, 5), Fraction(4, 5)], [Fraction(4, 5), Fraction(-3, 5)]])
    matrix = (Q * np.array([Fraction(2), Fraction(-7)])) @ Q.T
    found = eigenvalues(to_exact(matrix))
    for ball, exact in zip(found, (2, -7), strict=True):
        assert ball.ball.contains(flint.fmpq(exact))
        assert ball.radius() < 1e-15


def test_balls_of_multiple_eigenvalues():
    found = eigenvalues(to_exact(np.ones((3, 3)) + np.eye(3)))
    for ball, exact in zip(found, (4, 1, 1), strict=True):
        assert ball.ball.contains(exact)
        assert ball.radius() < 1e-15


def test_balls_agree_with_floats_in_descending_order():
    rows = np.random.default_rng(5).standard_normal((4, 4))
    matrix = rows + rows.T
    floats, balls = eigenvalues(matrix), eigenvalues(to_exact(matrix))
    assert np.all(np.diff(floats) < 0)
    # backward error of the float solver: d u ||A||
    allowed = 4 * 4 * UNIT * np.linalg.norm(matrix)
    for number, ball in zip(floats, balls, strict=True):
        assert ball.approximate() == pytest.approx(number, abs=allowed)


def test_small_eigenvalues_keep_relative_accuracy():
    (large, small) = eigenvalues(to_exact(np.array([[1.0, 2.0**-40], [2.0**-40, 2.0**-70]])))
    # determinant 2^-70 - 2^-80, trace 1 + 2^-70
    product = large * small - (Fraction(1, 2**70) - Fraction(1, 2**80))
    assert product.ball.contains(0)
    assert small.radius() < 1e-3 * small.approximate()


def test_rationals_have_no_exact_eigenvalues():
    with pytest.raises(NotExact, match="eigenvalues of a matrix of exact numbers"):
        eigenvalue(np.array([[Fraction(1), Fraction(2)], [Fraction(2), Fraction(1)]]), 1)


# ---- Lemmas 18 and 19


@pytest.mark.parametrize("shape", [(2, 5), (5, 2), (4, 4), (1, 3)])
def test_every_shape_interlaces(shape):
    rng = np.random.default_rng(sum(shape))
    A, y = rng.standard_normal(shape), rng.standard_normal(shape[0])
    # rounding of squares of a gram matrix, and of its zero eigenvalues
    allowed = 64 * shape[1] * UNIT * max(1, np.linalg.norm(A, 2)) ** 4
    differences = 0.0
    for k in range(1, shape[1] + 1):
        lhs, rhs = least_squares_spectrum(A, y, 1.5, k)
        assert max(a - b for a, b in zip(lhs, rhs, strict=True)) <= 4 * allowed
        differences += rhs[0] - lhs[0]
    u = A.T @ y
    assert differences == pytest.approx(u @ u, abs=8 * allowed)


def test_both_forms_of_the_outer_product_agree():
    rng = np.random.default_rng(2)
    A, y = rng.standard_normal((5, 3)), rng.standard_normal(5)
    expected = egop_least_squares(A, y, 0.7)
    found = least_squares_outer_product(A, y, 0.7)
    np.testing.assert_allclose(found, expected, rtol=0, atol=32 * UNIT * np.abs(expected).max())


def test_aligned_target_attains_the_upper_end_and_zero_the_lower():
    A = np.diag([3.0, 2.0])
    lhs, rhs = least_squares_spectrum(A, np.array([5.0, 0.0]), 2.0, 1)
    assert lhs[1] == pytest.approx(rhs[1], rel=16 * UNIT)
    lhs, rhs = least_squares_spectrum(A, np.zeros(2), 2.0, 2)
    assert lhs[0] == pytest.approx(rhs[0], rel=16 * UNIT)


def test_wide_data_is_covered_by_lemma_18():
    rng = np.random.default_rng(8)
    A, G = rng.standard_normal((2, 5)), np.diag([1.0, 4.0])
    for k in range(1, 6):
        lhs, rhs = composed_spectrum(A, G, 1.0, 4.0, k)
        slack = 64 * UNIT * 4 * np.linalg.norm(A) ** 2
        assert lhs[0] <= rhs[0] + slack
        assert lhs[1] <= rhs[1] + slack


# ---- Lemma 11


def test_two_points_attain_the_root_scale():
    # h x + (H/2) x|x| at +-c: the root of the EGOP is c (h + H c/2)
    c, h, H = 2.0, 3.0, 0.5
    points = np.array([[c], [-c]])
    gradients = h * points + H / 2 * points * np.abs(points)
    lhs, rhs = root_scale_sides(
        points=points, gradients=gradients, hessian=np.array([[h]]), minimizer=np.zeros(1), c=c,
        lipschitz=H, direction=np.ones(1), slack=H * c / 2 / h, least=1.0, k=1,
    )  # fmt: skip
    assert lhs[0] == pytest.approx(rhs[0], rel=16 * UNIT)
    assert lhs[2] == pytest.approx(rhs[2], rel=16 * UNIT)


@pytest.mark.parametrize(("d", "t"), [(1, 0.0), (3, 0.5), (10, 1.0)])
def test_gaussian_moments_have_their_closed_form(d, t):
    c = 0.8
    found = GaussianPoints(d, c).central_moment(t * np.eye(d)[0], 4)
    exact = c**4 * d * (d + 2) + 2 * (d + 2) * c**2 * t**2 + t**4
    # gamma and hypergeometric functions to some hundred units in the last place
    assert found == pytest.approx(exact, rel=1e-12)


# ---- claims


@pytest.mark.parametrize(("claim", "function"), SEARCHES)
def test_spectral_searches_reach_equality(claim, function):
    attack = Check("search", claim, function, {"examples": {"quick": 80}, "refine": ()})
    evidence = run_search(attack, claim.itself(), budget="quick", seed=1)
    assert evidence.verdict is Verdict.SUPPORTED, evidence.summary
    assert evidence.data["exercised"] >= 50
    # extremal instances are exact up to the rounding of a target or of e to float64
    assert 1 - 1e-6 <= evidence.data["tightness"] <= 1


@pytest.mark.parametrize(
    ("claim", "function"),
    [
        (lemma_19, checks.common_vectors),
        (lemma_18, checks.loewner_order),
        (lemma_11, taylor_checks.expanded_product),
        (lemma_11_root_scale, taylor_checks.seminorms),
    ],
)
def test_spectral_proofs_prove_the_claim_and_not_its_first_mutant(claim, function):
    check = Check("proof", claim, function, {"scope": "all d"})
    assert run_proof(check, claim.itself()).verdict is Verdict.PROVED
    assert run_proof(check, claim.variants()[0]).verdict is not Verdict.PROVED
