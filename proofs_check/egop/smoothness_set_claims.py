"""Proofs and certificates: smoothness constants of the logistic loss and of log-sum-exp."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from proofs_check.engine import Transcript, algebra, certificate, hypothesis, proof, weighted_square
from proofs_check.structures import Array
from theory.core import Statement
from theory.egop.smoothness_set_claims import log_sum_exp_smoothness, logistic_smoothness

# ---- the logistic loss


@proof(logistic_smoothness, scope="all n, d, all A, theta and L")
def largest_at_zero(statement: Statement, transcript: Transcript) -> None:
    """The second derivative of the loss is a quarter minus a square."""
    m, n = sympy.Symbol("m", real=True), sympy.Symbol("n", positive=True)
    sigmoid = 1 / (1 + sympy.exp(m))
    transcript.given("S is the diagonal matrix of the sigmoids of the margins y_i a_i'theta")
    transcript.identity(
        "the loss of one margin", sympy.diff(sympy.log(1 + sympy.exp(-m)), m, 2),
        sigmoid - sigmoid**2, scope="all margins", because="so Hess = A'(S - S^2)A/n, as y^2 = 1",
    )  # fmt: skip
    A, S, D = algebra.matrix("A", "n", "d"), algebra.diagonal("S", "n"), algebra.diagonal("D")
    lhs, rhs = statement.formula(matrix=A, sigmoids=S, constants=D, samples=n)
    transcript.identity("the slack and its two parts", lhs, rhs, scope="all n, d",
                        concludes=True)  # fmt: skip
    x, one = algebra.vector("x"), algebra.identity("n")
    quarter = D - A.T @ A / (4 * n)
    transcript.nonnegative(
        "feasible at 0 implies feasible everywhere",
        (D - A.T @ (S - S @ S) @ A / n).quadratic_form(x),
        [hypothesis(quarter.quadratic_form(x), "diag(L) >= A'A/(4n)"),
         weighted_square((2 * S - one) @ A @ x, one) / (4 * n)],
        scope="all theta, all x", because="the second part is a Gram matrix",
    )  # fmt: skip
    half = one / 2
    transcript.identity(
        "at 0 the second part vanishes, so that the condition is necessary",
        D - A.T @ (half - half @ half) @ A / n, quarter, scope="theta = 0, S = I/2",
    )  # fmt: skip


@certificate(logistic_smoothness, scope="two data sets at rational sigmoids, and the least sum")
def exact_points(statement: Statement, transcript: Transcript) -> None:
    """Slacks in rationals; primal and dual points of equal value for one sample."""
    three = [Fraction(1, 2), Fraction(9, 10), Fraction(1, 4)]
    sets = (([[1, -3]], [Fraction(4, 5)]), ([[1, 2], [0, 1], [3, -1]], three))
    for rows, sigmoids in sets:
        A = _exact(rows)
        lhs, rhs = statement.formula(matrix=A, sigmoids=_diagonal(sigmoids),
                                     constants=_diagonal([3, 3]), samples=len(A))  # fmt: skip
        for left, right in zip(np.ravel(lhs), np.ravel(rhs), strict=True):
            transcript.exact(f"an entry of the slack for n = {len(A)}", sympy.Rational(left), "==",
                             sympy.Rational(right), scope="one point", concludes=True)  # fmt: skip
    a, s = _exact([1, -3]), _exact([1, -1])
    hessian = np.outer(a, a) / Fraction(4)
    constants = abs(a) * abs(a).sum() / 4
    slack = _diagonal(constants) - hessian
    transcript.exact("L_k = |a_k| ||a||_1/4 is feasible: a nonnegative corner",
                     sympy.Rational(slack[0, 0]), ">=", 0, scope="a = (1, -3)")  # fmt: skip
    determinant = slack[0, 0] * slack[1, 1] - slack[0, 1] ** 2
    transcript.exact("and determinant", sympy.Rational(determinant), ">=", 0,
                     scope="a = (1, -3)")  # fmt: skip
    transcript.exact("its sum is the value of the dual point ss'", sympy.Rational(constants.sum()),
                     "==", sympy.Rational(s @ hessian @ s), scope="a = (1, -3)",
                     because="<Hess, X> <= 1'L for X >= 0 with unit diagonal")  # fmt: skip


# ---- log-sum-exp


@proof(log_sum_exp_smoothness, scope="all n, d; affinely independent rows; all L > 0")
def variances(statement: Statement, transcript: Transcript) -> None:
    """A variance against the half range, and Cauchy's inequality for each pair of rows."""
    u, Z = algebra.vector("u", "n", unit=True), algebra.diagonal("Z", "n")
    g, v = algebra.vector("g"), algebra.vector("v")
    D = algebra.diagonal("D", positive_definite=True)
    c, h = sympy.symbols("c h", real=True)
    transcript.given("p_i = u_i^2, Z = diag(Av), D = diag(L), v'Hess v = Var_p(Av)")
    lhs, rhs = statement.formula(roots=u, values=Z, centre=c, half=h, gap=g, constants=D)
    for left, right, name, because in (
        (lhs[0], rhs[0], "the variance and the half range", "sum p_i = 1"),
        (lhs[1], rhs[1], "the pair in the direction y", "g'y = y'Dy = q: q > 4 is not feasible"),
    ):
        transcript.identity(name, left, right, scope="all n, d", concludes=True, because=because)
    one = algebra.identity("n")
    ends = ((c + h) * one - Z) @ ((h - c) * one + Z)
    transcript.nonnegative(
        "every variance is at most h^2", lhs[0],
        [hypothesis(ends.quadratic_form(u), "c - h <= z_i <= c + h"),
         (Z.quadratic_form(u) - c) ** 2],
        scope="all p, all v", because="each p_i (c + h - z_i)(z_i - c + h) >= 0",
    )  # fmt: skip
    ratio = g.dot(D.inv @ g)
    transcript.nonnegative(
        "q v'Dv >= (g'v)^2 for every v: with q <= 4 each h^2 = (g'v)^2/4 is at most v'Dv",
        ratio * (ratio * D.quadratic_form(v) - g.dot(v) ** 2),
        [weighted_square(ratio * v - g.dot(v) * (D.inv @ g), D)],
        scope="all d, all v", because="h is half of the largest gap (a_i - a_j)'v",
    )  # fmt: skip
    transcript.cited(
        "p comes arbitrarily close to (e_i + e_j)/2", "a matrix of full row rank is onto",
        "the rows a_k - a_1 are independent: A theta + b takes all values up to a common shift",
        scope="affinely independent rows", because="so that Var_p(Av) tends to (g'v)^2/4",
    )  # fmt: skip


