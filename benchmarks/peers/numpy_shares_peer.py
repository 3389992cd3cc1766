"""NumPy for case B: matrices in full, and the least it can do in cache-sized parts.

Each in float64 and in float32, a number of which takes half the random bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg.blas import dsyrk, ssyrk

from benchmarks.contest import Entrant, entrant
from benchmarks.workload import Array

_PART = 32_768
_COLUMNS = 2_048
_SMALL = 8
_SYRK = {"float64": dsyrk, "float32": ssyrk}


def share(matrix: Array) -> float:
    """``sum |M_ii| / sum |M_ij|``."""
    absolute = np.abs(matrix)
    return float(np.trace(absolute) / absolute.sum())


def _generators() -> tuple[np.random.Generator, np.random.Generator]:
    """NumPy's default, and its fastest."""
    return np.random.default_rng(1), np.random.Generator(np.random.SFC64(1))


def _both(
    name: str, function: Callable[..., float], arguments: tuple[Any, ...], small: tuple[Any, ...]
) -> list[Entrant]:
    """An entrant in each precision, which is the function's last argument."""
    return [
        entrant(name, function, (*arguments, "float64"), (*small, "float64")),
        entrant(f"{name}, float32", function, (*arguments, "float32"), (*small, "float32"),
                note="float32", least=0.5),
    ]  # fmt: skip


def wigner(d: int) -> list[Entrant]:
    """A GOE matrix ``(G + G')/sqrt 2`` in full, and sums over parts of the upper triangle."""
    full, fast = _generators()

    def whole(d: int, precision: Any) -> float:
        G = full.standard_normal((d, d), dtype=precision)
        return share((G + G.T) / G.dtype.type(np.sqrt(2.0)))

    def parts(d: int, precision: Any) -> float:
        on = np.sqrt(2.0) * np.abs(fast.standard_normal(d, dtype=precision)).sum()
        off, left = 0.0, d * (d - 1) // 2
        while left > 0:
            part = fast.standard_normal(min(left, _PART), dtype=precision)
            np.abs(part, out=part)
            off += float(part.sum())
            left -= len(part)
        return float(on / (on + 2.0 * off))

    return [
        *_both("NumPy, matrix in full (PCG64)", whole, (d,), (_SMALL,)),
        *_both("NumPy, upper triangle in parts (SFC64)", parts, (d,), (_SMALL,)),
    ]


def ols(d: int, n: int) -> list[Entrant]:
    """``X X'`` of a drawn X in full, and by symmetric updates with parts of X."""
    full, fast = _generators()

    def whole(d: int, n: int, precision: Any) -> float:
        X = full.standard_normal((d, n), dtype=precision)
        return share(X @ X.T)

    def parts(d: int, n: int, precision: Any) -> float:
        H = np.zeros((d, d), dtype=precision, order="F")
        for start in range(0, n, _COLUMNS):
            X = fast.standard_normal((min(_COLUMNS, n - start), d), dtype=precision)
            H = _SYRK[precision](1.0, X.T, beta=1.0, c=H, lower=1, overwrite_c=1)
        below, on = float(np.abs(H).sum()), float(np.trace(H))
        return on / (2.0 * below - on)

    sizes = (d, n), (_SMALL, _SMALL)
    return [
        *_both("NumPy, X X' in full (PCG64)", whole, *sizes),
        *_both("NumPy + SciPy, syrk over parts of X (SFC64)", parts, *sizes),
    ]
