"""Checks of what users pass to the trust-region solvers; each error is one line."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def vector(name: str, value: Any, dimension: int | None = None) -> Array:
    """`value` as a finite float64 array (d,), d >= 1, with d = `dimension` where that is given.

    Raises
    ------
    ValueError
        If it is not numeric, has another shape, or an entry is infinite or NaN.
    """
    return shaped(name, numbers(name, value), dimension)


def shaped(name: str, array: Array, dimension: int | None = None) -> Array:
    """`array` where its shape is (d,) as for `vector`; raises ValueError."""
    wanted = "(d,), d >= 1" if dimension is None else f"({dimension},)"
    if array.ndim != 1 or array.size == 0 or dimension not in (None, array.size):
        raise ValueError(f"{name} has shape {array.shape}; it must be {wanted}")
    return array


def numbers(name: str, value: Any) -> Array:
    """`value` as a float64 array of finite real numbers; raises ValueError."""
    try:
        array = np.asarray(value)
        if np.iscomplexobj(array):
            raise TypeError
        array = array.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {value!r}; it must be an array of real numbers") from None
    if not np.isfinite(array).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name}{list(index)} is {array[index]}; it must be finite")
    return array


def length(v: Array) -> float:
    """The Euclidean norm of v (d,): the bits of `numpy.linalg.norm` at a third of its time."""
    return math.sqrt(v.dot(v))


def symmetric(name: str, value: Any, dimension: int) -> Array:
    """`value` as a symmetric float64 matrix (d, d).

    Entries may differ from their mirror image by ``d u max|M|``, u the machine epsilon: what a
    product of rounded factors leaves behind.

    Raises
    ------
    ValueError
        If the shape is wrong, an entry is not finite, or it is not symmetric.
    """
    matrix = numbers(name, value)
    if matrix.shape != (dimension, dimension):
        raise ValueError(f"{name} has shape {matrix.shape}; it must be {(dimension, dimension)}")
    difference = float(np.max(np.abs(matrix - matrix.T)))
    if difference > dimension * np.finfo(float).eps * float(np.max(np.abs(matrix))):
        raise ValueError(f"{name} is not symmetric: entries differ from their mirror image by up "
                         f"to {difference:.3g}; it must be symmetric")  # fmt: skip
    return matrix / 2 + matrix.T / 2


def positive(name: str, value: Any) -> float:
    """A number > 0 that is finite; raises ValueError."""
    number = scalar(name, value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} is {value!r}; it must be finite and > 0")
    return number


def tolerance(name: str, value: Any) -> float:
    """A number in [0, 1); raises ValueError."""
    number = scalar(name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{name} is {value!r}; it must be in [0, 1)")
    return number


def count(name: str, value: Any, default: int) -> int:
    """A whole number >= 1, or `default` where `value` is None; raises ValueError."""
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} is {value!r}; it must be a whole number >= 1, or None")
    return int(value)


def scalar(name: str, value: Any) -> float:
    """`value` as a float; raises ValueError."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {value!r}; it must be a real number") from None