@certificate(log_sum_exp_smoothness, scope="exact laws on two to four values; rows -1, 0, 1")
def exact_laws(statement: Statement, transcript: Transcript) -> None:
    """Both slacks in rationals, and dependent rows for which a smaller constant is feasible."""
    laws = (([3, 4], 5, [1, -1]), ([1, 2, 2], 3, [-2, 0, 5]), ([1, 1, 1, 1], 2, [0, 1, 2, 3]))
    for roots, norm, values in laws:
        lhs, rhs = statement.formula(
            roots=_exact(roots) / Fraction(norm), values=_diagonal(values), centre=Fraction(1, 2),
            half=Fraction(6), gap=_exact([1, -2]), constants=_diagonal([2, 3]),
        )  # fmt: skip
        for left, right, name in zip(lhs, rhs, ("variance", "pair of rows"), strict=True):
            transcript.exact(f"{name}, {len(values)} values", sympy.Rational(left), "==",
                             sympy.Rational(right), scope="one law", concludes=True)  # fmt: skip
    s, x = sympy.Symbol("s"), sympy.Symbol("x", positive=True)
    total = x + 1 + 1 / x
    variance = (x + 1 / x) / total - ((x - 1 / x) / total) ** 2
    transcript.identity(
        "rows -1, 0, 1 and b = 0: the Hessian in s = e^theta + e^-theta >= 2", variance,
        ((s + 4) / (s + 1) ** 2).subs(s, x + 1 / x), scope="all theta",
    )  # fmt: skip
    shift = sympy.Symbol("r", nonnegative=True)
    at = shift + 2
    transcript.nonnegative(
        "it never exceeds 2/3, although the condition asks for L >= 1",
        sympy.Rational(2, 3) - (at + 4) / (at + 1) ** 2,
        [(2 * shift**2 + 9 * shift) / (3 * (shift + 3) ** 2)], scope="all theta",
        because="affine independence is needed",
    )  # fmt: skip


def _exact(entries: Any) -> Array:
    exact = np.frompyfunc(Fraction, 1, 1)
    return np.asarray(exact(np.array(entries, dtype=object)))


def _diagonal(entries: Any) -> Array:
    size = len(entries)
    return np.array([[Fraction(entries[i] if i == j else 0) for j in range(size)]
                     for i in range(size)], dtype=object)  # fmt: skip
