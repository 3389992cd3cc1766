"""The counter-based normals of `normals_reference`, for inlining into numba loops.

Every function here is a handful of integer and floating-point operations without a branch or a
call, so that LLVM computes as many counters at once as a vector register holds. Numba itself has
no vectorised logarithm, sine or cosine; these are polynomials after an exact reduction of the
argument, right to a few ulp. They are short, because constants compete for registers.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

from theory.core.compilation import Compiled

# Reassociation lets sums use SIMD. Without the NumPy error model divisions would not vectorise.
OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz"},
    "nogil": True,
}
INLINE: dict[str, Any] = {**OPTIONS, "inline": "always"}

_M0, _M1, _W0, _W1 = (np.uint64(word) for word in (0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85))
_MASK, _HALF_WORD = np.uint64(0xFFFFFFFF), np.uint64(32)
_5, _6, _9, _26 = (np.uint64(shift) for shift in (5, 6, 9, 26))
_1U, _62, _63, _SIGN = (np.uint64(bits) for bits in (1, 62, 63, 2**63))
_1I, _30, _31, _SIGN32 = (np.int32(bits) for bits in (1, 30, 31, -(2**31)))
# Bits of sqrt(1/2): the exponent relative to it leaves a mantissa in [sqrt(1/2), sqrt(2)).
_ROOT = int(np.float64(math.sqrt(0.5)).view(np.int64))
_ROOT32 = np.int32(np.float32(math.sqrt(0.5)).view(np.int32))
_52, _23 = np.int64(52), np.int32(23)
_LN2, _QUARTER = math.log(2.0), 0.5 * math.pi
_GRID = 2.0**-53
_HALF_F, _1F, _2F = (np.float32(value) for value in (0.5, 1.0, 2.0))
_LN2F, _QUARTER_F, _GRID_F = (np.float32(value) for value in (_LN2, _QUARTER, 2.0**-23))


def economised(taylor: list[Fraction], radius: float, degree: int) -> tuple[float, ...]:
    """Polynomial of lower degree, almost the closest to a Taylor polynomial on [0, radius].

    From the top, each term ``c t^n`` is replaced by what Chebyshev's polynomial says of it: exact
    arithmetic, with an error of at most ``2 |c| (radius/4)^n`` for each term (Lanczos 1938).
    """
    coefficients, width = list(taylor), Fraction(radius)
    for n in range(len(coefficients) - 1, degree, -1):
        top = coefficients.pop()
        # T*_n(x) = sum_k (-1)^(n-k) n 4^k (n+k-1)! / ((n-k)! (2k)!) x^k, leading 2^(2n-1).
        for k in range(n):
            share = Fraction(n * 4**k * math.factorial(n + k - 1),
                             math.factorial(n - k) * math.factorial(2 * k))  # fmt: skip
            coefficients[k] -= top * (-1) ** (n - k) * share * width ** (n - k) / 2 ** (2 * n - 1)
    return tuple(float(c) for c in coefficients)


_ARTANH = [Fraction(1, 2 * k + 1) for k in range(14)]
_COSINE = [Fraction((-1) ** k, math.factorial(2 * k)) for k in range(12)]
_SINE = [Fraction((-1) ** k, math.factorial(2 * k + 1)) for k in range(12)]
# s^2 for a mantissa in [sqrt(1/2), sqrt(2)], and (pi/4)^2.
_S_SQUARE, _X_SQUARE = 0.0295, 0.6169
# 2 artanh(s) = 2 s p(s^2), cos x = p(x^2), sin x = x p(x^2), to 2^-53 and, for float32, 2^-25.
_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7 = economised(_ARTANH, _S_SQUARE, 7)
_C0, _C1, _C2, _C3, _C4, _C5, _C6 = economised(_COSINE, _X_SQUARE, 6)
_S0, _S1, _S2, _S3, _S4, _S5, _S6 = economised(_SINE, _X_SQUARE, 6)
_L0F, _L1F, _L2F, _L3F = (np.float32(c) for c in economised(_ARTANH, _S_SQUARE, 3))
_C0F, _C1F, _C2F, _C3F = (np.float32(c) for c in economised(_COSINE, _X_SQUARE, 3))
_S0F, _S1F, _S2F, _S3F = (np.float32(c) for c in economised(_SINE, _X_SQUARE, 3))


def _cast(source: Any, target: Any) -> Any:
    """An intrinsic that reads the bits of one type as those of another."""

    @intrinsic
    def cast(context: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return target(source), generate

    return cast


_bits = _cast(types.float64, types.int64)
_number = _cast(types.int64, types.float64)
_bits32 = _cast(types.float32, types.int32)
_number32 = _cast(types.int32, types.float32)


@numba.njit(**INLINE)
def philox(index: Any, part: Any, row: Any, trial: Any, k0: Any, k1: Any) -> Any:
    """Philox4x32-10: four words in the low halves of uint64 values; arguments are uint64."""
    c0, c1, c2, c3 = index, part, row, trial
    for _ in range(10):
        p0, p1 = (c0 & _MASK) * _M0, (c2 & _MASK) * _M1
        c0, c1 = (p1 >> _HALF_WORD) ^ c1 ^ k0, p1 & _MASK
        c2, c3 = (p0 >> _HALF_WORD) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + _W0) & _MASK, (k1 + _W1) & _MASK
    return c0, c1, c2, c3


@numba.njit(**INLINE)
def uniform(high: Any, low: Any) -> Any:
    """Multiple of 2^-53 in [0, 1)."""
    return np.float64(np.int64(((high >> _5) << _26) | (low >> _6))) * _GRID


@numba.njit(**INLINE)
def midpoint(word: Any) -> Any:
    """Midpoint of a cell of width 2^-23 in (0, 1), float32."""
    return (np.float32(np.int32(word >> _9)) + _HALF_F) * _GRID_F


@numba.njit(**INLINE)
def minus_log(u: Any) -> Any:
    """``-ln u`` for a normal float64 u in (0, 1]."""
    bits = _bits(u)
    exponent = (bits - _ROOT) >> _52
    m = _number(bits - (exponent << _52))
    s = (m - 1.0) / (m + 1.0)
    t = s * s
    p = _L3 + t * (_L4 + t * (_L5 + t * (_L6 + t * _L7)))
    p = _L0 + t * (_L1 + t * (_L2 + t * p))
    return -(np.float64(exponent) * _LN2 + 2.0 * s * p)


@numba.njit(**INLINE)
def minus_log32(u: Any) -> Any:
    """``-ln u`` for a normal float32 u in (0, 1]."""
    bits = _bits32(u)
    exponent = np.int32(bits - _ROOT32) >> _23
    m = _number32(np.int32(bits - np.int32(exponent << _23)))
    s = (m - _1F) / (m + _1F)
    t = s * s
    p = _L0F + t * (_L1F + t * (_L2F + t * _L3F))
    return -(np.float32(exponent) * _LN2F + _2F * s * p)


@numba.njit(**INLINE)
def cosine(x: Any) -> Any:
    """``cos x`` for float64 x in [-pi/4, pi/4]."""
    t = x * x
    p = _C3 + t * (_C4 + t * (_C5 + t * _C6))
    return _C0 + t * (_C1 + t * (_C2 + t * p))


@numba.njit(**INLINE)
def sine(x: Any) -> Any:
    """``sin x`` for float64 x in [-pi/4, pi/4]."""
    t = x * x
    p = _S3 + t * (_S4 + t * (_S5 + t * _S6))
    return x * (_S0 + t * (_S1 + t * (_S2 + t * p)))


@numba.njit(**INLINE)
def cosine32(x: Any) -> Any:
    """``cos x`` for float32 x in [-pi/4, pi/4]."""
    t = x * x
    return _C0F + t * (_C1F + t * (_C2F + t * _C3F))


@numba.njit(**INLINE)
def sine32(x: Any) -> Any:
    """``sin x`` for float32 x in [-pi/4, pi/4]."""
    t = x * x
    return x * (_S0F + t * (_S1F + t * (_S2F + t * _S3F)))


@numba.njit(**INLINE)
def magnitudes(w0: Any, w1: Any, w2: Any, w3: Any) -> Any:
    """Root ``sqrt(-ln u)`` and angle in [-pi/4, pi/4) of one call's pair in float64."""
    # Both uniforms before the logarithm: 0.7 ns a normal, and 0.9 ns in the other order.
    u = 1.0 - uniform(w0, w1)
    v = uniform(w2, w3)
    return np.sqrt(minus_log(u)), (v - 0.5) * _QUARTER


