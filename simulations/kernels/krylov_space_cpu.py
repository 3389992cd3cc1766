"""Golub and Kahan's bidiagonalisation in blocks of two, one block of one trial at a time."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from theory.core.compilation import compiled

OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz"},
    "nogil": True,
}
_REAL, _INTEGER = numba.types.float64, numba.types.int64
_LINE, _TABLE, _CUBE = _REAL[::1], _REAL[:, ::1], _REAL[:, :, ::1]

# Remainders of this relative size are mostly rounding: the Krylov space is exhausted.
_DEFLATED = 1e-14
# Below this length squares lose digits.
_SHORTEST = 1e-145


@numba.njit(**OPTIONS)
def _orthonormal(x, rows, count, coordinates):  # type: ignore[no-untyped-def]
    """Make x a unit vector orthogonal to the first rows, or zero where almost nothing is left.

    Returns the length of what is left, and a bound of what was dropped instead.
    """
    scale, floor = 1.0, max(_SHORTEST, _DEFLATED * np.sqrt(np.dot(x, x)))
    for r in range(count):
        coordinates[r] = 0.0
    # Twice is enough: the second pass removes what cancellation left.
    for _ in range(2):
        for r in range(count):
            part = np.dot(rows[r], x)
            coordinates[r] += part * scale
            for j in range(x.size):
                x[j] -= part * rows[r, j]
        size = np.sqrt(np.dot(x, x))
        if size <= floor:
            dropped = scale * (size if size > _SHORTEST else np.sum(np.abs(x)))
            x[:] = 0.0
            return 0.0, dropped
        x /= size
        scale, floor = scale * size, 0.0
    return scale, 0.0


@numba.njit(**OPTIONS)
def _rows_times(W, x, y):  # type: ignore[no-untyped-def]
    """``y = x W'`` for two rows at once: W is read from memory once."""
    d, n = W.shape
    for i in range(d):
        one, two = 0.0, 0.0
        for j in range(n):
            one += W[i, j] * x[0, j]
            two += W[i, j] * x[1, j]
        y[0, i], y[1, i] = one, two


@numba.njit(**OPTIONS)
def _columns_times(W, x, y):  # type: ignore[no-untyped-def]
    """``y = x W`` for two rows at once."""
    d, n = W.shape
    y[:] = 0.0
    for i in range(d):
        for j in range(n):
            y[0, j] += W[i, j] * x[0, i]
            y[1, j] += W[i, j] * x[1, i]


@numba.njit(**OPTIONS)
def extend(W, P, Q, K, level, found, last):  # type: ignore[no-untyped-def]
    """Add block number `level` of one trial; see `grow`."""
    q, p = 2 * level, 2 * level + 1
    _rows_times(W, Q[q : q + 2], P[p : p + 2])
    for i in range(2):
        length, dropped = _orthonormal(P[p + i], P, p + i, found)
        last[3] += dropped
        # W'P made the last rows of Q, so that the others do not meet the new ones.
        for r in range(max(0, p - 2 + i), p + i):
            K[r, q + i] = found[r]
        K[p + i, q + i] = length
    _columns_times(W, P[p : p + 2], Q[q + 2 : q + 4])
    first, dropped = _orthonormal(Q[q + 2], Q, q + 2, found)
    second, besides = _orthonormal(Q[q + 3], Q, q + 3, found)
    last[0], last[1], last[2] = first, found[q + 2], second
    last[3] += dropped + besides


@compiled((_CUBE, _CUBE, _CUBE, _LINE, _TABLE, _TABLE, _LINE), "krylov-start", **OPTIONS)
def start(W, P, Q, A, last, squares, length):  # type: ignore[no-untyped-def]
    """Make the first rows of Q from A and ``w'W``; P's first row is w, to be normalised.

    Parameters
    ----------
    W (S, d, n), P (S, p, d), Q (S, q >= 2, n), A (n,)
    last (S, 4)
        As in `grow`, of which the last column is set on exit.
    squares (S, d), length (S,)
        Squared norms of the rows of W, and the norm of w, on exit.
    """
    found = np.empty(2)
    for s in range(len(W)):
        unit, image = P[s, 0], Q[s, 1]
        length[s] = np.sqrt(np.dot(unit, unit))
        if length[s] > 0.0:
            unit /= length[s]
        Q[s, 0], image[:] = A, 0.0
        for i in range(W.shape[1]):
            square = 0.0
            for j in range(W.shape[2]):
                image[j] += unit[i] * W[s, i, j]
                square += W[s, i, j] * W[s, i, j]
            squares[s, i] = square
        _orthonormal(Q[s, 0], Q[s], 0, found)
        last[s, 3] = _orthonormal(image, Q[s], 1, found)[1]


@compiled((_CUBE, _CUBE, _CUBE, _CUBE, _TABLE, _INTEGER[::1], _INTEGER), "krylov-grow", **OPTIONS)
def grow(W, P, Q, K, last, levels, wanted):  # type: ignore[no-untyped-def]
    """Extend the bases of every trial to `wanted` blocks, in place.

    Parameters
    ----------
    W (S, d, n), P (S, >= 2 wanted + 1, d), Q (S, >= 2 wanted + 2, n), K (S, len P, len Q - 2)
        Rows of P and Q are the basis vectors; Q has two more, which start the next block.
    last (S, 4)
        Triangular factor ``[xx, xy, yy]`` of ``P_l R_0`` on exit, P_l the last two rows of P:
        its rows are ``xx, 0`` and ``xy, yy`` in the two rows that start the next block. In the
        last column the lengths of all dropped remainders are added up.
    levels (S,)
        Blocks that there are.
    """
    found = np.empty(Q.shape[1])
    for s in range(len(W)):
        while levels[s] < wanted:
            extend(W[s], P[s], Q[s], K[s], levels[s], found, last[s])
            levels[s] += 1
