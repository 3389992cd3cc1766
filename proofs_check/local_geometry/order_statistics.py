"""Rigorous enclosures of the law of the largest over the median of d squared normals."""

from __future__ import annotations

import math
from typing import Any

import flint

from proofs_check.engine.balls import precision

_BITS = 128
# P(|g| > 12) is below 4e-33.
_END = 12


def ratio_law(d: int, r: Any) -> flint.arb:
    r"""A ball that contains :math:`P(\max_i g_i^2 \le r\,\mathrm{median}_i\,g_i^2)`, r >= 1.

    - d = 2: :math:`\frac2\pi\arcsin(r - 1)` up to r = 2;
    - d = 4: an integral over the angle of the two middle values (`_four`);
    - odd d = 2k + 1: with G(x) = P(|g| <= x),
      :math:`\frac{d!}{k!^2} \int_0^\infty G'(x) G(x)^k (G(\sqrt r x) - G(x))^k dx`.

    Petras' rigorous adaptive quadrature (``acb.integral``), with the tail bounded by
    :math:`P(\mathrm{median} > L^2) \le 2^d P(|g| > L)^{k+1}`.

    Raises
    ------
    ValueError
        For another even d.
    """
    with precision(_BITS):
        ratio = flint.arb(r)
        if not ratio > 1:
            return flint.arb(0) if ratio <= 1 else flint.arb(0).union(flint.arb(1))
        if d == 2:
            return flint.arb(1) if ratio >= 2 else 2 * (ratio - 1).asin() / flint.arb.pi()
        if d == 4:
            return _four(ratio)
        if d % 2 == 0 or d < 3:
            raise ValueError(f"d is {d}; it must be odd, 2 or 4")
        return _odd(d, ratio)


def _odd(d: int, ratio: flint.arb) -> flint.arb:
    k = d // 2
    factor = flint.arb(math.factorial(d) // math.factorial(k) ** 2)
    root, half = ratio.sqrt(), 1 / flint.arb(2).sqrt()
    density = (2 / flint.arb.pi()).sqrt()

    def integrand(x: Any, _: bool) -> Any:
        below = (x * half).erf()
        above = (x * (root * half)).erf() - below
        return density * (-x * x / 2).exp() * (below * above) ** k

    tolerance = flint.arb(10) ** -16 / factor
    value = flint.acb.integral(integrand, 0, _END, rel_tol=flint.arb(10) ** -16, abs_tol=tolerance)
    tail = flint.arb(2) ** d * (_END * half).erfc() ** (k + 1)
    return factor * value.real + flint.arb(0).union(tail.upper())


def _four(ratio: flint.arb) -> flint.arb:
    r"""Polar coordinates of the two middle values: the radius is integrated in closed form.

    :math:`\frac{48}\pi \int_{\phi_0}^{\pi/4} J(\sin\phi, \sqrt{r/2}) - J(\sin\phi, \cos\phi)`
    with :math:`J(s, t) = \int_0^\infty \rho e^{-\rho^2/2} G(s\rho) G(t\rho)\,d\rho`; the lower
    middle value exceeds the upper one times :math:`\tan\phi_0 = \sqrt{(2/r - 1)_+}`.
    """

    def radial(s: Any, t: Any, analytic: bool) -> Any:
        first, second = ((1 + x * x).sqrt(analytic=analytic) for x in (s, t))
        sides = (
            s / first * _arctangent(t / first, analytic),
            t / second * _arctangent(s / second, analytic),
        )
        return 2 / flint.arb.pi() * (sides[0] + sides[1])

    scale = flint.acb((ratio / 2).sqrt())

    def integrand(angle: Any, analytic: bool) -> Any:
        sine = angle.sin()
        return radial(sine, scale, analytic) - radial(sine, angle.cos(), analytic)

    tolerance = flint.arb(10) ** -16
    start = (2 / ratio - 1).max(flint.arb(0)).sqrt().atan()
    ends = flint.acb(start), flint.acb(flint.arb.pi() / 4)
    value = flint.acb.integral(integrand, *ends, rel_tol=tolerance, abs_tol=tolerance)
    return 48 / flint.arb.pi() * value.real


def _arctangent(z: Any, analytic: bool) -> Any:
    """The arctangent; not a number where it is to be analytic and a branch cut may be near."""
    if analytic and not (z.real > 0 or abs(z) < 1):
        return flint.acb("nan")
    return z.atan()
