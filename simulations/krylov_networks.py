"""The two networks that `simulations.krylov` trains: the reduced one and the whole one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulations.krylov_basis import Basis

Array = Any


@dataclass(frozen=True)
class Setting:
    r"""What is to be simulated.

    Attributes
    ----------
    w, W, A : (trials, d), (trials, d, n), (n,)
        Initial weights and target; never changed.
    steps : int
    at : list of int
        Steps at which statistics are recorded.
    tolerance : float
        Relative error that is tolerated.
    eta, beta, decay : float
        Learning rate, momentum, weight decay.
    """

    w: Array
    W: Array
    A: Array
    steps: int
    at: list[int]
    tolerance: float
    eta: float
    beta: float
    decay: float

    def some(self, which: Array) -> Setting:
        """The same for some trials; nothing is copied for all of them."""
        if len(which) == len(self.w):
            return self
        return replace(self, w=self.w[which], W=self.W[which])

    def basis(self, levels: int, room: int = 1) -> Basis:
        """Bases of the Krylov spaces: `levels` blocks, with room for more."""
        return Basis(self.w, self.W, self.A, max(levels, room)).extend(levels)


class Small:
    """The reduced network.

    Parameters
    ----------
    setting : Setting
    basis : Basis
        It grows with the network.
    stop : float
        A trial stops where its error exceeds this many times what is tolerated.
    reserve : float
        Amplification of a defect that is reckoned with when it is decided whether to grow.
    most : int, optional
        Blocks at which a basis no longer grows; by default those that it has.

    Attributes
    ----------
    diverged : (trials,)
        Step of divergence, or -1.
    """

    def __init__(
        self,
        setting: Setting,
        basis: Basis,
        stop: float,
        reserve: float = 1.0,
        most: int | None = None,
    ) -> None:
        from simulations.kernels import krylov_cpu

        self._kernel, self._setting, self._basis, self._stop = krylov_cpu, setting, basis, stop
        self._reserve, self._most = reserve, int(basis.levels.max()) if most is None else most
        self._target = math.sqrt(float(np.sum(setting.A**2)))
        trials = len(basis.K)
        self.diverged = np.full(trials, -1, dtype=np.int64)
        self._done = np.zeros(trials, dtype=np.int64)
        self._make_room()
        self._matrix(self._V)[...] = basis.K
        self._a[:, 0] = basis.length
        self._product[:, : basis.K.shape[2]] = self._a[:, :1] * basis.K[:, 0, :]
        columns = np.sum(basis.K**2, axis=(1, 2))
        self._state = np.zeros((trials, krylov_cpu.SLOTS))
        self._state[:, [krylov_cpu.KEPT, krylov_cpu.PROVED]] = 1.0
        self._state[:, krylov_cpu.UNITS] = basis.length**2
        self._state[:, krylov_cpu.COLUMNS] = columns
        whole = np.sum(basis.squares, axis=1)
        # The difference is wrong by rounding of both sums and by dropped remainders.
        outside = np.maximum(0.0, whole - columns) + 8 * np.finfo(float).eps * whole
        outside += 2.0 * np.sqrt(columns) * basis.last[:, 3]
        self._state[:, krylov_cpu.REMAINDER] = outside
        tiny = self._tiny(setting.w, basis.length**2) | self._tiny(setting.W, whole)
        tiny |= self._tiny(setting.A[None], np.asarray([self._target**2]))
        self._state[tiny, krylov_cpu.PROVED] = 0.0
        self._state[tiny, krylov_cpu.WORST] = np.inf

    @property
    def worst(self) -> Array:
        """Largest error so far, in units of what is tolerated."""
        return self._state[:, self._kernel.WORST]

    @property
    def facts(self) -> dict[str, Array]:
        """What is known of the reduction itself."""
        return {"proved": self._state[:, self._kernel.PROVED] > 0.0,
                "levels": self._basis.levels.copy()}  # fmt: skip

    def advance(self, first: int, steps: int) -> None:
        """Take `steps` steps of every trial that has neither diverged nor stopped."""
        known, basis, until = self._setting, self._basis, first + steps
        while self._kernel.advance(
            basis.W, basis.P, basis.Q, basis.K, basis.last, basis.levels, self._a, self._V,
            self._a_slot, self._V_slot, self._product, self._state, self._error, self._before,
            self._done, self.diverged, self._target, known.eta, known.beta, known.decay, until,
            known.steps, known.tolerance, self._stop, self._reserve, self._most,
        ):  # fmt: skip
            old = [self._matrix(part).copy() for part in (self._V, self._V_slot)]
            others = [part.copy() for part in (self._a, self._a_slot, self._product)]
            basis.widen(min(self._most, 2 * basis.room))
            self._make_room()
            for part, values in zip((self._V, self._V_slot), old, strict=True):
                self._matrix(part)[:, : values.shape[1], : values.shape[2]] = values
            for part, values in zip((self._a, self._a_slot, self._product), others, strict=True):
                part[:, : values.shape[1]] = values

    def _tiny(self, values: Array, squares: Array) -> Array:
        """Whether values are so small that their squares underflow; zeros are not."""
        small = squares < self._kernel.TINY
        return small & [
            bool(known and part.any()) for known, part in zip(small, values, strict=True)
        ]

    def _make_room(self) -> None:
        """Zeros for as many rows and columns as the basis has room for, in whole vectors."""
        from simulations.kernels.two_layer_layout import aligned

        lanes, (trials, *shape) = self._kernel.LANES, self._basis.K.shape
        p, q = (lanes * math.ceil(size / lanes) for size in shape)
        self._a, self._a_slot = aligned((2, trials, p), np.float64)
        self._V, self._V_slot = aligned((2, trials, p * q), np.float64)
        self._product = aligned((trials, q), np.float64)
        self._error, self._before = aligned((q,), np.float64), aligned((p,), np.float64)

    def _matrix(self, values: Array) -> Array:
        """The part of V, or of its momentum, that belongs to the basis: (trials, p, q)."""
        trials, p, q = self._basis.K.shape
        return values.reshape(trials, -1, self._product.shape[1])[:, :p, :q]

    def units(self) -> Array:
        """``w``, (trials, d)."""
        P = self._basis.P
        return np.matmul(self._a[:, None, : P.shape[1]], P)[:, 0, :]

    def observe(self) -> dict[str, Array]:
        """Squares of w, squared norms of the rows of W, loss and error of every trial."""
        basis, parts = self._basis, (self._matrix(self._V), self._basis.K)
        moving, still = (np.sum(np.matmul(basis.P.mT, part) ** 2, axis=2) for part in parts)
        kept = self._state[:, self._kernel.KEPT, None]
        residual = self._product.copy()
        residual[:, 0] -= self._target
        return {"first": self.units() ** 2,
                "second": moving + kept**2 * np.maximum(0.0, basis.squares - still),
                "loss": np.sum(residual**2, axis=1) / 2.0,
                "error": self._state[:, self._kernel.ERROR].copy()}  # fmt: skip

    def hidden(self, trial: int) -> Array:
        """W of one trial."""
        basis, V = self._basis, self._matrix(self._V)[trial]
        P, Q, K = basis.P[trial], basis.Q[trial, :-2], basis.K[trial]
        kept = self._state[trial, self._kernel.KEPT]
        # The two rows of Q that belong to no block yet meet zeros of K and V.
        return kept * (self._setting.W[trial] - P.T @ K @ Q) + P.T @ V @ Q


class Direct:
    """The network itself, for trials that the reduction does not serve; see `Small`."""

    def __init__(self, setting: Setting) -> None:
        from simulations.kernels.two_layer_layout import Network

        self._setting = setting
        self._network = Network("sgd_momentum", setting.w, setting.W, setting.A)

    @property
    def diverged(self) -> Array:
        """Step of divergence, or -1."""
        return self._network.diverged

    @property
    def facts(self) -> dict[str, Array]:
        """No reduction, no error."""
        return {
            "proved": np.full(self._network.trials, True),
            "levels": np.zeros(self._network.trials, dtype=int),
        }

    def advance(self, first: int, steps: int) -> None:
        """Take `steps` steps of every trial that has not diverged."""
        known = self._setting
        self._network.advance(
            first, np.full(steps, known.eta), np.zeros(steps), known.beta, 0.0, decay=known.decay
        )

    def units(self) -> Array:
        """``w``, (trials, d)."""
        return self._network.w

    def observe(self) -> dict[str, Array]:
        """Squares of w, squared norms of the rows of W, loss and error of every trial."""
        loss = np.sum((self._network.product - self._setting.A) ** 2, axis=1) / 2.0
        return {"first": self._network.w**2, "second": np.sum(self._network.W**2, axis=2),
                "loss": loss, "error": np.zeros(len(loss))}  # fmt: skip

    def hidden(self, trial: int) -> Array:
        """W of one trial."""
        return self._network.W[trial].copy()
