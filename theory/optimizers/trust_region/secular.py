"""The subproblem with a diagonal Hessian, solved through the secular equation.

``min c'y + 1/2 sum_i lam_i y_i^2`` over ``||y|| <= Delta``: ``y_i = -c_i/(lam_i + sigma)`` with
``sigma >= max(0, -lam_min)`` (More, Sorensen 1983; Conn, Gould, Toint 2000, chapter 7).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from theory.optimizers.trust_region.checks import Array

__all__ = ["SecularSolution", "least_squares_inside", "refined", "solve_secular"]

_MOST_STEPS = 200


@dataclass(frozen=True, eq=False)
class SecularSolution:
    """The minimiser y (k,), its multiplier, and how it was found.

    Attributes
    ----------
    point : array (k,)
    multiplier : float
        sigma.
    shifted : array (k,)
        ``lam_i + sigma >= 0``, formed without cancellation.
    on_boundary, hard_case : bool
    """

    point: Array
    multiplier: float
    shifted: Array
    on_boundary: bool
    hard_case: bool


def solve_secular(values: Array, coefficients: Array, radius: float) -> SecularSolution:
    """Return the global minimiser for eigenvalues in increasing order.

    Parameters
    ----------
    values : array (k,)
        lam, increasing.
    coefficients : array (k,)
        c, the gradient in the eigenbasis.
    radius : float > 0
        Delta.

    >>> solve_secular(np.array([-1.0, 1.0]), np.array([0.0, 2.0]), 2.0).point.tolist()
    [1.7320508075688772, -1.0]
    """
    least = float(values[0])
    gaps = values - least
    if least >= 0:
        inside = _point(coefficients, values)
        if inside is not None and np.linalg.norm(inside) <= radius:
            return SecularSolution(inside, 0.0, values, on_boundary=False, hard_case=False)
    at_pole = _point(coefficients, gaps) if least < 0 else None
    if at_pole is not None and np.linalg.norm(at_pole) <= radius:
        at_pole[0] = _completion(at_pole, radius)
        return SecularSolution(at_pole, -least, gaps, on_boundary=True, hard_case=True)
    # The distance delta of sigma from -lam_min is the unknown: near the hard case it is tiny.
    delta = _root(gaps, coefficients, radius, max(least, 0.0))
    point = -coefficients / (gaps + delta)
    point *= radius / np.linalg.norm(point)
    return SecularSolution(point, max(delta - least, 0.0), gaps + delta, on_boundary=True,
                           hard_case=False)  # fmt: skip


def least_squares_inside(
    values: Array, coefficients: Array, radius: float
) -> SecularSolution | None:
    """The minimiser for eigenvalues that rounding alone may keep from being zero.

    Where all are nonnegative but for ``u max|lam|``, those below it say nothing: neither sign nor
    eigenvector is known. None where there are none such, or the point lies outside.
    """
    noise = len(values) * np.finfo(float).eps * float(np.max(np.abs(values)))
    if not abs(float(values[0])) <= noise:
        return None
    known = values > noise
    point = np.divide(-coefficients, values, out=np.zeros_like(values), where=known)
    if not np.linalg.norm(point) <= radius:
        return None
    shifted = np.where(known, values, 0.0)
    return SecularSolution(point, 0.0, shifted, on_boundary=False, hard_case=False)


def _point(coefficients: Array, shifted: Array) -> Array | None:
    """``-c/shifted`` with 0/0 = 0; None where it is not finite."""
    seen = coefficients != 0
    if (shifted[seen] <= 0).any():
        return None
    point = np.zeros_like(coefficients)
    with np.errstate(over="ignore"):
        np.divide(-coefficients, shifted, out=point, where=seen)
        return point if np.isfinite(np.linalg.norm(point)) else None


def _completion(point: Array, radius: float) -> float:
    """The first entry that completes ``||y|| = Delta``."""
    size = float(np.linalg.norm(point))
    return math.sqrt(max((radius - size) * (radius + size), 0.0))


def _root(gaps: Array, coefficients: Array, radius: float, floor: float) -> float:
    """The delta > floor with ``||c/(gaps + delta)|| = Delta``.

    ``1/||y||`` is increasing and concave in delta, so that Newton's method from the left rises
    to the root; every ``|c_i|/Delta - gaps_i`` lies on the left.
    """
    delta = max(floor, float(np.max(np.abs(coefficients) / radius - gaps)), np.finfo(float).tiny)
    for _ in range(_MOST_STEPS):
        y = coefficients / (gaps + delta)
        size = float(np.linalg.norm(y))
        excess = size / radius - 1.0
        slope = float((y / size) @ (y / size / (gaps + delta)))
        step = excess / slope
        if not step > 4.0 * np.finfo(float).eps * delta:
            return delta + max(step, -0.5 * delta)
        delta += step
    return delta


def refined(solution: SecularSolution, error: Array, radius: float) -> Array:
    """One Newton step on ``(lam + sigma) y = -c``, ``||y|| = Delta`` from a measured residual.

    Parameters
    ----------
    solution : SecularSolution
    error : array (k,)
        ``c + (lam + sigma) y`` measured without the eigenvalues' own rounding.
    radius : float > 0

    Returns
    -------
    array (k,)
        y, corrected; entries whose ``lam_i + sigma`` is 0 are kept.
    """
    y, shifted = solution.point, solution.shifted
    safe = shifted > 0
    inverse = np.divide(1.0, shifted, out=np.zeros_like(shifted), where=safe)
    if not solution.on_boundary or solution.hard_case:
        return np.asarray(y - error * inverse)
    miss = (radius - float(np.linalg.norm(y))) * radius
    change = -(miss + y @ (error * inverse)) / (y @ (y * inverse))
    return np.asarray(y - (error + change * y) * inverse)
