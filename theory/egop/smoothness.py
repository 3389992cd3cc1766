"""Coordinate-wise smoothness: the least sum of constants, with a rigorous interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from theory.egop.arguments import symmetric
from theory.egop.smoothness_barrier import DualPair, solve_by_barrier
from theory.egop.smoothness_certificate import (
    certified_lower_end,
    certified_sum,
    is_certified_feasible,
    is_certified_semidefinite,
)
from theory.egop.smoothness_mixing import solve_by_mixing

METHODS = ("auto", "barrier", "mixing")
# Below it a Newton step costs no more than compiling the low-rank solver once (measured).
_LARGE = 20


@dataclass(frozen=True)
class SmoothnessSum:
    """The least sum of constants of a Hessian, with an interval that is proved to contain it.

    Attributes
    ----------
    value : float
        Sum of `constants`, rounded up; equals `upper`.
    lower, upper : float
        Rigorous: ``lower <= min{1'L : diag(L) >= +-H} <= upper``.
    constants : array (d,)
        Feasible constants L: ``-diag(L) <= H <= diag(L)`` is certified in ball arithmetic.
    method : str
        The solver: "barrier" or "mixing". The interval does not depend on trusting it.
    iterations : int
    """

    value: float
    lower: float
    upper: float
    constants: np.ndarray
    method: str
    iterations: int


def smallest_smoothness_sum(hessian: Any, *, method: str = "auto") -> SmoothnessSum:
    r"""Return ``L_f = min{1'L : -diag(L) <= H <= diag(L)}`` with a rigorous interval.

    For a quadratic with Hessian H, eq. (1) holds with constants L exactly if
    ``-diag(L) <= H <= diag(L)``; the least sum is a semidefinite program with dual
    ``max{<H, X - Y> : X, Y >= 0, X_ii + Y_ii = 1}``. A solver proposes L and factors of (X, Y);
    L is raised until both matrix inequalities are certified, and (X, Y) is scaled to be feasible.

    Parameters
    ----------
    hessian : array (d, d)
        Real symmetric, finite.
    method : str
        "barrier" (interior point), "mixing" (low-rank coordinate ascent), or "auto": by d.

    Returns
    -------
    SmoothnessSum

    Raises
    ------
    ValueError
        If `hessian` is not a finite symmetric matrix, or `method` is unknown.

    Examples
    --------
    The Hessian ``[[1, 1], [1, 1]]`` needs ``L = (2, 2)``:

    >>> result = smallest_smoothness_sum([[1.0, 1.0], [1.0, 1.0]])
    >>> result.lower <= 4.0 <= result.upper and result.upper - result.lower < 1e-6
    True
    """
    H = symmetric("hessian", hessian)
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    chosen = method if method != "auto" else ("barrier" if len(H) < _LARGE else "mixing")
    # A power of two: the scaling is exact, and the solvers see entries of order one.
    largest = float(np.abs(H).max())
    if largest == 0.0:
        return SmoothnessSum(0.0, 0.0, 0.0, np.zeros(len(H)), chosen, 0)
    exponent = int(np.frexp(largest)[1])
    scaled = np.ldexp(H, -exponent)
    found = (solve_by_barrier if chosen == "barrier" else solve_by_mixing)(scaled)
    constants = np.ldexp(_feasible(scaled, found), exponent)
    upper = certified_sum(constants)
    lower = float(np.ldexp(certified_lower_end(scaled, found.positive, found.negative), exponent))
    return SmoothnessSum(upper, lower, upper, constants, chosen, found.iterations)


def _feasible(H: np.ndarray, found: DualPair) -> np.ndarray:
    """Raise the proposed constants by a multiple of the identity until they are certified."""
    constants = found.constants
    negative = np.linalg.eigvalsh(np.diag(constants) + H)[0]
    lowest = min(np.linalg.eigvalsh(np.diag(constants) - H)[0], negative)
    scale = float(np.abs(constants).max())
    margin = 8 * len(H) * np.finfo(float).eps * scale
    shift = max(0.0, -float(lowest)) + margin
    semidefinite = is_certified_semidefinite(H, margin) and bool(constants.min() >= margin)
    while True:
        raised = constants + shift
        if is_certified_feasible(H, raised, semidefinite=semidefinite):
            return raised
        shift += margin
        margin *= 2
