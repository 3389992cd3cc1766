"""Eigenvectors of the Hessian at a minimum, for all sizes."""

from __future__ import annotations

from typing import Any

import sympy

from proofs_check.engine import Transcript, algebra, proof
from theory.core import Statement
from theory.local_geometry.conditioning import uniform_is_not_better_conditioned


@proof(
    uniform_is_not_better_conditioned, scope="all d, n and positive targets, at the limit points"
)
def eigenvectors_at_a_minimum(statement: Statement, transcript: Transcript) -> None:
    """At E = 0 the Hessian maps (a, B) to (W(B'w + W'a), w(w'B + a'W))."""
    transcript.given("a minimum: E = 0; the limit points are those of the claim on r_OPT")
    square, norm = sympy.symbols("S N", positive=True)
    w = algebra.vector("w", nonzero=True)
    W, f = algebra.matrix("W", "d", "n"), algebra.vector("f", "n")
    a, B = W @ f, w.outer(f)
    inner = w @ B + a @ W
    transcript.identity(
        "right factors", inner, (w @ w) * f + W.T @ (W @ f), scope="all minima",
        because="w'B + a'W for B = w f', a = W f: the non-zero eigenvalues are those of "
        "|w|^2 I + W'W, that is |w|^2 + sigma_k(W)^2",
    )  # fmt: skip
    _rank_one(transcript, square, norm)
    first, second = sympy.symbols("o s", positive=True)
    gap = sympy.Symbol("g", nonnegative=True)
    transcript.nonnegative(
        "no minimum is flatter than 2|A|", first**2 + second**2 - 2 * (first * second - gap),
        [(first - second) ** 2, 2 * gap], scope="all minima",
        because="|A| = |w'W| = |w| sigma_1(W) - g <= |w| sigma_1(W)",
    )  # fmt: skip
    d, top = sympy.symbols("d A_max", positive=True)
    transcript.identity("|w|^2 after Adam", d * sympy.sqrt(top / d) ** 2, top, scope="all d",
                        because="w_i = s_i c, c^2 = A_max/d")  # fmt: skip
    v = algebra.vector("v", "n", unit=True)
    transcript.identity(
        "|w|^2 after SGD+M", w @ w.outer(v), (w @ w) * v, scope="all d, n",
        because="W = (Wv)v' and Wv = w, since w - Wv is sqrt 2 b_t y_0 in the two-number reduction "
        "and vanishes with the initialisation; so A = w'W = |w|^2 v' and |w|^2 = |A|",
    )  # fmt: skip
    for optimizer, value in (("sgd", norm), ("adam", top)):
        largest = value + norm**2 / value
        for quantity, expected in (("largest eigenvalue", largest),
                                   ("condition number", largest / value)):  # fmt: skip
            transcript.identity(
                f"{optimizer}: {quantity}", statement.formula(optimizer, quantity, norm, top),
                expected, scope="all d and A", concludes=True,
                because=f"|w|^2 = {'|A|' if optimizer == 'sgd' else 'A_max'}",
            )  # fmt: skip


def _rank_one(transcript: Transcript, square: Any, norm: Any) -> None:
    """W = w b' with b = A/|w|^2: the two eigenvalues |w|^2 (1 + |b|^2) and |w|^2."""
    unit, b = algebra.vector("w", unit=True), algebra.vector("b", "n", unit=True)
    w, size = sympy.sqrt(square) * unit, norm / square
    W = size * w.outer(b)
    for name, f, factor in (
        ("along A", b, square + norm**2 / square),
        ("across A", _across(b), square),
    ):
        inner = w @ w.outer(f) + (W @ f) @ W
        transcript.identity(
            f"eigenvalue {name}", [inner, W @ (f * (w @ w) + (W.T @ (W @ f)))],
            [factor * f, factor * (W @ f)], scope="all d, n",
            because="H maps (W f, w f') to W times, and w times, this vector",
        )  # fmt: skip


def _across(b: Any) -> Any:
    """A vector orthogonal to the unit vector b."""
    x = algebra.vector("x", "n")
    return x - (b @ x) * b
