"""Checks of what users pass to the public functions; each error is one line."""

from __future__ import annotations

from typing import Any

import numpy as np

from theory import arrays
from theory.scalars import has_objects, is_array


def finite_array(name: str, value: Any) -> Any:
    """`value` as an array of finite real numbers; integers become floats.

    Raises
    ------
    ValueError
        If it is not numeric, or an entry is complex, infinite or NaN.
    """
    try:
        array = value if is_array(value) else np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {value!r}; it must be an array of real numbers") from None
    if has_objects(array):
        return array
    xp = arrays.namespace(array)
    if not xp.isdtype(array.dtype, ("integral", "real floating")):
        raise ValueError(f"{name} has dtype {array.dtype}; it must hold real numbers")
    if xp.isdtype(array.dtype, "integral"):
        return xp.astype(array, xp.float64)
    wrong = xp.nonzero(~xp.isfinite(xp.reshape(array, (-1,))))[0]
    if wrong.shape[0]:
        index = tuple(int(i) for i in np.unravel_index(int(wrong[0]), array.shape))
        raise ValueError(f"{name}{list(index)} is {float(array[index])}; it must be finite")
    return array


def gradient_rows(gradients: Any) -> Any:
    """`gradients` as a finite array of shape (t+1, d), both at least 1; raises ValueError."""
    array = finite_array("gradients", gradients)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"gradients has shape {tuple(array.shape)}; it must be (t+1, d), one "
                         "gradient a row, at least one row and one column")  # fmt: skip
    return array


def positive(name: str, value: Any) -> Any:
    """A number > 0 that is finite; raises ValueError."""
    if not value > 0 or value == float("inf"):
        raise ValueError(f"{name} is {value}; it must be finite and > 0")
    return value


def decay_rate(value: Any) -> Any:
    """A number in [0, 1); raises ValueError."""
    if not 0 <= value < 1:
        raise ValueError(f"beta is {value}; it must be in [0, 1)")
    return value


def definite_matrix(name: str, value: Any) -> Any:
    """A symmetric positive definite array (d, d), or (d,) meaning diagonal.

    Floats may be asymmetric by ``d u max|A|``, u the machine epsilon: what a product of rounded
    factors leaves behind.

    Raises
    ------
    ValueError
        If the shape, the symmetry or the definiteness is wrong.
    """
    matrix = finite_array(name, value)
    if matrix.ndim not in (1, 2) or 0 in matrix.shape or matrix.shape[0] != matrix.shape[-1]:
        raise ValueError(f"{name} has shape {tuple(matrix.shape)}; it must be (d, d), or (d,) "
                         "meaning diagonal")  # fmt: skip
    if matrix.ndim == 2 and not has_objects(matrix):
        matrix = _symmetrised(name, matrix)
    if not arrays.is_symmetric(matrix):
        raise ValueError(f"{name} is not symmetric; it must be symmetric positive definite")
    if not arrays.is_positive_definite(matrix):
        raise ValueError(f"{name} is not positive definite; every eigenvalue must be > 0")
    return matrix


def _symmetrised(name: str, matrix: Any) -> Any:
    xp = arrays.namespace(matrix)
    asymmetry = float(xp.max(xp.abs(matrix - matrix.mT)))
    allowed = matrix.shape[0] * xp.finfo(matrix.dtype).eps * float(xp.max(xp.abs(matrix)))
    if asymmetry > allowed:
        raise ValueError(f"{name} is not symmetric: entries differ from their mirror image by up "
                         f"to {asymmetry:.3g}; it must be symmetric")  # fmt: skip
    return (matrix + matrix.mT) / 2
