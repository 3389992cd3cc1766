"""One formula, several arithmetics: array functions for floats, exact numbers, balls and symbols.

Every function takes float arrays of any Array-API namespace, NumPy object arrays (or scalars) of
exact numbers (`flint.fmpq`, `fractions.Fraction`), of balls (`flint.arb`) or of SymPy expressions,
and symbols that bring the operation as a method of the same name: such a method wins. Nothing
here imports SymPy or flint unless an argument is one of their objects.

A matrix that is one-dimensional stands for the diagonal matrix with those entries, where a
function says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import array_api_compat
import numpy as np

from theory.scalars import (
    NotExact,
    has_objects,
    is_array,
    own_method,
    scalar_extreme,
    scalar_power,
    whole,
)

__all__ = [
    "NotExact",
    "absolute",
    "diagonal",
    "diagonal_matrix",
    "dot",
    "has_objects",
    "identity_matrix",
    "inverse_quadratic_form",
    "is_array",
    "is_positive_definite",
    "is_positive_semidefinite",
    "is_symmetric",
    "largest",
    "matrix_power",
    "maximum",
    "mean",
    "minimum",
    "namespace",
    "outer",
    "power",
    "quadratic_form",
    "smallest",
    "solve",
    "square_root",
    "total",
    "trace",
    "transpose",
]


def namespace(*arrays: Any) -> Any:
    """The array namespace of the arguments; NumPy for object arrays, numbers and lists.

    >>> namespace(np.array([Fraction(1, 2)], dtype=object)) is np
    True
    """
    found = [array for array in arrays if is_array(array)]
    if not found or any(has_objects(array) for array in found):
        return np
    return array_api_compat.array_namespace(*found)


def dot(x: Any, y: Any) -> Any:
    """``sum_i x_i y_i`` over the last axis; shapes (..., d) and (..., d) give (...).

    >>> int(dot(np.array([1, 2]), np.array([3, 4])))
    11
    """
    own = own_method(x, "dot")
    return own(y) if own else total(x * y, axis=-1)


def quadratic_form(matrix: Any, x: Any) -> Any:
    """``x' A x`` for A (d, d), or (d,) meaning diagonal, and x (..., d).

    >>> int(quadratic_form(np.array([[2, 1], [1, 3]]), np.array([1, 1])))
    7
    """
    own = own_method(matrix, "quadratic_form")
    if own:
        return own(x)
    return dot(x, x * matrix) if matrix.ndim == 1 else dot(x, x @ transpose(matrix))


def inverse_quadratic_form(matrix: Any, x: Any) -> Any:
    """``x' A^{-1} x`` for an invertible A (d, d), or (d,) meaning diagonal, and x (d,)."""
    return dot(x, solve(matrix, x))


def outer(x: Any, y: Any) -> Any:
    """``x y'``, of shape (m, n) for x (m,) and y (n,)."""
    own = own_method(x, "outer")
    return own(y) if own else x[:, None] * y[None, :]


def transpose(matrix: Any) -> Any:
    """The transpose over the last two axes; a vector is returned unchanged."""
    own = own_method(matrix, "transpose")
    if own:
        return own()
    return matrix if matrix.ndim < 2 else matrix.mT


def trace(matrix: Any) -> Any:
    """``sum_i A_ii`` of A (d, d), or the sum of a (d,) diagonal."""
    own = own_method(matrix, "trace")
    return own() if own else total(diagonal(matrix))


def diagonal(matrix: Any) -> Any:
    """The diagonal (d,) of A (d, d); a vector (d,) is one already."""
    own = own_method(matrix, "diagonal")
    if own:
        return own()
    if matrix.ndim == 1:
        return matrix
    if has_objects(matrix):
        return np.diagonal(matrix).copy()
    return namespace(matrix).linalg.diagonal(matrix)


def identity_matrix(n: int, like: Any = None) -> Any:
    """The identity (n, n) with entries, namespace and device of the array `like`."""
    own = own_method(like, "identity")
    if own:
        return own()
    if not is_array(like):
        return np.eye(n)
    if has_objects(like):
        zero = like.reshape(-1)[0] * 0
        return np.where(np.eye(n, dtype=bool), zero + 1, zero)
    xp = namespace(like)
    return xp.eye(n, dtype=like.dtype, device=array_api_compat.device(like))


def diagonal_matrix(entries: Any) -> Any:
    """The matrix (d, d) with the given diagonal (d,) and zeros elsewhere."""
    return identity_matrix(entries.shape[0], like=entries) * entries[None, :]


