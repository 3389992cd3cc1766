"""Low-rank solver of the smoothness semidefinite program: block coordinate ascent on the dual.

With unit rows ``(u_i, v_i)`` the dual is ``max sum H_ij (u_i.u_j - v_i.v_j)``. For fixed other
rows the best row i is ``(g_i/(L_i - H_ii), -f_i/(L_i + H_ii))``, where
``g_i = sum_{j != i} H_ij u_j``, ``f_i = sum_{j != i} H_ij v_j`` and ``L_i`` solves
``|g_i|^2/(L_i - H_ii)^2 + |f_i|^2/(L_i + H_ii)^2 = 1``. These multipliers are the constants. Rank
``ceil(sqrt(2 d)) + 1`` is enough for a generic H, and the certificate tells when it was not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from theory.egop.smoothness_barrier import DualPair

_SWEEPS = 20_000
_TOLERANCE = 1e-10


def solve_by_mixing(H: np.ndarray, *, sweeps: int = _SWEEPS) -> DualPair:
    """Maximise the dual by block coordinate ascent on rows of low rank.

    Parameters
    ----------
    H : array (d, d)
        Symmetric and finite, scaled to entries of order one.
    sweeps : int
        Most sweeps over all rows.

    Returns
    -------
    DualPair
        With factors of rank ``ceil(sqrt(2 d)) + 1``.
    """
    d = len(H)
    rank = math.ceil(math.sqrt(2 * d)) + 1
    # A fixed start: the result is a function of H alone, and the certificate does not trust it.
    rows = np.random.Generator(np.random.Philox(key=d)).standard_normal((d, 2 * rank))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    positive, negative = rows[:, :rank].copy(), rows[:, rank:].copy()
    constants = np.zeros(d)
    matrix = np.ascontiguousarray(H, dtype=np.float64)
    done = _compiled()(matrix, positive, negative, constants, sweeps, _TOLERANCE)
    return DualPair(constants, positive, negative, int(done))


@cache
def _compiled() -> Callable[..., int]:
    import numba

    multiplier = numba.njit(_multiplier)
    return numba.njit(_make_ascent(multiplier))  # type: ignore[no-any-return]


def _multiplier(a: float, b: float, h: float) -> float:
    """Return the L above |h| with ``a/(L - h)^2 + b/(L + h)^2 = 1``, or |h| if there is none."""
    low = max(abs(h), math.sqrt(a) + h, math.sqrt(b) - h)
    value = low
    for _ in range(100):
        x, y = value - h, value + h
        if (x <= 0.0 and a > 0.0) or (y <= 0.0 and b > 0.0):
            value = 0.5 * (value + abs(h) + math.sqrt(a + b))
            continue
        p = a / (x * x) if a > 0.0 else 0.0
        q = b / (y * y) if b > 0.0 else 0.0
        if p + q <= 1.0:
            return value
        slope = (p / x if a > 0.0 else 0.0) + (q / y if b > 0.0 else 0.0)
        # Newton on 1/sqrt(p + q), which is concave and nearly linear: monotone from below.
        following = value + (p + q) * (math.sqrt(p + q) - 1.0) / slope
        if following <= value:
            return value
        value = following
    return value


def _make_ascent(multiplier: Callable[[float, float, float], float]) -> Callable[..., Any]:
    def ascend(
        H: Any, positive: Any, negative: Any, constants: Any, sweeps: int, tolerance: float
    ) -> int:
        d = len(constants)
        for sweep in range(sweeps):
            change = 0.0
            for i in range(d):
                h = H[i, i]
                g = H[i] @ positive - h * positive[i]
                f = H[i] @ negative - h * negative[i]
                a, b = g @ g, f @ f
                level = multiplier(a, b, h)
                constants[i] = level
                x, y = level - h, level + h
                if a > 0.0:
                    g /= x
                elif b == 0.0 and h > 0.0:
                    g[:] = positive[i]
                if b > 0.0:
                    f /= -y
                elif a == 0.0 and h < 0.0:
                    f[:] = negative[i]
                length = math.sqrt(g @ g + f @ f)
                if length == 0.0:  # a zero row of H: any unit row is optimal
                    continue
                g /= length
                f /= length
                change += ((g - positive[i]) ** 2).sum() + ((f - negative[i]) ** 2).sum()
                positive[i] = g
                negative[i] = f
            if change <= tolerance * tolerance * d:
                return sweep + 1
        return sweeps

    return ascend
