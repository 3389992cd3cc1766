"""Proofs, certificates and searches for the auxiliary Lemmas 31, 32 and 33."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.engine import Transcript, attack, certificate, hypothesis, proof
from theory.core import Statement
from theory.local_geometry.auxiliary_bounds import (
    lemma_31,
    lemma_32,
    lemma_33,
    quotient_branches,
)

Real = Any


@dataclass(frozen=True)
class _Gradients:
    """Any weights and noise: largest deviations of both gradients, and M1 and M2."""

    first: sympy.Expr
    second: sympy.Expr
    hidden: sympy.Expr
    output: sympy.Expr

    def deviations(self) -> tuple[list[sympy.Expr], sympy.Expr, sympy.Expr]:
        """The two deviations, M1, M2."""
        return [self.first, self.second], self.hidden, self.output


@proof(lemma_31, scope="all d, T and laws of the noise")
def chebyshev_and_union(statement: Statement, transcript: Transcript) -> None:
    """Chebyshev's inequality for each entry, the union bound, and two sums of d terms."""
    transcript.given("entries of the noise have mean 0 and variance at most sigma^2")
    level, rest, entry = sympy.symbols("k y x", nonnegative=True)
    transcript.nonnegative(
        "x^2 >= k^2 where |x| >= k", (level + rest) ** 2 - level**2, [2 * level * rest, rest**2],
        scope="|x| = k + y",
    )  # fmt: skip
    transcript.nonnegative("x^2 >= 0 elsewhere", entry**2, [entry**2], scope="all x",
                           because="so that sigma^2 >= E x^2 >= k^2 P(|x| >= k)")  # fmt: skip
    d, steps = sympy.symbols("d T", integer=True, positive=True)
    sigma = sympy.Symbol("sigma", positive=True)
    noise = sigma * sympy.sqrt(steps * d * (d**2 + d))
    transcript.identity(
        "union bound", steps * (d**2 + d) * sigma**2 / noise**2, 1 / d, scope="all d, T",
        because="T steps with d^2 + d entries each",
    )  # fmt: skip
    m1, m2 = sympy.symbols("M1 M2", nonnegative=True)
    # max |(w'W)_l| and max |(w'W dLam - dA)_j|
    product, common = sympy.symbols("p e", nonnegative=True)
    inner = hypothesis(d * m1 * m2 - product, "|(w'W)_l| <= d M1 M2")
    sums = hypothesis(d * product * noise + noise - common, "|entry| <= d max|w'W| K + K")
    transcript.nonnegative(
        "an entry of w'W dLam - dA", (d**2 * m1 * m2 + 1) * noise - common,
        [inner * (d * noise), sums], scope="all d", because="sums of d terms, triangle inequality",
    )  # fmt: skip
    first, second = sympy.symbols("D1 D2", nonnegative=True)
    gradients: Any = _Gradients(first, second, m1, m2)
    lhs, rhs = statement.formula(d, steps, sigma, gradients, None, None, None)
    bounded = hypothesis((d**2 * m1 * m2 + 1) * noise - common, "the entries' bound, shown above")
    transcript.nonnegative(
        "first gradient", rhs[0] - lhs[0],
        [bounded * m2, hypothesis(m2 * common - first, "|w_i delta_j| <= M2 max|delta|")],
        scope="all d, T", concludes=True,
    )  # fmt: skip
    transcript.nonnegative(
        "second gradient", rhs[1] - lhs[1],
        [bounded * (d * m1),
         hypothesis(d * m1 * common - second, "|W_i delta'| <= d M1 max|delta|")],
        scope="all d, T", concludes=True,
    )  # fmt: skip


