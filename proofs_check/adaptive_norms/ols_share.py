"""Proofs of Proposition 2, of its exact forms for Gaussian and sign entries, and with a mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import sympy as sp

from proofs_check.engine import Transcript, certificate, proof
from theory.adaptive_norms.ols_share import (
    gaussian_exact,
    mean_absolute_inner_product,
    non_centred,
    ols_share_limit,
    proposition_2,
    rademacher_exact,
    share_from_mean,
)
from theory.core import Statement

D, N = sp.symbols("d n", integer=True, positive=True)
C0 = sp.sqrt(2 / sp.pi)
# The bounds on e_n are enclosed one by one up to this length; the recursion covers all n.
ENCLOSED = 2_000


def mean_of(formula: Callable[..., Any], n: Any) -> Any:
    """The value of ``E|x'y|`` that a share formula implies: ``n (1/share - 1)`` at d = 2."""
    return sp.simplify(n * (1 / formula(2, n) - 1))


@proof(proposition_2, scope="all d, n -> infinity")
def uniform_integrability(statement: Statement, transcript: Transcript) -> None:
    """Share of the expectation, central limit theorem, and convergence of the means."""
    s, r, k, h, z = sp.symbols("s r K h z", positive=True)
    mean = sp.nsimplify(statement.given.get("mean", 0))
    transcript.given("entries i.i.d., variance s^2 in (0, inf), and any law with mean 0")
    whole = D * N * s**2 + D * (D - 1) * s**2 * sp.sqrt(N) * r
    transcript.identity(
        "share of the expectation", D * N * s**2 / whole, share_from_mean(D, N, sp.sqrt(N) * r),
        scope="all d, n", because="E||x||^2 = n s^2, and r = E|x'y| / (s^2 sqrt n)",
    )  # fmt: skip
    transcript.identity(
        "products are centred", mean * mean, 0, scope="all laws",
        because="x_k and y_k are independent, so that E x_k y_k is the squared mean",
    )  # fmt: skip
    transcript.identity(
        "second moment", (N * s**4 + N * (N - 1) * mean**4) / (s**2 * sp.sqrt(N)) ** 2, 1,
        scope="all n", because="E (x'y)^2 has n terms s^4, and n(n-1) powers of the mean",
    )  # fmt: skip
    transcript.nonnegative(
        "uniform integrability", (k + h) ** 2 / k - (k + h), [h * (k + h) / k], scope="all K > 0",
        because="t = K + h > K: t <= t^2/K, so that E t 1(t > K) <= E t^2 / K = 1/K for every n, "
        "with t = |x'y| / (s^2 sqrt n); this is what the printed proof leaves out",
    )  # fmt: skip
    transcript.cited(
        "central limit theorem", "Lindeberg and Lévy", "x'y / (s^2 sqrt n) -> N(0, 1) in law",
        scope="n -> infinity",
    )  # fmt: skip
    transcript.cited(
        "convergence of means", "Billingsley, Convergence of Probability Measures, Theorem 3.5",
        "convergence in law and uniform integrability give convergence of the means: r -> E|Z|",
        scope="n -> infinity",
    )  # fmt: skip
    density = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)
    transcript.identity(
        "mean of |Z|", sp.Integral(2 * z * density, (z, 0, sp.oo)), C0, scope="one number"
    )
    transcript.identity(
        "relative error",
        share_from_mean(D, N, sp.sqrt(N) * r) / share_from_mean(D, N, sp.sqrt(N) * C0) - 1,
        (D - 1) * (C0 - r) / (sp.sqrt(N) + (D - 1) * r), scope="all d, n",
        because="it tends to 0 with r - sqrt(2/pi)",
    )  # fmt: skip
    transcript.identity(
        "the claimed formula", statement.formula(D, N), share_from_mean(D, N, sp.sqrt(N) * C0),
        scope="all d, n", concludes=True,
    )  # fmt: skip


