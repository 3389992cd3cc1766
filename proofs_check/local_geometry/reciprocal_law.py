"""Rigorous enclosures of the stable law of Lemma 35."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint

from proofs_check.engine import Transcript, certificate
from theory.core import Statement
from theory.local_geometry.reciprocal_law import lemma_35

Ball = Any  # flint.acb or flint.arb; their methods are not typed


def stable_probability(z: Ball) -> Ball:
    """A ball around ``P(Z <= z) = (1/pi) int_0^pi exp(-e^(1 - gamma - z) K(u)) du``.

    ``K(u) = (u/sin u) exp(-u cot u)`` increases from 1/e to infinity. Petras' rigorous quadrature
    up to pi - 1/max(8, z), where K is beyond exp(3 z) and the rest lies between 0 and its length
    times the integrand's last value.
    """
    rest_length = 1 / z.max(8)
    weight = (1 - flint.arb.const_euler() - z).exp()

    def integrand(u: Ball, _: bool) -> Ball:
        # sinc keeps the removable singularity at 0 out of the way.
        sinc = flint.acb(u).sinc()
        return (-weight * (-flint.acb(u).cos() / sinc).exp() / sinc).exp()

    end = flint.arb.pi() - rest_length
    tolerance = flint.arb(2) ** -50
    body = flint.acb.integral(integrand, 0, flint.acb(end), rel_tol=tolerance, abs_tol=tolerance)
    last = integrand(flint.acb(end), True).real
    return (body.real + flint.arb(0).union(last) * rest_length) / flint.arb.pi()


@certificate(lemma_35, scope="the limit law at five points for d = 64 and 4096")
def enclosed_probabilities(statement: Statement, transcript: Transcript) -> None:
    """The claimed distribution function lies in enclosures of the stable law's integral."""
    transcript.cited(
        "tail of a reciprocal", "domain of attraction of a stable law of index 1",
        "P(1/|X| > x) = kappa/(s x) + O(x^-3), so that sums of d reciprocals, centred by "
        "kappa d log(kappa d)/s, have a totally skewed limit", scope="d -> infinity",
    )  # fmt: skip
    transcript.cited(
        "distribution function", "Chambers, Mallows and Stuck (1976); Zolotarev (1986)",
        "the integral over an angle that is enclosed here", scope="all z",
    )  # fmt: skip
    for d, s in ((64, 1.0), (4096, 2.0)):
        claimed = statement.formula(d, s)
        for z in (Fraction(k, 2) for k in (-3, 0, 3, 8, 40)):
            _enclose(transcript, claimed, d, s, z)


def _enclose(transcript: Transcript, claimed: Any, d: int, s: float, z: Fraction) -> None:
    kappa = (2 / flint.arb.pi()).sqrt()
    shift = (flint.arb(2).log() - flint.arb.const_euler()) / 2
    level = flint.arb(flint.fmpq(z.numerator, z.denominator))
    x = kappa / flint.arb(s) * ((kappa * d).log() + shift + level)
    value = Fraction(float(claimed(float(x.mid()))))

    def distance() -> Any:
        exact = stable_probability(level)
        return abs(exact - flint.arb(flint.fmpq(value.numerator, value.denominator)))

    # The cubic interpolation of the law is good to 1e-10.
    transcript.exact(f"d = {d}, s = {s:g}, z = {z}", distance, "<=", Fraction(1, 10**9),
                     scope=f"d = {d}, z = {z}", concludes=True,
                     shown=f"|claimed P(mean <= {float(x.mid()):.6g}) - P(Z <= {z})| <= 1e-9"
                     )  # fmt: skip
