"""Rules of the optimizers on vectors, as the fused two-layer kernels apply them.

**Rounding.** Where the processor estimates reciprocal square roots and every eps is at least
`LEAST_EPS`, the root of v in Adam, AMSGrad, RMSprop and Adagrad is, in float64, that estimate, one
step of Goldschmidt's iteration and a correction by the remainder ``v - root^2``: at most one unit
in the last place from the exact root for v above 2^-1000; below, it is lost in eps. Otherwise,
and in float32, where it is faster, the root is the processor's, rounded correctly.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from simulations.kernels.simd import (
    fma,
    fnma,
    has_estimates,
    larger,
    load,
    root,
    rsqrt14,
    sign,
    splat,
    store,
    where_positive,
)

# NaN and infinity keep their meaning, so that a diverging trial is seen; nothing is reordered.
OPTIONS: dict[str, Any] = {
    "error_model": "numpy", "fastmath": {"contract", "nsz"}, "nogil": True, "boundscheck": False,
}  # fmt: skip
INLINE: dict[str, Any] = {**OPTIONS, "forceinline": True}

SGD, MOMENTUM, NESTEROV, SIGN, ADAGRAD, RMSPROP, ADAM, AMSGRAD = range(8)
# Name -> (rule, number of slots it uses).
RULES = {
    "sgd": (SGD, 0), "sgd_momentum": (MOMENTUM, 1), "nesterov": (NESTEROV, 1),
    "sign_descent": (SIGN, 0), "adagrad": (ADAGRAD, 1), "rmsprop": (RMSPROP, 2),
    "adam": (ADAM, 2), "amsgrad": (AMSGRAD, 3),
}  # fmt: skip
SLOTS = {name: slots for name, (_, slots) in RULES.items()}
ADAPTIVE = ("adagrad", "rmsprop", "adam", "amsgrad")
# Where eps is smaller, roots of the smallest numbers matter, and the exact root is taken.
LEAST_EPS = 1e-130
_TINY = {"float64": 2.0**-1000, "float32": 2.0**-126}
# Places of the numbers that are constant in time.
B1, C1, B2, C2, DECAY, BATCH, HALF, TINY = range(8)


def constants(b1: float, b2: float, decay: float, batch: int, precision: str) -> Any:
    """Return the numbers that the kernel takes as `h`."""
    return np.array(
        [b1, 1.0 - b1, b2, 1.0 - b2, decay, max(batch, 1), 0.5, _TINY[precision]], precision
    )


# What a step is made of, as a tuple `s` of vectors that are equal in all lanes but for the rate,
# which is 0 in the lane of a trial that has stopped.
RATE, EPS = TINY + 1, TINY + 2


@numba.njit(**INLINE)
def numbers(h: Any, rate: Any, eps: Any, like: Any) -> Any:
    """The tuple `s` of one step."""
    return (
        splat(like, h[0]), splat(like, h[1]), splat(like, h[2]), splat(like, h[3]),
        splat(like, h[4]), splat(like, h[5]), splat(like, h[6]), splat(like, h[7]),
        rate, splat(like, eps),
    )  # fmt: skip


@numba.njit(**INLINE)
def _quotient(fast: int, m: Any, v: Any, s: Any) -> Any:
    """``m / (sqrt(v) + eps)``, and 0 where the denominator is 0."""
    if fast > 0:
        v = larger(v, s[TINY])
        y = rsqrt14(v)
        near, half = v * y, s[HALF] * y
        miss = fnma(near, half, s[HALF])
        near, half = fma(near, miss, near), fma(half, miss, half)
        return m / (fma(fnma(near, near, v), half, near) + s[EPS])
    denominator = root(v) + s[EPS]
    return where_positive(denominator, m / denominator)


@numba.njit(**INLINE)
def _rule(kind, fast, g, first, second, a, b, m, s):  # type: ignore[no-untyped-def]
    """Step and new slots, from g, ``(1 - b1) g`` and ``(1 - b2) g^2``."""
    move = g
    if kind == MOMENTUM:
        a = fma(s[B1], a, g)
        move = a
    elif kind == NESTEROV:
        a = fma(s[B1], a, g)
        move = fma(s[B1], a, g)
    elif kind == SIGN:
        move = sign(g)
    elif kind == ADAGRAD:
        a = fma(g, g, a)
        move = _quotient(fast, g, a, s)
    elif kind == RMSPROP:
        a = fma(s[B2], a, second)
        b = fma(s[B1], b, _quotient(fast, g, a, s))
        move = b
    elif kind >= ADAM:
        a = fma(s[B1], a, first)
        b = fma(s[B2], b, second)
        if kind == AMSGRAD:
            m = larger(b, m)
            move = _quotient(fast, a, m, s)
        else:
            move = _quotient(fast, a, b, s)
    return move, a, b, m


@numba.njit(**INLINE)
def units(kind: int, slots: int, fast: int, u: Any, at: int, stride: int, g: Any, s: Any) -> Any:
    """Move one vector of w, with gradient g; return it before and after."""
    old = load(u, at)
    g = fma(s[DECAY], old, g)
    a = load(u, at + stride) if slots > 0 else g
    b = load(u, at + 2 * stride) if slots > 1 else g
    m = load(u, at + 3 * stride) if slots > 2 else g
    step, a, b, m = _rule(kind, fast, g, s[C1] * g, s[C2] * g * g, a, b, m, s)
    new = fma(s[RATE], step, old)
    store(u, at, new)
    if slots > 0:
        store(u, at + stride, a)
    if slots > 1:
        store(u, at + 2 * stride, b)
    if slots > 2:
        store(u, at + 3 * stride, m)
    return old, new


@numba.njit(**INLINE)
def move(  # type: ignore[no-untyped-def]
    kind, slots, fast, decayed, x, at, stride, old, first, second, new, e, square, p, s
):  # fmt: skip
    """Move one vector of W; return p with the new product added."""
    value = load(x, at)
    g = old * e
    if decayed > 0:
        g = fma(s[DECAY], value, g)
        one, two = s[C1] * g, s[C2] * g * g
    else:
        one, two = first * e, second * square
    a = load(x, at + stride) if slots > 0 else g
    b = load(x, at + 2 * stride) if slots > 1 else g
    m = load(x, at + 3 * stride) if slots > 2 else g
    step, a, b, m = _rule(kind, fast, g, one, two, a, b, m, s)
    value = fma(s[RATE], step, value)
    store(x, at, value)
    if slots > 0:
        store(x, at + stride, a)
    if slots > 1:
        store(x, at + 2 * stride, b)
    if slots > 2:
        store(x, at + 3 * stride, m)
    return fma(new, value, p)


def is_fast(optimizer: str, precision: str, least_eps: float) -> bool:
    """Whether roots may start from an estimate: see the module."""
    adaptive = optimizer in ADAPTIVE and precision == "float64"
    return adaptive and least_eps >= LEAST_EPS and has_estimates()
