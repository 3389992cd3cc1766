"""The reduced two-layer network: its Krylov space, and SGD with momentum with an error bound.

The same row-local pass as `two_layer_cpu`, over matrices of a few dozen rows; what the bound
needs (sums of squares, the last coordinates of a) is a by-product of the pass. The bound is
explained in `simulations.krylov`.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from simulations.kernels.two_layer_reference import DIVERGED
from theory.core.compilation import compiled

_OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz"},
    "nogil": True,
}
_INLINE: dict[str, Any] = {**_OPTIONS, "inline": "always"}
_REAL, _INTEGER = numba.types.float64, numba.types.int64
_LINE, _TABLE, _CUBE = _REAL[::1], _REAL[:, ::1], _REAL[:, :, ::1]

# Columns of `state`: weight of R_0 and its momentum, bound of the error, whether it is proved,
# squared norms of a and V, the largest error so far in units of what is tolerated.
KEPT, KEPT_BUFFER, ERROR, PROVED, UNITS, COLUMNS, WORST, SLOTS = range(8)
# Remainders of this relative size are rounding: the Krylov space is exhausted.
_DEFLATED = 1e-14
# A bound beyond this says nothing; its fourth powers would overflow.
_HOPELESS = 1e30
_ROUNDING = float(np.finfo(np.float64).eps)


@numba.njit(**_OPTIONS)
def step_norm(s: Any, beta: Any) -> Any:
    """Spectral norm of ``[[1 - s, sqrt(b) s], [-sqrt(b) s, b (1 + s)]]``, b = beta in [0, 1)."""
    # The determinant is b, so that the trace of M'M fixes both singular values.
    trace = (1.0 - s) ** 2 + 2.0 * beta * s * s + (beta * (1.0 + s)) ** 2
    return np.sqrt(0.5 * (trace + np.sqrt(max(0.0, trace * trace - 4.0 * beta * beta))))


@numba.njit(**_OPTIONS)
def _frozen(s: float, beta: float, steps: int) -> Any:
    """Growth a step and largest transient of the heaviest curvature, were it constant in time."""
    half = 0.5 * ((1.0 - s) + beta * (1.0 + s))
    square = half * half - beta
    radius = np.sqrt(beta) if square < 0.0 else abs(half) + np.sqrt(square)
    norm = step_norm(s, beta) + 1.0
    if radius >= 1.0:
        return radius, norm * steps
    # ||M^n|| <= (n ||M|| + n - 1) r^(n-1), and n r^n <= 1/(e log(1/r)).
    longest = steps if radius <= 0.0 else min(1.0 * steps, -1.0 / (2.718281828 * np.log(radius)))
    return 1.0, max(1.0, norm * (longest + 1.0))


@numba.njit(**_INLINE)
def _over(error: Any, allowed: Any) -> Any:
    return error / allowed if allowed > 0.0 else 0.0


@numba.njit(**_INLINE)
def _grown(error: float, defect: float, residual: float, size: float, spread: float, h: float,
           beta: float, decay: float, left: int) -> Any:  # fmt: skip
    """Bound of the error after a step, and whether the step is proved."""
    if not error < _HOPELESS:
        return np.inf, 0.0
    low = step_norm(-h * (residual - decay), beta)
    heaviest = h * ((size + spread) ** 2 + residual + decay)
    high = step_norm(heaviest, beta)
    kick = np.sqrt(1.0 + beta) * h * defect
    if high <= max(1.0, low):
        return max(high, low) * error + kick, 1.0
    growth, transient = _frozen(heaviest, beta, left)
    return max(low, growth) * error + transient * kick, 0.0


@numba.njit(**_OPTIONS)
def _pass(  # type: ignore[no-untyped-def]
    a, V, a_slot, V_slot, product, error, eta, beta, decay
):  # fmt: skip
    """One step of SGD with momentum; leaves a'V in `product`, returns |a|^2 and |V|^2."""
    p, q = V.shape
    units, columns = 0.0, 0.0
    for j in range(q):
        product[j] = 0.0
    for i in range(p):
        old, g = a[i], 0.0
        for j in range(q):
            g += V[i, j] * error[j]
        buffer = beta * a_slot[i] + (g + decay * old)
        a_slot[i] = buffer
        new = old - eta * buffer
        a[i] = new
        units += new * new
        for j in range(q):
            value = V[i, j]
            buffer = beta * V_slot[i, j] + (old * error[j] + decay * value)
            V_slot[i, j] = buffer
            value -= eta * buffer
            V[i, j] = value
            product[j] += new * value
            columns += value * value
    return units, columns


