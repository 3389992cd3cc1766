"""Proof of Lemma 4 for all t, and the search against it in exact rationals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
import z3
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check.engine import Transcript, algebra, attack, proof
from proofs_check.structures import Array, Draw
from theory.core import Statement
from theory.local_geometry.momentum import (
    gradients,
    lemma_4,
    momentum_step,
    saddle_gradients,
)

ALL = "all d, eta, beta"
# Whole vectors of whole length, by their number of entries.
TARGETS: dict[int, list[tuple[int, ...]]] = {
    1: [(1,), (3,)],
    2: [(3, 4), (5, 12), (0, 2)],
    3: [(1, 2, 2), (2, 3, 6), (1, 4, 8)],
}


@dataclass(frozen=True)
class _Mode:
    """A mode of which only the recurrence is known; `known` gives z_t for t below the last."""

    known: Callable[[Any], Any]
    index: sympy.Symbol

    def linearised_mode(self, move: Any, beta: Any, sign: int, t: Any) -> Any:
        """``z_t`` from ``z_(t-1)`` and ``z_(t-2)``; z_0 and z_1 at the start."""
        if t == 0:
            return self.known(0)
        if t == 1:
            return (1 + sign * move) * self.known(0)
        if t == self.index + 2:
            return (1 + beta + sign * move) * self.known(t - 1) - beta * self.known(t - 2)
        return self.known(t)


@proof(lemma_4, scope="all d, all t")
def recurrence_and_closed_form(statement: Statement, transcript: Transcript) -> None:
    """The modes decouple; the closed form satisfies their recurrence; roots by sign of products."""
    transcript.given("sigma = 1 on the plus branch and -1 on the minus branch, x = eta lambda > 0")
    _decoupling(transcript)
    _closed_form(statement, transcript)
    _thresholds(statement, transcript)


def _decoupling(transcript: Transcript) -> None:
    lam, eta, size = sympy.symbols("lambda eta epsilon", positive=True)
    beta = sympy.Symbol("beta", nonnegative=True)
    w, W, u, U = (algebra.vector("w"), algebra.matrix("W"), algebra.vector("u"),
                  algebra.matrix("U"))  # fmt: skip
    A = lam * algebra.vector("v", unit=True)
    exact, linear = gradients(size * w, size * W, A), saddle_gradients(w, W, A)
    transcript.identity(
        "the gradient is linear up to the third order",
        list(exact),
        [size * linear[0] + size**3 * (W @ (w @ W)), size * linear[1] + size**3 * w.outer(w @ W)],
        scope="all d, all weights epsilon (w, W)",
    )  # fmt: skip
    for sigma in (1, -1):
        state = momentum_step((w, W, u, U), A, eta, beta, saddle_gradients)
        before, after = W @ A + sigma * lam * w, state[1] @ A + sigma * lam * state[0]
        last = -eta * (U @ A + sigma * lam * u)
        transcript.identity(
            f"z moves by itself, sigma = {sigma}",
            after,
            (1 + sigma * eta * lam) * before + beta * last,
            scope=ALL,
            because="-eta times the momentum is z_t - z_(t-1), and 0 at the start: the recurrence"
            " z_(t+1) = (1 + beta + sigma x) z_t - beta z_(t-1) with z_1 = (1 + sigma x) z_0",
        )


def _closed_form(statement: Statement, transcript: Transcript) -> None:
    n = sympy.Symbol("n", integer=True, nonnegative=True)
    z, half, lam = sympy.symbols("z_0 m lambda", positive=True)
    for gap, name in ((sympy.Symbol("g", positive=True), "m + g and m - g"), (0, "both m")):
        beta = half**2 - gap**2
        for sigma in (1, -1):
            given = {"W": None, "A": None, "norm": lam, "root_beta": sympy.sqrt(beta),
                     "eta": (2 * half - 1 - beta) / (sigma * lam), "sign": sigma}  # fmt: skip

            def value(t: Any, known: Callable[[Any], Any] | None = None,
                      given: dict[str, Any] = given) -> tuple[Any, Any]:  # fmt: skip
                mode = _Mode(known or (lambda s: z), n)
                lhs, rhs = statement.formula(w=mode, t=t, **given)
                return lhs[0], rhs[0]

            claimed = {t: value(t)[1] for t in (0, 1, n, n + 1)}
            started = [
                transcript.identity(
                    f"t = {t}, roots {name}, sigma = {sigma}", *value(t),
                    scope=f"t = {t}", concludes=True,
                )
                for t in (0, 1)
            ]  # fmt: skip
            if not all(started):
                return
            transcript.identity(
                f"from n and n + 1 to n + 2, roots {name}, sigma = {sigma}",
                *value(n + 2, {**claimed}.__getitem__), scope="all n >= 0", concludes=True,
                because="induction; an identity between polynomials in the roots, which"
                " positive numbers decide for complex ones too",
            )  # fmt: skip


def _thresholds(statement: Statement, transcript: Transcript) -> None:
    root, x = sympy.symbols("b x", positive=True)
    mode = _Mode(lambda t: sympy.Integer(0), sympy.Symbol("n"))
    for sigma in (1, -1):
        lhs, rhs = statement.formula(mode, None, None, sympy.Integer(1), x, root, sigma, 0)
        transcript.identity(
            f"discriminant and p(-1), sigma = {sigma}", lhs[1:], rhs[1:],
            scope="all b = sqrt(beta), all x", concludes=True,
        )  # fmt: skip
    b, y, r = z3.Reals("b x r")
    stable, p = [b >= 0, b < 1, y > 0], r * r - (1 + b * b - y) * r + b * b
    between = z3.And(y > (1 - b) * (1 - b), y < (1 + b) * (1 + b))
    square = (1 + b * b - y) * (1 + b * b - y) - 4 * b * b
    transcript.polynomial(
        "minus branch: complex roots exactly between", stable, between == (square < 0),
        scope="0 <= b < 1, x > 0", because="the two factors have opposite signs there",
    )  # fmt: skip
    m, g = sympy.symbols("m g", real=True)
    transcript.identity(
        "their modulus is sqrt(beta)", sympy.expand((m + sympy.I * g) * (m - sympy.I * g)),
        m**2 + g**2, scope="all m, g", because="the product of conjugate roots is beta",
    )  # fmt: skip
    transcript.polynomial(
        "minus branch: real roots lie in [-1, 1) up to x = 2(1 + beta)",
        [*stable, p == 0, y <= 2 * (1 + b * b)], z3.And(r >= -1, r < 1), scope="0 <= b < 1, x > 0",
        because="p(-1) = 2(1 + beta) - x >= 0 and p(1) = x > 0; -1 is a simple root, so bounded",
    )  # fmt: skip
    transcript.polynomial(
        "minus branch: beyond, p(-1) < 0", [*stable, y > 2 * (1 + b * b), r == -1], p < 0,
        scope="0 <= b < 1, x > 0", because="so one root is below -1, whose weight is not 0: p(beta)"
        " = beta x",
    )  # fmt: skip
    grows = r * r - (1 + b * b + y) * r + b * b
    transcript.polynomial(
        "plus branch: p(1) < 0", [*stable, r == 1], grows < 0, scope="0 <= b < 1, x > 0",
        because="so r_1 > 1 for every learning rate",
    )  # fmt: skip


# ---- Search


@st.composite
def targets(draw: Draw) -> tuple[Array, Fraction]:
    """A target with rational entries and rational length, and its length."""
    n = draw(st.integers(1, 3))
    entries = draw(st.permutations(draw(st.sampled_from(TARGETS[n]))))
    scale = draw(st.sampled_from([Fraction(1), Fraction(1, 4), Fraction(3)]))
    A = np.array([scale * entry for entry in entries], dtype=object)
    return A, scale * int(np.sqrt(sum(entry * entry for entry in entries)))


def small_arrays(*shape: int) -> SearchStrategy[Array]:
    """Arrays of whole multiples of 1/4 up to 2, zero and unit vectors among them."""
    size = int(np.prod(shape))
    entry = st.integers(-8, 8).map(lambda k: Fraction(k, 4))
    listed = st.lists(entry, min_size=size, max_size=size)
    return listed.map(lambda values: np.array(values, dtype=object).reshape(shape))


@attack(lemma_4, examples={"quick": 60, "standard": 1500, "deep": 10000})
def weights_and_learning_rates() -> SearchStrategy[dict[str, Any]]:
    """Every kind of roots: real, equal, complex, and at the edge of stability; wrong norms."""
    return _modes()


@st.composite
def _modes(draw: Draw) -> dict[str, Any]:
    A, norm = draw(targets())
    d = draw(st.integers(1, 2))
    root = draw(st.sampled_from([Fraction(1, 2), Fraction(0), Fraction(9, 10), Fraction(1, 3)]))
    special = [(1 - root) ** 2, (1 + root) ** 2, 2 * (1 + root * root), Fraction(1)]
    x = draw(st.one_of(st.integers(1, 24).map(lambda k: Fraction(k, 8)), st.sampled_from(special)))
    wrong = draw(st.sampled_from([1, 1, 1, 2]))
    return {"w": draw(small_arrays(d)), "W": draw(small_arrays(d, len(A))), "A": A,
            "norm": norm * wrong, "eta": x / norm, "root_beta": root,
            "sign": draw(st.sampled_from([1, -1])), "t": draw(st.integers(0, 5))}  # fmt: skip
