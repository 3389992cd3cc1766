"""Absolute sums of OLS Hessians X X' on the CPU: Bartlett factors, and products in chunks.

With a Bartlett factor the cost is d^2/2 normals and d^3/3 operations, whatever n is, in place of
dn normals and d^2 n operations: exact in law for Gaussian X. Definition: `ols_reference`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from scipy.linalg import blas, lapack

from simulations.engine.backend import FloatArray
from simulations.kernels.normals_cpu import (
    OPTIONS,
    normal_pair,
    normal_pair32,
    philox,
    uniform,
)
from simulations.kernels.normals_reference import (
    CHI,
    FACTOR,
    ROWS,
    SHIFT,
    WORD,
    require_address,
    require_precision,
)
from simulations.kernels.ols_reference import require_problem
from theory.core.compilation import Compiled

# From this d on LAPACK's product of triangles is faster than the loops below.
_LAPACK_FROM = 80
# Numbers in a block of factors, or in a chunk of X: 2 MB of float64.
_NUMBERS = 262_144

Draw = Callable[[int, int], Any]
_FACTOR, _CHI, _SHIFT = np.uint64(FACTOR), np.uint64(CHI), np.uint64(SHIFT)
_ZERO, _ONE = np.uint64(0), np.uint64(1)


@numba.njit(**OPTIONS)
def _vector(out: Any, part: Any, row: Any, trial: Any, k0: Any, k1: Any) -> None:
    """Fill `out` (size,) with float64 normals; all other arguments are uint64."""
    half = (out.size + 1) // 2
    first, second = out[:half], out[half:]
    for index in range(second.size):
        w0, w1, w2, w3 = philox(np.uint64(index), part, row, trial, k0, k1)
        a, b = normal_pair(w0, w1, w2, w3)
        first[index] = a
        second[index] = b
    if out.size % 2:
        w0, w1, w2, w3 = philox(np.uint64(half - 1), part, row, trial, k0, k1)
        out[half - 1] = normal_pair(w0, w1, w2, w3)[0]


@numba.njit(**OPTIONS)
def _vector32(out: Any, part: Any, row: Any, trial: Any, k0: Any, k1: Any) -> None:
    """Fill `out` (size,) with float32 normals; all other arguments are uint64."""
    half = (out.size + 1) // 2
    calls = (half + 1) // 2
    first, second = out[:half], out[half:]
    later, last = first[calls:], second[calls:]
    for index in range(last.size):
        w0, w1, w2, w3 = philox(np.uint64(index), part, row, trial, k0, k1)
        a, b = normal_pair32(w0, w1)
        first[index] = a
        second[index] = b
        a, b = normal_pair32(w2, w3)
        later[index] = a
        last[index] = b
    for index in range(last.size, calls):
        w0, w1, w2, w3 = philox(np.uint64(index), part, row, trial, k0, k1)
        for place, u, v in ((index, w0, w1), (index + calls, w2, w3)):
            a, b = normal_pair32(u, v)
            if place < half:
                first[place] = a
            if place < second.size:
                second[place] = b


@numba.njit(**OPTIONS)
def _chi(out: Any, degrees: int, scratch: Any, trial: Any, k0: Any, k1: Any) -> None:
    """Fill `out` (d,) with chi variables of degrees - d + 1, ..., degrees degrees of freedom.

    Marsaglia and Tsang (2000); the first attempts of all are made at once, scratch is (2, d).
    """
    d = out.size
    for j in range(d):
        w0, w1, w2, w3 = philox(np.uint64(j), _CHI, _ZERO, trial, k0, k1)
        scratch[0, j] = normal_pair(w0, w1, w2, w3)[0]
        w0, w1, w2, w3 = philox(np.uint64(j), _CHI, _ONE, trial, k0, k1)
        scratch[1, j] = 1.0 - uniform(w0, w1)
    for j in range(d):
        k = degrees - d + 1 + j
        x, u = scratch[0, j], scratch[1, j]
        if k == 1:
            out[j] = abs(x)
            continue
        a = 0.5 * k - 1.0 / 3.0
        c = 1.0 / np.sqrt(9.0 * a)
        attempt = 0
        while True:
            v = (1.0 + c * x) ** 3
            # The first condition implies the second and needs no logarithm.
            if v > 0.0 and (
                u < 1.0 - 0.0331 * (x * x) * (x * x)
                or np.log(u) < 0.5 * x * x + a * (1.0 - v + np.log(v))
            ):
                break
            attempt += 1
            w0, w1, w2, w3 = philox(np.uint64(j), _CHI, np.uint64(2 * attempt), trial, k0, k1)
            x = normal_pair(w0, w1, w2, w3)[0]
            w0, w1, w2, w3 = philox(np.uint64(j), _CHI, np.uint64(2 * attempt + 1), trial, k0, k1)
            u = 1.0 - uniform(w0, w1)
        out[j] = np.sqrt(2.0 * a * v)


def _factors(
    out: Any, degrees: int, centre: float, single: bool, first: int, k0: int, k1: int
) -> None:
    """Fill `out` (S, d or d + 1, d) with the transposes of the factors of `ols_reference`.

    Above the diagonal nothing is written. A row d holds `centre` plus normals.
    """
    d = out.shape[2]
    packed, row = np.empty(d * (d - 1) // 2, out.dtype), np.empty(d, out.dtype)
    diagonal, scratch = np.empty(d), np.empty((2, d))
    fill = np.uint64(k0), np.uint64(k1)
    for s in range(out.shape[0]):
        trial = np.uint64(first + s)
        _chi(diagonal, degrees, scratch, trial, *fill)
        if single:
            _vector32(packed, _FACTOR, _ZERO, trial, *fill)
            _vector32(row, _SHIFT, _ZERO, trial, *fill)
        else:
            _vector(packed, _FACTOR, _ZERO, trial, *fill)
            _vector(row, _SHIFT, _ZERO, trial, *fill)
        for j in range(d):
            for i in range(j):
                out[s, j, i] = packed[j * (j - 1) // 2 + i]
            out[s, j, j] = diagonal[j]
        if out.shape[1] > d:
            for i in range(d):
                out[s, d, i] = centre + row[i]


def _products(factors: Any, d: int, on: Any, off: Any) -> None:
    """Sums of ``F' F`` for every F (rows, d) of a stack; row j < d ends at its diagonal entry."""
    hessian = np.empty((d, d), factors.dtype)
    for s in range(factors.shape[0]):
        hessian[:] = 0.0
        for j in range(factors.shape[1]):
            row = factors[s, j]
            for i in range(min(j + 1, d)):
                for k in range(i + 1):
                    hessian[i, k] += row[i] * row[k]
        on[s], off[s] = _triangle(hessian)


