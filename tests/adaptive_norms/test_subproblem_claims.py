"""The dual bound and the claim about the solvers: arithmetic, proof, mutants, and reach."""

from fractions import Fraction

import numpy as np
import pytest
from matplotlib.figure import Figure

from proofs_check.adaptive_norms import subproblem as checks
from proofs_check.engine import run_proof, run_search
from proofs_check.engine.exact import Real, to_exact
from simulations.adaptive_norms import subproblem as figures
from theory.adaptive_norms.subproblem import (
    certified_shortfall,
    decrease_and_bound,
    dual_bound,
    is_certified,
    subproblem_duality,
    subproblem_solvers,
)
from theory.core import Check, Verdict
from theory.optimizers.trust_region import exact_subproblem, gltr

SEARCHES = [
    (subproblem_duality, checks.steps_and_multipliers, 100),
    (subproblem_solvers, checks.models, 80),
]
HARD = {"matrix": np.diag([1.0, -1.0]), "gradient": np.array([1.0, 0.0]),
        "ellipsoid": np.ones(2), "radius": 2.0}  # fmt: skip


def search(claim, function, examples, statement, seed):
    options = {"examples": {"quick": examples}, "refine": ()}
    check = Check("search", claim, function, options)
    return run_search(check, statement, budget="quick", seed=seed)


@pytest.mark.parametrize(("claim", "function", "examples"), SEARCHES)
def test_the_searches_support_and_reach_equality(claim, function, examples):
    found = search(claim, function, examples, claim.itself(), 0)
    assert found.verdict is Verdict.SUPPORTED
    assert found.data["exercised"] >= examples / 2
    assert found.data["undecided"] == 0
    # 1e-10 is all that the solvers' claim leaves to the optimum.
    assert found.data["tightness"] >= 1 - 2e-10


@pytest.mark.parametrize(
    ("claim", "function", "examples", "variant"),
    [(*search_, variant) for search_ in SEARCHES for variant in search_[0].variants()],
    ids=lambda value: getattr(value, "variant_name", None),
)
def test_every_mutant_is_refuted(claim, function, examples, variant):
    assert search(claim, function, examples, variant, 1).verdict is Verdict.REFUTED


def test_the_bound_is_proved():
    options = {"scope": "all d", "partial": False}
    check = Check("proof", subproblem_duality, checks.completing_the_square, options)
    assert run_proof(check, subproblem_duality.itself()).verdict is Verdict.PROVED
    for variant in subproblem_duality.variants():
        assert run_proof(check, variant).verdict is not Verdict.PROVED


def test_the_bound_is_attained_at_the_optimum():
    rng = np.random.default_rng(0)
    for _ in range(20):
        M, g = rng.normal(size=(4, 4)), rng.normal(size=4)
        A = rng.uniform(0.2, 5.0, 4)
        best = exact_subproblem(M + M.T, g, 0.7, ellipsoid=A)
        bound = dual_bound(M + M.T, g, A, 0.7, best.multiplier)
        assert best.model_decrease == pytest.approx(bound, rel=1e-12)


def test_the_bound_takes_a_full_ellipsoid_and_rationals():
    A = np.array([[Fraction(2), Fraction(1)], [Fraction(1), Fraction(3)]], dtype=object)
    B = np.array([[Fraction(0), Fraction(0)], [Fraction(0), Fraction(-1)]], dtype=object)
    g = np.array([Fraction(1), Fraction(0)], dtype=object)
    # (B + A)^-1 has the corner 2/3: 1/2 * 2/3 + 1/2.
    assert dual_bound(B, g, A, Fraction(1), Fraction(1)) == Fraction(5, 6)
    lhs, rhs = decrease_and_bound(B, g, A, Fraction(1), Fraction(1), -g / 2)
    assert (lhs, rhs) == (Fraction(1, 2), Fraction(5, 6))


def test_the_hard_case_is_certified_in_rationals():
    lhs, rhs = certified_shortfall(**to_exact(HARD))
    assert isinstance(rhs, Real)
    assert lhs <= rhs
    assert float(rhs.approximate()) == pytest.approx(2.25, rel=1e-12)
    assert is_certified(**HARD)


def test_floats_and_rationals_agree():
    lhs, rhs = certified_shortfall(**HARD)
    exact = certified_shortfall(**to_exact(HARD))
    assert lhs == pytest.approx(exact[0].approximate(), rel=1e-11)
    assert rhs == pytest.approx(exact[1].approximate(), rel=1e-14)
    assert rhs == gltr(HARD["matrix"], HARD["gradient"], 2.0).model_decrease


def test_what_is_no_instance():
    assert not is_certified(**{**HARD, "radius": -1.0})
    assert not is_certified(**{**HARD, "ellipsoid": np.array([1.0, 0.0])})
    nothing = {**HARD, "matrix": np.eye(2), "gradient": np.zeros(2)}
    assert not is_certified(**nothing)


def test_the_figure_shows_gltr_at_the_optimum_and_steihaug_short_of_it():
    shown = Figure()
    figures.accuracy_against_products(shown, None)
    left, right = shown.axes
    ends = [[line.get_ydata()[-1] for line in axes.lines] for axes in (left, right)]
    assert ends[0][0] <= 1e-9
    assert ends[0][1] <= 1e-9
    assert ends[1][0] <= 1e-13
    assert ends[1][1] >= 1e-2
