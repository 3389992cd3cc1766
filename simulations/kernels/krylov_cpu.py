"""The reduced two-layer network: SGD with momentum in a growing Krylov space, with its error.

A step goes twice over a matrix of a few dozen rows that stays in the first-level cache, in vectors
of 64 bytes (rows and columns are filled up with zeros, which stay zero); what the bound needs
(sums of squares, the length of the step) is a by-product. Where the defect gets too large, W_0 is
read twice for two more dimensions. The bound is explained in `simulations.krylov`.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from simulations.kernels.krylov_space_cpu import OPTIONS, extend
from simulations.kernels.simd import fma, fnma, load, splat, store, total, totals
from simulations.kernels.two_layer_reference import DIVERGED
from theory.core.compilation import compiled

_INLINE: dict[str, Any] = {**OPTIONS, "forceinline": True}
_REAL, _INTEGER = numba.types.float64, numba.types.int64
_LINE, _TABLE, _CUBE = _REAL[::1], _REAL[:, ::1], _REAL[:, :, ::1]
_COUNTS = _INTEGER[::1]

# Numbers in a vector.
LANES = 8
# Columns of `state`: weight of R_0 and its momentum, N (the error in the norm of the bound), bound
# of the error, whether it is proved, squared norms of a, V and R_0, the largest error so far in
# units of what is tolerated.
KEPT, KEPT_BUFFER, NORM, ERROR, PROVED, UNITS, COLUMNS, REMAINDER, WORST, SLOTS = range(10)
# A bound beyond this says nothing; its squares would overflow.
_HOPELESS = 1e100
_ROUNDING = float(np.finfo(np.float64).eps)
# Some dozen operations make a factor of the bound; this is more than they round away.
_UPWARDS = 1.0 + 64 * _ROUNDING
# Squares below this lose digits, and their products are lost altogether.
TINY = 1e-280


@numba.njit(**OPTIONS)
def metric(residual: float, square: float, eta: float, beta: float, decay: float) -> Any:
    """The norm of a step: rho, c_0, c_1, and the ends of D; whether it is proved, and the growth.

    `residual` bounds the curvature from below, `square` plus `residual` from above.
    """
    root, low = np.sqrt(beta), eta * max(0.0, residual - decay)
    high = eta * (square + residual + decay)
    rho = 0.5 * (1.0 + beta + low + np.sqrt((1.0 - beta) ** 2 + low * (2.0 + 2.0 * beta + low)))
    whole = rho * rho + beta
    # This is (rho - root)^2 without its cancellation.
    c1, least = root / whole, rho * (((1.0 - beta) / (1.0 + root)) ** 2 + low) / whole
    c0 = least + c1 * low
    # D is at most 1 where the sum of the two eigenvalues of a step is not negative.
    if high <= rho - beta / rho + 1.0 + beta:
        return rho, c0, c1, least, c0 + c1 * high, 1.0, rho
    half = 0.5 * (1.0 + beta - high)
    square = half * half - beta
    radius = root if square < 0.0 else abs(half) + np.sqrt(square)
    return rho, c0, c1, least, 1.0, 0.0, max(rho, radius)


@numba.njit(**OPTIONS)
def change(old: Any, new: Any, square: float, step: float, turned: float,
           eta: float, beta: float) -> Any:  # fmt: skip
    """Largest factor of the norm when the metric changes.

    Parameters
    ----------
    old, new
        Two results of `metric`.
    square, step, turned : float
        Squared norm of (w, W) at the old metric, and the change of (w, W) and of E in norm.
    """
    rho, c0, c1, least, most = old[0], old[1], old[2], old[3], old[4]
    ratio = (rho * rho + beta) / (new[0] * new[0] + beta)
    bend = step * step + turned
    rest = c1 * eta * bend + new[1] / ratio - c0
    rest /= least if rest > 0.0 else most
    inner = ratio * (1.0 + np.sqrt(c1 * eta / least) * step + rest)
    # The curvature times c_1 eta is in [least - c_0, most - c_0].
    shift = abs(1.0 - ratio) * max(most - c0, c0 - least) + abs(new[1] - c0)
    shift += new[2] * eta * (2.0 * np.sqrt(square) * step + bend)
    return np.sqrt(max(inner, 1.0 + shift / (2.0 - most)))


@numba.njit(**_INLINE)
def _over(error: Any, allowed: Any) -> Any:
    return error / allowed if allowed > 0.0 else 0.0


@numba.njit(**_INLINE)
def _length(x: Any, y: Any) -> Any:
    """Norm of (x, y), both >= 0; a bound of it where the squares are too small."""
    square = x * x + y * y
    return np.sqrt(square) if square > TINY else x + y


@numba.njit(**_INLINE)
def _whole(inside: Any, weight: Any, remainder: Any, lost: Any) -> Any:
    """Bound of the squared norm of ``P'XQ + weight R_0``, where `inside` is that of X."""
    return inside + weight * weight * remainder + 2.0 * np.sqrt(inside) * abs(weight) * lost


