"""Lemmas 10, 11 and Theorem 1: proofs, extremal runs, problems, and what counts as a run."""

import math

import numpy as np
import pytest
import sympy

from proofs_check.adaptive_norms import complexity as checks
from proofs_check.adaptive_norms import complexity_rates as rates
from proofs_check.adaptive_norms.extremal_runs import SADDLES, exact, staircase
from proofs_check.engine import run_proof
from simulations.adaptive_norms import complexity as runs
from simulations.adaptive_norms import complexity_runs
from simulations.adaptive_norms.complexity_problems import PROBLEMS, build, thresholds
from simulations.adaptive_norms.complexity_runs import run
from simulations.adaptive_norms.worst_case import WorstCase
from simulations.engine.measurement import conclude, merge, run_block
from simulations.engine.measurement import points as grid
from theory.adaptive_norms.complexity import lemma_10, lemma_11, theorem_1, theorem_1_safeguarded
from theory.core import Check, Verdict, registry
from theory.optimizers.trust_region.bounds import iteration_bound, minimal_radius, success_bound

PROOFS = [
    (lemma_10, checks.radius_by_induction, 3), (lemma_11, checks.decreases_add_up, 4),
    (theorem_1, rates.successes_and_rejections, 4),
    (theorem_1_safeguarded, rates.safeguarded_count, 4),
]  # fmt: skip
CERTIFICATES = [
    (lemma_10, checks.radius_on_the_staircase, 5),
    (lemma_10, checks.radius_after_a_rejected_gradient_step, 3),
    (lemma_11, checks.successes_on_the_staircase, 6),
    (theorem_1, rates.iterations_on_the_staircase, 5),
]
MEASUREMENTS = [runs.smallest_radius, runs.successes, runs.iterations, runs.safeguarded_iterations]
SADDLE = {"problem": "saddle", "mu": 1.0, "rejections": 20}
WAVES = {"problem": "waves", "shape": "balls", "mu": 1.25, "eps": 0.2, "delta0": 1e-3}


def names(cases):
    return [f"{case[0].id.split('/')[1]}-{case[1].__name__}" for case in cases]


def registered(function):
    return next(check for check in registry._CHECKS if check.function is function)


def constants(point):
    own = dict(build(point).constants)
    return {name: value for name, value in own.items() if name != "cA"}


# ---- the claims' own checks


@pytest.mark.parametrize(("claim", "function", "cited"), PROOFS, ids=names(PROOFS))
def test_proofs_prove_the_claim_and_no_mutant(claim, function, cited):
    proof = Check("proof", claim, function, {"scope": "all"})
    evidence = run_proof(proof, claim.itself())
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    assert len(evidence.data["cited"]) == cited
    for variant in claim.variants():
        # An abstract run in which the variant fails is no counterexample.
        assert run_proof(proof, variant).verdict is Verdict.INCONCLUSIVE, variant.label


@pytest.mark.parametrize(("claim", "function", "refuted"), CERTIFICATES, ids=names(CERTIFICATES))
def test_exact_runs_support_the_claim_and_refute_mutants(claim, function, refuted):
    certificate = Check("certificate", claim, function, {"scope": "one run"})
    assert run_proof(certificate, claim.itself()).verdict is Verdict.SUPPORTED
    found = [run_proof(certificate, variant).verdict for variant in claim.variants()]
    assert found.count(Verdict.REFUTED) == refuted


def test_the_staircase_meets_its_bounds_closely():
    found = staircase()
    c = exact(found.constants)
    assert found.successes == SADDLES
    assert len(found.radii) == SADDLES + 21
    bound = float(iteration_bound(**c))
    assert len(found.radii) <= bound < 1.03 * len(found.radii)
    floats = {name: float(value) for name, value in found.constants.items()}
    assert iteration_bound(**floats) == pytest.approx(bound, rel=1e-9)
    assert sympy.Rational(min(found.radii)) * c["gamma_dec"] == pytest.approx(
        thresholds(floats, False)[1], rel=1e-7
    )


