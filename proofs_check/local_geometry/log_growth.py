"""Proofs of Lemma 34, of the growth with log d, and of the bound over a window of steps."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import sympy

from proofs_check.engine import Transcript, certificate, proof
from proofs_check.engine.balls import precision
from proofs_check.engine.exact import Real
from proofs_check.engine.terms import hypothesis
from proofs_check.local_geometry.order_statistics import ratio_law
from theory.core import Statement
from theory.local_geometry.log_growth import lemma_34_claim, theorem_1_sgdm, window

_BITS = 256
_SHIFT = sympy.Rational(3, 100)
# From here on the tail argument takes over from balls.
_FAR = 3


def _gap(y: Any) -> Any:
    """-log erf(y) - exp(0.03 - 2 y^2) in mean value form: far tighter on a wide ball."""
    centre = Real(y.ball.mid())
    slope = 4 * y * _bump(y) - 2 * (-y * y).exp() / (Real.pi().sqrt() * y.erf())
    return -centre.erf().log() - _bump(centre) + slope * (y - centre)


def _bump(y: Any) -> Any:
    return (Fraction(3, 100) - 2 * y * y).exp()


def _elementary_gap(y: Any) -> Any:
    """erfc(y) - 0.78611 exp(-2 y^2)."""
    return y.erfc() - Fraction(78611, 100000) * (-2 * y * y).exp()


@proof(lemma_34_claim, scope="all d, all delta")
def tails_of_gaussians(statement: Statement, transcript: Transcript) -> None:
    """The largest by independence and one inequality of erf; the median by Chernoff's bound."""
    transcript.given("X_i independent N(0, s^2), 0 < delta < 1; without loss s = 1")
    _erf_inequality(transcript)
    _largest(statement, transcript)
    _median(statement, transcript)


def _erf_inequality(transcript: Transcript) -> None:
    """-log erf(y) > exp(0.03 - 2 y^2) for all y > 0."""
    y, t, x = sympy.symbols("y t x", positive=True)
    transcript.identity(
        "one square", sympy.integrate(sympy.sqrt(2 / sympy.pi) * sympy.exp(-(t**2) / 2),
                                      (t, 0, sympy.sqrt(x))), sympy.erf(sympy.sqrt(x / 2)),
        scope="x > 0", because="P(X^2 <= x)",
    )  # fmt: skip
    transcript.exact(
        "near 0", -sympy.log(sympy.erf(sympy.Rational(1, 100))), ">", sympy.exp(_SHIFT),
        scope="0 < y <= 0.01", because="-log erf decreases, exp(0.03 - 2 y^2) <= exp(0.03)",
    )  # fmt: skip
    transcript.interval("in the middle", _gap, [(Fraction(1, 100), _FAR)], ">",
                        scope="0.01 <= y <= 3",
                        because="the smallest quotient is exp(0.0011), at y = 0.65")  # fmt: skip
    e = sympy.Symbol("c", positive=True)
    inner = sympy.Integral(1 - sympy.exp(-t), (t, 0, e))
    transcript.identity(
        "-log(1 - e) >= e", (e - 1 + sympy.exp(-e)), inner.doit(), scope="e = 1 - exp(-c), c > 0",
        because="the integrand 1 - exp(-t) is nonnegative: -log erf(y) >= erfc(y)",
    )  # fmt: skip
    gap = sympy.erfc(y) - sympy.exp(_SHIFT - 2 * y**2)
    factor = 2 / sympy.sqrt(sympy.pi) - 4 * y * sympy.exp(_SHIFT - y**2)
    transcript.identity("slope of erfc(y) - exp(0.03 - 2 y^2)", sympy.diff(gap, y),
                        -sympy.exp(-(y**2)) * factor, scope="all y")  # fmt: skip
    transcript.exact(
        "the factor at y = 3", factor.subs(y, _FAR), ">", 0, scope="y = 3",
        because="y exp(-y^2) decreases beyond 1/sqrt 2, so that the factor is positive from 3 on",
    )  # fmt: skip
    transcript.nonnegative(
        "it decreases", -sympy.diff((_FAR + t) * sympy.exp(-((_FAR + t) ** 2)), t),
        [(2 * (_FAR + t) ** 2 - 1).expand() * sympy.exp(-((_FAR + t) ** 2))], scope="y = 3 + t",
        because="hence erfc(y) - exp(0.03 - 2 y^2) falls to its limit 0 at infinity: it is "
        "positive for y >= 3",
    )  # fmt: skip