@proof(gaussian_exact, scope="all d, n >= 1")
def conditional_expectation(statement: Statement, transcript: Transcript) -> None:
    """Given y, x'y is N(0, ||y||^2); then the mean of a chi variable."""
    v, t, r = sp.symbols("v t r", positive=True)
    transcript.given("entries i.i.d. N(0, 1); the scale cancels in the share")
    normal = sp.exp(-(t**2) / (2 * v)) / sp.sqrt(2 * sp.pi * v)
    transcript.identity(
        "mean of |N(0, v)|", sp.Integral(2 * t * normal, (t, 0, sp.oo)), C0 * sp.sqrt(v),
        scope="all v > 0", because="given y, the law of x'y is N(0, ||y||^2)",
    )  # fmt: skip
    chi = r ** (N - 1) * sp.exp(-(r**2) / 2) / (2 ** (N / 2 - 1) * sp.gamma(N / 2))
    norm = sp.sqrt(2) * sp.gamma((N + 1) / 2) / sp.gamma(N / 2)
    transcript.identity(
        "the chi density", sp.Integral(chi, (r, 0, sp.oo)), 1, scope="all n",
        because="||y|| has this density, by polar coordinates",
    )  # fmt: skip
    transcript.identity("mean of ||y||", sp.Integral(r * chi, (r, 0, sp.oo)), norm, scope="all n")
    transcript.identity(
        "e_n", C0 * norm, mean_absolute_inner_product(N), scope="all n",
        because="E|x'y| = sqrt(2/pi) E||y||",
    )  # fmt: skip
    transcript.identity(
        "the claimed formula", statement.formula(D, N), share_from_mean(D, N, C0 * norm),
        scope="all d, n", because="E||x||^2 = n", concludes=True,
    )  # fmt: skip


@proof(gaussian_exact, scope="all n >= 1")
def monotone_ratios(statement: Statement, transcript: Transcript) -> None:
    """sqrt(1 - 1/(2n)) < e_n / sqrt(2n/pi) < 1 for all n, without Watson's theorem."""
    e = mean_of(statement.formula, N)
    following = mean_of(statement.formula, N + 1)
    transcript.identity(
        "recursion", sp.pi / 2 * e * following, N, scope="all n", concludes=True,
        because="with a_n = e_n sqrt(pi/2): a_n a_{n+1} = n. As a_n = E||y|| grows with n, "
        "n - 1 <= a_n^2 <= n, hence a_n^2/n -> 1 and a_n^2/(n - 1/2) -> 1",
    )  # fmt: skip
    half, m = sp.Rational(1, 2), sp.Symbol("m", integer=True, nonnegative=True)
    transcript.nonnegative(
        "a_n^2/n increases in steps of 2", (N + 1) ** 2 / N**2 - (N + 2) / N, [1 / N**2],
        scope="all n", because="a_{n+2}/a_n = (n+1)/n; strict, so that a_n^2/n < 1",
    )  # fmt: skip
    transcript.nonnegative(
        "a_n^2/(n - 1/2) decreases in steps of 2",
        (m + sp.Rational(5, 2)) / (m + half) - (m + 2) ** 2 / (m + 1) ** 2,
        [half / ((m + 1) ** 2 * (m + half))], scope="all n = m + 1",
        because="strict, so that a_n^2/(n - 1/2) > 1; Watson's bound",
    )  # fmt: skip


@certificate(gaussian_exact, scope=f"d = 2, n <= {ENCLOSED}")
def enclosed_bounds(statement: Statement, transcript: Transcript) -> None:
    """The claimed share between the large-n formula and Watson's bound, length by length."""

    def least_margin_above_the_limit() -> Any:
        return _least(statement, _above_limit)

    def least_margin_below_the_bound() -> Any:
        return _least(statement, _below_watson)

    transcript.exact(
        "share above the large-n formula", least_margin_above_the_limit, ">", 0,
        scope=f"d = 2, n <= {ENCLOSED}", concludes=True, because="the order is that of e_n",
    )  # fmt: skip
    transcript.exact(
        "share below Watson's bound", least_margin_below_the_bound, ">", 0,
        scope=f"d = 2, n <= {ENCLOSED}", concludes=True, because="the order is that of e_n",
    )  # fmt: skip


def _least(statement: Statement, margin: Callable[[Any, Any], Any]) -> Any:
    """Smallest relative margin over n, scaled by n so that it does not vanish in the limit."""
    two = flint.arb(2)
    least = flint.arb(1)
    for length in range(1, ENCLOSED + 1):
        n = flint.arb(length)
        least = least.min(n * n.sqrt() * margin(statement.formula(two, n), n))
    return least


def _above_limit(share: Any, n: Any) -> Any:
    return share - ols_share_limit(flint.arb(2), n)


def _below_watson(share: Any, n: Any) -> Any:
    # The bound is within 1/(16 n^2) of the truth: scaled by n more it stays visible.
    root = (2 * (n - flint.arb(1) / 2) / flint.arb.pi()).sqrt()
    return n * (share_from_mean(flint.arb(2), n, root) - share)