@st.composite
def _noisy_weights(draw: Any) -> dict[str, Any]:
    # In these the level K is a whole number, so that noise can attain it exactly.
    d, steps, level = draw(st.sampled_from([(1, 2, 2), (2, 3, 6), (3, 1, 6)]))
    shares = draw(st.sampled_from([[8], [8], [0, 8], [-8, -3, 5, 8], [9]]))
    rng = np.random.default_rng(draw(st.integers(0, 63)))
    noise = [np.array(rng.choice(shares, size=shape)) * level / 8.0 for shape in ((d, d), (d,))]
    same = draw(st.booleans())
    w = np.full(d, 2.0) if same else rng.integers(-3, 4, size=d).astype(float)
    W = np.full((d, d), 3.0) if same else rng.integers(-3, 4, size=(d, d)).astype(float)
    return {"d": d, "steps": steps, "sigma": 1.0, "w": w, "W": W, "covariance": noise[0],
            "target": -noise[1]}  # fmt: skip


@attack(lemma_31, examples={"quick": 100, "standard": 1000, "deep": 5000}, refine=("w", "W"))
def noise_at_the_level() -> st.SearchStrategy[dict[str, Any]]:
    """Noise up to the level K, with equal weights and one sign among the cases."""
    return _noisy_weights()


@dataclass(frozen=True)
class _Terms:
    """Terms up to time t = H + 1 + k; `slack` is what the sum loses against constant terms."""

    bound: sympy.Expr
    more: sympy.Expr
    slack: sympy.Expr

    def truncated_average_error(self, beta: Any, lag: Any) -> Any:
        """What lags H+1..t contribute at most, less the slack."""
        return self.bound * (beta ** (lag + 1) - beta ** (lag + 2 + self.more)) - self.slack


@proof(lemma_32, scope="all beta, lags, lengths and bounds")
def geometric_tail(statement: Statement, transcript: Transcript) -> None:
    """The weights telescope; -log beta >= 1 - beta bounds the number of lags."""
    transcript.given("|a_s| <= G, 0 < eps <= G, 0 < beta < 1")
    x, eps = sympy.symbols("x eps", positive=True)
    lags, slack = sympy.symbols("L s", nonnegative=True)
    lag, tau, more = sympy.symbols("H tau k", integer=True, nonnegative=True)
    # beta = exp(-x), and L = log(G/eps)/(1 - beta) runs over all nonnegative numbers with G.
    beta = sympy.exp(-x)
    bound = eps * sympy.exp(lags * (1 - beta))
    transcript.identity("telescoping weights", (1 - beta) * beta**tau,
                        beta**tau - beta ** (tau + 1), scope="all lags",
                        because="beta = exp(-x), x > 0")  # fmt: skip
    terms: Any = _Terms(bound, more, slack)
    lhs, rhs = statement.formula(terms, beta, lag, bound, eps)
    transcript.nonnegative(
        "error of the truncation", rhs[0] - lhs[0], [bound * beta ** (lag + 2 + more), slack],
        scope="all t = H + 1 + k", concludes=True,
        because="|sum| <= G sum of the weights of the lags H+1..t = G (beta^(H+1) - beta^(t+1))",
    )  # fmt: skip
    # x - (1 - exp(-x)) and 1 - exp(-z) as integrals of positive functions.
    u, v = sympy.symbols("u v", nonnegative=True)
    gap = sympy.Integral(u * sympy.exp(u - x), (u, 0, x))
    transcript.nonnegative("-log beta >= 1 - beta", x - (1 - beta), [gap], scope="all beta",
                           because="the remainder of Taylor's formula")  # fmt: skip
    exponent = lags * gap + x
    transcript.nonnegative(
        "the stated lags suffice", rhs[1] - lhs[1],
        [eps * sympy.Integral(sympy.exp(-v), (v, 0, exponent))], scope="all beta, eps <= G",
        because="eps - G beta^(L+1) = eps (1 - exp(-z)), z = L (-log beta - (1 - beta)) - log beta",
        concludes=True,
    )  # fmt: skip


