"""Orthonormal bases of the Krylov spaces of a two-layer network, for many trials at once."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


class Basis:
    r"""Orthonormal rows P and Q of every trial, and the band matrix ``K = P W_0 Q'``.

    ``W_0 Q' = P'K``, ``w_0`` is a multiple of P's first row and A of Q's. Where a Krylov space is
    exhausted, but for a remainder that is rounding or looks like it, the rows are zero.

    Parameters
    ----------
    w, W, A : (trials, d), (trials, d, n), (n,)
    room : int >= 1
        Blocks that there is room for at first.

    Attributes
    ----------
    P, Q, K : (trials, 2 room + 1, d), (trials, 2 room + 2, n), (trials, 2 room + 1, 2 room)
        Zero beyond the rows that a trial has, but for two of Q that the next block starts with.
    levels : (trials,)
        Blocks of two rows of Q: p = 2 levels + 1, q = 2 levels.
    last : (trials, 4)
        Triangular factor ``[xx, xy, yy]`` of ``P_l R_0``, P_l the last two rows of P: its rows are
        ``xx, 0`` and ``xy, yy`` in the two rows of Q that start the next block; and the sum of
        the lengths of all remainders that were dropped.
    squares : (trials, d)
        Squared norms of the rows of W.
    length : (trials,)
        Norm of w.
    """

    def __init__(self, w: Array, W: Array, A: Array, room: int = 1) -> None:
        from simulations.kernels.krylov_space_cpu import start

        trials, d, _ = W.shape
        self.W = W
        self.P, self.Q, self.K = self._arrays(room)
        self.P[:, 0] = w
        self.levels = np.zeros(trials, dtype=np.int64)
        self.last, self.squares, self.length = (
            np.zeros((trials, 4)), np.empty((trials, d)), np.empty(trials),
        )  # fmt: skip
        start(W, self.P, self.Q, A, self.last, self.squares, self.length)

    @property
    def room(self) -> int:
        """Blocks that there is room for."""
        return int(self.K.shape[2]) // 2

    def widen(self, room: int) -> None:
        """Make room for so many blocks."""
        if room > self.room:
            old = self.P, self.Q, self.K
            self.P, self.Q, self.K = self._arrays(room)
            for larger, values in zip((self.P, self.Q, self.K), old, strict=True):
                larger[:, : values.shape[1], : values.shape[2]] = values

    def extend(self, levels: int) -> Basis:
        """Add blocks until every trial has `levels`; return itself."""
        from simulations.kernels.krylov_space_cpu import grow

        self.widen(levels)
        grow(self.W, self.P, self.Q, self.K, self.last, self.levels, levels)
        return self

    def _arrays(self, room: int) -> tuple[Array, Array, Array]:
        trials, d, n = self.W.shape
        p, q = 2 * room + 1, 2 * room
        return np.zeros((trials, p, d)), np.zeros((trials, q + 2, n)), np.zeros((trials, p, q))
