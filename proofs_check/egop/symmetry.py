"""Proof and attack: what commutes with the EGOP."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.engine import Transcript, algebra, attack, proof
from proofs_check.structures import Draw
from theory.core import Statement
from theory.egop.symmetry import symmetry


@proof(symmetry, scope="all d, every law with second moments of the gradient")
def chain_rule(statement: Statement, transcript: Transcript) -> None:
    """The gradients at P theta are P g; the two consequences use special groups of such P."""
    G, P = algebra.matrix("G", "n", "d"), algebra.orthogonal("P")
    g, y = algebra.vector("g"), algebra.vector("y")
    transcript.given("f(P theta) = f(theta), P'P = I; the rows of G are gradients of f at samples")
    transcript.identity(
        "the gradient at P theta is P g", (P @ g).dot(P @ y), g.dot(y), scope="all d, all y",
        because="the derivative of f(P theta) = f(theta) along y is <grad f(P theta), Py> = <g, y>",
    )  # fmt: skip
    lhs, rhs = statement.formula(gradients=G, symmetry=P)
    transcript.identity(
        "the EGOP under the law of P theta", lhs, rhs, scope="all n, d; by linearity every law",
        concludes=True, because="if P rho = rho, both EGOPs are one, which commutes with P",
    )  # fmt: skip
    _interchangeable_units(transcript)
    _linear_network(transcript)


def _interchangeable_units(transcript: Transcript) -> None:
    """Contrasts of the units: eigenvectors of the same eigenvalues, h - 1 of each."""
    A, C = algebra.symmetric("A", "k"), algebra.symmetric("C", "k")
    z, r = algebra.vector("z", "k"), algebra.vector("r", "s")
    D = algebra.matrix("D", "k", "s")
    weight, rest = sympy.symbols("c_i s", real=True)
    transcript.cited(
        "blocks of a matrix that commutes with all permutations of the units",
        "Serre, Linear Representations of Finite Groups, section 2.3 (double transitivity)",
        "all diagonal blocks equal a matrix A, all others a matrix C (a swap of two units shows"
        " that C is symmetric), and all blocks D between a unit and the other coordinates agree",
        scope="h >= 2 units of k parameters",
    )  # fmt: skip
    transcript.identity(
        "block i of the image of c (x) z", weight * (A @ z) + (rest - weight) * (C @ z),
        weight * ((A - C) @ z) + rest * (C @ z), scope="s the sum of the c_j",
        because="for s = 0 and (A - C) z = lambda z it is lambda c_i z: an eigenvector for each of"
        " h - 1 independent contrasts c and each of k eigenvectors z",
    )  # fmt: skip
    transcript.identity(
        "the other coordinates of the image", rest * (D.T @ z).dot(r),
        rest * z.dot(D @ r), scope="all r", because="sum_j c_j D'z = s D'z, which is 0 for s = 0",
    )  # fmt: skip


def _linear_network(transcript: Transcript) -> None:
    """The symmetries of ``W3 W2 W1`` between its layers, and what commutes with all of them."""
    W1, W2, W3 = (algebra.matrix(f"W{k}", f"d{k}", f"d{k - 1}") for k in (1, 2, 3))
    Q, R = algebra.orthogonal("Q", "d1"), algebra.orthogonal("R", "d2")
    transcript.identity(
        "the output does not change", (W3 @ R.T) @ (R @ W2 @ Q.T) @ (Q @ W1), W3 @ W2 @ W1,
        scope="all Q in O(d1), R in O(d2)",
        because="(W1, W2, W3) -> (Q W1, R W2 Q', W3 R')",
    )  # fmt: skip
    transcript.cited(
        "the law does not change", "Muirhead, Aspects of Multivariate Statistical Theory, 1.2",
        "independent centred Gaussian entries of one variance keep their law under orthogonal"
        " maps of rows and columns", scope="all widths",
    )  # fmt: skip
    transcript.cited(
        "Schur's lemma",
        "Goodman and Wallach, Symmetry, Representations, and Invariants, section 4.1",
        "a matrix that commutes with Q (x) I for all Q in O(d1) is I (x) B1, with R (x) Q for all"
        " Q, R is b I, with I (x) R for all R is B3 (x) I; blocks between different layers are 0",
        scope="rows stacked; W1 -> Q W1 is Q (x) I, W2 -> R W2 Q' is R (x) Q",
        because="Q = -I and R = -I separately change the sign of each pair of different layers",
    )  # fmt: skip
    _closed_form(transcript)


def _closed_form(transcript: Transcript) -> None:
    """Two moments of Gaussian matrices, which give B1."""
    d1, d2, d3 = sympy.symbols("d1 d2 d3", positive=True, integer=True)
    transcript.cited(
        "moments of Gaussian matrices", "Muirhead, section 3.2 (Wishart moments)",
        "E (W2'A W2)^2 = ((d1 + 1) tr A^2 + (tr A)^2) I; for A = W3'W3: E tr A^2 ="
        " d2 d3 (d2 + d3 + 1), E (tr A)^2 = d2 d3 (d2 d3 + 2)", scope="unit variances",
    )  # fmt: skip
    traces = d2 * d3 * (d2 + d3 + 1), d2 * d3 * (d2 * d3 + 2)
    transcript.identity(
        "the factor of S^2 in B1", (d1 + 1) * traces[0] + traces[1],
        d2 * d3 * ((d1 + 1) * (d2 + d3 + 1) + d2 * d3 + 2), scope="all widths",
        because="the gradient of W1 is M'M W1 S - M'C, its cross term is odd in W1, and"
        " E M_ki M_lj is d2 for k = l, i = j and 0 otherwise, which gives C'C",
    )  # fmt: skip


@attack(symmetry)
def rational_symmetries() -> SearchStrategy[dict[str, Any]]:
    """Rational orthogonal matrices and multiples of them, gradients of every kind."""
    return _rational_symmetries()


@st.composite
def _rational_symmetries(draw: Draw) -> dict[str, Any]:
    n, d = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    matrix = draw(strategies.rational_orthogonal(d)) * draw(st.sampled_from([1, 1, 1, 2]))
    rows = [[Fraction(v) for v in draw(strategies.vectors(d, nonzero=True))] for _ in range(n)]
    return {"gradients": np.array(rows, dtype=object), "symmetry": matrix}
