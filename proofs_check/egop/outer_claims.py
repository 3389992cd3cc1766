"""Proofs, certificates and attacks: slopes, rotated objectives, eigenbases."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.engine import Transcript, algebra, attack, certificate, proof
from proofs_check.structures import Array, Draw
from theory.core import Statement
from theory.egop.outer_claims import (
    corollary_15,
    equation_2,
    lemma_14,
    lemma_14_rotation_invariant,
)

# ---- eq. (2)


@proof(equation_2, scope="all n, d; any gradients and probabilities")
def slope_along_an_eigenvector(statement: Statement, transcript: Transcript) -> None:
    """``v'Ev`` is the mean of squared slopes, and the eigenvalue for an eigenvector."""
    E, value = algebra.symmetric("E"), sympy.Symbol("lambda", real=True)
    u = algebra.eigenvector("u", E, value, unit=True)
    transcript.given("E = B'B with rows sqrt(p_i) g_i of B; E v = lambda v, v'v = 1")
    transcript.identity("the Rayleigh quotient of a unit eigenvector is its eigenvalue",
                        E.quadratic_form(u), value, scope="all d")  # fmt: skip
    B, v = algebra.matrix("B", "n", "d"), algebra.vector("v", unit=True)
    lhs, rhs = statement.formula(bundle=B, vector=v)
    transcript.identity(
        "the quotient is the mean of the squared slopes", lhs, rhs, scope="all n, d, unit v",
        concludes=True, because="v'B'Bv = ||Bv||^2 = sum_i p_i <g_i, v>^2",
    )  # fmt: skip


@attack(equation_2)
def spectral_bundles() -> SearchStrategy[dict[str, Any]]:
    """``U diag(s) Q'`` with rational orthogonal U, Q: exact eigenvectors, of length 1 and 2."""
    return _spectral_bundles()


@st.composite
def _spectral_bundles(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 3))
    n = d + draw(st.integers(0, 1))
    left, right = draw(strategies.rational_orthogonal(n)), draw(strategies.rational_orthogonal(d))
    levels = draw(st.lists(st.sampled_from([2, 3, 1, 0]), min_size=d, max_size=d))
    bundle = (left[:, :d] * np.array(levels, dtype=object)) @ right.T
    index, length = draw(st.integers(0, d - 1)), draw(st.sampled_from([1, 1, 2]))
    return {"bundle": bundle, "vector": length * right[:, index]}


# ---- Lemma 14


@certificate(lemma_14, scope="d = 2: one law, one rotation, in exact numbers")
def four_points(statement: Statement, transcript: Transcript) -> None:
    """Four points: theta uniform on +-sqrt 2 e_i, f = theta_1^4/4, rotation by 45 degrees."""
    root, half = sympy.sqrt(2), 1 / sympy.sqrt(2)
    points = np.array([[root, 0], [-root, 0], [0, root], [0, -root]], dtype=object)
    rotation = np.array([[half, -half], [half, half]], dtype=object)
    transcript.given("theta is uniform on four points of mean 0 and covariance I; f = theta_1^4/4")
    transcript.identity("the covariance is the identity", points.T @ points / 4,
                        np.eye(2, dtype=int), scope="these points")  # fmt: skip
    transcript.identity("V is orthogonal", rotation.T @ rotation, np.eye(2, dtype=int),
                        scope="45 degrees")  # fmt: skip
    direction = np.array([1, 0], dtype=object)
    lhs, rhs = statement.formula(points=points, direction=direction, rotation=rotation)
    transcript.identity("the two sides agree", lhs, rhs, scope="these points", concludes=True)


@proof(lemma_14_rotation_invariant, scope="all n, d; any gradients; laws of n points")
def substitution(statement: Statement, transcript: Transcript) -> None:
    """The gradients of f~ are V'grad f(Vx), and V only permutes the points."""
    V, u = algebra.orthogonal("V"), algebra.vector("u")
    transcript.given("V permutes the n equally likely points; u = grad f(Vx)")
    transcript.identity(
        "one point", (V.T @ u).outer(V.T @ u), V.T @ u.outer(u) @ V, scope="all d",
        because="the chain rule: grad f~(x) = V' grad f(Vx)",
    )  # fmt: skip
    G, P = algebra.matrix("G", "n", "d"), algebra.orthogonal("P", "n")
    lhs, rhs = statement.formula(gradients=G, order=P, rotation=V)
    transcript.identity(
        "all points", lhs, rhs, scope="all n, d", concludes=True,
        because="a permutation P of the rows leaves G'G as it is: P'P = I",
    )  # fmt: skip


@attack(lemma_14_rotation_invariant, refine=("gradients",))
def permuted_points() -> SearchStrategy[dict[str, Any]]:
    """Signed permutations of up to four points, gradients and rotations of every kind."""
    return _permuted_points()


@st.composite
def _permuted_points(draw: Draw) -> dict[str, Any]:
    n, d = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    order = np.eye(n, dtype=int)[draw(st.permutations(range(n)))].astype(float)
    if draw(st.sampled_from([False, False, True])):
        order[0] *= 2.0  # a law that V changes
    gradients = np.array([draw(strategies.vectors(d, nonzero=True)) for _ in range(n)])
    return {"gradients": gradients, "order": order,
            "rotation": draw(strategies.rational_orthogonal(d))}  # fmt: skip


# ---- Corollary 15


@proof(corollary_15, scope="all d")
def diagonal_inside(statement: Statement, transcript: Transcript) -> None:
    """``V'V = I`` on both sides."""
    V, levels = algebra.orthogonal("V"), algebra.diagonal("Lam")
    transcript.given("EGOP(f) = V Lam V', EGOP(f~) = V' EGOP(f) V (Lemma 14, repaired)")
    lhs, rhs = statement.formula(eigenvalues=levels, basis=V)
    transcript.identity("the EGOP of f~ is Lam", lhs, rhs, scope="all d", concludes=True)


@attack(corollary_15)
def rational_bases() -> SearchStrategy[dict[str, Any]]:
    """Rational orthogonal bases, and bases twice too long."""
    return _rational_bases()


@st.composite
def _rational_bases(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 4))
    basis: Array = draw(strategies.rational_orthogonal(d))
    levels = draw(st.lists(st.sampled_from([1, 2, 0, 5]), min_size=d, max_size=d))
    scale = draw(st.sampled_from([1, 1, 2]))
    diagonal = np.array([[Fraction(levels[i] if i == j else 0) for j in range(d)]
                         for i in range(d)], dtype=object)  # fmt: skip
    return {"eigenvalues": diagonal, "basis": basis * scale}
