"""Claims on smoothness constants: extremal cases, both directions, and the sets of Hessians."""

import itertools
import math

import numpy as np
import pytest

import proofs_check.egop.smoothness_claims
import proofs_check.egop.smoothness_set_claims  # noqa: F401
from proofs_check.engine import run_proof, run_search
from theory.core import Verdict
from theory.core.registry import _CHECKS
from theory.egop.smoothness import smallest_smoothness_sum
from theory.egop.smoothness_claims import (
    is_feasible_with_sign,
    lemma_9,
    lemma_10,
    nuclear_norm,
    nuclear_norm_bound,
    second_order_slacks,
    third_derivative_bounds,
)
from theory.egop.smoothness_set_claims import log_sum_exp_smoothness, logistic_smoothness
from theory.egop.smoothness_sets import (
    log_sum_exp_excess,
    logistic_ball_sum,
    logistic_ball_weights,
    logistic_smoothness_sum,
)
from theory.models.objectives import Logistic, LogSumExp

EPS = np.finfo(float).eps
SEARCHED = (nuclear_norm, lemma_9, lemma_10)


def check_of(claim, kind):
    (found,) = [c for c in _CHECKS if c.claim is claim and c.kind == kind]
    return found


def normal(seed, *shape):
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape)


@pytest.mark.parametrize("claim", SEARCHED, ids=lambda claim: claim.id)
def test_the_search_reaches_equality(claim):
    evidence = run_search(check_of(claim, "search"), claim.itself(), budget="quick", seed=4)
    assert evidence.verdict is Verdict.SUPPORTED
    assert evidence.data["tightness"] == pytest.approx(1.0, abs=1e-12)
    assert evidence.data["exercised"] >= 50


@pytest.mark.parametrize(
    "claim", [*SEARCHED, logistic_smoothness, log_sum_exp_smoothness], ids=lambda claim: claim.id
)
def test_the_proof_proves(claim):
    assert run_proof(check_of(claim, "proof"), claim.itself()).verdict is Verdict.PROVED


@pytest.mark.parametrize("claim", [logistic_smoothness, log_sum_exp_smoothness])
def test_every_mutant_of_an_identity_falls(claim):
    for statement in claim.variants():
        verdicts = [run_proof(check_of(claim, kind), statement).verdict
                    for kind in ("proof", "certificate")]  # fmt: skip
        assert Verdict.REFUTED in verdicts, statement.label


def test_a_reflection_has_the_nuclear_norm_in_every_basis():
    H = np.eye(3) - 2 / 3
    J, x = H.copy(), np.array([1.0, 2.0, -1.0])
    lhs, rhs = nuclear_norm_bound(H, J, np.eye(3), x)
    assert lhs[0] == pytest.approx(3.0, abs=20 * EPS)
    assert rhs[0] == 3.0
    result = smallest_smoothness_sum(H)
    assert result.lower - 1e-12 <= 3.0 <= result.upper
    exact = np.diag([2.0, -1.0])
    assert is_feasible_with_sign(exact, np.diag([1.0, -1.0]), np.diag([2.0, 1.0]), x[:2])
    assert not is_feasible_with_sign(exact, np.diag([1.0, -1.0]), np.diag([2.0, 0.5]), x[:2])
    assert not is_feasible_with_sign(exact, np.eye(2), np.diag([2.0, 1.0]), x[:2])


def test_the_difference_quotient_tends_to_the_third_derivative_of_log_sum_exp():
    loss = LogSumExp(normal(1, 4, 3), normal(2, 4))
    theta, v = normal(3, 3), normal(4, 3)
    bound, length = loss.hessian_lipschitz(), float(np.linalg.norm(v))
    quotients = []
    for step in (1.0, 1e-2, 1e-4):
        M = loss.hessian(theta + step * v) - loss.hessian(theta)
        lhs, rhs = third_derivative_bounds(M, step, v, length, bound, normal(5, 3))
        assert all(left <= right for left, right in zip(lhs, rhs, strict=True))
        quotients.append(M @ v / step)
    p = np.exp(loss.A @ theta + loss.b)
    p /= p.sum()
    away = (loss.A - p @ loss.A) @ v
    # sum p_i (a_i - mean) ((a_i - mean)'v)^2, minus the variance times the mean of a - mean, 0
    third = (p * away**2) @ (loss.A - p @ loss.A)
    # A first difference of step 1e-4: relative error of that order.
    np.testing.assert_allclose(quotients[-1], third, rtol=0, atol=1e-3 * np.abs(third).max())


def test_lemma_10_both_ways_for_the_logistic_loss():
    A = normal(6, 7, 3)
    loss = Logistic(A, np.ones(7))
    L = logistic_smoothness_sum(A).constants
    rng = np.random.Generator(np.random.Philox(7))
    for scale in (3.0, 1e-2):
        for _ in range(20):
            b, w = scale * rng.standard_normal(3), scale * rng.standard_normal(3)
            r = loss.value(b + w) - loss.value(b) - loss.gradient(b) @ w
            assert abs(r) <= L @ w**2 / 2 + 10 * EPS
    # Constants that fail at 0 fail in eq. (1) for a small step: the other direction.
    values, V = np.linalg.eigh(loss.hessian(np.zeros(3)) - 0.96 * np.diag(L))
    w = 1e-3 * V[:, -1]
    r = loss.value(w) - loss.value(0 * w) - loss.gradient(0 * w) @ w
    assert values[-1] > 0
    assert r > 0.96 * L @ w**2 / 2
    lhs, rhs = second_order_slacks(np.eye(2), -np.eye(2) / 2, 0.5, np.eye(2) / 2, np.ones(2))
    assert lhs == (1.0, -1.0, 2.0, -2.0)
    assert rhs == (1.0, 1.0, 2.0, 2.0)


