"""Coordinate-wise smoothness of objectives whose Hessians range over a set.

By Lemma 10 constants L are feasible if and only if ``-diag(L) <= Hess(theta) <= diag(L)`` at every
point of the domain. Where one Hessian dominates all others, one semidefinite program is enough.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import expit

from theory.egop.arguments import samples, vector
from theory.egop.smoothness import SmoothnessSum, smallest_smoothness_sum
from theory.egop.smoothness_certificate import certified_sum

_EPS = float(np.finfo(np.float64).eps)


def logistic_smoothness_sum(A: Any, *, method: str = "auto") -> SmoothnessSum:
    r"""Return the least sum of smoothness constants of the mean logistic loss.

    For :math:`f(\theta) = \frac1n \sum_i \log(1 + e^{-y_i a_i'\theta})`, y_i = +-1, on any convex
    set with interior that contains 0, the Hessian is largest at 0: L is feasible if and only if
    :math:`A'A/(4n) \preceq \mathrm{diag}(L)`. Beyond the paper.

    Parameters
    ----------
    A : array (n, d)
        The rows a_i; finite.
    method : str
        The solver of `smallest_smoothness_sum`.

    Returns
    -------
    SmoothnessSum
        The interval is rigorous for A itself: it allows for the rounding of ``A'A/(4n)``.

    Raises
    ------
    ValueError
        If A is not a finite (n, d) array, or `method` is unknown.

    Examples
    --------
    One sample needs ``L_k = |a_k| ||a||_1/4``, with the sum ``||a||_1^2/4``:

    >>> result = logistic_smoothness_sum([[1.0, -3.0]])
    >>> result.lower <= 4.0 <= result.upper and result.upper - result.lower < 1e-6
    True
    """
    rows = samples("A", A)
    return _of_gram(rows, np.full(len(rows), 0.25), method)


def logistic_ball_weights(A: Any, centre: Any, radius: float) -> np.ndarray:
    r"""Return :math:`w_i = \max \sigma'(a_i'\theta)` over a ball, sigma the logistic function.

    sigma' falls with the distance of its argument from 0, and :math:`a_i'\theta` ranges over
    :math:`a_i'\theta_0 \pm B\|a_i\|`. Beyond the paper.

    Parameters
    ----------
    A : array (n, d)
        The rows a_i; finite.
    centre : array (d,)
        theta_0, the centre of the ball.
    radius : float
        B >= 0, finite.

    Returns
    -------
    array (n,)
        Weights in (0, 1/4], up to rounding; 1/4 for each row with a zero margin in the ball.

    Raises
    ------
    ValueError
        If A or `centre` is not finite, their widths differ, or `radius` is negative.
    """
    rows, theta = samples("A", A), vector("centre", centre)
    if len(theta) != rows.shape[1]:
        raise ValueError(f"centre has length {len(theta)}; it must have d = {rows.shape[1]}")
    if not (math.isfinite(radius) and radius >= 0):
        raise ValueError(f"radius is {radius!r}; it must be a finite number >= 0")
    nearest = np.maximum(np.abs(rows @ theta) - radius * np.linalg.norm(rows, axis=1), 0.0)
    return np.asarray(expit(nearest) * expit(-nearest))


def logistic_ball_sum(A: Any, centre: Any, radius: float, *, method: str = "auto") -> SmoothnessSum:
    r"""Return constants of the mean logistic loss on a ball, not always the least ones.

    :math:`\mathrm{Hess}(\theta) \preceq A'\mathrm{diag}(w)A/n` for every theta in the ball, w the
    `logistic_ball_weights`: the constants are feasible there (up to the rounding of w), and
    `upper` bounds the least sum from above. `lower` belongs to the dominating matrix, not to the
    loss, unless the ball contains 0. Beyond the paper.

    Parameters
    ----------
    A : array (n, d)
    centre : array (d,)
    radius : float
    method : str
        The solver of `smallest_smoothness_sum`.

    Returns
    -------
    SmoothnessSum

    Raises
    ------
    ValueError
        As `logistic_ball_weights`, or if `method` is unknown.
    """
    return _of_gram(samples("A", A), logistic_ball_weights(A, centre, radius), method)


def log_sum_exp_excess(A: Any, constants: Any) -> float:
    r"""Return :math:`\max_{ij} \frac14 \sum_k (a_{ik} - a_{jk})^2/L_k`.

    Constants L of :math:`\log\sum_i e^{a_i'\theta + b_i}` on R^d are feasible if the value is at
    most 1, and only then if the rows are affinely independent. Beyond the paper.

    Parameters
    ----------
    A : array (n, d)
        The rows a_i; finite.
    constants : array (d,)
        L, each >= 0.

    Returns
    -------
    float
        In [0, inf]; inf where a constant 0 meets rows that differ in that coordinate.

    Raises
    ------
    ValueError
        If A or `constants` is not finite, their widths differ, or a constant is negative.

    Examples
    --------
    >>> log_sum_exp_excess([[-1.0], [1.0]], [1.0])
    1.0
    """
    rows, levels = samples("A", A), vector("constants", constants)
    if len(levels) != rows.shape[1]:
        raise ValueError(f"constants has length {len(levels)}; it must have d = {rows.shape[1]}")
    if levels.min() < 0:
        raise ValueError(f"constants has the entry {levels.min():g}; every entry must be >= 0")
    moving = np.ptp(rows, axis=0) > 0
    if np.any(levels[moving] == 0):
        return math.inf
    scaled = rows[:, moving] / np.sqrt(levels[moving])
    return max(float(((scaled - row) ** 2).sum(axis=1).max()) for row in scaled) / 4


def _of_gram(rows: np.ndarray, weights: np.ndarray, method: str) -> SmoothnessSum:
    """Bound the least sum of ``A' diag(w) A/n``: that of the rounded matrix, widened."""
    n = len(rows)
    weighted = rows * (weights / n)[:, None]
    gram = weighted.T @ rows
    found = smallest_smoothness_sum((gram + gram.T) / 2, method=method)
    # |E_ij| <= (n + 4) u (|A|'diag(w)|A|)_ij/n for the rounding E, and diag(row sums of |E|) >= E;
    # twice the machine epsilon covers the rounding of the bound as well.
    slack = 2 * (n + 4) * _EPS * (np.abs(weighted).T @ np.abs(rows)).sum(axis=1)
    constants = np.nextafter(found.constants + slack, np.inf)
    upper = certified_sum(constants)
    lower = max(0.0, float(np.nextafter(found.lower - 2 * slack.sum(), -np.inf)))
    return SmoothnessSum(upper, lower, upper, constants, found.method, found.iterations)
