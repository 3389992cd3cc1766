"""The quadratic model ``m(s) - m(0) = g's + 1/2 s'Bs`` behind its Hessian-vector products."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from theory.optimizers.trust_region import checks
from theory.optimizers.trust_region.accurate import AccurateProduct
from theory.optimizers.trust_region.checks import Array
from theory.optimizers.trust_region.ellipsoid import Ellipsoid

__all__ = ["NotFiniteError", "QuadraticModel", "SubproblemStep", "as_product", "best_of"]


class NotFiniteError(ValueError):
    """A Hessian-vector product returned NaN or infinity.

    Attributes
    ----------
    products : int
        Products that were spent, the one that failed included.
    """

    def __init__(self, message: str, products: int) -> None:
        super().__init__(message)
        self.products = products


@dataclass(frozen=True, eq=False)
class SubproblemStep:
    """An approximate minimiser of the model over ``||s||_A <= radius``.

    Attributes
    ----------
    step : array (d,)
        s, with ``||s||_A <= radius`` but for rounding.
    model_decrease : float
        ``m(0) - m(s) = -(g's + 1/2 s'Bs)``.
    products : int
        Hessian-vector products spent.
    on_boundary : bool
        Whether the solver stopped at ``||s||_A = radius``.
    multiplier : float
        lambda >= 0 with ``(B + lambda A) s = -g`` but for `residual`; 0 inside, and NaN where
        the solver has none.
    residual : float
        ``||g + Bs + lambda As||_{A^-1}``; NaN where the solver has none.
    converged : bool
        Whether the solver's own test was met; False where it ran out of products.
    hard_case : bool
        Whether the step was completed by an eigenvector that the gradient does not see.
    curvature : float
        The least ``u'Bu/u'u`` (`eigenpoint`) or ``u'Bu/u'Au`` (the others) that was met; NaN
        where the solver meets none.
    """

    step: Array
    model_decrease: float
    products: int
    on_boundary: bool
    multiplier: float = math.nan
    residual: float = math.nan
    converged: bool = True
    hard_case: bool = False
    curvature: float = math.nan


class QuadraticModel:
    """A checked model: gradient, counted products, ellipsoid and radius.

    Parameters
    ----------
    hvp : callable v -> Bv, or symmetric array (d, d)
        An array is multiplied to the last digit.
    gradient : array (d,)
    radius : float > 0
    ellipsoid : see `Ellipsoid.of`

    Raises
    ------
    ValueError
        If an argument is not finite, has a wrong shape, is not symmetric or not positive.
    """

    def __init__(self, hvp: Any, gradient: Any, radius: Any, ellipsoid: Any = None) -> None:
        self.gradient = checks.vector("gradient", gradient)
        self.dimension = self.gradient.size
        self.radius = checks.positive("radius", radius)
        self.ellipsoid = Ellipsoid.of(ellipsoid, self.dimension)
        self._multiply = as_product(hvp, self.dimension)
        self._knows_matrix = isinstance(self._multiply, AccurateProduct)
        self.products = 0
        self.white_gradient = self.ellipsoid.whiten_dual(self.gradient)

    def product(self, v: Array) -> Array:
        """``B v``, counted; raises NotFiniteError where an entry of it is NaN or infinite."""
        self.products += 1
        image = np.asarray(self._multiply(v), dtype=np.float64)
        if image.shape != v.shape:
            raise ValueError(f"hvp returned shape {image.shape}; it must be {v.shape}")
        if not np.isfinite(image).all():
            index = int(np.flatnonzero(~np.isfinite(image))[0])
            raise NotFiniteError(f"hvp returned {image[index]} at [{index}] in product number "
                                 f"{self.products}; it must be finite", self.products)  # fmt: skip
        return image

    def refreshed(self, step: Array, image: Array) -> Array:
        """``Bs`` without the rounding of the sum `image`, where B is a matrix; else `image`.

        That product is not counted: it tells nothing of B that `image` does not.
        """
        return np.asarray(self._multiply(step)) if self._knows_matrix else image

    def finish(self, step: Array, image: Array, **fields: Any) -> SubproblemStep:
        """Shorten `step` to the ellipsoid if rounding left it, and value it by ``image = Bs``."""
        step, factor = shortened(step, self.ellipsoid, self.radius)
        image = self.refreshed(step, factor * image)
        decrease = -(self.gradient @ step + 0.5 * (step @ image))
        return SubproblemStep(step, float(decrease), self.products, **fields)


def best_of(steps: Iterable[SubproblemStep]) -> SubproblemStep:
    """The step that decreases the model most; one whose decrease is NaN is never better."""
    first, *others = steps
    for one in others:
        first = one if one.model_decrease > first.model_decrease else first
    return first


def as_product(hvp: Any, dimension: int) -> Callable[[Array], Any]:
    """`hvp` itself where it is callable, and the product with it where it is a matrix.

    Raises
    ------
    ValueError
        If it is neither, or a matrix that is not finite and symmetric of size `dimension`.
    """
    if callable(hvp):
        return hvp  # type: ignore[no-any-return]
    return AccurateProduct(checks.symmetric("hvp", hvp, dimension))


def shortened(step: Array, ellipsoid: Ellipsoid, radius: float) -> tuple[Array, float]:
    """The step times a factor <= 1 so that ``||s||_A <= radius (1 + 1e-13)``, and that factor."""
    factor, shrink, scaled = 1.0, 2.0**-52, step
    # In an ill-conditioned ellipsoid the rounding of s alone moves its norm: shrink until inside.
    while (norm := ellipsoid.norm(scaled)) > radius * (1.0 + 1e-13):
        factor *= radius / norm * (1.0 - shrink)
        scaled = factor * step
        shrink *= 2.0
    return scaled, factor
