"""Preconditioned conjugate gradients: the iteration, what it inherits, and counterexamples."""

import itertools

import numpy as np
import pytest
from hypothesis import given, seed, settings

from proofs_check.adaptive_norms import preconditioned_decrease as checks
from proofs_check.engine import run_proof, run_search
from proofs_check.engine.exact import to_exact
from theory.adaptive_norms.model_decrease import cauchy_bound, eigenpoint_decrease
from theory.adaptive_norms.preconditioned_decrease import (
    inherited_bounds,
    kantorovich_constant,
    lemma_5_pcg,
    lemma_5_pcg_inherits,
    preconditioned_cg_decrease,
    saddle_decreases,
    steihaug_violates_assumption_2,
)
from theory.core import Check, Verdict
from theory.optimizers.trust_region import steihaug_toint

UNIT = np.finfo(float).eps


def problem(seed, d=4, definite=False):
    rng = np.random.default_rng(seed)
    factor, other = rng.standard_normal((2, d, d))
    hessian = other @ other.T if definite else other + other.T
    return rng.standard_normal(d), hessian, factor @ factor.T + 0.1 * np.eye(d)


# ---- the iteration


@pytest.mark.parametrize("trial", range(6))
def test_decrease_is_that_of_the_solver_on_definite_models(trial):
    gradient, hessian, ellipsoid = problem(trial, definite=True)
    for radius in (0.05, 1.0, 20.0):
        for steps in (1, 2, 3):
            found = preconditioned_cg_decrease(gradient, hessian, ellipsoid, radius, steps)
            solver = steihaug_toint(hessian, gradient, radius, ellipsoid=ellipsoid, tol=0.0,
                                    max_iter=steps)  # fmt: skip
            # conditioned by A (up to some 1e3) and by at most three line searches
            assert found == pytest.approx(solver.model_decrease, rel=1e-9)


@pytest.mark.parametrize("trial", range(6))
def test_solver_has_at_least_this_decrease_on_indefinite_models(trial):
    """The solver takes the better end of a line of negative curvature, not always the next one."""
    gradient, hessian, ellipsoid = problem(trial)
    for radius in (0.05, 1.0, 20.0):
        found = preconditioned_cg_decrease(gradient, hessian, ellipsoid, radius, 3)
        solver = steihaug_toint(hessian, gradient, radius, ellipsoid=ellipsoid, tol=0.0,
                                max_iter=3)  # fmt: skip
        assert solver.model_decrease >= found * (1 - 1e-9)


@pytest.mark.parametrize("trial", range(6))
def test_decrease_grows_with_the_iterations(trial):
    gradient, hessian, ellipsoid = problem(50 + trial, definite=trial % 2 == 0)
    values = [preconditioned_cg_decrease(gradient, hessian, ellipsoid, 3.0, k) for k in range(1, 7)]
    assert all(b >= a * (1 - 8 * UNIT) for a, b in itertools.pairwise(values))
    assert values[0] > 0


def test_definite_model_is_solved_within_a_large_region():
    gradient, hessian, ellipsoid = problem(3, definite=True)
    best = gradient @ np.linalg.solve(hessian, gradient) / 2
    found = preconditioned_cg_decrease(gradient, hessian, ellipsoid, 1e6, 4)
    # conjugacy is lost by about u cond(B) cond(A) <= 1e-10 here
    assert found == pytest.approx(best, rel=1e-8)


def test_symbols_and_numbers_take_the_same_first_step():
    class Nothing:
        def later_decrease(self):
            return 0

    for trial in range(5):
        data = *problem(trial), 0.7
        assert preconditioned_cg_decrease(*data, Nothing()) == preconditioned_cg_decrease(*data, 1)


# ---- what is inherited


@pytest.mark.parametrize("kappa", [2.0, 10.0, 100.0])
def test_kantorovich_constant_is_attained_and_least(kappa):
    constant = kantorovich_constant(1.0, kappa)
    assert constant == pytest.approx({2.0: 0.8889, 10.0: 0.3306, 100.0: 0.0392}[kappa], abs=5e-5)
    spectrum, angles = np.array([1.0, kappa]), np.linspace(0, np.pi, 2001)
    p = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    quotient = (p**2 @ spectrum) ** 2 / (p**2 @ spectrum**2)
    assert quotient.min() >= constant * (1 - 16 * UNIT)
    worst = np.array([np.sqrt(kappa), 1.0]) / np.sqrt(1 + kappa)
    attained = (worst**2 @ spectrum) ** 2 / (worst**2 @ spectrum**2)
    assert attained == pytest.approx(constant, rel=16 * UNIT)


def test_bounds_hold_on_random_problems_and_are_exercised():
    smallest = [np.inf, np.inf]
    for trial in range(200):
        gradient, hessian, ellipsoid = problem(1000 + trial, d=3, definite=trial % 2 == 0)
        values = np.linalg.eigvalsh(ellipsoid)
        beta = np.linalg.norm(hessian, 2)
        relative = np.max(np.abs(np.linalg.eigvals(np.linalg.solve(ellipsoid, hessian))))
        radius = 10 ** np.random.default_rng(trial).uniform(-2, 2)
        lhs, rhs = inherited_bounds(gradient, hessian, ellipsoid, radius, beta, relative, values[0],
                                    values[-1], 1 + trial % 3)  # fmt: skip
        # the eigenvalues are good to u cond(A), below 1e-12 here
        assert all(right >= left * (1 - 1e-9) for left, right in zip(lhs, rhs, strict=True))
        smallest = [min(s, r / b) for s, b, r in zip(smallest, lhs, rhs, strict=True)]
    # random problems come near to the first bound only, hence the attack's own instances
    assert smallest[0] < 1.3
    assert smallest[1] > 1.05