def _largest(statement: Statement, transcript: Transcript) -> None:
    y, d = sympy.Symbol("y", positive=True), sympy.Symbol("d", positive=True)
    # Every delta in (0, 1) with a positive threshold is of this form, y^2 half the threshold.
    delta = sympy.exp(-d * sympy.exp(_SHIFT - 2 * y**2))
    lhs, rhs = statement.formula(d, delta, "maximum", sympy.Integer(1))
    lhs, rhs = (sympy.expand_log(side, force=True) for side in (lhs, rhs))
    gap = hypothesis(-sympy.log(sympy.erf(y)) - sympy.exp(_SHIFT - 2 * y**2), "steps 2 to 7")
    transcript.nonnegative(
        "the largest square", sympy.expand_log(sympy.log(rhs) - sympy.log(lhs), force=True),
        [d * gap], scope="all d, all delta", concludes=True,
        because="log of bound over probability, with delta = exp(-d exp(0.03 - 2 y^2)); where "
        "the threshold is negative the probability is 0",
    )  # fmt: skip


def _median(statement: Statement, transcript: Transcript) -> None:
    d = sympy.Symbol("d", integer=True, positive=True)
    p, j = sympy.Symbol("p", positive=True), sympy.Symbol("j", integer=True, nonnegative=True)
    odds = (1 - p) / p
    transcript.identity(
        "moment generating function", (p * odds + 1 - p) ** 2 / odds, 4 * p * (1 - p),
        scope="0 < p < 1", where=[p < 1],
        because="E e^{theta (B - d/2)} = ((p e^theta + 1 - p) e^{-theta/2})^d at e^theta = "
        "(1 - p)/p",
    )  # fmt: skip
    transcript.cited(
        "Chernoff", "Markov's inequality", "P(B >= d/2) <= (4 p (1 - p))^(d/2) for B binomial; "
        "if the midpoint median exceeds 1, at least half of the squares do", scope="all d",
    )  # fmt: skip
    tail = sympy.erfc(1 / sympy.sqrt(2))
    lhs, rhs = statement.formula(d, None, "median", sympy.Integer(1))
    term = sympy.binomial(d, j) * tail**j * (1 - tail) ** (d - j)
    transcript.identity(
        "at least half exceed 1", lhs, sympy.Sum(term, (j, sympy.ceiling(d / 2), d)),
        scope="all d", because="each square exceeds 1 with probability p = erfc(1/sqrt 2)",
        concludes=True,
    )  # fmt: skip
    transcript.identity("its bound", rhs, sympy.exp(-d * sympy.Rational(179, 2500)), scope="all d",
                        concludes=True)  # fmt: skip
    transcript.exact(
        "the rate", sympy.Rational(179, 2500), "<=", -sympy.log(4 * tail * (1 - tail)) / 2,
        scope="all d", because="(4 p (1 - p))^(d/2) <= exp(-0.0716 d)",
    )  # fmt: skip


