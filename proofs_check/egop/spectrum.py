"""Proofs and attacks: Lemmas 18 and 19, the EGOP's eigenvalues and the data's singular values."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.egop.eigenpositions import Position, cite_common_vector
from proofs_check.engine import (
    Transcript,
    algebra,
    attack,
    hypothesis,
    proof,
    square,
    weighted_square,
)
from proofs_check.structures import Array, Draw
from theory import arrays
from theory.core import Statement
from theory.egop.spectrum import (
    composed_outer_product,
    least_squares_outer_product,
    lemma_18,
    lemma_19,
)

ALL = "all n, d and k"
_C = sympy.Symbol("c", positive=True)
_OWN, _SQUARED, _BEFORE, _LEAST = sympy.symbols("lam sigma2 sigma2_before low", nonnegative=True)

# ---- Lemma 19


@proof(lemma_19, scope="all n, d and k, every A and y")
def common_vectors(statement: Statement, transcript: Transcript) -> None:
    """Courant-Fischer with a vector in the right eigenspaces, orthogonal to u for the upper end."""
    transcript.given("E theta = 0, E theta theta' = c^2 I, c > 0")
    A, y = algebra.matrix("A", "n", "d"), algebra.vector("y", "n")
    _expected_outer_product(transcript, A, y)
    gram, u = A.T @ A, A.T @ y
    egop = least_squares_outer_product(A, y, _C)
    bare = _C**2 * gram.power(2)
    transcript.identity(
        "the sum of the differences", egop.trace() - bare.trace(), u.dot(u), scope=ALL,
        because="the sum of all eigenvalues is the trace, that of (A'A)^2 the sum of sigma_k^4",
    )  # fmt: skip
    _lower_end(statement, transcript, A, y)
    _upper_end_of_the_first(statement, transcript, A, y)
    _upper_end(statement, transcript, A, y)


def _expected_outer_product(transcript: Transcript, A: Any, y: Any) -> None:
    theta = algebra.vector("theta")
    gram, u = A.T @ A, A.T @ y
    gradient = A.T @ (A @ theta - y)
    transcript.identity(
        "the outer product of a gradient", gradient.outer(gradient),
        gram @ theta.outer(theta) @ gram - (gram @ theta).outer(u) - u.outer(gram @ theta)
        + u.outer(u), scope=ALL, because="grad f = A'A theta - u",
    )  # fmt: skip
    transcript.identity(
        "its mean is the EGOP of the statement",
        gram @ (_C**2 * algebra.identity()) @ gram + u.outer(u),
        least_squares_outer_product(A, y, _C), scope=ALL,
        because="the mean is linear: the two middle terms vanish, theta theta' becomes c^2 I",
    )  # fmt: skip


def _lower_end(statement: Statement, transcript: Transcript, A: Any, y: Any) -> None:
    w, gram = algebra.vector("w", unit=True), A.T @ A
    egop, bare = least_squares_outer_product(A, y, _C), _C**2 * gram.power(2)
    cite_common_vector(transcript, "the first k of A'A and the k-th to last of the EGOP",
                       "k + (d - k + 1) > d")  # fmt: skip
    place = Position([(gram, _SQUARED), (egop, _OWN)], [(gram, _BEFORE)])
    lhs, rhs = statement.formula(A=A, y=y, c=_C, k=place)
    transcript.nonnegative(
        "c^2 sigma_k^4 is at most lam_k", rhs[0] - lhs[0],
        [hypothesis(_OWN - egop.quadratic_form(w), "w'Ew <= lam_k for this w"),
         hypothesis(bare.quadratic_form(w) - _C**2 * _SQUARED**2,
                    "c^2 w'(A'A)^2 w >= c^2 sigma_k^4 for this w"),
         square((A.T @ y).dot(w))], scope=ALL, concludes=True,
        because="w'Ew = c^2 w'(A'A)^2 w + (u'w)^2",
    )  # fmt: skip


def _upper_end_of_the_first(statement: Statement, transcript: Transcript, A: Any, y: Any) -> None:
    v, gram, u = algebra.vector("v", unit=True), A.T @ A, A.T @ y
    egop, bare = least_squares_outer_product(A, y, _C), _C**2 * gram.power(2)
    lhs, rhs = statement.formula(A=A, y=y, c=_C, k=Position([(gram, _SQUARED), (egop, _OWN)]))
    transcript.nonnegative(
        "lam_1 is at most c^2 sigma_1^4 + ||u||^2", rhs[1] - lhs[1],
        [hypothesis(egop.quadratic_form(v) - _OWN, "v'Ev >= lam_1, v its eigenvector"),
         hypothesis(_C**2 * _SQUARED**2 - bare.quadratic_form(v),
                    "c^2 v'(A'A)^2 v <= c^2 sigma_1^4"),
         square(u - u.dot(v) * v)], scope=ALL, concludes=True,
        because="||u||^2 - (u'v)^2 = ||u - (u'v) v||^2 for a unit vector v",
    )  # fmt: skip


def _upper_end(statement: Statement, transcript: Transcript, A: Any, y: Any) -> None:
    gram, u = A.T @ A, A.T @ y
    egop, bare = least_squares_outer_product(A, y, _C), _C**2 * gram.power(2)
    cite_common_vector(
        transcript, "the first k of the EGOP and the (k-1)-th to last of A'A",
        "k + (d - k + 2) - d = 2, so that there are two independent ones, a and b",
    )  # fmt: skip
    a, b = algebra.vector("a"), algebra.vector("b")
    mixed = u.dot(b) * a - u.dot(a) * b
    transcript.identity(
        "a combination of a and b is orthogonal to u, and uu' drops out there",
        [u.dot(mixed), egop.quadratic_form(mixed)], [0, bare.quadratic_form(mixed)], scope=ALL,
        because="(u'b) a - (u'a) b; or a itself where both products vanish",
    )  # fmt: skip
    w = algebra.vector("w", unit=True)
    place = Position([(gram, _SQUARED), (egop, _OWN)], [(gram, _BEFORE)])
    lhs, rhs = statement.formula(A=A, y=y, c=_C, k=place)
    transcript.nonnegative(
        "lam_k is at most c^2 sigma_(k-1)^4", rhs[1] - lhs[1],
        [hypothesis(bare.quadratic_form(w) - _OWN,
                    "c^2 w'(A'A)^2 w = w'Ew >= lam_k for the combination, at length 1"),
         hypothesis(_C**2 * _BEFORE**2 - bare.quadratic_form(w),
                    "c^2 w'(A'A)^2 w <= c^2 sigma_(k-1)^4 for the combination")],
        scope="all n and d, k >= 2", concludes=True,
        because="the combination lies in both spans",
    )  # fmt: skip


@attack(lemma_19, refine=("y",))
def data_and_targets() -> SearchStrategy[dict[str, Any]]:
    """Data of prescribed singular values; targets along one left singular vector, or any."""
    return _lemma_19_instances()


@st.composite
def _lemma_19_instances(draw: Draw) -> dict[str, Any]:
    A, left, _ = draw(_data())
    n, d = A.shape
    if draw(st.booleans()):
        y = left[:, draw(st.integers(0, d - 1))] * draw(st.sampled_from([1, 64, Fraction(1, 8)]))
    else:
        y = draw(strategies.vectors(n, scale=draw(st.sampled_from([1.0, 64.0, 2.0**-6]))))
    return {"A": A, "y": np.asarray(y, dtype=float),
            "c": draw(st.sampled_from([1.0, 0.25, 8.0])),
            "k": draw(st.integers(1, d))}  # fmt: skip


@st.composite
def _data(draw: Draw) -> tuple[Array, Array, Array]:
    """``U diag(sigma) V'`` (n, d), n >= d, of full rank: exact, with its U (n, d) and sigma."""
    d = draw(st.integers(1, 3))
    n = d + draw(st.integers(0, 1))
    left = draw(strategies.rational_orthogonal(n, size=2))[:, :d]
    right = draw(strategies.rational_orthogonal(d, size=2))
    sigma = draw(strategies.spectra(d, low=2.0**-4, high=4.0))
    exact = np.array([Fraction(float(value)) for value in sigma], dtype=object)
    return np.asarray((left * exact) @ right.T), left, sigma