@st.composite
def _averages(draw: Any) -> dict[str, Any]:
    # The error is nearly G beta^(H+1) for long constant averages, the lags nearly tight for
    # beta near 1.
    kind = draw(st.sampled_from(["long", "slow", "signs", "free", "beyond"]))
    beta = Fraction(*draw(st.sampled_from([(1, 2), (9, 10), (99, 100), (999, 1000)])))
    length = draw(st.sampled_from([1, 2, 8, 24]))
    if kind in ("long", "slow", "beyond"):
        beta, length = (Fraction(999, 1000), 2) if kind == "slow" else (Fraction(1, 2), 24)
    bound = Fraction(draw(st.integers(1, 8)))
    drawn = np.random.default_rng(draw(st.integers(0, 63))).integers(-4, 5, size=length)
    multiples = {"signs": np.where(drawn < 0, -4, 4), "free": drawn,
                 "beyond": np.full(length, 5)}.get(kind, np.full(length, 4))  # fmt: skip
    terms = np.array([bound * int(k) / 4 for k in multiples], dtype=object)
    return {"terms": terms, "beta": beta, "lag": draw(st.integers(0, 3)), "bound": bound,
            "eps": bound / 10 ** draw(st.integers(0, 8))}  # fmt: skip


@attack(lemma_32, examples={"quick": 150, "standard": 1500, "deep": 5000})
def bounded_sequences() -> st.SearchStrategy[dict[str, Any]]:
    """Constant terms, long and short, signs and free ones, some beyond the bound."""
    return _averages()


@dataclass(frozen=True)
class _Delta:
    """A relative error for which the maximum of both branches is a symbol of its own."""

    maximum: sympy.Expr

    def quotient_bound(self) -> sympy.Expr:
        """The maximum of both branches."""
        return self.maximum


@proof(lemma_33, scope="all delta < 1, a, b and errors")
def small_and_large_denominators(statement: Statement, transcript: Transcript) -> None:
    """The change is affine in a and e_a, and monotone in the denominator on either side of 1."""
    transcript.given("scaled so that b = 1; signs so that the change F is not negative")
    delta = sympy.Symbol("delta", nonnegative=True)
    least, most, root, D = sympy.symbols("m M y D", positive=True)
    a = sympy.Symbol("a", real=True)
    F, bound = sympy.symbols("F B", nonnegative=True)
    # sqrt(1 + e_b) = y and xi = D - y; e_a is what makes the change equal to F.
    e_a, e_b, xi = D * (F + a) - a, root**2 - 1, D - root
    changed: Any = _Delta(bound)
    lhs, rhs = statement.formula(a, sympy.Integer(1), e_a, e_b, xi, changed)
    transcript.identity("the change is F", lhs, F, scope="all a, D")
    small, large = (1 + delta) / least - 1, 1 - (1 - delta) / most
    numerator = hypothesis(delta - e_a, "|e_a| <= delta")
    transcript.nonnegative(
        "small denominators", rhs - lhs,
        [hypothesis(bound - small, "B is at least the first branch, m = sqrt(1 - delta)"),
         hypothesis(D - least, "D >= m") * ((1 + delta) / (least * D)),
         hypothesis(1 - a, "a <= 1") * hypothesis(1 - D, "D <= 1: the first case") / D,
         numerator / D], scope="D <= 1", concludes=True,
    )  # fmt: skip
    transcript.nonnegative(
        "large denominators", rhs - lhs,
        [hypothesis(bound - large, "B is at least the second branch, M = sqrt(1 + delta) + delta"),
         hypothesis(most - D, "D <= M") * hypothesis(1 - delta, "delta <= 1") / (most * D),
         hypothesis(1 + a, "a >= -1") * hypothesis(D - 1, "D >= 1: the second case") / D,
         numerator / D], scope="D >= 1", concludes=True,
    )  # fmt: skip


