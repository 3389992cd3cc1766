"""One run of Algorithm 1: iterate, radius, tests of termination, both phases, records."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.optimizers.trust_region import checks
from theory.optimizers.trust_region.ellipsoid import Ellipsoid
from theory.optimizers.trust_region.history import History, Record, Status, TrustRegionResult
from theory.optimizers.trust_region.model import NotFiniteError, SubproblemStep
from theory.optimizers.trust_region.oracle import Ended, Oracle, Products
from theory.optimizers.trust_region.settings import Settings
from theory.optimizers.trust_region.shapes import Shape
from theory.optimizers.trust_region.subproblem import cauchy_point, eigenpoint

__all__ = ["Run"]

Array = NDArray[np.float64]
# Below them squares, of the radius or of the residuals inside a solver, underflow.
_LEAST_RADIUS = 1e-150
_LEAST_GRADIENT = 1e-100
# Half the distance of 1.0 to the next number: a smaller relative decrease cannot be seen.
_UNIT = 2.0**-53


@dataclass(frozen=True, eq=False)
class _Point:
    """What is known where a step starts, as long as the iterate and the batch stay."""

    gradient: Array
    ellipsoid: Ellipsoid
    products: Products


@dataclass(frozen=True, eq=False)
class _Trial:
    """A step and what the function says of it."""

    step: SubproblemStep
    x: Array
    fun: float
    rho: float


class Run:
    """The state of one run.

    Parameters
    ----------
    oracle : Oracle
    shape : Shape
    settings : Settings
    start : array (d,)
    callback : callable or None
    """

    def __init__(
        self, oracle: Oracle, shape: Shape, settings: Settings, start: Array,
        callback: Callable[..., Any] | None,
    ) -> None:  # fmt: skip
        self._oracle, self._shape, self._settings = oracle, shape, settings
        self._callback = callback
        self._x, self._fun, self._norm = start.copy(), math.nan, math.nan
        self._radius, self._state = settings.radius, shape.init()
        self._point: _Point | None = None
        # The step along the curvature direction of the present point, for the radius 1.
        self._eigen: SubproblemStep | None = None
        self._records: list[Record] = []

    def result(self) -> TrustRegionResult:
        """Iterate until something ends the run."""
        status, message = Status.ITERATIONS, f"{self._settings.max_iter} iterations are done"
        try:
            for _ in range(self._settings.max_iter):
                self._iterate()
            if not self._oracle.stochastic:
                # The last iterate may be the one that passes the tests.
                self._arrive()
        except Ended as end:
            status, message = end.status, end.message
        except NotFiniteError as error:
            status, message = Status.NOT_FINITE, f"{error} ({self._where})"
        return TrustRegionResult(
            self._x, self._fun, self._norm, History(self._records), status, message,
            self._radius, self._oracle.products, self._oracle.fun_evaluations,
            self._oracle.grad_evaluations,
        )  # fmt: skip

    @property
    def _where(self) -> str:
        return f"iteration {len(self._records)}"

    # ---- arriving at a point

    def _arrive(self) -> _Point:
        """The present point, evaluated if it or the batch is new, and tested."""
        if self._point is None or self._oracle.stochastic:
            self._point, self._eigen = self._look(), None
        if self._norm <= self._settings.eps_g:
            self._test(self._point)
        elif self._norm < _LEAST_GRADIENT:
            raise Ended(Status.STALLED, f"||g|| = {self._norm:.3g} is too small to be squared")
        return self._point

    def _look(self) -> _Point:
        self._oracle.draw(len(self._records))
        if math.isnan(self._fun) or self._oracle.stochastic:
            self._fun = self._oracle.value(self._x, f"at x ({self._where})")
        self._norm = math.nan
        gradient, self._norm = self._oracle.gradient(self._x, f"({self._where})")
        try:
            self._state, ellipsoid = self._shape.update(
                self._state, gradient, self._x, len(self._records)
            )
        except OverflowError as error:
            raise Ended(Status.NOT_FINITE, f"{error} ({self._where})") from None
        return _Point(gradient, ellipsoid, Products(self._oracle, self._x))

    def _test(self, point: _Point) -> None:
        """End the run unless curvature is asked for, and found."""
        asked, bound = self._settings.eps_H, f"||g|| = {self._norm:.3g} <= eps_g"
        if asked is None:
            raise Ended(Status.FIRST_ORDER, f"{bound} = {self._settings.eps_g:g}")
        if self._eigen is None:
            nothing = np.zeros_like(point.gradient)
            self._eigen = eigenpoint(
                point.products, nothing, 1.0, ellipsoid=point.ellipsoid, nu=self._settings.nu,
                floor=asked,
            )  # fmt: skip
        found = self._eigen
        if found.curvature < -self._settings.nu * asked:
            return
        raise Ended(Status.SECOND_ORDER, f"{bound} = {self._settings.eps_g:g} and curvature "
                    f"{found.curvature:.3g}: lam_min >= -eps_H = {-asked:g}")  # fmt: skip

    # ---- steps

    def _iterate(self) -> None:
        point = self._arrive()
        if self._norm > self._settings.eps_g:
            self._finish(point, self._try(self._gradient_step(point)), "gradient")
        else:
            self._finish(point, self._best_of_both(self._curvature_step(point)), "curvature")

    def _gradient_step(self, point: _Point) -> SubproblemStep:
        settings = self._settings
        found = settings.solver(
            point.products, point.gradient, self._radius, ellipsoid=point.ellipsoid,
            # No residual falls below rounding.
            tol=max(_UNIT, min(settings.krylov_tolerance, self._norm**settings.theta)),
            max_iter=int(max(1, min(2 * point.gradient.size, self._oracle.remaining))),
        )  # fmt: skip
        if settings.safeguard == 0.0:
            return found
        cauchy = cauchy_point(
            point.products, point.gradient, self._radius, ellipsoid=point.ellipsoid
        )
        least = 0.5 * settings.safeguard * self._norm * checks.length(found.step)
        enough = found.model_decrease >= max(cauchy.model_decrease, least)
        return found if enough else cauchy

    def _curvature_step(self, point: _Point) -> SubproblemStep:
        """``s = Delta u/||u||_A`` with ``g's <= 0``; the model has no gradient."""
        unit = self._eigen
        if unit is None:
            raise AssertionError("the curvature test comes before the curvature step")
        sign = -1.0 if point.gradient @ unit.step > 0 else 1.0
        return SubproblemStep(
            sign * self._radius * unit.step, self._radius**2 * unit.model_decrease, unit.products,
            on_boundary=True, curvature=unit.curvature,
        )  # fmt: skip

    def _try(self, step: SubproblemStep) -> _Trial:
        predicted = step.model_decrease
        x = self._x + step.step
        if not self._oracle.stochastic:
            # Another batch may have more to gain; the same function has not.
            if predicted <= _UNIT * abs(self._fun):
                raise Ended(Status.STALLED, f"the model promises a decrease of {predicted:.3g}, "
                            f"below the rounding of {self._fun:.6g} ({self._where})")  # fmt: skip
            if np.array_equal(x, self._x):
                raise Ended(Status.STALLED, f"the step is below the rounding of x ({self._where})")
        fun = self._oracle.value(x, f"at the trial point ({self._where})")
        rho = (self._fun - fun) / predicted if predicted > 0 else -math.inf
        return _Trial(step, x, fun, rho)

    def _best_of_both(self, step: SubproblemStep) -> _Trial:
        """The step, or where it is rejected the better of it and its opposite."""
        first = self._try(step)
        if self._settings.rule.accepts(first.rho):
            return first
        opposite = SubproblemStep(-step.step, step.model_decrease, 0, on_boundary=True,
                                  curvature=step.curvature)  # fmt: skip
        return max(first, self._try(opposite), key=lambda trial: trial.rho)

    # ---- afterwards

    def _finish(self, point: _Point, trial: _Trial, phase: str) -> None:
        rule, step = self._settings.rule, trial.step
        accepted = rule.accepts(trial.rho)
        record = Record(
            self._fun, self._norm, self._radius, trial.fun, checks.length(step.step),
            step.model_decrease, self._fun - trial.fun, trial.rho, accepted, phase,
            step.on_boundary, self._oracle.products, self._oracle.fun_evaluations,
            self._oracle.grad_evaluations,
        )  # fmt: skip
        self._records.append(record)
        self._radius = rule.next_radius(self._radius, trial.rho)
        if accepted:
            self._x, self._fun, self._norm, self._point = trial.x, trial.fun, math.nan, None
        if self._callback is not None and self._callback(self._x.copy(), record, point.ellipsoid):
            raise Ended(Status.STOPPED, f"the callback ended the run (after {len(self._records)} "
                        "iterations)")  # fmt: skip
        if self._radius < _LEAST_RADIUS:
            raise Ended(Status.STALLED, f"the radius has shrunk to {self._radius:.3g}")
