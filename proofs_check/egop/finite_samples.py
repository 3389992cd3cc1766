"""Proof and attack: sampled bases that are certified without an eigengap."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check import strategies
from proofs_check.engine import Transcript, algebra, attack, proof, square, weighted_square
from proofs_check.structures import Array, Draw
from theory.core import Statement
from theory.egop.finite_samples import gap_free_samples

ALL = "all d, every symmetric Hessian"
_C, _SHARE, _EPS = sympy.symbols("c q eps", positive=True)


@proof(gap_free_samples, scope="all d and n, every symmetric Hessian; Gaussian law for the share")
def monotone_root(statement: Statement, transcript: Transcript) -> None:
    """The root is monotone in the Loewner order; so is the trace."""
    transcript.given("q c^2 K^2 <= S = V D^2 V' <= (1 + eps) R^2 with q = 1 - delta > 0, R >= 0")
    transcript.cited(
        "the root is monotone", "Loewner-Heinz; Lemma 13 of the paper",
        "0 <= X <= Y implies X^(1/2) <= Y^(1/2): |K| <= V D V'/(c sqrt(q)), and"
        " V D V' <= sqrt(1 + eps) R", scope=ALL,
    )  # fmt: skip
    V, D, w = algebra.orthogonal("V"), algebra.diagonal("D"), algebra.vector("w")
    slack = algebra.symmetric("X", positive_semidefinite=True)
    modulus = V @ D @ V.T / (_C * sympy.sqrt(_SHARE))
    transcript.identity(
        "the estimate's root", (V @ D @ V.T).power(2), V @ D.power(2) @ V.T, scope=ALL,
        because="V'V = I and D >= 0",
    )  # fmt: skip
    for side, sign in enumerate((1, -1)):
        # -|K| <= K <= |K|
        lhs, rhs = _sides(statement, sign * (modulus - slack), V, D, slack, w)
        transcript.nonnegative(
            f"the constants hold from {('above', 'below')[side]}", rhs[side] - lhs[side],
            [weighted_square(V @ w, slack)], scope=ALL, concludes=True,
            because="V D V'/(c sqrt(q)) -+ K = X >= 0",
        )  # fmt: skip
    B = algebra.matrix("B")
    root = (V @ D @ V.T + B.T @ B) / sympy.sqrt(1 + _EPS)
    lhs, rhs = _sides(statement, modulus, V, D, root, w)
    transcript.nonnegative(
        "their sum", rhs[2] - lhs[2], [square(B) / (_C * sympy.sqrt(_SHARE))], scope=ALL,
        concludes=True, because="sqrt(1 + eps) R - V D V' = B'B, and the trace is monotone",
    )  # fmt: skip
    _share(transcript)


def _sides(statement: Statement, hessian: Any, V: Any, D: Any, root: Any, w: Any) -> Any:
    return statement.formula(hessian=hessian, basis=V, roots=D, c=_C, share=_SHARE, root=root,
                             excess=_EPS, direction=w)  # fmt: skip


def _share(transcript: Transcript) -> None:
    """The Gaussian law: a Wishart matrix with n - 1 degrees of freedom, and a square."""
    K = algebra.symmetric("K")
    y, m = algebra.vector("y"), algebra.vector("m")
    transcript.identity(
        "a gradient's outer product around the mean of the points",
        (K @ (y + m)).outer(K @ (y + m)),
        K @ (y.outer(y) + y.outer(m) + m.outer(y) + m.outer(m)) @ K, scope="all d and n",
        because="y = x_i - xbar and m = xbar - theta*: summed over i the mixed terms vanish",
    )  # fmt: skip
    transcript.nonnegative(
        "the offset of the mean only adds", K @ m.outer(m) @ K, [K @ m.outer(m) @ K],
        scope="all d and n", because="so the estimate is at least K (sum y y'/n) K",
    )  # fmt: skip
    transcript.cited(
        "sum y y' has the law of c^2 G'G", "Cochran's theorem",
        "G is (n-1) x d with independent standard normal entries", scope="n - 1 >= d",
    )  # fmt: skip
    transcript.cited(
        "the smallest singular value", "Davidson and Szarek (2001), Theorem II.13",
        "sigma_min(G) >= sqrt(n-1) - sqrt(d) - s with probability at least 1 - exp(-s^2/2)",
        scope="n - 1 >= d, s >= 0",
    )  # fmt: skip
    n, d = sympy.symbols("n d", positive=True)
    s = sympy.Symbol("s", nonnegative=True)
    transcript.identity(
        "the two forms of the share",
        (sympy.sqrt(n - 1) - sympy.sqrt(d) - s) ** 2 / n,
        (sympy.sqrt(n - 1) / sympy.sqrt(n) - sympy.sqrt(d) / sympy.sqrt(n) - s / sympy.sqrt(n))
        ** 2,
        scope="n > d", where=[n > 1],
    )  # fmt: skip


@attack(gap_free_samples, refine=("direction",))
def estimates() -> SearchStrategy[dict[str, Any]]:
    """Exact bases and roots; Hessians of the certified size, smaller, and too large."""
    return _instances()


@st.composite
def _instances(draw: Draw) -> dict[str, Any]:
    d = draw(st.integers(1, 3))
    basis = draw(strategies.rational_orthogonal(d, size=2))
    c = draw(st.sampled_from([Fraction(1), Fraction(4), Fraction(1, 4)]))
    ratio = draw(st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(3, 4)]))
    sizes = _exact(draw(strategies.spectra(d, low=2.0**-3, high=8.0)))
    roots = sizes * c * ratio
    growth = draw(st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(4)]))
    common = draw(st.sampled_from([True, True, False]))
    population = (roots if common else np.full(d, max(roots), dtype=object)) / growth
    return {"hessian": draw(_hessians(basis, sizes)), "basis": basis,
            "roots": _diagonal(roots),
            "c": c, "share": ratio**2, "root": (basis * population) @ basis.T,
            "excess": growth**2 - 1,
            "direction": np.eye(d)[draw(st.integers(0, d - 1))]}  # fmt: skip


@st.composite
def _hessians(draw: Draw, basis: Array, sizes: Array) -> Array:
    d = len(sizes)
    signs = _exact(draw(strategies.sign_vectors(d)))
    kind = draw(st.sampled_from(["certified", "smaller", "larger"]))
    if kind == "smaller":
        other = draw(strategies.rational_orthogonal(d, size=2))
        return np.asarray((other * signs * min(sizes)) @ other.T)
    factor = 2 if kind == "larger" else 1
    return np.asarray((basis * signs * sizes * factor) @ basis.T)


def _exact(values: Array) -> Array:
    return np.array([Fraction(float(value)) for value in values], dtype=object)


def _diagonal(entries: Array) -> Array:
    matrix = np.full((len(entries), len(entries)), Fraction(0), dtype=object)
    np.fill_diagonal(matrix, entries)
    return matrix