@certificate(lemma_34_claim, scope="d up to 10^6 (maximum) and 4,001 (median)")
def exact_tails(statement: Statement, transcript: Transcript) -> None:
    """Both probabilities are known exactly: enclosed at their tightest, and far out."""
    transcript.given("X_i independent N(0, s^2), 0 < delta < 1")
    transcript.interval(
        "erfc(y) >= 0.78611 exp(-2 y^2)", _elementary_gap, [(0, 3)], ">", scope="0 <= y <= 3",
        because="by itself it gives the lemma with -0.2407 in place of 0.03",
    )  # fmt: skip
    with precision(_BITS):
        one = flint.arb(1)
        # Where the quotient -log erf(y) exp(2 y^2) is smallest.
        tight = (flint.arb(3) / 100 - flint.arb(8446) / 10000).exp()
        cases = [(d, (-d * tight).exp(), "exp(-0.4429 d)") for d in (1, 10, 1000, 10**6)]
        cases += [(d, one / n, f"1/{n}") for d, n in ((10, 2), (100, 100), (10**4, 1000))]
        for d, delta, shown in cases:
            lhs, rhs = statement.formula(d, delta, "maximum", one)
            transcript.exact(f"maximum, d = {d}, delta = {shown}", lhs, "<=", rhs,
                             scope=f"d = {d}", shown=f"{lhs.str(8)} <= {rhs.str(8)}",
                             because="probability and bound", concludes=True)  # fmt: skip
        for d in (1, 2, 5, 20, 101, 1001, 4001):
            lhs, rhs = statement.formula(d, None, "median", one)
            transcript.exact(f"median, d = {d}", lhs, "<=", rhs, scope=f"d = {d}",
                             shown=f"{lhs.str(8)} <= {rhs.str(8)}", concludes=True,
                             because="binomial tail and bound")  # fmt: skip


@proof(
    theorem_1_sgdm, scope="R_med,1: order for all d >= 20, median in balls at d = 4, 5, 17, 65, 257"
)
def order_and_value(statement: Statement, transcript: Transcript) -> None:
    """The median of the exact law grows like log d: Lemma 34 below, a union bound above."""
    transcript.given("the exact law of R_med,1 under SGD with momentum")
    d = sympy.Symbol("d", positive=True)
    transcript.cited(
        "low values", "the claim local-geometry/lemma-34",
        "R <= log d - log log(1/delta) + 0.03 has probability at most delta + exp(-0.0716 d)",
        scope="all d", because="the largest is low, or the median exceeds 1",
    )  # fmt: skip
    quarter = sympy.Rational(1, 4)
    transcript.exact("delta = 1/4, the constant", sympy.log(sympy.log(4)) - _SHIFT, "<=",
                     sympy.Rational(3, 10), scope="all d")  # fmt: skip
    transcript.exact(
        "delta = 1/4, the probability", sympy.exp(-sympy.Rational(716, 10000) * 20), "<=", quarter,
        scope="d >= 20", because="P(R <= log d - 0.3) <= 1/2: the median is at least that",
    )  # fmt: skip
    transcript.cited(
        "one high value", "erfc(y) <= exp(-y^2) and the union bound",
        "P(max > x) <= d exp(-x/2)", scope="all d",
    )  # fmt: skip
    transcript.identity("at x = 2 log(4 d)", d * sympy.exp(-sympy.log(4 * d)), quarter,
                        scope="all d")  # fmt: skip
    below = sympy.erf(sympy.sqrt(sympy.Rational(1, 20)))
    transcript.exact(
        "a low median", (4 * below * (1 - below)) ** 10, "<=", quarter, scope="d >= 20",
        because="P(median < 1/10) <= (4 q (1 - q))^(d/2) with q = P(X^2 < 1/10), as in Lemma 34: "
        "P(R > 20 log(4 d)) <= 1/2",
    )  # fmt: skip
    size = sympy.Symbol("d", integer=True, positive=True)
    claimed, median = statement.formula(size), sympy.Symbol("m(d)", positive=True)
    low, high = sympy.log(size) - sympy.Rational(3, 10), 20 * sympy.log(4 * size)
    transcript.nonnegative(
        "at least log d - 0.3", claimed - low, [hypothesis(median - low, "steps 1 to 3, d >= 20")],
        scope="d >= 20", because="m(d), the median of the exact law", concludes=True,
    )  # fmt: skip
    transcript.nonnegative(
        "at most 20 log(4 d)", high - claimed, [hypothesis(high - median, "steps 4 to 6, d >= 20")],
        scope="d >= 20", because="m(d), the median of the exact law", concludes=True,
    )  # fmt: skip


