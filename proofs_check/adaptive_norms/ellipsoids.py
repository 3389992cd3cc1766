"""Proofs and attacks: preconditioned steps as first-order trust-region steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.adaptive_norms.histories import History, histories
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
from theory.adaptive_norms.ellipsoids import corollary_1, lemma_1
from theory.adaptive_norms.preconditioners import rmsprop_form
from theory.core import Statement

ALL = "all d"
_ETA, _EPS = sympy.symbols("eta eps", positive=True)

# ---- Lemma 1


@proof(lemma_1, scope="all d, all s in the ellipsoid, every g (0 included)")
def completing_the_square(statement: Statement, transcript: Transcript) -> None:
    """One identity in s: the excess is half the squared distance plus half the slack."""
    A = algebra.symmetric("A", positive_definite=True)
    g, s = algebra.vector("g"), algebra.vector("s")
    transcript.given("A is symmetric positive definite, eta > 0, ||s||_A <= eta ||g||_{A^-1}")
    step = -_ETA * A.solve(g)
    radius = _ETA**2 * arrays.inverse_quadratic_form(A, g)
    transcript.identity(
        "the step lies on the boundary of the ellipsoid",
        A.quadratic_form(step), radius, scope=ALL,
        because="(A^-1 g)' A (A^-1 g) = g' A^-1 g",
    )  # fmt: skip
    transcript.identity(
        "the excess of a competitor, for every s",
        _ETA * (g.dot(s) - g.dot(step)),
        A.quadratic_form(s - step) / 2 + (radius - A.quadratic_form(s)) / 2,
        scope="all d, all s", because="expand ||s + eta A^-1 g||_A^2",
    )  # fmt: skip
    lhs, rhs = statement.formula(gradient=g, matrix=A, eta=_ETA, competitor=s)
    slack = hypothesis(radius - A.quadratic_form(s), "s lies in the ellipsoid")
    transcript.nonnegative(
        "the step is a minimiser, and the excess grows with the distance",
        rhs - lhs, [slack / 2], scope=ALL, concludes=True,
        because="the difference of the two sides is half the slack of the constraint",
    )  # fmt: skip
    transcript.nonnegative(
        "it is the only minimiser",
        lhs, [weighted_square(s - step, A) / 2], scope=ALL,
        because="a competitor with the same value has ||s - s*||_A = 0, and A is definite",
    )  # fmt: skip


@attack(lemma_1, refine=("competitor", "gradient"))
def competitors() -> SearchStrategy[dict[str, Any]]:
    """Steps on, inside and just outside the boundary, in and around the gradient's direction."""
    return _lemma_1_instances()


@st.composite
def _lemma_1_instances(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 4))
    gradient = draw(strategies.vectors(d, nonzero=True))
    matrix = draw(strategies.positive_definite(d, max_condition=1e4))
    matrix = matrix * draw(st.sampled_from([1.0, 64.0, 2.0**-10]))
    if draw(st.sampled_from([False, False, False, True])):
        # outside the hypotheses: what must not be claimed
        lower = np.tril(np.ones((d, d)), -1) * draw(st.sampled_from([0.5, 2.0, 8.0]))
        matrix = matrix + lower - lower.T
    eta = draw(strategies.scales(2.0**-10, 2.0**10))
    solved = _solved(matrix, gradient)
    radius = eta * abs(float(gradient @ solved)) ** 0.5
    competitor = draw(_near_boundary(matrix, radius, [-solved, -gradient, -matrix @ gradient]))
    return {"gradient": gradient, "matrix": matrix, "eta": eta, "competitor": competitor}


def _solved(matrix: Array, gradient: Array) -> Array:
    return np.asarray(np.linalg.lstsq(matrix, gradient, rcond=None)[0])


@st.composite
def _near_boundary(draw: Draw, matrix: Array, radius: float, preferred: list[Array]) -> Array:
    """A point whose length in the norm of the matrix is about 0, 1 or 1.01 times the radius."""
    free = strategies.vectors(len(matrix), nonzero=True)
    direction = draw(st.one_of(st.sampled_from(preferred), free, free))
    towards = draw(st.sampled_from([*preferred, np.zeros(len(matrix))]))
    direction = direction + draw(st.sampled_from([0.0, 0.25, 4.0])) * towards
    length = abs(float(direction @ matrix @ direction)) ** 0.5
    factor = draw(st.sampled_from([1 - 2.0**-40, 1.01, 0.5, 1 - 2.0**-20, 0.0]))
    if not (length > 0 and np.isfinite(radius / length)):
        return np.zeros(len(matrix))
    return np.asarray(direction * (factor * radius / length))


# ---- Corollary 1


