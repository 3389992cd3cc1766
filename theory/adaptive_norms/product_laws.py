"""Sums S_n = x_1 y_1 + ... + x_n y_n of products of independent entries, for named entry laws.

Every entry law is centred with unit variance. Closed forms are used where there is one; the other
laws go through the characteristic function of a product,
``E|S_n| = (2/pi) int_0^inf (1 - Re phi(t)^n) / t^2 dt``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]

LAWS = ("gaussian", "rademacher", "uniform", "laplace", "exponential", "skewed", "student_t")

# "skewed" is sqrt(1 - s2) B + sqrt(s2) g: B = 2 with probability 1/5, else -1/2; g Gaussian.
SKEWED_NOISE = 0.05
_SKEWED_ATOMS = tuple((math.sqrt(1 - SKEWED_NOISE) * b, p) for b, p in ((2.0, 0.2), (-0.5, 0.8)))


def _skewed_moment(k: int) -> float:
    noise = {0: 1.0, 2: SKEWED_NOISE, 4: 3 * SKEWED_NOISE**2, 6: 15 * SKEWED_NOISE**3}
    return sum(weight * math.comb(k, j) * atom ** (k - j) * noise[j]
               for atom, weight in _SKEWED_ATOMS for j in range(0, k + 1, 2))  # fmt: skip


# Raw moments of order 3 to 6 of the entry; "exponential" is Exp(1) - 1.
_MOMENTS = {
    "gaussian": (0.0, 3.0, 0.0, 15.0),
    "rademacher": (0.0, 1.0, 0.0, 1.0),
    "uniform": (0.0, 9 / 5, 0.0, 27 / 7),
    "laplace": (0.0, 6.0, 0.0, 90.0),
    "exponential": (2.0, 9.0, 44.0, 265.0),
    "skewed": tuple(_skewed_moment(k) for k in (3, 4, 5, 6)),
}
# sqrt(w) (1 + sum_k c_k w^-2k) expands Gamma(w + 3/4)/Gamma(w + 1/4).
_GAMMA_RATIO_SERIES = (1 / 64, -19 / 8192, 631 / 524288, -174317 / 134217728, 20491783 / 8589934592)
_SERIES_FROM = 30.0
# Below this point the expectation of 1 - exp(itxy) is summed as a series of moments.
_SMALL_ARGUMENT = 0.01


def require_law(law: str, degrees: float | None = None) -> None:
    """Check the name of an entry law; raises ValueError that names the allowed ones.

    ``student_t`` needs ``degrees > 2``, a finite variance; the other laws take no `degrees`.
    """
    if law not in LAWS:
        raise ValueError(f"law is {law!r}; it must be one of {', '.join(LAWS)}")
    if law == "student_t" and (degrees is None or not degrees > 2):
        raise ValueError(f"degrees is {degrees!r}; student_t needs a number > 2")
    if law != "student_t" and degrees is not None:
        raise ValueError(f"degrees is {degrees!r}; it must be None for the law {law!r}")


def entry_moments(law: str, degrees: float | None = None) -> tuple[float, float, float, float]:
    """Raw moments of order 3, 4, 5, 6 of an entry of unit variance.

    Raises
    ------
    ValueError
        If the law is unknown, or is student_t with ``degrees <= 6`` (no sixth moment).

    >>> entry_moments("exponential")
    (2.0, 9.0, 44.0, 265.0)
    """
    require_law(law, degrees)
    if degrees is None:
        third, fourth, fifth, sixth = _MOMENTS[law]
        return third, fourth, fifth, sixth
    if not degrees > 6:
        raise ValueError(f"degrees is {degrees!r}; the sixth moment needs degrees > 6")
    fourth = 3 * (degrees - 2) / (degrees - 4)
    return 0.0, fourth, 0.0, 5 * fourth * (degrees - 2) / (degrees - 6)


def gamma_ratio(x: float) -> float:
    """``Gamma(x + 1/2) / Gamma(x)`` for x > 0, to a few units in the last place, without overflow.

    >>> round(gamma_ratio(0.5) ** 2 * math.pi, 12)
    1.0
    """
    if not x > 0:
        raise ValueError(f"x is {x!r}; it must be > 0")
    if x < _SERIES_FROM:
        return math.gamma(x + 0.5) / math.gamma(x)
    inverse_square = (x - 0.25) ** -2
    tail = sum(c * inverse_square**k for k, c in enumerate(_GAMMA_RATIO_SERIES, start=1))
    return math.sqrt(x - 0.25) * (1 + tail)


def mean_absolute_sum(n: float, law: str, degrees: float | None = None) -> float:
    """``E|S_n|`` by quadrature of the characteristic function of one product.

    With ``t = exp(u)`` the integrand is analytic in a strip and decays exponentially, so that
    the trapezoidal rule converges geometrically; 1 - phi is formed without cancellation.

    Parameters
    ----------
    n : float
        Number of products, >= 1.
    law : str
        Any of ``LAWS`` but ``rademacher``.
    degrees : float, optional
        Degrees of freedom of student_t.

    Returns
    -------
    float
        Relative error below 1e-9 (uniform, exponential) or 1e-12 (others).
    """
    require_law(law, degrees)
    if law == "rademacher":
        raise ValueError("law is 'rademacher'; its characteristic function does not decay, "
                         "use the closed form")  # fmt: skip
    return _quadrature(float(n), law, degrees)


@lru_cache(maxsize=4096)
def _quadrature(n: float, law: str, degrees: float | None) -> float:
    if n == 1 and law in _FIRST_ABSOLUTE_MOMENTS:
        return _FIRST_ABSOLUTE_MOMENTS[law] ** 2
    # Kinks or peaks in the density of a product make phi oscillate: those laws get a finer grid.
    step = 1 / 64 if law in _OSCILLATING else 1 / 12
    u = np.arange(-40.0, 40.0, step) - 0.5 * math.log(n)
    complement = product_complement(np.exp(u), law, degrees)
    real, imaginary = complement.real, complement.imag
    with np.errstate(divide="ignore"):  # phi = 0 in float64 gives log 0 = -inf and phi^n = 0
        log_modulus = 0.5 * np.log1p(-2 * real + real**2 + imaginary**2)
    angle = n * np.arctan2(-imaginary, 1 - real)
    gap = 2 * np.sin(angle / 2) ** 2 - np.expm1(n * log_modulus) * np.cos(angle)
    return float(2 / math.pi * step * np.sum(gap * np.exp(-u)))


def product_complement(t: Array, law: str, degrees: float | None = None) -> ComplexArray:
    """``1 - E exp(i t x y)`` for t > 0, x and y independent entries of unit variance.

    Parameters
    ----------
    t : array of float
        Arguments, > 0.
    law, degrees
        As in `mean_absolute_sum`.

    Returns
    -------
    array of complex, shape of `t`
        Free of cancellation at small t, where it is ``t^2/2 + O(t^3)``.
    """
    if law == "student_t":
        assert degrees is not None
        return _student_complement(t, degrees).astype(complex)
    complement: ComplexArray = _COMPLEMENTS[law](t).astype(complex)
    return complement


def _gaussian_complement(t: Array) -> Array:
    return -np.expm1(-0.5 * np.log1p(t**2))


def _uniform_complement(t: Array) -> Array:
    # E exp(itxy) = Si(3t)/(3t) for entries uniform on [-sqrt 3, sqrt 3].
    v = 3 * t
    small = sum((-1.0) ** (k + 1) * v ** (2 * k) / ((2 * k + 1) * math.factorial(2 * k + 1))
                for k in range(1, 9))  # fmt: skip
    return np.where(v < 1, small, 1 - special.sici(v)[0] / v)


def _laplace_complement(t: Array) -> Array:
    # x = sqrt(A) z with A ~ Exp(1); the product of two such A has density 2 K_0(2 sqrt w).
    return _scale_mixture_complement(t, shape=1.0, scale=lambda w: w)


def _student_complement(t: Array, degrees: float) -> Array:
    # x = sqrt(A) z with A = (degrees - 2)/(2 G), G ~ Gamma(degrees/2).
    return _scale_mixture_complement(
        t, shape=degrees / 2, scale=lambda w: (degrees / 2 - 1) ** 2 / w
    )


def _scale_mixture_complement(t: Array, shape: float, scale: Callable[[Array], Array]) -> Array:
    """``E[1 - (1 + t^2 scale(W))^(-1/2)]``, W the product of two independent Gamma(shape).

    W has density ``2 w^(shape-1) K_0(2 sqrt w) / Gamma(shape)^2``; the trapezoidal rule in
    log w starts where the neglected mass is below rounding for every t that matters, and its
    step follows the width 2/sqrt(shape) of the peak.
    """
    step = 1 / (6 * math.sqrt(shape))
    start = (2 * float(np.log(np.median(t))) - 60.0) / shape
    q = np.arange(start, 2 * math.log(shape + 12 * math.sqrt(shape) + 42), step)
    w = np.exp(q)
    root = 2 * np.sqrt(w)
    logarithm = shape * q + np.log(special.k0e(root)) - root - 2 * math.lgamma(shape)
    weights = 2 * step * np.exp(logarithm)
    scales = scale(w)
    rows = [weights @ -np.expm1(-0.5 * np.log1p(part**2 * scales[:, None]))
            for part in np.array_split(t, max(1, t.size // 256))]  # fmt: skip
    return np.concatenate(rows)


def _exponential_complement(t: Array) -> ComplexArray:
    # E exp(itxy) = (i/t) exp(i/t - 2) E_1(-2 + i(1/t - t)), continued across the cut for t > 1.
    small = t < _SMALL_ARGUMENT
    s = np.where(small, 1.0, t)
    exponential_integral = special.exp1(-2 + 1j * (1 / s - s))
    continued = np.where(s > 1, exponential_integral - 2j * math.pi, exponential_integral)
    direct = 1 - 1j / s * np.exp(1j / s - 2) * continued
    return np.where(small, -_moment_series(np.where(small, t, 0.0)), direct)


def _moment_series(t: Array) -> ComplexArray:
    """``sum_{k=2}^{14} m_k^2 (it)^k / k!``, m_k = k! sum_j (-1)^j/j! the moments of Exp(1) - 1."""
    total = np.zeros(t.shape, dtype=complex)
    for k in range(2, 15):
        moment = sum((-1) ** j * math.factorial(k) // math.factorial(j) for j in range(k + 1))
        total += moment**2 * (1j * t) ** k / math.factorial(k)
    return total


def _skewed_complement(t: Array) -> ComplexArray:
    # E exp(it(a + sg)(b + sg')) = D^(-1/2) exp((itab - t^2 s^2 (a^2 + b^2)/2)/D), D = 1 + t^2 s^4.
    spread = t**2 * SKEWED_NOISE**2
    total = np.zeros(t.shape, dtype=complex)
    for (a, p), (b, q) in itertools.product(_SKEWED_ATOMS, repeat=2):
        real = -0.5 * t**2 * SKEWED_NOISE * (a**2 + b**2) / (1 + spread) - 0.5 * np.log1p(spread)
        angle = t * a * b / (1 + spread)
        gap = 2 * np.sin(angle / 2) ** 2 - np.expm1(real) * np.cos(angle)
        total += p * q * (gap - 1j * np.exp(real) * np.sin(angle))
    return total


_COMPLEMENTS: dict[str, Callable[[Array], Any]] = {
    "gaussian": _gaussian_complement,
    "uniform": _uniform_complement,
    "laplace": _laplace_complement,
    "exponential": _exponential_complement,
    "skewed": _skewed_complement,
}
_OSCILLATING = ("uniform", "exponential", "skewed")
# E|x| of the laws whose densities have jumps.
_FIRST_ABSOLUTE_MOMENTS = {"uniform": math.sqrt(3) / 2, "exponential": 2 / math.e}
