"""Proofs of the second-order coefficient and of what is claimed about the expected share."""

from __future__ import annotations

import sympy as sp

from proofs_check.engine import Transcript, proof
from theory.adaptive_norms.ols_rates import (
    gaussian_share_moments,
    second_order,
    share_expectation_exists,
)
from theory.adaptive_norms.ols_share import mean_absolute_inner_product
from theory.core import Statement

D, N = sp.symbols("d n", integer=True, positive=True)
C0 = sp.sqrt(2 / sp.pi)
EDGEWORTH = "Bhattacharya and Rao (1976), Normal Approximation and Asymptotic Expansions, Thm 20.1"


@proof(second_order, scope="all laws with Cramér's condition, n -> infinity")
def edgeworth(statement: Statement, transcript: Transcript) -> None:
    """Cumulants of a product, the cited expansion, and the mean of |Z| against Hermite."""
    if statement.given:  # a law without Cramér's condition: the cited theorem says nothing
        return
    m3, m4 = sp.Symbol("m3", real=True), sp.Symbol("m4", positive=True)
    u, e = sp.symbols("u e")
    transcript.given("entries with mean 0, variance 1, moments m3 and m4; xy fulfils Cramér's "
                     "condition limsup |E exp(itxy)| < 1 for t -> infinity")  # fmt: skip
    third, fourth = m3**2, m4**2 - 3
    log_moments = sp.log(1 + u**2 / 2 + m3**2 * u**3 / 6 + m4**2 * u**4 / 24)
    transcript.identity(
        "cumulants of a product", sp.series(log_moments, u, 0, 5).removeO(),
        u**2 / 2 + third * u**3 / 6 + fourth * u**4 / 24, scope="all m3, m4",
        because="xy has the moments 0, 1, m3^2, m4^2",
    )  # fmt: skip
    expanded = sp.series(sp.exp(third * u**3 * e / 6 + fourth * u**4 * e**2 / 24), e, 0, 3)
    h4, h6 = fourth / 24, third**2 / 72
    transcript.identity(
        "formal expansion", expanded.removeO(),
        1 + e * third * u**3 / 6 + e**2 * (h4 * u**4 + h6 * u**6), scope="all m3, m4",
        because="e = n^(-1/2); u^k stands for the Hermite polynomial of order k",
    )  # fmt: skip
    transcript.cited(
        "Edgeworth expansion", EDGEWORTH, "for a function of growth |z|^4 the expansion of its "
        "mean has an error o(1/n)", scope="n -> infinity",
    )  # fmt: skip
    z, power = sp.Symbol("z", positive=True), sp.Symbol("j", nonnegative=True)
    density = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)
    transcript.identity(
        "moments of |Z|", sp.Integral(2 * z ** (2 * power + 1) * density, (z, 0, sp.oo)),
        C0 * 2**power * sp.gamma(power + 1), scope="all j >= 0",
        because="E|Z| Z^(2j); odd powers, and with them He_3, give 0",
    )  # fmt: skip
    for order, value in ((4, -1), (6, 3)):
        transcript.identity(
            f"mean of |Z| He_{order}(Z)", _against_absolute_value(order), C0 * value,
            scope="one number", because="He_k(z) = sum_i (-1)^i k!/(i! (k-2i)! 2^i) z^(k-2i)",
        )  # fmt: skip
    transcript.identity(
        "the claimed coefficient", statement.formula(m3, m4), (h4 * -C0 + h6 * 3 * C0) / C0,
        scope="all m3, m4", concludes=True,
    )  # fmt: skip
    # With a_n = e_n sqrt(pi/2) = sqrt(n) (1 + g/n + ...) and x = 1/n, a_n a_{n+1}/n = 1 reads:
    x, g = sp.Symbol("x", positive=True), statement.formula(sp.Integer(0), sp.Integer(3))
    recursion = sp.sqrt(1 + x) * (1 + g * x) * (1 + g * x / (1 + x))
    transcript.identity(
        "Gaussian entries", sp.diff(recursion, x).subs(x, 0), 0, scope="one law",
        because="the exact e_n has a_n a_{n+1} = n, which leaves g = -1/4 alone; no cited theorem",
        concludes=True,
    )  # fmt: skip


