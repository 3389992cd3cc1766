"""Uniform equivalence: constants, thresholds, proofs, and what the searches reach."""

from fractions import Fraction

import numpy as np
import pytest

from proofs_check.adaptive_norms import adagrad_growth as adagrad_checks
from proofs_check.adaptive_norms import equivalence_variants as variant_checks
from proofs_check.adaptive_norms import uniform_equivalence as checks
from proofs_check.adaptive_norms.histories import DiagonalHistory, History, histories
from proofs_check.engine import algebra, run_proof, run_search
from proofs_check.engine.exact import to_exact
from theory.adaptive_norms.adagrad_growth import adagrad_not_equivalent, sampled_gradient
from theory.adaptive_norms.ellipsoids import (
    adagrad_matrix,
    equivalence_constant,
    largest_eps_for_uniform_equivalence,
    rmsprop_matrix,
)
from theory.adaptive_norms.equivalence_variants import (
    best_scale,
    bias_corrected,
    diagonal_variant,
    optimal_scaling,
    scaled_bounds,
)
from theory.adaptive_norms.preconditioners import accumulated_products
from theory.adaptive_norms.uniform_equivalence import (
    definition_1,
    every_eps,
    every_eps_constant,
    lemma_2,
    lemma_3,
    rmsprop_chain,
)
from theory.core import Check, Verdict

UNIT = np.finfo(float).eps

PROOFS = [
    (definition_1, checks.spectral_coordinates, "proof"),
    (lemma_3, checks.factor_the_difference_of_squares, "proof"),
    (lemma_2, checks.spectrum_by_induction, "proof"),
    (lemma_2, checks.the_usual_eps, "certificate"),
    (every_eps, checks.both_cases, "proof"),
    (optimal_scaling, variant_checks.scaling_balances_both_ends, "proof"),
    (bias_corrected, variant_checks.corrected_induction, "proof"),
    (diagonal_variant, variant_checks.diagonal_induction, "proof"),
    (adagrad_not_equivalent, adagrad_checks.growth_by_induction, "proof"),
    (adagrad_not_equivalent, adagrad_checks.a_hundred_steps, "certificate"),
]
CITED = {
    definition_1.id: ["the spectral theorem"],
    lemma_3.id: ["the square root exists"],
}
SEARCHES = [
    (lemma_3, checks.bounded_spectra),
    (lemma_2, checks.small_eps),
    (every_eps, checks.any_eps),
    (optimal_scaling, variant_checks.scalings),
    (bias_corrected, variant_checks.corrected_histories),
    (diagonal_variant, variant_checks.bounded_entries),
]


def names(cases):
    return [f"{case[0].id.split('/')[1]}-{case[1].__name__}" for case in cases]


# ---- the claims' own checks


@pytest.mark.parametrize(("claim", "function", "kind"), PROOFS, ids=names(PROOFS))
def test_proofs_cite_little_and_prove_no_mutant(claim, function, kind):
    proof = Check(kind, claim, function, {"scope": "all d"})
    evidence = run_proof(proof, claim.itself())
    expected = Verdict.PROVED if kind == "proof" else Verdict.SUPPORTED
    assert evidence.verdict is expected, evidence.summary
    assert evidence.data["cited"] == CITED.get(claim.id, [])
    for variant in claim.variants():
        assert run_proof(proof, variant).verdict is not Verdict.PROVED, variant.label


@pytest.mark.parametrize(("claim", "function"), SEARCHES, ids=names(SEARCHES))
def test_searches_attain_equality(claim, function):
    attack = Check("search", claim, function, {"examples": {"quick": 200}, "refine": ()})
    evidence = run_search(attack, claim.itself(), budget="quick", seed=1)
    assert evidence.verdict is Verdict.SUPPORTED, evidence.summary
    assert 1 - 1e-12 <= evidence.data["tightness"] <= 1


def test_search_of_lemma_2_reaches_every_link():
    """Each link of the chain is tight for some instance of the strategy, not only the first."""
    from hypothesis import given, seed, settings

    best = [0.0, 0.0, 0.0]

    @seed(3)
    @settings(max_examples=300, database=None, deadline=None, derandomize=False)
    @given(checks.small_eps())
    def explore(instance):
        if lemma_2.assumes(**instance):
            lhs, rhs = rmsprop_chain(**instance)
            for link in range(3):
                best[link] = max(best[link], float(lhs[link] / rhs[link]))

    explore()
    assert min(best) >= 1 - 1e-9, best


# ---- constants


def test_definition_1_in_an_eigenbasis_of_numpy():
    matrix = rmsprop_matrix(np.random.default_rng(2).standard_normal((9, 4)), 0.8, 0.05)
    values = np.linalg.eigvalsh(matrix)
    expected = np.sqrt(max(values[-1], 1 / values[0]))
    assert equivalence_constant(matrix) == pytest.approx(expected, rel=4 * UNIT)