@numba.njit(**OPTIONS)
def _triangle(hessian: Any) -> Any:
    """Trace, and absolute sum below the diagonal, of the lower triangle; float64."""
    trace, below = 0.0, 0.0
    for i in range(hessian.shape[0]):
        row = hessian.dtype.type(0.0)
        for k in range(i):
            row += abs(hessian[i, k])
        below += np.float64(row)
        trace += np.float64(hessian[i, i])
    return trace, below


_REALS = {"float64": types.float64, "float32": types.float32}
_WORDS = (types.uint64,) * 5
_VECTOR = {
    "float64": Compiled(
        _vector.py_func, types.void(types.float64[::1], *_WORDS), "vector_float64", **OPTIONS
    ),
    "float32": Compiled(
        _vector32.py_func, types.void(types.float32[::1], *_WORDS), "vector_float32", **OPTIONS
    ),
}
_FACTORS = {
    name: Compiled(
        _factors,
        types.void(real[:, :, ::1], types.int64, types.float64, types.boolean,
                   *(types.int64,) * 3),
        f"factors_{name}", **OPTIONS,
    )
    for name, real in _REALS.items()
}  # fmt: skip
_PRODUCTS = {
    name: Compiled(
        _products, types.void(real[:, :, ::1], types.int64, *(types.float64[::1],) * 2),
        f"products_{name}", **OPTIONS,
    )
    for name, real in _REALS.items()
}  # fmt: skip
_TRIANGLE = {
    name: Compiled(
        _triangle.py_func, types.UniTuple(types.float64, 2)(real[:, ::1]), f"triangle_{name}",
        **OPTIONS,
    )
    for name, real in _REALS.items()
}  # fmt: skip


