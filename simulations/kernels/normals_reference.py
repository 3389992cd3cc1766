"""Standard normals addressed by counters: the definition that the fused kernels follow.

A number is addressed by ``(index, part, row, trial)``, four words below 2^32 that make the counter
of one call of Philox4x32-10 under a 64-bit key; nothing is drawn in sequence. So a number does
not depend on who computes it: the number of threads, the order of the blocks, CPU or GPU. A call
yields 128 bits: one pair of normals in float64, two pairs in float32.

A pair is Box and Muller's (1958) by quadrants: ``r = sqrt(-2 ln u)``, an angle ``theta = pi v/2``
in the first quadrant, ``(r cos theta, r sin theta)``, and two independent signs. So the sum of
the two magnitudes is ``2 sqrt(-ln u) cos(theta - pi/4)``: what sums magnitudes needs one logarithm,
one square root and one cosine for two normals. A vector of `size` normals takes ``ceil(size/2)``
pairs: first all their first components, then all their second ones.

Exactness: u and v are uniform on a grid of 2^53 points in float64, and on the midpoints of a grid
of 2^23 cells in float32, where magnitudes end at 5.77 and ``E|z|`` is right to about 1e-7.

Source: Salmon, Moraes, Dror, Shaw (2011), Parallel random numbers: as easy as 1, 2, 3 (SC11).
"""

from __future__ import annotations

import math
from typing import Any

from simulations.engine.backend import Array
from simulations.engine.philox import philox4x32

# What a number is for: the second word of its counter.
OFF_DIAGONAL, DIAGONAL, FACTOR, CHI, SHIFT, ROWS = range(6)
PRECISIONS = ("float64", "float32")
WORD = 2**32
LONGEST = 2 * WORD


def require_address(key: int, first: int, trials: int) -> tuple[int, int]:
    """Both words of a key, low one first.

    Raises
    ------
    ValueError
        If `key` is not in [0, 2^64), or a trial in [first, first + trials) not in [0, 2^32).
    """
    if not 0 <= key < WORD**2:
        raise ValueError(f"key is {key}; it must be in [0, 2**64)")
    if trials < 1:
        raise ValueError(f"trials is {trials}; it must be >= 1")
    if not 0 <= first <= WORD - trials:
        raise ValueError(f"first is {first}; first and first + trials must be in [0, 2**32]")
    return key % WORD, key // WORD


def require_precision(precision: str) -> None:
    """Raise a ValueError unless `precision` is ``float64`` or ``float32``."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; it must be one of {', '.join(PRECISIONS)}")


def words(xp: Any, key: int, index: Array, part: int, row: int, trials: Array) -> list[Array]:
    """The four words of every call, each (trials, index), uint64 below 2^32.

    Parameters
    ----------
    xp : module
        Array-API namespace of the arrays.
    key : int in [0, 2^64)
    index, trials : (k,) and (S,) uint64
    part, row : int in [0, 2^32)
    """
    shape = (trials.shape[0], index.shape[0])
    first = xp.broadcast_to(index[None, :], shape)
    middle = [xp.full(shape, value, dtype=xp.uint64) for value in (part, row)]
    last = xp.broadcast_to(trials[:, None], shape)
    return philox4x32((first, *middle, last), (key % WORD, key // WORD))


def _uniforms(xp: Any, high: Array, low: Array) -> Array:
    """Multiples of 2^-53 in [0, 1) from the top 27 and 26 bits of two words."""
    return xp.astype((high >> 5) * 2**26 + (low >> 6), xp.float64) * 2.0**-53


def _midpoints(xp: Any, word: Array) -> Array:
    """Midpoints of cells of width 2^-23 in (0, 1) from the top 23 bits of a word."""
    return (xp.astype(word >> 9, xp.float64) + 0.5) * 2.0**-23


def _signed(xp: Any, u: Array, v: Array, bits: Array) -> tuple[Array, Array]:
    radius, angle = xp.sqrt(-2.0 * xp.log(u)), (0.5 * math.pi) * v
    signs = [1.0 - 2.0 * xp.astype((bits >> k) & 1, xp.float64) for k in (0, 1)]
    return signs[0] * radius * xp.cos(angle), signs[1] * radius * xp.sin(angle)


def pairs(xp: Any, drawn: list[Array], precision: str) -> list[tuple[Array, Array]]:
    """The pairs of normals of every call: one in float64, two in float32; float64 arrays."""
    w0, w1, w2, w3 = drawn
    if precision == "float64":
        return [_signed(xp, 1.0 - _uniforms(xp, w0, w1), _uniforms(xp, w2, w3), w3)]
    return [_signed(xp, _midpoints(xp, u), _midpoints(xp, v), v) for u, v in ((w0, w1), (w2, w3))]


def normals(
    xp: Any, key: int, part: int, row: int, trials: Array, size: int, precision: str = "float64"
) -> Array:
    """`size` standard normals of every trial: (S, size), float64.

    In float32 the calls' first pairs come before their second ones, and every value is that of
    exact arithmetic on float32's grid of uniforms.
    """
    require_precision(precision)
    count = (size + 1) // 2
    calls = count if precision == "float64" else (count + 1) // 2
    drawn = words(xp, key, xp.arange(calls, dtype=xp.uint64), part, row, trials)
    both = pairs(xp, drawn, precision)
    halves = [xp.concat([pair[k] for pair in both], axis=1)[:, :count] for k in (0, 1)]
    return xp.concat(halves, axis=1)[:, :size]