@proof(corollary_1, scope="all d, all t, all s in the ellipsoid")
def square_root_norm(statement: Statement, transcript: Transcript) -> None:
    """Lemma 1 for A^{1/2}, which is symmetric positive definite because A is."""
    A = algebra.symmetric("A", positive_definite=True)
    g, s, w = algebra.vector("g"), algebra.vector("s"), algebra.vector("w")
    b = sympy.Symbol("beta", nonnegative=True)
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    transcript.given("0 <= beta < 1, eps > 0, eta > 0, ||s||_R <= eta ||g_t||_{R^-1}, R = A^(1/2)")
    history = histories(n, g)
    transcript.induction(
        "A is positive definite: w'Aw >= eps ||w||^2",
        lambda k: rmsprop_form(history(k), b, _EPS).quadratic_form(w) - _EPS * w.dot(w), n, [0],
        lambda previous: [b * previous, hypothesis(1 - b, "beta < 1") * square(g.dot(w))],
        scope="all d, every number n of gradients, all w",
        because="V_t = beta V_{t-1} + (1 - beta) g_t g_t', V_{-1} = 0",
    )  # fmt: skip
    cite_square_root(transcript)
    root = A.root
    transcript.identity(
        "the root R is symmetric with R R = A", root.T @ root, A, scope=ALL,
    )  # fmt: skip
    step = -_ETA * root.solve(g)
    ending_in_g = History(A - _EPS * algebra.identity(), n + 1, gradient=g)
    lhs, rhs = statement.formula(gradients=ending_in_g, beta=b, eps=_EPS, eta=_ETA, competitor=s)
    radius = _ETA**2 * arrays.inverse_quadratic_form(root, g)
    transcript.identity(
        "the step lies on the boundary", root.quadratic_form(step), radius, scope=ALL
    )
    transcript.nonnegative(
        "the step is the minimiser in the norm of R",
        rhs - lhs, [hypothesis(radius - root.quadratic_form(s), "s lies in the ellipsoid") / 2],
        scope="all d, all t, every positive definite A", concludes=True,
        because="Lemma 1 with R in the place of its matrix",
    )  # fmt: skip
    _another_matrix(transcript)


def cite_square_root(transcript: Transcript) -> None:
    """Name the theorem by which a positive definite matrix has a root and its powers."""
    transcript.cited(
        "the square root exists", "Horn and Johnson, Matrix Analysis, Theorem 7.2.6",
        "a symmetric positive definite matrix has exactly one symmetric positive definite root",
        scope=ALL,
    )  # fmt: skip


def _another_matrix(transcript: Transcript) -> None:
    """A = diag(1, 4), g = (1, 1): the step -R^-1 g is beaten in the ellipsoid of A."""
    matrix, gradient = np.array([sympy.Integer(1), sympy.Integer(4)]), np.array([1, 1])
    root_step = -gradient / np.array([sympy.Integer(1), sympy.Integer(2)])
    best = -arrays.solve(matrix, gradient)
    # g's / ||s||_A does not change when s is scaled
    measures = [arrays.dot(gradient, s) ** 2 / arrays.quadratic_form(matrix, s)
                for s in (root_step, best)]  # fmt: skip
    transcript.exact(
        "in the ellipsoid of A itself another step is better",
        measures[0], "<", measures[1], scope="A = diag(1, 4), g = (1, 1)",
        because="(g's)^2/||s||_A^2 of -A^(-1/2) g is 9/8, of -A^-1 g it is 5/4: the matrix of"
        " Corollary 1 is not that of Lemma 2",
    )  # fmt: skip


@attack(corollary_1, refine=("competitor", "gradients"))
def rmsprop_competitors() -> SearchStrategy[dict[str, Any]]:
    """Gradient histories of every kind; competitors near the boundaries of A^{1/2} and of A."""
    return _corollary_1_instances()


@st.composite
def _corollary_1_instances(draw: Draw) -> dict[str, Any]:
    d, t = draw(st.integers(1, 3)), draw(st.integers(0, 3))
    bound = draw(st.sampled_from([1.0, 0.125, 64.0]))
    gradients = draw(strategies.gradient_sequences(t, d, bound=bound, attained=True))
    beta = draw(st.sampled_from([0.5, 0.0, 0.875, 0.999]))
    eps = draw(st.sampled_from([1.0, 2.0**-10, 2.0**-27, 16.0]))
    eta = draw(st.sampled_from([1.0, 0.125, 8.0]))
    matrix = rmsprop_form(gradients, beta, eps)
    root = arrays.matrix_power(matrix, 0.5)
    norm = draw(st.sampled_from([root, root, matrix]))
    best = -_solved(norm, gradients[-1])
    radius = eta * abs(float(gradients[-1] @ best)) ** 0.5
    preferred = [best, -_solved(root, gradients[-1]), -_solved(matrix, gradients[-1])]
    competitor = draw(_near_boundary(norm, radius, preferred))
    return {"gradients": gradients, "beta": beta, "eps": eps, "eta": eta,
            "competitor": competitor}  # fmt: skip
