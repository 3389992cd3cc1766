"""Absolute sums of Gaussian Wigner matrices on a GPU: drawn, transformed and added in registers."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulations.engine.backend import Array
from simulations.kernels.gpu_build import Kernel
from simulations.kernels.normals_gpu import REAL, instance, launch, require_cupy, structure
from simulations.kernels.normals_reference import DIAGONAL, OFF_DIAGONAL
from simulations.kernels.wigner_reference import require_problem

# Calls of a thread, as in the source; pairs of a call.
CALLS = 32
PAIRS = {"float64": 1, "float32": 2}
# Bytes of partial sums on the device at once, but at least one trial.
_BYTES = 2**30
_ADDRESS = [(name, np.uint32) for name in ("part", "row", "trial", "k0", "k1")]
FIELDS = [("partial", np.uint64), ("size", np.int64), ("pieces", np.int64), ("trials", np.int64),
          ("at", np.dtype(_ADDRESS))]  # fmt: skip


def kernel(precision: str) -> Kernel:
    """The instance for normals of one precision."""
    real = REAL[precision]
    return instance(f"wigner_{precision}", "wigner_gpu.cu", "Sums", f"magnitudes<{real}>(task)")


def catalogue() -> list[Kernel]:
    """Every kernel instance."""
    return [kernel(precision) for precision in REAL]


def pieces(size: int, precision: str) -> int:
    """Threads that share a vector of `size` normals."""
    calls = -(-((size + 1) // 2) // PAIRS[precision])
    return max(1, -(-calls // CALLS))


def task(partial: int, size: int, shape: tuple[int, int], address: tuple[int, ...]) -> Any:
    """The kernel's argument: pointer, numbers, (trials, pieces), (part, row, trial, k0, k1)."""
    return structure(FIELDS, {"partial": partial, "size": size, "trials": shape[0],
                              "pieces": shape[1], "at": address})  # fmt: skip


def absolute_sums(
    trials: int,
    d: int,
    *,
    key: int,
    first: int = 0,
    sigma_diagonal: float = 1.0,
    sigma_off: float = 1.0,
    precision: str = "float64",
) -> tuple[Array, Array]:
    """``sum_i |M_ii|`` and ``sum_{i<j} |M_ij|``, CuPy arrays (trials,) of float64.

    Arguments, errors and numbers as in `wigner_reference.absolute_sums`, to rounding.

    Raises
    ------
    EnvironmentLacksError
        If CuPy, its driver or a GPU is missing.
    ValueError
        As in the reference.
    """
    words = require_problem(trials, d, key, first, precision, (sigma_diagonal, sigma_off))
    xp = require_cupy()
    sums = []
    for part, size in ((DIAGONAL, d), (OFF_DIAGONAL, d * (d - 1) // 2)):
        share, blocks = pieces(size, precision), []
        block = max(1, _BYTES // (8 * share))
        for low in range(0, trials, block):
            shape = (min(block, trials - low), share)
            partial = xp.empty(shape, dtype=xp.float64)
            argument = task(partial.data.ptr, size, shape, (part, 0, first + low, *words))
            launch(kernel(precision), shape[0] * share, argument)
            blocks.append(xp.sum(partial, axis=1))
        sums.append(xp.concat(blocks))
    return sigma_diagonal * sums[0], sigma_off * sums[1]
