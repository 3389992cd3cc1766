"""Adagrad runs on sums of ridge functions, whose smoothness constants are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Ridge:
    """A function of one variable and its derivative, with ``|phi''| <= 1``."""

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]


def _log_cosh(r: Array) -> Array:
    size = np.abs(r)
    return np.asarray(size + np.log1p(np.exp(-2 * size)) - np.log(2.0))


# A quadratic, a convex function of linear growth, and one that is not convex.
RIDGES = (
    Ridge("square", lambda r: r * r / 2, lambda r: r),
    Ridge("log cosh", _log_cosh, np.tanh),
    Ridge("cosine", lambda r: 1 - np.cos(r), np.sin),
)


@dataclass(frozen=True)
class Run:
    """Gradients (T, d) of a run, the constants (d,) of its objective, and the decrease."""

    gradients: Array
    constants: Array
    decrease: float


def ridge_run(ridge: Ridge, rows: Array, start: Array, steps: int, eta: float, b0: float) -> Run:
    """Adagrad on ``f(x) = sum_k phi(a_k'x)``, the rows of A being a_k.

    As ``|phi''| <= 1``, the Hessian is between ``-+ A'A``, and ``L_i = sum_k |a_ki| ||a_k||_1`` is
    feasible in (1) everywhere.

    Parameters
    ----------
    rows : array (m, d)
    start : array (d,)
    steps : int
    eta, b0 : float
    """
    sizes = np.abs(rows)
    constants = sizes.T @ sizes.sum(axis=1)
    x, total, gradients = start, np.full(len(start), b0 * b0), []
    for _ in range(steps):
        gradient = ridge.slope(rows @ x) @ rows
        total = total + gradient * gradient
        gradients.append(gradient)
        x = x - eta * gradient / np.sqrt(total)
    decrease = ridge.value(rows @ start).sum() - ridge.value(rows @ x).sum()
    return Run(np.array(gradients), constants, float(decrease))
