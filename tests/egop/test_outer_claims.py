"""Claims about matrices and directions: the printed examples, tightness, the strategies' reach."""

import math

import numpy as np
import pytest

from proofs_check.egop import matrix_lemmas as matrix_checks
from proofs_check.egop import outer_claims as outer_checks
from proofs_check.engine import run_proof, run_search
from theory.core import Verdict
from theory.core.registry import _CHECKS
from theory.egop.matrix_lemmas import (
    equation_4,
    image_against_form,
    lemma_12,
    lemma_13,
    squares_are_ordered,
)
from theory.egop.outer_claims import (
    equation_2,
    is_isotropic,
    lemma_14,
    lemma_14_rotation_invariant,
    quartic_egops,
)
from theory.egop.outer_product import egop
from theory.egop.random_density import density_of_random_directions, random_density

EPS = np.finfo(float).eps


def check_of(claim, kind):
    (found,) = [c for c in _CHECKS if c.claim is claim and c.kind == kind]
    return found


def test_lemma_12_is_attained_by_the_top_eigenvector():
    P = np.diag([3.0, 1.0])
    lhs, rhs = image_against_form(P, 3.0, np.array([2.0, 0.0]))
    assert lhs == rhs == 36.0


@pytest.mark.parametrize("claim", [lemma_12, lemma_13])
def test_the_search_reaches_equality(claim):
    evidence = run_search(check_of(claim, "search"), claim.itself(), budget="quick", seed=3)
    assert evidence.verdict is Verdict.SUPPORTED
    assert evidence.data["tightness"] == pytest.approx(1.0, abs=1e-12)
    assert evidence.data["exercised"] >= 50


def test_the_square_is_not_monotone():
    P, Q = np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[2.0, 1.0], [1.0, 1.0]])
    v = np.array([1.0, -2.0])
    assert np.linalg.eigvalsh(Q - P)[0] >= 0
    assert v @ P @ P @ v > v @ Q @ Q @ v
    assert not squares_are_ordered(P, Q, v)


def test_the_counterexample_of_lemma_14_in_floats():
    points = math.sqrt(2) * np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    c = math.sqrt(0.5)
    V, a = np.array([[c, -c], [c, c]]), np.array([1.0, 0.0])
    lhs, rhs = quartic_egops(points, a, V)
    np.testing.assert_allclose(lhs, [[2.0, -2.0], [-2.0, 2.0]], rtol=0, atol=20 * EPS)
    np.testing.assert_allclose(rhs, [[0.5, -0.5], [-0.5, 0.5]], rtol=0, atol=20 * EPS)
    # The formula is the EGOP of the gradients themselves.
    inside = points @ V.T
    gradients = (inside @ a)[:, None] ** 3 * a
    np.testing.assert_allclose(egop(gradients @ V), rhs, rtol=0, atol=20 * EPS)
    exact = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    assert is_isotropic(exact, a, np.eye(2))
    assert not is_isotropic(exact[:3], a, np.eye(2))


def test_lemma_14_is_refuted_and_its_repair_proved():
    failing = run_proof(check_of(lemma_14, "certificate"), lemma_14.itself())
    assert failing.verdict is Verdict.REFUTED
    claim = lemma_14_rotation_invariant
    assert run_proof(check_of(claim, "proof"), claim.itself()).verdict is Verdict.PROVED


@pytest.mark.parametrize("claim", [equation_2, equation_4])
def test_every_mutant_falls_to_proof_or_search(claim):
    for statement in claim.variants():
        found = [
            run_search(check_of(claim, "search"), statement, budget="quick", seed=5).verdict,
            run_proof(check_of(claim, "proof"), statement).verdict,
        ]
        assert Verdict.REFUTED in found, statement.label


def test_density_of_random_directions_against_direct_sampling():
    rng = np.random.Generator(np.random.Philox(4))
    for d in (2, 9):
        g = rng.standard_normal((40_000, d))
        beta = np.abs(g).sum(axis=1) / (math.sqrt(d) * np.linalg.norm(g, axis=1))
        error = beta.std() / math.sqrt(len(beta))
        assert abs(beta.mean() - random_density(d)) < 5 * error
    assert random_density(10**6) == pytest.approx(math.sqrt(2 / math.pi) * (1 + 0.25e-6), rel=1e-9)
    assert density_of_random_directions.formula is random_density
    with pytest.raises(ValueError, match="d is 0"):
        random_density(0)


def test_checks_are_registered_where_they_are_written():
    modules = {c.function.__module__ for c in _CHECKS if c.claim in (lemma_12, equation_2)}
    assert modules == {matrix_checks.__name__, outer_checks.__name__}
