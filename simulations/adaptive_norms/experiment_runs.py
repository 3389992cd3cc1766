"""Runs of the methods on a problem: the loss against the backpropagations spent."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulations.adaptive_norms.experiment_problems import BATCH
from theory import optimizers
from theory.optimizers.trust_region import minimize

if TYPE_CHECKING:
    from simulations.adaptive_norms.experiment_problems import Problem
    from simulations.engine.streams import Stream
    from theory.optimizers.trust_region.history import Record

Array = NDArray[np.float64]

# Trust regions by name: matrix, power, and "full" where it is not diagonal.
REGIONS: dict[str, dict[str, Any]] = {
    "spherical": {"ellipsoid": "spherical"},
    **{f"{rule} {name}{kind}": {"ellipsoid": rule, "power": power, "diagonal": not kind}
       for rule in ("rmsprop", "adagrad") for name, power in (("1/2", 0.5), ("1", 1.0))
       for kind in ("", " full")},
}  # fmt: skip
FIRST_ORDER = ("sgd", "adagrad", "rmsprop")
METHODS = (*REGIONS, *FIRST_ORDER)
# One grid of initial radii for all regions, and one of as many step sizes for all others.
RADII = tuple(10.0**k for k in range(-3, 3))
STEPS = tuple(10.0**k for k in range(-4, 2))
# Starts on which radius or step size are chosen, with samples and without; they are not measured.
TUNING = {True: 5, False: 15}
CURVE = 8  # losses are kept after each eighth of the budget
_FAR = 1e6
_MOST_ITERATIONS = 10_000  # rejected steps cost nothing, until the radius has shrunk
_KEPT_RUNS = 2048  # all of a problem at the standard budget; each keeps its start, 30 KB at most
_FLOOR = 1e-16  # of the loss at the start: below it a run has converged


class Trajectory:
    """Losses after the iterations of a trust-region method, known as far as anybody has asked.

    The iterations do not depend on what ends the run: a short run is the beginning of a long one,
    whatever a product costs.

    Parameters
    ----------
    problem : Problem
    method : str
        A key of `REGIONS`.
    start : array (p,)
    radius : float
        Delta_0.
    """

    def __init__(self, problem: Problem, method: str, start: Array, radius: float) -> None:
        self._problem, self._method = problem, method
        self._start, self._radius = start, radius
        self._horizon = 0.0
        # Gradients, products and loss, from the start on.
        self._states = np.asarray([[0.0, 0.0, float(problem.loss(start))]])

    def until(self, horizon: float) -> Array:
        """Gradients, products and loss of the iterations with gradients + products <= horizon."""
        if horizon > self._horizon:
            self._states, self._horizon = self._computed(horizon)
        return np.asarray(self._states[self._states[:, :2].sum(axis=1) <= horizon])

    def _computed(self, horizon: float) -> tuple[Array, float]:
        """The states, and how far they are known: to the end if the run ends by itself."""
        problem, states = self._problem, [tuple(self._states[0])]
        spent = 0

        def counted(function: Callable[..., Array]) -> Callable[..., Array]:
            def call(*points: Array) -> Array:
                nonlocal spent
                spent += 1
                # The iteration that cannot be paid is left out, rather than solved less well.
                if spent > horizon:
                    raise _SpentError
                return function(*points)

            return call

        def follow(x: Array, record: Record, shape: Any) -> None:
            loss = states[-1][2] - (record.true_decrease if record.accepted else 0.0)
            states.append((record.grad_evaluations, record.products, loss))

        # The paper's limit of the radius, 10, has the units of ||s||_A: it is none here.
        try:
            minimize(
                problem.loss, counted(problem.gradient), counted(problem.product), self._start,
                radius=self._radius, eps_g=1e-12, max_radius=1e4, max_iter=_MOST_ITERATIONS,
                callback=follow, **REGIONS[self._method],
            )  # fmt: skip
        except _SpentError:
            return np.asarray(states), horizon
        return np.asarray(states), math.inf


class _SpentError(Exception):
    """A run has no backpropagation left."""


@lru_cache(maxsize=_KEPT_RUNS)
def _trajectory(problem: Problem, method: str, start: bytes, radius: float) -> Trajectory:
    # Settings of one problem compare the same runs, other budgets and other costs of them.
    return Trajectory(problem, method, np.frombuffer(start), radius)


def region_curve(
    problem: Problem, method: str, start: Array, radius: float, budget: float, cost: float
) -> tuple[Array, Array]:
    """Backpropagations and loss after every iteration of a trust-region method.

    Parameters
    ----------
    problem : Problem
    method : str
        A key of `REGIONS`.
    start : array (p,)
    radius : float
        Delta_0.
    budget : float
        Backpropagations after which the run ends; the iteration that exceeds it is left out.
    cost : float
        What a Hessian-vector product counts; a gradient counts 1, a function value nothing.

    Returns
    -------
    spent, losses : arrays (iterations + 1,)
        From 0 and the loss at the start on.
    """
    run = _trajectory(problem, method, np.ascontiguousarray(start).tobytes(), radius)
    gradients, products, losses = run.until(budget / min(cost, 1.0)).T
    spent = gradients + cost * products
    return spent[spent <= budget], losses[spent <= budget]


def loss_curves(
    problem: Problem, method: str, starts: Array, setting: float, budget: float, cost: float,
    indices: Any = None,
) -> Array:  # fmt: skip
    """Losses in excess of the least one after each eighth of the budget, (trials, 8).

    Parameters
    ----------
    problem : Problem
    method : str
        One of `METHODS`.
    starts : array (trials, p)
    setting : float
        Initial radius or step size.
    budget, cost : float
        Backpropagations, and what a Hessian-vector product counts among them.
    indices : array (steps, trials, b) of integers, or None
        Minibatches of the first-order methods, see `minibatches`; None for whole gradients.

    Raises
    ------
    ValueError
        If the method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    if method in REGIONS:
        found = np.asarray([
            _at_eighths(*region_curve(problem, method, start, setting, budget, cost), budget)
            for start in starts
        ])  # fmt: skip
    else:
        found = _descend(problem, method, starts, setting, budget, indices)
    least = _FLOOR * (problem.loss(starts) - problem.least)
    return np.asarray(np.maximum(found - problem.least, least[:, None]))