@certificate(theorem_1_sgdm, scope="d = 4, 5, 17, 65, 257")
def medians_of_the_law(statement: Statement, transcript: Transcript) -> None:
    """The claimed median halves the exact law, in balls, and lies between its bounds."""
    for size in (4, 5, 17, 65, 257):
        claimed = Fraction(float(statement.formula(size)))
        if size >= 20:
            transcript.exact(f"d = {size}, at least", sympy.log(size) - sympy.Rational(3, 10),
                             "<=", claimed, scope=f"d = {size}")  # fmt: skip
            transcript.exact(f"d = {size}, at most", claimed, "<=", 20 * sympy.log(4 * size),
                             scope=f"d = {size}")  # fmt: skip
        at = ratio_law(size, flint.fmpq(claimed.numerator, claimed.denominator))
        transcript.exact(
            f"median at d = {size}", abs(at - flint.arb(1) / 2), "<=", Fraction(1, 10**9),
            scope=f"d = {size}", shown=f"P(R <= {float(claimed):.12g}) = {at.str(12)}",
            because="Arb encloses the exact law", concludes=True,
        )  # fmt: skip


@proof(window, scope="all d, T, delta")
def union_over_the_window(statement: Statement, transcript: Transcript) -> None:
    """Lemma 34 at delta/T for each step, and the union bound."""
    transcript.given("the exact law of R_med,1 at each step, 0 < delta < 1, T >= 1")
    d, T = sympy.symbols("d T", positive=True)
    u = sympy.Symbol("u", positive=True)  # log(T/delta)
    rate, shift = sympy.Rational(716, 10000), sympy.Rational(42, 100)
    transcript.cited(
        "each step", "the claims local-geometry/sgdm-exact-law and local-geometry/lemma-34",
        "P(R <= r) <= exp(-d exp(-r - 0.42)) + exp(-0.0716 d): delta' + exp(-0.0716 d) at r = "
        "log d - log log(1/delta') - 0.42", scope="all d, r",
        because="Lemma 34 has 0.03 in place of -0.42, which is stronger",
    )  # fmt: skip

    slack = sympy.Symbol("s", nonnegative=True)

    def law(size: Any, r: Any) -> Any:
        return sympy.exp(-size * sympy.exp(-r - shift)) + sympy.exp(-rate * size) - slack

    lhs, rhs = statement.formula(d, T, T * sympy.exp(-u), law)
    transcript.nonnegative(
        "union bound", sympy.simplify(rhs - lhs), [T * slack], scope="all d, T, delta",
        because="the exact law is below the bound of step 1 by some s >= 0; T steps at "
        "delta/T = exp(-u)", concludes=True,
    )  # fmt: skip


@certificate(window, scope="odd d up to 1,025")
def window_of_the_exact_law(statement: Statement, transcript: Transcript) -> None:
    """T times the exact law at the threshold, in balls, against the bound."""
    for size, steps, inverse in ((5, 2, 3), (33, 10, 10), (129, 100, 10**3), (257, 1, 10**6),
                                 (1025, 10**4, 10**4)):  # fmt: skip
        with precision(_BITS):
            lhs, rhs = statement.formula(size, steps, flint.arb(1) / inverse, ratio_law)
            transcript.exact(
                f"d = {size}, T = {steps}, delta = 1/{inverse}", lhs, "<=", rhs, concludes=True,
                scope=f"d = {size}", shown=f"{lhs.str(6)} <= {rhs.str(6)}",
            )  # fmt: skip
