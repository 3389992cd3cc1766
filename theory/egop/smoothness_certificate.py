r"""Rigorous ends of the interval for the least sum of coordinate-wise smoothness constants.

Both ends are floating-point computations whose rounding errors are bounded, so that they cost a
few matrix products and hold whatever solver proposed the point.

Model: IEEE binary64, rounding to nearest, unit roundoff ``u = 2^-53``. A sum of n products, in
any order, with or without fused multiply-adds, is off by at most ``gamma_n = n u/(1 - n u)`` times
the sum of absolute values (Higham 2002, section 3.1). This covers every BLAS without fast
(Strassen) products, and matters for the products only: a wrong Cholesky factor widens the
interval, but cannot falsify it. `_TINY` bounds what underflow adds to an entry.

Upper end (after Rump 2006, "Verification of positive definiteness", but from the residual of the
factor instead of an a-priori bound): for any float matrix R with row lengths :math:`\rho_i` and
:math:`A = \mathrm{diag}(L) - H = RR' + E`, A is positive semidefinite if E is, and E is if
:math:`E_{ii}/\rho_i^2 \ge \sum_{j \ne i} |E_{ij}|/(\rho_i\rho_j)`. With
:math:`G = \mathrm{fl}(RR')`, :math:`|G - RR'|_{ij} \le \gamma_d\rho_i\rho_j`, this is an explicit
choice of L.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg.lapack import dpotrf

from theory.core import AdageoError

_UNIT = 2.0**-53
_TINY = 1e-300
# Growth of the relative shift of the diagonal until a Cholesky factor exists.
_GROWTH = 4.0


def certified_constants(H: np.ndarray, constants: np.ndarray) -> np.ndarray:
    """Return constants close to the proposed ones that are proved to be feasible.

    Parameters
    ----------
    H : array (d, d)
        Symmetric, its floats taken as exact, entries at most of order one, no row all zero.
    constants : array (d,)
        Any finite numbers; the closer to feasible, the less they are raised.

    Returns
    -------
    array (d,)
        L with ``-diag(L) <= H <= diag(L)``.
    """
    return np.asarray(np.maximum(_dominating(H, constants), _dominating(-H, constants)))


def is_certified_feasible(H: np.ndarray, constants: np.ndarray, *, semidefinite: bool) -> bool:
    """Whether ``diag(L) - H`` and ``diag(L) + H`` are shown to be positive semidefinite.

    With `semidefinite` (H is known to be positive semidefinite, and L >= 0) the second is not
    needed. A False says only that the margin is too small to be certified.
    """
    matrices = (H,) if semidefinite else (H, -H)
    return all(_is_dominating(matrix, constants) for matrix in matrices)


def certified_lower_end(H: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    r"""Return a rigorous lower bound of the least sum from a factored dual point.

    With rows ``u_i`` of `positive` and ``v_i`` of `negative`, ``X = UU'`` and ``Y = VV'`` are
    positive semidefinite by construction, and for every feasible L
    :math:`\sum_i (|u_i|^2 + |v_i|^2) L_i \ge \langle H, X - Y\rangle`. Rows are scaled to
    :math:`|u_i|^2 + |v_i|^2 \le 1 + \delta`; then the least sum is at least
    :math:`\langle H, X - Y\rangle/(1 + \delta)`. It is also at least :math:`\sum_i |H_{ii}|`.

    Parameters
    ----------
    H : array (d, d)
        Symmetric; its floats are taken as exact.
    positive, negative : arrays (d, k) and (d, l)
        Any finite rows.

    Returns
    -------
    float
        The value, rounded down; at least 0.
    """
    trivial = _below(math.fsum(np.abs(np.diag(H)).tolist()))
    factors = np.concatenate([positive, negative], axis=1)
    lengths = np.linalg.norm(factors, axis=1, keepdims=True)
    factors = np.divide(factors, lengths, out=np.zeros_like(factors), where=lengths > 0)
    (d, columns), k = factors.shape, positive.shape[1]
    squares = np.einsum("ik,ik->i", factors, factors)
    most = float(squares.max()) * (1 + _gamma(columns + 4)) + columns * _TINY
    images = H @ factors
    images[:, k:] *= -1.0
    rows = np.einsum("ik,ik->i", factors, images)
    # |u_i||u_j| + |v_i||v_j| <= most, so that all rounding together is below a multiple of |H|.
    weight = math.fsum(np.abs(H).sum(axis=1).tolist()) * (1 + _gamma(d + 2))
    error = _gamma(d + columns + 4) * most * weight + 4 * d * d * columns * _TINY
    value = math.fsum(rows.tolist()) * (1 - 2 * _UNIT) - error * (1 + 8 * _UNIT)
    return max(0.0, trivial, _below(value / max(1.0, most) * (1 - 4 * _UNIT)))


def certified_sum(constants: np.ndarray) -> float:
    """Return the sum of floats, rounded up."""
    numbers = [float(c) for c in constants]
    total = math.fsum(numbers)
    # The sum is correctly rounded; the sign of what it leaves is exact.
    return total if math.fsum([*numbers, -total]) <= 0 else math.nextafter(total, math.inf)


def _dominating(H: np.ndarray, constants: np.ndarray) -> np.ndarray:
    """Return L close to `constants` with a proof of ``diag(L) - H >= 0``."""
    rows = np.abs(H).sum(axis=1)
    # No feasible constants are below |H_ii|; the floor makes the shifts below reach any size.
    scale = np.maximum(np.maximum(constants, np.abs(np.diag(H))), 8 * _UNIT * rows + 1e-280)
    shift = 0.0
    while True:
        matrix = -H
        matrix[np.diag_indices(len(H))] += scale * (1 + shift)
        factor, info = dpotrf(matrix.T, lower=1, clean=1)
        if info == 0 and np.all(np.isfinite(factor)):
            return _needed(H, np.ascontiguousarray(factor))
        shift = max(_GROWTH * shift, 8 * len(H) * _UNIT)
        if shift > 1 / _UNIT**2:
            raise AdageoError("no Cholesky factor was found for constants of any size")


def _is_dominating(H: np.ndarray, constants: np.ndarray) -> bool:
    matrix = -H
    # Room for the bound, which is about d^2 u times the diagonal.
    margin = 8 * len(H) ** 2 * _UNIT * np.abs(constants)
    matrix[np.diag_indices(len(H))] += constants - margin
    factor, info = dpotrf(matrix.T, lower=1, clean=1)
    if info != 0 or not np.all(np.isfinite(factor)):
        return False
    return bool(np.all(_needed(H, np.ascontiguousarray(factor)) <= constants))


def _needed(H: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Return L with ``diag(L) - H - RR'`` diagonally dominant in the scale of the rows of R."""
    d = len(H)
    gram = factor @ factor.T
    square = np.diag(gram).copy()
    lengths = np.sqrt(np.maximum(square, 1e-290))
    residual = np.abs(H + gram)
    residual[np.diag_indices(d)] = 0.0
    # rho_i rho_j gamma_d of each product, the rounding of H + G, underflow: for all j at once.
    each = residual @ (1 / lengths) * lengths
    products = (_gamma(d) * (1 + 4 * _gamma(d + 4))) * d * np.maximum(square, 1e-290)
    tiny = 4 * d * _TINY * lengths * (1 / lengths).sum()
    room = (each + products + tiny) * (1 + 4 * _gamma(d + 8))
    diagonal = np.diag(H)
    rounding = 4 * _UNIT * (np.abs(diagonal) + square + room)
    raised = np.nextafter(diagonal + square + room + rounding, np.inf)
    return np.asarray(np.maximum(raised, 0.0))


def _gamma(n: int) -> float:
    """Return an upper bound of ``n u/(1 - n u)``."""
    return n * _UNIT / (1 - 2 * n * _UNIT) * (1 + 8 * _UNIT)


def _below(value: float) -> float:
    return math.nextafter(value, -math.inf)
