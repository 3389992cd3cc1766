"""Matrix products without rounding before the last digit, through slices that BLAS adds exactly.

A float64 matrix is cut into three slices whose entries have so few bits that a dot product of
slices needs at most 53 (Ozaki, Ogita, Oishi, Rump 2012); all that is rounded is the last sum. An
ill-conditioned quadratic form so keeps the digits that a plain product loses to cancellation.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_SLICES = 3


def slices(matrix: Array, axis: int, length: int) -> list[Array]:
    """Cut `matrix` into parts of ``(53 - log2 length)/2`` bits, relative to its maxima on `axis`.

    The parts add up to `matrix` but for about 2^-60 of those maxima.
    """
    bits = (53 - math.ceil(math.log2(max(length, 2)))) // 2
    parts, rest = [], matrix
    for _ in range(_SLICES - 1):
        largest = np.max(np.abs(rest), axis=axis, keepdims=True, initial=0.0)
        # Adding and subtracting 3/4 of a power of two rounds to a multiple of its last bit.
        _, exponent = np.frexp(largest)
        shift = np.ldexp(0.75, exponent + 54 - bits)
        part = (rest + shift) - shift
        parts.append(part)
        rest = rest - part
    return [*parts, rest]


class AccurateProduct:
    """``v -> M v`` for a fixed matrix M (m, n), with an error of about 2^-60 of ``|M| |v|``.

    Parameters
    ----------
    matrix : float array (m, n)
    """

    def __init__(self, matrix: Array) -> None:
        self._length = matrix.shape[1]
        self._parts = slices(matrix, 1, self._length)

    def __call__(self, v: Array, minus: Array | float = 0.0) -> Array:
        """``M v - minus`` for v (n,) or ``M V - minus`` for V (n, k)."""
        right = slices(v, 0, self._length)
        total: Any = 0.0
        # Small levels first: each sum is rounded relative to its own size.
        for level in range(2 * _SLICES - 2, -1, -1):
            pairs = [(i, level - i) for i in range(_SLICES) if 0 <= level - i < _SLICES]
            first = -minus if level == 0 else 0.0
            total = sum((self._parts[i] @ right[j] for i, j in pairs), first) + total
        return np.asarray(total, dtype=np.float64)