@numba.njit(**OPTIONS)
def _residual(product, error, target, q):  # type: ignore[no-untyped-def]
    """Renew the residual; return its squared norm and that of its change."""
    square, turned = 0.0, 0.0
    for j in range(q):
        new = product[j]
        if j == 0:
            new -= target
        turned += (new - error[j]) ** 2
        square += new * new
        error[j] = new
    return square, turned


@numba.njit(**OPTIONS)
def _grows(gap, coming, size, smaller, residual, target, tolerance):  # type: ignore[no-untyped-def]
    """Whether the defect is too large now, or would add up to too large an error."""
    rounding = _ROUNDING * (target + residual)
    if 2.0 * gap > tolerance * residual + _ROUNDING * target or coming * size > rounding:
        return True
    return coming > tolerance * smaller > 0.0


@numba.njit(**OPTIONS)
def _judge(state, proved, smaller):  # type: ignore[no-untyped-def]
    """Mark what is not proved: by the metric, by its size or by underflow."""
    state[PROVED] = min(state[PROVED], proved)
    if not state[NORM] < _HOPELESS:
        state[NORM], state[PROVED] = np.inf, 0.0
    if 0.0 < smaller < TINY:
        state[WORST], state[PROVED] = np.inf, 0.0


@numba.njit(**_INLINE)
def _eight(V, at, stride, error, q, zero):  # type: ignore[no-untyped-def]
    """Vectors that sum up to the products of eight rows with E; none waits for another."""
    d0, d1, d2, d3, d4, d5, d6, d7 = zero, zero, zero, zero, zero, zero, zero, zero
    for j in range(0, q, LANES):
        e, k = load(error, j), at + j
        d0 = fma(load(V, k), e, d0)
        d1 = fma(load(V, k + stride), e, d1)
        d2 = fma(load(V, k + 2 * stride), e, d2)
        d3 = fma(load(V, k + 3 * stride), e, d3)
        d4 = fma(load(V, k + 4 * stride), e, d4)
        d5 = fma(load(V, k + 5 * stride), e, d5)
        d6 = fma(load(V, k + 6 * stride), e, d6)
        d7 = fma(load(V, k + 7 * stride), e, d7)
    return d0, d1, d2, d3, d4, d5, d6, d7


@numba.njit(**_INLINE)
def _pass(  # type: ignore[no-untyped-def]
    a, V, a_slot, V_slot, product, error, before, eta, beta, decay, p, q
):  # fmt: skip
    """One step of SGD with momentum; leaves the old a in `before` and a'V in `product`.

    Returns |a|^2, |V|^2 and the squared norm of the momentum.
    """
    stride, first = product.size, load(error, 0)
    zero = first - first
    rate, keep, less = splat(zero, eta), splat(zero, beta), splat(zero, decay)
    units, columns, moved = zero, zero, zero
    for r in range(0, p, LANES):
        rows = _eight(V, r * stride, stride, error, q, zero)
        old = load(a, r)
        buffer = fma(keep, load(a_slot, r), fma(less, old, totals(rows, rows)))
        new = fnma(rate, buffer, old)
        store(before, r, old)
        store(a_slot, r, buffer)
        store(a, r, new)
        units, moved = fma(new, new, units), fma(buffer, buffer, moved)
    for j in range(0, q, LANES):
        e, sums = load(error, j), zero
        for i in range(p):
            k = i * stride + j
            old = load(V, k)
            buffer = fma(keep, load(V_slot, k), fma(splat(zero, before[i]), e, less * old))
            new = fnma(rate, buffer, old)
            store(V_slot, k, buffer)
            store(V, k, new)
            sums = fma(splat(zero, a[i]), new, sums)
            columns, moved = fma(new, new, columns), fma(buffer, buffer, moved)
        store(product, j, sums)
    return total(units), total(columns), total(moved)


@numba.njit(**OPTIONS)
def _enlarge(K, a, V, V_slot, product, state, level, lost):  # type: ignore[no-untyped-def]
    """Move block `level` of the basis from c R_0 to V."""
    kept, square = state[KEPT], 0.0
    for j in range(2 * level, 2 * level + 2):
        product[j] = 0.0
        for i in range(2 * level + 3):
            k = i * product.size + j
            square += K[i, j] * K[i, j]
            V[k] = kept * K[i, j]
            V_slot[k] = state[KEPT_BUFFER] * K[i, j]
            product[j] += a[i] * V[k]
    state[COLUMNS] += kept * kept * square
    state[REMAINDER] = max(0.0, state[REMAINDER] - square) + 2.0 * np.sqrt(square) * lost


