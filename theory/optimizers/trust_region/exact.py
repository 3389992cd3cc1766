"""The subproblem solved to rounding from the whole matrix, by its secular equation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from theory.optimizers.trust_region import checks
from theory.optimizers.trust_region.accurate import AccurateProduct
from theory.optimizers.trust_region.checks import Array
from theory.optimizers.trust_region.model import QuadraticModel, SubproblemStep, best_of
from theory.optimizers.trust_region.secular import (
    SecularSolution,
    least_squares_inside,
    refined,
    solve_secular,
)

__all__ = ["exact_subproblem"]

_NEWTON_STEPS = 4
_CORRECTIONS = 3


def exact_subproblem(
    B: Any, gradient: Any, radius: float, *, ellipsoid: Any = None
) -> SubproblemStep:
    """The global minimiser of ``g's + 1/2 s'Bs`` over ``||s||_A <= Delta``, hard case included.

    ``s = -(B + lambda A)^+ g`` with ``lambda >= max(0, -lam_min)``, lam the eigenvalues of B in
    the coordinates in which A is the identity; where no such lambda reaches the boundary,
    an eigenvector of lam_min completes the step. The step is then corrected by its own residual.

    Parameters
    ----------
    B : symmetric array (d, d)
    gradient : array (d,)
    radius : float > 0
        Delta, in units of ``||s||_A``.
    ellipsoid : None, array (d,), array (d, d) or Ellipsoid
        A: the sphere, a positive diagonal, or a symmetric positive definite matrix.

    Returns
    -------
    SubproblemStep
        `products` is d: what the matrix would cost in products.

    Raises
    ------
    ValueError
        If an argument is not finite, has a wrong shape, or is not symmetric or positive as it
        must be.

    >>> found = exact_subproblem(np.diag([1.0, -1.0]), [1.0, 0.0], 2.0)
    >>> round(found.model_decrease, 12), found.multiplier, found.hard_case
    (2.25, 1.0, True)
    """
    g = checks.vector("gradient", gradient)
    matrix = checks.symmetric("B", B, g.size)
    problem = _Problem(QuadraticModel(matrix, g, radius, ellipsoid), matrix)
    # A nearly singular B + lambda A may give a candidate that overflows; it is not taken.
    with np.errstate(over="ignore", invalid="ignore"):
        inside = problem.inside()
        if inside is not None:
            return inside
        secular, found = problem.in_eigenbasis()
        return best_of([found, *problem.polished(secular)])


class _Problem:
    """One subproblem with its matrix."""

    def __init__(self, model: QuadraticModel, matrix: Array) -> None:
        self.model, self.matrix = model, matrix
        model.products = model.dimension
        self._product = AccurateProduct(matrix)
        self._dense = model.ellipsoid.apply(np.eye(model.dimension))

    def inside(self) -> SubproblemStep | None:
        """The minimiser of a definite model where it lies inside, else None."""
        factor = self._factor(0.0)
        s = None if factor is None else self._shifted_solution(factor, 0.0)
        if s is None or not self.model.ellipsoid.norm(s) <= self.model.radius:
            return None
        return self._finished(s, 0.0, on_boundary=False, hard_case=False)

    def in_eigenbasis(self) -> tuple[SecularSolution, SubproblemStep]:
        """The secular equation's solution, and the best step that it leads to."""
        ellipsoid = self.model.ellipsoid
        white = ellipsoid.whiten_dual(ellipsoid.whiten_dual(self.matrix).T)
        values, vectors = np.linalg.eigh(white / 2 + white.T / 2)
        problem = values, vectors.T @ self.model.white_gradient, self.model.radius
        secular, inside = solve_secular(*problem), least_squares_inside(*problem)
        tries = [one for one in (secular, inside) if one is not None]
        found = [
            self._finished(ellipsoid.unwhiten(vectors @ y), one.multiplier,
                           on_boundary=one.on_boundary, hard_case=one.hard_case)
            for one in tries for y in (one.point, self._corrected(one, vectors))
        ]  # fmt: skip
        return secular, best_of(found)

    def _corrected(self, solution: SecularSolution, vectors: Array) -> Array:
        step = self.model.ellipsoid.unwhiten(vectors @ solution.point)
        residual = self._residual(step, solution.multiplier)
        return refined(solution, vectors.T @ residual, self.model.radius)

    def polished(self, secular: SecularSolution) -> Iterator[SubproblemStep]:
        """Steps of Newton's method for the multiplier, in the original coordinates.

        A factor of ``B + lambda A`` keeps digits that the whitened matrix has lost.
        """
        ellipsoid, radius = self.model.ellipsoid, self.model.radius
        multiplier = secular.multiplier
        for _ in range(_NEWTON_STEPS):
            factor = self._factor(multiplier)
            if factor is None:
                return
            s = self._shifted_solution(factor, multiplier)
            size = ellipsoid.norm(s)
            if not 0 < size < math.inf:
                return
            yield self._finished(s * (radius / size), multiplier, on_boundary=True,
                                 hard_case=False)  # fmt: skip
            if size < radius:
                yield self._finished(s, multiplier, on_boundary=False, hard_case=False)
            image = ellipsoid.apply(s)
            slope = float(image @ cho_solve(factor, image))
            if not slope > 0:
                return
            multiplier = max(multiplier + (size / radius - 1.0) * size**2 / slope, 0.0)

    def _factor(self, multiplier: float) -> tuple[Array, bool] | None:
        """The Cholesky factor of ``B + lambda A``; None where it is not definite."""
        try:
            return cast(tuple[Array, bool], cho_factor(self.matrix + multiplier * self._dense))
        except np.linalg.LinAlgError:
            return None

    def _shifted_solution(self, factor: tuple[Array, bool], multiplier: float) -> Array:
        """``-(B + lambda A)^-1 g``, corrected by its residual."""
        s = -cho_solve(factor, self.model.gradient)
        for _ in range(_CORRECTIONS):
            s = s - cho_solve(factor, self._sum(s, multiplier))
        return np.asarray(s)

    def _sum(self, s: Array, multiplier: float) -> Array:
        """``g + Bs + lambda As``."""
        shift = multiplier * self.model.ellipsoid.apply(s)
        return self.model.gradient + self._product(s) + shift

    def _residual(self, s: Array, multiplier: float) -> Array:
        return self.model.ellipsoid.whiten_dual(self._sum(s, multiplier))

    def _finished(self, s: Array, multiplier: float, **fields: bool) -> SubproblemStep:
        residual = float(np.linalg.norm(self._residual(s, multiplier)))
        return self.model.finish(s, self._product(s), multiplier=multiplier, residual=residual,
                                 **fields)  # fmt: skip
