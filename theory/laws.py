r"""Distributions that claims name: largest over median of squared Gaussians, a skewed stable law.

Both come from the two-layer linear network of Jiang, Malik, Li (2022). Their distribution
functions are sums over quadrature nodes, exact up to rounding; no simulation is involved.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from theory.laws_quadrature import (
    CHUNK,
    CUT,
    bisect,
    by_quadrature,
    closed,
    log_k,
    lower_nodes,
    mean_maximum,
    order_nodes,
    over_order_statistic,
    stable_law,
    stable_table,
    table_of,
)

FloatArray = npt.NDArray[np.float64]

# Median of the square of a standard normal variable.
GAUSSIAN_MEDIAN = 0.4549364231195724
# Above this probability a quantile is found from the upper tail, which keeps its digits.
_NEAR_ONE = 1.0 - 1e-6


@dataclass(frozen=True)
class MaxOverMedian:
    r"""The law of :math:`R = \max_i g_i^2 / \mathrm{median}_i\, g_i^2`, g standard normal in d.

    The median is the midpoint one (mean of the two middle values for even d). Given the median
    m and the value v from which the n values above it start,
    :math:`P(R \le r) = E\left[\frac{F(rm) - F(v)}{1 - F(v)}\right]^n`, F the chi-square
    distribution function with one degree of freedom: an integral over one order statistic for
    odd d and over two for even d. R is scale-free, so that g may be any vector of uniform
    direction.

    Parameters
    ----------
    d : int >= 1

    Raises
    ------
    ValueError
        If d is not an integer >= 1.

    Examples
    --------
    >>> law = MaxOverMedian(16)
    >>> round(law.ppf(0.5), 4), round(law.mean(), 4)
    (8.8224, 11.605)
    """

    d: int

    def __post_init__(self) -> None:
        whole = isinstance(self.d, int | np.integer) and not isinstance(self.d, bool)
        if not (whole and self.d >= 1):
            raise ValueError(f"d is {self.d!r}; it must be an integer >= 1")

    def cdf(self, r: Any) -> Any:
        """P(R <= r), elementwise; absolute error below 1e-10.

        Closed for d <= 3. Above, cubic interpolation with exact slopes between knots of the
        quadrature, refined until its error at every midpoint is below 1e-10.
        """
        r = _numbers("r", r)
        if self.d <= 3:
            return _as_given(closed(self.d, r)[0])
        values, table = np.zeros_like(r), table_of(self.d)
        with np.errstate(divide="ignore", invalid="ignore"):
            y = np.where(r >= 1.0, np.log(np.maximum(r, 1.0)), -1.0)
        inside = (y >= table.knots[0]) & (y <= table.knots[-1])
        values[inside] = table.value(y[inside])
        low = (y > 0.0) & (y < table.knots[0])
        values[low] = by_quadrature(self.d, r[low])[1]
        values[y > table.knots[-1]] = 1.0
        return _as_given(np.clip(values, 0.0, 1.0))

    def sf(self, r: Any) -> Any:
        """P(R > r), elementwise, by quadrature at every point; the upper tail keeps its digits."""
        r = _numbers("r", r)
        if self.d <= 3:
            return _as_given(closed(self.d, r)[1])
        values = np.ones_like(r)
        values[r == np.inf] = 0.0
        regular = (r > 1.0) & (r < np.inf)
        values[regular] = by_quadrature(self.d, r[regular])[0]
        return _as_given(values)

    def ppf(self, p: Any) -> Any:
        """The p-quantile, elementwise; p in [0, 1].

        Raises
        ------
        ValueError
            If a p is outside [0, 1].
        """
        p = _probabilities(p)
        if self.d == 1:
            return _as_given(np.ones_like(p))
        if self.d == 2:
            return _as_given(1.0 + np.sin(np.pi / 2.0 * p))
        # Beyond exp(80) no float is left between P(R <= r) and 1, for any d.
        y = bisect(lambda y: self.cdf(np.exp(y)), p, np.zeros_like(p), np.full_like(p, 80.0))
        high = p > _NEAR_ONE
        y[high] = bisect(lambda y: -self.sf(np.exp(y)), p[high] - 1.0, np.zeros_like(p[high]),
                         np.full_like(p[high], 80.0))  # fmt: skip
        return _as_given(np.where(p == 1.0, np.inf, np.exp(y)))

    def mean(self) -> float:
        """E R; infinite for d = 3, where the median is close to 0 too often."""
        if self.d <= 3:
            return (1.0, 1.0 + 2.0 / math.pi, math.inf)[self.d - 1]
        k, above = self.d // 2, (self.d - 1) // 2
        # Near 0 the integrand carries 1/b^2: the cut is moved so that it still drops 1e-17.
        b, weights = order_nodes(self.d, k + 1, CUT ** ((k + 1) / (k - 1)))
        if self.d % 2:
            reciprocal = 1.0 / b**2
        else:
            a, share = lower_nodes(b, k, np.zeros_like(b))
            reciprocal = np.sum(share * 2.0 / (a**2 + b[:, None] ** 2), axis=1)
        return float(np.sum(weights * mean_maximum(b, above) * reciprocal))

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = 1) -> FloatArray:
        """Independent draws of R from the generator, an array of shape `size`."""
        shape = (size,) if isinstance(size, int) else tuple(size)
        flat = np.empty(math.prod(shape))
        rows = max(1, CHUNK // self.d)
        for start in range(0, flat.size, rows):
            part = flat[start : start + rows]
            squares = rng.standard_normal((part.size, self.d)) ** 2
            part[:] = np.max(squares, axis=1) / np.median(squares, axis=1)
        return flat.reshape(shape)


def max_over_order_statistic(d: int, j: int) -> Callable[[Any], Any]:
    r"""Distribution function of the largest over the j-th smallest of d squared normals.

    The median of an odd number d is ``j = (d + 1) // 2``; PyTorch's lower median of an even
    number is ``j = d // 2``.

    Raises
    ------
    ValueError
        Unless j is in 1..d.
    """
    if not 1 <= j <= d:
        raise ValueError(f"j is {j!r}; it must be in 1..{d!r}")

    def cdf(r: Any) -> Any:
        r = _numbers("r", r)
        values = np.where(r >= 1.0, 1.0, 0.0)
        regular = (r >= 1.0) & (r < np.inf) & (j < d)
        values[regular] = over_order_statistic(d, j, r[regular])
        return _as_given(values)

    return cdf


@dataclass(frozen=True)
class StableLemma35:
    r"""The limit law of Lemma 35: totally skewed and stable of index 1.

    For X_i i.i.d. N(0, s^2), d of them, and :math:`\kappa = \sqrt{2/\pi}`,
    :math:`\frac1d \sum_i \frac1{|X_i|} = \frac{\kappa}{s} \left[ \log(\kappa d) +
    \frac{\log 2 - \gamma}{2} + Z_d \right]` with :math:`Z_d \to Z` in law and
    :math:`E e^{iuZ} = \exp(-\frac\pi2 |u| - iu \log|u| + i(1 - \gamma)u)`; :math:`\gamma` is
    Euler's constant. Z has no mean: :math:`P(Z > z) \sim 1/z`.

    Chambers, Mallows and Stuck's representation: :math:`Z = 1 - \gamma + \log K(U) - \log E`
    with U uniform on :math:`(0, \pi)`, E exponential and
    :math:`K(u) = \frac{u}{\sin u} e^{-u \cot u}`. Hence
    :math:`P(Z \le z) = \frac1\pi \int_0^\pi \exp(-e^{1 - \gamma - z} K(u))\,du`.

    In SciPy it is ``levy_stable(1, 1, loc=1 - euler_gamma, scale=pi/2)``, whose ``rvs`` and
    ``cdf`` agree with these (``cdf`` is 1 from about z = 500 on); its ``ppf`` and ``sf`` (as of
    1.17) lack the shift log(pi/2) that a change of scale brings at index 1.

    Examples
    --------
    >>> round(StableLemma35().cdf(0.0), 10)
    0.2107019382
    """

    def cdf(self, z: Any) -> Any:
        """P(Z <= z), elementwise; absolute error below 1e-10 (cubics between exact knots)."""
        z = _numbers("z", z)
        table, t = stable_table(), np.arcsinh(z)
        values = np.where(t < table.knots[0], 0.0, 1.0)
        inside = (t >= table.knots[0]) & (t <= table.knots[-1])
        values[inside] = np.clip(table.value(t[inside]), 0.0, 1.0)
        return _as_given(values)

    def sf(self, z: Any) -> Any:
        """P(Z > z), elementwise, by quadrature at every point; the upper tail keeps its digits."""
        z = _numbers("z", z)
        values = np.where(z > 0.0, 0.0, 1.0)
        regular = np.isfinite(z)
        values[regular] = stable_law(z[regular])[1]
        return _as_given(values)

    def ppf(self, p: Any) -> Any:
        """The p-quantile, elementwise, p in [0, 1]; -infinity at 0 and infinity at 1.

        Raises
        ------
        ValueError
            If a p is outside [0, 1].
        """
        p = _probabilities(p)
        # z = sinh t; sinh(38) = 1.6e16 is beyond every quantile of a float below 1.
        t = bisect(lambda t: self.cdf(np.sinh(t)), p, np.full_like(p, -3.0), np.full_like(p, 38.0))
        high = p > _NEAR_ONE
        t[high] = bisect(lambda t: -self.sf(np.sinh(t)), p[high] - 1.0, np.zeros_like(p[high]),
                         np.full_like(p[high], 38.0))  # fmt: skip
        ends = np.where(p == 0.0, -np.inf, np.inf)
        return _as_given(np.where((p == 0.0) | (p == 1.0), ends, np.sinh(t)))

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = 1) -> FloatArray:
        """Independent draws from the generator, an array of shape `size`."""
        angle = np.pi * (1.0 - rng.random(size))
        logarithm = log_k(angle, np.pi - angle)
        drawn: FloatArray = (
            1.0 - np.euler_gamma + logarithm - np.log(rng.standard_exponential(size))
        )
        return drawn


def _numbers(name: str, value: Any) -> FloatArray:
    """An array of real numbers without NaN; raises ValueError."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {value!r}; it must be a number or an array") from None
    if bool(np.any(np.isnan(array))):
        raise ValueError(f"{name} has NaN entries; it must be numbers")
    return array


def _probabilities(p: Any) -> FloatArray:
    array = _numbers("p", p)
    if not bool(np.all((array >= 0.0) & (array <= 1.0))):
        raise ValueError(f"p is {p!r}; it must be in [0, 1]")
    return array


def _as_given(array: FloatArray) -> Any:
    """A float where a number was given, else the array."""
    return float(array) if array.ndim == 0 else array
