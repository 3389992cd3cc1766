"""Proofs of the exact law of R_med,1 and of the conditional law of R_med,2 under SGD+M."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import sympy

from proofs_check.engine import Transcript, algebra, certificate, proof
from proofs_check.local_geometry.order_statistics import ratio_law
from theory.core import Statement
from theory.local_geometry.exact_law import (
    batch_gradients,
    conditional_law,
    exact_law,
    momentum_step,
)

# The distribution function promises 1e-10.
_AGREEMENT = Fraction(1, 10**10)
_POINTS = ((2, 1.5), (3, 1.5), (3, 5.0), (4, 1.5), (4, 8.0), (5, 6.0), (9, 3.0), (9, 9.0),
           (33, 6.0), (33, 12.0), (33, 25.0))  # fmt: skip


@proof(exact_law, scope="all d >= 2, eta, beta, weight decay, batches and steps")
def rotation_of_the_hidden_units(statement: Statement, transcript: Transcript) -> None:
    """The dynamics commute with rotations of the hidden units; hence the law."""
    transcript.given("(w, W) start Gaussian (Assumption 2), momenta at zero, data whitened")
    transcript.given("batches depend on the past only through W'w, w'w and W'W")
    transcript.given("R_med,1 is that of the unregularised loss")
    _equivariance(transcript)
    _invariant_start(transcript)
    scale, largest, median = sympy.symbols("c M m", positive=True)
    transcript.cited(
        "uniform direction", "uniqueness of the rotation-invariant probability on the sphere",
        "Q w(t) has the law of w(t) for every fixed Q, also on invariant events; hence "
        "w(t)/|w(t)| is uniform, as is g/|g| for g standard normal", scope="all d, w(t) not 0",
    )  # fmt: skip
    transcript.identity(
        "the ratio is scale-free", (scale**2 * largest) / (scale**2 * median), largest / median,
        scope="c > 0", because="R_med,1 is a function of w/|w|: it has the law of that of g",
    )  # fmt: skip
    _integrals(statement, transcript)


def _integrals(statement: Statement, transcript: Transcript) -> None:
    """The law of max/median as an integral over the middle values, for odd and even d."""
    transcript.cited(
        "middle values", "joint density of order statistics",
        "with k values on either side: d!/k!^2 F(b)^k f(b) (1 - F(b))^k for odd d, "
        "d!/k!^2 F(a)^k f(a) f(b) (1 - F(b))^k, a < b, for even d; those above b are independent "
        "with the conditional law", scope="all d >= 2",
    )  # fmt: skip
    inner, outer, reach = sympy.symbols("A B H", positive=True)
    k = sympy.Symbol("k", integer=True, nonnegative=True)
    transcript.identity(
        "given the middle", inner**k * (1 - outer) ** k * ((reach - outer) / (1 - outer)) ** k,
        inner**k * (reach - outer) ** k, scope="all k, A <= B < H < 1", where=[outer < 1,
                                                                             outer < reach],
        because="each of the k values above b is below sqrt(r m) with probability "
        "(H - B)/(1 - B), H = G(sqrt(r m)), B = G(b), A = G(b) or G(a)",
    )  # fmt: skip
    a, b, r = sympy.symbols("a b r", positive=True)
    density = {x: sympy.sqrt(2 / sympy.pi) * sympy.exp(-(x**2) / 2) for x in (a, b)}
    inside = {x: sympy.erf(x / sympy.sqrt(2)) for x in (a, b)}
    for x in (a, b):
        transcript.identity(f"density of |g| at {x}", sympy.diff(inside[x], x), density[x],
                            scope=f"{x} > 0", because="G(x) = P(|g| <= x)")  # fmt: skip
    odd = density[b] * inside[b] ** k * (sympy.erf(sympy.sqrt(r) * b / sympy.sqrt(2))
                                         - inside[b]) ** k  # fmt: skip
    reached = sympy.erf(sympy.sqrt(r * (a**2 + b**2) / 2) / sympy.sqrt(2)) - inside[b]
    even = density[a] * density[b] * inside[a] ** k * sympy.Max(reached, 0) ** k
    ends = (b, 0, sympy.oo)
    for name, d, integral in (
        ("odd d: the median is b^2", 2 * k + 1, sympy.Integral(odd, ends)),
        ("even d: the median is (a^2 + b^2)/2", 2 * k + 2, sympy.Integral(even, (a, 0, b), ends)),
    ):
        transcript.identity(
            name, statement.formula(d)(r), sympy.factorial(d) / sympy.factorial(k) ** 2 * integral,
            scope=f"d = {d}", concludes=True,
        )  # fmt: skip


@certificate(exact_law, scope="d = 2, 3, 4, 5, 9, 33")
def enclosures_of_the_law(statement: Statement, transcript: Transcript) -> None:
    """The distribution function that is computed lies in rigorous enclosures of the integral."""
    for d, r in _POINTS:
        claimed = float(statement.formula(d)(r))
        ball = ratio_law(d, r)
        transcript.exact(
            f"d = {d}, P(R <= {r:g})", abs(ball - flint.arb(claimed)), "<=", _AGREEMENT,
            scope=f"d = {d}", because="Arb encloses the integral", concludes=True,
            shown=f"|{claimed!r} - [{ball.str(15)}]| <= 1e-10",
        )  # fmt: skip


def _equivariance(transcript: Transcript) -> None:
    q = algebra.orthogonal("Q", "d")
    state = (algebra.vector("w", "d"), algebra.matrix("W", "d", "n"),
             algebra.vector("u", "d"), algebra.matrix("U", "d", "n"))  # fmt: skip
    batch = algebra.symmetric("Lambda", "n"), algebra.vector("a", "n")
    w, W = state[:2]
    found = batch_gradients(q @ w, q @ W, *batch)
    for name, one, other in zip("wW", found, batch_gradients(w, W, *batch), strict=True):
        transcript.identity(
            f"the gradient of {name} rotates", one, q @ other, scope="all d, n, all batches",
            because="the residual Lambda W'w - a does not change",
        )  # fmt: skip
    eta, beta, decay = sympy.symbols("eta beta lambda", real=True)
    options = {"eta": eta, "beta": beta, "weight_decay": decay}
    rotated = (q @ w, q @ W, q @ state[2], q @ state[3])
    steps = (momentum_step(start, *batch, **options) for start in (rotated, state))
    for name, one, other in zip("wWuU", *steps, strict=True):
        transcript.identity(
            f"a step of {name} rotates", one, q @ other,
            scope="all d, n, eta, beta, weight decay",
            because="induction over the steps from u = 0, U = 0: with the same batches, the "
            "trajectory from (Qw, QW) is Q times that from (w, W)",
        )  # fmt: skip
    _invariants(transcript, q, w, W)


def _invariants(transcript: Transcript, q: Any, w: Any, W: Any) -> None:
    because = "the residual, the loss, the event of divergence, and what batches may depend on"
    transcript.identity("W'w is invariant", (q @ W).T @ (q @ w), W.T @ w, scope="all d, n",
                        because=because)  # fmt: skip
    transcript.identity("w'w is invariant", (q @ w) @ (q @ w), w @ w, scope="all d",
                        because=because)  # fmt: skip
    transcript.identity("W'W is invariant", (q @ W).T @ (q @ W), W.T @ W, scope="all d, n",
                        because=because)  # fmt: skip


def _invariant_start(transcript: Transcript) -> None:
    q, w, W = algebra.orthogonal("Q"), algebra.vector("w"), algebra.matrix("W", "d", "n")
    first, second = sympy.symbols("s S", positive=True)

    def exponent(x: Any, X: Any) -> Any:
        return (x @ x) / (2 * first**2) + (X.T @ X).trace() / (2 * second**2)

    transcript.identity(
        "the Gaussian start is invariant", exponent(q @ w, q @ W), exponent(w, W),
        scope="all d, n, alpha", because="minus the logarithm of the density; Q'Q = I gives "
        "|det Q| = 1, so that the change of variables has Jacobian 1",
    )  # fmt: skip


@proof(conditional_law, scope="all d, all steps")
def haar_given_the_singular_values(statement: Statement, transcript: Transcript) -> None:
    """Left singular vectors are Haar given the singular values; the pivot is uniform."""
    transcript.given("the setting of the exact law: Q W(t) has the law of W(t) for orthogonal Q")
    q, left = algebra.orthogonal("Q"), algebra.orthogonal("P")
    right, values = algebra.orthogonal("V"), algebra.diagonal("S")
    W = left @ values @ right.T
    transcript.identity(
        "singular values are invariant", (q @ W).T @ (q @ W), W.T @ W, scope="all d",
        because="the eigenvalues of W'W and its eigenvectors V",
    )  # fmt: skip
    transcript.identity(
        "rows", W @ W.T, left @ values @ values @ left.T, scope="all d",
        because="|W_i|^2 is the i-th diagonal entry: sum_k s_k^2 P_ik^2",
    )  # fmt: skip
    transcript.cited(
        "Haar left vectors", "invariance and uniqueness of Haar measure on the orthogonal group",
        "with Q Haar and independent, QW has the law of W, and QP is Haar and independent of "
        "(S, V)", scope="all d",
    )  # fmt: skip
    m, j = sympy.symbols("m j", integer=True, nonnegative=True)
    part, d = sympy.Symbol("y", nonnegative=True), sympy.Symbol("d", integer=True, positive=True)
    u = (j + part) / (m + 1)
    transcript.identity(
        "the pivot is uniform", statement.formula(d)(u), j / (m + 1) + part / (m + 1),
        scope="all m, j <= m, 0 <= y <= 1", concludes=True, where=[j <= m, part <= 1],
        because="given s, the ratio and m draws are i.i.d.: each rank has probability 1/(m + 1) "
        "(ties at random), and (rank + U)/(m + 1) <= (j + y)/(m + 1) iff rank < j, or rank = j "
        "and U <= y",
    )  # fmt: skip
