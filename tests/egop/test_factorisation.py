"""Matrix factorisation: the Hessian's form, its Lipschitz constant, proofs and searches."""

from fractions import Fraction

import numpy as np
import pytest

from proofs_check.egop import factorisation as checks
from proofs_check.engine import run_proof, run_search
from theory.core import Check, Verdict
from theory.egop.factorisation import (
    factorisation_loss,
    hessian_change,
    hessian_form,
    lemma_16,
    lemma_17,
    second_derivative,
    squared_norm,
)
from theory.models.objectives import MatrixFactorisation

UNIT = np.finfo(float).eps


def random_problem(seed, m=3, p=3, q=2, r=2):
    rng = np.random.default_rng(seed)
    operator, target = rng.standard_normal((m, p, q)), rng.standard_normal(m)
    pairs = [(rng.standard_normal((p, r)), rng.standard_normal((q, r))) for _ in range(2)]
    return operator, target, *pairs


def flat(pair):
    return np.concatenate([pair[0].ravel(), pair[1].ravel()])


def test_form_and_loss_agree_with_the_objective():
    operator, target, point, direction = random_problem(1)
    model = MatrixFactorisation(operator, target, 2)
    v = flat(direction)
    expected = v @ model.hessian(flat(point)) @ v
    # a few hundred products and sums of size about 10
    assert hessian_form(operator, target, point, direction) == pytest.approx(expected, rel=1e-12)
    loss = factorisation_loss(operator, target, point)
    assert loss == pytest.approx(float(model.value(flat(point))), rel=1e3 * UNIT)


def test_model_constant_bounds_the_change_of_its_hessian():
    operator, target, first, second = random_problem(2)
    model = MatrixFactorisation(operator, target, 2)
    radius = max(float(np.sqrt(squared_norm(x))) for x in (first, second))
    change = model.hessian(flat(first)) - model.hessian(flat(second))
    bound = model.hessian_lipschitz(radius) * np.linalg.norm(flat(first) - flat(second))
    values, vectors = np.linalg.eigh(change)
    worst = vectors[:, np.argmax(np.abs(values))]
    direction = worst[:6].reshape(3, 2), worst[6:].reshape(2, 2)
    norm = np.linalg.norm(operator.reshape(3, -1), 2)
    lhs, rhs = hessian_change(operator, target, first, second, direction, radius, norm)
    # eigenvalue and form differ by rounding of sums of about 100 terms
    assert lhs == pytest.approx(np.abs(values).max() ** 2, rel=1e-11)
    assert rhs == pytest.approx(bound**2, rel=1e-11)
    assert lhs <= rhs


def test_constant_is_approached_by_the_product_of_two_numbers():
    size, step = Fraction(408, 577), Fraction(1, 1000)

    def along(x):
        return np.array([[x]]), np.array([[x]])

    lhs, rhs = hessian_change(np.array([[[Fraction(1)]]]), np.array([Fraction(0)]), along(size),
                              along(size - step), along(Fraction(1)), 1, 1)  # fmt: skip
    # the midpoint is at 1 - step/(2 size) of the radius
    assert (1 - step) ** 2 < lhs / rhs < 1


def test_five_values_are_exact_where_two_are_not():
    one = np.array([[Fraction(1)]])
    sides = second_derivative(one[None], np.array([Fraction(3)]), one, 2 * one, one, -one)
    assert sides[0] == sides[1] == 3


@pytest.mark.parametrize(
    ("claim", "function"),
    [
        (lemma_17, checks.quartic_along_a_line),
        (lemma_16, checks.third_derivative_at_the_midpoint),
    ],
)
def test_proofs_prove_the_statement_only(claim, function):
    proof = Check("proof", claim, function, {"scope": "all"})
    evidence = run_proof(proof, claim.itself())
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    for variant in claim.variants():
        assert run_proof(proof, variant).verdict is not Verdict.PROVED, variant.label


def searched(claim, function, statement, seed):
    attack = Check("search", claim, function, {"examples": {"quick": 200}, "refine": ()})
    return run_search(attack, statement, budget="quick", seed=seed)


@pytest.mark.parametrize("claim", [lemma_16, lemma_17], ids=lambda claim: claim.id)
def test_searches_refute_every_variant(claim):
    function = {"egop/lemma-16": checks.points_of_the_ball,
                "egop/lemma-17": checks.exact_factorisations}[claim.id]  # fmt: skip
    for variant in claim.variants():
        found = searched(claim, function, variant, seed=5)
        assert found.verdict is Verdict.REFUTED, (variant.label, found.summary)


def test_search_reaches_the_sharp_constant():
    evidence = searched(lemma_16, checks.points_of_the_ball, lemma_16.itself(), seed=1)
    assert evidence.verdict is Verdict.SUPPORTED, evidence.summary
    # squares; the closest pair has its midpoint at 1 - 1/2048 of the radius
    assert 0.99 < evidence.data["tightness"] <= 1
