"""NumPy for case B: matrices in full, and the least it can do in cache-sized parts."""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import dsyrk

from benchmarks.contest import Entrant
from benchmarks.workload import Array

_PART = 32_768
_COLUMNS = 2_048


def share(matrix: Array) -> float:
    """``sum |M_ii| / sum |M_ij|``."""
    absolute = np.abs(matrix)
    return float(np.trace(absolute) / absolute.sum())


def wigner(d: int) -> list[Entrant]:
    """A GOE matrix ``(G + G')/sqrt 2`` in full, and sums over parts of the upper triangle."""
    full = np.random.Generator(np.random.PCG64(1))
    fast = np.random.Generator(np.random.SFC64(1))

    def whole() -> float:
        G = full.standard_normal((d, d))
        return share((G + G.T) / np.sqrt(2.0))

    def parts() -> float:
        on = np.sqrt(2.0) * np.abs(fast.standard_normal(d)).sum()
        off, left = 0.0, d * (d - 1) // 2
        while left > 0:
            part = fast.standard_normal(min(left, _PART))
            np.abs(part, out=part)
            off += float(part.sum())
            left -= len(part)
        return float(on / (on + 2.0 * off))

    return [
        Entrant("NumPy, matrix in full (PCG64)", whole),
        Entrant("NumPy, upper triangle in parts (SFC64)", parts),
    ]


def ols(d: int, n: int) -> list[Entrant]:
    """``X X'`` of a drawn X in full, and by symmetric updates with parts of X."""
    full = np.random.Generator(np.random.PCG64(1))
    fast = np.random.Generator(np.random.SFC64(1))

    def whole() -> float:
        X = full.standard_normal((d, n))
        return share(X @ X.T)

    def parts() -> float:
        H = np.zeros((d, d), order="F")
        for start in range(0, n, _COLUMNS):
            X = fast.standard_normal((min(_COLUMNS, n - start), d))
            H = dsyrk(1.0, X.T, beta=1.0, c=H, lower=1, overwrite_c=1)
        below, on = float(np.abs(H).sum()), float(np.trace(H))
        return on / (2.0 * below - on)

    return [
        Entrant("NumPy, X X' in full (PCG64)", whole),
        Entrant("NumPy + SciPy, dsyrk over parts of X (SFC64)", parts),
    ]