def solve(matrix: Any, b: Any) -> Any:
    """``A^{-1} b`` for A (d, d), or (d,) meaning diagonal, and b (d,) or (d, m).

    Raises
    ------
    ZeroDivisionError
        For exact numbers and balls, if A is singular or not certainly regular.
    numpy.linalg.LinAlgError
        For floats, if A is singular.
    """
    own = own_method(matrix, "solve")
    if own:
        return own(b)
    if matrix.ndim == 1:
        return b / matrix if b.ndim == 1 else b / matrix[:, None]
    if has_objects(matrix) or has_objects(b):
        return _eliminate(matrix, b)
    xp = namespace(matrix, b)
    return xp.linalg.solve(matrix, b[:, None])[:, 0] if b.ndim == 1 else xp.linalg.solve(matrix, b)


def square_root(x: Any) -> Any:
    """``sqrt(x)``, elementwise.

    Raises
    ------
    NotExact
        For an exact number that is not the square of a rational.
    ValueError
        For a negative exact number or Python number.
    """
    return power(x, Fraction(1, 2))


def power(x: Any, exponent: Any) -> Any:
    """``x ** exponent``, elementwise, for an int, Fraction, float or SymPy exponent.

    Raises
    ------
    NotExact
        For an exact number whose power is irrational.
    ValueError
        For a fractional power of a negative exact number or Python number.

    >>> power(Fraction(8, 27), Fraction(2, 3)), power(4.0, Fraction(1, 2))
    (Fraction(4, 9), 2.0)
    """
    if is_array(x):
        if has_objects(x):
            return _elementwise(lambda entry: scalar_power(entry, exponent), x)
        xp = namespace(x)
        half = exponent == Fraction(1, 2)
        return xp.sqrt(x) if half else x ** (exponent if whole(exponent) else float(exponent))
    return scalar_power(x, exponent)


def matrix_power(matrix: Any, exponent: Any) -> Any:
    """``A ** exponent`` of a symmetric positive definite A (d, d), or (d,) meaning diagonal.

    Floats go through the eigendecomposition; exact numbers and balls take whole exponents.

    Raises
    ------
    NotExact
        For a fractional power of a full matrix of exact numbers or balls.
    """
    own = own_method(matrix, "power")
    if own:
        return own(exponent)
    if matrix.ndim == 1:
        return power(matrix, exponent)
    if not has_objects(matrix):
        values, vectors = namespace(matrix).linalg.eigh(matrix)
        return (vectors * power(values, exponent)[None, :]) @ transpose(vectors)
    if not whole(exponent):
        raise NotExact(f"power {exponent} of a full matrix has no exact form")
    result = identity_matrix(matrix.shape[0], like=matrix)
    for _ in range(abs(int(exponent))):
        result = result @ matrix
    one = identity_matrix(matrix.shape[0], like=matrix)
    return result if exponent >= 0 else solve(result, one)


def absolute(x: Any) -> Any:
    """``|x|``, elementwise."""
    return abs(x)


def maximum(x: Any, y: Any) -> Any:
    """The larger of x and y, elementwise; rigorous for balls, `Max` for SymPy."""
    return _extreme(x, y, "max")


def minimum(x: Any, y: Any) -> Any:
    """The smaller of x and y, elementwise; rigorous for balls, `Min` for SymPy."""
    return _extreme(x, y, "min")


def largest(x: Any) -> Any:
    """The largest entry of a non-empty array."""
    return _fold(x, maximum) if has_objects(x) else namespace(x).max(x)


def smallest(x: Any) -> Any:
    """The smallest entry of a non-empty array."""
    return _fold(x, minimum) if has_objects(x) else namespace(x).min(x)


def total(x: Any, axis: int | None = None) -> Any:
    """The sum of all entries, or over one axis."""
    own = own_method(x, "total")
    return own() if own else namespace(x).sum(x, axis=axis)


def mean(x: Any, axis: int | None = None) -> Any:
    """The average of all entries, or over one axis."""
    return total(x, axis=axis) / (math.prod(x.shape) if axis is None else x.shape[axis])


def is_symmetric(matrix: Any) -> bool:
    """Whether A (d, d) equals its transpose entry by entry; a (d,) diagonal always does.

    Two places that hold the same object hold the same number, also where it is a ball.
    """
    own = own_method(matrix, "is_symmetric")
    if own:
        return bool(own())
    if matrix.ndim == 1:
        return True
    n = matrix.shape[0]
    return matrix.shape == (n, n) and all(
        matrix[i, j] is matrix[j, i] or bool(matrix[i, j] == matrix[j, i])
        for i in range(n)
        for j in range(i)
    )


