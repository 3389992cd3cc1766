"""The trust-region subproblem in an ellipsoid: the dual bound, and what the solvers reach of it.

``max -(g's + 1/2 s'Bs)`` over ``||s||_A <= Delta``. The dual bound judges a step without trust in
the solver that found it; both run in exact rationals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from theory import arrays
from theory.arrays import dot, quadratic_form
from theory.core import Claim, Mutant, Source
from theory.optimizers.trust_region import (
    SubproblemStep,
    eigenpoint,
    exact_subproblem,
    gltr,
    preconditioned_cauchy_point,
    steihaug_toint,
)

__all__ = ["certified_shortfall", "dual_bound", "subproblem_duality", "subproblem_solvers"]

Solver = Callable[..., SubproblemStep]


def dual_bound(matrix: Any, gradient: Any, ellipsoid: Any, radius: Any, multiplier: Any) -> Any:
    """``D(lambda) = 1/2 g'(B + lambda A)^{-1} g + 1/2 lambda Delta^2``.

    At least every decrease within the ellipsoid, for each lambda >= 0 with ``B + lambda A``
    positive definite; its infimum over these is the optimum (no duality gap).

    Parameters
    ----------
    matrix : array (d, d)
        B, symmetric.
    gradient : array (d,)
    ellipsoid : array (d, d), or (d,) meaning diagonal
        A, positive definite.
    radius, multiplier : number
        Delta and lambda.

    >>> float(dual_bound(np.eye(1), np.array([2.0]), np.ones(1), 1.0, 1.0))
    1.5
    """
    shifted = _shifted(matrix, ellipsoid, multiplier)
    reach = arrays.inverse_quadratic_form(shifted, gradient)
    return reach / 2 + multiplier * radius * radius / 2


def _shifted(matrix: Any, ellipsoid: Any, multiplier: Any) -> Any:
    if arrays.is_array(ellipsoid) and ellipsoid.ndim == 1:
        ellipsoid = arrays.diagonal_matrix(ellipsoid)
    return matrix + multiplier * ellipsoid


def decrease(matrix: Any, gradient: Any, step: Any) -> Any:
    """``-(g's + 1/2 s'Bs)``."""
    return -dot(gradient, step) - quadratic_form(matrix, step) / 2


# ---- the bound


def decrease_and_bound(
    matrix: Any, gradient: Any, ellipsoid: Any, radius: Any, multiplier: Any, step: Any
) -> tuple[Any, Any]:
    """The decrease of a step, and `dual_bound`."""
    bound = dual_bound(matrix, gradient, ellipsoid, radius, multiplier)
    return decrease(matrix, gradient, step), bound


def _bounded(
    matrix: Any, gradient: Any, ellipsoid: Any, radius: Any, multiplier: Any, step: Any
) -> bool:
    """Lambda >= 0, ``B + lambda A`` positive definite, the step in the ellipsoid."""
    inside = quadratic_form(ellipsoid, step) <= radius * radius
    return bool(multiplier >= 0 and inside) and arrays.is_positive_definite(
        _shifted(matrix, ellipsoid, multiplier)
    )


def _bounded_but_for_the_sign(
    matrix: Any, gradient: Any, ellipsoid: Any, radius: Any, multiplier: Any, step: Any
) -> bool:
    inside = bool(quadratic_form(ellipsoid, step) <= radius * radius)
    return inside and arrays.is_positive_definite(_shifted(matrix, ellipsoid, multiplier))


def _bounded_but_for_the_step(
    matrix: Any, gradient: Any, ellipsoid: Any, radius: Any, multiplier: Any, step: Any
) -> bool:
    return _bounded(matrix, gradient, ellipsoid, radius, multiplier, 49 * step / 50)


def _bounded_without_curvature(
    matrix: Any, gradient: Any, ellipsoid: Any, radius: Any, multiplier: Any, step: Any
) -> bool:
    inside = quadratic_form(ellipsoid, step) <= radius * radius
    invertible = arrays.is_positive_definite(matrix @ matrix)
    return bool(multiplier == 0 and inside) and invertible


def _scaled_parts(reach: int, shift: int) -> Callable[..., tuple[Any, Any]]:
    """The two terms of the bound in fiftieths."""

    def variant(
        matrix: Any, gradient: Any, ellipsoid: Any, radius: Any, multiplier: Any, step: Any
    ) -> tuple[Any, Any]:
        lhs, bound = decrease_and_bound(matrix, gradient, ellipsoid, radius, multiplier, step)
        second = multiplier * radius * radius / 2
        return lhs, reach * (bound - second) / 50 + shift * second / 50

    return variant


subproblem_duality = Claim(
    id="adaptive-norms/subproblem-duality",
    title="A bound that certifies a solution of the trust-region subproblem",
    kind="inequality",
    statement=(
        r"Let $A$ be symmetric positive definite, $B$ symmetric, $\lambda \ge 0$ and"
        r" $B + \lambda A$ positive definite. Then every $s$ with $\|s\|_A \le \Delta$ satisfies"
        r" $-(g^\top s + \tfrac12 s^\top B s) \le \tfrac12 g^\top (B + \lambda A)^{-1} g"
        r" + \tfrac12 \lambda \Delta^2$, with equality if $(B + \lambda A) s = -g$ and"
        r" $\lambda (\Delta - \|s\|_A) = 0$."
    ),
    source=Source("kohler2019", item="beyond"),
    scope={"d": "d >= 1", "A": "symmetric positive definite", "B": "symmetric", "lambda": ">= 0"},
    formula=decrease_and_bound,
    assumes=_bounded,
    notes=(
        "What judges the solvers in adaptive-norms/subproblem-solvers. Tight: with the multiplier"
        " of the optimum the two sides agree (outside the hard case, where the bound is an"
        " infimum)."
    ),
    mutants={
        "two per cent off the inverse": _scaled_parts(49, 50),
        "two per cent off the multiplier's term": _scaled_parts(50, 49),
        "a negative multiplier": Mutant(assumes=_bounded_but_for_the_sign),
        "steps two per cent outside": Mutant(assumes=_bounded_but_for_the_step),
        "B invertible, not definite": Mutant(assumes=_bounded_without_curvature),
    },
)

# ---- the solvers


def certified_shortfall(matrix: Any, gradient: Any, ellipsoid: Any, radius: Any) -> tuple[Any, Any]:
    """``(1 - 1e-10) D(lambda) <= decrease of GLTR's step``, 0 for a step outside by 1e-12.

    The solvers run in float64, on the nearest floats; the two sides are then evaluated in the
    arithmetic of the instance. lambda is the multiplier of `exact_subproblem`, raised so that D
    exceeds the optimum by about 1e-12 of it.

    Parameters
    ----------
    matrix : array (d, d)
        B, symmetric.
    gradient, ellipsoid : array (d,)
        g, and the diagonal of A.
    radius : number > 0
        Delta.

    Returns
    -------
    (lhs, rhs)
    """
    return _shortfall(gltr, matrix, gradient, ellipsoid, radius)


def is_certified(matrix: Any, gradient: Any, ellipsoid: Any, radius: Any) -> bool:
    """A diagonal A > 0, Delta > 0, an optimum > 0, and a multiplier that certifies it."""
    if not (radius > 0 and all(entry > 0 for entry in ellipsoid)):
        return False
    best = _solved(exact_subproblem, matrix, gradient, ellipsoid, radius)
    if not best.model_decrease > 0:
        return False
    multiplier = _raised_multiplier(best, gradient, radius)
    return arrays.is_positive_definite(_shifted(matrix, ellipsoid, multiplier))


def _shortfall(
    solver: Solver, matrix: Any, gradient: Any, ellipsoid: Any, radius: Any
) -> tuple[Any, Any]:
    best = _solved(exact_subproblem, matrix, gradient, ellipsoid, radius)
    multiplier = _raised_multiplier(best, gradient, radius)
    bound = dual_bound(matrix, gradient, ellipsoid, radius, multiplier)
    found = _solved(solver, matrix, gradient, ellipsoid, radius)
    return bound - bound / 10**10, _reached(found.step, matrix, gradient, ellipsoid, radius)


def _reached(step: Any, matrix: Any, gradient: Any, ellipsoid: Any, radius: Any) -> Any:
    """The decrease of a float step; 0 where it leaves the ellipsoid by more than 1e-12."""
    s = _as_given(step, gradient)
    limit = radius + radius / 10**12
    inside = bool(quadratic_form(ellipsoid, s) <= limit * limit)
    return decrease(matrix, gradient, s) if inside else 0 * radius


def _raised_multiplier(best: SubproblemStep, gradient: Any, radius: Any) -> Any:
    raised = best.multiplier + 2e-12 * best.model_decrease / float(_floats(radius)) ** 2
    return _as_given(np.array([raised]), gradient)[0]


def _as_given(values: Any, like: Any) -> Any:
    """Floats as they are, or as exact numbers where `like` has objects."""
    if not arrays.has_objects(like):
        return values
    zero = like.reshape(-1)[0] * 0
    return np.array([zero + Fraction(float(value)) for value in values], dtype=object)


def _floats(values: Any) -> Any:
    """The nearest floats to exact numbers."""
    nearest = np.vectorize(_float, otypes=[float])
    return nearest(values) if arrays.has_objects(np.asarray(values)) else np.asarray(values, float)


def _float(value: Any) -> float:
    return float(value.approximate() if hasattr(value, "approximate") else value)


def _solved(
    solver: Solver, matrix: Any, gradient: Any, ellipsoid: Any, radius: Any
) -> SubproblemStep:
    rows = tuple(map(tuple, _floats(matrix).tolist()))
    vectors = (tuple(_floats(vector).tolist()) for vector in (gradient, ellipsoid))
    return _cached(solver, rows, *vectors, float(_floats(radius)))


@lru_cache(maxsize=512)
def _cached(
    solver: Solver, rows: Any, gradient: Any, ellipsoid: Any, radius: float
) -> SubproblemStep:
    return solver(np.array(rows), gradient, radius, ellipsoid=ellipsoid)


def _unverified(*model: Any, ellipsoid: Any) -> SubproblemStep:
    return gltr(*model, ellipsoid=ellipsoid, verify=False)


def _stretched(*model: Any, ellipsoid: Any) -> SubproblemStep:
    found = gltr(*model, ellipsoid=ellipsoid)
    return replace(found, step=found.step * (1 + 1e-9))


def _shortened(*model: Any, ellipsoid: Any) -> SubproblemStep:
    found = gltr(*model, ellipsoid=ellipsoid)
    return replace(found, step=found.step * (1 - 1e-4))


def _with(solver: Solver) -> Callable[..., tuple[Any, Any]]:
    def variant(matrix: Any, gradient: Any, ellipsoid: Any, radius: Any) -> tuple[Any, Any]:
        return _shortfall(solver, matrix, gradient, ellipsoid, radius)

    return variant


def _above_the_optimum(**instance: Any) -> tuple[Any, Any]:
    lhs, rhs = certified_shortfall(**instance)
    return lhs + lhs / 10**9, rhs


subproblem_solvers = Claim(
    id="adaptive-norms/subproblem-solvers",
    title="GLTR solves the subproblem in an ellipsoid to 1e-10, hard case included",
    kind="inequality",
    statement=(
        r"In float64, on subproblems"
        r" $\max\{-(g^\top s + \tfrac12 s^\top B s) : \|s\|_A \le \Delta\}$ with definite,"
        r" indefinite or singular $B$, the hard case included, and condition numbers"
        r" of $B$ and of $A$ up to $10^{12}$, the step of the generalised Lanczos method satisfies"
        r" $\|s\|_A \le (1 + 10^{-12}) \Delta$ and decreases the model by at least"
        r" $(1 - 10^{-10}) D(\lambda)$, where $D(\lambda)$, at least the optimum, is the dual bound"
        r" of adaptive-norms/subproblem-duality in exact arithmetic."
    ),
    source=Source("kohler2019", item="Section 4 (subproblem)"),
    scope={"d": "d >= 1", "A": "positive diagonal", "B": "symmetric", "Delta": "> 0"},
    formula=certified_shortfall,
    assumes=is_certified,
    notes=(
        "The paper solves its subproblem by truncated conjugate gradients, which reach neither the"
        " optimum on the boundary nor negative curvature that the gradient does not see. Instances"
        " whose optimum float64 cannot certify to 1e-12 are excluded by hypothesis and counted."
        " Beyond d products nothing is spent; the search for unseen curvature is from one fixed"
        " pseudo-random direction."
    ),
    mutants={
        "truncated conjugate gradients": _with(steihaug_toint),
        "the first conjugate gradient step": _with(preconditioned_cauchy_point),
        "the eigenpoint": _with(eigenpoint),
        "no look outside the gradient's space": _with(_unverified),
        "steps a billionth longer": _with(_stretched),
        "steps 1e-4 shorter": _with(_shortened),
        "a billionth more than the optimum": _above_the_optimum,
    },
)
