"""Absolute sums of OLS Hessians X X' from Bartlett factors, written to be read.

For Gaussian X (d x n, n >= d) ``X X' = U U'`` in law, U upper triangular with independent standard
normals above the diagonal and chi variables on it (Bartlett 1933; Muirhead 1982, theorem 3.2.14).
The order of their degrees of freedom matters: Bartlett's factor is lower triangular with degrees
n, n-1, ..., n-d+1. Reversing rows and columns makes it upper and permutes the entries of H, which
changes no absolute sum; so U has degrees n-d+1, ..., n. With n, ..., n-d+1 on the diagonal of an
upper triangular factor the law would be another one.

Entries with a mean m: a rotation of the columns of X puts the mean into one of them, ``m sqrt(n)``
plus a normal in each row, and leaves a Wishart matrix with n - 1 degrees of freedom.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from simulations.engine.backend import Array, FloatArray
from simulations.engine.philox import philox4x32
from simulations.kernels.normals_reference import (
    CHI,
    FACTOR,
    LONGEST,
    SHIFT,
    WORD,
    normals,
    require_address,
    require_precision,
)


def require_problem(
    trials: int, d: int, n: int, key: int, first: int, mean: float, precision: str
) -> tuple[int, int]:
    """Both words of the key.

    Raises
    ------
    ValueError
        If d is not in [1, 131072], n below d (or d + 1 with a mean) or not below 2^53, the mean
        not finite, or the address or the precision wrong.
    """
    if d < 1 or d * (d - 1) // 2 > LONGEST:
        raise ValueError(f"d is {d}; it must be in [1, 131072]")
    least = d + (mean != 0.0)
    if not least <= n < 2**53:
        raise ValueError(f"n is {n}; it must be in [{least}, 2**53) at d = {d}, mean = {mean}")
    if not math.isfinite(mean):
        raise ValueError(f"mean is {mean}; it must be finite")
    require_precision(precision)
    return require_address(key, first, trials)


def _call(key: int, *counter: int) -> tuple[float, float]:
    """Normal (first of the pair) and uniform on (0, 1] of one call, as Python floats."""
    a, b, c, d = (numpy.asarray([word], dtype=numpy.uint64) for word in counter)
    w0, w1, w2, w3 = (int(word[0]) for word in philox4x32((a, b, c, d), (key % WORD, key // WORD)))
    u = 1.0 - ((w0 >> 5) * 2**26 + (w1 >> 6)) / 2**53
    v = ((w2 >> 5) * 2**26 + (w3 >> 6)) / 2**53
    sign = -1.0 if w3 & 1 else 1.0
    return sign * math.sqrt(-2.0 * math.log(u)) * math.cos(0.5 * math.pi * v), u


def chi(key: int, place: int, degrees: int, trial: int) -> float:
    """Chi variable by rejection (Marsaglia and Tsang 2000, ACM Trans. Math. Softw. 26).

    Attempt t takes its normal from row 2t of part CHI, and its uniform from row 2t + 1.
    """
    attempt = 0
    while True:
        x, _ = _call(key, place, CHI, 2 * attempt, trial)
        if degrees == 1:
            return abs(x)
        _, u = _call(key, place, CHI, 2 * attempt + 1, trial)
        a = degrees / 2 - 1 / 3
        v = (1 + x / math.sqrt(9 * a)) ** 3
        if v > 0 and math.log(u) < x * x / 2 + a * (1 - v + math.log(v)):
            return math.sqrt(2 * a * v)
        attempt += 1


def bartlett_factor(
    d: int, n: int, *, key: int, trial: int, mean: float = 0.0, precision: str = "float64"
) -> FloatArray:
    """F, (d, d) or with a mean (d, d + 1), whose F F' is X X' in law.

    Column j < d is that of U; the strict upper triangle is filled column by column.

    Raises
    ------
    ValueError
        As in `require_problem`.
    """
    require_problem(1, d, n, key, trial, mean, precision)
    trials = numpy.asarray([trial], dtype=numpy.uint64)

    def draw(part: int, size: int) -> Array:
        return normals(_namespace(), key, part, 0, trials, size, precision)[0]

    factor = numpy.zeros((d, d + (mean != 0.0)))
    columns, rows = numpy.tril_indices(d, -1)
    factor[rows, columns] = draw(FACTOR, rows.size)
    largest = n - 1 if mean else n
    for j in range(d):
        factor[j, j] = chi(key, j, largest - d + 1 + j, trial)
    if mean:
        factor[:, d] = mean * math.sqrt(n) + draw(SHIFT, d)
    return factor


def _namespace() -> Any:
    import array_api_compat.numpy

    return array_api_compat.numpy


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
    """``sum_i H_ii`` and ``sum_{i<j} |H_ij|`` of ``H = X X'``, (trials,) each.

    X is (d, n) with independent N(mean, 1) entries.

    Raises
    ------
    ValueError
        As in `require_problem`.
    """
    require_problem(trials, d, n, key, first, mean, precision)
    on, off = numpy.empty(trials), numpy.empty(trials)
    for s in range(trials):
        factor = bartlett_factor(d, n, key=key, trial=first + s, mean=mean, precision=precision)
        hessian = factor @ factor.T
        on[s] = numpy.trace(hessian)
        off[s] = numpy.sum(numpy.abs(numpy.triu(hessian, 1)))
    return on, off
