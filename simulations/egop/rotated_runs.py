"""Optimizer runs in rotated coordinates, for a whole grid of learning rates at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from theory.models.objectives import Objective
from theory.optimizers import Optimizer

# Rates of the second sweep around the best power of ten.
MULTIPLES = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Runs:
    """Runs of one optimizer, one for each learning rate; of a stack of objectives, for each.

    Attributes
    ----------
    rates : array (r,)
    steps : int array (k,)
        Recorded steps; 0 is the start and the last one is the last step.
    losses : array (..., r, k)
        Values there; infinite from the step at which a run left the finite numbers.
    reached : int array (..., r)
        First step with ``||gradient|| <= tolerance``, or -1. The norm does not depend on the basis.
    points : array (..., r, d)
        Last points, in the coordinates of the objective that was passed.
    """

    rates: np.ndarray
    steps: np.ndarray
    losses: np.ndarray
    reached: np.ndarray
    points: np.ndarray

    @property
    def best(self) -> int:
        """Index of the rate with the least last loss, the median over a stack."""
        return int(np.argmin(last_losses(self)))


def descend(
    objective: Objective,
    optimizer: Callable[[float], Optimizer],
    rates: Sequence[float] | np.ndarray,
    start: np.ndarray,
    steps: int,
    *,
    tolerance: float = 0.0,
    recorded: int = 50,
) -> Runs:
    """Run an optimizer on an objective for every learning rate; the rates are a leading axis.

    Every optimizer of the suite moves by its rate times a direction that does not depend on it,
    so that one rule of rate one serves all runs. Coordinates are rotated by passing
    ``objective.rotated(V)`` and ``V' start``.

    Parameters
    ----------
    objective : Objective
    optimizer : callable
        From a learning rate to an Optimizer; called with 1.
    rates : array (r,)
        Positive learning rates.
    start : array (..., d)
        One for each objective of a stack, (s, d) for data (s, n, d).
    steps : int >= 1
    tolerance : float >= 0
        For `reached`; the runs go on.
    recorded : int >= 1
        Recorded steps, about evenly spaced; the last step is always among them.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    rate = np.asarray(rates, dtype=np.float64)
    if rate.ndim != 1 or not len(rate) or not np.all(np.isfinite(rate) & (rate > 0)):
        raise ValueError(f"rates are {rates!r}; they must be positive finite numbers")
    if steps < 1 or recorded < 1:
        raise ValueError(f"steps and recorded are {steps}, {recorded}; both must be >= 1")
    rule = optimizer(1.0)
    origin = np.asarray(start, dtype=np.float64)[..., None, :]
    x = np.repeat(origin, len(rate), axis=-2)
    state = rule.init(x)
    kept = np.unique(np.linspace(0, steps, recorded + 1).round().astype(int))
    columns = {int(step): k for k, step in enumerate(kept)}
    losses = np.full((*x.shape[:-1], len(kept)), np.inf)
    reached = np.full(x.shape[:-1], -1)
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps + 1):
            if step in columns:
                value, gradient = objective.value_and_gradient(x)
                losses[..., columns[step]] = _finite_or_infinite(value)
            else:
                gradient = objective.gradient(x)
            small = np.sqrt(np.vecdot(gradient, gradient)) <= tolerance
            reached[small & (reached < 0)] = step
            if step < steps:
                moved, state = rule.update(gradient, state, x)
                x = x + rate[:, None] * (moved - x)
    return Runs(rate, kept, losses, reached, x)


def two_step_sweep(
    objective: Objective,
    optimizer: Callable[[float], Optimizer],
    start: np.ndarray,
    steps: int,
    *,
    decades: tuple[int, int] = (-4, 1),
    score: Callable[[Runs], np.ndarray] | None = None,
    tolerance: float = 0.0,
) -> tuple[float, Runs]:
    """Choose a learning rate as the paper does: powers of ten, then {1, 2, 4, 8} per decade.

    The second sweep covers the best decade and the one below it.

    Parameters
    ----------
    objective, optimizer, start, steps, tolerance
        As in `descend`.
    decades : (int, int)
        First and last exponent of ten.
    score : callable, optional
        From the runs to a number for each rate, to be minimised; `last_losses` when omitted.

    Returns
    -------
    (float, Runs)
        The chosen rate, and the runs of the second sweep.
    """
    judge = score or last_losses
    first = descend(objective, optimizer, 10.0 ** np.arange(decades[0], decades[1] + 1), start,
                    steps, tolerance=tolerance, recorded=1)  # fmt: skip
    decade = float(first.rates[int(np.argmin(judge(first)))])
    around = np.array([m * decade * shift for shift in (0.1, 1.0) for m in MULTIPLES])
    second = descend(objective, optimizer, around, start, steps, tolerance=tolerance, recorded=1)
    return float(around[int(np.argmin(judge(second)))]), second


def last_losses(runs: Runs) -> np.ndarray:
    """The last loss for each rate (r,); of a stack the median over its objectives."""
    last = runs.losses[..., -1]
    return np.asarray(np.median(last.reshape(-1, last.shape[-1]), axis=0))


def _finite_or_infinite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.inf)