def test_proof_cites_nothing_and_proves_no_close_variant():
    proof = Check("proof", lemma_5_pcg, checks.first_step_and_kantorovich, {"scope": "all d"})
    evidence = run_proof(proof, lemma_5_pcg.itself())
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    assert evidence.data["cited"] == []
    # the closest one; every variant meets every check in the contract tests
    variant = lemma_5_pcg.variant("Kantorovich's constant five per cent larger")
    assert run_proof(proof, variant).verdict is not Verdict.PROVED


def test_search_attains_both_bounds():
    attack = Check("search", lemma_5_pcg, checks.cg_instances, {"examples": {"quick": 100},
                                                                "refine": ()})  # fmt: skip
    evidence = run_search(attack, lemma_5_pcg.itself(), budget="quick", seed=1)
    assert evidence.verdict is Verdict.SUPPORTED, evidence.summary
    assert evidence.data["tightness"] == 1.0
    best = {}

    @seed(5)
    @settings(max_examples=120, database=None, deadline=None, derandomize=False)
    @given(checks.cg_instances())
    def explore(instance):
        if not lemma_5_pcg.assumes(**instance):
            return
        one = instance["high"] > instance["low"]
        for link, (left, right) in enumerate(zip(*inherited_bounds(**instance), strict=True)):
            best[link, one] = max(best.get((link, one), 0.0), float(left / right))

    explore()
    # Kantorovich's constant counts only where the condition number exceeds 1
    assert min(best[0, True], best[1, True]) >= 1 - 1e-12, best


# ---- what is not


@pytest.mark.parametrize("function", [checks.one_iteration, checks.complete_runs])
def test_literal_lemma_5_and_every_weaker_variant_are_refuted(function):
    check = Check("certificate", lemma_5_pcg_inherits, function, {"scope": "instances"})
    for statement in (lemma_5_pcg_inherits.itself(), *lemma_5_pcg_inherits.variants()):
        assert run_proof(check, statement).verdict is Verdict.REFUTED, statement.label


def test_every_concluding_step_of_the_counterexamples_is_a_violation():
    for function in (checks.one_iteration, checks.complete_runs):
        check = Check("certificate", lemma_5_pcg_inherits, function, {"scope": "instances"})
        steps = run_proof(check, lemma_5_pcg_inherits.itself()).data["transcript"]
        assert all(step["refuted"] == step["concludes"] for step in steps)
        assert sum(step["concludes"] for step in steps) >= 3


@pytest.mark.parametrize("root", [2, 10, 1000])
def test_runs_that_end_at_a_saddle_lose_the_root_of_kantorovichs_constant(root):
    gradient, hessian = np.array([-float(root), 1.0]), np.array([[0.0, -1.0], [-1.0, 0.0]])
    ellipsoid = np.diag([float(root) ** 2, 1.0])
    exact = to_exact({"gradient": gradient, "hessian": hessian, "ellipsoid": ellipsoid,
                      "radius": 1e9})  # fmt: skip
    decrease = preconditioned_cg_decrease(**exact, steps=50)
    assert decrease == root
    quotient = root / float(cauchy_bound(gradient, ellipsoid, 1e9, 1.0))
    constant = kantorovich_constant(1.0, root**2)
    assert quotient == pytest.approx(np.sqrt(constant), rel=8 * UNIT)


def test_printed_counterexample_in_three_dimensions():
    hessian = np.array([[1.24, 3.06, 7.04], [3.06, 1.33, -1.68], [7.04, -1.68, -0.488]])
    gradient, ellipsoid = np.array([0.974, 3.82, 4.85]), np.diag([0.546, 604.0, 489.0])
    decrease = preconditioned_cg_decrease(gradient, hessian, ellipsoid, 18.1, 50)
    assert decrease == pytest.approx(0.97781, abs=5e-6)
    beta = 1 + np.linalg.norm(hessian, 2)
    assert cauchy_bound(gradient, ellipsoid, 18.1, beta) == pytest.approx(2.19, abs=6e-3)


# ---- the saddle


def test_saddle_of_the_remark():
    lhs, rhs = saddle_decreases(1.0, 1.0, 1.0, 2.0, 100)
    assert lhs == rhs == (0.5, 2.0)
    u = np.array([0.0, 1.0])
    assert eigenpoint_decrease(np.array([1.0, 0.0]), np.diag([1.0, -1.0]), np.eye(2), 2.0, u) == 2.0


@pytest.mark.parametrize(("function", "kind", "verdict"), [
    (checks.saddle_in_symbols, "proof", Verdict.PROVED),
    (checks.two_against_a_half, "certificate", Verdict.SUPPORTED),
])  # fmt: skip
def test_checks_of_the_saddle(function, kind, verdict):
    claim = steihaug_violates_assumption_2
    check = Check(kind, claim, function, {"scope": "all"})
    assert run_proof(check, claim.itself()).verdict is verdict
    for variant in claim.variants():
        found = run_proof(check, variant).verdict
        assert found is not Verdict.PROVED, variant.label
        assert kind == "proof" or found is Verdict.REFUTED, variant.label
