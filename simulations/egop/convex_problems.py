"""Convex objectives whose data have a decaying spectrum, in stacks: one objective a trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from theory.models.bases import haar_basis, power_law
from theory.models.objectives import LeastSquares, Logistic, LogSumExpSquares

if TYPE_CHECKING:
    from simulations.engine.streams import Stream

Array = NDArray[np.float64]
Stacked = LeastSquares | Logistic | LogSumExpSquares

LEAST_SQUARES, LOGISTIC, LOG_SUM_EXP = "least squares", "logistic", "log-sum-exp"
# Right singular vectors along the axes instead of a uniformly distributed basis.
AXIS_ALIGNED = "axis-aligned "
OBJECTIVES = (LEAST_SQUARES, LOGISTIC, LOG_SUM_EXP)
# Rows for each coordinate; with 4 of them few draws of labels are separable.
_ROWS = {LEAST_SQUARES: 1, LOGISTIC: 4, LOG_SUM_EXP: 1}
_NEWTON_STEPS = 60


@dataclass(frozen=True)
class Problems:
    """A stack of s objectives, their least values and the starts.

    Attributes
    ----------
    objective : LeastSquares, Logistic or LogSumExpSquares
        With data A (s, n, d) and y (s, 1, n).
    least : array (s,)
        Infimum of each objective.
    starts : array (s, d)
        Standard normal.
    """

    objective: Stacked
    least: Array
    starts: Array

    def rotated(self, V: Array) -> Problems:
        """The objectives ``x -> f(Vx)`` and the starts ``V' theta`` for bases V (s, d, d)."""
        turned = (self.starts[:, None, :] @ V)[:, 0]
        return Problems(self.objective.rotated(V), self.least, turned)


def draw_problems(stream: Stream, trials: int, name: str, d: int, decay: float) -> Problems:
    r"""Draw objectives as the paper does (appendix D.5), with :math:`\sigma_k = k^{-decay}`.

    ``A = U diag(sigma) W'`` with uniformly distributed singular vectors; standard normal
    minimiser and start. Least squares and the log-sum-exp of squared residuals have n = d rows
    and y = A theta*; the logistic loss has n = 4d rows, sigma times the root of n (margins of
    order one), and labels drawn from the model at theta*.

    Parameters
    ----------
    name : str
        One of `OBJECTIVES`, or ``"axis-aligned "`` before it for W = I.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    kind = name.removeprefix(AXIS_ALIGNED)
    if kind not in OBJECTIVES:
        raise ValueError(f"name is {name!r}; it must be one of {', '.join(OBJECTIVES)}, "
                         f"or {AXIS_ALIGNED!r} and one of them")  # fmt: skip
    n = _ROWS[kind] * d
    scale = n**0.5 if kind == LOGISTIC else 1.0
    left = haar_stack(stream, trials, n)[:, :, :d]
    right = np.eye(d) if name != kind else haar_stack(stream, trials, d)
    A = (left * (scale * power_law(d, decay))) @ np.swapaxes(right, -1, -2)
    truth, starts = np.asarray(stream.normal((2, trials, d)))
    margins = truth[:, None, :] @ A.mT
    if kind == LEAST_SQUARES:
        return Problems(LeastSquares(A, margins), np.zeros(trials), starts)
    if kind == LOG_SUM_EXP:
        return Problems(LogSumExpSquares(A, margins), np.full(trials, np.log(n)), starts)
    uniform = np.asarray(stream.uniform(margins.shape))
    y = np.where(uniform * (1.0 + np.exp(-margins)) < 1.0, 1.0, -1.0)
    least = [
        least_logistic(Logistic(a, labels[0]), x) for a, labels, x in zip(A, y, truth, strict=True)
    ]
    return Problems(Logistic(A, y), np.asarray(least), starts)


def least_logistic(loss: Logistic, start: Array) -> float:
    """The infimum of a logistic loss, by Newton's method with halved steps; 0 if separable.

    Raises
    ------
    ValueError
        If 60 steps do not suffice.
    """
    x, value = start, float(loss.value(start))
    for _ in range(_NEWTON_STEPS):
        gradient = loss.gradient(x)
        step = np.linalg.solve(loss.hessian(x), gradient)
        gain = float(step @ gradient) / 2.0
        # Below this the cubic remainder, and what a comparison of values can see, are rounding.
        if gain <= 1e-13 * value:
            return value - gain
        size = 1.0
        while size > 1e-6 and loss.value(x - size * step) > value:
            size /= 2.0
        x = x - size * step
        value = float(loss.value(x))
        # Some sample has a loss of log 2 at least, wherever one is on the wrong side.
        if value < np.log(2.0) / len(loss.y):
            return 0.0
    raise ValueError(f"the logistic loss has no minimiser that Newton's method finds in "
                     f"{_NEWTON_STEPS} steps from the start {start}")  # fmt: skip


def haar_stack(stream: Stream, trials: int, d: int) -> Array:
    """Uniformly distributed orthogonal matrices (trials, d, d)."""
    return np.stack([haar_basis(np.asarray(normals)) for normals in stream.normal((trials, d, d))])
