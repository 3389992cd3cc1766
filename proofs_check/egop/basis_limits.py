"""Certificate against "never hurts", and proof and attack for the norms of a rotated gradient."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.egop import basis_instances as instances
from proofs_check.engine import (
    Transcript,
    algebra,
    attack,
    certificate,
    hypothesis,
    proof,
    square,
)
from proofs_check.structures import Draw
from theory.core import Statement
from theory.egop.basis_limits import hurting_hypotheses, l1_not_rotation_invariant, never_hurts

# ---- it can hurt


@certificate(never_hurts, scope="H = diag(12, 10), theta* = (1, 2), c = 3, in exact rationals")
def axis_aligned_hessian(statement: Statement, transcript: Transcript) -> None:
    """An axis-aligned Hessian whose EGOP is not: the sum of the constants grows by 8.7 per cent."""
    basis = _rows([[4, -3], [3, 4]], 5)
    instance = {
        "hessian": _rows([[12, 0], [0, 10]]), "minimizer": _rows([1, 2]), "c": Fraction(3),
        "basis": basis, "eigenvalues": _rows([[1620, 0], [0, 1120]]),
        "correlation": _rows([[1, -1], [-1, 1]]), "constants": _rows([[12, 0], [0, 10]]),
    }  # fmt: skip
    pushed = instance["hessian"] @ instance["minimizer"]
    exact = 9 * instance["hessian"] @ instance["hessian"] + np.outer(pushed, pushed)
    transcript.identity(
        "V is an eigenbasis of EGOP",
        _numbers(exact @ basis),
        _numbers(basis @ instance["eigenvalues"]),
        scope="one instance",
    )
    transcript.exact("the hypotheses hold", int(bool(hurting_hypotheses(**instance))), "==", 1,
                     scope="the instance",
                     because="theta* obeys Assumption 1, X and L are feasible")  # fmt: skip
    lhs, rhs = statement.formula(**instance)
    transcript.exact(
        "the sum in the EGOP basis is at most that in the original one", _number(lhs), "<=",
        _number(rhs), scope="the instance", concludes=True,
        because="every feasible sum in the EGOP basis is at least the left side",
    )  # fmt: skip


def _rows(entries: Any, denominator: int = 1) -> Any:
    return np.vectorize(lambda n: Fraction(int(n), denominator), otypes=[object])(np.array(entries))


def _number(value: Any) -> sympy.Rational:
    exact = Fraction(value)
    return sympy.Rational(exact.numerator, exact.denominator)


def _numbers(matrix: Any) -> Any:
    return np.vectorize(_number, otypes=[object])(matrix)


# ---- the measure


class _Rotation:
    """An orthogonal symbol with a symbolic dimension, as the formula asks for it."""

    def __init__(self) -> None:
        self.matrix = algebra.orthogonal("V")
        self.shape = (algebra.identity().trace(),) * 2

    def transpose(self) -> Any:
        return self.matrix.T


class _Vector:
    """A column with a symbol for its l1 norm."""

    def __init__(self, column: Any, l1: Any) -> None:
        self.column, self.l1 = column, l1

    def __rmatmul__(self, matrix: Any) -> _Vector:
        return _Vector(matrix @ self.column, L1_TURNED)

    def __abs__(self) -> _Vector:
        return self

    def total(self) -> Any:
        return self.l1

    def dot(self, other: _Vector) -> Any:
        return self.column.dot(other.column)


L1, L1_TURNED = sympy.symbols("a b", nonnegative=True)


@proof(l1_not_rotation_invariant, scope="all d, all g, all orthogonal V; the expectations are "
       "derived for Gaussian rho and measured", partial=True)  # fmt: skip
def norms_of_a_rotation(statement: Statement, transcript: Transcript) -> None:
    """``||x||_2 <= ||x||_1 <= sqrt(d) ||x||_2`` on both sides of the rotation."""
    g, rotation = algebra.vector("g"), _Rotation()
    transcript.given("a = ||g||_1 and b = ||V'g||_1")
    lhs, rhs = statement.formula(gradient=_Vector(g, L1), basis=rotation)
    d, norm = rotation.shape[0], g.dot(g)
    for entry, (name, upper, lower) in enumerate((("upper", L1, L1_TURNED),
                                                  ("lower", L1_TURNED, L1))):  # fmt: skip
        transcript.nonnegative(
            f"the {name} end", rhs[entry] - lhs[entry],
            [hypothesis(d * (upper**2 - norm), "||x||_1 >= ||x||_2, of products |x_i x_j| >= 0"),
             hypothesis(d * norm - lower**2, "||x||_1^2 <= d ||x||^2, by Cauchy and Schwarz")],
            scope="all d", concludes=True, because="||V'g|| = ||g||",
        )  # fmt: skip
    for entry in (2, 3):
        transcript.nonnegative("the l2 norm does not change", rhs[entry] - lhs[entry], [0],
                               scope="all d", concludes=True)  # fmt: skip
    _column_norms(transcript)


def _column_norms(transcript: Transcript) -> None:
    """``||H||_* <= sum ||H e_i||``: each column against that of the sign of H."""
    h, j = algebra.vector("h", nonzero=True), algebra.vector("j", unit=True)
    size = sympy.sqrt(h.dot(h))
    transcript.nonnegative(
        "a column of H against the column of its sign", size - h.dot(j),
        [square(h - size * j) / (2 * size)],
        scope="all d; h = H e_i, j = J e_i, J the sign of H",
        because="||H||_* = tr(JH) = sum_i (J e_i)'(H e_i) <= sum_i ||H e_i||",
    )  # fmt: skip


@attack(l1_not_rotation_invariant)
def rotated_gradients() -> SearchStrategy[dict[str, Any]]:
    """Coordinate vectors and columns of the basis; the Hadamard basis among others, and shears."""
    return _gradients()


@st.composite
def _gradients(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 4))
    basis = draw(instances.bases(d))
    free = [Fraction(entry) for entry in draw(strategies.vectors(d, nonzero=True)).tolist()]
    gradient = draw(st.sampled_from([instances.one(d)[0], basis[:, 0],
                                     np.array(free, dtype=object)]))  # fmt: skip
    if draw(st.sampled_from([False, False, False, True])):
        basis = basis * Fraction(2)
    return {"gradient": gradient, "basis": basis}
