"""Correction for many tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
import numpy.typing as npt


def holm(
    p_values: Sequence[float] | npt.NDArray[numpy.float64], alpha: float
) -> npt.NDArray[numpy.bool_]:
    """Holm's step-down procedure: which hypotheses are rejected.

    With p sorted ascending, reject while ``p_(k) <= alpha / (m - k + 1)``, and stop at the
    first that is not. The chance of any false rejection is at most `alpha`, whatever the
    dependence between the tests.

    Parameters
    ----------
    p_values : (m,) in [0, 1]
    alpha : float in (0, 1)

    Returns
    -------
    (m,) bool

    Raises
    ------
    ValueError
        If alpha or a p-value is out of range or NaN.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6.
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha is {alpha}; it must be in (0, 1)")
    p = numpy.asarray(p_values, dtype=numpy.float64)
    if p.ndim != 1 or not bool(numpy.all((p >= 0.0) & (p <= 1.0))):
        raise ValueError("p_values must be one-dimensional with values in [0, 1]")
    order = numpy.argsort(p, kind="stable")
    thresholds = alpha / numpy.arange(len(p), 0, -1)
    passed = numpy.logical_and.accumulate(p[order] <= thresholds)
    rejected = numpy.zeros(len(p), dtype=numpy.bool_)
    rejected[order] = passed
    return rejected
