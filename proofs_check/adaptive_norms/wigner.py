"""Certificates and proofs for the expected share of Wigner matrices, and the search against it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy
import sympy
from hypothesis import strategies as st

from proofs_check.engine import Transcript, attack, certificate, proof
from theory.adaptive_norms.wigner import (
    above_one_over_d,
    expected_share,
    laplace,
    rademacher,
    share_of_parts,
    stable,
)
from theory.core import Statement

Ball = Any  # flint.acb; its methods are not typed
Transform = Callable[[Ball], tuple[Ball, Ball]]

_BITS = 192
_GRID = {
    "gaussian": (2, 3, 5, 10, 20),
    "laplace": (2, 3, 8),
    "uniform": (2, 3, 8),
    "rademacher": (2, 7),
}
# The float of the statement carries about d^2 units of rounding.
_AGREEMENT = Fraction(1, 10**11)


def _gaussian(z: Ball) -> tuple[Ball, Ball]:
    """Enclose phi(z) = exp(z^2/2) erfc(z/sqrt 2) and -phi'(z) = sqrt(2/pi) - z phi(z).

    On a wide ball B in the right half-plane the mean value form is far tighter: there
    ``|phi'| <= E|X| exp(-x|X|) <= sqrt(2/pi) min(1, 1/x^2)`` and ``|phi''| <= min(1,
    2 sqrt(2/pi)/x^3)``, x the smallest real part, since the density of |X| is at most sqrt(2/pi).
    """
    mean = (2 / flint.arb.pi()).sqrt()
    centre = z.mid()
    radius = (z - centre).abs_upper()
    left = z.real.lower()
    if radius == 0 or not left > 0:
        phi = (z * z / 2).exp() * (z / flint.arb(2).sqrt()).erfc()
        return phi, mean - z * phi
    phi, slope = _gaussian(centre)
    first = (mean / left**2).min(mean)
    second = (2 * mean / left**3).min(flint.arb(1))
    return phi + _disc(radius * first), slope + _disc(radius * second)


def _disc(radius: flint.arb) -> Ball:
    side = flint.arb(0, radius.upper())
    return flint.acb(side, side)


_TRANSFORMS: dict[str, Transform] = {
    "gaussian": _gaussian,
    "laplace": lambda z: (1 / (1 + z), 1 / (1 + z) ** 2),
    # Kummer's function is entire, so that there is no hole at 0.
    "uniform": lambda z: ((-z).hypgeom_1f1(1, 2), (-z).hypgeom_1f1(2, 3) / 2),
    "rademacher": lambda z: ((-z).exp(), (-z).exp()),
}


def share_enclosure(d: int, transform: Transform) -> flint.arb:
    """A ball that contains ``int_0^inf d (-phi'(l)) phi(l)^(d-1) phi(2l)^(d(d-1)/2) dl``.

    Petras' rigorous adaptive quadrature (`acb.integral`) on dyadic pieces up to L, where the
    rest lies in ``[0, phi(L)^d phi(2L)^(d(d-1)/2)]``: phi decreases and the integrand without
    its last factor is the derivative of ``-phi^d``.
    """
    pairs = d * (d - 1) // 2

    def integrand(z: Ball, _: bool) -> Ball:
        phi, slope = transform(z)
        return d * slope * phi ** (d - 1) * transform(2 * z)[0] ** pairs

    tolerance = flint.arb(2) ** -60
    total, low, high = flint.acb(0), 0, 2
    while True:
        piece = flint.acb.integral(integrand, low, high, rel_tol=tolerance, abs_tol=tolerance)
        total, low, high = total + piece, high, 2 * high
        rest = (transform(flint.acb(low))[0] ** d * transform(flint.acb(2 * low))[0] ** pairs).real
        if rest < flint.arb(10) ** -14:
            return total.real + flint.arb(0).union(rest.upper())


@certificate(expected_share, scope="four laws, d up to 20")
def enclosures_of_the_integral(statement: Statement, transcript: Transcript) -> None:
    """The claimed numbers lie in rigorous enclosures of the integral."""
    transcript.given(
        "entries on and above the diagonal i.i.d., P(X = 0) = 0, phi(l) = E exp(-l|X|)"
    )
    l, mass, x = sympy.symbols("l T x", positive=True)
    transcript.identity(
        "reciprocal as an integral", sympy.integrate(sympy.exp(-l * mass), (l, 0, sympy.oo)),
        1 / mass, scope="T > 0", because="1/T is integrated against the sum T of all |entries|",
    )  # fmt: skip
    transcript.cited(
        "order of integration", "Tonelli's theorem; differentiation under the integral sign",
        "E(D/T) = int E(D exp(-l T)) dl, and E|X| exp(-l|X|) = -phi'(l); independence gives the "
        "product d (-phi'(l)) phi(l)^(d-1) phi(2l)^(d(d-1)/2)", scope="all d, all laws",
    )  # fmt: skip
    density = 2 * sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi)
    transcript.identity(
        "transform of |N(0,1)|", sympy.integrate(density * sympy.exp(-l * x), (x, 0, sympy.oo)),
        sympy.exp(l**2 / 2) * sympy.erfc(l / sympy.sqrt(2)), scope="l > 0",
    )  # fmt: skip
    for law, dimensions in _GRID.items():
        for d in dimensions:
            _enclose(statement, transcript, law, d)


def _enclose(statement: Statement, transcript: Transcript, law: str, d: int) -> None:
    claimed = float(statement.formula(d, law))
    before, flint.ctx.prec = flint.ctx.prec, _BITS
    try:
        ball = share_enclosure(d, _TRANSFORMS[law])
        distance = abs(ball - flint.arb(claimed)) / ball
        shown = f"|{claimed!r} / [{ball.str(18)}] - 1| <= 1e-11"
    finally:
        flint.ctx.prec = before
    transcript.exact(
        f"{law}, d = {d}", distance, "<=", _AGREEMENT, scope=f"d = {d}", shown=shown,
        because="Arb encloses the integral and its tail", concludes=True,
    )  # fmt: skip


@dataclass(frozen=True)
class _Exchangeable:
    """Exchangeable entries, through delta = E (X/T - Y/T) for X on and Y off the diagonal."""

    delta: sympy.Expr

    def mean_share(self, d: Any) -> Any:
        """``d E(X/T)`` with ``d E(X/T) + d(d-1) E(Y/T) = 1``."""
        return 1 / d + (d - 1) * self.delta


@proof(above_one_over_d, scope="all d, all exchangeable laws")
def exchange_of_two_entries(statement: Statement, transcript: Transcript) -> None:
    """Exchange a diagonal and an off-diagonal entry; the gain is a square."""
    transcript.given("entries nonnegative, not all zero, placed at random in the upper triangle")
    x, y, q = sympy.symbols("X Y Q", positive=True)
    kept, swapped = x + 2 * y + q, y + 2 * x + q
    gain = (x - y) ** 2 / (kept * swapped)
    transcript.identity(
        "exchange", (x - y) / kept + (y - x) / swapped, gain, scope="X, Y, Q > 0",
        because="T = X + 2Y + Q counts an off-diagonal entry twice; X and Y change places",
    )  # fmt: skip
    transcript.nonnegative(
        "the gain is a square", (x - y) / kept + (y - x) / swapped, [gain],
        scope="X, Y, Q >= 0, not all 0",
        because="hence delta = E(X/T) - E(Y/T) = E(gain)/2 >= 0 by exchangeability",
    )  # fmt: skip
    k = sympy.Symbol("k", integer=True, nonnegative=True)
    d, delta = k + 1, sympy.Symbol("delta", nonnegative=True)
    law = _Exchangeable(delta)
    on = law.mean_share(d) / d
    transcript.identity(
        "all shares add up to 1", d * on + d * (d - 1) * (on - delta), 1, scope="all d = k + 1",
        because="d diagonal entries and d(d-1) off-diagonal ones; solved for d E(X/T)",
    )  # fmt: skip
    lhs, rhs = statement.formula(d, law)
    transcript.nonnegative(
        "expected share at least 1/d", rhs - lhs, [(k + 1) * k * delta], scope="all d = k + 1",
        because="d E share - 1 = d(d-1) delta", concludes=True,
    )  # fmt: skip


@proof(above_one_over_d, scope="all d, all exchangeable laws; every placement at d = 2")
def tangent_of_the_share(statement: Statement, transcript: Transcript) -> None:
    """Jensen's inequality with its exact remainder, and all placements at d = 2."""
    transcript.given("entries nonnegative, not all zero, placed at random in the upper triangle")
    d = sympy.Symbol("d", integer=True, positive=True)
    w = sympy.Symbol("w", nonnegative=True)
    u = 1 - w
    centre = 2 / (d + 1)
    slope = (d + 1) ** 2 / (2 * d**2)
    gap = share_of_parts(u, 1) - 1 / d - slope * (u - centre)
    remainder = slope * (u - centre) ** 2 / (1 + w)
    transcript.identity(
        "tangent at the mean", gap, remainder, scope="all d, u = D/S = 1 - w in [0, 1]",
        because="the share is u/(2 - u), convex in u",
    )  # fmt: skip
    transcript.nonnegative("the remainder is a square", gap, [remainder], scope="all d, w >= 0")
    transcript.identity(
        "mean of D/S", d / (d * (d + 1) / 2), centre, scope="all d",
        because="d of the d(d+1)/2 exchangeable entries stand on the diagonal: the linear term "
        "has mean 0, and E share - 1/d = (d+1)^2/(2 d^2) E (u - 2/(d+1))^2/(2 - u)",
    )  # fmt: skip
    entries = sympy.symbols("a b c", positive=True)
    total = sum(entries)
    lhs, rhs = statement.formula(2, list(entries))
    # 2 S - D is S plus the entry off the diagonal.
    terms = [
        Fraction(3, 4) * ((total - off) / total - sympy.Rational(2, 3)) ** 2 * total / (total + off)
        for off in entries
    ]
    transcript.nonnegative(
        "all placements of three entries", rhs - lhs, terms, scope="d = 2", concludes=True,
        because="the mean of the remainders over the three placements, times d",
    )  # fmt: skip


@certificate(laplace, scope="d = 2, 3, 5; three values of the share each")
def binomial_sums(statement: Statement, transcript: Transcript) -> None:
    """The Beta law with whole parameters is a binomial sum, exact in rationals."""
    transcript.given("|entries| i.i.d. exponential")
    on, off = sympy.symbols("D O", positive=True)
    beta, s = on / (on + off), sympy.Symbol("s", positive=True)
    transcript.cited(
        "gamma sums", "ratios of independent gamma variables",
        "D ~ Gamma(d) and O ~ Gamma(d(d-1)/2) are sums of exponentials; B = D/(D + O) ~ "
        "Beta(d, d(d-1)/2), P(B <= x) = P(Binomial(d + d(d-1)/2 - 1, x) >= d)", scope="all d",
    )  # fmt: skip
    transcript.identity("share = B/(2 - B)", beta / (2 - beta), on / (on + 2 * off), scope="all d")
    image = 2 * s / (1 + s)
    transcript.identity("inverse", image / (2 - image), s, scope="s > 0")
    for d in (2, 3, 5):
        for share in (Fraction(k, 2 * d) for k in (1, 2, 3)):
            claimed = Fraction(float(statement.formula(d)(float(share))))
            exact = _binomial_tail(d + d * (d - 1) // 2 - 1, d, 2 * share / (1 + share))
            # scipy's incomplete beta function is good to about 1e-14.
            transcript.exact(
                f"d = {d}, P(share <= {share})", abs(claimed - exact), "<=", Fraction(1, 10**12),
                scope=f"d = {d}", because=f"the binomial sum is {exact}", concludes=True,
            )  # fmt: skip


def _binomial_tail(n: int, least: int, x: Fraction) -> Fraction:
    """``P(Binomial(n, x) >= least)``."""
    terms = (math.comb(n, j) * x**j * (1 - x) ** (n - j) for j in range(least, n + 1))
    return sum(terms, Fraction(0))


@proof(rademacher, scope="all d, all magnitudes")
def equal_magnitudes(statement: Statement, transcript: Transcript) -> None:
    """Of d^2 equal magnitudes d stand on the diagonal."""
    d = sympy.Symbol("d", integer=True, positive=True)
    c = sympy.Symbol("c", positive=True)
    transcript.identity("magnitude of an entry", [sympy.Abs(c), sympy.Abs(-c)], [c, c],
                        scope="both signs")  # fmt: skip
    lhs, rhs = statement.formula(d, c)
    transcript.identity("d times the share", lhs, rhs, scope="all d", concludes=True,
                        because="sum of d, and of d + d(d-1), equal magnitudes")  # fmt: skip


@proof(stable, scope="all d, 0 < alpha < 1")
def stable_integral(statement: Statement, transcript: Transcript) -> None:
    """The integrand has an elementary antiderivative."""
    transcript.given("E exp(-l|X|) = exp(-l^alpha); E share is the integral of the general law")
    l, d = sympy.symbols("l d", positive=True)
    odds = sympy.Symbol("r", positive=True)
    # alpha = r/(1+r) runs over (0, 1) as r runs over the positive numbers.
    alpha = odds / (1 + odds)
    phi = sympy.exp(-(l**alpha))
    slope = -sympy.diff(phi, l)
    rate = d + 2**alpha * d * (d - 1) / 2
    integrand = d * slope * phi ** (d - 1) * sympy.exp(-((2 * l) ** alpha) * d * (d - 1) / 2)
    antiderivative = -(d / rate) * sympy.exp(-rate * l**alpha)
    transcript.identity(
        "antiderivative", sympy.diff(antiderivative, l),
        sympy.powsimp(sympy.expand_power_base(integrand), force=False), scope="all d, all alpha",
        because="phi(2l)^(d(d-1)/2) = exp(-2^alpha l^alpha d(d-1)/2)",
    )  # fmt: skip
    power = sympy.Symbol("p", positive=True)  # l^alpha, which runs from 0 to infinity
    value = sympy.limit(-sympy.exp(-power), power, sympy.oo) + 1
    transcript.identity("exp(-l^alpha) from 0 to infinity", value, 1, scope="rate > 0")
    transcript.identity(
        "expected share", statement.formula(d, alpha), d / rate, scope="all d, all alpha",
        because="the antiderivative rises from -d/rate to 0", concludes=True,
    )  # fmt: skip


@attack(above_one_over_d, examples={"quick": 200, "standard": 1000, "deep": 5000},
        refine=("entries",))  # fmt: skip
def placements_of_entries(statement: Statement) -> st.SearchStrategy[dict[str, Any]]:
    """Entries at d = 2 and 3: mixed, of very different sizes, nearly equal, and some signed.

    Where a variant drops the sign, all are signed.
    """
    mixed = st.floats(0.0, 4.0)
    sparse = st.sampled_from([0.0, 1.0, 1e-6, 1e6])
    near = st.floats(-0.01, 0.01).map(lambda e: 1.0 + e)
    signed = st.sampled_from([-1.0, -0.5, 1.0, 3.0])
    any_sign = statement.assumes is not above_one_over_d.assumes
    entries = (signed, st.floats(-4.0, 4.0)) if any_sign else (mixed, sparse, near, signed)

    def instance(d: int) -> st.SearchStrategy[dict[str, Any]]:
        n = d * (d + 1) // 2
        lists = st.one_of(*(st.lists(s, min_size=n, max_size=n) for s in entries))
        return lists.map(lambda values: {"d": d, "entries": numpy.asarray(values)})

    return st.sampled_from([2, 3]).flatmap(instance)


@attack(rademacher, examples={"quick": 100, "standard": 1000, "deep": 5000})
def sign_matrices() -> st.SearchStrategy[dict[str, Any]]:
    """Sign matrices of any scale, symmetric or not: symmetry is not needed."""
    sign = st.sampled_from([-1.0, 1.0])
    magnitude = st.floats(1e-6, 1e6)

    def instance(d: int) -> st.SearchStrategy[dict[str, Any]]:
        signs = st.lists(sign, min_size=d * d, max_size=d * d)
        return st.builds(
            lambda c, s: {"d": d, "magnitude": c, "signs": numpy.asarray(s).reshape(d, d)},
            magnitude, signs,
        )  # fmt: skip

    return st.integers(1, 6).flatmap(instance)
