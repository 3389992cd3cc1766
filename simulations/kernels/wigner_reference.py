"""Absolute sums of Gaussian Wigner matrices, written to be read; in any Array-API namespace."""

from __future__ import annotations

from typing import Any

from simulations.engine.backend import Array
from simulations.kernels.normals_reference import (
    DIAGONAL,
    LONGEST,
    OFF_DIAGONAL,
    normals,
    require_address,
    require_precision,
)


def require_problem(
    trials: int, d: int, key: int, first: int, precision: str, sigmas: tuple[float, float]
) -> tuple[int, int]:
    """Both words of the key.

    Raises
    ------
    ValueError
        If d is not in [1, 131072], a standard deviation is not positive and finite, or the
        address or the precision is wrong.
    """
    if d < 1 or d * (d - 1) // 2 > LONGEST:
        raise ValueError(f"d is {d}; it must be in [1, 131072]")
    for name, sigma in zip(("sigma_diagonal", "sigma_off"), sigmas, strict=True):
        if not 0.0 < sigma < float("inf"):
            raise ValueError(f"{name} is {sigma}; it must be positive and finite")
    require_precision(precision)
    return require_address(key, first, trials)


def absolute_sums(
    xp: Any,
    trials: int,
    d: int,
    *,
    key: int,
    first: int = 0,
    sigma_diagonal: float = 1.0,
    sigma_off: float = 1.0,
    precision: str = "float64",
) -> tuple[Array, Array]:
    """``sum_i |M_ii|`` and ``sum_{i<j} |M_ij|`` of symmetric Gaussian matrices, (trials,) each.

    ``M_ii ~ N(0, sigma_diagonal^2)`` and ``M_ij ~ N(0, sigma_off^2)``, independent. The numbers
    are those of trials first, ..., first + trials - 1 of the counters of `normals_reference`.

    Raises
    ------
    ValueError
        As in `require_problem`.
    """
    require_problem(trials, d, key, first, precision, (sigma_diagonal, sigma_off))
    rows = xp.arange(first, first + trials, dtype=xp.uint64)
    diagonal = normals(xp, key, DIAGONAL, 0, rows, d, precision)
    off = normals(xp, key, OFF_DIAGONAL, 0, rows, d * (d - 1) // 2, precision)
    sums = [xp.sum(xp.abs(part), axis=1) for part in (diagonal, off)]
    return sigma_diagonal * sums[0], sigma_off * sums[1]
