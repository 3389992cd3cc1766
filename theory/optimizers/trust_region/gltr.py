"""The generalised Lanczos trust-region method (Gould, Lucidi, Roma, Toint 1999), to the optimum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from theory.optimizers.trust_region import checks
from theory.optimizers.trust_region.checks import Array
from theory.optimizers.trust_region.krylov import KrylovSpace, least_steps
from theory.optimizers.trust_region.model import QuadraticModel, SubproblemStep, best_of
from theory.optimizers.trust_region.secular import (
    SecularSolution,
    least_squares_inside,
    refined,
    solve_secular,
)

__all__ = ["gltr"]

# A large projected problem is solved after every (1 + k // _STRIDE)-th direction only.
_STRIDE = 64
# Corrections by the residual; each gains what the projected matrix' rounding leaves.
_CORRECTIONS = 12


def gltr(
    hvp: Any,
    gradient: Any,
    radius: float,
    *,
    ellipsoid: Any = None,
    tol: float = 0.0,
    gap: float = 1e-13,
    max_iter: int | None = None,
    verify: bool = True,
) -> SubproblemStep:
    """The model's minimiser over growing Krylov spaces, up to the global one.

    The spaces are those of ``A^-1 B`` and ``A^-1 g``, orthogonalised in the ellipsoid's inner
    product; in each the subproblem is solved to rounding. It ends where the residual
    ``r = ||g + Bs + lambda As||_{A^-1}`` is at most ``tol ||g||_{A^-1}``, or where ``2 r Delta``,
    which bounds what is missing to the optimum as long as ``B + lambda A`` is positive
    semidefinite, is at most `gap` times the decrease. That last condition is then verified in a
    second Krylov space, from a pseudo-random direction outside the first: it finds the
    eigenvector that the gradient does not see (the hard case), at the price of more products.

    Parameters
    ----------
    hvp : callable v -> Bv, or symmetric array (d, d)
    gradient : array (d,)
    radius : float > 0
        Delta, in units of ``||s||_A``.
    ellipsoid : None, array (d,), array (d, d) or Ellipsoid
        A: the sphere, a positive diagonal, or a symmetric positive definite matrix.
    tol, gap : float in [0, 1)
        Relative residual; relative distance of the decrease from the optimum's.
    max_iter : int, optional
        Products allowed; d, which always suffices, when omitted.
    verify : bool
        Whether to look for negative curvature outside the gradient's Krylov space.

    Returns
    -------
    SubproblemStep
        `curvature` is the least eigenvalue of ``A^-1/2 B A^-1/2`` on the space that was built.

    Raises
    ------
    ValueError
        If an argument is not finite, has a wrong shape, or is not symmetric or positive as it
        must be; NotFiniteError if a product is not finite.

    >>> found = gltr(np.diag([1.0, -1.0]), [1.0, 0.0], 2.0)
    >>> round(found.model_decrease, 12), found.hard_case
    (2.25, True)
    """
    model = QuadraticModel(hvp, gradient, radius, ellipsoid)
    search = _Search(model, checks.tolerance("tol", tol), checks.tolerance("gap", gap), verify)
    most = min(checks.count("max_iter", max_iter, model.dimension), model.dimension)
    # Next to the hard case a candidate may overflow; it is not taken.
    with np.errstate(over="ignore", invalid="ignore"):
        return search.run(most)


@dataclass(frozen=True, eq=False)
class _Galerkin:
    """The solution in the current space: h, its residual (d,), and what bounds its distance."""

    secular: SecularSolution
    point: Array
    residual: Array
    decrease: float
    values: Array
    vectors: Array


class _Search:
    def __init__(self, model: QuadraticModel, tol: float, gap: float, verify: bool) -> None:
        self.model, self.tol, self.gap, self.verify = model, tol, gap, verify
        self.space = KrylovSpace(model)
        # First direction of the space that looks for curvature; None before it is opened.
        self.second: int | None = None

    def run(self, most: int) -> SubproblemStep:
        if not self.space.start(self.model.white_gradient):
            if not self.verify:
                return SubproblemStep(np.zeros(self.model.dimension), 0.0, 0, on_boundary=False,
                                      multiplier=0.0, residual=0.0)  # fmt: skip
            self._open_second()
        found = self._solve()
        done = self._done(found)
        while not done and self.space.size < most:
            self._grow(found, most)
            found = self._solve()
            done = self._done(found)
        return self._result(found, done)

    def _solve(self) -> _Galerkin:
        space = self.space
        values, vectors = np.linalg.eigh(space.projected)
        coefficients = vectors.T @ (space.basis @ self.model.white_gradient)
        secular = solve_secular(values, coefficients, self.model.radius)
        y = secular.point
        decrease = -float(coefficients @ y + 0.5 * (values * y) @ y)
        point = vectors @ y
        return _Galerkin(secular, point, self._residual(point, secular.multiplier), decrease,
                         values, vectors)  # fmt: skip

    def _residual(self, point: Array, multiplier: float) -> Array:
        return (self.model.white_gradient + point @ self.space.white_images
                + multiplier * (point @ self.space.basis))  # fmt: skip

    def _measured(self, point: Array, multiplier: float) -> Array:
        """`_residual` with as little rounding as the model allows."""
        z, ellipsoid = point @ self.space.basis, self.model.ellipsoid
        image = self.model.refreshed(ellipsoid.unwhiten(z), point @ self.space.images)
        return ellipsoid.whiten_dual(self.model.gradient + image) + multiplier * z

    def _small(self, found: _Galerkin) -> bool:
        size = checks.length(found.residual)
        slope, length = map(checks.length, (self.model.white_gradient, found.point))
        rounding = np.finfo(float).eps * (slope + self.space.scale * length)
        near = 2.0 * size * self.model.radius <= self.gap * found.decrease
        return near or bool(size <= max(self.tol * slope, rounding))

    def _done(self, found: _Galerkin) -> bool:
        if self.space.full:
            return True
        if not self._small(found):
            return False
        return not self.verify or (self.second is not None and self._curvature_known(found))

    def _curvature_known(self, found: _Galerkin) -> bool:
        """Whether no direction outside the space can lower the model by more than the gap."""
        second = self.second or 0
        steps = self.space.size - second
        if steps < min(self.model.dimension - second, least_steps(self.model.dimension)):
            return False
        part = self.space.projected[second:, second:]
        value, vector = (array[..., 0] for array in np.linalg.eigh(part))
        miss = vector @ self.space.white_images[second:]
        miss = miss - (self.space.basis @ miss) @ self.space.basis
        lacking = checks.length(miss) - (float(value) + found.secular.multiplier)
        return 2.0 * lacking * self.model.radius**2 <= self.gap * found.decrease

    def _grow(self, found: _Galerkin, most: int) -> None:
        if self.second is None and self._small(found):
            self._open_second()
        elif self.second is not None and not self._small(found):
            if not self.space.start(found.residual):
                self.space.start_at_random()
        else:
            self._extend(min(1 + self.space.size // _STRIDE, most - self.space.size))

    def _extend(self, steps: int) -> None:
        for _ in range(steps):
            if not self.space.extend():
                if not self.space.full:
                    self._open_second()
                return

    def _open_second(self) -> None:
        self.second = self.space.size
        self.space.start_at_random()

    def _result(self, found: _Galerkin, done: bool) -> SubproblemStep:
        """The best of the solution, of one without what is rounding, and of their corrections."""
        coefficients = found.vectors.T @ (self.space.basis @ self.model.white_gradient)
        inside = least_squares_inside(found.values, coefficients, self.model.radius)
        solutions = [one for one in (found.secular, inside) if one is not None]
        return best_of(self._polished(one, found, done) for one in solutions)

    def _polished(self, secular: SecularSolution, found: _Galerkin, done: bool) -> SubproblemStep:
        """Corrected by the residual for as long as the model decreases."""
        best = self._step(secular, found, done)
        for _ in range(_CORRECTIONS):
            residual = self._measured(found.vectors @ secular.point, secular.multiplier)
            error = found.vectors.T @ (self.space.basis @ residual)
            secular = replace(secular, point=refined(secular, error, self.model.radius))
            new = self._step(secular, found, done)
            if not new.model_decrease > best.model_decrease:
                break
            best = new
        return best

    def _step(self, secular: SecularSolution, found: _Galerkin, done: bool) -> SubproblemStep:
        point = found.vectors @ secular.point
        return self.model.finish(
            self.model.ellipsoid.unwhiten(point @ self.space.basis), point @ self.space.images,
            residual=checks.length(self._measured(point, secular.multiplier)),
            on_boundary=secular.on_boundary, multiplier=secular.multiplier, converged=done,
            hard_case=secular.hard_case, curvature=float(found.values[0]),
        )  # fmt: skip
