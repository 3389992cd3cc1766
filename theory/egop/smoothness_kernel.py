"""The compiled sweeps of the low-rank solver; import it only where they are needed."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from theory.core.compilation import Compiled

# Reassociation lets the inner products use SIMD.
_OPTIONS: dict[str, Any] = {
    "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}, "nogil": True,
}  # fmt: skip
# Rows of a factor that share one pass over a row of H.
LANES = 4
_NEWTON = 100


@numba.njit(**_OPTIONS)
def _multiplier(a: float, b: float, h: float) -> float:
    """Return the L above |h| with ``a/(L - h)^2 + b/(L + h)^2 = 1``, or |h| if there is none."""
    value = max(abs(h), math.sqrt(a) + h, math.sqrt(b) - h)
    for _ in range(_NEWTON):
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


@numba.njit(**_OPTIONS)
def _images(row: Any, factor: Any, out: Any) -> Any:
    """Fill `out` with the columns j of a factor times the entries of a row; its squared length."""
    square = 0.0
    for c in range(0, factor.shape[0], 4):
        u0, u1, u2, u3 = factor[c], factor[c + 1], factor[c + 2], factor[c + 3]
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        for j in range(row.size):
            x = row[j]
            s0 += x * u0[j]
            s1 += x * u1[j]
            s2 += x * u2[j]
            s3 += x * u3[j]
        out[c], out[c + 1], out[c + 2], out[c + 3] = s0, s1, s2, s3
    for c in range(out.size):
        square += out[c] * out[c]
    return square


@numba.njit(**_OPTIONS)
def _replace(factor: Any, i: Any, values: Any, factor_of: Any) -> Any:
    """Put a multiple of `values` into column i; the squared change."""
    change = 0.0
    for c in range(values.size):
        value = values[c] * factor_of
        change += (value - factor[c, i]) ** 2
        factor[c, i] = value
    return change


def _ascend(
    off: Any, diagonal: Any, positive: Any, negative: Any, constants: Any,
    sweeps: Any, tolerance: Any,
) -> Any:  # fmt: skip
    """Sweep over the rows until they move by less than `tolerance` on average; sweeps done.

    Parameters
    ----------
    off : array (d, d)
        H with zeros on the diagonal, C-contiguous.
    diagonal : array (d,)
        That of H.
    positive, negative : arrays (k, d), (l, d)
        Factors U' and V', changed in place; k and l are multiples of ``LANES``.
    constants : array (d,)
        The multipliers, written.
    sweeps : int
    tolerance : float
    """
    d = constants.size
    g, f = np.empty(positive.shape[0]), np.empty(negative.shape[0])
    for sweep in range(sweeps):
        change = 0.0
        for i in range(d):
            h = diagonal[i]
            a, b = _images(off[i], positive, g), _images(off[i], negative, f)
            level = _multiplier(a, b, h)
            constants[i] = level
            p = 1.0 / (level - h) if a > 0.0 else 0.0
            q = -1.0 / (level + h) if b > 0.0 else 0.0
            if a == 0.0 and b == 0.0:  # only H_ii is left: all of the row on its side
                own, other = (positive, g) if h > 0.0 else (negative, f)
                for c in range(other.size):
                    other[c] = own[c, i]
                p, q = (1.0, 0.0) if h > 0.0 else (0.0, 1.0)
            length = 0.0
            for c in range(g.size):
                length += (g[c] * p) ** 2
            for c in range(f.size):
                length += (f[c] * q) ** 2
            if length == 0.0 or (h == 0.0 and a == 0.0 and b == 0.0):
                continue  # any unit row is optimal
            scale = 1.0 / math.sqrt(length)
            change += _replace(positive, i, g, p * scale)
            change += _replace(negative, i, f, q * scale)
        if change <= tolerance * tolerance * d:
            return sweep + 1
    return sweeps


ascend = Compiled(
    _ascend,
    "int64(f8[:,::1], f8[::1], f8[:,::1], f8[:,::1], f8[::1], int64, float64)",
    "smoothness_ascend",
    **_OPTIONS,
)
