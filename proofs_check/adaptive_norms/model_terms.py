"""Symbols and terms that the proofs of Lemmas 7 to 9 share.

The step is ``s = N u`` with a unit vector u (s = 0 decreases nothing), and ``Delta = (N + k)/mu``,
k >= 0, which is all that ``||s||_A <= Delta`` says once ``||s|| <= mu Delta`` is shown. The
third-order part of the objective is ``lam ||s||^3 / 6`` with ``|lam| <= L_H``, by Taylor's formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy

from proofs_check.engine import Transcript, algebra, hypothesis, square, weighted_square

LENGTH = sympy.Symbol("N", positive=True)
SHORT, ROOM, SURPLUS, SPARE, GAIN = sympy.symbols("k r q e h", nonnegative=True)
MU, NU, CA = sympy.symbols("mu nu c_A", positive=True)
ERROR_G, ERROR_H, L_G, L_H = sympy.symbols("delta_g delta_H L_g L_H", nonnegative=True)
REST = sympy.Symbol("z", positive=True)
ETA = 1 - REST
RADIUS = (LENGTH + SHORT) / MU
UNIT = algebra.vector("u", unit=True)
STEP = LENGTH * UNIT
SHARE_G = algebra.vector("y")
ERROR = ERROR_G * SHARE_G
MODEL_H = algebra.symmetric("B")
SLACK_H = algebra.symmetric("S", positive_semidefinite=True)
ALL = "all d, every step"


@dataclass(frozen=True)
class Segment:
    """The third-order part T of an objective along s and along -s: ``up N^3`` and ``down N^3``."""

    up: Any
    down: Any = 0

    def third_order(self, step: Any) -> Any:
        """T(s) or T(-s)."""
        return (self.up if step == STEP else self.down) * LENGTH**3


def above(hessian: Any) -> Any:
    """Every symmetric H with ``H - B <= delta_H I``: ``B + delta_H I - S``, S semidefinite."""
    return hessian + ERROR_H * algebra.identity() - SLACK_H


def with_decrease(gradient: Any, decrease: Any) -> Any:
    """Every symmetric B for which the model decreases by `decrease` along s = N u, N > 0.

    Its curvature u'Bu is replaced by the one that gives the decrease; the rest of B is free.
    """
    bend = -2 * (decrease + gradient.dot(STEP)) / LENGTH**2
    return MODEL_H + (bend - MODEL_H.quadratic_form(UNIT)) * UNIT.outer(UNIT)


def cite_taylor(transcript: Transcript) -> None:
    """``L(w+s) = L(w) + G's + s'Hs/2 + lam ||s||^3/6`` with ``|lam| <= L_H``."""
    t = sympy.Symbol("t", nonnegative=True)
    transcript.cited(
        "Taylor's formula with integral remainder", "Rudin, Principles, Theorem 6.22 (parts)",
        "T(s)/6 = int_0^1 (1-t) s'(H(w+ts) - H(w))s dt, T(s)/6 what L has beyond G's + s'Hs/2",
        scope="every L with a Hessian that is continuous on the segment",
    )  # fmt: skip
    transcript.cited(
        "the mean value theorem of integrals", "Apostol, Mathematical Analysis, Theorem 7.30",
        "since s'(H(w+ts) - H(w))s = t lam(t) ||s||^3 with |lam(t)| <= L_H, T(s)/6 is"
        " lam ||s||^3 int_0^1 t (1-t) dt for one lam in [-L_H, L_H]",
        scope="every L with an L_H-Lipschitz Hessian on the segment",
    )  # fmt: skip
    transcript.identity(
        "the weight of the third order", 6 * sympy.integrate(t * (1 - t), (t, 0, 1)),
        sympy.Integer(1), scope="the integral of t (1-t) is 1/6",
    )  # fmt: skip


def cite_decrease(transcript: Transcript, number: str, text: str) -> None:
    """Lemma 5 or 6: what the model decreases by."""
    source = f"Lemma {number} (claim adaptive-norms/lemma-{number})"
    transcript.cited("the model's decrease", source, text, scope="all d, every B")


def reach(transcript: Transcript) -> None:
    """``||s|| <= mu Delta``."""
    A, s = algebra.symmetric("A", positive_definite=True), algebra.vector("s")
    radius = sympy.Symbol("Delta", positive=True)
    inside = hypothesis(radius**2 - A.quadratic_form(s), "||s||_A <= Delta")
    norm = hypothesis(MU**2 * A.quadratic_form(s) - s.dot(s), "||s|| <= mu ||s||_A")
    transcript.nonnegative(
        "||s|| <= mu Delta, squared", (MU * radius) ** 2 - s.dot(s), [MU**2 * inside, norm],
        scope="all d, every s",
    )  # fmt: skip


def gradient_terms() -> list[Any]:
    """``delta_g (mu Delta - y's) >= 0``: the error of the gradient is delta_g y, ``||y|| <= 1``."""
    small = hypothesis(1 - SHARE_G.dot(SHARE_G), "||grad L - g|| <= delta_g")
    weight = ERROR_G * LENGTH / 2
    return [ERROR_G * SHORT, small * weight, square(SHARE_G - UNIT) * weight]


def hessian_terms() -> list[Any]:
    """``delta_H (mu Delta)^2/2 - s'(H - B)s/2 >= 0``."""
    spread = sympy.expand((LENGTH + SHORT) ** 2 - LENGTH**2)
    return [ERROR_H * spread / 2, weighted_square(UNIT, SLACK_H) * LENGTH**2 / 2]


def third_terms(slack: Any = ROOM) -> list[Any]:
    """``L_H (mu Delta)^3/6 - (L_H - slack) N^3/6 >= 0``."""
    spread = sympy.expand((LENGTH + SHORT) ** 3 - LENGTH**3)
    return [L_H * spread / 6, slack * LENGTH**3 / 6]
