"""Stochastic training in rotated coordinates, for stacks of trials and learning rates."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from simulations.egop.network_bases import Rotation
from simulations.egop.network_problems import Index, Task
from theory.optimizers import Optimizer, adagrad, adam, sgd, sgd_momentum

Array = NDArray[np.float64]

# Rate one, for all rates: every rule moves by its rate times a direction without it. Adam has the
# moments (.9, .999) and momentum is .9, as usual.
RULES = {
    "adam": partial(adam, 1.0),
    "adagrad": partial(adagrad, 1.0),
    "sgd": partial(sgd, 1.0),
    "momentum": partial(sgd_momentum, 1.0, 0.9),
}
_SETS = ("train", "validation", "test")
CURVE = 8  # losses are kept after each eighth of the steps
_FAR = 1e6  # a loss beyond it, or not finite, counts as this
_FLOOR = 1e-14  # of the loss at the start: below it a run has converged
# Bytes of the bases of trials that run together: read twice a step, they should stay in cache.
_BASES = 16 << 20


@dataclass(frozen=True)
class Curves:
    """Losses of runs after each eighth of their steps.

    Attributes
    ----------
    training, validation : array (trials, r, 8)
        In [1e-14 times the loss at the start, 1e6].
    error : array (trials, r, 8)
        Share of test samples that are misclassified, half a sample added; of a network that does
        not classify, the loss on them.
    """

    training: Array
    validation: Array
    error: Array


def train(
    task: Task, optimizer: str, rotation: Rotation, rates: Array, starts: Array, batches: Index,
    *, cosine: bool,
) -> Curves:  # fmt: skip
    """Train every trial with every learning rate, from the same starts on the same batches.

    Parameters
    ----------
    task : Task
    optimizer : str
        A key of `RULES`.
    rotation : Rotation
        The optimizer works in its coordinates, from those of the start.
    rates : array (r,) or (trials, r)
        Learning rates.
    starts : array (trials, p)
    batches : array (steps, trials, b) of integers
    cosine : bool
        Whether the rate falls to 0 as ``(1 + cos(pi t/steps))/2``; else it is constant.

    Raises
    ------
    ValueError
        If the optimizer is unknown or a rate is not positive.
    """
    if optimizer not in RULES:
        raise ValueError(f"optimizer is {optimizer!r}; it must be one of {', '.join(RULES)}")
    if not np.all(np.isfinite(rates) & (rates > 0)):
        raise ValueError(f"rates are {rates!r}; they must be positive finite numbers")
    trials = len(starts)
    scale = np.broadcast_to(rates, (trials, np.shape(rates)[-1]))[..., None]
    parts = []
    for some in _together(rotation, trials):
        part = dataclasses.replace(task, **{name: getattr(task, name).of(some) for name in _SETS})
        parts.append(_train(part, RULES[optimizer](), rotation.of(some), scale[some], starts[some],
                            batches[:, some], cosine))  # fmt: skip
    return Curves(*np.concatenate(parts, axis=1))


def _together(rotation: Rotation, trials: int) -> list[slice]:
    """Trials that run at the same time: all, unless each has a basis of its own."""
    each = max(1, math.ceil(rotation.bytes_of_a_trial * trials / _BASES))
    size = math.ceil(trials / each)
    return [slice(first, first + size) for first in range(0, trials, size)]


def _train(
    task: Task, rule: Optimizer, rotation: Rotation, scale: Array, starts: Array, batches: Index,
    cosine: bool,
) -> Array:  # fmt: skip
    """The losses (3, trials, r, 8) of `Curves`, for rates `scale` (trials, r, 1)."""
    steps = len(batches)
    theta = np.repeat(starts[:, None], scale.shape[1], axis=1)
    x = rotation.inwards(theta)
    state = rule.init(x)
    marks = {round(steps * k / CURVE) for k in range(1, CURVE + 1)}
    first, kept = _losses(task, theta), []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for step in range(steps):
            gradient = rotation.inwards(task.gradients(theta, batches[step]))
            moved, state = rule.update(gradient, state, x)
            now = 0.5 * (1.0 + math.cos(math.pi * step / steps)) if cosine else 1.0
            x = x + (now * scale) * (moved - x)
            theta = rotation.outwards(x)
            if step + 1 in marks:
                kept.append(_losses(task, theta))
    found = np.moveaxis(np.stack(kept), 0, -1)
    found = np.where(np.isfinite(found), np.minimum(found, _FAR), _FAR)
    return np.maximum(found, _FLOOR * first[..., None])


def best_rate(curves: Curves) -> int:
    """Index of the rate with the least validation loss, its logarithm averaged over the trials."""
    return int(np.argmin(np.log(curves.validation.min(axis=-1)).mean(axis=0)))


def _losses(task: Task, theta: Array) -> Array:
    """Training and validation losses and test errors, (3, trials, r)."""
    net, test = task.net, task.test
    found = [net.loss(theta, part.X[:, None], part.Y[:, None])
             for part in (task.train, task.validation)]  # fmt: skip
    if net.objective == "cross-entropy":
        wrong = 1.0 - net.accuracy(theta, test.X[:, None], test.Y[:, None])
        return np.stack([*found, wrong + 0.5 / test.X.shape[1]])
    return np.stack([*found, net.loss(theta, test.X[:, None], test.Y[:, None])])
