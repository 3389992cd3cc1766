"""Fused CPU kernels of the two-layer dynamics: one pass over the weights per step.

The gradient with respect to W is the outer product of w and the residual E, so it is never
stored. For row i the pass reads ``W_i . E`` (the gradient of w_i), moves w_i, moves the row with
``g_ij = w_i(old) E_j`` and adds ``w_i(new) W_ij(new)`` to the next product w'W: each row is read
from memory once per step. Memory holds, row after row, the row of W and those of its moments
(`two_layer_layout`), in vectors of 64 bytes: consecutive columns of one trial, four rows at a
pass, or for small d the same element of as many trials as a vector has lanes.

**Rounding.** A step computes what the reference does with sums in another order, w'W and
``W_i . E`` within ``n u`` of the sum of their terms' moduli (u = 2^-53 or 2^-24), some products
fused into sums, and roots as `two_layer_rules` says.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numba

from simulations.kernels.simd import (
    WIDTH,
    fma,
    load,
    root,
    splat,
    store,
    total,
    totals,
    where_positive,
)
from simulations.kernels.two_layer_reference import DIVERGED
from simulations.kernels.two_layer_rules import (
    BATCH,
    C1,
    C2,
    INLINE,
    OPTIONS,
    RATE,
    RULES,
    move,
    numbers,
    units,
)
from theory.core.compilation import Compiled


@numba.njit(**INLINE)
def _move_row(  # type: ignore[no-untyped-def]
    kind, slots, fast, decayed, width, size, x, at, old, new, error, p, s
):  # fmt: skip
    first, second = s[C1] * old, s[C2] * old * old
    for j in range(0, size, width):
        e = load(error, j)
        q = move(kind, slots, fast, decayed, x, at + j * (1 + slots), width, old, first, second,
                  new, e, e * e, load(p, j), s)  # fmt: skip
        store(p, j, q)


@numba.njit(**INLINE)
def _move_four(  # type: ignore[no-untyped-def]
    kind, slots, fast, decayed, width, size, x, at, row, olds, news, r, error, p, s
):  # fmt: skip
    """Move four rows at a pass: a quarter of the traffic of E and of the product."""
    like = s[RATE]
    o0, o1 = splat(like, olds[r]), splat(like, olds[r + 1])
    o2, o3 = splat(like, olds[r + 2]), splat(like, olds[r + 3])
    n0, n1 = splat(like, news[r]), splat(like, news[r + 1])
    n2, n3 = splat(like, news[r + 2]), splat(like, news[r + 3])
    f0, f1, f2, f3 = s[C1] * o0, s[C1] * o1, s[C1] * o2, s[C1] * o3
    s0, s1, s2, s3 = s[C2] * o0 * o0, s[C2] * o1 * o1, s[C2] * o2 * o2, s[C2] * o3 * o3
    for j in range(0, size, width):
        e, q, k = load(error, j), load(p, j), at + j * (1 + slots)
        ee = e * e
        q = move(kind, slots, fast, decayed, x, k, width, o0, f0, s0, n0, e, ee, q, s)
        q = move(kind, slots, fast, decayed, x, k + row, width, o1, f1, s1, n1, e, ee, q, s)
        q = move(kind, slots, fast, decayed, x, k + 2 * row, width, o2, f2, s2, n2, e, ee, q, s)
        q = move(kind, slots, fast, decayed, x, k + 3 * row, width, o3, f3, s3, n3, e, ee, q, s)
        store(p, j, q)


@numba.njit(**INLINE)
def _dot(width: int, step: int, size: int, x: Any, at: int, error: Any, zero: Any) -> Any:
    found = zero
    for j in range(0, size, width):
        found = fma(load(x, at + j * step), load(error, j), found)
    return found


@numba.njit(**INLINE)
def _eight(width, step, x, at, row, error, zero):  # type: ignore[no-untyped-def]
    """Vectors that sum up to the products of eight rows with E; none waits for another."""
    d0, d1, d2, d3, d4, d5, d6, d7 = zero, zero, zero, zero, zero, zero, zero, zero
    for j in range(0, error.size, width):
        e, k = load(error, j), at + j * step
        d0 = fma(load(x, k), e, d0)
        d1 = fma(load(x, k + row), e, d1)
        d2 = fma(load(x, k + 2 * row), e, d2)
        d3 = fma(load(x, k + 3 * row), e, d3)
        d4 = fma(load(x, k + 4 * row), e, d4)
        d5 = fma(load(x, k + 5 * row), e, d5)
        d6 = fma(load(x, k + 6 * row), e, d6)
        d7 = fma(load(x, k + 7 * row), e, d7)
    return d0, d1, d2, d3, d4, d5, d6, d7


@numba.njit(**INLINE)
def _block_units(  # type: ignore[no-untyped-def]
    kind, slots, fast, width, i, row, x, u, error, olds, news, zero, s
):  # fmt: skip
    """Move the w of one block of rows; leave it before and after in olds and news."""
    low = _eight(width, 1 + slots, x, i * row, row, error, zero)
    high = low
    if width > 8:
        high = _eight(width, 1 + slots, x, (i + 8) * row, row, error, zero)
    g = totals(low, high)
    old, new = units(kind, slots, fast, u, i, u.size // (1 + slots), g, s)
    store(olds, 0, old)
    store(news, 0, new)


@numba.njit(**INLINE)
def _residual(width: int, size: int, p: Any, A: Any, error: Any, zero: Any) -> Any:
    """Set E, clear the product, and return the vector of squares."""
    found = zero
    for j in range(0, size, width):
        e = load(p, j) - load(A, j)
        store(error, j, e)
        store(p, j, zero)
        found = fma(e, e, found)
    return found


@numba.njit(**INLINE)
def _batch(  # type: ignore[no-untyped-def]
    rows, width, size, error, square, chi, normals, s, zero
):  # fmt: skip
    """Replace the residual by what a batch shows of it (see the reference)."""
    inner = zero
    for j in range(0, size, width):
        inner = fma(load(error, j), load(normals, j), inner)
    if rows > 0:
        inner, square = splat(zero, total(inner)), splat(zero, total(square))
    length, spread = root(square), root(chi)
    along = chi - where_positive(length, spread * inner / length)
    across = spread * length
    for j in range(0, size, width):
        e = fma(load(error, j), along, across * load(normals, j))
        store(error, j, e / s[BATCH])


@numba.njit(**INLINE)
def _shift(width: int, size: int, error: Any, target: Any) -> None:
    for j in range(0, size, width):
        store(error, j, load(error, j) - load(target, j))


@numba.njit(**INLINE)
def _stop(squares: Any, going: Any, diverged: Any, step: int) -> None:
    """Note the trials of one block that diverge now."""
    for k in range(diverged.size):
        if going[k] > 0.0 and not squares[k] < DIVERGED:
            going[k] = 0.0
            diverged[k] = step


def _by_rows(kind: int, slots: int, fast: int, decayed: int, width: int) -> Callable[..., None]:
    def advance(  # type: ignore[no-untyped-def]
        d, row, X, U, P, A, rates, epsilons, h, batch, chi, normals, target, first, diverged, error,
        lanes,
    ):  # fmt: skip
        size = A.size
        olds, news = lanes[:width], lanes[width:]
        like = load(A, 0)
        zero = like - like
        for block in range(len(X)):
            if diverged[block] >= 0:
                continue
            x, u, p = X[block], U[block], P[block]
            for t in range(rates.size):
                square = _residual(width, size, p, A, error, zero)
                s = numbers(h, splat(zero, -rates[t]), epsilons[t], zero)
                if not total(square) < DIVERGED:
                    diverged[block] = first + t
                    break
                if batch > 0:
                    _batch(1, width, size, error, square, splat(zero, chi[block, t, 0]),
                           normals[block, t], s, zero)  # fmt: skip
                if target.size > 0:
                    _shift(width, size, error, target[block, t])
                for i in range(0, d, width):
                    _block_units(kind, slots, fast, width, i, row, x, u, error, olds, news, zero, s)
                    for k in range(0, min(width, d - i), 4):
                        _move_four(kind, slots, fast, decayed, width, size, x, (i + k) * row, row,
                                   olds, news, k, error, p, s)  # fmt: skip

    return advance


def _by_trials(kind: int, slots: int, fast: int, decayed: int, width: int) -> Callable[..., None]:
    def advance(  # type: ignore[no-untyped-def]
        d, row, X, U, P, A, rates, epsilons, h, batch, chi, normals, target, first, diverged, error,
        lanes,
    ):  # fmt: skip
        size = A.size
        squares, going = lanes[:width], lanes[width:]
        like = load(A, 0)
        zero = like - like
        for block in range(len(X)):
            x, u, p = X[block], U[block], P[block]
            mine = diverged[block * width : (block + 1) * width]
            for k in range(width):
                going[k] = 1.0 if k < mine.size and mine[k] < 0 else 0.0
            for t in range(rates.size):
                square = _residual(width, size, p, A, error, zero)
                store(squares, 0, square)
                _stop(squares, going, mine, first + t)
                moving = load(going, 0)
                s = numbers(h, moving * splat(zero, -rates[t]), epsilons[t], zero)
                if batch > 0:
                    _batch(0, width, size, error, square, load(chi[block, t], 0),
                           normals[block, t], s, zero)  # fmt: skip
                if target.size > 0:
                    _shift(width, size, error, target[block, t])
                # No infinity of a stopped trial meets a rate of 0.
                for j in range(0, size, width):
                    store(error, j, where_positive(moving, load(error, j)))
                for i in range(d):
                    at = i * row
                    g = _dot(width, 1 + slots, size, x, at, error, zero)
                    old, new = units(kind, slots, fast, u, i * width, d * width, g, s)
                    _move_row(kind, slots, fast, decayed, width, size, x, at, old, new, error, p, s)

    return advance


@cache
def kernel(
    optimizer: str, precision: str, *, by_trials: bool, decayed: bool, fast: bool
) -> Compiled:
    """Return the compiled ``advance`` of one optimizer; it moves its arguments in place.

    ``advance(d, row, X, U, P, A, rates, epsilons, h, batch, chi, normals, target, first, diverged,
    error, lanes)`` takes ``rates.size`` steps of every trial. Memory as `two_layer_layout.Layout`
    has it: X, U and P (blocks, ...) are the rows of W with those of its slots, w with its slots,
    and w'W, correct on entry and on exit; A, and error for scratch, one row; h the `constants`;
    chi (blocks, steps, 1 or lanes), normals and target (blocks, steps, row) or empty; `first` the
    number of steps already taken; diverged (trials,) the step of divergence or -1; lanes two
    vectors of scratch. A trial that diverged is left where it was.

    Parameters
    ----------
    optimizer : str
        A name of `SLOTS`.
    precision : {"float64", "float32"}
    by_trials : bool
        Whether a vector is the same element of several trials.
    decayed : bool
        Whether there is weight decay.
    fast : bool
        Whether square roots start from the processor's estimate.
    """
    make = _by_trials if by_trials else _by_rows
    function = make(*RULES[optimizer], int(fast), int(decayed), WIDTH[precision])
    real = getattr(numba.types, precision)
    line, table, cube = real[::1], real[:, ::1], real[:, :, ::1]
    whole, steps = numba.types.int64, numba.types.int64[::1]
    signature = (
        whole, whole, table, table, table, line, line, line, line, whole, cube, cube, cube, whole,
        steps, line, line,
    )  # fmt: skip
    words = ("two-layer", optimizer, precision, "trials" if by_trials else "rows")
    label = "-".join([*words, *["decayed"] * decayed, *["fast"] * fast])
    return Compiled(function, signature, label, **OPTIONS)
