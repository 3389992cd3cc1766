"""Activations and losses of a network's layers, each exponential taken once where NumPy is fast.

Arrays of any namespace are given to `activations`. For float64 NumPy arrays whose entries are too
small to overflow, the same formulas need neither selections by sign nor maxima; the numbers differ
by rounding of what is added up.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from theory.models.activations import ACTIVATIONS, LOSSES

__all__ = ["Outputs", "activated", "derivatives", "is_plain", "make_outputs"]

Array = Any
# Exponentials of such numbers can be added and multiplied in pairs.
_LARGEST = 300.0


def activated(name: str, z: Array) -> tuple[Array, Array | None]:
    """The activation's value, and what its derivatives can use again."""
    if name == "sigmoid" and is_plain(z) and _is_small(z):
        return _logistic(z)
    return ACTIVATIONS[name].value(z), None


def derivatives(
    name: str, z: Array, value: Array, other: Array | None
) -> tuple[Array, Array | None]:
    """First and second derivative of the activation; `value` and `other` as from `activated`."""
    if other is None:
        return ACTIVATIONS[name].derivatives(z, value)
    rest = other * value
    slope = rest * value
    np.subtract(rest, value, out=rest)
    return slope, np.multiply(rest, slope, out=rest)


def make_outputs(objective: str, z: Array, y: Array) -> Outputs:
    """The loss of the outputs z (..., m, k) with targets y (..., m, k), by the fastest way."""
    fast = objective in _SMALL and is_plain(z) and is_plain(y) and _is_small(z)
    return (_SMALL[objective] if fast else Outputs)(objective, z, y)


def is_plain(array: Any) -> bool:
    """Whether it is a float64 NumPy array."""
    return type(array) is np.ndarray and array.dtype == np.float64


class Outputs:
    """The mean over samples of a loss, with its derivatives by the outputs.

    Parameters
    ----------
    objective : str
    z, y : arrays (..., m, k)
        Outputs and targets, whose leading axes broadcast.
    """

    def __init__(self, objective: str, z: Array, y: Array) -> None:
        self._own, self._z, self._y, self._m = LOSSES[objective], z, y, z.shape[-2]

    def loss(self) -> Array:
        """The mean loss, shape (...)."""
        value = self._own.value(self._z, self._y)
        return array_namespace(value).mean(value, axis=-1)

    def gradient(self) -> Array:
        """Its gradient by z, (..., m, k)."""
        return self._own.gradient(self._z, self._y) / self._m

    def curved(self, r: Array, out: Array = None) -> Array:
        """Its second derivative times r (..., m, k), for NumPy arrays into `out` if it is given."""
        found = self._map(r) / self._m
        if out is None:
            return found
        out[...] = found
        return out

    @cached_property
    def _map(self) -> Any:
        return self._own.curvature(self._z, self._y)


class _Binary(Outputs):
    r"""Logits: :math:`\log(1+e^z) - yz = \log(1+e^{-z}) + (1-y) z`."""

    @cached_property
    def _parts(self) -> tuple[Array, Array]:
        return _logistic(self._z)

    def loss(self) -> Array:
        logarithms = np.log1p(self._parts[1])
        return (np.sum(logarithms, axis=(-2, -1)) + _inner(1.0 - self._y, self._z)) / self._m

    def gradient(self) -> Array:
        found = self._parts[0] - self._y
        found /= self._m
        return found

    def curved(self, r: Array, out: Array = None) -> Array:
        return np.multiply(self._scale, r, out=out)

    @cached_property
    def _scale(self) -> Array:
        value, tail = self._parts
        found = value * value
        found *= tail
        found /= self._m
        return found


class _Softmax(Outputs):
    """Classes."""

    @cached_property
    def _parts(self) -> tuple[Array, Array, Array]:
        """Exponentials, their sums, and the sums of the targets, each (..., m, k)."""
        powers = np.exp(self._z)
        return powers, _sums(powers), _sums(self._y)

    def loss(self) -> Array:
        _, sums, mass = self._parts
        logarithms = np.log(sums[..., :1])
        return (_inner(mass[..., :1], logarithms) - _inner(self._y, self._z)) / self._m

    def gradient(self) -> Array:
        return self._scale[1] - self._y / self._m

    def curved(self, r: Array, out: Array = None) -> Array:
        chances, scale = self._scale
        found = np.multiply(chances, r, out=out)
        found = np.subtract(r, _sums(found), out=out)
        return np.multiply(found, scale, out=out)

    @cached_property
    def _scale(self) -> tuple[Array, Array]:
        """Probabilities, and what they are times the targets' sums in the mean."""
        powers, sums, mass = self._parts
        chances = powers / sums
        return chances, chances * mass / self._m


_SMALL: dict[str, type[Outputs]] = {"binary-cross-entropy": _Binary, "cross-entropy": _Softmax}


def _is_small(z: Array) -> bool:
    """Whether all entries are; False where one is not a number."""
    return bool(z.max() < _LARGEST and z.min() > -_LARGEST)


def _logistic(z: Array) -> tuple[Array, Array]:
    """``1/(1 + e^-z)`` and ``e^-z``."""
    tail = np.negative(z)
    np.exp(tail, out=tail)
    value = 1.0 + tail
    return np.divide(1.0, value, out=value), tail


def _sums(array: Array) -> Array:
    """Sums over the last axis, everywhere on it: as a product with ones, which is fast."""
    k = array.shape[-1]
    return np.dot(array.reshape(-1, k), _ones(k)).reshape(array.shape)


@cache
def _ones(k: int) -> Array:
    return np.ones((k, k))


def _inner(a: Array, b: Array) -> Array:
    """Sum of ``a b`` over the last two axes."""
    return np.vdot(a, b) if a.ndim == 2 and b.ndim == 2 else np.sum(a * b, axis=(-2, -1))