@certificate(lemma_33, scope="attained at four delta; branches on [1/1000, 99/100]")
def branches_and_sharpness(statement: Statement, transcript: Transcript) -> None:
    """Instances that attain the bound; where the branches cross; 2.5 delta to leading order."""
    for delta in (sympy.Rational(k, 100) for k in (4, 19, 36, 75)):
        _attained(statement, transcript, delta)

    def difference(delta: Real) -> Real:
        smaller, larger = quotient_branches(delta)
        return larger - smaller

    low, high = Fraction(26001, 100000), Fraction(26003, 100000)
    transcript.interval("branches cross", difference, {"delta": (low, high)}, "contains",
                        scope="delta in [0.26001, 0.26003]")  # fmt: skip
    transcript.interval("second branch larger before", difference,
                        {"delta": (Fraction(1, 1000), Fraction(26, 100))}, ">",
                        scope="0.001 <= delta <= 0.26")  # fmt: skip
    transcript.interval("first branch larger after", difference,
                        {"delta": (Fraction(261, 1000), Fraction(99, 100))}, "<",
                        scope="0.261 <= delta <= 0.99")  # fmt: skip
    transcript.interval("at most 2.5 delta", lambda delta: quotient_branches(delta)[1] / delta
                        - Fraction(5, 2), {"delta": (Fraction(1, 1000), Fraction(26, 100))}, "<",
                        scope="0.001 <= delta <= 0.26", shown="bound/delta < 5/2")  # fmt: skip
    transcript.interval("at least 2.5 delta - 5 delta^2", lambda delta: quotient_branches(delta)[1]
                        / delta - Fraction(5, 2) + 5 * delta,
                        {"delta": (Fraction(1, 1000), Fraction(26, 100))}, ">",
                        scope="0.001 <= delta <= 0.26", shown="bound/delta > 5/2 - 5 delta"
                        )  # fmt: skip


def _attained(statement: Statement, transcript: Transcript, delta: sympy.Rational) -> None:
    """The corners a = 1 with the smallest denominator, and a = -1 with the largest."""
    one = sympy.Integer(1)
    corners = {"smallest denominator": (one, one, delta, -delta, 0 * one, delta),
               "largest denominator": (-one, one, delta, delta, delta, delta)}  # fmt: skip
    for name, corner in corners.items():
        lhs, rhs = statement.formula(*corner)
        transcript.exact(f"{name}, delta = {delta}", lhs, "<=", rhs, scope=f"delta = {delta}",
                         concludes=True)  # fmt: skip
    larger = "largest denominator" if delta < sympy.Rational(26, 100) else "smallest denominator"
    lhs, rhs = statement.formula(*corners[larger])
    transcript.exact(f"attained, delta = {delta}", lhs, "==", rhs, scope=f"delta = {delta}",
                     because=f"by the {larger}")  # fmt: skip


# Shares of the bounds that a, e_a, e_b and xi take, in quarters, where the bound is attained.
_CORNERS = {"largest denominator": (-4, 4, 4, 4), "smallest denominator": (4, 4, -4, 0)}


@st.composite
def _quotients(draw: Any) -> dict[str, Any]:
    delta = Fraction(draw(st.integers(0, 31)), 32)
    root = Fraction(draw(st.integers(1, 4)), draw(st.sampled_from([1, 2])))
    corner = _CORNERS.get(draw(st.sampled_from([*_CORNERS, "free", "free"])))
    shares = corner or (*(draw(st.integers(-4, 4)) for _ in range(3)), draw(st.integers(0, 4)))
    sign = draw(st.sampled_from([1, -1]))
    large = draw(st.sampled_from([1, 1, 1, 3]))
    a, e_a, e_b, xi = (Fraction(share, 4) for share in shares)
    return {"a": sign * large * a * root, "b": root**2, "e_a": sign * e_a * delta * root,
            "e_b": e_b * delta * root**2, "xi": xi * delta * root, "delta": delta}  # fmt: skip


@attack(lemma_33, examples={"quick": 200, "standard": 2000, "deep": 10000})
def corners_of_the_errors() -> st.SearchStrategy[dict[str, Any]]:
    """Errors at their bounds and within, on a grid of delta; some numerators too large."""
    return _quotients()