def bartlett_sums(
    trials: int,
    d: int,
    n: int,
    *,
    key: int,
    first: int = 0,
    mean: float = 0.0,
    precision: str = "float64",
) -> tuple[FloatArray, FloatArray]:
    """``sum_i H_ii`` and ``sum_{i<j} |H_ij|`` of ``H = X X'`` in law, (trials,) each.

    X is (d, n) with independent N(mean, 1) entries, n >= d (n > d with a mean). Numbers as in
    `ols_reference.bartlett_sums`, to rounding: H_ij within d eps ``|F_i| |F_j|``.

    Raises
    ------
    ValueError
        As there.
    """
    words = require_problem(trials, d, n, key, first, mean, precision)
    single = precision == "float32"
    rows = d + (mean != 0.0)
    largest, centre = (n - 1, mean * math.sqrt(n)) if mean else (n, 0.0)
    on, off = np.empty(trials), np.empty(trials)
    block = max(1, _NUMBERS // (rows * d))
    for low in range(0, trials, block):
        part = slice(low, min(low + block, trials))
        stack = np.empty((part.stop - low, rows, d), np.dtype(precision))
        _FACTORS[precision](stack, largest, centre, single, first + low, *words)
        if d < _LAPACK_FROM:
            _PRODUCTS[precision](stack, d, on[part], off[part])
        else:
            for place, factor in enumerate(stack, start=low):
                on[place], off[place] = _TRIANGLE[precision](_hessian(factor, d))
    return on, off


def _hessian(factor: Any, d: int) -> Any:
    """F' F of a factor (rows, d), in its lower triangle; overwrites the factor."""
    # The transpose of a row-major lower triangle is LAPACK's upper one: dlauum makes U U'.
    prefix = "s" if factor.dtype == np.float32 else "d"
    upper, _ = getattr(lapack, f"{prefix}lauum")(factor[:d].T, lower=0, overwrite_c=1)
    for row in factor[d:]:
        upper = getattr(blas, f"{prefix}syr")(1.0, row, lower=0, a=upper, overwrite_a=1)
    return upper.T


def streamed_sums(
    draw: Draw, d: int, n: int, *, numbers: int = _NUMBERS, precision: str = "float64"
) -> tuple[float, float]:
    """``sum_i H_ii`` and ``sum_{i<j} |H_ij|`` of ``H = X X'``, X in chunks of columns.

    For any law of the entries and any n; memory is d^2 plus a chunk.

    Parameters
    ----------
    draw : callable
        ``draw(start, count)`` returns columns start, ..., start + count - 1 of X as the rows of a
        C-contiguous array (count, d).
    d, n : int >= 1
    numbers : int >= 1
        Entries of X in memory at once, but at least one column.
    precision : str
        ``float64`` or ``float32``, of the product.

    Raises
    ------
    ValueError
        If d, n or `numbers` is below 1, the precision unknown, or a chunk of another shape.
    """
    for name, value in (("d", d), ("n", n), ("numbers", numbers)):
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be >= 1")
    require_precision(precision)
    product = blas.dsyrk if precision == "float64" else blas.ssyrk
    hessian = np.zeros((d, d), np.dtype(precision), order="F")
    step = max(1, numbers // d)
    for start in range(0, n, step):
        count = min(step, n - start)
        chunk = np.asarray(draw(start, count), np.dtype(precision))
        if chunk.shape != (count, d):
            raise ValueError(f"draw({start}, {count}) has shape {chunk.shape}, not {(count, d)}")
        hessian = product(1.0, chunk.T, beta=1.0, c=hessian, lower=0, overwrite_c=1)
    on, off = _TRIANGLE[precision](hessian.T)
    return float(on), float(off)


def gaussian_columns(d: int, *, key: int, trial: int = 0, precision: str = "float64") -> Draw:
    """Columns of a Gaussian X for `streamed_sums`; the numbers do not depend on the chunks.

    Raises
    ------
    ValueError
        If d is below 1 or the precision is unknown, `key` or `trial` out of range, or a column
        beyond 2^32 is asked for.
    """
    if d < 1:
        raise ValueError(f"d is {d}; it must be >= 1")
    require_precision(precision)
    words = tuple(np.uint64(word) for word in require_address(key, trial, 1))
    fill = _VECTOR[precision]

    def draw(start: int, count: int) -> Any:
        if not 0 <= start <= WORD - count:
            raise ValueError(f"columns end at {start + count}; they must end by 2**32")
        chunk = np.empty((count, d), np.dtype(precision))
        for place, row in enumerate(chunk, start=start):
            fill(row, np.uint64(ROWS), np.uint64(place), np.uint64(trial), *words)
        return chunk

    return draw
