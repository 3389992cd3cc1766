"""Fused CPU kernels of the two-layer dynamics: one pass over the weights per step.

The gradient with respect to W is the outer product of w and the residual E, so it is never
stored. For row i the pass reads ``W_i . E`` (the gradient of w_i), moves w_i, moves the row with
``g_ij = w_i(old) E_j`` and adds ``w_i(new) W_ij(new)`` to the next product w'W: each row is read
from memory once per step. Each optimizer is a pair of rules that is inlined into the same loop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np

from simulations.kernels.two_layer_reference import DIVERGED

# Reassociation lets reductions use SIMD; NaN and infinity keep their meaning, so that a
# diverging trial is seen. Without the NumPy error model the division would not vectorise.
_OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz"},
    "nogil": True,
}
_INLINE: dict[str, Any] = {**_OPTIONS, "inline": "always"}


@numba.njit(**_INLINE)
def _ratio(numerator: float, denominator: float) -> float:
    # A coordinate whose gradients were all zero does not move.
    return numerator / denominator if denominator > 0.0 else 0.0


# A rule maps (g, slots a b m, lr, b1, b2, eps) to the step and the new slots.


@numba.njit(**_INLINE)
def _sgd(g: Any, a: Any, b: Any, m: Any, lr: Any, b1: Any, b2: Any, eps: Any) -> Any:
    return -lr * g, a, b, m


@numba.njit(**_INLINE)
def _momentum(g: Any, a: Any, b: Any, m: Any, lr: Any, b1: Any, b2: Any, eps: Any) -> Any:
    a = b1 * a + g
    return -lr * a, a, b, m


@numba.njit(**_INLINE)
def _nesterov(g: Any, a: Any, b: Any, m: Any, lr: Any, b1: Any, b2: Any, eps: Any) -> Any:
    a = b1 * a + g
    return -lr * (g + b1 * a), a, b, m


@numba.njit(**_INLINE)
def _sign(g: Any, a: Any, b: Any, m: Any, lr: Any, b1: Any, b2: Any, eps: Any) -> Any:
    return -lr * np.sign(g), a, b, m


@numba.njit(**_INLINE)
def _adagrad(g: Any, a: Any, b: Any, m: Any, lr: Any, b1: Any, b2: Any, eps: Any) -> Any:
    a = a + g * g
    return -lr * _ratio(g, np.sqrt(a) + eps), a, b, m


@numba.njit(**_INLINE)
def _rmsprop(g: Any, a: Any, b: Any, m: Any, lr: Any, b1: Any, b2: Any, eps: Any) -> Any:
    a = b2 * a + (1.0 - b2) * g * g
    b = b1 * b + _ratio(g, np.sqrt(a) + eps)
    return -lr * b, a, b, m


@numba.njit(**_INLINE)
def _adam(g: Any, a: Any, b: Any, m: Any, lr: Any, b1: Any, b2: Any, eps: Any) -> Any:
    a = b1 * a + (1.0 - b1) * g
    b = b2 * b + (1.0 - b2) * g * g
    return -lr * _ratio(a, np.sqrt(b) + eps), a, b, m


@numba.njit(**_INLINE)
def _amsgrad(g: Any, a: Any, b: Any, m: Any, lr: Any, b1: Any, b2: Any, eps: Any) -> Any:
    a = b1 * a + (1.0 - b1) * g
    b = b2 * b + (1.0 - b2) * g * g
    m = max(m, b)
    return -lr * _ratio(a, np.sqrt(m) + eps), a, b, m


@numba.njit(**_INLINE)
def _batch(error: Any, batch: int, chi: float, normals: Any) -> None:
    """Replace the residual by what a batch shows of it (see the reference)."""
    square, inner = 0.0, 0.0
    for j in range(error.size):
        square += error[j] * error[j]
        inner += error[j] * normals[j]
    size, root = np.sqrt(square), np.sqrt(chi)
    along = chi - (root * inner / size if size > 0.0 else 0.0)
    for j in range(error.size):
        error[j] = (error[j] * along + root * size * normals[j]) / batch


# Name -> (rule, number of slots it uses).
_RULES: dict[str, tuple[Callable[..., Any], int]] = {
    "sgd": (_sgd, 0), "sgd_momentum": (_momentum, 1), "nesterov": (_nesterov, 1),
    "sign_descent": (_sign, 0), "adagrad": (_adagrad, 1), "rmsprop": (_rmsprop, 2),
    "adam": (_adam, 2), "amsgrad": (_amsgrad, 3),
}  # fmt: skip
SLOTS = {name: slots for name, (_, slots) in _RULES.items()}


@cache
def kernel(optimizer: str) -> Callable[..., None]:
    """Return the compiled ``advance`` of one optimizer; it moves its arguments in place.

    ``advance(w, W, product, w_slots, W_slots, A, lr, b1, b2, eps, weight_decay, batch, chi,
    normals, target, first, diverged)`` takes ``lr.size`` steps of every trial:
    w (S, d), W (S, d, n), product (S, n) is w'W on entry and exit, w_slots (k, S, d), W_slots
    (k, S, d, n), A (n,), lr and eps one value a step, chi (S, T), normals and target (S, T, n)
    or empty, `first` the number of steps already taken, diverged (S,) the step of divergence or
    -1; a trial that diverged is left where it was.

    Raises
    ------
    ValueError
        If there is no kernel for `optimizer`.
    """
    if optimizer not in _RULES:
        raise ValueError(f"optimizer is {optimizer!r}; it must be one of {', '.join(_RULES)}")
    return _compile(*_RULES[optimizer])


def _compile(rule: Callable[..., Any], slots: int) -> Callable[..., None]:  # noqa: C901
    one, two, three = slots > 0, slots > 1, slots > 2

    @numba.njit(**_OPTIONS)
    def step(  # type: ignore[no-untyped-def]
        w, W, product, error, aw, bw, mw, a, b, m, lr, b1, b2, eps, decay
    ):  # fmt: skip
        d, n = W.shape
        for i in range(d):
            old, g = w[i], 0.0
            for j in range(n):
                g += W[i, j] * error[j]
            move, ta, tb, tm = rule(
                g + decay * old, aw[i] if one else 0.0, bw[i] if two else 0.0,
                mw[i] if three else 0.0, lr, b1, b2, eps,
            )  # fmt: skip
            new = old + move
            w[i] = new
            if one:
                aw[i] = ta
            if two:
                bw[i] = tb
            if three:
                mw[i] = tm
            for j in range(n):
                x = W[i, j]
                move, ta, tb, tm = rule(
                    old * error[j] + decay * x, a[i, j] if one else 0.0,
                    b[i, j] if two else 0.0, m[i, j] if three else 0.0, lr, b1, b2, eps,
                )  # fmt: skip
                x += move
                W[i, j] = x
                if one:
                    a[i, j] = ta
                if two:
                    b[i, j] = tb
                if three:
                    m[i, j] = tm
                product[j] += new * x

    @numba.njit(**_OPTIONS)
    def advance(  # type: ignore[no-untyped-def]
        w, W, product, w_slots, W_slots, A, lr, b1, b2, eps, decay, batch, chi, normals, target,
        first, diverged,
    ):  # fmt: skip
        trials, n = product.shape
        error = np.empty(n)
        no_row, no_matrix = np.empty(0), np.empty((0, 0))
        for s in range(trials):
            if diverged[s] >= 0:
                continue
            ws, Ws, ps = w[s], W[s], product[s]
            aw, a = (w_slots[0, s], W_slots[0, s]) if one else (no_row, no_matrix)
            bw, b = (w_slots[1, s], W_slots[1, s]) if two else (no_row, no_matrix)
            mw, m = (w_slots[2, s], W_slots[2, s]) if three else (no_row, no_matrix)
            for t in range(lr.size):
                square = 0.0
                for j in range(n):
                    error[j] = ps[j] - A[j]
                    square += error[j] * error[j]
                if not square < DIVERGED:
                    diverged[s] = first + t
                    break
                for j in range(n):
                    ps[j] = 0.0
                if batch > 0:
                    _batch(error, batch, chi[s, t], normals[s, t])
                if target.size > 0:
                    for j in range(n):
                        error[j] -= target[s, t, j]
                step(ws, Ws, ps, error, aw, bw, mw, a, b, m, lr[t], b1, b2, eps[t], decay)

    return advance  # type: ignore[no-any-return]
