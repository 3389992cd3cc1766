"""Runs of Algorithm 1 with inexact derivatives, counted, and their hypotheses looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.adaptive_norms.complexity_problems import Point, Problem, build, thresholds
from theory.optimizers.trust_region.ellipsoid import Ellipsoid
from theory.optimizers.trust_region.history import Record, Status
from theory.optimizers.trust_region.method import minimize

Array = NDArray[np.float64]
# Norms and model decreases are computed to about 1e-12 at condition numbers up to 1e2.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Outcome:
    """What one run says.

    Attributes
    ----------
    iterations, successes : int
        Until both tests of optimality are met.
    radius : float
        The smallest one.
    met : bool
        Whether every hypothesis of the bound holds in every iteration.
    implied : int
        Iterations whose radius is at most the threshold of their phase: success is claimed.
    """

    iterations: int
    successes: int
    radius: float
    met: bool
    implied: int


@dataclass
class _Watch:
    """Looks at the hypotheses after every iteration."""

    problem: Problem
    limits: tuple[float, float]
    met: bool = True
    implied: int = 0
    last: Array = field(default_factory=lambda: np.empty(0))

    def __call__(self, x: Array, record: Record, ellipsoid: Ellipsoid) -> None:
        c = self.problem.constants
        self.met = self.met and self._equivalent(ellipsoid) and self._decreases(record)
        if record.accepted or not self.last.size:
            bend = np.linalg.norm(self.problem.hess(x), 2)
            self.met = self.met and bool(bend <= c["L_g"] * (1.0 + _ROUNDING))
            self.last = x
        self.implied += record.radius <= self.limits[record.phase == "curvature"]

    def _equivalent(self, ellipsoid: Ellipsoid) -> bool:
        return bool(ellipsoid.equivalence <= self.problem.constants["mu"] * (1.0 + _ROUNDING))

    def _decreases(self, record: Record) -> bool:
        """Assumption 2, in the form that the bound uses (Lemmas 5 and 6)."""
        c, radius = self.problem.constants, record.radius
        if record.phase == "curvature":
            least = c["nu"] * c["eps_H"] * radius**2 / (2.0 * c["mu"] ** 2)
        else:
            inner = c["cA"] * record.gradient_norm / (c["L_g"] + c["delta_H"])
            least = record.gradient_norm / 2.0 * min(inner, radius / c["mu"])
        return bool(record.model_decrease >= least * (1.0 - _ROUNDING))


def run(point: Point, rng: np.random.Generator) -> Outcome:
    """One run of the problem of a grid point, with errors of the derivatives drawn at each x."""
    problem = build(point)
    safeguarded = bool(point.get("safeguarded", False))
    watch = _Watch(problem, thresholds(problem.constants, safeguarded))
    gradient, product = _inexact(problem, rng)
    found = minimize(
        problem.fun, gradient, product, problem.start(rng), ellipsoid=problem.ellipsoid(rng),
        callback=watch, **problem.options,
    )  # fmt: skip
    ended = found.status in (Status.SECOND_ORDER, Status.ITERATIONS)
    history = found.history
    return Outcome(
        len(history), sum(record.accepted for record in history),
        min(record.radius for record in history), watch.met and ended, watch.implied,
    )  # fmt: skip


def _inexact(problem: Problem, rng: np.random.Generator) -> tuple[Callable[..., Any], ...]:
    """Gradient and product with errors that are drawn once for every point."""
    known: dict[bytes, Array] = {}

    def gradient(x: Array) -> Array:
        exact = problem.grad(x)
        known.clear()
        known[x.tobytes()] = problem.hess(x) + problem.hessian_error(rng)
        return exact + problem.gradient_error(rng, exact)

    return gradient, lambda x, v: known[x.tobytes()] @ v
