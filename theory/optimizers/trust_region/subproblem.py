"""Elementary steps of the subproblem ``min g's + 1/2 s'Bs`` over ``||s||_A <= Delta``.

Cauchy points and the eigenpoint (Kohler, Adolphs, Lucchi 2019, section 4, Lemmas 5 and 6).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from theory.optimizers.trust_region import checks
from theory.optimizers.trust_region.checks import Array
from theory.optimizers.trust_region.krylov import least_curvature
from theory.optimizers.trust_region.model import (
    NotFiniteError,
    QuadraticModel,
    SubproblemStep,
    best_of,
)

__all__ = [
    "NotFiniteError",
    "SubproblemStep",
    "cauchy_point",
    "eigenpoint",
    "model_decrease",
    "preconditioned_cauchy_point",
]


def model_decrease(hvp: Any, gradient: Any, step: Any) -> float:
    """``m(0) - m(s) = -(g's + 1/2 s'Bs)``; one product.

    Parameters
    ----------
    hvp : callable v -> Bv, or symmetric array (d, d)
    gradient, step : array (d,)

    Raises
    ------
    ValueError
        If a shape is wrong or an entry not finite; NotFiniteError if the product is not.

    >>> model_decrease(np.diag([1.0, -1.0]), [1.0, 0.0], [-1.0, 0.0])
    0.5
    """
    model = QuadraticModel(hvp, gradient, 1.0)
    s = checks.vector("step", step, model.dimension)
    return float(-(model.gradient @ s + 0.5 * (s @ model.product(s))))


def cauchy_point(
    hvp: Any, gradient: Any, radius: float, *, ellipsoid: Any = None
) -> SubproblemStep:
    """The model's minimiser along ``-g`` within the ellipsoid (the paper's Cauchy point).

    ``s = -t g``, ``t = min{ ||g||^2/(g'Bg)_+, Delta/||g||_A }``; its decrease is at least
    ``1/2 ||g|| min{ ||g||/||B||, (||g||/||g||_A) Delta }`` (Lemma 5). One product.

    Parameters
    ----------
    hvp : callable v -> Bv, or symmetric array (d, d)
    gradient : array (d,)
    radius : float > 0
        Delta.
    ellipsoid : None, array (d,), array (d, d) or Ellipsoid
        A: the sphere, a positive diagonal, or a symmetric positive definite matrix.

    Raises
    ------
    ValueError
        If an argument is not finite, has a wrong shape, or is not symmetric or positive as it
        must be; NotFiniteError if the product is not finite.

    >>> cauchy_point(np.eye(2), [3.0, 4.0], 1.0).step.tolist()
    [-0.6, -0.8]
    """
    model = QuadraticModel(hvp, gradient, radius, ellipsoid)
    return _along(model, -model.gradient)


def preconditioned_cauchy_point(
    hvp: Any, gradient: Any, radius: float, *, ellipsoid: Any = None
) -> SubproblemStep:
    """The model's minimiser along ``-A^-1 g``: the first iterate of preconditioned CG.

    Its decrease is at least ``1/2 ||g||_{A^-1} min{ ||g||_{A^-1}/lam_+, Delta }``, lam_+ the
    positive part of ``lam_max(A^-1/2 B A^-1/2)``. Arguments and errors as in `cauchy_point`.
    """
    model = QuadraticModel(hvp, gradient, radius, ellipsoid)
    return _along(model, -model.ellipsoid.unwhiten(model.white_gradient))


def eigenpoint(
    hvp: Any,
    gradient: Any,
    radius: float,
    *,
    ellipsoid: Any = None,
    nu: float = 0.9,
    floor: float = 0.0,
    max_iter: int | None = None,
) -> SubproblemStep:
    """The model's minimiser along a direction u of negative curvature, with ``g'u <= 0``.

    Lanczos from a pseudo-random start looks for u with ``u'Bu <= nu lam_min(B) u'u``, the
    Euclidean eigenvector of the paper, and stops where ``lam_min >= -floor`` seems sure. Where
    ``u'Bu < 0`` the step ``s = Delta u/||u||_A`` decreases the model by at least
    ``1/2 nu |lam_min| (||u||/||u||_A)^2 Delta^2`` (Lemma 6). With gradient 0 the sign of the step
    is arbitrary.

    Parameters
    ----------
    hvp : callable v -> Bv, or symmetric array (d, d)
    gradient : array (d,)
    radius : float > 0
        Delta, in units of ``||s||_A``.
    ellipsoid : None, array (d,), array (d, d) or Ellipsoid
        A: the sphere, a positive diagonal, or a symmetric positive definite matrix.
    nu : float in (0, 1)
        Share of the least eigenvalue that is asked for.
    floor : float >= 0
        Curvature above ``-floor`` is not looked for.
    max_iter : int, optional
        Products allowed; d, which always suffices, when omitted.

    Returns
    -------
    SubproblemStep
        `curvature` is ``u'Bu/u'u``; where it is not negative, the step minimises the convex
        model along u and may be 0.

    Raises
    ------
    ValueError
        If an argument is not finite, has a wrong shape, or is outside its range;
        NotFiniteError if a product is not finite.

    >>> found = eigenpoint(np.diag([1.0, -1.0]), [1.0, 0.0], 2.0)
    >>> round(found.model_decrease, 12), round(found.curvature, 12)
    (2.0, -1.0)
    """
    model = QuadraticModel(hvp, gradient, radius, ellipsoid)
    if checks.tolerance("nu", nu) == 0:
        raise ValueError(f"nu is {nu!r}; it must be in (0, 1)")
    least = checks.scalar("floor", floor)
    if not 0 <= least < math.inf:
        raise ValueError(f"floor is {floor!r}; it must be finite and >= 0")
    most = min(checks.count("max_iter", max_iter, model.dimension), model.dimension)
    u, image, converged = least_curvature(model, nu, least, most)
    bend = float(u @ image)
    if model.gradient @ u > 0:
        u, image = -u, -image
    found = _line_minimum(model, u, image)
    return replace(found, curvature=bend, converged=converged)


def _along(model: QuadraticModel, direction: Array) -> SubproblemStep:
    """The minimiser along a direction that does not ascend."""
    length = model.ellipsoid.norm(direction)
    if length == 0.0:
        return SubproblemStep(np.zeros(model.dimension), 0.0, 0, on_boundary=False)
    unit = direction / length
    return _line_minimum(model, unit, model.product(unit))


def _line_minimum(model: QuadraticModel, direction: Array, image: Array) -> SubproblemStep:
    """The minimiser along a direction p that does not ascend, whose image Bp is known."""
    length = model.ellipsoid.norm(direction)
    unit, image = direction / length, image / length
    slope, bend = float(model.gradient @ unit), float(unit @ image)
    inside = bend > 0 and -slope < bend * model.radius
    # A flat line without slope is left where it is.
    t = -slope / bend if inside else model.radius * float(bend < 0 or slope < 0)
    found = model.finish(t * unit, t * image, on_boundary=t == model.radius, curvature=bend)
    nothing = model.finish(0 * unit, 0 * image, on_boundary=False, curvature=bend)
    return best_of([nothing, found])
