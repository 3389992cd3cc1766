"""Proofs and attacks: semidefinite matrices, and the EGOP of a composition."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy
import z3
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.engine import Transcript, algebra, attack, hypothesis, proof, weighted_square
from proofs_check.structures import Array, Draw
from theory.core import Statement
from theory.egop.matrix_lemmas import equation_4, lemma_12, lemma_13

ALL = "all d"
_LEVELS = (0.0, 1.0, 1.0, 0.5, 0.25, 2.0**-10)

# ---- Lemma 12


@proof(lemma_12, scope="all d, all v, every l >= lam_max > 0 (P = 0 is trivial)")
def semidefinite_image(statement: Statement, transcript: Transcript) -> None:
    """``l v'Pv - ||Pv||^2`` is v'PDv with D = lI - P, which commutes with P."""
    P = algebra.symmetric("P", positive_semidefinite=True)
    v, bound = algebra.vector("v"), sympy.Symbol("l", positive=True)
    D = bound * algebra.identity() - P
    transcript.given("P is symmetric, 0 <= P <= l I, l > 0")
    transcript.identity("P and D = lI - P commute", P @ D, D @ P, scope=ALL)
    lhs, rhs = statement.formula(matrix=P, bound=bound, v=v)
    transcript.nonnegative(
        "the difference is a sum of two forms over l", rhs - lhs,
        [hypothesis(D.quadratic_form(P @ v), "P <= l I") / bound,
         weighted_square(D @ v, P) / bound],
        scope="all d, all v", concludes=True,
        because="l v'PDv = v'P(D + P)Dv = (Pv)'D(Pv) + (Dv)'P(Dv)",
    )  # fmt: skip


@attack(lemma_12, refine=("v",))
def bounded_forms() -> SearchStrategy[dict[str, Any]]:
    """Exact spectra in rational bases, v along the top eigenvector, indefinite matrices too."""
    return _bounded_forms()


@st.composite
def _bounded_forms(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 4))
    basis = draw(strategies.rational_orthogonal(d))
    scale = draw(st.sampled_from([1.0, 8.0, 2.0**-6]))
    levels = draw(st.lists(st.sampled_from(_LEVELS), min_size=d, max_size=d))
    if draw(st.sampled_from([False, False, False, True])):
        levels[-1] = -1.0
    levels[0] = 1.0
    matrix = _conjugate(basis, [scale * level for level in levels])
    v = basis[:, 0] if draw(st.booleans()) else draw(strategies.vectors(d, nonzero=True))
    slack = draw(st.sampled_from([1, 1, 1, 2]))
    return {"matrix": matrix, "bound": scale * slack, "v": v}


def _conjugate(basis: Array, values: list[float]) -> Array:
    """``Q diag(values) Q'`` in exact rationals."""
    weights = np.array([Fraction(value) for value in values], dtype=object)
    return np.asarray((basis * weights) @ basis.T)


# ---- Lemma 13


@proof(lemma_13, scope="all d, all v")
def monotone_root(statement: Statement, transcript: Transcript) -> None:
    """No eigenvalue of Q - P is negative, since ``Q^2 - P^2`` is nonnegative on its eigenvector."""
    P = algebra.symmetric("P", positive_semidefinite=True)
    D, level = algebra.symmetric("D"), sympy.Symbol("lambda", real=True)
    u, v = algebra.eigenvector("u", D, level), algebra.vector("v")
    Q = P + D
    transcript.given("P = X^{1/2}, Q = Y^{1/2} are symmetric positive semidefinite, P^2 <= Q^2")
    transcript.identity(
        "on an eigenvector u of D = Q - P with eigenvalue lambda",
        (Q @ Q - P @ P).quadratic_form(u),
        level * (P.quadratic_form(u) + Q.quadratic_form(u)), scope="all d",
        because="Q^2 - P^2 = Q D + D P",
    )  # fmt: skip
    p, q, n, x = z3.Reals("p q n lambda")
    transcript.polynomial(
        "hence lambda >= 0", [p >= 0, q >= 0, n > 0, q == p + x * n, x * (p + q) >= 0], x >= 0,
        scope="all d", because="p = u'Pu, q = u'Qu, n = u'u; p + q = 0 forces lambda n = q - p = 0",
        shown="p, q >= 0, n > 0, q = p + lambda n, lambda (p + q) >= 0 imply lambda >= 0",
    )  # fmt: skip
    transcript.cited(
        "D is positive semidefinite", "Horn and Johnson, Matrix Analysis, Theorem 4.1.8",
        "a symmetric matrix without negative eigenvalues is positive semidefinite", scope=ALL,
    )  # fmt: skip
    gap = algebra.symmetric("E", positive_semidefinite=True)
    lhs, rhs = statement.formula(smaller=P, larger=P + gap, v=v)
    transcript.nonnegative(
        "the forms are ordered", rhs - lhs, [weighted_square(v, gap)], scope="all d, all v",
        concludes=True, because="E is the difference Q - P, semidefinite by the steps above",
    )  # fmt: skip


@attack(lemma_13, refine=("v",))
def ordered_squares() -> SearchStrategy[dict[str, Any]]:
    """Equal pairs, pairs ordered in several senses, v where the order is most nearly violated."""
    return _ordered_squares()


@st.composite
def _ordered_squares(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 3))
    smaller = draw(strategies.positive_semidefinite(d))
    more = draw(strategies.positive_semidefinite(d))
    kind = draw(st.sampled_from(["sum", "free", "equal", "sum", "swapped", "free", "lines"]))
    line = np.diag(np.eye(d)[0])
    pairs = {"equal": (smaller, smaller), "sum": (smaller, smaller + more),
             "free": sorted((smaller, more), key=np.linalg.norm),
             "swapped": (smaller + more, smaller),
             # Ordered, but not their squares.
             "lines": (line, line + np.ones((d, d)))}  # fmt: skip
    first, second = pairs[kind]
    # where a difference of the roots or of their squares is most negative, if anywhere
    lowest = [
        np.linalg.eigh(gap)[1][:, 0] for gap in (second - first, second @ second - first @ first)
    ]
    v = draw(st.one_of(st.sampled_from(lowest), strategies.vectors(d, nonzero=True)))
    return {"smaller": first, "larger": second, "v": v}


# ---- eq. (4)


@proof(equation_4, scope="all n, m, d; any gradients")
def pulled_back(statement: Statement, transcript: Transcript) -> None:
    """The rows of U A are the gradients A'u."""
    U, A = algebra.matrix("U", "n", "m"), algebra.matrix("A", "m", "d")
    u = algebra.vector("u", "m")
    transcript.given("u is a gradient of h at A theta; U has the samples as rows")
    transcript.identity(
        "one gradient of f", (A.T @ u).outer(A.T @ u), A.T @ u.outer(u) @ A, scope="all m, d",
        because="the chain rule: grad f = A' grad h",
    )  # fmt: skip
    lhs, rhs = statement.formula(gradients=U, matrix=A)
    transcript.identity("any number of samples", lhs, rhs, scope="all n, m, d", concludes=True)


@attack(equation_4, refine=("gradients",))
def compositions() -> SearchStrategy[dict[str, Any]]:
    """Samples and maps of every shape up to 3, with exact entries."""
    return _compositions()


@st.composite
def _compositions(draw: Draw) -> dict[str, Any]:
    n, m, d = (draw(st.integers(1, 3)) for _ in range(3))
    rows = [draw(strategies.vectors(m)) for _ in range(n)]
    columns = [draw(strategies.vectors(d)) for _ in range(m)]
    return {"gradients": np.array(rows), "matrix": np.array(columns)}
