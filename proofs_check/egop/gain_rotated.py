"""Proofs and attacks: small smoothness constants in the eigenbasis of the EGOP."""

from __future__ import annotations

from typing import Any

import sympy
from hypothesis.strategies import SearchStrategy

from proofs_check.egop import gain_instances as instances
from proofs_check.egop.gain_steps import (
    ERROR,
    GROWTH,
    LIPSCHITZ,
    LOSS,
    NORM,
    SLACK,
    C,
    Law,
    Spectrum,
    T,
    beyond_the_law,
    cite_lemma_13,
    quadratic_form,
    shifted,
    stationary_point,
    taylor_at_a_point,
    taylor_at_a_point_at_root_scale,
)
from proofs_check.engine import Transcript, algebra, attack, hypothesis, proof, weighted_square
from proofs_check.engine.algebra import Expression
from theory.core import Statement
from theory.egop.gain_rotated import lemma_8, lemma_8_sharper

_RADIUS = sympy.Symbol("B", nonnegative=True)
_REACH = LIPSCHITZ * (_RADIUS + T)


def _symbols() -> tuple[Expression, ...]:
    hessian, curvature = algebra.symmetric("Hess"), algebra.symmetric("K")
    basis, direction = algebra.orthogonal("V"), algebra.vector("w")
    spectrum = algebra.diagonal("Lam", positive_definite=True)
    return hessian, curvature, basis, spectrum, direction, algebra.symmetric("E")


def _lemma_10(transcript: Transcript) -> None:
    transcript.cited("bounded Hessians make constants feasible", "Lemma 10 (egop/lemma-10)",
                     "-diag(L) <= V'K V <= diag(L) throughout the ball: L is feasible for f~",
                     scope="convex domains")  # fmt: skip


def _conclude(transcript: Transcript, sides: Any, near: Any, symbols: tuple[Expression, ...],
              text: str) -> None:  # fmt: skip
    """Both signs: the Hessian at theta* within `near`, that at x within ``H r`` of it."""
    hessian, curvature, basis, _, w, _ = symbols
    x = basis @ w
    lhs, rhs = sides
    weights = sympy.symbols("p q", nonnegative=True)
    gap, terms = sympy.Integer(0), []
    for weight, sign, left, right in zip(weights, (1, -1), lhs, rhs, strict=True):
        change = curvature.quadratic_form(x) - hessian.quadratic_form(x)
        gap += weight * (right - left)
        terms += [
            weight * hypothesis(near - sign * hessian.quadratic_form(x), text),
            weight * hypothesis(_REACH * w.dot(w) - sign * change,
                                "||K - Hess|| <= H ||x - theta*|| <= H (B + t) (Lemma 9)"),
        ]  # fmt: skip
    transcript.nonnegative(
        "the constants are feasible", gap, terms, scope="all d, all w, all x in the ball",
        concludes=True, because="p times the gap above plus q times the gap below, all p, q >= 0",
    )  # fmt: skip
    _lemma_10(transcript)


@proof(lemma_8, scope="all d, every law with M_4 finite, every B")
def paper_route(statement: Statement, transcript: Transcript) -> None:
    """c^2 (V'Hess V)^2 <= Lam + e_A I by Lemma 11, then the root, then Lemma 9 in the ball."""
    transcript.given("Assumptions 1 and 2, grad f(theta*) = 0, V' EGOP V <= Lam, V orthogonal")
    symbols = _symbols()
    hessian, curvature, basis, spectrum, w, E = symbols
    taylor_at_a_point(transcript)
    x = basis @ w
    moved, allowed = hessian @ x, shifted(spectrum, ERROR)
    transcript.nonnegative(
        "c^2 (V'Hess V)^2 <= Lam + e_A I",
        spectrum.quadratic_form(w) + ERROR * w.dot(w) - C**2 * moved.dot(moved),
        [
            hypothesis(spectrum.quadratic_form(w) - E.quadratic_form(x), "V' EGOP V <= Lam"),
            hypothesis(E.quadratic_form(x) + ERROR * x.dot(x) - quadratic_form(hessian, x),
                       "A <= EGOP + e_A I, shown"),
            *beyond_the_law(hessian, x),
        ],
        scope="all d, all w", because="||Vw|| = ||w||",
    )  # fmt: skip
    cite_lemma_13(transcript, "hence +-V'Hess V <= |V'Hess V| <= sqrt(Lam + e_A I)/c")
    sides = statement.formula(
        points=Law(), gradients=None, hessian=hessian, minimizer=stationary_point(), c=C,
        lipschitz=LIPSCHITZ, norm=NORM, basis=basis, spectrum=Spectrum(spectrum),
        curvature=curvature, position=None, radius=_RADIUS, direction=w,
    )  # fmt: skip
    near = allowed.root.quadratic_form(w) / C
    _conclude(transcript, sides, near, symbols, "+-V'Hess V <= sqrt(Lam + e_A I)/c, shown")


@attack(lemma_8)
def balls() -> SearchStrategy[dict[str, Any]]:
    """Remainders that shrink the EGOP, points at the border of small and huge balls."""
    return instances.rotated_instances(slack=False)


@proof(lemma_8_sharper, scope="all d, every law with M_4 finite, every B, all e > 0")
def root_route(statement: Statement, transcript: Transcript) -> None:
    """c^2 (V'Hess V)^2 <= M^2 with M = sqrt(1 + e) Lam^{1/2} + sqrt(1 + 1/e) e_M I."""
    transcript.given("Assumptions 1 and 2, grad f(theta*) = 0, V' EGOP V <= Lam, V orthogonal")
    symbols = _symbols()
    hessian, curvature, basis, spectrum, w, E = symbols
    taylor_at_a_point_at_root_scale(transcript)
    x = basis @ w
    moved, M = hessian @ x, GROWTH * spectrum.root + LOSS * algebra.identity()
    transcript.nonnegative(
        "c^2 (V'Hess V)^2 <= M^2",
        (M @ w).dot(M @ w) - C**2 * moved.dot(moved),
        [
            (1 + SLACK) * hypothesis(spectrum.quadratic_form(w) - E.quadratic_form(x),
                                     "V' EGOP V <= Lam"),
            hypothesis((1 + SLACK) * E.quadratic_form(x) + LOSS**2 * x.dot(x)
                       - quadratic_form(hessian, x),
                       "A <= (1 + e) EGOP + (1 + 1/e) e_M^2 I, shown"),
            *beyond_the_law(hessian, x),
            2 * LOSS * GROWTH * weighted_square(w, spectrum.root),
        ],
        scope="all d, all w", because="||Vw|| = ||w||",
    )  # fmt: skip
    cite_lemma_13(transcript, "hence +-V'Hess V <= |V'Hess V| <= M/c")
    sides = statement.formula(
        points=Law(), gradients=None, hessian=hessian, minimizer=stationary_point(), c=C,
        lipschitz=LIPSCHITZ, basis=basis, spectrum=Spectrum(spectrum), curvature=curvature,
        position=None, radius=_RADIUS, direction=w, slack=SLACK,
    )  # fmt: skip
    _conclude(transcript, sides, M.quadratic_form(w) / C, symbols, "+-V'Hess V <= M/c, shown")


@attack(lemma_8_sharper)
def balls_with_slack() -> SearchStrategy[dict[str, Any]]:
    """The instances of Lemma 8 with slacks tiny, moderate and huge."""
    return instances.rotated_instances(slack=True)