# ---- Lemma 18


@proof(lemma_18, scope="all n, d and k, every A and G")
def loewner_order(statement: Statement, transcript: Transcript) -> None:
    """``low A'A <= A'GA <= high A'A``, and eigenvalues are monotone in the Loewner order."""
    transcript.given("low I <= G <= high I, low >= 0")
    A = algebra.matrix("A", "n", "d")
    slack = algebra.symmetric("S", "n", positive_semidefinite=True)
    w, one = algebra.vector("w", unit=True), algebra.identity("n")
    gram = A.T @ A
    high = sympy.Symbol("high", nonnegative=True)
    cite_common_vector(transcript, "the first k of one matrix and the k-th to last of the other",
                       "k + (d - k + 1) > d")  # fmt: skip
    above = _LEAST * one + slack
    lhs, rhs = _sides(statement, A, above, _LEAST, high)
    transcript.nonnegative(
        "low sigma_k^2 is at most lam_k", rhs[0] - lhs[0],
        [hypothesis(_OWN - composed_outer_product(A, above).quadratic_form(w),
                    "w'Ew <= lam_k for this w"),
         weighted_square(A @ w, slack),
         _LEAST * hypothesis(gram.quadratic_form(w) - _SQUARED, "w'A'Aw >= sigma_k^2")],
        scope=ALL, concludes=True, because="G = low I + S with S >= 0",
    )  # fmt: skip
    below = high * one - slack
    lhs, rhs = _sides(statement, A, below, _LEAST, high)
    transcript.nonnegative(
        "lam_k is at most high sigma_k^2", rhs[1] - lhs[1],
        [hypothesis(composed_outer_product(A, below).quadratic_form(w) - _OWN,
                    "w'Ew >= lam_k for this w"),
         weighted_square(A @ w, slack),
         high * hypothesis(_SQUARED - gram.quadratic_form(w), "w'A'Aw <= sigma_k^2")],
        scope=ALL, concludes=True, because="G = high I - S with S >= 0",
    )  # fmt: skip
    Q, B = algebra.orthonormal("Q", "n", "r"), algebra.matrix("B", "r", "d")
    G = algebra.symmetric("G", "n", positive_semidefinite=True)
    transcript.identity(
        "G enters through its compression to the range of A only",
        [composed_outer_product(Q @ B, G), (Q @ B).T @ (Q @ B)],
        [B.T @ (Q.T @ G @ Q) @ B, B.T @ B], scope=ALL, because="A = QB, Q'Q = I",
    )  # fmt: skip


def _sides(statement: Statement, A: Any, G: Any, low: Any, high: Any) -> Any:
    place = Position([(A.T @ A, _SQUARED), (composed_outer_product(A, G), _OWN)])
    return statement.formula(A=A, weights=G, low=low, high=high, k=place)


@attack(lemma_18)
def data_and_weights() -> SearchStrategy[dict[str, Any]]:
    """Weights of prescribed spectrum, in the data's left singular basis or in another one."""
    return _lemma_18_instances()


@st.composite
def _lemma_18_instances(draw: Draw) -> dict[str, Any]:
    A, left, _ = draw(_data())
    n, d = A.shape
    values = draw(strategies.spectra(n, low=2.0**-6, high=2.0**6))
    exact = np.array([Fraction(float(value)) for value in values], dtype=object)
    basis = draw(strategies.rational_orthogonal(n, size=2))
    if n == d and draw(st.booleans()):
        basis = left[:, draw(st.permutations(range(n)))]
    weights = (basis * exact) @ arrays.transpose(basis)
    return {"A": A, "weights": weights, "low": float(values[-1]), "high": float(values[0]),
            "k": draw(st.integers(1, d))}  # fmt: skip
