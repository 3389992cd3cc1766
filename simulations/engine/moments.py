"""Counts, means and central (co-)moments of samples, mergeable block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy
import numpy.typing as npt

from simulations.engine.backend import FloatArray

Statistics = dict[str, npt.NDArray[Any]]


def summarise_moments(columns: Sequence[FloatArray], order: int) -> Statistics:
    """Count, means and sums of products of centred powers of one or two columns.

    ``central[i] = sum (x - mean)^i`` for one column, ``central[i, j] = sum (x - mean_x)^i
    (y - mean_y)^j`` for two, i + j <= order (other entries are 0).

    Parameters
    ----------
    columns : one or two arrays (n,)
    order : int >= 2

    Returns
    -------
    dict with ``mean`` (k,) and ``central`` (order + 1,) * k; the count is ``central[0]``.
    """
    means = numpy.asarray([numpy.mean(column) for column in columns])
    powers = [
        numpy.vander(column - mean, order + 1, increasing=True).T
        for column, mean in zip(columns, means, strict=True)
    ]
    if len(powers) == 1:
        central = numpy.asarray([numpy.sum(power) for power in powers[0]])
    else:
        # NumPy sums, unlike a matrix product, do not depend on the number of threads.
        central = numpy.asarray([
            [numpy.sum(x * y) if i + j <= order else 0.0 for j, y in enumerate(powers[1])]
            for i, x in enumerate(powers[0])
        ])  # fmt: skip
    return {"mean": means, "central": _tidy(central)}


def merge_moments(parts: Sequence[Statistics]) -> Statistics:
    """The statistics of the union, folded from the left: same order, same bits.

    Pairwise update of any order: both parts are moved to the common mean by the binomial
    theorem and added (Chan, Golub, LeVeque 1983; Pébay 2008, SAND2008-6212, section 2.1).
    """
    merged = parts[0]
    for part in parts[1:]:
        merged = _merge_two(merged, part)
    return merged


def _merge_two(a: Statistics, b: Statistics) -> Statistics:
    count_a, count_b = a["central"].flat[0], b["central"].flat[0]
    mean = a["mean"] + (b["mean"] - a["mean"]) * (count_b / (count_a + count_b))
    central = _recentre(a["central"], a["mean"] - mean) + _recentre(b["central"], b["mean"] - mean)
    return {"mean": mean, "central": _tidy(central)}


def _recentre(central: npt.NDArray[Any], shift: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Sums about a centre that lies `shift` below the present one."""
    for axis, delta in enumerate(shift):
        order = central.shape[axis] - 1
        binomial = numpy.asarray([
            [comb(p, j) * delta ** (p - j) if j <= p else 0.0 for j in range(order + 1)]
            for p in range(order + 1)
        ])  # fmt: skip
        central = numpy.moveaxis(numpy.tensordot(binomial, central, axes=(1, axis)), 0, axis)
    return central


def _tidy(central: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Zeros for what is zero by definition, and for what is not kept."""
    degree = numpy.sum(numpy.indices(central.shape), axis=0)
    # Deviations from the mean sum to zero; what is left of order 1 is rounding.
    return numpy.where((degree == 1) | (degree >= central.shape[0]), 0.0, central)


@dataclass(frozen=True)
class Summary:
    """What a studentised mean needs to know of a sample.

    Attributes
    ----------
    n : int
    mean, variance : float
        Sample mean; unbiased sample variance.
    skewness, excess : float
        Third standardised moment; fourth minus 3 (both 0 where the variance is 0).
    magnitude : float
        Typical size of the terms that were added; rounding errors are relative to it.
    """

    n: int
    mean: float
    variance: float
    skewness: float
    excess: float
    magnitude: float

    @property
    def standard_error(self) -> float:
        """Estimated standard deviation of the mean."""
        return float(numpy.sqrt(self.variance / self.n))


def summary(n: float, mean: float, m2: float, m3: float, m4: float, magnitude: float) -> Summary:
    """Summary from a mean and central moments divided by n."""
    # A variance at the level of squared rounding errors is that of a constant.
    if m2 <= (2.0**-48 * magnitude) ** 2:
        return Summary(int(n), mean, 0.0, 0.0, 0.0, magnitude)
    unbiased = m2 * n / max(n - 1.0, 1.0)
    return Summary(int(n), mean, unbiased, m3 / m2**1.5, m4 / m2**2 - 3.0, magnitude)


def mean_summary(stats: Statistics) -> Summary:
    """Summary of the mean of the one column."""
    mean, moments = float(stats["mean"][0]), stats["central"] / stats["central"][0]
    m2, m3, m4 = (float(moments[k]) for k in (2, 3, 4))
    return summary(float(stats["central"][0]), mean, m2, m3, m4, abs(mean) + m2**0.5)


def difference_summary(stats: Statistics, ratio: float) -> Summary:
    """Summary of the mean of ``x - ratio * y``."""
    n = float(stats["central"][0, 0])
    moments = stats["central"] / n
    m2, m3, m4 = (
        sum(comb(k, j) * (-ratio) ** j * float(moments[k - j, j]) for j in range(k + 1))
        for k in (2, 3, 4)
    )
    x, y = (float(value) for value in stats["mean"])
    spread = float(moments[2, 0]) ** 0.5 + abs(ratio) * float(moments[0, 2]) ** 0.5
    return summary(n, x - ratio * y, m2, m3, m4, abs(x) + abs(ratio * y) + spread)


def variance_summary(stats: Statistics) -> Summary:
    """Summary of the sample variance as the mean of ``(x - mean)^2``.

    The skewness is the one of the studentised variance as a U-statistic to first order:
    ``(E h^3 - 3 mu3^2) / (E h^2)^(3/2)``, h = (x - mu)^2 - sigma^2 (Helmers 1991, Ann.
    Statist. 19, 470-484, with kernel (x - y)^2/2).
    """
    n = float(stats["central"][0])
    c = [float(value) for value in stats["central"] / n]
    m2 = c[4] - c[2] ** 2
    m3 = c[6] - 3.0 * c[4] * c[2] + 2.0 * c[2] ** 3 - 3.0 * c[3] ** 2
    m4 = c[8] - 4.0 * c[6] * c[2] + 6.0 * c[4] * c[2] ** 2 - 3.0 * c[2] ** 4
    return summary(n, c[2] * n / max(n - 1.0, 1.0), m2, m3, m4, c[2] + max(m2, 0.0) ** 0.5)