def _against_absolute_value(order: int) -> sp.Expr:
    """``E |Z| He_k(Z)`` for even k, from the coefficients of He_k and the moments of |Z|."""
    terms = (
        sp.Rational((-1) ** i * sp.factorial(order), sp.factorial(i) * 2**i)
        / sp.factorial(order - 2 * i) * 2 ** (order // 2 - i) * sp.factorial(order // 2 - i)
        for i in range(order // 2 + 1)
    )  # fmt: skip
    return C0 * sp.Add(*terms)


@proof(share_expectation_exists, scope="every law; the moments for Gaussian X, all d, n")
def bounded_quotient(statement: Statement, transcript: Transcript) -> None:
    """The share lies in [0, 1]; the covariance identity; the Gaussian moments."""
    diagonal, total = sp.symbols("D T", positive=True)
    off = sp.Symbol("O", nonnegative=True)
    transcript.given("T = D + O > 0 almost surely")
    transcript.nonnegative("share >= 0", diagonal / (diagonal + off), [diagonal / (diagonal + off)],
                           scope="every matrix")  # fmt: skip
    transcript.nonnegative(
        "share <= 1", 1 - diagonal / (diagonal + off), [off / (diagonal + off)],
        scope="every matrix", because="a bounded measurable variable has an expectation",
    )  # fmt: skip
    share = sp.Symbol("a", positive=True)
    claimed = statement.formula(share, diagonal, total, diagonal - share * total)
    transcript.identity(
        "covariance identity", *claimed, scope="every law with E T finite", concludes=True,
        because="Cov(D/T, T) = E D - E(D/T) E T",
    )  # fmt: skip
    weights = sp.symbols("p1:4", positive=True)
    diagonals, totals = sp.symbols("D1:4", positive=True), sp.symbols("T1:4", positive=True)
    mass = sum(weights)
    shares, means, wholes = (
        sum(p * value for p, value in zip(weights, values, strict=True)) / mass
        for values in ([x / y for x, y in zip(diagonals, totals, strict=True)], diagonals, totals)
    )
    transcript.identity(
        "three atoms", *statement.formula(shares, means, wholes, means - shares * wholes),
        scope="all laws with three atoms", concludes=True,
    )  # fmt: skip
    _delta_method(transcript)
    _gaussian_moments(transcript)
    _two_rows(transcript)


def _delta_method(transcript: Transcript) -> None:
    diagonal, total = sp.symbols("D T", positive=True)
    var_total, cov = sp.symbols("v k", real=True)
    share = diagonal / total
    linear = sp.diff(share, diagonal) * cov + sp.diff(share, total) * var_total
    transcript.identity(
        "to second order", -linear / total, (share * var_total - cov) / total**2,
        scope="all means, v = Var T, k = Cov(D, T)",
        because="D/T is linearised at the means: Cov(D/T, T) = (Cov(D,T) - R Var T)/E T",
    )  # fmt: skip


def _gaussian_moments(transcript: Transcript) -> None:
    e = mean_absolute_inner_product(N)
    moments = gaussian_share_moments(D, N)
    degrees = N * D
    transcript.identity(
        "Var D", degrees * (degrees + 2) - degrees**2, moments.variance_diagonal, scope="all d, n",
        because="D = ||X||^2 is chi-square with nd degrees of freedom",
    )  # fmt: skip
    off = D * (D - 1) * e
    transcript.identity(
        "Cov(D, O)", off * (degrees + 2) - degrees * off, moments.covariance, scope="all d, n",
        because="O = ||X||^2 O(X/||X||) with independent factors: E D O = E O (nd + 2)",
    )  # fmt: skip
    pairs, sharing = D * (D - 1) / 2, D * (D - 1) * (D - 2)
    disjoint = pairs * (D - 2) * (D - 3) / 2
    transcript.identity(
        "pairs of pairs", pairs + sharing + disjoint, pairs**2, scope="all d",
        because="equal, with one row in common, or independent",
    )  # fmt: skip
    transcript.identity(
        "Var O", 4 * (pairs * (N - e**2) + sharing * (2 * N / sp.pi - e**2)), moments.variance_off,
        scope="all d, n",
        because="given x, |x'y| and |x'z| are independent with mean sqrt(2/pi) ||x||",
    )  # fmt: skip


def _two_rows(transcript: Transcript) -> None:
    r, a = sp.Symbol("r", positive=True), sp.Symbol("a", positive=True)
    transcript.identity(
        "split of the integrand", (1 - r**2) ** a / (1 + r),
        (1 - r**2) ** (a - 1) - r * (1 - r**2) ** (a - 1), scope="0 < r < 1",
        because="2x'y/(||x||^2 + ||y||^2) = 2B - 1 with B ~ Beta(n/2, n/2), by the rotation "
        "(x +- y)/sqrt 2: |2B - 1| = r has a density proportional to (1 - r^2)^(n/2 - 1)",
    )  # fmt: skip
    n, half = sp.Symbol("n", positive=True), sp.Rational(1, 2)

    def beta(x: sp.Expr) -> sp.Expr:
        return sp.gamma(half) * sp.gamma(x) / sp.gamma(half + x)

    transcript.identity(
        "ratio of Beta functions", beta(n / 2 - 1) / beta(n / 2), (n - 1) / (n - 2),
        scope="n > 2", because="the first part of the split, over the norming constant",
    )  # fmt: skip
    transcript.identity(
        "primitive of the second part",
        sp.diff(-((1 - r**2) ** (n / 2 - 1)) / (n - 2), r), r * (1 - r**2) ** (n / 2 - 2),
        scope="0 < r < 1, n > 2",
        because="so that the mean of 1/(1 + r) is (n-1)/(n-2) - 2/((n-2) Beta(1/2, n/2))",
    )  # fmt: skip