@proof(rademacher_exact, scope="all d, n >= 1")
def induction(statement: Statement, transcript: Transcript) -> None:
    """E|S_{n+1}| = E|S_n| + P(S_n = 0), and exact enumeration for small n."""
    m, s = sp.symbols("m s", integer=True, positive=True)
    transcript.given("entries i.i.d. signs: the n products are i.i.d. signs, with sum S_n")
    transcript.identity(
        "a step away from 0", (sp.Abs(s + 1) + sp.Abs(s - 1)) / 2, s, scope="all integers s >= 1",
        because="the next sign does not change E|S| unless S = 0, where it adds 1",
    )  # fmt: skip
    returns = sp.binomial(2 * m, m) / 4**m
    even, odd, later = (mean_of(statement.formula, n) for n in (2 * m, 2 * m + 1, 2 * m + 2))
    transcript.identity(
        "from even to odd", odd - even, returns, scope="all m >= 1", concludes=True,
        because="P(S_{2m} = 0) = C(2m, m)/4^m",
    )  # fmt: skip
    transcript.identity(
        "from odd to even", later, odd, scope="all m >= 1", concludes=True,
        because="P(S_{2m+1} = 0) = 0",
    )  # fmt: skip
    lengths = range(1, 25)
    transcript.identity(
        "enumeration", [mean_of(statement.formula, sp.Integer(n)) for n in lengths],
        [sum(sp.binomial(n, k) * abs(n - 2 * k) for k in range(n + 1)) / sp.Integer(2) ** n
         for n in lengths],
        scope="n <= 24", because="exact rationals; n = 1, 2 start the induction", concludes=True,
    )  # fmt: skip
    transcript.identity(
        "equal to the Gaussian value at even n", even, mean_absolute_inner_product(2 * m),
        scope="all m >= 1",
    )  # fmt: skip
    transcript.identity(
        "the share", statement.formula(D, 2 * m), share_from_mean(D, 2 * m, even),
        scope="all d", because="E||x||^2 = n", concludes=True,
    )  # fmt: skip
    transcript.nonnegative(
        "odd n lies below the large-n formula", (2 * m - sp.Rational(1, 2)) - (2 * m - 1),
        [sp.Rational(1, 2)], scope="all m",
        because="e_{2m-1}^2 = e_{2m}^2 > (2/pi)(2m - 1/2) > (2/pi)(2m - 1), by the Gaussian bounds",
    )  # fmt: skip


@proof(non_centred, scope="all d")
def squeeze(statement: Statement, transcript: Transcript) -> None:
    """Jensen from below, Cauchy and Schwarz from above; no theorem is cited."""
    m, s = sp.symbols("m s", positive=True)
    transcript.given("entries i.i.d. with mean m and variance s^2; the sign of m does not matter")
    raw = s**2 + m**2
    transcript.identity(
        "second moment of x'y", N * raw**2 + N * (N - 1) * m**4,
        N**2 * (m**4 + s**2 * (s**2 + 2 * m**2) / N), scope="all n",
        because="n terms E x_k^2 y_k^2 and n(n-1) terms m^4",
    )  # fmt: skip
    transcript.nonnegative(
        "width of the squeeze", s**2 * (s**2 + 2 * m**2) / N, [s**2 * (s**2 + 2 * m**2) / N],
        scope="all n",
        because="n m^2 = |E x'y| <= E|x'y| <= (E (x'y)^2)^(1/2)",
    )  # fmt: skip
    upper = sp.sqrt(m**4 + s**2 * (s**2 + 2 * m**2) / N)
    transcript.identity(
        "limit of the upper bound", sp.limit(upper, N, sp.oo), m**2, scope="all m, s",
        because="so that E|x'y|/n -> m^2, while E||x||^2/n = s^2 + m^2",
    )  # fmt: skip
    transcript.identity(
        "the claimed formula", statement.formula(D, m, s), D * raw / (D * raw + D * (D - 1) * m**2),
        scope="all d, m, s", concludes=True,
    )  # fmt: skip
    transcript.identity(
        "U(0, 1), d = 20", statement.formula(20, sp.Rational(1, 2), 1 / sp.sqrt(12)),
        sp.Rational(4, 61), scope="every n", concludes=True,
        because="for nonnegative entries E|x'y| = n m^2 exactly; 4/61 = 0.0655738",
    )  # fmt: skip
