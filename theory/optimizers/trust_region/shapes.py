"""Ellipsoids that evolve with the gradients: Adagrad, RMSProp, or what the user fixes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from theory.optimizers.trust_region.ellipsoid import Ellipsoid

__all__ = ["EVOLVING", "GradientShape", "OwnShape", "Shape", "make_shape"]

Array = NDArray[np.float64]
EVOLVING = ("adagrad", "rmsprop")
# Multiple of d u lam_max below which the factorisation of a rounded matrix can fail.
_FLOOR = 16.0


class Shape(Protocol):
    """The ellipsoid as a pure pair ``(init, update)``, like the first-order optimizers."""

    def init(self) -> Any:
        """The state before the first gradient."""

    def update(
        self, state: Any, gradient: Array, x: Array, iteration: int
    ) -> tuple[Any, Ellipsoid]:
        """The state and the ellipsoid once `gradient`, taken at `x`, is known."""


@dataclass(frozen=True)
class GradientShape:
    """Adagrad's or RMSProp's ellipsoid ``A_t = (V_t + eps I)^p`` (Kohler et al. 2019, eqs. 2, 3).

    ``V_t = b V_{t-1} + c g_t g_t'`` from ``V_{-1} = 0``, with b = c = 1 (Adagrad) or b = `decay`,
    c = 1 - b (RMSProp, without bias correction); the diagonal version keeps the diagonal. The
    power 1 is the method's and Lemma 2's, 1/2 that of the first-order analogy (Corollary 1).

    Parameters
    ----------
    rule : str
        ``"adagrad"`` or ``"rmsprop"``.
    dimension : int
        d.
    power : float in (0, 1]
        p.
    diagonal : bool
        Full matrices cost an eigendecomposition for each gradient.
    decay : float in [0, 1)
        b; RMSProp only.
    eps : float > 0
    scale_determinant : bool
        Divide A by ``det(A)^(1/d)``: the same shape with the volume of the sphere.
    """

    rule: str
    dimension: int
    power: float = 0.5
    diagonal: bool = True
    decay: float = 0.9
    eps: float = 1e-8
    scale_determinant: bool = False

    def init(self) -> Array:
        """``V_{-1} = 0``, of shape (d,) or (d, d)."""
        return np.zeros(self.dimension if self.diagonal else (self.dimension, self.dimension))

    def update(
        self, state: Array, gradient: Array, x: Array, iteration: int
    ) -> tuple[Array, Ellipsoid]:
        """``V_t`` and the ellipsoid of ``A_t``; `x` and `iteration` are not used.

        Raises
        ------
        OverflowError
            If an entry of ``V_t`` is not finite.

        >>> shape = GradientShape("adagrad", 2, eps=1.0)
        >>> shape.update(shape.init(), np.array([0.0, 3.0]), np.zeros(2), 0)[1].matrix.tolist()
        [1.0, 3.1622776601683795]
        """
        old, new = (1.0, 1.0) if self.rule == "adagrad" else (self.decay, 1.0 - self.decay)
        with np.errstate(over="ignore"):
            square = gradient * gradient if self.diagonal else np.outer(gradient, gradient)
            state = old * state + new * square
        if not np.isfinite(state).all():
            raise OverflowError("the sum of squared gradients overflows float64")
        matrix = self._diagonal(state) if self.diagonal else self._full(state)
        return state, Ellipsoid.of(matrix, self.dimension)

    def _diagonal(self, state: Array) -> Array:
        return self._powers(state + self.eps)

    def _full(self, state: Array) -> Array:
        values, vectors = np.linalg.eigh(state)
        # V is positive semidefinite: what eigh reports below its rounding error is no eigenvalue.
        least = _FLOOR * self.dimension * np.finfo(float).eps * values[-1]
        scaled = vectors * self._powers(np.maximum(values + self.eps, least))
        product = scaled @ vectors.T
        return np.asarray((product + product.T) / 2)

    def _powers(self, values: Array) -> Array:
        powers = values**self.power
        if self.scale_determinant:
            powers = powers / np.exp(np.mean(np.log(powers)))
        return np.asarray(powers)


@dataclass(frozen=True)
class OwnShape:
    """A fixed ellipsoid, or the user's function ``(iteration, x, gradient) -> ellipsoid``.

    Parameters
    ----------
    value : None, array (d,), array (d, d), Ellipsoid, or callable that returns one of them
    dimension : int
    """

    value: Any
    dimension: int

    def init(self) -> Ellipsoid | None:
        """The fixed ellipsoid, None for a function."""
        return None if callable(self.value) else Ellipsoid.of(self.value, self.dimension)

    def update(
        self, state: Ellipsoid | None, gradient: Array, x: Array, iteration: int
    ) -> tuple[Ellipsoid | None, Ellipsoid]:
        """The fixed ellipsoid, or the function's value; raises ValueError if it is no ellipsoid."""
        if state is None:
            value = self.value(iteration, x.copy(), gradient.copy())
            return None, Ellipsoid.of(value, self.dimension)
        return state, state


def make_shape(
    ellipsoid: Any, dimension: int, *, power: float, diagonal: bool, decay: float, eps: float,
    scale_determinant: bool,
) -> Shape:  # fmt: skip
    """The shape that `ellipsoid` names or is; the options concern Adagrad and RMSProp only.

    Raises
    ------
    ValueError
        If `ellipsoid` is an unknown name, or not positive definite.
    """
    if isinstance(ellipsoid, str):
        if ellipsoid == "spherical":
            return OwnShape(None, dimension)
        if ellipsoid not in EVOLVING:
            raise ValueError(f"ellipsoid is {ellipsoid!r}; it must be 'spherical', "
                             f"{', '.join(map(repr, EVOLVING))}, a positive array (d,), a positive "
                             "definite matrix (d, d), or a function")  # fmt: skip
        return GradientShape(ellipsoid, dimension, power, diagonal, decay, eps, scale_determinant)
    shape = OwnShape(ellipsoid, dimension)
    shape.init()
    return shape