@compiled(
    (
        _CUBE, _CUBE, _CUBE, _CUBE, _TABLE, _COUNTS, _TABLE, _TABLE, _TABLE, _TABLE, _TABLE, _TABLE,
        _LINE, _LINE, _COUNTS, _COUNTS, _REAL, _REAL, _REAL, _REAL, _INTEGER, _INTEGER, _REAL,
        _REAL, _REAL, _INTEGER,
    ),
    "krylov-advance",
    **OPTIONS,
)  # fmt: skip
def advance(  # type: ignore[no-untyped-def]
    W, P, Q, K, last, levels, a, V, a_slot, V_slot, product, state, error, before,
    done, diverged, target, eta, beta, decay, until, end, tolerance, stop, reserve, most,
):  # fmt: skip
    """Advance every trial to step `until`, in place, or until its basis has no room to grow.

    Returns the number of trials that have no room.

    Parameters
    ----------
    W, P, Q, K, last, levels
        As in `krylov_space_cpu.grow`.
    a (S, p), V (S, p q), product (S, q)
        Reduced network and ``a'V``, with zeros where the basis has no rows yet; p and q here are
        multiples of LANES.
    a_slot, V_slot
        Momentum.
    state (S, SLOTS), done (S,)
        What is known besides, and the steps taken.
    error (q,), before (p,)
        Room for the residual and the old a.
    diverged (S,)
        Step of divergence or -1.
    target : float
        Norm of A.
    until, end : int
        Steps to be taken in this call, and in all.
    tolerance, stop : float
        Relative error that is tolerated; a trial stops when its WORST exceeds `stop`.
    reserve : float
        The basis grows where a defect as large as now, that large an amplification of it and the
        steps that are left would exceed what is tolerated.
    most : int
        Blocks at which a basis no longer grows.
    """
    found = np.empty(Q.shape[1])
    room, full = (Q.shape[1] - 2) // 2, 0
    for s in range(len(W)):
        fresh, moved = True, 0.0
        error[:] = 0.0
        old, old_square, old_gap, old_slip = metric(0.0, 0.0, eta, beta, decay), 0.0, 0.0, 0.0
        while diverged[s] < 0 and not state[s, WORST] > stop:
            p, q = 2 * levels[s] + 1, 2 * levels[s]
            inside, turned = _residual(product[s], error, target, q)
            if not inside < DIVERGED:
                diverged[s] = done[s]
                break
            # The part of w'W outside Q, and norms of w, W and both.
            c, x, y = state[s, KEPT], a[s, p - 2], a[s, p - 1]
            across = abs(x * last[s, 0]) + abs(y * last[s, 1])
            gap = abs(c) * _length(across, abs(y * last[s, 2]))
            rest = c * c * state[s, REMAINDER]
            units = state[s, UNITS]
            columns = _whole(state[s, COLUMNS], c, state[s, REMAINDER], last[s, 3])
            square, smaller = units + columns, np.sqrt(min(units, columns))
            size, residual = np.sqrt(square), np.sqrt(inside)
            # What dropped remainders may do to w'W.
            slip = 2.0 * abs(c) * last[s, 3] * np.sqrt(units)
            now = metric(np.sqrt(inside + gap * gap) + slip, square, eta, beta, decay)
            if not fresh:
                bend = np.sqrt(turned + (gap + old_gap) ** 2) + slip + old_slip
                state[s, NORM] *= change(
                    old, now, old_square, np.sqrt(moved), (moved > 0.0) * bend, eta, beta
                )
            _judge(state[s], now[5], min(units, columns))
            shrink = np.sqrt(now[3] * (2.0 - now[3]))
            spread = _UPWARDS * state[s, NORM] / shrink
            state[s, ERROR] = spread
            allowed = tolerance * residual + _ROUNDING * target
            defect = gap * np.sqrt(units + rest)
            if levels[s] < most:
                coming = reserve * eta * defect * (end - done[s]) / shrink
                if _grows(gap, coming, size, smaller, residual, target, tolerance):
                    if levels[s] == room:
                        full += 1
                        break
                    extend(W[s], P[s], Q[s], K[s], levels[s], found, last[s])
                    _enlarge(
                        K[s], a[s], V[s], V_slot[s], product[s], state[s], levels[s], last[s, 3]
                    )
                    levels[s] += 1
                    # The same point, but the bound of its residual is another.
                    fresh, moved = False, 0.0
                    old, old_square, old_gap, old_slip = now, square, gap, slip
                    continue
            wrong = gap + slip + spread * (size + 0.5 * spread)
            ratio = max(_over(wrong, allowed), _over(spread, tolerance * smaller))
            state[s, WORST] = max(state[s, WORST], ratio)
            if done[s] >= until or state[s, WORST] > stop:
                break
            defect += slip * size + abs(c) * last[s, 3] * residual
            # The Hessian between both trajectories is not quite that of the reduced one.
            bent = eta * spread * (3.0 * size + 1.5 * spread) / shrink
            state[s, NORM] = _UPWARDS * ((now[6] + bent) * state[s, NORM] + eta * defect)
            fresh, old, old_square, old_gap, old_slip = False, now, square, gap, slip
            state[s, KEPT_BUFFER] = beta * state[s, KEPT_BUFFER] + decay * c
            state[s, KEPT] = c - eta * state[s, KEPT_BUFFER]
            state[s, UNITS], state[s, COLUMNS], moved = _pass(
                a[s], V[s], a_slot[s], V_slot[s], product[s], error, before, eta, beta, decay, p, q
            )  # fmt: skip
            moved = _whole(moved, state[s, KEPT_BUFFER], state[s, REMAINDER], last[s, 3])
            moved *= eta * eta
            done[s] += 1
    return full
