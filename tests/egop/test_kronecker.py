"""Rotations from two sides: stacking order, the converse, proof, certificate and search."""

import numpy as np
import pytest

from proofs_check.egop import kronecker as checks
from proofs_check.engine import run_proof, run_search
from theory.core import Check, Verdict
from theory.egop.kronecker import kronecker, lemma_20, plane_rotation, vec
from theory.models.bases import haar_basis
from theory.optimizers.reparameterised import Basis

UNIT = np.finfo(float).eps


def random_sides(p, q, seed=0):
    rng = np.random.default_rng(seed)
    left, right = haar_basis(rng.standard_normal((p, p))), haar_basis(rng.standard_normal((q, q)))
    return left, right, rng.standard_normal((p, q))


def test_kronecker_is_that_of_numpy():
    rng = np.random.default_rng(1)
    first, second = rng.standard_normal((2, 3)), rng.standard_normal((4, 2))
    assert (kronecker(first, second) == np.kron(first, second)).all()
    assert (kronecker(first[0], second[0]) == np.kron(first[0], second[0])).all()


def test_basis_of_a_matrix_is_the_kronecker_rotation_in_both_orders():
    left, right, W = random_sides(3, 2)
    turned = Basis(right, left).inwards(W)
    # six products of two matrices: at most 2 (p + q) roundings of numbers below 10
    columns = kronecker(right, left).T @ vec(W)
    np.testing.assert_allclose(columns, vec(turned), rtol=0, atol=100 * UNIT)
    rows = kronecker(left, right).T @ W.ravel()
    np.testing.assert_allclose(rows, turned.ravel(), rtol=0, atol=100 * UNIT)


def test_no_pair_of_sides_comes_close_to_the_rotation():
    U = plane_rotation(0.6, 0.8)
    np.testing.assert_allclose(U.T @ U, np.eye(4), rtol=0, atol=4 * UNIT)
    image = (U.T @ vec(np.diag([1.0, 0.0]))).reshape(2, 2).T
    # a matrix of rank one is at least the smaller singular value away
    assert np.linalg.svd(image)[1] == pytest.approx([0.8, 0.6], rel=8 * UNIT)
    for seed in range(200):
        left, right, _ = random_sides(2, 2, seed)
        gradient = left.T @ np.diag([1.0, 0.0]) @ right
        assert np.linalg.norm(gradient - image) > 0.6


@pytest.mark.parametrize(
    ("function", "kind", "verdict"),
    [
        (checks.ranks_differ, "proof", Verdict.PROVED),
        (checks.sides_of_a_small_matrix, "certificate", Verdict.SUPPORTED),
    ],
)
def test_proof_and_certificate_are_of_the_statement_only(function, kind, verdict):
    check = Check(kind, lemma_20, function, {"scope": "all"})
    evidence = run_proof(check, lemma_20.itself())
    assert evidence.verdict is verdict, evidence.summary
    for variant in lemma_20.variants():
        found = run_proof(check, variant).verdict
        assert found in (Verdict.INCONCLUSIVE, Verdict.REFUTED), variant.label


@pytest.mark.parametrize("variant", [None, *lemma_20.mutants])
def test_search_refutes_the_variants_only(variant):
    options = {"examples": {"quick": 60}, "refine": ()}
    attack = Check("search", lemma_20, checks.rational_sides, options)
    statement = lemma_20.variant(variant) if variant else lemma_20.itself()
    found = run_search(attack, statement, budget="quick", seed=3)
    assert found.verdict is (Verdict.REFUTED if variant else Verdict.SUPPORTED), found.summary
