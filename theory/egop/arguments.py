"""Arguments of the EGOP functions: converted, or refused in one line that names them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# Beyond it sums of entries would overflow.
_LARGEST = 1e300


def symmetric(name: str, matrix: Any) -> np.ndarray:
    """Return the lower triangle of `matrix`, mirrored.

    Raises
    ------
    ValueError
        Unless it is square, symmetric up to rounding, and its entries are below 1e300.
    """
    M = np.array(matrix, dtype=np.float64)
    if M.ndim != 2 or M.shape[0] != M.shape[1] or len(M) < 1:
        raise ValueError(f"{name} has shape {M.shape}; it must be a square matrix (d, d)")
    if not np.all(np.isfinite(M)):
        raise ValueError(f"{name} has entries that are not finite")
    largest = float(np.abs(M).max())
    if largest > _LARGEST:
        raise ValueError(
            f"{name} has an entry of size {largest:.3g}; at most {_LARGEST:g} is allowed"
        )
    asymmetry = float(np.abs(M - M.T).max())
    # Products such as H C H are symmetric up to the rounding of their sums.
    if asymmetry > 8 * len(M) * np.finfo(float).eps * largest:
        raise ValueError(f"{name} is not symmetric: |{name} - {name}'| reaches {asymmetry:.3g}")
    return np.asarray(np.tril(M) + np.tril(M, -1).T)


def vector(name: str, values: Any) -> np.ndarray:
    """Return `values` as a float array; raises ValueError unless a finite non-empty vector."""
    v = np.array(values, dtype=np.float64)
    if v.ndim != 1 or len(v) < 1:
        raise ValueError(f"{name} has shape {v.shape}; it must be a vector (d,), d >= 1")
    if not np.all(np.isfinite(v)):
        raise ValueError(f"{name} has entries that are not finite")
    return v


def samples(name: str, rows: Any) -> np.ndarray:
    """Return `rows` as a float array; raises ValueError unless finite (n, d) with n, d >= 1."""
    G = np.array(rows, dtype=np.float64)
    if G.ndim != 2 or G.shape[0] < 1 or G.shape[1] < 1:
        raise ValueError(f"{name} has shape {G.shape}; it must be (n, d) with n >= 1, d >= 1")
    if not np.all(np.isfinite(G)):
        raise ValueError(f"{name} has entries that are not finite")
    return G


def positive(name: str, value: float) -> None:
    """Raise ValueError unless `value` is a finite number above zero."""
    if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
        raise ValueError(f"{name} is {value!r}; it must be a finite number > 0")