def _at_eighths(spent: Array, losses: Array, budget: float) -> Array:
    marks = budget * np.arange(1, CURVE + 1) / CURVE
    return np.asarray(losses[np.searchsorted(spent, marks, side="right") - 1])


def _descend(
    problem: Problem, method: str, x: Array, size: float, budget: float, indices: Any
) -> Array:
    rule = getattr(optimizers, method)(size)
    state = rule.init(x)
    steps = int(budget) if indices is None else len(indices)
    marks = [round(steps * k / CURVE) for k in range(1, CURVE + 1)]
    kept = []
    for k in range(steps):
        batch = None if indices is None else indices[k]
        x, state = rule.update(problem.gradient(x, batch), state, x)
        # Divergent runs stay finite.
        x = np.clip(x, -_FAR, _FAR)
        kept += [problem.loss(x)] * marks.count(k + 1)
    return np.stack(kept, axis=-1)


def minibatches(stream: Stream, problem: Problem, trials: int, budget: float) -> Any:
    """Samples of every step within the budget, (steps, trials, b); None where there are none.

    A step counts b backpropagations over the number of samples.
    """
    if not problem.samples:
        return None
    shape = (int(budget * problem.samples / BATCH), trials, BATCH)
    return np.asarray(stream.integers(0, problem.samples, shape))


def tuned(
    problem: Problem, method: str, starts: Array, budget: float, cost: float, indices: Any = None
) -> float:
    """The setting of the method's grid with the smallest median of the final losses."""
    grid: Sequence[float] = RADII if method in REGIONS else STEPS
    medians = [
        float(np.median(loss_curves(problem, method, starts, value, budget, cost, indices)[:, -1]))
        for value in grid
    ]
    return grid[int(np.argmin(medians))]


def paired_curves(
    stream: Stream, trials: int, problem: Problem, methods: Sequence[str], budget: float,
    cost: float,
) -> list[Array]:  # fmt: skip
    """`loss_curves` of each method from the same starts, each tuned on the same other starts."""
    counts = (TUNING[problem.samples > 0], trials)
    first, starts = (problem.starts(stream, count) for count in counts)
    drawn = [minibatches(stream, problem, count, budget) for count in counts]
    found = []
    for method in methods:
        setting = tuned(problem, method, first, budget, cost, drawn[0])
        found.append(loss_curves(problem, method, starts, setting, budget, cost, drawn[1]))
    return found
