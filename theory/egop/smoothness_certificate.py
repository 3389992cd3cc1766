"""Rigorous ends of the interval for the least sum of coordinate-wise smoothness constants.

Both ends are evaluated in Arb balls, so that no rounding error enters: the upper end by a
congruence that shows ``diag(L) - H`` and ``diag(L) + H`` to be positive definite, the lower end by
a dual point in factored form, which is feasible by construction.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import solve_triangular

from theory.arrays import NotExact

_BITS = 160


def certified_lower_end(H: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    """Return a rigorous lower bound of the least sum from a factored dual point.

    With rows ``u_i`` of `positive` and ``v_i`` of `negative` and
    ``n_i = |u_i|^2 + |v_i|^2``, the matrices ``X_ij = u_i.u_j / sqrt(n_i n_j)`` and
    ``Y_ij = v_i.v_j / sqrt(n_i n_j)`` are positive semidefinite with ``X_ii + Y_ii = 1``, hence
    feasible for ``max <H, X - Y>``, whose value bounds the least sum from below.

    Parameters
    ----------
    H : array (d, d)
        Symmetric; its floats are taken as exact.
    positive, negative : arrays (d, k)
        Any finite rows of which no pair ``(u_i, v_i)`` vanishes.

    Returns
    -------
    float
        The value, rounded down.
    """
    import flint

    with _Precision(_BITS):
        u, v, h = _exact(positive), _exact(negative), _exact(H)
        x, y = u * u.transpose(), v * v.transpose()
        d = len(H)
        scale = [1 / (x[i, i] + y[i, i]).sqrt() for i in range(d)]
        value = flint.arb(0)
        for i in range(d):
            value += h[i, i] * (x[i, i] - y[i, i]) * scale[i] * scale[i]
            for j in range(i):
                value += 2 * h[i, j] * (x[i, j] - y[i, j]) * scale[i] * scale[j]
        return _rounded_down(value)


def certified_sum(constants: np.ndarray) -> float:
    """Return the sum of floats, rounded up."""
    import flint

    with _Precision(_BITS):
        total = sum((flint.arb(float(c)) for c in constants), start=flint.arb(0))
        return -_rounded_down(-total)


def is_certified_feasible(H: np.ndarray, constants: np.ndarray, *, semidefinite: bool) -> bool:
    """Whether ``diag(L) - H`` and ``diag(L) + H`` are shown to be positive definite.

    With `semidefinite` (H is known to be positive semidefinite) the second is not needed.
    A False says only that the margin is too small to be certified.
    """
    signs = (-1.0,) if semidefinite else (-1.0, 1.0)
    return all(_is_positive_definite(H, sign, constants) for sign in signs)


def is_certified_semidefinite(H: np.ndarray, shift: float) -> bool:
    """Whether ``H + shift I`` is shown to be positive definite."""
    return _is_positive_definite(H, 1.0, np.full(len(H), shift))


def _is_positive_definite(H: np.ndarray, sign: float, diagonal: np.ndarray) -> bool:
    """Show ``diag(diagonal) + sign H > 0`` by a congruence close to the identity.

    For the float ``S = R^{-T}`` of a Cholesky factor, ``S A S' = I + F`` with row sums of ``|F|``
    below one is positive definite, and then S is regular and so is A.
    """
    import flint

    approximate = sign * H
    approximate[np.diag_indices(len(H))] += diagonal
    try:
        factor = np.linalg.cholesky(approximate)
        inverse = solve_triangular(factor, np.eye(len(H)), lower=True)
    except np.linalg.LinAlgError:
        return False
    if not np.all(np.isfinite(inverse)):
        return False
    with _Precision(_BITS):
        s = _exact(inverse)
        product = s * (_exact(sign * H) + _diagonal(diagonal)) * s.transpose()
        defect = product - _diagonal(np.ones(len(H)))
        rows = [sum(abs(entry) for entry in row) for row in defect.tolist()]
        return all(bool(row < flint.arb(1)) for row in rows)


def _exact(matrix: np.ndarray) -> Any:
    import flint

    return flint.arb_mat([[flint.arb(entry) for entry in row] for row in matrix.tolist()])


def _diagonal(values: np.ndarray) -> Any:
    import flint

    d = len(values)
    matrix = flint.arb_mat(d, d)
    for i, value in enumerate(values.tolist()):
        matrix[i, i] = flint.arb(value)
    return matrix


def _rounded_down(ball: Any) -> float:
    """Return the largest of three neighbouring floats that lies below the whole ball."""
    import flint

    value = float(ball.lower())
    while not flint.arb(value) <= ball:
        value = float(np.nextafter(value, -np.inf))
        if not np.isfinite(value):
            raise NotExact("the enclosure is too wide for a float bound")
    return value


class _Precision:
    """Arb's working precision for the length of a block."""

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def __enter__(self) -> None:
        import flint

        self.before = flint.ctx.prec
        flint.ctx.prec = self.bits

    def __exit__(self, *error: object) -> None:
        import flint

        flint.ctx.prec = self.before