@pytest.mark.parametrize("eps", [1e-8, 1e-3, 0.5, 0.6180339887, 0.7, 3.0])
@pytest.mark.parametrize("beta", [0.0, 0.9])
def test_every_eps_serves_random_histories_and_is_attained(eps, beta):
    rng = np.random.default_rng(11)
    rows = rng.standard_normal((40, 3))
    rows *= 2.0 / np.linalg.norm(rows, axis=1, keepdims=True)
    largest = np.sqrt(every_eps_constant(2.0, eps))
    for t in range(0, 40, 5):
        constant = equivalence_constant(rmsprop_matrix(rows[: t + 1], beta, eps))
        # eigenvalues of a matrix of norm <= 5: absolute error 20 u, relative to eps >= 1e-8
        assert constant <= largest * (1 + 20 * UNIT / eps)
    extremal = rmsprop_matrix(np.array([[2.0, 0.0]]), 0.0, eps)
    assert equivalence_constant(extremal) == pytest.approx(largest, rel=16 * UNIT)


def test_usual_eps_and_its_threshold():
    eps = Fraction(1, 10**8)
    for bound, holds in (
        (Fraction(10**4), False),
        (Fraction(10**4) - eps, True),
        (Fraction(1), True),
    ):
        rows = np.array([[bound]], dtype=object)
        instance = {"gradients": rows, "beta": Fraction(0), "eps": eps, "bound": bound,
                    "vector": np.array([Fraction(1)], dtype=object)}  # fmt: skip
        assert lemma_2.assumes(**instance) is holds
        lhs, rhs = rmsprop_chain(**instance)
        assert (lhs[1] <= rhs[2]) is holds


def test_threshold_fails_beyond_it_at_some_t_for_beta_above_zero():
    bound, beta = 1.0, 0.9
    eps = 1.02 * largest_eps_for_uniform_equivalence(bound)
    fails = [rmsprop_matrix(np.ones((n, 1)), beta, eps)[0, 0] > 1 / eps for n in range(1, 60)]
    assert not fails[0]
    assert fails[-1]
    assert fails == sorted(fails)


def test_best_scaling_of_the_usual_eps():
    eps = 1e-8
    matrix = float(best_scale(1.0, eps)) * rmsprop_matrix(np.array([[1.0, 0.0]]), 0.0, eps)
    assert equivalence_constant(matrix) == pytest.approx((1 + 1e8) ** 0.25, rel=16 * UNIT)
    for factor in (0.98, 1.02):
        assert equivalence_constant(factor * matrix) > equivalence_constant(matrix) * 1.009


def test_best_scaling_is_rational_for_a_pythagorean_bound():
    # eps (G^2 + eps) = 25/16 for eps = 1, G = 3/4: exact roots, no balls
    instance = {"gradients": np.array([[0.75, 0.0]]), "beta": 0.0, "eps": 1.0, "bound": 0.75,
                "vector": np.array([1.0, 0.0]), "scale": 0.8, "constant": 1.25}  # fmt: skip
    lhs, rhs = scaled_bounds(**to_exact(instance))
    assert [side.is_rational for side in (*lhs, *rhs)] == [True] * 6
    assert lhs[1] == rhs[1]


# ---- Adagrad


@pytest.mark.parametrize("eps", [1e-8, 0.5])
def test_adagrad_grows_by_one_a_step(eps):
    samples = np.where(np.random.default_rng(5).random(200) < 0.5, 1.0, -1.0)
    rows = sampled_gradient(0.0, samples)[:, None]
    for t in (0, 1, 10, 199):
        # integers below 2^53 are exact; adding eps rounds once
        assert adagrad_matrix(rows[: t + 1], eps)[0, 0] == (t + 1) + eps
        assert equivalence_constant(adagrad_matrix(rows[: t + 1], eps)) ** 2 > t


# ---- histories of symbols


def test_history_agrees_with_arrays():
    import sympy

    beta = sympy.Rational(1, 3)
    rows = np.array([[sympy.Integer(1), sympy.Integer(2)], [sympy.Integer(-1), sympy.Integer(3)],
                     [sympy.Rational(1, 2), sympy.Integer(0)]], dtype=object)  # fmt: skip
    whole = accumulated_products(rows, beta, 1 - beta)
    before = accumulated_products(rows[:2], beta, 1 - beta)
    last = np.outer(rows[2], rows[2])
    assert (whole == beta * before + (1 - beta) * last).all()
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    v, g = algebra.symmetric("V"), algebra.vector("g")
    step = History(v, n).then(g)
    assert step.accumulated_products(beta, 1 - beta) == beta * v + (1 - beta) * g.outer(g)
    assert step.shape[0] == n + 1


def test_histories_cover_start_and_step():
    import sympy

    n = sympy.Symbol("n", integer=True, nonnegative=True)
    g = algebra.vector("g")
    cases = histories(n, g)
    assert cases(sympy.Integer(0)).shape[0] == 0
    assert cases(n).shape[0] == n
    assert cases(n + 1)[-1] == g
    with pytest.raises(IndexError, match="gradient 0 of a symbolic history is not known"):
        cases(n + 1)[0]
    assert isinstance(histories(n, algebra.diagonal("D"))(n), DiagonalHistory)
