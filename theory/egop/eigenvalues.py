"""Eigenvalues of a symmetric matrix in descending order: floats, and rigorous balls."""

from __future__ import annotations

from typing import Any

import numpy as np

from theory.scalars import NotExact, has_objects, own_method

_SWEEPS = 60


def eigenvalue(matrix: Any, position: Any) -> Any:
    """The eigenvalue of a symmetric matrix (d, d) at a position, 1 being the largest.

    A position that brings a method ``eigenvalue`` answers itself: the symbols of a proof do.

    >>> float(eigenvalue(np.array([[2.0, 0.0], [0.0, 5.0]]), 1))
    5.0
    """
    own = own_method(position, "eigenvalue")
    return own(matrix) if own else eigenvalues(matrix)[int(position) - 1]


def eigenvalues(matrix: Any) -> Any:
    """Eigenvalues (d,) of a symmetric matrix (d, d), descending.

    Floats: LAPACK. Real numbers of the exact search, and balls: an enclosure of each. With Q from
    Jacobi rotations, ``B = Q'AQ`` has ``lam_k(B) = theta lam_k(A)``, ``|theta - 1| <= ||Q'Q - I||``
    (Ostrowski), and lies within ``||B - D||_F`` of a diagonal D (Weyl); both hold for every Q.

    Raises
    ------
    NotExact
        For rationals that are not wrapped as real numbers.
    """
    if not has_objects(matrix):
        return np.linalg.eigvalsh(matrix)[::-1]
    import flint

    kind, n = type(matrix[0, 0]), len(matrix)
    bits = flint.ctx.prec
    # Small eigenvalues are known relative to the largest one only: spare bits for them.
    flint.ctx.prec = 2 * bits
    try:
        balls = [getattr(entry, "ball", entry) for entry in matrix.reshape(-1)]
        if not all(isinstance(ball, flint.arb) for ball in balls):
            raise NotExact("eigenvalues of a matrix of exact numbers")
        found = _enclosed(flint.arb_mat(n, n, balls), bits)
    finally:
        flint.ctx.prec = bits
    return np.array([kind(ball) for ball in found], dtype=object)


def _enclosed(matrix: Any, bits: int) -> list[Any]:
    import flint

    n = matrix.nrows()
    one = flint.arb_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
    basis = _jacobi(matrix.mid(), one, bits)
    turned = basis.transpose() * matrix * basis
    middles = [turned[i, i].mid() for i in range(n)]
    diagonal = flint.arb_mat(n, n, [middles[i] * one[i, j] for i in range(n) for j in range(n)])
    near = flint.arb(0, _norm(turned - diagonal).upper())
    factor = 1 + flint.arb(0, _norm(basis.transpose() * basis - one).upper())
    order = sorted(range(n), key=lambda i: _Descending(middles[i]))
    return [(middles[i] + near) / factor for i in order]


class _Descending:
    """A sorting key for exact balls, the largest first."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Descending) -> bool:
        return bool(self.value > other.value)


def _jacobi(matrix: Any, basis: Any, bits: int) -> Any:
    """An approximately orthogonal matrix that nearly diagonalises; exact midpoints throughout."""
    import flint

    n, close = matrix.nrows(), flint.arb(2) ** (-3 * bits // 2)
    size = _norm(matrix)
    for _ in range(_SWEEPS):
        pairs = [(i, j) for i in range(n) for j in range(i) if abs(matrix[i, j]) > close * size]
        if not pairs:
            break
        for i, j in pairs:
            turn = _rotation(matrix, i, j)
            matrix = (turn.transpose() * matrix * turn).mid()
            basis = (basis * turn).mid()
    return basis


def _rotation(matrix: Any, i: int, j: int) -> Any:
    import flint

    n = matrix.nrows()
    turn = flint.arb_mat(n, n, [int(a == b) for a in range(n) for b in range(n)])
    if matrix[i, j].is_zero():
        return turn
    slope = ((matrix[j, j] - matrix[i, i]) / (2 * matrix[i, j])).mid()
    root = (slope * slope + 1).sqrt().mid()
    tangent = (1 / (slope + root) if slope >= 0 else 1 / (slope - root)).mid()
    cosine = (1 / (tangent * tangent + 1).sqrt()).mid()
    turn[i, i] = turn[j, j] = cosine
    turn[i, j], turn[j, i] = tangent * cosine, -tangent * cosine
    return turn.mid()


def _norm(matrix: Any) -> Any:
    """An upper bound of the Frobenius norm."""
    squares = [entry.abs_upper() ** 2 for entry in matrix.entries()]
    return sum(squares[1:], squares[0]).sqrt()
