"""Proof of the reduction to two numbers for all t, and the search against it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check.engine import Transcript, algebra, attack, proof
from proofs_check.local_geometry.momentum import small_arrays, targets
from proofs_check.structures import Draw
from theory.core import Statement
from theory.local_geometry.momentum import gradients, momentum_step
from theory.local_geometry.two_numbers import reduction

ALL = "all d, eta, beta"


@proof(reduction, scope="all d, all t")
def invariant_states(statement: Statement, transcript: Transcript) -> None:
    """The states with two numbers are invariant: one step from any of them, whatever its past."""
    transcript.given("every row of W_0 is a multiple of A; lambda = |A|, v = A/lambda")
    lam, eta = sympy.symbols("lambda eta", positive=True)
    beta = sympy.Symbol("beta", nonnegative=True)
    a, b, da, db = sympy.symbols("a b delta_a delta_b", real=True)
    v, w, p = algebra.vector("v", unit=True), algebra.vector("w"), algebra.vector("p")
    given = {"w": w, "W": p.outer(v), "A": lam * v, "norm": lam, "eta": eta, "beta": beta}
    start, reduced = statement.formula(**given, steps=0)
    transcript.identity(
        "at the start a = b = 1", start, reduced, scope="t = 0", concludes=True,
        because="w = (x_0 + y_0)/sqrt 2 and Wv = (x_0 - y_0)/sqrt 2",
    )  # fmt: skip
    moved, reduced = statement.formula(**given, steps=1, start=(a, b), velocity=(da, db))
    transcript.identity(
        "one step from any state with two numbers", moved, reduced, concludes=True,
        scope="all d, a, b, delta a, delta b, eta, beta",
        because="the momentum is -1/eta times the last step, so that the new state has two numbers"
        " again: induction on t",
    )  # fmt: skip
    _disturbance(transcript)
    _gradient_flow(transcript)


def _disturbance(transcript: Transcript) -> None:
    lam = sympy.Symbol("lambda", positive=True)
    v, w, W = algebra.vector("v", unit=True), algebra.vector("w"), algebra.matrix("W")
    p = W @ v
    rest = W - p.outer(v)
    g, G = gradients(w, W, lam * v)
    along = w.dot(p) - lam
    transcript.identity(
        "for any other W the disturbance is of second order",
        [g - along * p, G @ v], [rest @ (rest.T @ w), along * w], scope="all d, all W = p v' + R",
        because="w moves by (w'p - lambda) p + R R'w, and Wv by (w'p - lambda) w exactly",
    )  # fmt: skip


def _gradient_flow(transcript: Transcript) -> None:
    lam, eta, a, x, y = sympy.symbols("lambda eta a X Y", positive=True)
    w, W, A = algebra.vector("w"), algebra.matrix("W"), algebra.vector("A")
    g, G = gradients(w, W, A)
    transcript.identity(
        "gradient flow conserves ww' - WW'",
        g.outer(w) + w.outer(g), G @ W.T + W @ G.T, scope="all d, all W",
        because="both sides are minus the derivatives of ww' and WW'",
    )  # fmt: skip
    moved = momentum_step((w, W, 0 * w, 0 * W), A, eta, 0, gradients)
    transcript.identity(
        "steps do not", moved[0].outer(moved[0]) - moved[1] @ moved[1].T,
        w.outer(w) - W @ W.T + eta**2 * (g.outer(g) - G @ G.T), scope="all d, beta = 0",
        because="the first order in eta cancels",
    )  # fmt: skip
    t = sympy.Symbol("t", real=True)
    up, down, s = (sympy.Function(name)(t) for name in ("a", "b", "s"))
    rates = {up.diff(t): s * up, down.diff(t): -s * down}
    transcript.identity(
        "gradient flow keeps ab = 1", (up * down).diff(t).subs(rates), 0, scope="all t",
        because="a' = s a and b' = -s b",
    )  # fmt: skip
    rate = lam - (a**2 * x - y / a**2) / 2
    transcript.identity(
        "and then a^2 has an equation of its own", 2 * a * (rate * a),
        2 * lam * a**2 - x * a**4 + y, scope="X = |x_0|^2, Y = |y_0|^2", because="b = 1/a",
    )  # fmt: skip


@attack(reduction, examples={"quick": 60, "standard": 600, "deep": 5000})
def short_runs() -> SearchStrategy[dict[str, Any]]:
    """Runs of up to three steps, most with rows along the target, from rest and in motion."""
    return _runs()


@st.composite
def _runs(draw: Draw) -> dict[str, Any]:
    A, norm = draw(targets())
    d = draw(st.integers(1, 2))
    W = draw(small_arrays(d))[:, None] * A[None, :]
    if draw(st.sampled_from([False, False, True])):
        W = W + draw(small_arrays(d, len(A)))
    moving = draw(st.booleans())
    pair = st.tuples(*[st.integers(-4, 4).map(lambda k: Fraction(k, 2))] * 2)
    return {"w": draw(small_arrays(d)), "W": W, "A": A, "norm": norm,
            "eta": draw(st.sampled_from([Fraction(1, 4), Fraction(1, 10), Fraction(2)])),
            "beta": draw(st.sampled_from([Fraction(1, 2), Fraction(0), Fraction(9, 10)])),
            "steps": draw(st.integers(0, 3)),
            "start": draw(pair) if moving else (Fraction(1), Fraction(1)),
            "velocity": draw(pair) if moving else (Fraction(0), Fraction(0))}  # fmt: skip
