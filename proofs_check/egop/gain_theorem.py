"""Proof and attack: the gain of the eigenbasis of the EGOP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from hypothesis.strategies import SearchStrategy

from proofs_check.egop import gain_instances as instances
from proofs_check.egop.gain_steps import (
    ALL,
    GROWTH,
    KAPPA,
    LEADING_ROOT,
    LIPSCHITZ,
    LOSS,
    SLACK,
    C,
    Law,
    T,
    leading_pair,
    stationary_point,
)
from proofs_check.engine import Transcript, algebra, attack, hypothesis, proof
from proofs_check.engine.algebra import Expression
from theory.core import Statement
from theory.egop.gain_theorem import theorem_5

_RADIUS = sympy.Symbol("B", nonnegative=True)
_TOTAL = sympy.Symbol("S", nonnegative=True)


@dataclass(frozen=True)
class Eigenbasis:
    """An orthogonal V whose first column has a name of its own."""

    matrix: Expression
    leading: Expression

    def __matmul__(self, vector: Expression) -> Any:
        """``V x``."""
        return self.matrix @ vector

    def __getitem__(self, index: Any) -> Expression:
        """The first column, for the index ``[:, 0]``."""
        if index != (slice(None), 0):
            raise IndexError(f"only the first column of a symbolic basis is known, not {index}")
        return self.leading


@dataclass(frozen=True)
class Eigenvalues:
    """Eigenvalues known through the root of the largest and the sum of the roots."""

    exponent: sympy.Rational

    def power(self, exponent: Any) -> Eigenvalues:
        """The eigenvalues raised to a power."""
        return Eigenvalues(self.exponent * sympy.Rational(exponent))

    def __pow__(self, exponent: Any) -> Eigenvalues:
        return self.power(exponent)

    def __getitem__(self, index: int) -> Any:
        """A power of the largest."""
        return LEADING_ROOT ** (2 * self.exponent)

    def total(self) -> sympy.Symbol:
        """The sum of the roots, or of another power."""
        half = sympy.Rational(1, 2)
        return _TOTAL if self.exponent == half else sympy.Symbol(f"S_{self.exponent}")


@proof(theorem_5, scope="all d, every law with M_4 finite, 0 < e < 1, H small against e")
def quotient_of_the_bounds(statement: Statement, transcript: Transcript) -> None:
    """The sharper Lemma 8 over the sharper Lemma 6, errors absorbed by the smallness of H."""
    transcript.given("the hypotheses of Lemmas 6 and 8, B >= ||theta*||, 0 < e < 1")
    L, K, V = algebra.diagonal("L"), algebra.symmetric("K"), algebra.orthogonal("V")
    s, r = algebra.vector("s"), algebra.vector("r")
    v = leading_pair(transcript, s)
    basis = Eigenbasis(V, v)
    transcript.cited(
        "the lower bound", "Lemma 6, sharper (egop/lemma-6.sharper)",
        "kappa sqrt(1 + e) sum L_i >= s'EGOP^{1/2}s - d sqrt(1 + 1/e) e_M", scope=ALL,
    )  # fmt: skip
    transcript.cited(
        "the upper bound", "Lemma 8, sharper (egop/lemma-8.sharper)",
        "c (L_f~ - d H r) <= sqrt(1 + e) sum sqrt(lam_i) + d sqrt(1 + 1/e) e_M", scope=ALL,
    )  # fmt: skip
    lhs, rhs = statement.formula(
        points=Law(), gradients=None, hessian=None, minimizer=stationary_point(), c=C,
        lipschitz=LIPSCHITZ, basis=basis, spectrum=Eigenvalues(sympy.Integer(1)), curvature=K,
        position=None, radius=_RADIUS, signs=s, rotated_signs=r, slack=SLACK, constants=L,
    )  # fmt: skip
    size, density = s.dot(s), s.dot(v) ** 2
    rotated, original = K.quadratic_form(basis @ r), L.quadratic_form(s)
    reach = LIPSCHITZ * (_RADIUS + T)
    lower = hypothesis(KAPPA * GROWTH * original + size * LOSS - LEADING_ROOT * density,
                       "the lower bound")  # fmt: skip
    small = hypothesis(SLACK * LEADING_ROOT * density - size * LOSS,
                       "sqrt(1 + 1/e) e_M <= e sqrt(lam_1) beta^2")  # fmt: skip
    upper = hypothesis((GROWTH * _TOTAL + size * LOSS) / C + size * reach - rotated,
                       "the upper bound")  # fmt: skip
    near = hypothesis(SLACK * _TOTAL - size * (LOSS + C * reach),
                      "d (sqrt(1 + 1/e) e_M + c H r) <= e sqrt(lam_1) sr")  # fmt: skip
    outer = (GROWTH + SLACK) * _TOTAL / C
    inner = hypothesis(1 - SLACK, "e < 1") * (s.dot(v) ** 2 * LEADING_ROOT)
    transcript.nonnegative(
        "the quotient", rhs - lhs,
        [outer * lower, outer * small, inner * upper, inner * near / C],
        scope="all d, every sign vector s: s = sign(v_1) gives d beta^2", concludes=True,
        because="(1 - e) sqrt(lam_1) d beta^2 <= kappa sqrt(1 + e) L_f and c L_f~ <="
        " (sqrt(1 + e) + e) sum sqrt(lam_i)",
    )  # fmt: skip


@attack(theorem_5)
def gains() -> SearchStrategy[dict[str, Any]]:
    """Flat and rank-one Hessians in dense and sparse bases; quadratics and small or large H."""
    return instances.gain_instances()
