"""Lemmas 7 to 9: proofs, what the searches reach, extremal steps, and runs that exercise them."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, seed, settings

from proofs_check.adaptive_norms import success as checks
from proofs_check.adaptive_norms import success_repairs as repairs
from proofs_check.engine import run_proof, run_search
from proofs_check.engine.exact import to_float
from simulations.adaptive_norms import success as runs
from simulations.engine.backend import select_backend
from simulations.engine.measurement import merge, run_block
from simulations.engine.measurement import points as grid
from simulations.engine.streams import Stream
from theory.adaptive_norms.local_models import (
    gradient_slacks,
    increase,
    predicted_decrease,
    sign_slacks,
    third_order,
)
from theory.adaptive_norms.success import lemma_7, lemma_8, mu_is_needed, rejected_ratio, success
from theory.adaptive_norms.success_repairs import lemma_9, repaired_gradient, repaired_signs
from theory.core import Check, Verdict, registry
from theory.optimizers.trust_region.bounds import success_thresholds
from theory.optimizers.trust_region.exact import exact_subproblem
from theory.optimizers.trust_region.subproblem import cauchy_point

UNIT = np.finfo(float).eps

PROOFS = [
    (lemma_7, checks.taylor_with_integral, 2),
    (lemma_8, checks.room_for_three_errors, 3),
    (mu_is_needed, checks.closed_form_of_the_ratio, 1),
    (repaired_signs, repairs.mean_of_both_signs, 3),
    (repaired_gradient, repairs.room_in_thirds, 3),
]
SEARCHES = [
    (lemma_7, checks.aligned_errors),
    (lemma_8, checks.steps_that_just_succeed),
    (repaired_signs, repairs.steps_of_either_sign),
    (repaired_gradient, repairs.steps_with_a_gradient),
]


def names(cases):
    return [case[0].id.split("/")[1] for case in cases]


# ---- the claims' own checks


@pytest.mark.parametrize(("claim", "function", "cited"), PROOFS, ids=names(PROOFS))
def test_proofs_prove_the_claim_and_no_mutant(claim, function, cited):
    proof = Check("proof", claim, function, {"scope": "all d"})
    evidence = run_proof(proof, claim.itself())
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    assert len(evidence.data["cited"]) == cited
    # variants with other hypotheses are left to the searches: the proof uses the claim's own
    for variant in (v for v in claim.variants() if v.assumes is claim.assumes):
        assert run_proof(proof, variant).verdict is not Verdict.PROVED, variant.label


@pytest.mark.parametrize(("claim", "function"), SEARCHES, ids=names(SEARCHES))
def test_searches_exercise_the_hypotheses_and_attain_equality(claim, function):
    attack = Check("search", claim, function, {"examples": {"quick": 100}, "refine": ()})
    evidence = run_search(attack, claim.itself(), budget="quick", seed=1)
    assert evidence.verdict is Verdict.SUPPORTED, evidence.summary
    assert evidence.data["exercised"] >= 25
    assert evidence.data["tightness"] == 1.0


def test_lemma_9_is_refuted_in_exact_rationals():
    certificate = Check("certificate", lemma_9, repairs.never_moves, {"scope": "d = 1"})
    evidence = run_proof(certificate, lemma_9.itself())
    assert evidence.verdict is Verdict.REFUTED
    failed = [step for step in evidence.data["transcript"] if step["status"] == "failed"]
    assert [step["concludes"] for step in failed] == [True]


# ---- extremal steps


def extremal(strategy, claim):
    """The instances of a strategy that satisfy the hypotheses and attain equality exactly."""
    found = []

    @seed(5)
    @settings(max_examples=60, database=None, deadline=None, derandomize=False)
    @given(strategy)
    def explore(instance):
        if claim.assumes(**instance):
            lhs, rhs = claim.formula(**instance)
            assert lhs <= rhs
            if lhs == rhs:
                found.append(instance)

    explore()
    return found


def test_extremal_steps_of_lemma_8_satisfy_assumption_2_itself():
    """The step decreases the model at least as much as the Cauchy point along -g."""
    found = [i for i in extremal(checks.lemma_8_instances(), lemma_8) if i["cA"] == 1]
    assert len(found) >= 5
    for instance in found:
        exact = predicted_decrease(
            instance["reported_gradient"], instance["reported_hessian"], instance["step"]
        )
        floats = to_float(instance)
        cauchy = cauchy_point(
            floats["reported_hessian"], floats["reported_gradient"], floats["radius"],
            ellipsoid=floats["matrix"],
        )  # fmt: skip
        # sums of a few products of rounded fractions
        assert float(exact) >= cauchy.model_decrease * (1 - 64 * UNIT)


def test_extremal_steps_of_the_repairs_use_every_limit():
    instances = extremal(repairs.repaired_signs_instances(), repaired_signs)
    assert len(instances) >= 5
    for instance in instances:
        assert sign_slacks(**instance) == (0, 0)


def test_the_printed_step_is_the_exact_minimiser():
    for halving in range(4):
        instance = repairs.printed_counterexample(Fraction(1, 10 * 2**halving))
        assert lemma_9.assumes(**instance)
        floats = to_float(instance)
        step = exact_subproblem(
            floats["reported_hessian"], floats["reported_gradient"], floats["radius"]
        ).step
        assert step == pytest.approx(floats["step"], rel=8 * UNIT)
        lhs, rhs = success(**instance)
        assert rhs <= 0 < lhs


# ---- formulas


def test_slacks_are_the_thresholds_of_the_method():
    generator = np.random.default_rng(3)
    agree = np.zeros(2, dtype=int)
    for _ in range(300):
        mu, L_g, L_H = 1 + 3 * generator.random(), *generator.random(2)
        eta, eps_g, eps_H, nu, cA = generator.random(5)
        delta_g = 0.9 * (1 - eta) * eps_g / (4 * mu**2)
        delta_H = generator.random() * (1 - eta) * nu * eps_H / (2 * mu**4)
        constants = {
            "mu": mu, "eta": eta, "eps_g": eps_g, "eps_H": eps_H, "nu": nu, "L_g": L_g,
            "L_H": L_H, "delta_g": delta_g, "delta_H": delta_H, "cA": cA,
        }  # fmt: skip
        for case, (threshold, slacks) in enumerate(
            zip(success_thresholds(**constants), (gradient_slacks, sign_slacks), strict=True)
        ):
            # a few roundings away from the threshold
            for factor, inside in ((1 - 64 * UNIT, True), (1 + 64 * UNIT, False)):
                found = slacks(radius=factor * threshold, **constants)
                assert bool(min(found) >= 0) is inside
                agree[case] += 1
    assert agree.tolist() == [600, 600]


def test_third_order_has_the_stated_lipschitz_constant():
    """Second differences of T/6 along the ridge grow by the coefficients per unit of length."""
    cubic = (np.array([2.0, -0.5]), np.array([0.6, 0.8]))
    axis, h = cubic[1], 2.0**-10

    def curvature(x):
        at = [third_order(cubic, (x + k * h) * axis) / 6 for k in (-1, 0, 1)]
        return (at[0] - 2 * at[1] + at[2]) / h**2

    # the fourth derivative vanishes on each side; rounding is about 8 u |T|/h^2
    assert curvature(2.0) - curvature(1.0) == pytest.approx(2.0, abs=1e-7)
    assert curvature(-2.0) - curvature(-1.0) == pytest.approx(-0.5, abs=1e-7)


def test_increase_is_the_objective_of_the_runs_to_third_order():
    problem = runs.Waves(Stream(select_backend("numpy"), 7, 0), 4.0)
    w, step = problem.start, 1e-3 * np.array([1.0, -2.0, 0.5, 1.0])
    hessian = np.array([problem.product(w, row) for row in np.eye(4)]) + 0.125 * np.eye(4)
    flat = (np.zeros(2), np.zeros(4))
    model = increase(problem.true_gradient(w), hessian, flat, step)
    # L_H ||s||^3/6, and the rounding of two values of L
    allowed = np.linalg.norm(step) ** 3 / 6 + 16 * UNIT * (1 + abs(problem.value(w)))
    assert abs(problem.value(w + step) - problem.value(w) - model) <= allowed


@pytest.mark.parametrize(("mu", "rejected"), [(2.8, False), (2.81, True), (10.0, True)])
def test_without_mu_squared_the_example_is_rejected_at_every_radius(mu, rejected):
    for radius in (1.0, 1e-6):
        for eta in (0.01, 0.9):
            rho, closed = rejected_ratio(mu, eta, radius, 0)
            assert rho == pytest.approx(closed, abs=64 * UNIT * mu**2)
            assert bool(rho < eta) is rejected
            assert rejected_ratio(mu, eta, radius, 2)[0] > eta


# ---- runs


def test_runs_exercise_the_lemma_at_every_scale_of_radius():
    """Steps are counted only where all hypotheses hold, and the mutant's noise makes them fail."""
    check = next(c for c in registry._CHECKS if c.function is runs.exercised_steps)
    point = grid(check, lemma_8.itself(), "quick")[0]
    block = run_block(check, point, 0, 200, seed=1)
    estimate = check.options["estimate"]
    assert estimate.estimate(merge(check, [block])) == 1.0
    noisy = run_block(check, {**point, "error_power": 0}, 0, 200, seed=1)
    assert estimate.estimate(merge(check, [noisy])) < 0.9
