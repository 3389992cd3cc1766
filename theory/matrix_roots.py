"""The symmetric square root of a positive definite matrix: floats, balls and symbols."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from theory import arrays
from theory.scalars import NotExact, has_objects

# Each divided difference of eigenvalues that are 2^-40 apart costs 40 of 512 bits.
_APART, _FEW = 40, 6


def matrix_square_root(matrix: Any) -> Any:
    """``A^{1/2}``, symmetric positive definite, of A (d, d), or (d,) meaning diagonal.

    Floats: by the eigendecomposition. Real numbers of the exact search, and balls: an enclosure of
    every entry, from a Denman-Beavers approximation X and
    ``||A^{1/2} - X||_F <= ||A - X^2||_F / lam_min(A^{1/2})``, which holds for every symmetric
    positive semidefinite X. Symbols: their own power.

    Raises
    ------
    NotExact
        For a full matrix of rationals that are not wrapped as real numbers.
    ZeroDivisionError
        If A is not certainly positive definite.

    >>> matrix_square_root(np.array([4.0, 9.0])).tolist()
    [2.0, 3.0]
    """
    if has_objects(matrix) and matrix.ndim == 2 and not hasattr(matrix[0, 0], "free_symbols"):
        return _enclosed(matrix)
    return arrays.matrix_power(matrix, Fraction(1, 2))


def _enclosed(matrix: Any) -> Any:
    import flint

    kind = type(matrix[0, 0])
    balls = [getattr(entry, "ball", entry) for entry in matrix.reshape(-1)]
    if not all(isinstance(ball, flint.arb) for ball in balls):
        raise NotExact("square root of a full matrix of exact numbers")
    if not arrays.is_positive_definite(np.array(balls, dtype=object).reshape(matrix.shape)):
        raise ZeroDivisionError("matrix is not certainly positive definite")
    n, bits = matrix.shape[0], flint.ctx.prec
    exact = flint.arb_mat(n, n, balls)
    # The iteration loses up to log2(cond) bits; what it returns is verified below in any case.
    flint.ctx.prec = 4 * bits
    try:
        middle, root = _semidefinite_approximation(exact.mid(), bits)
        residual = _frobenius(exact - middle * middle)
        # lam_min(A^{1/2}) = lam_max(A^-1)^(-1/2) >= ||A^-1||_F^(-1/2)
        radius = residual * _frobenius(exact.inv()).sqrt()
    finally:
        flint.ctx.prec = bits
    error = flint.arb(0, radius.abs_upper())
    wrap = np.frompyfunc(lambda entry: kind(entry + error), 1, 1)
    return wrap(root)


def _semidefinite_approximation(matrix: Any, bits: int) -> tuple[Any, Any]:
    # A polynomial can be negative at an eigenvalue that float64 does not resolve, which leads to
    # another root of A; from A itself the iteration is slower, and certain.
    for begin in (_interpolated, _unchanged):
        middle = _approximation(matrix, bits, begin)
        root = np.array(middle.tolist(), dtype=object)
        if arrays.is_positive_semidefinite(root):
            return middle, root
    raise ZeroDivisionError("matrix is not certainly regular")


def _approximation(matrix: Any, bits: int, begin: Callable[[Any], Any]) -> Any:
    import flint

    # ||A|| = 1 bounds the number of steps by log2(cond)/2 + log2(precision) from X = A.
    scale = _frobenius(matrix).mid()
    scaled = (matrix / scale).mid()
    root = begin(scaled)
    # Both commute with A, so that the limits are A^{1/2} and its inverse.
    partner = (scaled.inv() * root).mid()
    close = flint.arb(2) ** -bits
    for _ in range(bits):
        previous = root
        root, partner = _denman_beavers(root, partner)
        if _frobenius(root - previous) < close:
            # convergence is quadratic: one more step doubles the digits
            root, _ = _denman_beavers(root, partner)
            break
    root = (root * scale.sqrt()).mid()
    return ((root + root.transpose()) / 2).mid()


def _unchanged(matrix: Any) -> Any:
    return matrix


def _interpolated(matrix: Any) -> Any:
    """The polynomial of A that is the root at its eigenvalues in float64: nearly ``A^{1/2}``.

    A itself where that is no good beginning: for many eigenvalues, or one <= 0 in float64.
    """
    import flint

    n = matrix.nrows()
    values = np.linalg.eigvalsh([[float(entry) for entry in row] for row in matrix.tolist()])
    if n > _FEW or not values[0] > 0:
        return matrix
    # Apart from each other, as the divided differences need them.
    nodes = [flint.arb(float(value)) * (1 + k * flint.arb(2) ** -_APART)
             for k, value in enumerate(values)]  # fmt: skip
    one = flint.arb_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
    column = [node.sqrt() for node in nodes]
    factor, result = one, column[0] * one
    for order in range(1, n):
        steps = zip(column, column[1:], nodes, nodes[order:], strict=False)
        column = [(right - left) / (last - first) for left, right, first, last in steps]
        factor = factor * (matrix - nodes[order - 1] * one)
        result = result + column[0] * factor
    return result.mid()


def _denman_beavers(root: Any, partner: Any) -> tuple[Any, Any]:
    return ((root + partner.inv()) / 2).mid(), ((partner + root.inv()) / 2).mid()


def _frobenius(matrix: Any) -> Any:
    """An upper bound of the Frobenius norm."""
    squares = [entry.abs_upper() ** 2 for entry in matrix.entries()]
    return sum(squares[1:], squares[0]).sqrt()
