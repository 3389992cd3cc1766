"""Absolute sums of Gaussian Wigner matrices at the speed of the generator, on the CPU.

The matrix is never stored: each pair of normals is made in registers and added as
``2 sqrt(-ln u) cos(theta - pi/4)``. Definition and addresses: `wigner_reference`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from numba import types

from simulations.engine.backend import FloatArray
from simulations.kernels.normals_cpu import (
    OPTIONS,
    cosine,
    cosine32,
    magnitudes,
    magnitudes32,
    normal_pair,
    normal_pair32,
    philox,
)
from simulations.kernels.normals_reference import DIAGONAL, OFF_DIAGONAL
from simulations.kernels.wigner_reference import require_problem
from theory.core.compilation import Compiled

# Sums are closed every so many calls, so that their rounding grows with the number of chunks.
_CALLS = 1024
_CALLS_32 = 128
_DIAGONAL, _OFF = np.uint64(DIAGONAL), np.uint64(OFF_DIAGONAL)
_ZERO = np.uint64(0)
_0F = np.float32(0.0)


@numba.njit(**OPTIONS)
def _sum(size: int, part: Any, trial: Any, k0: Any, k1: Any) -> float:
    """Sum of the magnitudes of `size` normals in float64."""
    pairs = size // 2
    total = 0.0
    for start in range(0, pairs, _CALLS):
        chunk = 0.0
        for index in range(start, min(start + _CALLS, pairs)):
            w0, w1, w2, w3 = philox(np.uint64(index), part, _ZERO, trial, k0, k1)
            root, angle = magnitudes(w0, w1, w2, w3)
            chunk += root * cosine(angle)
        total += 2.0 * chunk
    if size % 2:
        w0, w1, w2, w3 = philox(np.uint64(pairs), part, _ZERO, trial, k0, k1)
        total += abs(normal_pair(w0, w1, w2, w3)[0])
    return total


@numba.njit(**OPTIONS)
def _sum32(size: int, part: Any, trial: Any, k0: Any, k1: Any) -> float:
    """Sum of the magnitudes of `size` normals in float32, two pairs a call."""
    pairs = size // 2
    calls = ((size + 1) // 2 + 1) // 2
    both = max(pairs - calls, 0)
    total = 0.0
    for start in range(0, both, _CALLS_32):
        chunk = _0F
        for index in range(start, min(start + _CALLS_32, both)):
            w0, w1, w2, w3 = philox(np.uint64(index), part, _ZERO, trial, k0, k1)
            root, angle = magnitudes32(w0, w1)
            chunk += root * cosine32(angle)
            root, angle = magnitudes32(w2, w3)
            chunk += root * cosine32(angle)
        total += 2.0 * np.float64(chunk)
    # At most the last call is left: its first pair, or the first component of either pair.
    for index in range(both, calls):
        w0, w1, w2, w3 = philox(np.uint64(index), part, _ZERO, trial, k0, k1)
        for place, u, v in ((index, w0, w1), (index + calls, w2, w3)):
            first, second = normal_pair32(u, v)
            if 2 * place < size:
                total += np.float64(abs(first))
            if 2 * place + 1 < size:
                total += np.float64(abs(second))
    return total


def _sums(on: Any, off: Any, d: int, first: int, k0: int, k1: int) -> None:
    """Fill both sums of trials first, first + 1, ... at unit standard deviations, in float64."""
    for s in range(on.size):
        trial = np.uint64(first + s)
        on[s] = _sum(d, _DIAGONAL, trial, np.uint64(k0), np.uint64(k1))
        off[s] = _sum(d * (d - 1) // 2, _OFF, trial, np.uint64(k0), np.uint64(k1))


def _sums32(on: Any, off: Any, d: int, first: int, k0: int, k1: int) -> None:
    """The same with normals in float32; the sums stay in float64."""
    for s in range(on.size):
        trial = np.uint64(first + s)
        on[s] = _sum32(d, _DIAGONAL, trial, np.uint64(k0), np.uint64(k1))
        off[s] = _sum32(d * (d - 1) // 2, _OFF, trial, np.uint64(k0), np.uint64(k1))


_SIGNATURE = types.void(types.float64[::1], types.float64[::1], *(types.int64,) * 4)
_FILL = {
    "float64": Compiled(_sums, _SIGNATURE, "wigner_float64", **OPTIONS),
    "float32": Compiled(_sums32, _SIGNATURE, "wigner_float32", **OPTIONS),
}


def absolute_sums(
    trials: int,
    d: int,
    *,
    key: int,
    first: int = 0,
    sigma_diagonal: float = 1.0,
    sigma_off: float = 1.0,
    precision: str = "float64",
    threads: int = 1,
) -> tuple[FloatArray, FloatArray]:
    """``sum_i |M_ii|`` and ``sum_{i<j} |M_ij|`` of symmetric Gaussian matrices, (trials,) each.

    Arguments, errors and numbers as in `wigner_reference.absolute_sums`, up to rounding: a few eps
    of each magnitude in the chosen precision, and of the sums sqrt(1024 + d^2/4096) eps: chunks
    of 1024 pairs, added one after the other. In float32 sqrt(256) eps: its chunks of 256 pairs
    are added in float64. The result does not depend on `threads`, over which the trials are
    spread.

    Raises
    ------
    ValueError
        As there, or if `threads` is below 1.
    """
    words = require_problem(trials, d, key, first, precision, (sigma_diagonal, sigma_off))
    if threads < 1:
        raise ValueError(f"threads is {threads}; it must be >= 1")
    on, off = np.empty(trials), np.empty(trials)
    fill = _FILL[precision]
    bounds = np.linspace(0, trials, min(threads, trials) + 1).astype(int).tolist()

    def part(place: int) -> None:
        low, high = bounds[place : place + 2]
        fill(on[low:high], off[low:high], d, first + low, *words)

    if len(bounds) == 2:
        part(0)
    else:
        with ThreadPoolExecutor(len(bounds) - 1) as pool:
            list(pool.map(part, range(len(bounds) - 1)))
    return sigma_diagonal * on, sigma_off * off
