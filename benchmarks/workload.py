"""The workload of case A: trials of the two-layer network, and what it takes to advance them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from simulations.engine.backend import select_backend
from simulations.engine.streams import Stream, stream_key
from simulations.two_layer import Problem

Array = np.ndarray[Any, np.dtype[np.float64]]
OPTIMIZERS = ("sgd_momentum", "adam")
ALPHA, TARGET = 0.5, "ramp"
# Half of a common second-level cache: the other half is for what the library needs besides.
_CACHE_BYTES = 2**19
ETA, BETA, BETA1, BETA2, EPS = 1e-3, 0.9, 0.9, 0.999, 1e-8


def aligned(shape: tuple[int, ...]) -> Array:
    """Zeros that start at a cache line; NumPy's own arrays start 16 bytes behind one."""
    size = math.prod(shape)
    whole = np.full(size + 8, 0.0)
    first = (-whole.ctypes.data % 64) // 8
    return whole[first : first + size].reshape(shape)


@dataclass(frozen=True)
class Workload:
    r"""S trials of ``w'W -> A`` with ``E = w'W - A`` and gradients ``W E`` and ``w E'``.

    Parameters
    ----------
    optimizer : {"sgd_momentum", "adam"}
        Step size 1e-3; momentum 0.9, or betas 0.9 and 0.999 with eps 1e-8 outside the root and
        bias correction (PyTorch's convention).
    d, trials : int >= 1

    Raises
    ------
    ValueError
        If the optimizer is unknown.
    """

    optimizer: str
    d: int
    trials: int

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            allowed = ", ".join(OPTIMIZERS)
            raise ValueError(f"optimizer is {self.optimizer!r}; it must be one of {allowed}")

    @property
    def adam(self) -> bool:
        """Whether the optimizer is Adam."""
        return self.optimizer == "adam"

    @property
    def slots(self) -> int:
        """Moments that the optimizer keeps of every weight."""
        return 2 if self.adam else 1

    @property
    def chunk(self) -> int:
        """Trials whose weights, moments and one temporary fit into the second-level cache."""
        return min(self.trials, max(1, _CACHE_BYTES // (8 * (2 + self.slots) * self.d**2)))

    @cached_property
    def target(self) -> Array:
        """A, shape (d,)."""
        return self.problem.targets()

    @property
    def problem(self) -> Problem:
        """The network and its data."""
        return Problem(self.d, ALPHA, TARGET)

    def stream(self) -> Stream:
        """The stream that the initial weights come from; a new one gives them again."""
        key = stream_key(0, "benchmark", "two-layer", {"d": self.d, "trials": self.trials})
        return Stream(select_backend("numpy"), key, 0)

    @cached_property
    def weights(self) -> tuple[Array, Array]:
        """Initial w (S, d) and W (S, d, d), by Assumption 2 with alpha = 1/2; not to be changed."""
        w, W = self.problem.initial_weights(self.stream(), self.trials)
        return np.ascontiguousarray(w), np.ascontiguousarray(W)

    def buffers(self) -> tuple[Array, Array]:
        """Room for w and W, or for a moment of each, aligned and already touched."""
        return aligned((self.trials, self.d)), aligned((self.trials, self.d, self.d))


class Contestant(Protocol):
    """Something that can advance a workload.

    Attributes
    ----------
    name : str
        As in the table.
    least : int
        Steps below which a call would mostly load the trials into the cache, one by one.
    """

    name: str
    least: int

    def reset(self) -> None:
        """Go back to the initial weights, with all memory allocated and touched."""

    def advance(self, steps: int) -> None:
        """Take `steps` steps of every trial from where the last call stopped."""

    def weights(self) -> tuple[Array, Array]:
        """The present w (S, d) and W (S, d, d)."""
