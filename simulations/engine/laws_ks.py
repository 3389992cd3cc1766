"""Comparison of a sample with a claimed distribution function: Kolmogorov-Smirnov and DKW."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import scipy

from simulations.engine.backend import FloatArray

Cdf = Callable[[Any], Any]


def ks_distance(sample: FloatArray, cdf: Cdf) -> float:
    """``sup_x |F_n(x) - F(x)|`` over both sides of every jump of the empirical law.

    The left limit of `cdf` is its value at the next smaller float, so that a claimed law with
    atoms is compared correctly; the p-value is then conservative.

    Parameters
    ----------
    sample : (n,) sorted
    cdf : callable
        Claimed distribution function of an array of points.

    Raises
    ------
    ValueError
        If the claimed values are not probabilities of an increasing function.
    """
    n = len(sample)
    at = _probabilities(cdf, sample)
    left = _probabilities(cdf, numpy.nextafter(sample, -numpy.inf))
    above = numpy.searchsorted(sample, sample, side="right") / n - at
    below = left - numpy.searchsorted(sample, sample, side="left") / n
    return float(max(numpy.max(above), numpy.max(below), 0.0))


def ks_p_value(distance: float, n: int) -> float:
    """P(D_n >= distance) for n draws from a continuous claimed law, exact for every n.

    Source: Simard and L'Ecuyer (2011), J. Statist. Software 39(11), as implemented in SciPy.
    """
    return float(numpy.clip(scipy.stats.kstwo.sf(distance, n), 0.0, 1.0))


def dkw_band(n: int, alpha: float) -> float:
    """Half-width of the band ``|F_n - F| <= sqrt(log(2/alpha) / (2 n))`` at level alpha.

    Source: Dvoretzky, Kiefer, Wolfowitz (1956); the constant 2 is Massart's (1990).
    """
    return float(numpy.sqrt(numpy.log(2.0 / alpha) / (2.0 * n)))


def _probabilities(cdf: Cdf, x: FloatArray) -> FloatArray:
    values = numpy.asarray(cdf(x), dtype=numpy.float64)
    if values.shape != x.shape:
        raise ValueError(f"claimed cdf returned shape {values.shape} for {x.shape}")
    # Rounding may put a distribution function a few ulps outside its range or order.
    slack = 1e-9
    ordered = bool(numpy.all(numpy.diff(values) >= -slack))
    if not (ordered and bool(numpy.all((values >= -slack) & (values <= 1.0 + slack)))):
        raise ValueError("claimed cdf must increase from 0 to 1; it does not on the sample")
    return numpy.clip(values, 0.0, 1.0)