# ---- the real method close to the bounds


def test_a_run_takes_as_many_iterations_as_the_bound_allows():
    found = run(SADDLE, np.random.default_rng(1))
    bound = iteration_bound(**constants(SADDLE))
    assert found.met
    assert found.iterations == math.floor(bound) == 22
    assert found.successes == 1


@pytest.mark.parametrize("mu", [1.0, 2.0, 5.0])
def test_the_safeguarded_radius_is_attained_for_every_mu(mu):
    point = {**SADDLE, "mu": mu, "safeguarded": True}
    c = constants(point)
    least = minimal_radius(*thresholds(build(point).constants, True), delta0=c["delta0"],
                           gamma_dec=c["gamma_dec"])  # fmt: skip
    found = run(point, np.random.default_rng(1))
    # Curvature and radius are off by margins of 1e-9 and 1e-8.
    assert least <= found.radius <= least * (1 + 2e-8)
    assert found.met
    assert found.iterations == 22


def test_without_the_powers_of_mu_the_error_of_the_gradient_stops_the_method():
    point = {"problem": "tilt", "mu": 3.0, "excess": 1.0}
    c = build(point).constants
    least = minimal_radius(*thresholds(c, False), delta0=c["delta0"], gamma_dec=c["gamma_dec"])
    good, bad = (
        run({**point, "excess": excess}, np.random.default_rng(0)) for excess in (1.0, 9.0)
    )
    assert good.successes == 1
    assert good.radius >= least
    assert bad.successes == 0
    assert bad.radius < least / 1000


def test_bound_on_successes_holds_on_the_bowl_and_needs_mu():
    point = {"problem": "bowl", "mu": 6.0}
    c = build(point).constants
    own = {name: c[name] for name in ("gap", "eta", "mu", "eps_g", "eps_H", "nu")}
    found = run(point, np.random.default_rng(2))
    bound = success_bound(c["delta0"], **own)
    assert bound / 6.0 < found.successes <= bound
    assert found.implied == found.iterations


# ---- problems


POINTS = [
    SADDLE, {**SADDLE, "mu": 2.0, "safeguarded": True}, {"problem": "leap", "gamma_inc": 10.0},
    {"problem": "bowl", "mu": 2.0}, {"problem": "tilt", "mu": 3.0, "excess": 1.0}, WAVES,
]  # fmt: skip


@pytest.mark.parametrize("point", POINTS, ids=[point["problem"] for point in POINTS])
def test_derivatives_and_constants_of_the_problems(point):
    problem, rng = build(point), np.random.default_rng(3)
    c, start = problem.constants, build(point).start(rng)
    scale = 100.0 if point["problem"] == "tilt" else 1.0
    for _ in range(20):
        x, y = (start + scale * rng.uniform(-1, 1, start.size) for _ in range(2))
        v = rng.standard_normal(x.size)
        v /= np.linalg.norm(v)
        h = 1e-5 * scale
        size = scale * max(1.0, c["L_g"])
        # Central differences: rounding u |L|/h and a third derivative times h^2 are below 1e-7.
        slope = (problem.fun(x + h * v) - problem.fun(x - h * v)) / (2 * h)
        assert slope == pytest.approx(problem.grad(x) @ v, abs=1e-7 * size * scale)
        bend = (problem.grad(x + h * v) - problem.grad(x - h * v)) / (2 * h)
        assert bend == pytest.approx(problem.hess(x) @ v, abs=1e-7 * size)
        change = np.linalg.norm(problem.hess(x) - problem.hess(y), 2)
        assert change <= c["L_H"] * np.linalg.norm(x - y) * (1 + 1e-9) + 1e-12


