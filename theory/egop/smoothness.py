"""Coordinate-wise smoothness: the least sum of constants, with a rigorous interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from theory.egop.arguments import symmetric

if TYPE_CHECKING:
    from theory.egop.smoothness_barrier import DualPair

METHODS = ("auto", "barrier", "mixing", "primal-dual")
# Below it the barrier's Newton steps cost no more than primal-dual ones (measured).
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
        Feasible constants L: ``-diag(L) <= H <= diag(L)`` is proved with all rounding errors.
    method : str
        The solver: "barrier", "mixing" or "primal-dual". The interval does not depend on
        trusting it.
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
    L is raised until both matrix inequalities are proved, and (X, Y) is scaled to be feasible;
    both ends of the interval account for every rounding error.

    Parameters
    ----------
    hessian : array (d, d)
        Real symmetric, finite.
    method : str
        "barrier" (Newton steps), "mixing" (low-rank coordinate ascent), "primal-dual" (interior
        point with a Hadamard Schur complement), or "auto": barrier below d = 20, else primal-dual.

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
    from theory.egop import smoothness_certificate as certificate

    chosen = method if method != "auto" else ("barrier" if len(H) < _LARGE else "primal-dual")
    # A row of zeros needs the constant 0, exactly; the solvers see the other rows only.
    constants, kept = np.zeros(len(H)), np.flatnonzero(np.abs(H).max(axis=1))
    if not len(kept):
        return SmoothnessSum(0.0, 0.0, 0.0, constants, chosen, 0)
    H = H[np.ix_(kept, kept)]
    # A power of two: the solvers see entries of order one, and rounding enters by underflow only.
    exponent = int(np.frexp(np.abs(H).max())[1])
    scaled = np.ldexp(H, -exponent)
    found = _solve(chosen, scaled)
    raised = certificate.certified_constants(scaled, found.constants)
    constants[kept] = _unscaled(raised, exponent, np.inf)
    upper = certificate.certified_sum(constants)
    lower = certificate.certified_lower_end(scaled, found.positive, found.negative)
    lower = float(_unscaled(np.array(lower), exponent, -np.inf))
    return SmoothnessSum(upper, lower, upper, constants, chosen, found.iterations)


def _solve(method: str, H: np.ndarray) -> DualPair:
    if method == "barrier":
        from theory.egop.smoothness_barrier import solve_by_barrier

        return solve_by_barrier(H)
    if method == "mixing":
        from theory.egop.smoothness_mixing import solve_by_mixing

        return solve_by_mixing(H)
    from theory.egop.smoothness_interior import solve_by_interior_point

    return solve_by_interior_point(H)


def _unscaled(values: np.ndarray, exponent: int, towards: float) -> np.ndarray:
    """Multiply by a power of two; what underflow loses is rounded in the given direction."""
    result = np.ldexp(values, exponent)
    exact = np.ldexp(result, -exponent) == values
    return np.asarray(np.where(exact, result, np.nextafter(result, towards)))
