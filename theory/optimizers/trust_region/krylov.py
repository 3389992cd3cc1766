"""An orthonormal basis of a Krylov space with the products that it cost, fully orthogonalised."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from theory.optimizers.trust_region.checks import Array, length
from theory.optimizers.trust_region.model import QuadraticModel

__all__ = ["KrylovSpace", "least_curvature", "least_steps"]

# Share of a vector that must survive orthogonalisation for its direction to be more than rounding.
_LOST = 1e-13


class KrylovSpace:
    """Basis Q (whitened coordinates), images B Q, and ``H = Q' F^-1 B F^-T Q``.

    Parameters
    ----------
    model : QuadraticModel
        Whose product and ellipsoid are used.

    Attributes
    ----------
    size : int
        k, the number of directions, which is that of products.
    scale : float
        The largest norm of an image, which is at most that of the whitened Hessian.
    """

    def __init__(self, model: QuadraticModel) -> None:
        self._model = model
        self._random: Any = np.random.default_rng(20190522)
        self.size = 0
        self._basis = np.empty((0, model.dimension))
        self._images = np.empty((0, model.dimension))
        self._white = np.empty((0, model.dimension))
        self._projected = np.empty((0, 0))
        self.scale = 0.0

    @property
    def basis(self) -> Array:
        """Q' (k, d): one whitened direction a row."""
        return self._basis[: self.size]

    @property
    def images(self) -> Array:
        """(BQ)' (k, d), not whitened."""
        return self._images[: self.size]

    @property
    def white_images(self) -> Array:
        """(F^-1 B F^-T Q)' (k, d)."""
        return self._white[: self.size]

    @property
    def projected(self) -> Array:
        """H (k, k), symmetric."""
        return self._projected[: self.size, : self.size]

    @property
    def full(self) -> bool:
        """Whether the basis spans the whole space."""
        return self.size == self._model.dimension

    def start(self, direction: Array) -> bool:
        """Add a direction; False where nothing of it is outside the space."""
        size = length(direction)
        return size > 0 and self._add(direction / size, _LOST)

    def start_at_random(self) -> None:
        """Add a pseudo-random direction (always the same sequence); the space must not be full."""
        while not self.start(self._random.standard_normal(self._model.dimension)):
            pass

    def extend(self) -> bool:
        """Add the newest image; False where it lies in the space, which then is invariant."""
        newest = self._white[self.size - 1]
        return not self.full and self._add(newest, _LOST * self.scale)

    def _add(self, vector: Array, least: float) -> bool:
        rest = vector
        for _ in range(2):
            rest = rest - (self.basis @ rest) @ self.basis
        size = length(rest)
        if self.full or size <= least:
            return False
        unit = rest / size
        # A third pass: what is left of a small remainder is not orthogonal to rounding.
        unit = unit - (self.basis @ unit) @ self.basis
        self._store(unit / length(unit))
        return True

    def _store(self, unit: Array) -> None:
        image = self._model.product(self._model.ellipsoid.unwhiten(unit))
        white = self._model.ellipsoid.whiten_dual(image)
        if self.size == len(self._basis):
            self._grow()
        k = self.size
        self._basis[k], self._images[k], self._white[k] = unit, image, white
        self.size += 1
        column = (self.basis @ white + self.white_images @ unit) / 2
        self._projected[k, : k + 1] = self._projected[: k + 1, k] = column
        self.scale = max(self.scale, length(white))

    def _grow(self) -> None:
        rows = min(max(8, 2 * self.size), self._model.dimension)
        more = rows - self.size
        self._basis = np.pad(self._basis, ((0, more), (0, 0)))
        self._images = np.pad(self._images, ((0, more), (0, 0)))
        self._white = np.pad(self._white, ((0, more), (0, 0)))
        self._projected = np.pad(self._projected, ((0, more), (0, more)))


def least_steps(dimension: int) -> int:
    """Lanczos steps from a random start before its least Ritz value is trusted."""
    return 4 + 2 * math.ceil(math.log2(dimension + 1))


def least_curvature(
    model: QuadraticModel, nu: float, floor: float, most: int
) -> tuple[Array, Array, bool]:
    """A unit vector u with ``u'Bu <= nu lam_min(B)`` or ``lam_min(B) >= -floor``, and Bu.

    Lanczos in the Euclidean inner product. A Ritz value theta of residual rho lies within rho of
    an eigenvalue; that this is the least one is sure only up to the random start.

    Parameters
    ----------
    model : QuadraticModel
        Its products are counted there; its ellipsoid plays no part.
    nu, floor : float
    most : int
        Products allowed.

    Returns
    -------
    (u, Bu, converged)
    """
    space = KrylovSpace(QuadraticModel(model.product, model.gradient, model.radius))
    space.start_at_random()
    while True:
        values, vectors = np.linalg.eigh(space.projected)
        u, image = vectors[:, 0] @ space.basis, vectors[:, 0] @ space.images
        theta = float(values[0])
        low = theta - length(image - theta * u)
        trusted = space.full or space.size >= min(most, least_steps(model.dimension))
        found = trusted and (theta <= nu * low or low >= -floor)
        if found or space.full or space.size >= most:
            return u, image, bool(found or space.full)
        if not space.extend():
            space.start_at_random()
