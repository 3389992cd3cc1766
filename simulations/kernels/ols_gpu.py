"""Absolute sums of OLS Hessians X X' on a GPU: Bartlett factors, then the library's product."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from simulations.engine.backend import Array
from simulations.kernels.gpu_build import Kernel
from simulations.kernels.normals_gpu import REAL, instance, launch, require_cupy, structure
from simulations.kernels.normals_reference import FACTOR, SHIFT
from simulations.kernels.ols_reference import require_problem
from simulations.kernels.wigner_gpu import PAIRS

# Bytes of factors and products on the device at once, but at least one trial.
_BYTES = 2**30
FIELDS = [("factors", np.uint64), ("trials", np.int64), ("d", np.int64), ("rows", np.int64),
          ("degrees", np.int64), ("centre", np.float64), ("first", np.uint32), ("k0", np.uint32),
          ("k1", np.uint32), ("part", np.uint32)]  # fmt: skip


def kernel(name: str, precision: str) -> Kernel:
    """The instance of ``normals`` or ``chi`` for factors of one precision."""
    real = REAL[precision]
    return instance(f"ols_{name}_{precision}", "ols_gpu.cu", f"Factors<{real}>", f"{name}(task)")


def catalogue() -> list[Kernel]:
    """Every kernel instance."""
    return [kernel(name, precision) for name in ("normals", "chi") for precision in REAL]


def calls(size: int, precision: str) -> int:
    """Calls of the generator for a vector of `size` normals."""
    return -(-((size + 1) // 2) // PAIRS[precision])


def steps(
    factors: int, shape: tuple[int, int, int], precision: str, options: dict[str, Any]
) -> list[tuple[Kernel, int, Any]]:
    """What fills zeroed factors of `shape` (trials, d or d + 1, d): kernels, threads, arguments.

    Parameters
    ----------
    factors : int
        Device pointer.
    options : dict
        ``degrees``, ``centre``, ``first``, ``k0`` and ``k1``.
    """
    trials, rows, d = shape
    parts = [("normals", FACTOR, calls(d * (d - 1) // 2, precision)), ("chi", FACTOR, d)]
    if rows > d:
        parts.append(("normals", SHIFT, calls(d, precision)))
    common = {"factors": factors, "trials": trials, "d": d, "rows": rows, **options}
    return [(kernel(name, precision), trials * each, structure(FIELDS, {**common, "part": part}))
            for name, part, each in parts if each]  # fmt: skip


def bartlett_sums(
    trials: int,
    d: int,
    n: int,
    *,
    key: int,
    first: int = 0,
    mean: float = 0.0,
    precision: str = "float64",
) -> tuple[Array, Array]:
    """``sum_i H_ii`` and ``sum_{i<j} |H_ij|`` of ``H = X X'`` in law, CuPy arrays (trials,).

    Arguments, errors and numbers as in `ols_reference.bartlett_sums`, to rounding.

    Raises
    ------
    EnvironmentLacksError
        If CuPy, its driver or a GPU is missing.
    ValueError
        As in the reference.
    """
    words = require_problem(trials, d, n, key, first, mean, precision)
    xp = require_cupy()
    rows = d + (mean != 0.0)
    largest, centre = (n - 1, mean * math.sqrt(n)) if mean else (n, 0.0)
    block = max(1, _BYTES // ((rows + 3 * d) * d * np.dtype(precision).itemsize))
    on, off = [], []
    for low in range(0, trials, block):
        shape = (min(block, trials - low), rows, d)
        stack = xp.zeros(shape, dtype=getattr(xp, precision))
        options = {"degrees": largest, "centre": centre, "first": first + low, "k0": words[0],
                   "k1": words[1]}  # fmt: skip
        for step in steps(stack.data.ptr, shape, precision, options):
            launch(*step)
        product = xp.matmul(xp.matrix_transpose(stack), stack)
        # The trace of F' F is the sum of squares of F.
        on.append(xp.sum(stack**2, axis=(1, 2), dtype=xp.float64))
        # Beside a diagonal of order n: summed alone, or its digits are lost to the difference.
        above = xp.abs(xp.triu(product, k=1))
        off.append(xp.sum(above, axis=(1, 2), dtype=xp.float64))
    return xp.concat(on), xp.concat(off)
