"""Generic solver of the smoothness semidefinite program: a logarithmic barrier and Newton steps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, eigvalsh, solve_triangular

# The barrier's gap over the scale of H at which rounding takes over from the barrier.
_GAP = 1e-9
_GROWTH = 20.0
_NEWTON_STEPS = 60
_CENTRED = 1e-8
_BOUNDARY = 0.99


class DualPair(NamedTuple):
    """A primal point with factors of a dual point.

    Attributes
    ----------
    constants : array (d,)
        Approximate minimiser L.
    positive, negative : arrays (d, k)
        Factors U, V with ``X = U U'`` and ``Y = V V'`` approximately feasible for the dual.
    iterations : int
    """

    constants: np.ndarray
    positive: np.ndarray
    negative: np.ndarray
    iterations: int


def solve_by_barrier(H: np.ndarray) -> DualPair:
    """Minimise ``sum L_i`` over ``diag(L) >= H`` and ``diag(L) >= -H``.

    Newton's method on ``t sum L_i - logdet(diag(L) - H) - logdet(diag(L) + H)`` for growing t.
    At the centre ``X = (diag(L) - H)^{-1}/t`` and ``Y = (diag(L) + H)^{-1}/t`` have
    ``X_ii + Y_ii = 1``, and the gap between primal and dual is ``2 d/t``.

    Parameters
    ----------
    H : array (d, d)
        Symmetric and finite, scaled to entries of order one.

    Returns
    -------
    DualPair
        With factors of rank d.
    """
    d = len(H)
    constants = np.abs(H).sum(axis=1) + 1.0
    t, iterations = 1.0, 0
    while True:
        constants, steps = _centre(H, constants, t)
        iterations += steps
        if 2 * d / t <= _GAP * constants.sum():
            break
        t *= _GROWTH
    lower, upper = _factors(H, constants)
    eye = np.eye(d)
    return DualPair(
        constants,
        solve_triangular(lower, eye, lower=True).T / np.sqrt(t),
        solve_triangular(upper, eye, lower=True).T / np.sqrt(t),
        iterations,
    )


def _centre(H: np.ndarray, constants: np.ndarray, t: float) -> tuple[np.ndarray, int]:
    """Newton steps with exact line search to the minimiser of the barrier function at t."""
    eye = np.eye(len(H))
    for step in range(1, _NEWTON_STEPS + 1):
        factors = _factors(H, constants)
        below, above = (cho_solve((factor, True), eye) for factor in factors)
        gradient = t - np.diag(below) - np.diag(above)
        direction = -np.linalg.solve(below * below + above * above, gradient)
        decrement = -gradient @ direction
        if decrement <= _CENTRED:
            return constants + direction, step
        rates = np.concatenate([_rates(factor, direction) for factor in factors])
        constants = constants + _line_search(rates, t * direction.sum()) * direction
    return constants, _NEWTON_STEPS


def _rates(factor: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Eigenvalues of ``R^{-1} diag(p) R^{-T}``: the matrix stays definite while 1 + a rate > 0."""
    half = solve_triangular(factor, np.diag(direction), lower=True)
    return np.asarray(eigvalsh(solve_triangular(factor, half.T, lower=True)))


def _line_search(rates: np.ndarray, slope: float) -> float:
    """Minimise the convex ``a slope - sum log(1 + a rate)`` over steps a inside the domain."""
    fastest = rates.min()
    high = _BOUNDARY / -fastest if fastest < 0 else np.inf
    step = min(1.0, high)
    for _ in range(_NEWTON_STEPS):
        quotients = rates / (1 + step * rates)
        move = -(slope - quotients.sum()) / (quotients @ quotients)
        following = min(max(step + move, step / 4), high)
        if abs(following - step) <= 1e-3 * step:
            return float(following)
        step = following
    return float(step)


def _factors(H: np.ndarray, constants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    diagonal = np.diag(constants)
    return np.linalg.cholesky(diagonal - H), np.linalg.cholesky(diagonal + H)