def is_positive_definite(matrix: Any) -> bool:
    """Whether A (d, d), or (d,) meaning diagonal, is symmetric with ``x' A x > 0`` for x != 0.

    Floats: smallest eigenvalue > 0. Exact numbers and balls: every pivot of ``L D L'`` is
    (certainly) > 0, which is rigorous.
    """
    return _definite(matrix, "is_positive_definite", strict=True)


def is_positive_semidefinite(matrix: Any) -> bool:
    """Whether A (d, d), or (d,) meaning diagonal, is symmetric with ``x' A x >= 0`` for all x.

    Floats: smallest eigenvalue ``>= -d u max|eigenvalue|``, u the machine epsilon (the backward
    error of the eigenvalue solver). Exact numbers: by ``L D L'``, where a zero pivot needs a
    zero column. Balls: True only where that is certain.
    """
    return _definite(matrix, "is_positive_semidefinite", strict=False)


def _definite(matrix: Any, name: str, *, strict: bool) -> bool:
    own = own_method(matrix, name)
    if own:
        return bool(own())
    if matrix.ndim == 1:
        return all(bool(matrix[i] > 0 if strict else matrix[i] >= 0)
                   for i in range(matrix.shape[0]))  # fmt: skip
    if not is_symmetric(matrix):
        return False
    if has_objects(matrix):
        return _pivots_positive(matrix, strict=strict)
    xp = namespace(matrix)
    values = xp.linalg.eigvalsh(xp.astype(matrix, xp.float64))
    if strict:
        return bool(xp.all(values > 0))
    slack = matrix.shape[0] * float(np.finfo(float).eps) * xp.max(xp.abs(values))
    return bool(xp.all(values >= -slack))


def _pivots_positive(matrix: Any, *, strict: bool) -> bool:
    rest = matrix.copy()
    while rest.shape[0]:
        pivot, column = rest[0, 0], rest[1:, 0]
        if pivot > 0:
            rest = rest[1:, 1:] - np.multiply.outer(column, column) / pivot
            continue
        zero_column = pivot == 0 and all(bool(entry == 0) for entry in column)
        if strict or not zero_column:
            return False
        rest = rest[1:, 1:]
    return True


def _eliminate(matrix: Any, b: Any) -> Any:
    a, right = matrix.astype(object), np.array(b, dtype=object)
    n = a.shape[0]
    for k in range(n):
        pivot = max(range(k, n), key=lambda row: _pivot_size(a[row, k]))
        if not _pivot_size(a[pivot, k]) > 0:
            raise ZeroDivisionError("matrix is singular, or not certainly regular")
        a[[k, pivot]], right[[k, pivot]] = a[[pivot, k]], right[[pivot, k]]
        for row in range(k + 1, n):
            factor = a[row, k] / a[k, k]
            a[row, k:] = a[row, k:] - factor * a[k, k:]
            right[row] = right[row] - factor * right[k]
    for k in range(n - 1, -1, -1):
        right[k] = (right[k] - sum(a[k, j] * right[j] for j in range(k + 1, n))) / a[k, k]
    return right


def _pivot_size(entry: Any) -> Any:
    if hasattr(entry, "free_symbols"):
        # A symbolic pivot is usable unless it is visibly zero.
        return 0 if entry.is_zero or entry == 0 else 1
    return entry.abs_lower() if hasattr(entry, "abs_lower") else abs(entry)


def _extreme(x: Any, y: Any, name: str) -> Any:
    if has_objects(x) or has_objects(y):
        return _elementwise(lambda a, b: scalar_extreme(a, b, name), x, y)
    if is_array(x) or is_array(y):
        xp = namespace(x, y)
        like = x if is_array(x) else y
        x, y = (v if is_array(v) else xp.asarray(v, dtype=like.dtype) for v in (x, y))
        return xp.maximum(x, y) if name == "max" else xp.minimum(x, y)
    return scalar_extreme(x, y, name)


def _fold(x: Any, operation: Callable[[Any, Any], Any]) -> Any:
    entries = x.reshape(-1)
    result = entries[0]
    for entry in entries[1:]:
        result = operation(result, entry)
    return result


def _elementwise(function: Callable[..., Any], *arrays: Any) -> Any:
    return np.frompyfunc(function, len(arrays), 1)(*arrays)
