"""Steps that the proofs of Lemmas 6 and 8 share, and symbols that stand for laws and spectra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy

from proofs_check.engine import Transcript, algebra, hypothesis, square, weighted_square
from proofs_check.engine.algebra import Expression
from proofs_check.engine.terms import Term

C, T, LIPSCHITZ, SLACK, NORM = sympy.symbols("c t H epsilon h", positive=True)
THIRD, FOURTH = sympy.symbols("M_3 M_4", positive=True)
ALL = "all d"
ERROR = LIPSCHITZ * NORM * THIRD + LIPSCHITZ**2 * FOURTH / 4
ROOT_ERROR = LIPSCHITZ * sympy.sqrt(FOURTH) / 2
LEADING_ROOT = sympy.Symbol("l_1", nonnegative=True)  # the root of lam_1
KAPPA = sympy.sqrt(C**2 + T**2)
LOSS = sympy.sqrt(1 + 1 / SLACK) * ROOT_ERROR
GROWTH = sympy.sqrt(1 + SLACK)


@dataclass(frozen=True)
class Law:
    """The points of a law that is known through its central moments ``M_3`` and ``M_4``."""

    def central_moment(self, minimizer: Any, order: int) -> sympy.Symbol:
        """The symbol ``M_order``."""
        return {3: THIRD, 4: FOURTH}[order]


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues of the EGOP as a diagonal matrix, which a formula may shift by a number."""

    matrix: Expression

    def __add__(self, shift: Any) -> Expression:
        """The diagonal matrix of the shifted eigenvalues, one symbol for each shift."""
        return shifted(self.matrix, shift)

    def power(self, exponent: Any) -> Expression:
        """The diagonal matrix of powers."""
        raised: Expression = self.matrix.power(exponent)
        return raised


def shifted(matrix: Expression, shift: Any) -> Expression:
    """A positive definite diagonal symbol named after ``matrix + shift I``."""
    return algebra.diagonal(f"({matrix} + {shift} I)", positive_definite=True)


def stationary_point() -> Expression:
    """``theta* = t p`` with a unit vector p, so that its length is the symbol t."""
    point: Expression = T * algebra.vector("p", unit=True)
    return point


def quadratic_form(hessian: Expression, w: Expression) -> Any:
    """``w'A w`` with ``A = Hess (c^2 I + theta* theta*') Hess``."""
    moved = hessian @ w
    return C**2 * moved.dot(moved) + moved.dot(stationary_point()) ** 2


def taylor_at_a_point(transcript: Transcript) -> None:
    """Lemma 11 at one point: ``g = Hess delta + r`` with ``||r|| <= (H/2) ||delta||^2``."""
    a, b = sympy.symbols("a b", real=True)
    A, B = sympy.symbols("A B", positive=True)
    bounded_a = hypothesis(A**2 - a**2, "a = w'Hess delta, |a| <= A = h ||delta||, ||w|| = 1")
    bounded_b = hypothesis(B**2 - b**2, "b = w'r, |b| <= B = (H/2) ||delta||^2")
    ratio = B / A
    for sign, rest in ((1, [bounded_b]), (-1, [square(b), B**2])):
        transcript.nonnegative(
            f"{'above' if sign > 0 else 'below'}: |(a + b)^2 - a^2| <= 2 A B + B^2",
            2 * A * B + B**2 - sign * ((a + b) ** 2 - a**2),
            [ratio * bounded_a, bounded_b / ratio, ratio * square(a - sign * b / ratio), *rest],
            scope="every point of the law, every unit w",
            because="2 A B + B^2 = H h ||delta||^3 + (H^2/4) ||delta||^4",
        )  # fmt: skip
    average(transcript, "-e_A I <= EGOP - A <= e_A I",
            "e_A = H h M_3 + H^2 M_4/4; A = Hess E[delta delta'] Hess (egop/lemma-11)")  # fmt: skip


def taylor_at_a_point_at_root_scale(transcript: Transcript) -> None:
    """``(a + b)^2 <= (1 + e) a^2 + (1 + 1/e) B^2`` for ``g = Hess delta + r``, and back."""
    a, b = sympy.symbols("a b", real=True)
    B = sympy.Symbol("B", positive=True)
    bounded = hypothesis(B**2 - b**2, "b = w'r, |b| <= B = (H/2) ||delta||^2, ||w|| = 1")
    for name, sum_, part in (("the gradient", a + b, a), ("the linear part", a, a + b)):
        other = sum_ - part
        transcript.nonnegative(
            f"{name} by Young's inequality",
            (1 + SLACK) * part**2 + (1 + 1 / SLACK) * B**2 - sum_**2,
            [SLACK * square(part - other / SLACK), (1 + 1 / SLACK) * bounded],
            scope="every point of the law, every unit w", because="a = w'Hess delta, b = w'r",
        )  # fmt: skip
    average(transcript, "EGOP <= (1 + e) A + (1 + 1/e) e_M^2 I and the same with both exchanged",
            "e_M^2 = (H^2/4) M_4 (egop/lemma-11.root-scale)")  # fmt: skip


def average(transcript: Transcript, result: str, because: str) -> None:
    """Take the expectation of a step over the law, for every unit vector w."""
    transcript.cited(
        "average over the law", "linearity and monotonicity of the expectation", result,
        scope="every law with M_4 finite", because=because,
    )  # fmt: skip


def cite_lemma_13(transcript: Transcript, result: str) -> None:
    """Name the monotonicity of the square root."""
    transcript.cited("the square root preserves the order", "Lemma 13 (egop/lemma-13)", result,
                     scope=ALL)  # fmt: skip


def within_the_reach(hessian: Expression, w: Expression) -> list[Any]:
    """Terms of ``kappa^2 ||Hess w||^2 - w'A w``: the inequality of Cauchy and Schwarz."""
    p, moved = algebra.vector("p", unit=True), hessian @ w
    return [T**2 * square(moved - moved.dot(p) * p)]


def beyond_the_law(hessian: Expression, w: Expression) -> list[Term]:
    """Terms of ``w'A w - c^2 ||Hess w||^2``."""
    return [square((hessian @ w).dot(stationary_point()))]


def constants_dominate(transcript: Transcript) -> None:
    """Name the lemma by which a feasible L bounds the Hessian."""
    transcript.cited("feasible constants bound the Hessian", "Lemma 10 (egop/lemma-10)",
                     "L is feasible in (1) only if -diag(L) <= Hess <= diag(L) on the domain",
                     scope="convex domains with interior")  # fmt: skip


def leading_pair(transcript: Transcript, s: Expression) -> Expression:
    """Show ``s'EGOP^{1/2}s >= sqrt(lam_1) (s'v_1)^2``; return ``v_1``."""
    root = algebra.symmetric("R", positive_semidefinite=True)
    v = algebra.eigenvector("v", of=root, value=LEADING_ROOT, unit=True)
    transcript.nonnegative(
        "s'EGOP^{1/2}s >= sqrt(lam_1) (s'v_1)^2",
        root.quadratic_form(s) - LEADING_ROOT * s.dot(v) ** 2,
        [weighted_square(s - s.dot(v) * v, root)], scope=ALL,
        because="R = EGOP^{1/2} has the eigenpair (sqrt(lam_1), v_1)",
    )  # fmt: skip
    return v
