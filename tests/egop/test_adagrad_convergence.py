"""Adagrad's bound: proofs, searches, and runs on objectives with known constants."""

import numpy as np
import pytest

from proofs_check.egop import convergence as checks
from proofs_check.egop.adagrad_runs import RIDGES, ridge_run
from proofs_check.engine import run_proof, run_search
from simulations.egop.convergence_gain import run_gradients
from theory.core import Check, Verdict
from theory.egop.convergence import (
    accumulators,
    adagrad_bound,
    equation_8,
    guaranteed_decrease,
    smoothness_cost,
    theorem_4,
)
from theory.egop.convergence_gain import best_bound_gain, expected_bound

CASES = [
    (equation_8, checks.coordinate_by_coordinate, checks.runs),
    (theorem_4, checks.through_the_sum_of_the_roots, checks.reparameterised_runs),
]


@pytest.mark.parametrize(("claim", "function", "strategy"), CASES, ids=["eq-8", "theorem-4"])
def test_proved_and_within_a_factor_of_two(claim, function, strategy):
    proof = Check("proof", claim, function, {"scope": "all d"})
    evidence = run_proof(proof, claim.itself())
    assert evidence.verdict is Verdict.PROVED, evidence.summary
    attack = Check("search", claim, strategy, {"examples": {"quick": 60}, "refine": ()})
    found = run_search(attack, claim.itself(), budget="quick", seed=3)
    assert found.verdict is Verdict.SUPPORTED, found.summary
    # one step with a gradient far above b0 and eta L reaches 1/2
    assert 0.49 <= found.data["tightness"] <= 0.5


@pytest.mark.parametrize("ridge", RIDGES, ids=[ridge.name for ridge in RIDGES])
@pytest.mark.parametrize("rate", [0.01, 0.3, 10.0])
def test_runs_on_ridge_functions_obey_the_bound(ridge, rate):
    rng = np.random.default_rng(6)
    made = ridge_run(ridge, rng.standard_normal((6, 4)), 3 * rng.standard_normal(4), 300, rate, 0.1)
    least = guaranteed_decrease(made.gradients, made.constants, rate, 0.1)
    # 1200 terms, each rounded a few times
    assert made.decrease >= least - 1e-12 * (abs(least) + abs(made.decrease))
    lhs, rhs = adagrad_bound(made.gradients, made.constants, rate, 0.1, made.decrease)
    assert lhs <= rhs


@pytest.mark.parametrize("ridge", RIDGES, ids=[ridge.name for ridge in RIDGES])
def test_slopes_are_the_derivatives(ridge):
    points, step = np.linspace(-3, 3, 13), 1e-5
    difference = (ridge.value(points + step) - ridge.value(points - step)) / (2 * step)
    # step^2/6 |phi'''| + u |phi|/step
    assert np.abs(difference - ridge.slope(points)).max() < 1e-9


def test_accumulators_include_the_current_gradient():
    gradients = np.array([[3.0, 0.0], [4.0, 12.0]])
    assert accumulators(gradients, 0.0)[:, 0].tolist() == [3.0, 5.0]
    assert accumulators(gradients, 2.0, delayed=True)[0].tolist() == [2.0, 2.0]


def test_delayed_accumulator_breaks_the_bound():
    gradients, constants = np.array([[1e6]]), np.array([2.0])
    least = guaranteed_decrease(gradients, constants, 1.0, 1.0, delayed=True)
    lhs, rhs = adagrad_bound(gradients, constants, 1.0, 1.0, least)
    assert least == 0.0
    assert lhs > 1e5 * rhs


def test_small_constants_cost_nothing():
    assert smoothness_cost(np.array([0.0, 1e-3, 0.5 * np.e]), 1.0, 1.0) == pytest.approx(
        0, abs=1e-15
    )
    assert smoothness_cost(np.array([0.5 * np.e**2]), 1.0, 1.0) == pytest.approx(0.5 * np.e**2)


def test_runs_do_not_depend_on_the_rotation_of_a_multiple_of_the_identity():
    starts = np.random.default_rng(1).standard_normal((3, 2))
    rows = run_gradients(np.eye(2), starts, 5, 0.1, 0.01)
    assert rows.shape == (5, 3, 2)
    assert (rows[0] == starts).all()
    assert (np.abs(rows[-1]) < np.abs(rows[0])).all()


def test_expected_bound_and_its_gain():
    # equal eigenvalues: every basis has the same constants
    assert expected_bound(16, 0.0, 64, 0.5, 0.01) == expected_bound(
        16, 0.0, 64, 0.5, 0.01, rotated=False
    )
    assert best_bound_gain(16, 0.0) == 1.0
    assert best_bound_gain(4, 1.0) == pytest.approx(np.sqrt(25 / 12 / 4))
    assert expected_bound(16, 2.0, 64, 0.5, 0.01) < expected_bound(
        16, 2.0, 64, 0.5, 0.01, rotated=False
    )
