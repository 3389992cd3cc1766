"""Proofs of the bounds on Adam's step, for every number of gradients, and attacks on them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.engine import Transcript, algebra, attack, proof, square
from proofs_check.structures import Draw
from theory.core import Statement
from theory.local_geometry.adam_steps import (
    adam_critical_betas,
    adam_critical_betas_uniform,
    corrected_moments,
    critical_betas,
    geometric,
    largest_ratio_squared,
)

BETA1, BETA2 = sympy.symbols("beta1 beta2", positive=True)
SCOPE = "all t, all gradients, all betas"
# p is a unit vector, p_s proportional to (beta1/sqrt(beta2))^(t-s); h_s = sqrt(beta2)^(t-s) g_s.
P, H = algebra.vector("p", "t", unit=True), algebra.vector("h", "t")


@dataclass(frozen=True)
class _Count:
    """The number of gradients, known through its three geometric sums."""

    sums: tuple[tuple[Any, Any], ...]

    def geometric(self, x: Any) -> Any:
        """The sum whose ratio is x."""
        return next(value for ratio, value in self.sums if sympy.simplify(ratio - x) == 0)


@dataclass(frozen=True)
class _Gradients:
    """Any number of gradients, as the vector h with the weights of v taken in."""

    vector: Any
    sums: tuple[Any, Any, Any]

    def corrected_moments(self, beta1: Any, beta2: Any) -> tuple[Any, Any, Any]:
        """Scalar products: ``sqrt(sum q^k) p'h / sum beta1^k`` and ``h'h / sum beta2^k``."""
        of_first, of_second, of_ratio = self.sums
        ratios = beta1, beta2, beta1 * beta1 / beta2
        m = sympy.sqrt(of_ratio) * P.dot(self.vector) / of_first
        count = _Count(tuple(zip(ratios, self.sums, strict=True)))
        return m, self.vector.dot(self.vector) / of_second, count


def _residual() -> Any:
    """``||h - (p'h) p||^2``, the gap in the inequality of Cauchy and Schwarz."""
    return square(H - P.dot(H) * P)


def _scalar_products(transcript: Transcript) -> None:
    root = sympy.sqrt(BETA2)
    for count in (1, 2, 3, 4):
        g = sympy.symbols(f"g0:{count}", real=True)
        m, v, _ = corrected_moments(g, BETA1, BETA2)
        h = [root ** (count - 1 - s) * g[s] for s in range(count)]
        p = [(BETA1 / root) ** (count - 1 - s) for s in range(count)]
        products = [sum(a * b for a, b in zip(x, y, strict=True)) for x, y in ((p, h), (h, h))]
        transcript.identity(
            f"moments as scalar products, {count} gradients",
            [m * geometric(BETA1, count), v * geometric(BETA2, count)], products,
            scope=f"t + 1 = {count}; so by definition for every t",
        )  # fmt: skip
    q = BETA1**2 / BETA2
    transcript.identity("length of p", sum(x * x for x in p), geometric(q, count),
                        scope="t + 1 = 4; so by definition for every t")  # fmt: skip


@proof(adam_critical_betas, scope=SCOPE)
def cauchy_and_schwarz(statement: Statement, transcript: Transcript) -> None:
    """The gap is a square, which vanishes at the extremal gradients."""
    transcript.given("m and v start from 0; 0 < beta1 < 1, 0 < beta2 < 1 (beta1 = 0: t drops out)")
    _scalar_products(transcript)
    sums = sympy.symbols("G1 G2 Q", positive=True)
    first, _, ratio = sums
    lhs, rhs = statement.formula(_Gradients(H, sums), BETA1, BETA2)
    transcript.nonnegative(
        "the gap is a square", rhs - lhs, [_residual() * (ratio / first**2)], scope=SCOPE,
        because="G1, G2, Q are the sums of beta1^k, beta2^k and (beta1^2/beta2)^k", concludes=True,
    )  # fmt: skip
    k = sympy.Symbol("k", real=True)
    lhs, rhs = critical_betas(_Gradients(k * P, sums), BETA1, BETA2)
    transcript.identity("equality for h proportional to p", lhs, rhs, scope=SCOPE,
                        because="that is, g_s proportional to (beta1/beta2)^(t-s)")  # fmt: skip
    b = sympy.Symbol("b", positive=True)
    for count in (2, 5):
        closed = count * (1 - b) * (1 - b ** (2 * count)) / ((1 + b) * (1 - b**count) ** 2)
        transcript.identity(
            f"closed form at beta2 = beta1^2, {count} gradients",
            largest_ratio_squared(count, b, b**2), closed, scope="0 < b < 1",
        )  # fmt: skip


@proof(adam_critical_betas_uniform, scope="all t, all gradients, 0 < beta1^2 < beta2 < 1")
def limit_of_the_bound(statement: Statement, transcript: Transcript) -> None:
    """What the uniform bound adds to Cauchy and Schwarz is another square."""
    transcript.given("m and v start from 0; u = sqrt(beta2) and y = beta1/u lie in (0, 1)")
    _scalar_products(transcript)
    s, r, S, R = sympy.symbols("s r S R", positive=True)
    # X = u^n and Y = y^n are any numbers in (0, 1).
    u, y, X, Y = (1 / (1 + symbol) for symbol in (s, r, S, R))
    sums = ((1 - X * Y) / (1 - u * y), (1 - X**2) / (1 - u**2), (1 - Y**2) / (1 - y**2))
    lhs, rhs = statement.formula(_Gradients(H, sums), u * y, u**2)
    rest = (1 + r) ** 2 / (r**2 + 2 * r) * (1 + S) ** 2 / (S**2 + 2 * S)
    transcript.nonnegative(
        "the gap is a sum of squares", rhs - lhs,
        [_residual() * ((R**2 + 2 * R) / (1 + R) ** 2 * (1 + r) ** 2 / (r**2 + 2 * r))
         * square((1 - u * y) / (1 - X * Y)),
         square(H) * square((X - Y) * (1 - u * y) / (1 - X * Y)) * rest],
        scope="all t, all gradients", concludes=True,
        because="(1 - XY)^2 - (1 - X^2)(1 - Y^2) = (X - Y)^2",
    )  # fmt: skip


@st.composite
def _histories(draw: Draw, longest: int, *, critical: bool) -> dict[str, Any]:
    count = draw(st.integers(1, longest))
    betas = st.sampled_from([Fraction(1, 4), Fraction(1, 2), Fraction(4, 5), Fraction(9, 10)])
    beta1 = draw(betas)
    above = [beta1 + (1 - beta1) / 2, beta1, (1 + beta1**2) / 2]
    beta2 = draw(st.sampled_from([beta1**2, *above, *([beta1**2 / 2] if critical else [])]))
    extremal = np.asarray([float(beta1 / beta2) ** (count - 1 - s) for s in range(count)])
    noise = draw(st.lists(st.integers(-16, 16), min_size=count, max_size=count))
    size = draw(st.sampled_from([0.0, 1.0, 1.0 / 64.0, 16.0]))
    return {"gradients": extremal + size * np.asarray(noise) / 16.0, "beta1": beta1, "beta2": beta2}


@attack(adam_critical_betas, examples={"quick": 100, "standard": 1000, "deep": 10000},
        refine=("gradients",))  # fmt: skip
def histories() -> st.SearchStrategy[dict[str, Any]]:
    """Up to 12 gradients, at, near and far from the extremal ones; betas on both sides."""
    return _histories(12, critical=True)


@attack(adam_critical_betas_uniform, examples={"quick": 100, "standard": 1000, "deep": 10000},
        refine=("gradients",))  # fmt: skip
def long_histories() -> st.SearchStrategy[dict[str, Any]]:
    """Up to 40 gradients, since the bound is approached for many."""
    return _histories(40, critical=False)
