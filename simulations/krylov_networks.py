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

    def basis(self, levels: int) -> Basis:
        """Bases of the Krylov spaces."""
        return Basis(self.w, self.W, self.A).extend(levels)


class Small:
    """The reduced network.

    Parameters
    ----------
    setting : Setting
    basis : Basis
    stop : float
        A trial stops where its error exceeds this many times what is tolerated.

    Attributes
    ----------
    diverged : (trials,)
        Step of divergence, or -1.
    """

    def __init__(self, setting: Setting, basis: Basis, stop: float) -> None:
        from simulations.kernels import krylov_cpu

        self._kernel, self._setting, self._basis, self._stop = krylov_cpu, setting, basis, stop
        trials, p, q = basis.K.shape
        self.diverged = np.full(trials, -1, dtype=np.int64)
        self._a, self._V = np.zeros((trials, p)), basis.K.copy()
        self._a[:, 0] = np.sqrt(np.vecdot(setting.w, setting.w))
        self._a_slot, self._V_slot = np.zeros((trials, p)), np.zeros((trials, p, q))
        self._target = np.zeros(q)
        self._target[0] = math.sqrt(float(np.sum(setting.A**2)))
        self._product = self._a[:, :1] * basis.K[:, 0, :]
        outside = basis.outside
        x, y = outside[:, 0], outside[:, 1]
        self._last = np.stack([np.sum(u * v, axis=1) for u, v in ((x, x), (x, y), (y, y))], axis=1)
        moving = np.sum(np.matmul(basis.P.mT, basis.K) ** 2, axis=2)
        self._still = np.maximum(0.0, np.vecdot(setting.W, setting.W) - moving)
        self._remainder = np.sum(self._still, axis=1)
        self._state = np.zeros((trials, krylov_cpu.SLOTS))
        self._state[:, [krylov_cpu.KEPT, krylov_cpu.PROVED]] = 1.0
        self._state[:, krylov_cpu.UNITS] = self._a[:, 0] ** 2
        self._state[:, krylov_cpu.COLUMNS] = np.sum(basis.K**2, axis=(1, 2))

    @property
    def worst(self) -> Array:
        """Largest error so far, in units of what is tolerated."""
        return self._state[:, self._kernel.WORST]

    @property
    def facts(self) -> dict[str, Array]:
        """What is known of the reduction itself."""
        trials = len(self._a)
        return {"proved": self._state[:, self._kernel.PROVED] > 0.0,
                "levels": np.full(trials, self._basis.levels)}  # fmt: skip

    def advance(self, first: int, steps: int) -> None:
        """Take `steps` steps of every trial that has neither diverged nor stopped."""
        known = self._setting
        self._kernel.advance(
            self._a, self._V, self._a_slot, self._V_slot, self._product, self._target, self._last,
            self._remainder, self._state, known.eta, known.beta, known.decay, first, steps,
            known.steps, known.tolerance, self._stop, self.diverged,
        )  # fmt: skip

    def units(self) -> Array:
        """``w``, (trials, d)."""
        return np.matmul(self._a[:, None, :], self._basis.P)[:, 0, :]

    def observe(self) -> dict[str, Array]:
        """Squares of w, squared norms of the rows of W, loss and error of every trial."""
        moving = np.matmul(self._basis.P.mT, self._V)
        kept = self._state[:, self._kernel.KEPT, None]
        spread = math.sqrt(1.0 + self._setting.beta) * self._state[:, self._kernel.ERROR]
        return {"first": self.units() ** 2,
                "second": np.sum(moving * moving, axis=2) + kept * kept * self._still,
                "loss": np.sum((self._product - self._target) ** 2, axis=1) / 2.0,
                "error": spread}  # fmt: skip

    def hidden(self, trial: int) -> Array:
        """W of one trial."""
        P, Q, K = (part[trial] for part in (self._basis.P, self._basis.Q, self._basis.K))
        kept = self._state[trial, self._kernel.KEPT]
        return kept * (self._setting.W[trial] - P.T @ K @ Q) + P.T @ self._V[trial] @ Q


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
