"""The limits of this machine for one thread, measured by small kernels of one kind each.

The best of many short runs counts: a limit is what the machine can do when nothing disturbs it.
All figures are float64 and CPU time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np

from benchmarks.timing import cpu_seconds
from benchmarks.workload import Array, aligned
from simulations.kernels.normals_cpu import generator

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract"}}
# Fits into every first-level cache. Chains of four leave enough of them independent to fill the
# pipes (longer ones wait for themselves), at one load and one store for four operations.
_SMALL = 512
_CHAIN = 4
_RUN_SECONDS = 0.004
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_USUAL, _LARGEST = (2**15, 2**20, 2**25), 2**28


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


def levels() -> tuple[int, ...]:
    """Bytes that fill half of each data cache of this machine, and four times the last one.

    Where the system does not tell its caches, the halves of 32 KiB, 1 MiB and 32 MiB.
    """
    found = {}
    for folder in sorted(_CACHES.glob("index*")):
        kind, level, size = (
            (folder / name).read_text(encoding="ascii").strip()
            for name in ("type", "level", "size")
        )
        if kind != "Instruction" and size.endswith("K"):
            found[int(level)] = 1024 * int(size[:-1])
    sizes = [found[level] for level in sorted(found)] or list(_USUAL)
    return (*(size // 2 for size in sizes), min(4 * sizes[-1], _LARGEST))


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
    blas : float
        Operations per second of a matrix product of size 1024; a multiply-add counts as two.
    generator : float
        Blocks of four 32-bit words per second from Philox 4x32-10, nothing else done with them.
    """

    fma: float = 0.0
    root: float = float("inf")
    quotient: float = float("inf")
    adam_quotient: float = float("inf")
    bandwidth: dict[int, float] = field(default_factory=dict)
    blas: float = 0.0
    generator: float = 0.0

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

    def measure_blas(self, size: int = 1024, runs: int = 7) -> None:
        """Measure a product of square matrices."""
        a, b, out = (np.ones((size, size)) for _ in range(3))
        best = min(cpu_seconds(partial(np.matmul, a, b, out)) for _ in range(runs))
        self.blas = max(self.blas, 2.0 * size**3 / best)

    def measure_generator(self, runs: int = 9) -> None:
        """Measure the words of a counter-based generator."""
        self.generator = max(self.generator, 1.0 / _seconds(_generate, runs))

    def page(self) -> dict[str, str]:
        """What was measured, in words."""
        found = {
            "multiply-adds": f"{2e-9 * self.fma:.1f} GF/s",
            "square root": f"{1e9 * self.root:.4f} ns",
            "quotient": f"{1e9 * self.quotient:.4f} ns",
        }
        for size, rate in sorted(self.bandwidth.items()):
            found[f"scaling {size // 1024} KiB in place"] = f"{1e-9 * rate:.1f} GB/s"
        if self.blas:
            found["matrix product"] = f"{1e-9 * self.blas:.1f} GF/s"
        if self.generator:
            found["Philox 4x32-10"] = f"{1e9 / self.generator:.3f} ns for 128 bits"
        return found

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


def _generate(calls: int) -> None:
    generator(calls, 0, 1, 2)


def _seconds(kernel: Callable[[int], None], runs: int) -> float:
    """CPU seconds of one repetition: the best of several runs of a few milliseconds."""
    kernel(1)
    repeats = 1
    while cpu_seconds(partial(kernel, repeats)) < _RUN_SECONDS:
        repeats *= 2
    return min(cpu_seconds(partial(kernel, repeats)) for _ in range(runs)) / repeats
