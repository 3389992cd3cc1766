"""Orthogonal bases and matrices with a prescribed spectrum."""

from __future__ import annotations

import numpy as np
from scipy.linalg import hadamard

BASES = ("axis", "haar", "hadamard", "sparse")


def haar_basis(normals: np.ndarray) -> np.ndarray:
    """Return a uniformly distributed orthogonal matrix from independent standard normals (d, d).

    The Q of the QR factorisation whose R has a positive diagonal (Mezzadri 2007).

    Raises
    ------
    ValueError
        If `normals` is not a square matrix.
    """
    _require_square(normals)
    Q, R = np.linalg.qr(normals)
    return np.asarray(Q * np.where(np.diag(R) < 0, -1.0, 1.0))


def hadamard_basis(d: int) -> np.ndarray:
    """Return the Sylvester-Hadamard matrix over sqrt(d): every column has density one.

    Raises
    ------
    ValueError
        If d is not a power of two.
    """
    if d < 1 or d & (d - 1):
        raise ValueError(f"d is {d!r}; it must be a power of two")
    return np.asarray(hadamard(d) / np.sqrt(d))


def sparse_basis(normals: np.ndarray, width: int) -> np.ndarray:
    """Return a block-diagonal orthogonal matrix of Haar blocks of `width` coordinates.

    Each column has at most `width` entries other than zero, so its density is at most
    ``sqrt(width/d)``.

    Raises
    ------
    ValueError
        If `normals` is not a square matrix, or `width` not in [1, d].
    """
    _require_square(normals)
    d = len(normals)
    if not 1 <= width <= d:
        raise ValueError(f"width is {width!r}; it must be in [1, {d}]")
    result = np.zeros((d, d))
    for start in range(0, d, width):
        block = slice(start, min(start + width, d))
        result[block, block] = haar_basis(normals[block, block])
    return result


def make_basis(kind: str, normals: np.ndarray) -> np.ndarray:
    """Return the basis called "axis", "haar", "hadamard" or "sparse" (blocks of about sqrt d).

    Raises
    ------
    ValueError
        If the kind is unknown or its dimension does not fit.
    """
    _require_square(normals)
    d = len(normals)
    if kind == "axis":
        return np.eye(d)
    if kind == "haar":
        return haar_basis(normals)
    if kind == "hadamard":
        return hadamard_basis(d)
    if kind == "sparse":
        return sparse_basis(normals, max(1, round(d**0.5)))
    raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(BASES)}")


def with_spectrum(eigenvalues: np.ndarray, V: np.ndarray) -> np.ndarray:
    """Return the symmetric matrix ``V diag(eigenvalues) V'``."""
    M = (V * eigenvalues) @ V.T
    return np.asarray((M + M.T) / 2)


def power_law(d: int, exponent: float) -> np.ndarray:
    """Return ``k^-exponent`` for k = 1..d."""
    return np.arange(1, d + 1, dtype=np.float64) ** -exponent


def _require_square(normals: np.ndarray) -> None:
    if normals.ndim != 2 or normals.shape[0] != normals.shape[1]:
        raise ValueError(f"normals have shape {normals.shape}; it must be a square matrix (d, d)")
