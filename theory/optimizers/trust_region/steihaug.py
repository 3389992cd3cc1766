"""Preconditioned conjugate gradients truncated at the ellipsoid (Steihaug 1983, Toint 1981)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from theory.optimizers.trust_region import checks
from theory.optimizers.trust_region.checks import Array, length
from theory.optimizers.trust_region.model import QuadraticModel, SubproblemStep, best_of

__all__ = ["steihaug_toint"]

# Residuals that are kept, for orthogonality.
_MEMORY = 100


def steihaug_toint(
    hvp: Any,
    gradient: Any,
    radius: float,
    *,
    ellipsoid: Any = None,
    tol: float = 1e-8,
    max_iter: int | None = None,
) -> SubproblemStep:
    """Truncated conjugate gradients, preconditioned by the ellipsoid's matrix A.

    Starts along ``-A^-1 g``, and ends where ``||g + Bs||_{A^-1} <= tol ||g||_{A^-1}``, at the
    boundary where an iterate would leave or the curvature is not positive (at the better end of
    that line), or after `max_iter` products. The decrease is at least that of
    `preconditioned_cauchy_point`; it need not be that of `cauchy_point`, and at a saddle it can
    miss all negative curvature.

    The norm of each iterate is computed in the coordinates in which A is the identity, not
    carried along by a recurrence.

    Parameters
    ----------
    hvp : callable v -> Bv, or symmetric array (d, d)
    gradient : array (d,)
    radius : float > 0
        Delta, in units of ``||s||_A``.
    ellipsoid : None, array (d,), array (d, d) or Ellipsoid
        A: the sphere, a positive diagonal, or a symmetric positive definite matrix.
    tol : float in [0, 1)
        Relative residual.
    max_iter : int, optional
        Products allowed; ``2 d`` when omitted.

    Returns
    -------
    SubproblemStep
        `curvature` is the least ``p'Bp/p'Ap`` over the conjugate directions p.

    Raises
    ------
    ValueError
        If an argument is not finite, has a wrong shape, or is not symmetric or positive as it
        must be; NotFiniteError if a product is not finite.

    >>> float(steihaug_toint(np.eye(2), [3.0, 4.0], 10.0).model_decrease)
    12.5
    """
    model = QuadraticModel(hvp, gradient, radius, ellipsoid)
    target = checks.tolerance("tol", tol) * length(model.white_gradient)
    most = checks.count("max_iter", max_iter, 2 * model.dimension)
    # A flat direction may carry an iterate beyond every number; it leaves at the boundary.
    with np.errstate(over="ignore"):
        return _Run(model, target).steps(most)


class _Run:
    """The state of one run: z = F's, the residual in whitened coordinates, and Bs itself."""

    def __init__(self, model: QuadraticModel, target: float) -> None:
        self.model, self.target = model, target
        self.z, self.image = np.zeros(model.dimension), np.zeros(model.dimension)
        self.residual = model.white_gradient
        self.curvature = math.nan
        # Residuals that have passed, of unit length: a ring of rows, filled from the top.
        self._ring = np.empty((min(_MEMORY, model.dimension), model.dimension))
        self._passed = 0
        self._first: SubproblemStep | None = None

    def steps(self, most: int) -> SubproblemStep:
        ellipsoid = self.model.ellipsoid
        direction, size = -self.residual, length(self.residual)
        for _ in range(most):
            if len(self._past) == self.model.dimension:
                direction = self._restarted()
                size = length(direction)
            if size <= self.target:
                break
            np.divide(self.residual, size, out=self._ring[self._passed % len(self._ring)])
            self._passed += 1
            unit = direction / length(direction)
            image = self.model.product(ellipsoid.unwhiten(unit))
            white = ellipsoid.whiten_dual(image)
            bend = float(unit @ white)
            self.curvature = float(np.fmin(self.curvature, bend))
            t = -float(self.residual @ unit) / bend if bend > 0 else math.inf
            reached = self.z + t * unit if bend > 0 else self.z
            if bend <= 0 or length(reached) >= self.model.radius:
                t = self._exit(unit, bend)
                self._advance(self.z + t * unit, t, image, white)
                return self._result(on_boundary=True, converged=True)
            self._advance(reached, t, image, white)
            self._first = self._first or self._step(on_boundary=False, converged=False)
            last, size = size, length(self.residual)
            direction *= (size / last) ** 2
            direction -= self.residual
        return self._result(on_boundary=False, converged=size <= self.target)

    @property
    def _past(self) -> Array:
        return self._ring[: self._passed]

    def _restarted(self) -> Array:
        """The direction after d steps, from a fresh residual: rounding alone is left to correct."""
        ellipsoid = self.model.ellipsoid
        self._passed = 0
        self.residual = ellipsoid.whiten_dual(self.model.gradient + self.image)
        return -self.residual

    def _exit(self, unit: Array, bend: float) -> float:
        """Where the line leaves the ellipsoid; of its two ends the one with the lower model."""
        slope = float(self.residual @ unit)
        ends = [to_sphere(self.z, unit, self.model.radius),
                -to_sphere(self.z, -unit, self.model.radius)]  # fmt: skip
        return min(ends, key=lambda t: slope * t + 0.5 * bend * t * t)

    def _advance(self, z: Array, t: float, image: Array, white: Array) -> None:
        self.z = z
        self.image += t * image
        self.residual = self._orthogonalised(self.residual + t * white)

    def _orthogonalised(self, residual: Array) -> Array:
        """The residual without what rounding gave it of the earlier ones.

        Without it ill-conditioned runs lose conjugacy, and with it products.
        """
        past = self._past
        excess: Array = past.dot(residual).dot(past)
        return residual - excess

    def _result(self, *, on_boundary: bool, converged: bool) -> SubproblemStep:
        """The last iterate; the first where rounding has made the last one worse."""
        last = self._step(on_boundary=on_boundary, converged=converged)
        best = best_of([last, self._first or last])
        return best if best is last else replace(best, products=self.model.products)

    def _step(self, *, on_boundary: bool, converged: bool) -> SubproblemStep:
        return self.model.finish(
            self.model.ellipsoid.unwhiten(self.z), self.image, on_boundary=on_boundary,
            residual=length(self.residual), converged=converged,
            curvature=self.curvature,
        )  # fmt: skip


def to_sphere(z: Array, unit: Array, radius: float) -> float:
    """The t >= 0 with ``||z + t u|| = radius`` for ``||z|| <= radius`` and ``||u|| = 1``."""
    along = float(z @ unit)
    size = length(z)
    room = max((radius - size) * (radius + size), 0.0)
    root = math.hypot(along, math.sqrt(room))
    # The form without cancellation: the two roots have product -room.
    return root - along if along <= 0 else room / (root + along)
