"""Heavy ball in every basis: against the optimizers, its proof and its search."""

import matplotlib.figure
import numpy as np
import pytest

from proofs_check.egop import equivariance as checks
from proofs_check.engine import run_proof, run_search
from simulations.egop.equivariance import distance_between_runs
from simulations.engine.figures import Results
from theory.core import Check, Verdict
from theory.egop.equivariance import equivariance_of_sgd, heavy_ball, same_points
from theory.models.bases import haar_basis
from theory.optimizers import sgd_momentum

UNIT = np.finfo(float).eps


def test_heavy_ball_is_that_of_the_optimizers():
    rng = np.random.default_rng(3)
    hessian, noise, start = np.diag([1.0, 0.3]), rng.standard_normal((20, 2)), np.array([1.0, -2.0])
    point, velocity = heavy_ball(
        lambda t, x: hessian @ x + noise[t], 20, start, 0 * start, 0.1, 0.9
    )
    rule, params = sgd_momentum(0.1, 0.9), start
    state = rule.init(params)
    for xi in noise:
        params, state = rule.update(hessian @ params + xi, state, params)
    # the same operations in the same order up to reassociation: 20 steps of about 4 roundings
    np.testing.assert_allclose(point, params, rtol=0, atol=200 * UNIT)
    np.testing.assert_allclose(velocity, state.slots["momentum"], rtol=0, atol=2000 * UNIT)


def test_runs_in_a_haar_basis_stay_together():
    rng = np.random.default_rng(4)
    rows = rng.standard_normal((6, 6))
    arguments = {"hessian": rows @ rows.T / 12, "minimizer": rng.standard_normal(6),
                 "noise": rng.standard_normal((30, 6)), "start": rng.standard_normal(6),
                 "velocity": rng.standard_normal(6), "rate": 0.1, "momentum": 0.9}  # fmt: skip
    lhs, rhs = same_points(basis=haar_basis(rng.standard_normal((6, 6))), **arguments)
    # a stable run of 30 steps: rounding of each turn, d UNIT times states below 50
    np.testing.assert_allclose(lhs, rhs, rtol=0, atol=30 * 6 * 50 * UNIT)


def test_one_step_proves_it_and_no_variant():
    proof = Check("proof", equivariance_of_sgd, checks.one_step_from_any_state, {"scope": "all"})
    evidence = run_proof(proof, equivariance_of_sgd.itself())
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    for variant in equivariance_of_sgd.variants():
        assert run_proof(proof, variant).verdict is not Verdict.PROVED, variant.label


@pytest.mark.parametrize("variant", [None, *equivariance_of_sgd.mutants])
def test_search_separates_the_rules(variant):
    attack = Check("search", equivariance_of_sgd, checks.rotated_runs,
                   {"examples": {"quick": 60}, "refine": ()})  # fmt: skip
    claim = equivariance_of_sgd
    statement = claim.variant(variant) if variant else claim.itself()
    found = run_search(attack, statement, budget="quick", seed=2)
    assert found.verdict is (Verdict.REFUTED if variant else Verdict.SUPPORTED), found.summary


def test_figure_shows_rounding_for_sgd_and_more_for_adaptive_rules():
    figure = matplotlib.figure.Figure()
    distance_between_runs(figure, Results(equivariance_of_sgd, ()))
    last = {line.get_label(): line.get_ydata()[-1] for line in figure.axes[0].lines}
    # at most 200 steps of rounding errors that a contracting quadratic does not amplify
    assert max(last["SGD"], last["heavy ball"]) < 200 * 50 * UNIT
    assert min(last["Adagrad"], last["Adam"]) > 1e-2
