"""Ellipsoids ``||s||_A <= Delta``: norms, dual norms and the coordinates in which A is I.

``||s||_A = sqrt(s' A s)``, A symmetric positive definite (Kohler, Adolphs, Lucchi 2019,
section 4). A full A is factored as ``A = F F'`` to the last digits, and norms are taken of ``F's``:
they stay accurate where ``s' A s`` cancels.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from theory.optimizers.trust_region import checks
from theory.optimizers.trust_region.accurate import AccurateProduct
from theory.optimizers.trust_region.checks import Array

__all__ = ["Ellipsoid"]


class Ellipsoid(ABC):
    """The norm ``||s||_A`` of a symmetric positive definite A; made by `Ellipsoid.of`.

    Attributes
    ----------
    matrix : float array (d,) or (d, d)
        A; one-dimensional where A is diagonal.
    dimension : int
    """

    def __init__(self, matrix: Array) -> None:
        self.matrix = matrix
        self.dimension = int(matrix.shape[0])

    @staticmethod
    def of(value: Any, dimension: int) -> Ellipsoid:
        """Return the ellipsoid that `value` stands for.

        Parameters
        ----------
        value : None, array (d,), array (d, d) or Ellipsoid
            The sphere, a positive diagonal, or a symmetric positive definite matrix.
        dimension : int
            d.

        Raises
        ------
        ValueError
            If the shape is wrong, an entry is not finite, or the matrix is not symmetric
            positive definite.

        >>> Ellipsoid.of([4.0, 1.0], 2).norm(np.array([1.0, 0.0]))
        2.0
        """
        if isinstance(value, Ellipsoid):
            if value.dimension != dimension:
                raise ValueError(f"ellipsoid has dimension {value.dimension}; "
                                 f"it must be {dimension}")  # fmt: skip
            return value
        if value is None:
            return _Diagonal(np.ones(dimension))
        array = checks.numbers("ellipsoid", value)
        if array.ndim == 1:
            return _Diagonal(_positive_diagonal(checks.shaped("ellipsoid", array, dimension)))
        return _Full(checks.symmetric("ellipsoid", array, dimension))

    def norm(self, s: Array) -> float:
        """``||s||_A`` of s (d,)."""
        return checks.length(self.whiten(s))

    def dual_norm(self, g: Array) -> float:
        """``||g||_{A^-1}`` of g (d,)."""
        return checks.length(self.whiten_dual(g))

    def solve(self, v: Array) -> Array:
        """``A^-1 v`` of v (d,)."""
        return self.unwhiten(self.whiten_dual(v))

    @abstractmethod
    def apply(self, s: Array) -> Array:
        """``A s`` of s (d,)."""

    @abstractmethod
    def whiten(self, s: Array) -> Array:
        """``F's``, whose Euclidean norm is ``||s||_A``; s (d,) or columns (d, k)."""

    @abstractmethod
    def unwhiten(self, z: Array) -> Array:
        """The inverse of `whiten`: ``F^-T z``; z (d,) or columns (d, k)."""

    @abstractmethod
    def whiten_dual(self, g: Array) -> Array:
        """``F^-1 g``, so that ``g's = whiten_dual(g)' whiten(s)``; g (d,) or columns (d, k)."""

    @property
    @abstractmethod
    def spectrum(self) -> tuple[float, float]:
        """The least and the largest eigenvalue of A."""

    @property
    def condition(self) -> float:
        """``lam_max(A)/lam_min(A)``."""
        low, high = self.spectrum
        return high / low

    @property
    def equivalence(self) -> float:
        """The least mu >= 1 with ``1/mu^2 <= lam(A) <= mu^2`` (Definition 1)."""
        low, high = self.spectrum
        return math.sqrt(max(1.0, high, 1.0 / low))

    def __repr__(self) -> str:
        kind = "diagonal" if self.matrix.ndim == 1 else "full"
        return f"<{kind} ellipsoid of dimension {self.dimension}>"


class _Diagonal(Ellipsoid):
    """A diagonal A: F is the root of its entries."""

    def __init__(self, matrix: Array) -> None:
        super().__init__(matrix)
        self._root = np.sqrt(matrix)

    def apply(self, s: Array) -> Array:
        return self.matrix * s

    def whiten(self, s: Array) -> Array:
        return (s.T * self._root).T

    def unwhiten(self, z: Array) -> Array:
        return (z.T / self._root).T

    def whiten_dual(self, g: Array) -> Array:
        return (g.T / self._root).T

    @property
    def spectrum(self) -> tuple[float, float]:
        return float(self.matrix.min()), float(self.matrix.max())


class _Full(Ellipsoid):
    """A full A: F = L M, L the rounded Cholesky factor of A, and M that of ``L^-1 A L^-T``.

    L alone reproduces A only to ``u ||A||``, which is ``u cond(A)`` of its small eigenvalues.
    """

    def __init__(self, matrix: Array) -> None:
        super().__init__(matrix)
        try:
            self._lower = cholesky(matrix, lower=True)
            residual = -AccurateProduct(self._lower)(self._lower.T, minus=matrix)
            change = _solved(self._lower, _solved(self._lower, residual).T)
            self._near_one = cholesky(np.eye(len(matrix)) + (change + change.T) / 2, lower=True)
        except np.linalg.LinAlgError:
            raise ValueError("ellipsoid is not positive definite; every eigenvalue must be > 0 "
                             "by more than rounding") from None  # fmt: skip
        self._transposed = AccurateProduct(self._lower.T)
        self._product = AccurateProduct(matrix)

    def apply(self, s: Array) -> Array:
        return self._product(s)

    def whiten(self, s: Array) -> Array:
        return np.asarray(self._near_one.T @ self._transposed(s))

    def unwhiten(self, z: Array) -> Array:
        target = _solved(self._near_one, z, transposed=True)
        s = _solved(self._lower, target, transposed=True)
        excess = self._transposed(s, minus=target)
        return s - _solved(self._lower, excess, transposed=True)

    def whiten_dual(self, g: Array) -> Array:
        return _solved(self._near_one, _solved(self._lower, g))

    @cached_property
    def spectrum(self) -> tuple[float, float]:
        # The inverse's norm is accurate for the small end, where eigvalsh errs by u lam_max.
        inverse = self.unwhiten(np.eye(self.dimension))
        low = float(np.linalg.norm(inverse, 2)) ** -2
        return low, float(np.linalg.eigvalsh(self.matrix)[-1])


def _solved(lower: Array, v: Array, *, transposed: bool = False) -> Array:
    """``L^-1 v``, or ``L^-T v``."""
    return np.asarray(
        solve_triangular(lower, v, lower=True, trans=int(transposed), check_finite=False)
    )


def _positive_diagonal(values: Array) -> Array:
    if not (values > 0).all():
        index = int(np.argmin(values))
        raise ValueError(f"ellipsoid[{index}] is {values[index]:g}; a diagonal ellipsoid must be "
                         "positive definite: every entry > 0")  # fmt: skip
    return values