def test_errors_have_the_permitted_size():
    problem, rng = build(WAVES), np.random.default_rng(4)
    c = problem.constants
    for _ in range(10):
        error = problem.gradient_error(rng, np.ones(3))
        assert np.linalg.norm(error) == pytest.approx(c["delta_g"], rel=1e-12)
        assert np.linalg.norm(problem.hessian_error(rng), 2) == pytest.approx(
            c["delta_H"], rel=1e-12
        )


@pytest.mark.parametrize(("name", "factor"), [("mu", 0.9), ("L_g", 0.5), ("nu", 3.0)])
def test_a_run_whose_hypotheses_fail_is_reported(monkeypatch, name, factor):
    def misjudged(point):
        problem = build(point)
        problem.constants[name] *= factor
        return problem

    assert run(WAVES, np.random.default_rng(5)).met
    monkeypatch.setattr(complexity_runs, "build", misjudged)
    monkeypatch.setattr(complexity_runs, "thresholds", lambda c, safeguarded: (1.0, 1.0))
    assert not run(WAVES, np.random.default_rng(5)).met


def test_every_problem_is_measured():
    measured = {point["problem"] for function in MEASUREMENTS
                for point in grid(registered(function), registered(function).claim.itself(),
                                  "quick")}  # fmt: skip
    assert measured == set(PROBLEMS)


# ---- the worst case


def concluded(values, met, exercised, claimed, side="upper"):
    check = Check("monte-carlo", lemma_11, lambda: None, {
        "estimate": WorstCase("value", side), "claimed": lambda statement, point: claimed,
        "resolution": 0.01,
    })  # fmt: skip
    estimate = check.options["estimate"]
    stats = estimate.summarise({"value": np.array(values), "met": np.array(met),
                                "exercised": np.array(exercised)})  # fmt: skip
    found = conclude(check, lemma_11.itself(), [({}, estimate.merge([stats]))], alpha=1e-6)
    return found.verdict, found.data["rows"][0]


@pytest.mark.parametrize(("values", "met", "exercised", "verdict"), [
    ([1.0, 2.0], [1.0, 1.0], [1.0, 0.0], Verdict.SUPPORTED),
    ([1.0, 2.1], [1.0, 1.0], [1.0, 0.0], Verdict.REFUTED),
    ([1.0, 2.1], [1.0, 0.0], [1.0, 1.0], Verdict.SUPPORTED),
    ([1.0, 2.1], [0.0, 0.0], [1.0, 1.0], Verdict.INCONCLUSIVE),
    ([1.0, 2.0], [1.0, 1.0], [0.0, 0.0], Verdict.INCONCLUSIVE),
    ([2.0 + 1e-14], [1.0], [1.0], Verdict.SUPPORTED),
    ([2.0 + 1e-9], [1.0], [1.0], Verdict.REFUTED),
])  # fmt: skip
def test_one_run_decides_and_only_runs_that_count(values, met, exercised, verdict):
    found, row = concluded(values, met, exercised, 2.0)
    assert found is verdict
    assert row["unmet"] == met.count(0.0)
    assert row["exercised"] == sum(e for e, m in zip(exercised, met, strict=True) if m)
    mirrored, _ = concluded([-value for value in values], met, exercised, -2.0, side="lower")
    assert mirrored is verdict


def test_met_is_a_truth_value():
    with pytest.raises(ValueError, match="must be 0 or 1"):
        WorstCase("value", "upper").summarise({"value": np.ones(1), "met": np.array([0.5]),
                                               "exercised": np.ones(1)})  # fmt: skip


@pytest.mark.parametrize("function", MEASUREMENTS)
def test_runs_are_reproducible_and_exercise_the_statement(function):
    check = registered(function)
    point = next(p for p in grid(check, check.claim.itself(), "quick") if p["problem"] == "waves")
    parts = [run_block(check, point, 0, 2, seed=7) for _ in range(2)]
    for name in check.options["estimate"].reads:
        assert np.array_equal(parts[0][name], parts[1][name])
    details = check.options["estimate"].details(merge(check, parts), 1.0)
    assert details["exercised"] > 0
    assert details["unmet"] == 0