@numba.njit(**INLINE)
def magnitudes32(u: Any, v: Any) -> Any:
    """The same of the pair that two words make in float32."""
    first = midpoint(u)
    second = midpoint(v)
    return np.sqrt(minus_log32(first)), (second - _HALF_F) * _QUARTER_F


@numba.njit(**INLINE)
def normal_pair(w0: Any, w1: Any, w2: Any, w3: Any) -> Any:
    """The two normals of one call in float64."""
    root, angle = magnitudes(w0, w1, w2, w3)
    c, s = cosine(angle), sine(angle)
    # With theta = angle + pi/4, sqrt(2) cos theta = c - s and sqrt(2) sin theta = c + s.
    first = _bits(root * (c - s)) ^ np.int64(w3 << _63)
    second = _bits(root * (c + s)) ^ np.int64((w3 << _62) & _SIGN)
    return _number(first), _number(second)


@numba.njit(**INLINE)
def normal_pair32(u: Any, v: Any) -> Any:
    """The two normals that two words make in float32."""
    root, angle = magnitudes32(u, v)
    c, s = cosine32(angle), sine32(angle)
    word = np.int32(v)
    first = _bits32(root * (c - s)) ^ np.int32(word << _31)
    second = _bits32(root * (c + s)) ^ np.int32(np.int32(word << _30) & _SIGN32)
    return _number32(np.int32(first)), _number32(np.int32(second))


_ZERO = np.uint64(0)


def _generator(calls: int, trial: int, k0: int, k1: int) -> Any:
    """Exclusive or of all words of `calls` calls: the generator alone, a limit for its users."""
    mixed = _ZERO
    for index in range(calls):
        w0, w1, w2, w3 = philox(
            np.uint64(index), _ZERO, _ZERO, np.uint64(trial), np.uint64(k0), np.uint64(k1)
        )
        mixed ^= w0 ^ w1 ^ w2 ^ w3
    return mixed


generator = Compiled(_generator, types.uint64(*(types.int64,) * 4), "generator", **OPTIONS)
