"""Derivatives of the loss from its values, and the claims' formulas on planted errors."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from proofs_check.engine import run_proof, run_search
from proofs_check.local_geometry import hessian_claims as checks
from theory.core.registry import _CHECKS
from theory.local_geometry.hessian_claims import (
    equation_2,
    hessian_blocks,
    hessian_form,
    hessian_sides,
    layer_sides,
    lemma_29,
    loss_derivative,
    whitened_loss,
)
from theory.local_geometry.hessian_diagonal import two_layer_hessian

RNG = np.random.default_rng(11)


def drawn(*shape):
    return RNG.integers(-3, 4, size=shape).astype(float)


def test_the_loss_on_whitened_data():
    basis, _ = np.linalg.qr(RNG.standard_normal((6, 6)))
    X = np.sqrt(6) * basis[:3]
    w, W, Y = RNG.standard_normal(4), RNG.standard_normal((4, 3)), RNG.standard_normal(6)
    lhs, rhs = whitened_loss(w, W, X, Y, 6)
    direct = np.sum((w @ W @ X - Y) ** 2) / 12
    assert lhs == pytest.approx(direct, rel=1e-14)
    assert rhs == pytest.approx(direct, rel=1e-13)
    # Without whitening the two sides differ, far beyond rounding.
    lhs, rhs = whitened_loss(w, W, X + 0.5, Y, 6)
    assert abs(lhs - rhs) > 1e-3


def test_the_hypothesis_is_decided_exactly():
    one = np.array([[Fraction(1)]], dtype=object)
    statement = equation_2.itself()
    assert statement.hypotheses_hold(w=one[0], W=one, X=one, Y=one[0], m=1)
    assert not statement.hypotheses_hold(w=one[0], W=one, X=2 * one, Y=one[0], m=1)


@pytest.mark.parametrize(("d", "n"), [(1, 1), (3, 2), (2, 4)])
def test_second_derivative_against_the_matrix(d, n):
    w, W, A, a, B, c, D = (drawn(*s) for s in ((d,), (d, n), (n,), (d,), (d, n), (d,), (d, n)))
    H = two_layer_hessian(w, W, A)
    expected = np.concatenate([B.ravel(), a]) @ H @ np.concatenate([D.ravel(), c])
    # Whole numbers of moderate size: no rounding but in the division by 12.
    assert loss_derivative(w, W, A, a, B, c, D) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert hessian_form(w, W, A, a, B, c, D) == expected
    lhs, rhs = hessian_sides(w, W, A, a, B, c, D)
    np.testing.assert_allclose(lhs.astype(float), rhs.astype(float), atol=1e-9)


def test_derivative_is_exact_on_symbols():
    w, a, c = (np.array([sympy.Symbol(name)]) for name in "wac")
    W, B, D = (np.array([[sympy.Symbol(name)]]) for name in ("W", "B", "D"))
    A = np.array([sympy.Symbol("A")])
    s, t = sympy.symbols("s t")
    loss = ((w + s * a + t * c)[0] * (W + s * B + t * D)[0, 0] - A[0]) ** 2 / 2
    expected = sympy.diff(loss, s, t).subs({s: 0, t: 0})
    assert sympy.expand(loss_derivative(w, W, A, a, B, c, D) - expected) == 0


def test_one_entry_of_a_deep_network():
    weights = [drawn(2, 3), drawn(4, 2), drawn(2, 4)]
    X, Y = drawn(3, 5), drawn(2, 5)
    for layer, weight in enumerate(weights, start=1):
        for i, j in np.ndindex(weight.shape):
            lhs, rhs = layer_sides(weights, X, Y, layer, i, j, 5)
            assert lhs == pytest.approx(rhs, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("claim", [equation_2, hessian_blocks, lemma_29], ids=lambda c: c.id)
def test_proofs_hold_and_searches_are_exact(claim):
    for check in (check for check in _CHECKS if check.claim is claim):
        if check.kind == "proof":
            assert run_proof(check, claim.itself()).verdict == "proved"
        elif check.kind == "search":
            evidence = run_search(check, claim.itself(), budget="quick", seed=3)
            assert evidence.verdict == "supported"
            assert evidence.data["arithmetic"] == "exact rationals"


def test_whitened_strategy_reaches_several_samples_and_excluded_data():
    seen = set()

    def keep(instance):
        seen.add((instance["m"], equation_2.itself().hypotheses_hold(**instance)))
        return False

    from hypothesis import find, settings
    from hypothesis.errors import NoSuchExample

    with pytest.raises(NoSuchExample):
        find(checks.whitened_data(), keep, settings=settings(database=None, max_examples=200))
    assert seen == {(1, True), (1, False), (4, True), (4, False)}
