"""The auxiliary bounds against brute force, and the worst cases that attain them."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.engine import run_proof, run_search
from proofs_check.local_geometry import auxiliary_bounds  # noqa: F401
from simulations.local_geometry import auxiliary_bounds as measured
from theory.core.registry import _CHECKS
from theory.local_geometry.auxiliary_bounds import (
    deviation_level,
    lemma_31,
    lemma_31_sides,
    lemma_32,
    lemma_33,
    lemma_33_sides,
    quotient_bound,
    quotient_branches,
    sufficient_lag,
    truncated_average_error,
)


def test_equal_weights_attain_both_gradient_bounds():
    d, steps, sigma = 4, 3, 0.5
    level = deviation_level(d, steps, sigma)
    assert level == pytest.approx(sigma * math.sqrt(steps * d * (d**2 + d)))
    w, W = np.full(d, 2.0), np.full((d, d), 0.25)
    lhs, rhs = lemma_31_sides(d, steps, sigma, w, W, np.full((d, d), level), np.full(d, -level))
    assert lhs.astype(float) == pytest.approx(rhs.astype(float), rel=1e-14)


def test_deviation_of_the_batch_gradients():
    rng = np.random.default_rng(0)
    d = 3
    w, W = rng.standard_normal(d), rng.standard_normal((d, d))
    covariance, target, A = rng.standard_normal((d, d)), rng.standard_normal(d), np.ones(d)
    full = w @ W - A
    batch = w @ W @ (np.eye(d) + covariance) - (A + target)
    lhs, _ = lemma_31_sides(d, 1, 1.0, w, W, covariance, target)
    assert lhs[0] == pytest.approx(abs(np.outer(w, batch - full)).max(), rel=1e-13)
    assert lhs[1] == pytest.approx(abs(W @ (batch - full)).max(), rel=1e-13)


def test_two_point_noise_has_variance_one_and_is_extremal():
    from simulations.engine.backend import select_backend
    from simulations.engine.streams import Stream

    noise = measured._two_point(Stream(select_backend("numpy"), 5, 0), (400_000,), 3.0)
    assert set(np.unique(noise)) == {-3.0, 0.0, 3.0}
    # P(|x| = 3) = 1/9 with standard error 5e-4: six of them.
    assert np.mean(noise != 0) == pytest.approx(1 / 9, abs=3e-3)
    assert np.mean(noise) == pytest.approx(0.0, abs=1e-2)


def test_truncation_error_is_the_missing_part():
    rng = np.random.default_rng(1)
    terms, beta = rng.uniform(-1, 1, 20), 0.8
    weights = (1 - beta) * beta ** np.arange(20)
    full, kept = weights @ terms[::-1], weights[:5] @ terms[::-1][:5]
    assert truncated_average_error(terms, beta, 4) == pytest.approx(abs(full - kept), rel=1e-12)
    assert truncated_average_error(terms, beta, 30) == 0


@given(st.floats(0.01, 0.999), st.floats(1e-9, 1.0))
def test_stated_lags_suffice(beta, eps):
    lag = math.ceil(sufficient_lag(beta, 1.0, eps))
    assert beta ** (lag + 1) <= eps


@pytest.mark.parametrize("delta", [0.01, 0.1, 0.26, 0.4, 0.8])
def test_quotient_bound_is_the_maximum_over_all_corners(delta):
    corners = itertools.product((-1, 1), (-delta, delta), (-delta, delta), (0, delta))
    worst = max(lemma_33_sides(a, 1.0, e_a, e_b, xi, delta)[0] for a, e_a, e_b, xi in corners)
    assert worst == pytest.approx(quotient_bound(delta), rel=1e-13)


def test_branches_cross_at_0_26():
    before, after = quotient_branches(0.2600), quotient_branches(0.2601)
    assert before[0] < before[1]
    assert after[0] > after[1]
    assert quotient_bound(1e-6) / 1e-6 == pytest.approx(2.5, abs=1e-5)


def test_quotient_bound_scales_with_b():
    small = lemma_33_sides(0.5, 1.0, 0.05, -0.1, 0.02, 0.1)
    large = lemma_33_sides(0.5 * 7, 49.0, 0.05 * 7, -4.9, 0.14, 0.1)
    assert small == pytest.approx(large, rel=1e-13)


def test_hypotheses():
    statement = lemma_33.itself()
    good = {"a": Fraction(1), "b": Fraction(1), "e_a": Fraction(1, 4), "e_b": Fraction(-1, 4),
            "xi": Fraction(1, 4), "delta": Fraction(1, 4)}  # fmt: skip
    assert statement.hypotheses_hold(**good)
    for change in ({"a": Fraction(2)}, {"e_a": Fraction(1)}, {"e_b": Fraction(1)},
                   {"xi": Fraction(-1, 9)}, {"delta": Fraction(1)}):  # fmt: skip
        assert not statement.hypotheses_hold(**{**good, **change})


@pytest.mark.parametrize("claim", [lemma_31, lemma_32, lemma_33], ids=lambda claim: claim.id)
def test_proofs_and_searches(claim):
    for check in (check for check in _CHECKS if check.claim is claim):
        if check.kind == "proof":
            assert run_proof(check, claim.itself()).verdict == "proved"
        elif check.kind == "search":
            evidence = run_search(check, claim.itself(), budget="quick", seed=4)
            assert evidence.verdict == "supported"
            assert evidence.data["tightness"] > 0.999