def test_the_logistic_sum_is_that_of_the_hessian_at_zero():
    A = normal(8, 9, 4)
    one, other = logistic_smoothness_sum(A), smallest_smoothness_sum(A.T @ A / 36)
    assert max(one.lower, other.lower) <= min(one.upper, other.upper)
    # n samples of d coordinates: the widening for rounding is of order n eps.
    assert one.upper - one.lower <= 1e-6 * one.upper
    zero = logistic_smoothness_sum(np.zeros((2, 3)))
    assert (zero.lower, zero.upper) == (0.0, pytest.approx(0.0, abs=1e-300))


def test_ball_weights_are_the_largest_slopes_in_the_ball():
    A, centre, radius = normal(9, 6, 3), 2 * normal(10, 3), 0.7
    weights = logistic_ball_weights(A, centre, radius)
    steps = normal(11, 4000, 3)
    points = centre + radius * steps / np.linalg.norm(steps, axis=1, keepdims=True)
    slopes = 1 / (4 * np.cosh(points @ A.T / 2) ** 2)
    assert np.all(slopes <= weights * (1 + 8 * EPS))
    toward = centre - radius * np.sign(A @ centre)[:, None] * A / np.linalg.norm(
        A, axis=1, keepdims=True
    )
    reached = 1 / (4 * np.cosh((A * toward).sum(axis=1) / 2) ** 2)
    inside = np.abs(A @ centre) <= radius * np.linalg.norm(A, axis=1)
    np.testing.assert_allclose(weights, np.where(inside, 0.25, reached), rtol=20 * EPS)
    L = logistic_ball_sum(A, centre, radius).constants
    for theta in points[:200]:
        hessian = Logistic(A, np.ones(6)).hessian(theta)
        assert np.linalg.eigvalsh(np.diag(L) - hessian)[0] >= -20 * EPS * L.max()


def test_a_ball_about_zero_that_reaches_every_margin_gives_the_global_sum():
    A = normal(12, 5, 3)
    one, other = logistic_ball_sum(A, np.zeros(3), 1.0), logistic_smoothness_sum(A)
    assert one.upper == pytest.approx(other.upper, rel=10 * EPS)


def test_log_sum_exp_constants_against_its_hessians():
    A = normal(13, 4, 3)  # affinely independent with probability one
    L = np.array([1.0, 0.3, 2.0])
    L *= log_sum_exp_excess(A, L)
    assert log_sum_exp_excess(A, L) == pytest.approx(1.0, rel=10 * EPS)
    loss = LogSumExp(A, np.zeros(4))
    for theta in 3 * normal(14, 300, 3):
        assert np.linalg.eigvalsh(np.diag(L) - loss.hessian(theta))[0] >= -20 * EPS * L.max()
    # The pair with the largest excess, at equal weights: two per cent less is not feasible.
    gaps = {(i, j): ((A[i] - A[j]) ** 2 / L).sum() for i, j in itertools.combinations(range(4), 2)}
    i, j = max(gaps, key=gaps.get)
    target = np.full(4, -40.0)
    target[[i, j]] = 0.0
    theta = np.linalg.lstsq(np.column_stack([A, np.ones(4)]), target, rcond=None)[0][:3]
    assert np.linalg.eigvalsh(np.diag(0.98 * L) - loss.hessian(theta))[0] < 0


def test_dependent_rows_admit_less():
    rows = np.array([[-1.0], [0.0], [1.0]])
    assert log_sum_exp_excess(rows, [2 / 3]) == pytest.approx(1.5, rel=4 * EPS)
    grid = np.linspace(-8, 8, 401)[:, None]
    assert LogSumExp(rows, np.zeros(3)).hessian(grid).max() <= 2 / 3 + 4 * EPS


def test_a_coordinate_that_does_not_move_needs_no_constant():
    assert log_sum_exp_excess([[1.0, 5.0], [3.0, 5.0]], [1.0, 0.0]) == 1.0
    assert log_sum_exp_excess([[1.0, 5.0], [3.0, 4.0]], [1.0, 0.0]) == math.inf


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: logistic_smoothness_sum([1.0]), "A has shape (1,)"),
        (lambda: logistic_smoothness_sum([[1.0]], method="lp"), "one of auto, barrier, mixing"),
        (lambda: logistic_ball_weights([[1.0, 2.0]], [1.0], 1.0), "centre has length 1"),
        (lambda: logistic_ball_weights([[1.0]], [1.0], -1.0), "radius is -1.0"),
        (lambda: log_sum_exp_excess([[1.0]], [1.0, 2.0]), "constants has length 2"),
        (lambda: log_sum_exp_excess([[1.0]], [-1.0]), "constants has the entry -1"),
    ],
)
def test_bad_input_is_named(call, told):
    with pytest.raises(ValueError) as caught:
        call()
    assert told in str(caught.value)
