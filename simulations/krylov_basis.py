"""Orthonormal bases of the Krylov spaces of a two-layer network, for many trials at once."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


class Basis:
    r"""Orthonormal rows P and Q of every trial, and the band matrix ``K = P W_0 Q'``.

    Attributes
    ----------
    P, Q, K : (trials, p, d), (trials, q, n), (trials, p, q)
        ``W_0 Q' = P'K``, ``w_0`` a multiple of P's first row and A of Q's. Where a Krylov space is
        exhausted the rows are zero.
    """

    def __init__(self, w: Array, W: Array, A: Array) -> None:
        trials, _, n = W.shape
        self._W = W
        self.P, self.Q, self.K = (
            w[:, None, :] * 1.0,
            np.zeros((trials, 0, n)),
            np.zeros((trials, 1, 0)),
        )
        length = np.sqrt(np.vecdot(w, w))[:, None, None]
        np.divide(self.P, length, out=self.P, where=length > 0.0)
        image = np.matmul(self.P, W)
        self._image = np.concatenate([np.broadcast_to(A, image.shape), image], axis=1)

    @property
    def levels(self) -> int:
        """Number of blocks of two rows of Q."""
        return int(self.Q.shape[1]) // 2

    @property
    def outside(self) -> Array:
        """``R_0'`` applied to the last two rows of P, (trials, 2, n); orthogonal to Q."""
        return self._image - np.matmul(np.matmul(self._image, self.Q.mT), self.Q)

    def extend(self, levels: int) -> Basis:
        """Add blocks of two rows to P and Q until there are `levels`; return itself."""
        from simulations.kernels.krylov_cpu import grow

        have = self.levels
        if levels > have:
            p, q = 2 * levels + 1, 2 * levels
            self.P, self.Q = _padded(self.P, p, None), _padded(self.Q, q, None)
            self.K = _padded(self.K, p, q)
            grow(self._W, self.P, self.Q, self.K, self._image, have, levels)
        return self


def _padded(blocks: Array, rows: int, columns: int | None) -> Array:
    trials, old_rows, old_columns = blocks.shape
    larger = np.zeros((trials, rows, old_columns if columns is None else columns))
    larger[:, :old_rows, :old_columns] = blocks
    return larger