@compiled(
    (
        _TABLE, _CUBE, _TABLE, _CUBE, _TABLE, _LINE, _TABLE, _LINE, _TABLE, _REAL, _REAL, _REAL,
        _INTEGER, _INTEGER, _INTEGER, _REAL, _REAL, _INTEGER[::1],
    ),
    "krylov-advance",
    **_OPTIONS,
)  # fmt: skip
def advance(  # type: ignore[no-untyped-def]
    a, V, a_slot, V_slot, product, target, last, remainder, state, eta, beta, decay, first, steps,
    end, tolerance, stop, diverged,
):  # fmt: skip
    """Take `steps` steps of every trial, in place; the bound is that after the last step.

    Parameters
    ----------
    a (S, p), V (S, p, q), product (S, q)
        Reduced network and ``a'V``.
    a_slot, V_slot
        Momentum.
    target (q,)
        ``Q'A``, the same for every trial.
    last (S, 3)
        Gram matrix ``[xx, xy, yy]`` of ``R_0'P_l``, P_l the last two columns of P.
    remainder (S,)
        Squared Frobenius norm of R_0.
    state (S, SLOTS)
    first, end : int
        Steps already taken; steps in all.
    tolerance, stop : float
        Relative error that is tolerated; a trial stops when its WORST exceeds `stop`.
    diverged (S,)
        Step of divergence or -1.
    """
    trials, p, q = V.shape
    error = np.empty(q)
    h = eta / (1.0 - beta)
    norm_of_target = np.sqrt(np.sum(target * target))
    for s in range(trials):
        if diverged[s] >= 0 or state[s, WORST] > stop:
            continue
        for t in range(steps + 1):
            square = 0.0
            for j in range(q):
                error[j] = product[s, j] - target[j]
                square += error[j] * error[j]
            if not square < DIVERGED:
                diverged[s] = first + t
                break
            # The part of w'W outside Q.
            c, x, y = state[s, KEPT], a[s, p - 2], a[s, p - 1]
            xx, xy, yy = x * x, 2.0 * x * y, y * y
            gap = c * c * max(0.0, xx * last[s, 0] + xy * last[s, 1] + yy * last[s, 2])
            defect = np.sqrt(gap * (state[s, UNITS] + c * c * remainder[s]))
            size = np.sqrt(state[s, UNITS] + state[s, COLUMNS] + c * c * remainder[s])
            spread = np.sqrt(1.0 + beta) * state[s, ERROR]
            moved = spread * (size + 0.5 * spread)
            residual = np.sqrt(square)
            allowed = tolerance * residual + _ROUNDING * norm_of_target
            smaller = np.sqrt(min(state[s, UNITS], state[s, COLUMNS] + c * c * remainder[s]))
            ratio = max(_over(np.sqrt(gap) + moved, allowed), _over(spread, tolerance * smaller))
            state[s, WORST] = max(state[s, WORST], ratio)
            if t == steps or state[s, WORST] > stop:
                break
            state[s, ERROR], proved = _grown(
                state[s, ERROR], defect, np.sqrt(square + gap) + moved, size, spread, h, beta,
                decay, end - first - t,
            )  # fmt: skip
            state[s, PROVED] = min(state[s, PROVED], proved)
            state[s, KEPT_BUFFER] = beta * state[s, KEPT_BUFFER] + decay * c
            state[s, KEPT] = c - eta * state[s, KEPT_BUFFER]
            state[s, UNITS], state[s, COLUMNS] = _pass(
                a[s], V[s], a_slot[s], V_slot[s], product[s], error, eta, beta, decay
            )


# ---- The Krylov space


@numba.njit(**_OPTIONS)
def _orthonormal(x, rows, count, coordinates):  # type: ignore[no-untyped-def]
    """Make x a unit vector orthogonal to the first rows; return its coordinates and its length."""
    scale, floor = 1.0, _DEFLATED * np.sqrt(np.dot(x, x))
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
            x[:] = 0.0
            return 0.0
        x /= size
        scale, floor = scale * size, 0.0
    return scale


@numba.njit(**_OPTIONS)
def _rows_times(W, x, y):  # type: ignore[no-untyped-def]
    """``y = x W'`` for two rows at once: W is read from memory once."""
    d, n = W.shape
    for i in range(d):
        one, two = 0.0, 0.0
        for j in range(n):
            one += W[i, j] * x[0, j]
            two += W[i, j] * x[1, j]
        y[0, i], y[1, i] = one, two


@numba.njit(**_OPTIONS)
def _columns_times(W, x, y):  # type: ignore[no-untyped-def]
    """``y = x W`` for two rows at once."""
    d, n = W.shape
    y[:] = 0.0
    for i in range(d):
        for j in range(n):
            y[0, j] += W[i, j] * x[0, i]
            y[1, j] += W[i, j] * x[1, i]


@compiled((_CUBE, _CUBE, _CUBE, _CUBE, _CUBE, _INTEGER, _INTEGER), "krylov-grow", **_OPTIONS)
def grow(W, P, Q, K, image, have, levels):  # type: ignore[no-untyped-def]
    """Extend the bases of every trial from `have` to `levels` blocks, in place.

    Parameters
    ----------
    W (S, d, n), P (S, 2 levels + 1, d), Q (S, 2 levels, n), K (S, 2 levels + 1, 2 levels)
        Rows of P and Q are the basis vectors; those beyond `have` blocks are overwritten.
    image (S, 2, n)
        What the next two rows of Q are made of, on entry and on exit.
    """
    found = np.empty((2, 2 * levels + 1))
    for s in range(len(W)):
        for level in range(have, levels):
            q, p = 2 * level, 2 * level + 1
            for i in range(2):
                Q[s, q + i] = image[s, i]
                _orthonormal(Q[s, q + i], Q[s], q + i, found[0])
            _rows_times(W[s], Q[s, q : q + 2], P[s, p : p + 2])
            for i in range(2):
                length = _orthonormal(P[s, p + i], P[s], p + i, found[i])
                # W'P made the last rows of Q, so that the others do not meet the new ones.
                for r in range(max(0, p - 2 + i), p + i):
                    K[s, r, q + i] = found[i, r]
                K[s, p + i, q + i] = length
            _columns_times(W[s], P[s, p : p + 2], image[s])
