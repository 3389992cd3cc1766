"""Memory of the fused two-layer kernels, and the network that they advance.

A vector of 64 bytes holds either consecutive columns of one trial (**by rows**; n is filled up
with zero columns, which stay zero), or the same element of as many trials as it has lanes (**by
trials**, for small d; trials are filled up with zero networks).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from simulations.kernels.simd import BYTES, WIDTH
from simulations.kernels.two_layer_cpu import kernel
from simulations.kernels.two_layer_rules import SLOTS, constants, is_fast

Array = np.ndarray[Any, Any]
# Below this width trials share vectors: rows would be short, and their sums would not be.
_BY_TRIALS_BELOW = 32
_PAGE, _APART = 4096, 512


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """Zeros that start on a cache line, so that no vector access straddles two."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    # Written, not `zeros`: the first step should not meet untouched pages.
    buffer = np.full(size + BYTES, 0, dtype=np.uint8)
    start = -buffer.ctypes.data % BYTES
    inside: Array = buffer[start : start + size].view(dtype)
    return inside.reshape(shape)


def _row_stride(size: int) -> int:
    """Bytes from one row to the next, so that no four rows are in step modulo a page.

    A load that meets a recent store at the same place of another page waits for it.
    """

    def apart(stride: int) -> bool:
        return all(_APART <= k * stride % _PAGE <= _PAGE - _APART for k in (1, 2, 3))

    return next(s for s in range(size, size + _PAGE, BYTES) if size < _PAGE // 8 or apart(s))


class Network:
    """Trials of the two-layer network in the memory of the fused kernels.

    Parameters
    ----------
    optimizer : str
        A name of ``two_layer_rules.SLOTS``.
    w, W : arrays (trials, d) and (trials, d, n)
        Copied.
    A : array (n,)
    precision : {"float64", "float32"}
        Of all that is kept. float32 halves memory and about halves the time; u = 2^-24 instead
        of 2^-53 in the bounds of `two_layer_cpu`, and a trial diverges where its squared residual
        passes 3e38.
    least_eps : float
        Smallest eps of all steps; where it allows, roots start from the processor's estimate.

    Attributes
    ----------
    diverged : (trials,)
        Step at which the squared residual passed 1e100, or was NaN; -1 otherwise.

    Raises
    ------
    ValueError
        If there is no kernel for `optimizer` or `precision`.
    """

    def __init__(
        self, optimizer: str, w: Array, W: Array, A: Array, *, precision: str = "float64",
        least_eps: float = 0.0,
    ) -> None:  # fmt: skip
        if optimizer not in SLOTS:
            raise ValueError(f"optimizer is {optimizer!r}; it must be one of {', '.join(SLOTS)}")
        if precision not in WIDTH:
            raise ValueError(f"precision is {precision!r}; it must be one of {', '.join(WIDTH)}")
        self.optimizer, self.precision = optimizer, precision
        self.trials, self.d, self.n = W.shape
        self._width, self._slots = WIDTH[precision], SLOTS[optimizer]
        # Half-empty vectors of trials would cost more than short rows.
        self.by_trials = self.d < _BY_TRIALS_BELOW and 2 * self.trials > self._width
        self._row = self._columns(A)
        rows = 1 + self._slots
        count = self.d * self._width if self.by_trials else self._up(self.d)
        blocks = -(-self.trials // self._width) if self.by_trials else self.trials
        self._stride = _row_stride(rows * self._row.itemsize * self._row.size) // self._row.itemsize
        rows_kept = self.d if self.by_trials else self._up(self.d)
        self._X = aligned((blocks, rows_kept * self._stride), precision)
        self._U = aligned((blocks, rows * count), precision)
        self._P = aligned((blocks, self._row.size), precision)
        self._error = aligned((self._row.size,), precision)
        self._lanes = aligned((2 * self._width,), precision)
        self._put(self._U, (rows, self.d), (0,), w)
        self._matrix()[...] = self._blocked(W)
        self._put(self._P, (self.n,), (), np.matmul(w[:, None, :], W)[:, 0, :])
        self._fast = is_fast(optimizer, precision, least_eps)
        self.diverged = np.full(self.trials, -1, dtype=np.int64)

    @property
    def w(self) -> Array:
        """First layer, (trials, d); a copy."""
        return self._get(self._U, (1 + self._slots, self.d), (0,))

    @property
    def W(self) -> Array:  # noqa: N802
        """Second layer, (trials, d, n); a copy."""
        blocked = self._matrix()
        if self.by_trials:
            blocked = np.moveaxis(blocked, -1, 1).copy()
            return blocked.reshape(-1, self.d, self.n)[: self.trials]
        return blocked.reshape(self.trials, self.d, -1)[..., : self.n].copy()

    @property
    def product(self) -> Array:
        """``w'W``, (trials, n); a copy."""
        return self._get(self._P, (self.n,), ())

    def advance(
        self, first: int, rates: Array, epsilons: Array, b1: float, b2: float, *,
        decay: float = 0.0, batch: int = 0, noise: Mapping[str, Array] | None = None,
    ) -> None:  # fmt: skip
        """Take a step for every entry of `rates`, of every trial that has not diverged.

        Parameters
        ----------
        first : int
            Steps already taken.
        rates, epsilons : (steps,)
            Learning rate and eps of every step, bias correction included.
        b1, b2 : float
            The optimizer's averages; unused ones are 0.
        decay : float
            Weight decay, added to the gradient.
        batch : int
            Batch size; 0 for all data.
        noise : mapping
            "chi" (trials, steps) and "normals" (trials, steps, n) of the batches, and "target"
            (trials, steps, n), what is added to A.
        """
        if len(rates) == 0:
            return
        given = noise or {}
        chi = given["chi"][..., None] if "chi" in given else None
        advance = kernel(
            self.optimizer, self.precision, by_trials=self.by_trials, decayed=decay != 0.0,
            fast=self._fast,
        )  # fmt: skip
        advance(
            self.d, self._stride, self._X, self._U, self._P, self._row,
            rates.astype(self.precision), epsilons.astype(self.precision),
            constants(b1, b2, decay, batch, self.precision), batch,
            self._noise(chi, filled=False), self._noise(given.get("normals")),
            self._noise(given.get("target")), first, self.diverged, self._error, self._lanes,
        )  # fmt: skip

    def _up(self, size: int) -> int:
        return -(-size // self._width) * self._width

    def _columns(self, A: Array) -> Array:
        row = aligned((self.n * self._width if self.by_trials else self._up(self.n),),
                      self.precision)  # fmt: skip
        if self.by_trials:
            row.reshape(self.n, self._width)[...] = np.asarray(A)[:, None]
        else:
            row[: self.n] = A
        return row

    def _matrix(self) -> Array:
        """W in memory, (blocks, d, vectors of a row, lanes); a view."""
        rows = 1 + self._slots
        used = self._X.reshape(len(self._X), -1, self._stride)[:, : self.d, : rows * self._row.size]
        return used.reshape(len(self._X), self.d, -1, rows, self._width)[..., 0, :]

    def _blocked(self, W: Array) -> Array:
        """W (trials, d, n) in the shape of `_matrix`, filled up with zeros."""
        if not self.by_trials:
            filled = np.zeros((*W.shape[:2], self._row.size), self.precision)
            filled[..., : self.n] = W
            return filled.reshape(self.trials, self.d, -1, self._width)
        filled = np.zeros((len(self._X) * self._width, *W.shape[1:]), self.precision)
        filled[: self.trials] = W
        return np.moveaxis(filled.reshape(-1, self._width, *W.shape[1:]), 1, -1)

    def _view(self, memory: Array, shape: tuple[int, ...]) -> Array:
        """What `memory` holds: (trials, *shape), or (blocks, lanes, *shape); a view."""
        if self.by_trials:
            return np.moveaxis(memory.reshape(len(memory), *shape, self._width), -1, 1)
        return memory.reshape(self.trials, *shape[:-1], -1)[..., : shape[-1]]

    def _get(self, memory: Array, shape: tuple[int, ...], index: tuple[Any, ...]) -> Array:
        """Copy of a part of (trials, *shape)."""
        view = self._view(memory, shape)
        if not self.by_trials:
            return view[:, *index].copy()
        part = view[:, :, *index]
        return part.copy().reshape(-1, *part.shape[2:])[: self.trials]

    def _put(
        self, memory: Array, shape: tuple[int, ...], index: tuple[Any, ...], values: Array
    ) -> None:
        """Write a part of (trials, *shape)."""
        view = self._view(memory, shape)
        if not self.by_trials:
            view[:, *index] = values
            return
        for block, lanes in enumerate(view):
            part = values[block * self._width : (block + 1) * self._width]
            lanes[: len(part), *index] = part

    def _noise(self, values: Array | None, *, filled: bool = True) -> Array:
        """Noise (trials, steps, k) as the kernel reads it, (blocks, steps, row)."""
        if values is None:
            return np.empty((0, 0, 0), self.precision)
        _, steps, k = values.shape
        row = k * self._width if self.by_trials else self._up(k) if filled else k
        room = aligned((len(self._X), steps, row), self.precision)
        self._put(room, (steps, k), (), values)
        return room
