"""The limits of this machine for one thread, measured by small kernels of one kind each.

The best of many short runs counts: a limit is what the machine can do when nothing disturbs it.
All figures are float64 and CPU time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numba
import numpy as np

from benchmarks.timing import cpu_seconds
from benchmarks.workload import Array, aligned

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract"}}
# Fits into every first-level cache. Chains of four leave enough of them independent to fill the
# pipes (longer ones wait for themselves), at one load and one store for four operations.
_SMALL = 512
_CHAIN = 4
_RUN_SECONDS = 0.004


@numba.njit(**_OPTIONS)
def _multiply_adds(a: Any, b: Any, c: Any, repeats: Any) -> None:
    for _ in range(repeats):
        for j in range(a.size):
            x = a[j] * b + c
            x = x * b + c
            x = x * b + c
            a[j] = x * b + c


@numba.njit(**_OPTIONS)
def _root(a: Any, repeats: Any) -> None:
    for _ in range(repeats):
        for j in range(a.size):
            a[j] = np.sqrt(a[j])


@numba.njit(**_OPTIONS)
def _quotient(a: Any, b: Any, repeats: Any) -> None:
    for _ in range(repeats):
        for j in range(a.size):
            a[j] = a[j] / b[j]


@numba.njit(**_OPTIONS)
def _adam_quotient(a: Any, b: Any, eps: Any, repeats: Any) -> None:
    for _ in range(repeats):
        for j in range(a.size):
            a[j] = a[j] / (np.sqrt(b[j]) + eps)


@numba.njit(**_OPTIONS)
def _scale(a: Any, factor: Any, repeats: Any) -> None:
    for _ in range(repeats):
        for j in range(a.size):
            a[j] = a[j] * factor


def _ones(size: int) -> Array:
    array = aligned((size,))
    array.fill(1.0)
    return array


@dataclass
class Machine:
    """Limits of one thread; measuring again can only improve them.

    Attributes
    ----------
    fma : float
        Multiply-adds per second, counted per number.
    root, quotient, adam_quotient : float
        Seconds for one square root, one quotient, one ``m / (sqrt(v) + eps)``, by the
        machine's own instructions.
    bandwidth : dict of int to float
        Bytes read and written per second when an array of so many bytes is scaled in place.
    """

    fma: float = 0.0
    root: float = float("inf")
    quotient: float = float("inf")
    adam_quotient: float = float("inf")
    bandwidth: dict[int, float] = field(default_factory=dict)

    def measure(self, sizes: tuple[int, ...] = (), runs: int = 9) -> None:
        """Measure all limits; `sizes` are the bytes of the arrays for the bandwidth."""
        a, b = _ones(_SMALL), _ones(_SMALL)
        one = _seconds(partial(_multiply_adds, a, 0.5, 0.5), runs) / (_SMALL * _CHAIN)
        self.fma = max(self.fma, 1.0 / one)
        self.root = min(self.root, _seconds(partial(_root, a), runs) / _SMALL)
        self.quotient = min(self.quotient, _seconds(partial(_quotient, a, b), runs) / _SMALL)
        adam = _seconds(partial(_adam_quotient, a, b, 0.0), runs) / _SMALL
        self.adam_quotient = min(self.adam_quotient, adam)
        for size in sizes:
            array = _ones(size // 8)
            once = _seconds(partial(_scale, array, 1.0), runs)
            self.bandwidth[size] = max(self.bandwidth.get(size, 0.0), 2 * array.nbytes / once)

    def to_json(self) -> dict[str, Any]:
        """Rounded figures for the table, in units that people use."""
        return {
            "fma_gflops": round(2e-9 * self.fma, 2),
            "root_ns": round(1e9 * self.root, 4),
            "quotient_ns": round(1e9 * self.quotient, 4),
            "adam_quotient_ns": round(1e9 * self.adam_quotient, 4),
            "bandwidth_gb_per_s": {
                str(size): round(1e-9 * rate, 1) for size, rate in sorted(self.bandwidth.items())
            },
        }


def _seconds(kernel: Callable[[int], None], runs: int) -> float:
    """CPU seconds of one repetition: the best of several runs of a few milliseconds."""
    kernel(1)
    repeats = 1
    while cpu_seconds(partial(kernel, repeats)) < _RUN_SECONDS:
        repeats *= 2
    return min(cpu_seconds(partial(kernel, repeats)) for _ in range(runs)) / repeats
