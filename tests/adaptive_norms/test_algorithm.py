"""The certificate of Algorithm 1: by hand, along real runs, and what the attacks reach."""

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from scipy.optimize import rosen, rosen_der, rosen_hess_prod

from proofs_check.adaptive_norms import algorithm as checks
from proofs_check.engine import run_proof, run_search
from theory.adaptive_norms.algorithm import algorithm_1, is_run, recorded_run, run_certificate
from theory.core import Check, Verdict
from theory.optimizers.trust_region.method import minimize

# The first instance found is enough: nothing is shrunk.
GENERATE = settings(max_examples=2000, database=None, phases=(Phase.generate,))
RULE = {"radius": 1.0, "max_radius": 8.0, "eta1": 0.25, "eta2": 0.75, "gamma_inc": 2.0,
        "gamma_dec": 4.0}  # fmt: skip


def searched(function, variant=None, seed=0, examples=200):
    attack = Check("search", algorithm_1, function, {"examples": {"quick": examples}, "refine": ()})
    statement = algorithm_1.variant(variant) if variant else algorithm_1.itself()
    return run_search(attack, statement, budget="quick", seed=seed)


def holds(start, outcomes, recorded, rule):
    lhs, rhs = run_certificate(start=start, outcomes=outcomes, recorded=recorded, **rule)
    return bool(np.all(np.array(lhs) <= np.array(rhs)))


def test_certificate_by_hand():
    # taken and grown, rejected, taken with rho between the thresholds
    outcomes = np.array([[0.0, 1.0], [5.0, 1.0], [-0.5, 1.0]])
    lhs, rhs = run_certificate(1.0, outcomes, np.empty((0, 2)), **RULE)
    assert lhs == [0.25 * 2.0, 0.5 * 4.0, 1.0, 0.5]
    assert rhs == [1.5, 4.0, 0.5 * 4.0, 8.0]


def test_a_real_run_has_its_certificate_and_a_forged_one_has_not():
    rule = {**RULE, "eta1": 2.0**-10}
    result = minimize(rosen, rosen_der, rosen_hess_prod, [-1.2, 1.0, 0.5], **rule)
    start, outcomes, recorded = recorded_run(result)
    accepted = result.history.column("accepted")
    assert 0 < np.count_nonzero(accepted) < len(accepted)
    assert is_run(start=start, outcomes=outcomes, recorded=recorded, **rule)
    assert holds(start, outcomes, recorded, rule)
    for place in [(3, 0), (3, 1), (len(recorded) - 1, 0), (len(recorded) - 1, 1)]:
        forged = recorded.copy()
        forged[place] *= 1.0 + 1e-12
        assert not holds(start, outcomes, forged, rule)


def test_iterations_are_bounded_by_the_two_radius_inequalities():
    result = minimize(rosen, rosen_der, rosen_hess_prod, [-1.2, 1.0, 0.5], radius=8.0)
    taken = int(np.count_nonzero(result.history.column("accepted")))
    bound = taken * (1 + np.log(1.1) / np.log(1.5)) + np.log(8.0 / result.radius) / np.log(1.5)
    assert taken < len(result.history) <= bound


def test_empty_history_has_no_record():
    result = minimize(rosen, rosen_der, rosen_hess_prod, [1.0, 1.0])
    with pytest.raises(ValueError, match="result has an empty history"):
        recorded_run(result)


def test_proof_supports_the_claim_and_no_mutant():
    proof = Check("proof", algorithm_1, checks.induction_over_iterations,
                  {"scope": "all T", "partial": True})  # fmt: skip
    evidence = run_proof(proof, algorithm_1.itself())
    assert evidence.verdict is Verdict.SUPPORTED, evidence.summary
    assert evidence.data["cited"] == []
    assert evidence.data["steps"] == 16
    for variant in algorithm_1.variants():
        assert run_proof(proof, variant).verdict is Verdict.INCONCLUSIVE, variant.label


@pytest.mark.parametrize("seed", range(3))
def test_attack_reaches_equality(seed):
    evidence = searched(checks.outcomes, seed=seed)
    assert evidence.verdict is Verdict.SUPPORTED, evidence.summary
    assert evidence.data["tightness"] == 1.0


@pytest.mark.parametrize("variant", sorted(algorithm_1.mutants))
def test_every_mutant_is_refuted_in_exact_numbers(variant):
    evidence = searched(checks.outcomes, variant=variant, seed=1)
    assert evidence.verdict is Verdict.REFUTED, evidence.summary
    assert "exact rationals" in evidence.data["arithmetic"]


@pytest.mark.parametrize(
    "wanted",
    [
        lambda run: _rejections(run) >= 2,
        lambda run: len(run["outcomes"]) == 12,
        lambda run: np.any(np.diff(run["recorded"][:, 1]) == 0),
        lambda run: np.count_nonzero(run["recorded"][:, 1] == 8.0) >= 2,
    ],
)
def test_runs_reach_every_branch_of_the_rule(wanted):
    found = find(checks.runs(), wanted, settings=GENERATE)
    assert wanted(found)


def _rejections(run):
    return np.count_nonzero(np.diff(run["recorded"][:, 1]) < 0)


def test_runs_are_supported_and_exercised():
    evidence = searched(checks.runs, examples=40)
    assert evidence.verdict is Verdict.SUPPORTED, evidence.summary
    assert evidence.data["exercised"] >= 30


@settings(max_examples=25)
@given(st.sampled_from([0.0, 0.1, 1.0]), st.integers(0, 1000))
def test_derivatives_of_the_attack_s_functions(error, seed):
    rng = np.random.default_rng(seed)
    fun, grad, hvp = checks._wave(rng, 2, error=error)
    x, v, step = rng.standard_normal(2), rng.standard_normal(2), 1e-5
    slope = (fun(x + step * v) - fun(x - step * v)) / (2 * step)
    bend = (grad(x + step * v) - grad(x - step * v)) / (2 * step)
    if error == 0.0:
        # central differences: step^2 times a third derivative of up to (2 * 4)^3, and u/step
        assert grad(x) @ v == pytest.approx(slope, abs=1e-6)
        np.testing.assert_allclose(hvp(x, v), bend, atol=1e-5)
    else:
        assert not np.allclose(grad(x) @ v, slope, atol=1e-12)
